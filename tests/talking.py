"""A conversation without a database: facts that change as the effects of each step say, and what the person reads of
it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from bot.texts import read_texts
from bot.whatsapp import messages
from flows import effects as fx
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.events import ChargeReady, Event, HandedBack, Identified, PaymentConfirmed, Pressed, TicketClosed, Typed
from flows.facts import (
    AgreementFact,
    Candidate,
    ChargeFact,
    Debt,
    Facts,
    Instalment,
    PolicyInForce,
    Rules,
    SealedOffer,
    Settlement,
    TicketFact,
)
from flows.negotiating import agreement_of
from flows.offers import InstalmentOffer
from flows.policy import read_policy
from flows.step import State, Step, step
from flows.wording import Texts, Written, write

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
CREDITOR = "Escola Aurora"
ANA = Candidate(customer_id=1, name="Ana Souza", document="52998224725")
BRUNO = Candidate(customer_id=2, name="Bruno Carvalho", document="11144477735")
TWIN = Candidate(customer_id=3, name="Célia Prado", document="52912345606")  # begins as Ana's does
BAKERY = Candidate(customer_id=4, name="Padaria Pão Quente", document="11222333000181")
_SAMPLE = Path(__file__).resolve().parent.parent / "flows" / "policies" / "padrao.yaml"


@cache
def texts() -> Texts:
    """The words in Portuguese."""
    return read_texts("pt_BR")


@cache
def policy(source: bytes | None = None) -> PolicyInForce:
    """The sample policy in force, or another."""
    read = read_policy(source or _SAMPLE.read_bytes(), name="padrao.yaml")
    assert not isinstance(read, tuple), read
    return PolicyInForce(digest=read.digest, policy=read)


def debt(no: int = 7, *, late: int = 18, cents: int = 34990, what: str = "Mensalidade de outubro", **more: Any) -> Debt:
    """An open debt, so many days late."""
    fields: dict[str, Any] = {
        "id": no,
        "external_id": f"NF-{no}",
        "description": what,
        "principal_cents": cents,
        "open_principal_cents": cents,
        "due_on": TODAY - timedelta(days=late),
    }
    return Debt(**{**fields, **more})


@dataclass
class Chat:
    """One conversation. `candidates` may be there; `debts` are those of whoever confirms."""

    candidates: tuple[Candidate, ...] = (ANA,)
    debts: tuple[Debt, ...] = (debt(),)
    customer: Candidate | None = None
    in_force: PolicyInForce | None = field(default_factory=policy)
    rules: Rules = Rules(creditor_name=CREDITOR)
    now: datetime = NOW
    state: State = State()
    owner: str = "bot"
    effects: tuple[fx.Effect, ...] = ()  # of the last step
    offers: tuple[SealedOffer, ...] = ()
    charges: tuple[ChargeFact, ...] = ()
    agreements: tuple[AgreementFact, ...] = ()
    opted_out: bool = False
    closed: bool = False
    wrong: int = 0
    ticket: TicketFact | None = None
    settlement: Settlement | None = None
    next_no: int = 1

    @property
    def facts(self) -> Facts:
        """What a decision may know now."""
        today = self.now.date()
        terms = self.in_force.policy.terms if self.in_force is not None else NO_LATE_CHARGES
        known = self.customer is not None
        owed = tuple(d for d in self.debts if d.state in ("open", "agreed")) if known else ()
        return Facts(
            now=self.now,
            today=today,
            rules=self.rules,
            next_no=self.next_no,
            candidates=self.candidates,
            customer=self.customer,
            contact_closed=self.closed,
            wrong_answers_today=self.wrong,
            opted_out=self.opted_out,
            window_closes_at=self.now + timedelta(hours=20),
            debts=owed,
            costs={d.id: cost_of(d, today, terms) for d in owed if d.state == "open"},
            policy=self.in_force,
            offers=tuple(o for o in self.offers if o.honoured_until >= today or o.accepted),
            charges=self.charges,
            agreements=self.agreements if known else (),
            ticket=self.ticket,
            settlement=self.settlement,
        )

    def known(self) -> "Chat":
        """The same, with Ana confirmed."""
        self.customer = self.candidates[0]
        return self

    def hears(self, event: Event) -> "Chat":
        """One event, and the rest of its turn where it tells who is there."""
        done = self._step(event)
        if any(isinstance(effect, fx.Identify) for effect in done.effects):
            more = self._step(Identified())
            done = more._replace(effects=(*done.effects, *more.effects))
        self.effects = done.effects
        if isinstance(event, HandedBack | TicketClosed):
            self.ticket = None
        return self

    def types(self, *said: str) -> "Chat":
        """The person writes, one message after the other."""
        for text in said:
            self.hears(Typed(text=text, message_id="wamid.1"))
        return self

    def presses(self, *titles: str) -> "Chat":
        """The person presses what is written on the last message with choices."""
        for title in titles:
            choices = [choice for written in self.written for choice in written.choices]
            choice = next(c for c in choices if c.title == title)
            self.hears(
                Pressed(action=choice.action, object_id=choice.object_id, version=choice.version, message_id="wamid.2")
            )
        return self

    def charge_is_ready(self) -> "Chat":
        """The provider made the charge that was asked for last."""
        last = self.charges[-1]
        self.charges = (*self.charges[:-1], replace(last, state="active", code=f"00020126PIX{last.no}"))
        return self.hears(ChargeReady(charge_no=last.no))

    def is_paid(self, settlement: Settlement, *, charge_no: int | None = None) -> "Chat":
        """The bank confirmed money, which settles what `settlement` says."""
        self.settlement = settlement
        self.hears(
            PaymentConfirmed(
                end_to_end_id="E1", amount_cents=settlement.amount_cents, paid_at=self.now, charge_no=charge_no
            )
        )
        self.settlement = None
        paid = set(settlement.settled_debts)
        self.debts = tuple(replace(d, state="paid") if d.id in paid else d for d in self.debts)
        return self

    def all(self, kind: type[Any]) -> list[Any]:
        """The effects of a kind in the last step."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def place(self) -> str:
        """Where the talk is."""
        return self.state.configuration[-1]

    @property
    def written(self) -> list[Written]:
        """What was said in the last step, in words."""
        said = [
            fx.Say(wording=e.wording, values=e.values) if isinstance(e, fx.SendPaper) and e.wording else e
            for e in self.effects
        ]
        return [write(say, texts()) for say in said if isinstance(say, fx.Say) and say.wording != "code"]

    @property
    def text(self) -> str:
        """All bodies of the last step."""
        return "\n\n".join(written.body for written in self.written)

    @property
    def titles(self) -> list[str]:
        """What can be pressed now."""
        return [choice.title for written in self.written for choice in written.choices]

    def _step(self, event: Event) -> Step:
        stored = json.loads(json.dumps(self.state.to_json()))
        done = step(State.from_json(stored), self.facts, event)
        self.state, self.owner = done.state, done.owner
        for effect in done.effects:
            self._write(effect)
        return done

    def _write(self, effect: fx.Effect) -> None:
        """What the shell would do with an effect."""
        match effect:
            case fx.Identify():
                self.customer = next(c for c in self.candidates if c.customer_id == effect.customer_id)
                self.wrong = 0
            case fx.ForgetIdentity():
                self.customer = None
            case fx.CloseContact():
                self.customer, self.closed = None, True
            case fx.CountWrongAnswer():
                self.wrong = effect.tries
            case fx.OptOut() | fx.OptIn():
                self.opted_out = isinstance(effect, fx.OptOut)
            case fx.OpenTicket():
                self.ticket = self.ticket or TicketFact(id=1, reason=effect.reason)
            case fx.SealOffer():
                self.next_no = max(self.next_no, effect.offer_no + 1)
                sealed = SealedOffer(
                    no=effect.offer_no,
                    debt_id=effect.debt_id,
                    offer=effect.offer,
                    policy_digest=effect.policy_digest,
                    shown_on=self.now.date(),
                    honoured_until=effect.honoured_until,
                )
                self.offers = (*self.offers, sealed)
            case fx.Charge():
                self._charge(effect)
            case fx.Agree():
                self._agree(effect)
            case fx.EndAgreement():
                self._end(effect.debt_id)
                self.debts = tuple(
                    replace(d, state="open", agreements_ended=d.agreements_ended + 1) if d.id == effect.debt_id else d
                    for d in self.debts
                )
            case fx.MoveInstalment():
                self._move(effect)
            case fx.Promise():
                self.debts = tuple(
                    replace(d, promised_until=effect.until, promises=d.promises + 1) if d.id == effect.debt_id else d
                    for d in self.debts
                )
            case _:
                pass

    def _charge(self, effect: fx.Charge) -> None:
        self.next_no = max(self.next_no, effect.charge_no + 1)
        made = ChargeFact(
            no=effect.charge_no,
            amount_cents=effect.amount_cents,
            pay_until=effect.pay_until,
            state="requested",
            parts=effect.parts,
            offer_no=effect.offer_no,
            agreement_offer_no=effect.agreement_offer_no,
            instalment_n=effect.instalment_n,
        )
        kept = tuple(replace(c, state="cancelled") if c.no in effect.replaces else c for c in self.charges)
        self.charges = (*kept, made)

    def _agree(self, effect: fx.Agree) -> None:
        sealed = next(o for o in self.offers if o.no == effect.offer_no)
        assert not sealed.accepted, "an offer makes one agreement"
        assert isinstance(sealed.offer, InstalmentOffer)
        self.offers = tuple(replace(o, accepted=True) if o.no == sealed.no else o for o in self.offers)
        self.debts = tuple(replace(d, state="agreed") if d.id == sealed.debt_id else d for d in self.debts)
        before = next(d for d in self.debts if d.id == sealed.debt_id)
        made = replace(agreement_of(sealed.no, sealed.debt_id, sealed.offer), restored=replace(before, state="open"))
        if effect.renegotiated:
            self._end(sealed.debt_id)
        self.agreements = (*self.agreements, made)

    def _end(self, debt_id: int) -> None:
        assert any(a.debt_id == debt_id and a.state == "active" for a in self.agreements)
        self.agreements = tuple(replace(a, state="broken") if a.debt_id == debt_id else a for a in self.agreements)

    def _move(self, effect: fx.MoveInstalment) -> None:
        def moved(i: Instalment) -> Instalment:
            return replace(i, due_on=effect.due_on, moved_from=i.moved_from or i.due_on) if i.n == effect.n else i

        self.agreements = tuple(
            replace(a, instalments=tuple(map(moved, a.instalments)))
            if a.debt_id == effect.debt_id and a.state == "active"
            else a
            for a in self.agreements
        )


def as_whatsapp(say: fx.Say, written: Written) -> Mapping[str, Any]:
    """The message as it is sent; raises where WhatsApp would refuse it."""
    link = "https://aurora.example/pay/x"
    if say.link_charge_no is not None:
        return messages.content(messages.LinkButton(body=written.body, label="Abrir", url=link, header_image=link))
    if not written.choices:
        return messages.content(messages.Text(body=written.body))
    if written.list_button is None:
        buttons = tuple(messages.Button(id=str(n), title=c.title) for n, c in enumerate(written.choices))
        return messages.content(messages.Buttons(body=written.body, buttons=buttons))
    rows = tuple(messages.Row(id=str(n), title=c.title, description=c.detail) for n, c in enumerate(written.choices))
    return messages.content(
        messages.List(body=written.body, button=written.list_button, sections=(messages.Section(rows=rows),))
    )
