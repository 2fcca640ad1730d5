"""Everything that is wrong or doubtful in a ladder file and in the templates that it uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.decency import findings
from flows.ladder import Ladder, read_ladder
from flows.ladder_templates import TemplateFact, misfits
from flows.yaml_lines import Mistake, read_lines
from flows.yaml_values import mistake_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The ladder where it can be read, mistakes and warnings in the order of lines."""

    ladder: Ladder | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()


def check_ladder(file: Path, templates: Path, *, creditor: str = "") -> Checked:
    """Check a ladder file against a templates file. `creditor`: whose name may stand in a template."""
    source = file.read_bytes()
    ladder = read_ladder(source, name=file.name)
    if isinstance(ladder, tuple):
        return Checked(ladder=None, mistakes=ladder)
    read = read_templates(templates.read_bytes(), name=templates.name)
    if not isinstance(read, Mapping):
        return Checked(ladder=ladder, mistakes=read)
    wrong, doubtful = misfits(source, ladder, {name: fact_of(one) for name, one in read.items()}, name=file.name)
    unkind, unsure = _wording(templates, [one for one in read.values() if one.name in _used(ladder)], creditor)
    return Checked(ladder=ladder, mistakes=(*wrong, *unkind), warnings=(*doubtful, *unsure))


def _used(ladder: Ladder) -> set[str]:
    return {ladder.first_contact, ladder.group, *(step.template for step in ladder.steps() if step.template)}


def _wording(
    file: Path, templates: Sequence[MessageTemplate], creditor: str
) -> tuple[tuple[Mistake, ...], tuple[Mistake, ...]]:
    """What the templates' words should not say, at the lines of their bodies."""
    node, _ = read_lines(file.read_bytes(), file=file.name)
    entries = node.get("templates") if node is not None else None
    if node is None or entries is None or not isinstance(entries.value, list):
        return (), ()
    places = {entry.get("name").value: n for n, entry in enumerate(entries.value) if entry.get("name") is not None}  # type: ignore[union-attr]  # it is not None
    wrong: list[Mistake] = []
    doubtful: list[Mistake] = []
    for template in templates:
        for found in findings(
            template.body,
            examples=template.examples,
            category=template.category,
            creditor=creditor,
            name=template.name,
            buttons=[button.key for button in template.buttons],
        ):
            path = ("templates", places[template.name], "body")
            quoted = f'"{found.quoted}": ' if found.quoted else ""
            mistake = mistake_at(node, path, f"{quoted}{found.reason}", found.remedy, file=file.name)
            (wrong if found.severity == "error" else doubtful).append(mistake)
    return tuple(wrong), tuple(doubtful)


def fact_of(template: MessageTemplate, *, stopped: str | None = None, category: str | None = None) -> TemplateFact:
    """What a decision has to know of a template; `stopped` and `category` are what Meta says of it."""
    return TemplateFact(
        name=template.name,
        category=category or template.category,
        header_image=template.header_image,
        parameters=template.parameters,
        buttons=tuple(button.key for button in template.buttons),
        link=template.link is not None,
        stopped=stopped,
    )
