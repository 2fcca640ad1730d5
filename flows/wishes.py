"""What the person wants, whatever way they said it: a press, a number, a word or a whole sentence become one `Wish`.

Buttons, typed numbers and plain words meet here, so that everything after it decides once. Nothing is decided here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, TypeAlias

from flows.events import Action, Pressed, Sent, Typed
from flows.facts import Facts
from flows.offers import InstalmentOffer
from flows.typed_text import plain
from flows.understanding import understand
from payments.cards import holds_masked_card

Want: TypeAlias = (
    Action
    | Literal[
        "greet",
        "answer",
        "balance",
        "statement",
        "boleto",
        "card_number",
        "paid_already",
        "dispute",
        "hardship",
        "promise_day",
        "why",
        "thanks",
        "abuse",
        "question",
        "media",
        "paper",
        "stale",
        "misfit",
        "nothing",
    ]
)

_RUN = re.compile(r"\d(?:[\d.\-/ ]*\d)?")
_NO_ANSWER = re.compile(r"r\$|\breais\b|\d,\d\d\b|\d/\d", re.IGNORECASE)
_ALNUM = re.compile(r"[^0-9A-Za-z]")
_TIMES = re.compile(r"(?:em |quero |prefiro |de )*(\d{1,2}) ?(?:x|vezes|parcelas)[\s.!]*", re.IGNORECASE)
_NUMBER = re.compile(r"((?:todo )?dia )?([0-9]{1,2})[\s.!]*", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")
_ALL_TOGETHER = re.compile(r"\s*(?:(?:quero )?(?:pagar )?(?:tod[ao]s|tudo)(?: juntas?| juntos?)?|as duas|ambas)[\s.!]*")
_AGREE = re.compile(r"\s*(confirm(o|ar|ado)?|aceito|aceitar|sim|s|ok|pode ser|fechado|isso)[\s.!]*", re.IGNORECASE)
_OTHERS = re.compile(r"\s*(n[aã]o|n|(ver )?outras?( op[cç](ão|ao|ões|oes))?)[\s.!]*", re.IGNORECASE)
_OF_AN_AGREEMENT: tuple[tuple[re.Pattern[str], Want], ...] = (
    (
        re.compile(r"\b(mud|troc|adi[ae]|alter|pass|remarc|posterg)\w*\b.*\b(datas?|vencimentos?|dias?|parcelas?)\b"),
        "move_date",
    ),
    (re.compile(r"\b(renegoci\w*|(rever|refazer|mudar|trocar)\b.*\bacordo)\b"), "renegotiate"),
    (
        re.compile(r"\b(quit|antecip|adiant|liquid)\w*\b.*\b(tudo|acordo|todas|restante|resto|parcelas|divida)\b"),
        "settle_all",
    ),
    (re.compile(r"\b(quero|posso|como|para|vou) (quitar|antecipar|adiantar)\b"), "settle_all"),
    (re.compile(r"\b(meu|o|do) acordo\b|^acordo$|\b(minhas|quantas|quais) parcelas\b"), "negotiate"),
)
_ASKED_FOR = r"\b(quer(o|ia)|preciso|mand(a|e|ar)|envi(a|e|ar)|me da|pode|gerar?|tem|cade|segunda via|2a via)\b"
_PAPERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(termo|carta|declaracao) de quitacao\b|\bnada consta\b"), "quittance"),
    (re.compile(rf"{_ASKED_FOR}.*\b(recibo|comprovante)\b|^(o )?(meu )?(recibo|comprovante)$"), "receipt"),
    (re.compile(rf"\b(termo|contrato|documento|pdf) do (meu )?acordo\b|{_ASKED_FOR}.*\bcontrato\b"), "terms"),
    (re.compile(r"\b(calendario|agenda)\b"), "calendar"),
)
_SHORTEST_ANSWER, _LONGEST_ANSWER = 3, 14

_BY_INTENT: Mapping[str, Want] = {
    "pay": "pay",
    "negotiate": "negotiate",
    "human": "human",
    "balance": "balance",
    "boleto": "boleto",
    "paid_already": "paid_already",
    "dispute": "dispute",
    "hardship": "hardship",
    "promise": "promise_day",
    "not_me": "not_me",
    "opt_out": "opt_out",
    "opt_in": "opt_in",
    "why": "why",
    "greeting": "greet",
    "thanks": "thanks",
    "abuse": "abuse",
    "faq": "question",
}
_NUMBERS: Mapping[str, Want] = {"1": "pay", "2": "negotiate", "3": "human"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`object_id` and `version` are what a press names; `day` the day that was said; `answer` the cleaned answer to
    "who is it?"."""

    want: Want = "nothing"
    object_id: int = 0
    version: int = 0
    message_id: str = ""
    day: date | None = None
    answer: str = ""
    topic: str = ""  # of a question; the kind of a medium

    def remembered(self) -> str:
        """Write the wish down, to be done once it is known who is there."""
        return f"{self.want}.{self.object_id}.{self.version}"


