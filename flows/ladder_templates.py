"""A ladder and the message templates that it names: what does not fit together, with the line of the step.

A template can be used by a ladder if it exists, if all its parameters are among those that a reminder fills, if its
buttons are ones that the conversation understands, and if its picture is one that the step brings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from flows.events import Action
from flows.ladder import Ladder
from flows.ladder_days import preview
from flows.yaml_lines import Mistake, Node, Path, read_lines
from flows.yaml_values import mistake_at

PARAMETERS = ("nome", "descricao", "valor", "quando", "vencimento", "quantidade", "empresa")
"""What a reminder can say: see docs/ladder.md."""
BUTTONS: Mapping[str, Action] = {
    "pay": "pay",
    "negotiate": "negotiate",
    "human": "human",
    "its_me": "its_me",
    "not_me": "not_me",
}
"""The buttons of a reminder's template, and what a press on them means."""
_ABOUT_A_DEBT = ("descricao", "valor", "quando", "vencimento", "quantidade")
_A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFact:
    """What a decision has to know of a template. `buttons` by our names; `link`: it has a button to the payment page;
    `stopped`: why it may not be sent now.
    """

    name: str
    category: str = "UTILITY"
    header_image: bool = False
    parameters: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    link: bool = False
    stopped: str | None = None

    @property
    def names_nothing(self) -> bool:
        """Whether it says nothing of a debt, so that it may reach somebody who is not the debtor."""
        return not set(self.parameters) & set(_ABOUT_A_DEBT)


def misfits(
    source: bytes, ladder: Ladder, templates: Mapping[str, TemplateFact], *, name: str
) -> tuple[tuple[Mistake, ...], tuple[Mistake, ...]]:
    """Return mistakes and warnings of a ladder (of these bytes) with these templates, in the order of its lines."""
    node, _ = read_lines(source, file=name)
    assert node is not None  # it was read as a ladder
    wrong: list[Mistake] = []
    doubtful: list[Mistake] = []
    for t, track in enumerate(ladder.tracks):
        for s, step in enumerate(track.steps):
            if step.template is None:
                continue
            path: Path = ("tracks", t, "steps", s)
            template = templates.get(step.template)
            reasons = _reasons(template, step.template, step.attach)
            wrong += [mistake_at(node, (*path, key), why, what, file=name) for key, why, what in reasons]
            if template is not None and template.category != "UTILITY":
                why = f"{template.name} is {template.category}: only who agreed to marketing gets it"
                doubtful.append(mistake_at(node, (*path, "template"), why, "Make it UTILITY if it can be.", file=name))
        doubtful += _above_caps(node, ladder, t, file=name)
    wrong += _first_contact(node, ladder, templates, file=name)
    by_line = lambda mistake: (mistake.line, mistake.column)  # noqa: E731  # twice, and nowhere else
    return tuple(sorted(wrong, key=by_line)), tuple(sorted(doubtful, key=by_line))


def _reasons(template: TemplateFact | None, name: str, attach: object) -> list[tuple[str, str, str]]:
    if template is None:
        return [("template", f"there is no template {name}", "Add it to the templates file, or name another.")]
    found: list[tuple[str, str, str]] = []
    unknown = [one for one in template.parameters if one not in PARAMETERS]
    if unknown:
        remedy = f"Use {', '.join(PARAMETERS)}."
        found.append(("template", f"{name} wants {{{{{unknown[0]}}}}}, which a reminder cannot fill", remedy))
    strange = [one for one in template.buttons if one not in BUTTONS]
    if strange:
        found.append(("template", f"{name} has the button {strange[0]}", f"Use {', '.join(BUTTONS)}."))
    if template.header_image and attach != "pix_qr":
        found.append(("template", f"{name} has a picture, and the step brings none", "Add attach: pix_qr."))
    if attach == "pix_qr" and not template.header_image:
        found.append(("attach", f"{name} has no place for a picture", "Give it header: image, or drop attach."))
    if attach == "payment_link" and not template.link:
        found.append(("attach", f"{name} has no button to the payment page", "Give it link: pay, or drop attach."))
    if template.link and attach != "payment_link":
        found.append(("template", f"{name} has a button to the payment page", "Add attach: payment_link."))
    return found


def _first_contact(node: Node, ladder: Ladder, templates: Mapping[str, TemplateFact], *, file: str) -> list[Mistake]:
    template = templates.get(ladder.first_contact)
    if template is None:
        return []
    if not template.names_nothing:
        why = f"{template.name} speaks of a debt to somebody who has not said who they are"
        return [mistake_at(node, ("first_contact",), why, "Leave out everything but {{nome}}.", file=file)]
    return []


def _above_caps(node: Node, ladder: Ladder, index: int, *, file: str) -> list[Mistake]:
    """A track that alone says more in a week than the caps allow: what is too much waits, and people should know."""
    days = [one.at.date() for one in preview(ladder, ladder.tracks[index], date(2026, 6, 10)) if one.step.template]
    most = max((sum(first <= day < first + _A_WEEK for day in days) for first in days), default=0)
    if most <= ladder.caps.week:
        return []
    why = f"the track alone has {most} messages in seven days, and caps.week is {ladder.caps.week}"
    return [mistake_at(node, ("tracks", index, "steps"), why, "What is too much waits for another day.", file=file)]
