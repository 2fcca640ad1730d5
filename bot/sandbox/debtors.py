"""Simulated people: how somebody like this answers a reminder and whatever the bot says next, and after how long.

They know only what a person would see: the words' names, the buttons, the code. All chance is the debtor's own, so the
same seed answers alike.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from flows.effects import Choice, Remind, Say
from flows.events import Pressed, Typed

Kind: TypeAlias = Literal["reader", "payer", "negotiator", "promiser", "silent", "angry", "wrong_number"]
Wants: TypeAlias = Literal["pay", "negotiate", "promise", "human", "silence", "nothing"]

_PRESSES = 12  # then the patience for this talk is at its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Pays:
    """The person pays a charge in the bank's app, if its code is still good."""

    charge_no: int


Deed: TypeAlias = Pressed | Typed | Pays
"""What a person does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How likely (of 1) a person reads a reminder, does something about one that was read, and pays what they have a
    code for; what they may want; the hours until they read it, and until they act on it."""

    reads: float
    acts: float
    pays: float
    wants: tuple[Wants, ...]
    reads_within_h: float = 3.0
    acts_after_h: tuple[float, float] = (0.02, 2.0)


HABITS: Mapping[Kind, Habits] = {
    "payer": Habits(reads=0.95, acts=0.6, pays=0.95, wants=("pay",)),
    "reader": Habits(reads=0.95, acts=0.3, pays=0.85, wants=("pay",), acts_after_h=(20.0, 120.0)),
    "negotiator": Habits(reads=0.9, acts=0.5, pays=0.85, wants=("negotiate", "negotiate", "pay")),
    "promiser": Habits(reads=0.85, acts=0.45, pays=0.75, wants=("promise", "promise", "pay")),
    "silent": Habits(reads=0.3, acts=0.03, pays=0.5, wants=("pay", "negotiate"), reads_within_h=30.0),
    "angry": Habits(reads=0.9, acts=0.35, pays=0.5, wants=("silence", "human", "human", "nothing")),
    "wrong_number": Habits(reads=0.7, acts=0.6, pays=0.0, wants=("nothing",)),
}
_OF_A_HUNDRED: Mapping[Kind, int] = {
    "payer": 28,
    "reader": 22,
    "negotiator": 16,
    "promiser": 9,
    "silent": 18,
    "angry": 4,
    "wrong_number": 3,
}
_STOP = ("parem de me mandar mensagem", "sair", "não quero mais receber mensagens")
_CALL = ("quero falar com um atendente", "isso é um absurdo", "quero falar com uma pessoa")
_ASKS_WHO = ("ask_who", "ask_who_again", "ask_who_in_letters", "answer_wrong")


def kind_of(chance: random.Random) -> Kind:
    """Draw what kind of person somebody is."""
    return chance.choices(list(_OF_A_HUNDRED), list(_OF_A_HUNDRED.values()))[0]