NOTHING = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What of the conversation's place matters for understanding: the state, and what could be pressed last."""

    state: str
    choices: tuple[str, ...] = field(default=())


def wish_of(event: Typed | Pressed | Sent, facts: Facts, where: Where) -> Wish:
    """Return what an event asks for, at this place of the conversation."""
    match event:
        case Pressed():
            return Wish(
                want=event.action, object_id=event.object_id, version=event.version, message_id=event.message_id
            )
        case Sent(kind="strange_press"):
            return Wish(want="stale", message_id=event.message_id)
        case Sent():
            said = _typed(event.caption, event.message_id, facts, where) if event.caption.strip() else NOTHING
            if said.want not in ("nothing", "misfit", "greet", "thanks"):
                return said  # the words under a picture count; the picture itself is not seen
            return Wish(want="media", topic=event.kind, message_id=event.message_id)
        case Typed():
            return _typed(event.text, event.message_id, facts, where)


def recalled(text: str, message_id: str = "") -> Wish:
    """Read a wish that was written down."""
    want, object_id, version = text.split(".")
    return Wish(want=want, object_id=int(object_id), version=int(version), message_id=message_id)  # type: ignore[arg-type]  # `remembered` wrote it


def _typed(said: str, message_id: str, facts: Facts, where: Where) -> Wish:
    text = said.strip()
    if holds_masked_card(text):
        return Wish(want="card_number", message_id=message_id)
    if where.state == "identifying" and (answer := _answer(text, facts)):
        return Wish(want="answer", answer=answer, message_id=message_id)
    number = _NUMBER.fullmatch(text)
    chosen = _due_day(int(number[2]), facts, where, named=number[1] is not None) if number is not None else None
    if chosen is not None:
        return replace(chosen, message_id=message_id)
    if number is not None and number[1] is None:
        return _numbered(number[2], where, message_id)
    times = _TIMES.fullmatch(text) if where.state == "choosing_offer" else None
    if times is not None and (no := _with_count(int(times[1]), facts, where)) is not None:
        return Wish(want="offer", object_id=no, message_id=message_id)
    if where.state == "choosing_debt" and (choice := _which(plain(text), facts, where)):
        return recalled(choice, message_id)
    found = understand(text, today=facts.today)
    said_day = found.slots.get("date")
    day = date.fromisoformat(said_day) if isinstance(said_day, str) else None
    if found.intent not in ("paid_already", "dispute", "opt_out") and (paper := _paper(plain(text))) is not None:
        return Wish(want="paper", topic=paper, message_id=message_id)
    if (about := _about_agreement(plain(text), facts)) is not None:
        return Wish(want=about, day=day, message_id=message_id)
    if where.state == "reviewing" and where.choices and where.choices[0].startswith("accept."):
        if _AGREE.fullmatch(text) or found.slots.get("answer") == "yes":
            return recalled(where.choices[0], message_id)
        if _OTHERS.fullmatch(text) or found.slots.get("answer") == "no":
            return Wish(want="offers", message_id=message_id)
    want = _BY_INTENT.get(found.intent, "misfit")
    if want == "greet" and found.slots.get("menu"):
        want = "menu"
    if want == "balance" and found.slots.get("statement"):
        want = "statement"
    if want == "balance" and day is not None:
        return Wish(want="quote", version=day.toordinal(), message_id=message_id)
    return Wish(
        want=want,
        message_id=message_id,
        day=day,
        topic=str(found.slots.get("id", "")),
    )


