"""The fictional people of the demo: who they are on WhatsApp, and what they owe on the day the demo begins.

The phones, names and documents belong to nobody; the documents have valid check digits, as the program insists on.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from bot.debts_csv import DebtRow
from bot.sandbox.chats import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """One debt: centavos, and when it was or will be due, in days from the demo's first day."""

    external_id: str
    amount_cents: int
    due_in_days: int
    what: str
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to be. `hint` (a msgid) is for whoever tries the demo; the bot does not know it."""

    account: Account
    hint: str
    document: str = ""
    customer_id: str = ""
    phone: str | None = None
    debts: tuple[Debt, ...] = ()


ANA = Person(
    account=Account(name="Ana Souza", wa_id="5511987654321", user_id="BR.13491208655302741918"),
    hint="One invoice, a few days late. CPF begins with {digits}.",
    document="52998224725",
    customer_id="C-001",
    phone="5511987654321",
    debts=(Debt(external_id="NF-1001", amount_cents=34990, due_in_days=-10, what="Mensalidade"),),
)
BRUNO = Person(
    # An account of before the ninth digit: WhatsApp still knows it by eight.
    account=Account(name="Bruno Carvalho", wa_id="558192345678", user_id="BR.22222222222222222222"),
    hint="Two invoices, a number without the ninth digit. CPF begins with {digits}.",
    document="11144477735",
    customer_id="C-002",
    phone="5581992345678",
    debts=(
        Debt(external_id="NF-1002", amount_cents=15900, due_in_days=-18, what="Curso de inglês"),
        Debt(external_id="NF-1003", amount_cents=8950, due_in_days=-3, what="Material didático"),
    ),
)
CARLA = Person(
    account=Account(name="Carla Dias", wa_id="5521998765432", user_id="BR.33333333333333333333"),
    hint="Long overdue: a discount, twelve instalments, a promise. CPF begins with {digits}.",
    document="12345678909",
    customer_id="C-003",
    phone="5521998765432",
    debts=(Debt(external_id="NF-1004", amount_cents=248000, due_in_days=-75, what="Semestre letivo"),),
)
BAKERY = Person(
    account=Account(name="Padaria Pão Quente", wa_id="5531987651234", user_id="BR.44444444444444444444"),
    hint="A company that pays early. CNPJ begins with {digits}.",
    document="11222333000181",
    customer_id="C-004",
    phone="5531987651234",
    debts=(Debt(external_id="NF-1005", amount_cents=123456, due_in_days=5, what="Treinamento da equipe"),),
)
DAVI = Person(
    account=Account(name="Davi Nogueira", wa_id="5541991234567", user_id="BR.55555555555555555555"),
    hint="Due today, nothing added yet. CPF begins with {digits}.",
    document="98765432100",
    customer_id="C-005",
    phone="5541991234567",
    debts=(Debt(external_id="NF-1006", amount_cents=18900, due_in_days=0, what="Mensalidade"),),
)
ELISA = Person(
    account=Account(name="Elisa Prado", wa_id="5551992345678", user_id="BR.66666666666666666666"),
    hint="So much that only a person may decide. CPF begins with {digits}.",
    document="39053344705",
    customer_id="C-006",
    phone="5551992345678",
    debts=(Debt(external_id="NF-1007", amount_cents=2530000, due_in_days=-40, what="Pós-graduação"),),
)
FABIO = Person(
    account=Account(name="Fábio Lima", wa_id="5561993456789", user_id="BR.77777777777777777777"),
    hint="Has asked for a person already: answer at the desk. CPF begins with {digits}.",
    document="86288366757",
    customer_id="C-007",
    phone="5561993456789",
    debts=(Debt(external_id="NF-1008", amount_cents=64000, due_in_days=-20, what="Oficina de robótica"),),
)
GABI = Person(
    account=Account(name="Gabi", wa_id=None, user_id="BR.88888888888888888888", username="gabi.escreve"),
    hint="Hides the phone number and owes nothing.",
)
PEOPLE = (ANA, BRUNO, CARLA, BAKERY, DAVI, ELISA, FABIO, GABI)


def debts_on(first_day: date, people: tuple[Person, ...] = PEOPLE) -> tuple[DebtRow, ...]:
    """Return what people owe, as rows of a debts file that was made on `first_day`."""
    pairs = [(person, debt) for person in people for debt in person.debts]
    return tuple(_row(line, person, debt, first_day) for line, (person, debt) in enumerate(pairs, start=2))


def _row(line: int, person: Person, debt: Debt, first_day: date) -> DebtRow:
    due = first_day + timedelta(days=debt.due_in_days)
    return DebtRow(
        line=line,
        external_id=debt.external_id,
        customer_id=person.customer_id,
        name=person.account.name,
        document=person.document,
        phone=person.phone,
        email=None,
        amount_cents=debt.amount_cents,
        due=due,
        description=f"{debt.what} {due:%m/%Y}",
        tags=debt.tags,
        opt_in="matrícula",
    )