class Debtor:
    """One person: their habits, what they want just now, and how much patience is left for this talk."""

    def __init__(self, kind: Kind, document: str, chance: random.Random) -> None:
        self.kind, self.wants = kind, "nothing"
        self._habits, self._document, self._chance = HABITS[kind], document, chance
        self._patience = _PRESSES

    wants: Wants

    def reads_after(self) -> timedelta | None:
        """After how long a message is read; None: never."""
        if self._chance.random() >= self._habits.reads:
            return None
        return timedelta(hours=0.01 + self._chance.random() ** 2 * self._habits.reads_within_h)

    def on_reminder(self, reminder: Remind) -> tuple[timedelta, Deed] | None:
        """What follows from a reminder that was read, counted from then; None: nothing."""
        self._patience = _PRESSES
        if self._chance.random() >= self._habits.acts:
            return None
        low, high = self._habits.acts_after_h
        after = timedelta(hours=self._chance.uniform(low, high))
        if reminder.purpose == "first_contact":
            wanted = "not_me" if self.kind == "wrong_number" else "its_me"
            self.wants = self._chance.choice(self._habits.wants)
            return self._pressed(after, reminder.choices, wanted)
        is_instalment = any(item.n >= 0 for item in reminder.items)
        self.wants = "pay" if is_instalment and self.kind != "angry" else self._chance.choice(self._habits.wants)
        if self.wants == "pay" and reminder.picture_charge_no is not None and self._chance.random() < 0.6:
            self.wants = "nothing"
            return after, Pays(charge_no=reminder.picture_charge_no)
        return self._towards_wish(after, reminder.choices)

    def on_said(self, said: Sequence[Say]) -> tuple[timedelta, Deed] | None:
        """What follows from what the bot said, counted from then; None: the person leaves it at that."""
        code = next((say.code_charge_no or say.card_charge_no for say in said if _is_code(say)), None)
        if code is not None:
            self.wants = "nothing"
            if self._chance.random() >= self._habits.pays:
                return None
            return timedelta(minutes=self._chance.uniform(1, 90)), Pays(charge_no=code)
        asked = next((say for say in reversed(said) if say.choices), None)
        if asked is None or self.wants == "nothing" or self._patience <= 0 or self._chance.random() < 0.03:
            return None
        self._patience -= 1
        after = timedelta(seconds=self._chance.uniform(4, 240))
        if asked.wording in _ASKS_WHO:
            return after, Typed(text=self._answer())
        return self._chosen(after, asked.choices)

    def renews(self) -> Deed | None:
        """What follows where a code turned out to be too old."""
        if self._chance.random() >= 0.7:
            return None
        self.wants = "pay"
        return Pressed(action="pay")

    def keeps_word(self) -> bool:
        """Whether a day that was promised is kept."""
        return self._chance.random() < 0.65

    def _answer(self) -> str:
        wrong = self._chance.random() < 0.04
        return f"{(int(self._document[:3]) + 7) % 1000:03d}" if wrong else self._document[:3]

    def _towards_wish(self, after: timedelta, choices: Sequence[Choice]) -> tuple[timedelta, Deed] | None:
        match self.wants:
            case "silence":
                self.wants = "nothing"
                return after, Typed(text=self._chance.choice(_STOP))
            case "human":
                self.wants = "nothing"
                return after, Typed(text=self._chance.choice(_CALL))
            case "promise":
                self.wants = "negotiate"  # where no day can be promised there may be an offer
                return after, Typed(text=f"pago em {self._chance.randrange(2, 7)} dias")
            case "pay" | "negotiate" as wanted:
                return self._pressed(after, choices, wanted)
            case _:
                return None

    def _chosen(self, after: timedelta, choices: Sequence[Choice]) -> tuple[timedelta, Deed] | None:
        """Which of several things is pressed on the way to what is wanted."""
        actions = {choice.action for choice in choices}
        if "accept" in actions:
            other = "due_day" if "due_day" in actions and self._chance.random() < 0.15 else "offers"
            wanted = "accept" if self._chance.random() < 0.75 else other
            return self._pressed(after, choices, wanted)
        if "offer" in actions:
            offers = [choice for choice in choices if choice.action in ("offer", "promise")]
            chosen = self._chance.choice(offers)
            return after, _press(chosen)
        if "due_day" in actions:
            return after, _press(self._chance.choice([c for c in choices if c.action == "due_day"]))
        if self.wants == "negotiate" and "negotiate" not in actions and "pay" in actions:
            self.wants = "pay"  # there was nothing to negotiate
        return self._towards_wish(after, choices)

    def _pressed(self, after: timedelta, choices: Sequence[Choice], action: str) -> tuple[timedelta, Deed] | None:
        found = [choice for choice in choices if choice.action == action]
        return (after, _press(found[0])) if found else None


def _press(choice: Choice) -> Pressed:
    return Pressed(action=choice.action, object_id=choice.object_id, version=choice.version, message_id="wamid.S")


def _is_code(say: Say) -> bool:
    return say.code_charge_no is not None or say.card_charge_no is not None