def _about_agreement(text: str, facts: Facts) -> Want | None:
    """What is wanted of an agreement in force; None where there is none, or the text is about something else."""
    if not any(a.state == "active" and a.next_open is not None for a in facts.agreements):
        return None
    return next((want for form, want in _OF_AN_AGREEMENT if form.search(text)), None)


def _paper(text: str) -> str | None:
    """The paper that is asked for: the receipt of the last payment, a quittance, an agreement's terms or its dates."""
    return next((kind for form, kind in _PAPERS if form.search(text)), None)


def _numbered(text: str, where: Where, message_id: str) -> Wish:
    """A number picks what stands there in the last list or row of buttons; without one, the three buttons."""
    n = int(text)
    if where.state in ("choosing_debt", "choosing_offer", "reviewing", "agreed", "menu") and 1 <= n <= len(
        where.choices
    ):
        return recalled(where.choices[n - 1], message_id)
    return Wish(want=_NUMBERS.get(text, "misfit"), message_id=message_id)


def _which(text: str, facts: Facts, where: Where) -> str:
    """The one choice whose row is typed out: all of them together, or words that only one description has."""
    if _ALL_TOGETHER.fullmatch(text):
        return next((choice for choice in where.choices if recalled(choice).object_id == -1), "")
    said = set(_WORD.findall(text))
    known = {debt.id: set(_WORD.findall(plain(debt.description))) for debt in facts.debts}
    enough = len(said) > 1 or any(letter.isdigit() for letter in text)  # one plain word may mean anything: "pagar"
    fitting = [
        choice
        for choice, words in ((choice, known.get(recalled(choice).object_id, set())) for choice in where.choices)
        if said and (said == words or (enough and said <= words))
    ]
    return fitting[0] if len(fitting) == 1 else ""


def _due_day(day: int, facts: Facts, where: Where, *, named: bool) -> Wish | None:
    """Another due day for the offer in question: said after it was asked for, or named as a day while its terms are
    read."""
    for choice in map(recalled, where.choices):
        if choice.want == "due_day" and choice.version == day:
            return choice
        if choice.want == "due_day" and choice.version == 0 and named:
            sealed = next((offer for offer in facts.offers if offer.no == choice.object_id), None)
            if sealed is not None and isinstance(sealed.offer, InstalmentOffer) and day in sealed.offer.due_days:
                return replace(choice, version=day)
    return None


def _with_count(count: int, facts: Facts, where: Where) -> int | None:
    """The number of the offer in so many instalments, among those in the list."""
    listed = {wish.object_id for wish in map(recalled, where.choices) if wish.want == "offer"}
    for sealed in facts.offers:
        if sealed.no in listed and isinstance(sealed.offer, InstalmentOffer) and sealed.offer.count == count:
            return sealed.no
    return None


def _answer(text: str, facts: Facts) -> str:
    """The letters and digits of an answer to "who is it?", or nothing where the text does not look like one."""
    whole = _ALNUM.sub("", text).upper()
    letters = any(not c.document[:3].isdigit() for c in facts.candidates)
    like_a_cnpj = letters and (len(whole) == _SHORTEST_ANSWER or any(c.isdigit() for c in whole))
    if _SHORTEST_ANSWER <= len(whole) <= _LONGEST_ANSWER and " " not in text and (whole.isdigit() or like_a_cnpj):
        return whole
    if _NO_ANSWER.search(text):
        return ""  # an amount or a day: who says it has not tried to answer
    runs = [_ALNUM.sub("", run) for run in _RUN.findall(text)]
    long_enough = [run for run in runs if _SHORTEST_ANSWER <= len(run) <= _LONGEST_ANSWER]
    return long_enough[0] if len(long_enough) == 1 else ""
