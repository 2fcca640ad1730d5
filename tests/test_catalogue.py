"""The catalogue of what people read: each text is used, each used text is there, and both have the same blanks."""

import ast
import re
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from tests.source import PRODUCT, ROOT, modules

CATALOGUE = ROOT / "locales" / "pt_BR" / "LC_MESSAGES" / "acerto.po"
_BLANK = re.compile(r"\{(\w+)\}|%\((\w+)\)s")
_MARKS = {"texts": None, "_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


@cache
def catalogue() -> Catalog:
    """The Portuguese catalogue."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="pt_BR")


@cache
def texts_of_pages() -> set[str]:
    """What the pages' templates say through the catalogue."""
    found: set[str] = set()
    for page in (ROOT / "bot").rglob("*.html"):
        with page.open("rb") as file:
            for _, message, *_ in extract(
                "jinja2.ext:babel_extract", file, keywords=_MARKS, options={"newstyle_gettext": "1"}
            ):
                found.update([message] if isinstance(message, str) else message)
    return found


def texts_of_code() -> set[str]:
    """What code hands to the catalogue as it stands."""
    return {
        node.args[0].value
        for module in modules(*PRODUCT)
        for node in module.nodes()
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and ast.unparse(node.func).rsplit(".", 1)[-1] in _MARKS
    }


def all_literals() -> set[str]:
    """Every text that stands in the source, wherever."""
    literals = {
        node.value
        for module in modules(*PRODUCT)
        for node in module.nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return literals | texts_of_pages()


def ids(message_id: str | list[str] | tuple[str, ...]) -> list[str]:
    """The singular and plural of a message."""
    return [message_id] if isinstance(message_id, str) else list(message_id)


def blanks(text: str) -> set[str]:
    """The names of the values that are filled in."""
    return {first or second for first, second in _BLANK.findall(text)}


def test_there_is_one_catalogue() -> None:
    assert list((ROOT / "locales").rglob("*.po")) == [CATALOGUE]
    assert len(catalogue()) > 30


def test_every_text_is_said_somewhere() -> None:
    said = all_literals()
    assert sorted(i for message in catalogue() if message.id for i in ids(message.id) if i not in said) == []


def test_every_text_that_is_said_is_in_the_catalogue() -> None:
    kept = {i for message in catalogue() if message.id for i in ids(message.id)}
    assert sorted((texts_of_pages() | texts_of_code()) - kept) == []


def test_every_text_is_in_portuguese_with_the_same_blanks() -> None:
    wrong = []
    for message in catalogue():
        if not message.id:
            continue
        given = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        wanted = {blank for text in ids(message.id) for blank in blanks(text)}
        if message.fuzzy or not all(given) or any(blanks(text) - wanted for text in given):
            wrong.append(ids(message.id)[0])
        elif isinstance(message.id, str) and blanks(given[0]) != wanted:
            wrong.append(message.id)
    assert wrong == []


def test_the_catalogue_has_no_old_texts() -> None:
    assert catalogue().obsolete == {}
    assert not Path(CATALOGUE.with_suffix(".mo")).exists()
