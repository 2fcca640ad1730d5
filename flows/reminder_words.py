"""What a reminder says: the values of its template's parameters, in the language of the person.

`nome`, `descricao`, `valor` (of today, all that it asks for), `quando` (the payable day as seen from today),
`vencimento` (as a date), `quantidade`, `empresa`. The neutral first contact has the names only, and of the person's
family name one letter.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from flows.effects import Remind, Reminded
from flows.facts import Candidate, Facts
from flows.ladder_facts import NO_INSTALMENT
from flows.wording import VALUE, Texts, cut, plain

_SEVERAL = 300  # of the list of descriptions in one reminder
_SHORT = 2


def reminder_values(remind: Remind, facts: Facts, texts: Texts) -> Mapping[str, str]:
    """Return every parameter that a reminder can have, by its name."""
    creditor = cut(plain(facts.rules.creditor_name), VALUE)
    person = facts.customer or next((c for c in facts.candidates if c.customer_id == remind.customer_id), None)
    if remind.purpose == "first_contact":
        return {"nome": _half_named(person), "empresa": creditor}
    first = min(remind.items, key=lambda item: item.payable_on)
    return {
        "nome": cut(plain(_as_written(person.first_name)), VALUE) if person is not None else "",
        "descricao": _described(remind.items, facts.today, texts),
        "valor": texts.money(sum(item.cents for item in remind.items)),
        "quando": texts.when(first.payable_on, facts.today),
        "vencimento": texts.day(first.payable_on),
        "quantidade": str(len(remind.items)),
        "empresa": creditor,
    }


def _described(items: Sequence[Reminded], today: date, texts: Texts) -> str:
    if len(items) == 1:
        return _name(items[0], texts)
    said = [
        texts.filled(
            "reminded_late" if item.payable_on < today else "reminded_due",
            {"description": _name(item, texts), "when": texts.when(item.payable_on, today)},
        )
        for item in items
    ]
    return cut("; ".join(said), _SEVERAL)


def _name(item: Reminded, texts: Texts) -> str:
    description = cut(plain(item.description), VALUE)
    if item.n == NO_INSTALMENT:
        return description
    if item.n == 0:
        return texts.filled("reminded_entry", {"description": description})
    return texts.filled("reminded_instalment", {"description": description, "n": item.n, "count": item.count})


def _as_written(name: str) -> str:
    return name.title() if name.isupper() else name


def _half_named(person: Candidate | None) -> str:
    """`Ana S.`: enough for who is meant to know it, little for anybody else; a company by its name."""
    if person is None:
        return ""
    words = _as_written(plain(person.name)).split()
    if person.first_name == person.name or len(words) < _SHORT:
        return cut(" ".join(words), VALUE)
    return cut(f"{words[0]} {words[-1][0]}.", VALUE)
