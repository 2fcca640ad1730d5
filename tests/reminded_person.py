"""A person whom the ladder reminds, without any shell: every reminder that is decided counts as sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from flows.effects import Charge, ClearTimer, OpenTicket, PassSteps, Remind, Reminded, SetTimer, TellFinance
from flows.events import ChargeFailed, ChargeReady, Event, TimerFired
from flows.facts import Candidate, ChargeFact, CostOfDebt, Debt, Facts, Rules, TicketFact
from flows.ladder import Ladder, read_ladder
from flows.ladder_facts import Contact, LadderFacts
from flows.ladder_templates import TemplateFact
from flows.step import State, Step, step

ZONE = ZoneInfo("America/Sao_Paulo")
ACRE = ZoneInfo("America/Rio_Branco")
ANA = Candidate(customer_id=7, name="Ana Souza", document="52998224725")
WEEK = timedelta(days=7)
A_DAY = timedelta(days=1)
ALWAYS = "{monday_to_friday: open, saturday: open, sunday: open, holidays: open}"
OFFICE = '{monday_to_friday: ["08:00", "20:00"], saturday: ["08:00", "14:00"], state: SP}'
TEMPLATES = {
    "t": TemplateFact(name="t", parameters=("nome", "valor"), buttons=("pay", "negotiate", "human")),
    "p": TemplateFact(name="p", parameters=("nome", "valor"), header_image=True),
    "confirme_quem_e": TemplateFact(name="confirme_quem_e", parameters=("nome",), buttons=("its_me", "not_me")),
    "varias_faturas": TemplateFact(name="varias_faturas", parameters=("nome", "quantidade"), buttons=("pay",)),
}


def laddered(steps: str, *, hours: str = OFFICE, more: str = "") -> Ladder:
    track = f"  - name: todos\n    steps: [{steps}]\n"
    found = read_ladder(f"ladder: t\ntitle: T\ncontact_hours: {hours}\n{more}tracks:\n{track}".encode(), name="t.yaml")
    assert isinstance(found, Ladder), [str(one) for one in found]
    return found


def owes(due: date, n: int = 1, cents: int = 10_000) -> Debt:
    return Debt(
        id=n,
        external_id=f"D-{n}",
        description=f"Fatura {n}",
        principal_cents=cents,
        open_principal_cents=cents,
        due_on=due,
    )


@dataclass
class World:
    """A person, their books and a clock: every reminder that is decided counts as sent."""

    ladder: Ladder
    now: datetime
    debts: dict[int, Debt]
    known: LadderFacts
    facts: Facts
    state: State = field(default_factory=State)
    timer: datetime | None = None
    sent: list[tuple[datetime, Remind]] = field(default_factory=list)
    turns: int = 0
    charge_no: int | None = None
    told: Counter[int] = field(default_factory=Counter)

    @property
    def local(self) -> datetime:
        return self.now.astimezone(self.ladder.timezone)

    def looks(self, event: Event | None = None) -> tuple[Remind, ...]:
        """One turn of the ladder, its effects kept as the shell keeps them. Return what was said."""
        self.turns += 1
        today, debts = self.local.date(), tuple(self.debts.values())
        costs = {d.id: CostOfDebt(debt_id=d.id, principal_cents=d.open_principal_cents) for d in debts}
        self.known = replace(self.known, debts=debts, costs=costs)
        self.facts = replace(
            self.facts,
            now=self.now,
            today=today,
            debts=debts if self.facts.customer else (),
            costs=costs if self.facts.customer else {},
            ladder=self.known,
            next_no=self.facts.next_no + 5,
        )
        result = step(self.state, self.facts, event or TimerFired(name="ladder", subject=ANA.customer_id))
        self.state = result.state
        return self._keep(result, today)

    def _keep(self, result: Step, today: date) -> tuple[Remind, ...]:
        said = tuple(one for one in result.effects if isinstance(one, Remind))
        over = set(self.known.done)
        self.timer = None if event_clears(result) else self.timer
        for effect in result.effects:
            match effect:
                case Remind():
                    contact = Contact(
                        at=self.now,
                        on=today,
                        purpose=effect.purpose,
                        template=effect.template,
                        debts=frozenset(item.debt_id for item in effect.items),
                    )
                    self.known = replace(self.known, contacts=(*self.known.contacts, contact))
                    self.sent.append((self.now, effect))
                    over |= self._over(over, effect.items, False)
                case PassSteps():
                    over |= self._over(over, effect.items, effect.tickets)
                case OpenTicket():
                    ticket = TicketFact(id=1, reason=effect.reason)
                    self.facts = replace(self.facts, ticket=ticket)
                    self.known = replace(self.known, has_ticket=True)
                case SetTimer(name="ladder"):
                    assert effect.fire_at > self.now, "a timer of the past"
                    self.timer = effect.fire_at
                case Charge():
                    self._charged(effect)
                case TellFinance():
                    self.told[effect.debt_id] += 1
                case _:
                    pass
        self.known = replace(self.known, done=frozenset(over))
        return said

    @staticmethod
    def _over(
        over: set[tuple[int, int, int, bool]], items: Sequence[Reminded], tickets: bool
    ) -> set[tuple[int, int, int, bool]]:
        found = {(item.debt_id, item.n, item.day, tickets) for item in items}
        assert not found & over, "a step that was over"
        return found

    def _charged(self, effect: Charge) -> None:
        made = ChargeFact(
            no=effect.charge_no,
            amount_cents=effect.amount_cents,
            pay_until=effect.pay_until,
            state="requested",
            parts=effect.parts,
        )
        self.facts = replace(self.facts, charges=(*self.facts.charges, made))
        self.charge_no = made.no

    def charge_is(self, state: Literal["active", "failed"]) -> tuple[Remind, ...]:
        """The provider answers about the newest charge."""
        no, self.charge_no = self.charge_no, None
        if no is None:
            return ()
        charges = tuple(replace(c, state=state) if c.no == no else c for c in self.facts.charges)
        self.facts = replace(self.facts, charges=charges)
        return self.looks(
            ChargeReady(charge_no=no) if state == "active" else ChargeFailed(charge_no=no, reason="failed")
        )


def event_clears(result: Step) -> bool:
    return any(isinstance(one, ClearTimer) and one.name == "ladder" for one in result.effects)


def world(ladder: Ladder, *debts: Debt, now: datetime, confirmed: bool = True, **known: Any) -> World:
    facts = Facts(
        now=now,
        today=now.astimezone(ladder.timezone).date(),
        rules=Rules(creditor_name="Escola Aurora"),
        candidates=(ANA,),
        customer=ANA if confirmed else None,
    )
    about = LadderFacts(ladder=ladder, customer_id=ANA.customer_id, templates=TEMPLATES)
    about = replace(about, **known)
    return World(ladder, now, {d.id: d for d in debts}, about, facts)


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZONE).astimezone(UTC)
