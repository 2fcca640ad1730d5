"""The portfolio of a simulation: customers who do not exist, where they live, what they owe and since when.

Each customer is drawn from the seed and its own number alone, so that the same seed gives the same portfolio, whole or
in parts. Amounts are integer centavos, days local.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.sandbox.debtors import Kind, kind_of
from flows.facts import Candidate, Debt
from payments.documents import NotADocument, read_document

# Area code, state, time zone of the phone, and how many of a hundred live there.
_PLACES = (
    ("11", "SP", "America/Sao_Paulo", 34),
    ("19", "SP", "America/Sao_Paulo", 8),
    ("21", "RJ", "America/Sao_Paulo", 14),
    ("31", "MG", "America/Sao_Paulo", 14),
    ("41", "PR", "America/Sao_Paulo", 8),
    ("71", "BA", "America/Bahia", 8),
    ("27", "ES", "America/Sao_Paulo", 3),
    ("82", "AL", "America/Maceio", 2),
    ("92", "AM", "America/Manaus", 4),
    ("69", "RO", "America/Porto_Velho", 2),
    ("65", "MT", "America/Cuiaba", 2),
    ("68", "AC", "America/Rio_Branco", 1),
)
_NAMES = ("Ana", "Bruno", "Célia", "Davi", "Elisa", "Fábio", "Helena", "Igor", "Joana", "Lucas", "Marta", "Otávio")
_SURNAMES = ("Souza", "Carvalho", "Prado", "Nogueira", "Lima", "Rezende", "Moura", "Teixeira", "Barros", "Pires")
_WHAT = ("Mensalidade", "Material didático", "Curso de inglês", "Transporte", "Taxa de matrícula")
_DEBTS = (1,) * 76 + (2,) * 17 + (3,) * 7
_LATE_BEFORE = (0,) * 6 + (1,) * 2 + (2, 4)
_KNOWN_PERCENT = 60  # have said who they are in an earlier conversation
_FIRST_DUE, _LAST_DUE = -45, 50  # days from the start
_ON_RECORD_BEFORE = timedelta(days=20)  # later debts come in so many days before they are due


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A debt, and the local day on which it comes on record."""

    debt: Debt
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody simulated. `late_before`: debts that they paid late before the simulation; `is_known`: they have said
    who they are."""

    candidate: Candidate
    kind: Kind
    phone: str
    state: str
    zone: str
    owed: tuple[Owed, ...]
    late_before: int
    tenure_days: int
    is_known: bool
    opted_in: bool

    @property
    def id(self) -> int:
        """Their number, from 1 up."""
        return self.candidate.customer_id


def customer_of(seed: int, number: int, start: date) -> Customer:
    """Return the customer of that number in the portfolio of `seed`, as on the first day."""
    chance = random.Random(f"portfolio {seed} {number}")  # noqa: S311  # a portfolio is no secret
    area, state, zone, _ = chance.choices(_PLACES, [place[3] for place in _PLACES])[0]
    late_before = chance.choice(_LATE_BEFORE)
    kind = kind_of(chance)
    return Customer(
        candidate=Candidate(
            customer_id=number,
            name=f"{chance.choice(_NAMES)} {chance.choice(_SURNAMES)}",
            document=_document(chance),
        ),
        kind=kind,
        phone=f"55{area}9{number:08d}",
        state=state,
        zone=zone,
        owed=_owed(chance, number, start),
        late_before=late_before,
        tenure_days=chance.randrange(5, 1500),
        is_known=kind != "wrong_number" and chance.randrange(100) < _KNOWN_PERCENT,
        opted_in=chance.random() < 0.9,
    )


def as_on_record(owed: Sequence[Owed], day: date, late_before: int) -> tuple[Debt, ...]:
    """Return the debts that are on record on `day`."""
    return tuple(replace(one.debt, late_before=late_before) for one in owed if one.since <= day)


def _owed(chance: random.Random, number: int, start: date) -> tuple[Owed, ...]:
    found: list[Owed] = []
    for n in range(chance.choice(_DEBTS)):
        due = start + timedelta(days=chance.randrange(_FIRST_DUE, _LAST_DUE + 1))
        cents = _amount(chance)
        debt = Debt(
            id=number * 10 + n,
            external_id=f"S-{number}-{n}",
            description=f"{chance.choice(_WHAT)} {due:%m/%Y}",
            principal_cents=cents,
            open_principal_cents=cents,
            due_on=due,
            tags=frozenset({"juridico"}) if chance.random() < 0.01 else frozenset(),
        )
        found.append(Owed(debt=debt, since=max(start, due - _ON_RECORD_BEFORE)))
    return tuple(sorted(found, key=lambda one: (one.debt.due_on, one.debt.id)))


def _amount(chance: random.Random) -> int:
    """Most owe some hundreds, a few some thousands, and one in a hundred more than a policy decides by itself."""
    if chance.random() < 0.01:
        return chance.randrange(2_000_000, 4_000_000)
    return chance.choice((3_000, 9_000, 25_000, 40_000, 90_000, 250_000)) + chance.randrange(30_000)


def _document(chance: random.Random) -> str:
    """A CPF with valid check digits."""
    body = f"{chance.randrange(10**9):09d}"
    digits = [int(letter) for letter in body]
    for _ in range(2):
        rest = sum(digit * weight for digit, weight in zip(reversed(digits), range(2, 12), strict=False)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    found = "".join(map(str, digits))
    return _document(chance) if isinstance(read_document(found), NotADocument) else found
