"""The catalogues: words of a language, read once at the start from the `.po` file that people edit."""

from pathlib import Path

from babel.messages.pofile import read_po

from flows.wording import Texts

_LOCALES = Path(__file__).resolve().parent.parent / "locales"


class NoCatalogue(Exception):
    """There is no catalogue for a language; the message names the file that was looked for."""


def read_texts(locale: str) -> Texts:
    """Return the words of `locale`. English needs no catalogue: the sentences are their own names."""
    if locale == "en":
        return Texts(locale, lambda msgid: msgid)
    path = _LOCALES / locale / "LC_MESSAGES" / "acerto.po"
    if not path.is_file():
        raise NoCatalogue(f"no catalogue at {path}")
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    words = {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
    return Texts(locale, lambda msgid: words.get(msgid, msgid))
