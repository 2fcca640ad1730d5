"""Whatever happens in whatever order: no error, no word of a debt to strangers, no dead end, no wrong centavo."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from flows import effects as fx
from flows.events import (
    Action,
    AgentReplied,
    ChargeFailed,
    ContactChanged,
    DeliveryFailed,
    Event,
    HandedBack,
    Pressed,
    Sent,
    TicketClaimed,
    TicketClosed,
    TimerFired,
    Typed,
)
from flows.facts import Settlement
from flows.wording import write
from tests.talking import ANA, BAKERY, BRUNO, TWIN, Chat, as_whatsapp, debt, texts

SAID = (
    "oi",
    "1",
    "2",
    "3",
    "7",
    "529",
    "52998224725",
    "529.982.247-25",
    "111",
    "999",
    "sim",
    "não",
    "menu",
    "parar",
    "3x",
    "quero pagar",
    "quero parcelar",
    "falar com atendente",
    "não sou eu",
    "voltar a receber",
    "quanto devo?",
    "já paguei",
    "não reconheço essa dívida",
    "perdi o emprego",
    "pago sexta",
    "pago hoje",
    "vou pagar dia 10",
    "por que recebi isso?",
    "obrigado",
    "vai se ferrar",
    "aceita cartão?",
    "isso é golpe?",
    "manda o boleto",
    "asdfgh",
    "dia 15",
    "",
    "\u202e*_~`",
    "9" * 700,
)
PEOPLE: dict[str, Any] = {"ticket_id": 1, "agent_id": 2, "agent_name": "Rita"}
FROM_THE_PERSON = (Typed, Pressed, Sent)

typed = st.sampled_from(SAID).map(lambda text: Typed(text=text, message_id="wamid.1"))
pressed = st.builds(
    Pressed,
    action=st.sampled_from(get_args(Action)),
    object_id=st.integers(-2, 14),
    version=st.sampled_from([0, 0, 5, 10, 99]),
)
happened = st.sampled_from(
    [
        Sent(kind="strange_press"),
        Sent(kind="audio"),
        Sent(kind="image"),
        Sent(kind="image", caption="quero pagar"),
        Sent(kind="location"),
        ContactChanged(),
        TimerFired(name="nudge"),
        ChargeFailed(charge_no=1, reason="provider_away"),
        ChargeFailed(charge_no=1, reason="expired"),
        TicketClaimed(**PEOPLE),
        AgentReplied(**PEOPLE, text="Bom dia"),
        HandedBack(ticket_id=1, agent_id=2),
        TicketClosed(ticket_id=1, agent_id=2),
        DeliveryFailed(outbox_id=1, code=131026, purpose="reply"),
        DeliveryFailed(outbox_id=1, code=131026, purpose="agreement"),
    ]
)
moves = st.sampled_from([*["on"] * 12, "ready", "paid", "paid_again", "paid_strangely", "tomorrow"])
CHATS = st.sampled_from(
    [
        Chat,
        lambda: Chat(
            debts=(debt(late=70, cents=248000), debt(8, late=3, what="Material"), debt(9, late=-5, what="Aula"))
        ),
        lambda: Chat(debts=(debt(late=400, cents=2_500_000),)),
        lambda: Chat(debts=()),
        lambda: Chat(candidates=(ANA, BRUNO)),
        lambda: Chat(candidates=(ANA, TWIN)),
        lambda: Chat(candidates=(BAKERY,), in_force=None),
        lambda: Chat(candidates=()),
        lambda: Chat(rules=replace(Chat().rules, identity="none", native_card=True)),
        lambda: Chat(debts=tuple(debt(n, late=n, what=f"*Fatura*\n{'x' * 80}{n}") for n in range(1, 14))),
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    make=CHATS,
    confirmed=st.booleans(),
    walk=st.lists(moves, min_size=12, max_size=30)
    | st.lists(st.one_of(moves, moves, typed, pressed, happened), min_size=1, max_size=30),
    data=st.data(),
)
def test_nothing_that_happens_breaks_a_promise(
    make: Callable[[], Chat], confirmed: bool, walk: list[Event | str], data: st.DataObject
) -> None:
    chat = make()
    if confirmed and chat.candidates:
        chat.known().types("menu")
    for one in walk:
        before = replace(chat)
        event = _move(chat, one, data) if isinstance(one, str) else one
        if event is not None:
            chat.hears(event)
        for promise in (
            _every_message_can_be_sent,
            _no_word_of_a_debt_to_strangers,
            _silent_while_a_person_has_it,
            _always_a_way_on,
            _asks_for_what_is_owed,
            _numbers_are_new,
        ):
            promise(before, chat, event)


def _move(chat: Chat, move: str, data: st.DataObject) -> Event | None:
    """What happens only where something is there for it: a press of what is shown, the provider's answer, money,
    time."""
    chat.effects, shown = (), [choice for written in chat.written for choice in written.choices]
    match move:
        case "on" if chat.owner == "person":
            return HandedBack(ticket_id=1, agent_id=2)
        case "on" if not shown:
            return Typed(text="menu")
        case "on":
            further = [choice for choice in shown if choice.action not in ("human", "not_me")]  # these end most walks
            choice = data.draw(st.sampled_from(further or shown))
            return Pressed(action=choice.action, object_id=choice.object_id, version=choice.version)
        case "ready" if chat.charges and chat.charges[-1].state == "requested":
            chat.charge_is_ready()
        case "paid" if chat.charges:
            charge = chat.charges[-1]
            debts = tuple(part.debt_id for part in charge.parts if charge.agreement_offer_no is None)
            chat.is_paid(Settlement(amount_cents=charge.amount_cents, settled_debts=debts), charge_no=charge.no)
        case "paid_again" if chat.charges:
            amount = chat.charges[-1].amount_cents
            chat.is_paid(
                Settlement(amount_cents=amount, surplus_cents=amount, again=True), charge_no=chat.charges[-1].no
            )
        case "paid_strangely":
            chat.is_paid(Settlement(amount_cents=100, surplus_cents=100, known_charge=False))
        case "tomorrow":
            chat.now = chat.now.replace(day=chat.now.day + 1) if chat.now.day < 30 else chat.now
    return None


def _says(chat: Chat) -> Iterator[fx.Say]:
    return (say for say in chat.all(fx.Say) if say.code_charge_no is None)


def _every_message_can_be_sent(_: Chat, chat: Chat, event: Event | None) -> None:
    for say in _says(chat):
        written = write(say, texts())
        as_whatsapp(say, written)
        assert "{" not in written.body


def _no_word_of_a_debt_to_strangers(before: Chat, chat: Chat, event: Event | None) -> None:
    """Until somebody confirmed who they are, and where nobody did."""
    if chat.customer is not None:
        return
    said = chat.text + " ".join(chat.titles)
    assert "R$" not in said
    told = [d.description for d in chat.debts] + [
        name for c in chat.candidates for name in (c.name, c.first_name, c.document)
    ]
    assert [word for word in told if word in said] == []
    assert not any(isinstance(e, fx.Charge | fx.SealOffer | fx.Agree | fx.Promise) for e in chat.effects)


def _silent_while_a_person_has_it(before: Chat, chat: Chat, event: Event | None) -> None:
    if before.owner == "person" and chat.owner == "person":
        assert [say for say in chat.all(fx.Say) if say.purpose != "receipt"] == []
    if before.owner == "person" and isinstance(event, FROM_THE_PERSON):
        assert chat.owner == "person"
        assert chat.all(fx.Say) == []


def _always_a_way_on(before: Chat, chat: Chat, event: Event | None) -> None:
    """Who wrote is answered, and what waits for an answer can be answered by pressing, or is a code to pay."""
    if isinstance(event, FROM_THE_PERSON) and before.owner == "bot":
        asked_to_stop = before.opted_out and chat.opted_out
        assert chat.effects or asked_to_stop
        silent = not chat.all(fx.Say) and not chat.all(fx.Charge)
        assert not silent or asked_to_stop
    if (
        chat.owner == "bot"
        and chat.place in ("identifying", "choosing_debt", "choosing_offer", "reviewing")
        and chat.all(fx.Say)
    ):
        says = [s for s in chat.all(fx.Say) if s.wording != "welcome"]  # who says thanks is not asked again
        codes = any(s.purpose == "receipt" or s.card_charge_no or s.code_charge_no for s in says)
        assert not says or chat.titles or codes
    if chat.owner == "person" and before.owner == "bot" and isinstance(event, FROM_THE_PERSON):
        assert chat.all(fx.OpenTicket)
        assert chat.text


def _asks_for_what_is_owed(_: Chat, chat: Chat, event: Event | None) -> None:
    for charge in chat.all(fx.Charge):
        assert charge.amount_cents > 0
        assert charge.pay_until >= chat.now.date()
        assert charge.amount_cents == sum(part.total_cents for part in charge.parts)
        if charge.agreement_offer_no is None:
            costs = chat.facts.costs
            assert all(part.total_cents <= costs[part.debt_id].total_cents for part in charge.parts)
            assert all(part.principal_cents == costs[part.debt_id].principal_cents for part in charge.parts)
        else:
            agreement = next(a for a in chat.agreements if a.offer_no == charge.agreement_offer_no)
            still = {i.n: i.open_cents for i in agreement.open_instalments}
            asked_for = {part.instalment_n: part.principal_cents for part in charge.parts}
            assert len(asked_for) == len(charge.parts)
            assert asked_for.items() <= still.items()
    alive = [c for c in chat.charges if c.state in ("requested", "active")]
    asked = [(part.debt_id, part.instalment_n) for c in alive for part in c.parts]
    assert len(asked) == len(set(asked)), "nothing is asked for twice"


def _numbers_are_new(before: Chat, chat: Chat, event: Event | None) -> None:
    numbers = [e.offer_no for e in chat.all(fx.SealOffer)] + [e.charge_no for e in chat.all(fx.Charge)]
    if event is not None:
        assert sorted(numbers) == list(range(before.next_no, before.next_no + len(numbers)))
