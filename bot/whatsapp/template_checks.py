"""What is wrong in templates.yaml though each part reads by itself: parameters without examples, untitled buttons."""

import re
from collections.abc import Iterator, Mapping

from flows.yaml_lines import Mistake, Node
from flows.yaml_values import mistake_at

_PARAMETER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}", re.ASCII)
_SIDE_BY_SIDE = re.compile(r"\}\}\s*\{\{")


def parameters_of(body: str) -> tuple[str, ...]:
    """Return the parameters of a body, in its order, each once."""
    return tuple(dict.fromkeys(_PARAMETER.findall(body)))


def mistakes_across(node: Node, *, file: str) -> Iterator[Mistake]:
    """What only shows when parts are held against each other."""
    templates, titles = node.get("templates"), node.get("buttons")
    known = titles.value if titles is not None and isinstance(titles.value, dict) else {}
    seen: set[str] = set()
    for n, entry in enumerate(templates.value if templates is not None and isinstance(templates.value, list) else []):
        named = entry.get("name")
        if named is not None and isinstance(named.value, str):
            if named.value in seen:
                yield mistake_at(
                    node, ("templates", n, "name"), "the name stands here again", "Rename or delete one.", file=file
                )
            seen.add(named.value)
        yield from _mistakes_in_parameters(node, n, entry, file)
        yield from _mistakes_in_buttons(node, n, entry, known, file)


def _mistakes_in_parameters(node: Node, n: int, entry: Node, file: str) -> Iterator[Mistake]:
    body = entry.get("body")
    if body is None or not isinstance(body.value, str):
        return
    rest = _PARAMETER.sub("", body.value)
    if "{{" in rest or "}}" in rest:
        reason = "braces stand around something that is no parameter"
        yield mistake_at(node, ("templates", n, "body"), reason, "Write it like {{valor}}.", file=file)
    if _SIDE_BY_SIDE.search(body.value):
        reason = "two parameters stand side by side, which Meta refuses"
        yield mistake_at(node, ("templates", n, "body"), reason, "Put words between them.", file=file)
    examples = entry.get("examples")
    given = examples.value if examples is not None and isinstance(examples.value, dict) else {}
    used = parameters_of(body.value)
    for name in used:
        if name not in given:
            reason = f"the parameter {name} has no example, and Meta refuses that"
            yield mistake_at(node, ("templates", n, "examples"), reason, "Add it to examples.", file=file)
    for name in given:
        if name not in used:
            reason = "the example is for a parameter that the body does not have"
            yield mistake_at(node, ("templates", n, "examples", name), reason, "Correct or delete it.", file=file)


def _mistakes_in_buttons(node: Node, n: int, entry: Node, known: Mapping[str, Node], file: str) -> Iterator[Mistake]:
    buttons = entry.get("buttons")
    seen: set[str] = set()
    for m, button in enumerate(buttons.value if buttons is not None and isinstance(buttons.value, list) else []):
        if not isinstance(button.value, str):
            continue
        path = ("templates", n, "buttons", m)
        if button.value not in known:
            yield mistake_at(node, path, "the button has no title", "Add it under buttons, at the end.", file=file)
        if button.value in seen:
            yield mistake_at(node, path, "the button stands here again", "Keep one.", file=file)
        seen.add(button.value)
