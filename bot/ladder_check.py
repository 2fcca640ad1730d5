"""Everything that is wrong or doubtful in a ladder file and in the templates that it uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.ladder import Ladder, read_ladder
from flows.ladder_templates import TemplateFact, misfits
from flows.yaml_lines import Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The ladder where it can be read, mistakes and warnings in the order of lines."""

    ladder: Ladder | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()


def check_ladder(file: Path, templates: Path) -> Checked:
    """Check a ladder file against a templates file."""
    source = file.read_bytes()
    ladder = read_ladder(source, name=file.name)
    if isinstance(ladder, tuple):
        return Checked(ladder=None, mistakes=ladder)
    read = read_templates(templates.read_bytes(), name=templates.name)
    if not isinstance(read, Mapping):
        return Checked(ladder=ladder, mistakes=read)
    wrong, doubtful = misfits(source, ladder, {name: fact_of(one) for name, one in read.items()}, name=file.name)
    return Checked(ladder=ladder, mistakes=wrong, warnings=doubtful)


def fact_of(template: MessageTemplate, *, stopped: str | None = None) -> TemplateFact:
    """What a decision has to know of a template."""
    return TemplateFact(
        name=template.name,
        category=template.category,
        header_image=template.header_image,
        parameters=template.parameters,
        buttons=tuple(button.key for button in template.buttons),
        link=template.link is not None,
        stopped=stopped,
    )
