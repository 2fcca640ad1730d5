"""What WhatsApp's answer to a POST means, accepted, surely not sent or unknown; what the sender does after a refusal.

`code` decides, HTTP's status is only a hint. A Graph error object, also with 500 or 503, means that nothing was sent.
Without one (time-out, reset, bare 5xx, nonsense) nobody knows, and a POST of unknown fate is never simply repeated:
there is no idempotency key. Source of the table: Meta, "Error codes".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.whatsapp.contact_points import phone_of, user_id_of
from bot.whatsapp.lenient import NotJson, Table, decode, name_of, rows_of, table_of, text_of, whole_of

Scope: TypeAlias = Literal["message", "person", "template", "number", "channel"]

_WAIT_S_MAX = 3600.0
_FIRST_PERMISSION, _LAST_PERMISSION = 200, 299


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the sender does after an error code.

    `scope` is what else is held back or looked at. `again_after_s`: the very same bytes again after so many seconds,
    the wait growing by `growth` each time, `tries` posts in all; None: Meta's final word on this message. `alarm`: a
    person has to act now.
    """

    meaning: str
    scope: Scope = "message"
    again_after_s: float | None = None
    growth: float = 1.0
    tries: int = 8
    alarm: bool = False


def _rules(codes: Iterable[int], rule: Rule) -> dict[int, Rule]:
    return dict.fromkeys(codes, rule)


RULES: dict[int, Rule] = {
    # The channel: hold the queue, call a person.
    **_rules([0, 190], Rule(meaning="token", scope="channel", again_after_s=300, growth=2, alarm=True)),
    **_rules([3, 10, 131005], Rule(meaning="permission", scope="channel", again_after_s=300, growth=2, alarm=True)),
    **_rules([131042], Rule(meaning="payment_to_meta", scope="channel", again_after_s=900, alarm=True)),
    **_rules([368, 131031, 130497], Rule(meaning="restricted", scope="channel", alarm=True)),
    **_rules([131063], Rule(meaning="marketing_switched_off", scope="channel", alarm=True)),
    # Weather.
    **_rules([1], Rule(meaning="unknown_at_meta", again_after_s=5, growth=4, tries=4)),  # may be a bad request of ours
    **_rules([2, 131016, 133004], Rule(meaning="service_down", scope="channel", again_after_s=5, growth=3)),
    **_rules([131000], Rule(meaning="unknown_at_meta", again_after_s=5, growth=4, tries=5)),
    **_rules([4, 80007], Rule(meaning="too_many_calls", scope="channel", again_after_s=60, growth=2)),
    **_rules([130429], Rule(meaning="throughput", scope="number", again_after_s=2, growth=2)),
    **_rules([131057], Rule(meaning="throughput_upgrade", scope="number", again_after_s=60)),
    # Pairs: Meta's own rule is 4^X s, X = 0, 1, 2, …
    **_rules([131056], Rule(meaning="pair_rate", scope="person", again_after_s=1, growth=4)),
    # The number.
    **_rules([131048], Rule(meaning="restricted_for_spam", scope="number", alarm=True)),
    **_rules([33], Rule(meaning="number_deleted", scope="number", alarm=True)),
    **_rules([131030], Rule(meaning="not_in_the_test_list", scope="number", alarm=True)),
    **_rules([131037, 131045, 133006, 133010], Rule(meaning="registration", scope="number", alarm=True)),
    **_rules(
        [133000, 133005, 133008, 133009, 133015, 133016], Rule(meaning="registration", scope="number", alarm=True)
    ),
    **_rules([134011], Rule(meaning="payment_terms_not_accepted", scope="number", alarm=True)),
    # The person.
    **_rules([131026], Rule(meaning="undeliverable", scope="person")),
    **_rules([131049], Rule(meaning="marketing_cap", scope="person")),
    **_rules([131050], Rule(meaning="stopped_marketing", scope="person")),
    **_rules([130403], Rule(meaning="blocked_by_us", scope="person")),
    **_rules([130472], Rule(meaning="experiment", scope="person")),
    **_rules([131021], Rule(meaning="to_ourselves", scope="person")),
    **_rules([131062], Rule(meaning="user_id_refused", scope="person")),
    **_rules([137000], Rule(meaning="identity_changed", scope="person")),
    # The template.
    **_rules([131064], Rule(meaning="misclassified_templates", scope="template", alarm=True)),
    **_rules([132001], Rule(meaning="no_such_template", scope="template")),
    **_rules([132000, 132008, 132012, 132018], Rule(meaning="template_parameters", scope="template")),
    **_rules([132005, 132007], Rule(meaning="template_text", scope="template")),
    **_rules([132015], Rule(meaning="template_paused", scope="template")),
    **_rules([132016], Rule(meaning="template_disabled", scope="template")),
    **_rules([139200], Rule(meaning="direct_send_blocked", scope="template")),
    **_rules(
        [2388019, 2388039, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299],
        Rule(meaning="template_creation", scope="template"),
    ),
    # The message.
    **_rules([131047], Rule(meaning="window_closed")),
    **_rules([100, 131008, 131009], Rule(meaning="our_mistake")),
    **_rules([131051], Rule(meaning="type_not_supported")),
    **_rules([131052, 131053], Rule(meaning="media")),
    **_rules([132068, 132069], Rule(meaning="flow")),
    **_rules([134100, 134101, 134102, 131055, 131061], Rule(meaning="marketing_api")),
    **_rules([2040], Rule(meaning="card_refused")),
    **_rules([2046, 2047], Rule(meaning="card_status")),
    **_rules([135000], Rule(meaning="generic", again_after_s=30, growth=2, tries=3)),
}
_PERMISSION = RULES[10]
_NOT_CONNECTED = Rule(meaning="not_connected", scope="channel", again_after_s=5, growth=3)
_BARE_429 = Rule(meaning="throughput", scope="number", again_after_s=5, growth=2)
_NEVER_SEEN = Rule(meaning="unknown_code", again_after_s=30, growth=2, tries=3)  # never in a circle
_NEVER_SEEN_TRANSIENT = Rule(meaning="unknown_transient", again_after_s=5, growth=3, tries=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """WhatsApp took it: accepted, not delivered. Without `wamid` it was no message (mark-as-read).

    `wa_id` may differ from the number that we wrote to (the ninth digit). `held`: kept back for a look at its quality;
    it may still fail with 132015.
    """

    wamid: str | None
    wa_id: str | None = None
    user_id: str | None = None
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Surely not sent. `code` is Meta's, None where Meta did not speak. `details` may quote what we sent: no log."""

    code: int | None
    title: str
    scope: Scope
    again_after_s: float | None
    growth: float = 1.0
    tries: int = 1
    alarm: bool = False
    subcode: int | None = None
    details: str = ""
    fbtrace_id: str | None = None

    def wait_s(self, *, attempt: int) -> float | None:
        """Return the seconds from post number `attempt` (from 1) to the next of the same bytes; None: no next."""
        if self.again_after_s is None or attempt >= self.tries:
            return None
        return min(self.again_after_s * self.growth ** (attempt - 1), max(_WAIT_S_MAX, self.again_after_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Perhaps sent, perhaps not; a status echo may tell. `reason` names what happened on the wire."""

    reason: str


Outcome: TypeAlias = Accepted | Refused | Unknown


def classify(http_status: int | None, body: bytes | None) -> Outcome:
    """Return what became of a POST, from the answer's status and body as far as there was one."""
    if http_status is None or body is None:
        return Unknown(reason="no_answer")
    try:
        answer = table_of(decode(body))
    except NotJson:
        answer = {}
    error = table_of(answer.get("error"))
    if type(error.get("code")) is int:
        return _refused(error)
    if http_status == 200:
        if accepted := _accepted(answer):
            return accepted
    elif http_status == 429:
        return _by_rule(_BARE_429, code=None, title="HTTP 429")
    return Unknown(reason=f"http_{http_status}_without_graph_body")


def not_connected(title: str) -> Refused:
    """Return the outcome of a POST for which there never was a connection: surely not sent."""
    return _by_rule(_NOT_CONNECTED, code=None, title=title)


def rule_for(code: int, *, transient: bool = False) -> Rule:
    """Return what to do after an error code, also one that nobody has seen yet."""
    if _FIRST_PERMISSION <= code <= _LAST_PERMISSION:
        return _PERMISSION
    return RULES.get(code) or (_NEVER_SEEN_TRANSIENT if transient else _NEVER_SEEN)


def on_failed_status(code: int) -> Rule:
    """Return what to do after a status `failed`.

    The same table; only that a message which was accepted once is never posted again by itself.
    """
    rule = rule_for(code)
    return Rule(meaning=rule.meaning, scope=rule.scope, alarm=rule.alarm)


def _accepted(answer: Table) -> Accepted | None:
    messages, contacts = rows_of(answer.get("messages")), rows_of(answer.get("contacts"))
    if not messages:
        return Accepted(wamid=None) if answer.get("success") is True else None
    wamid = name_of(messages[0].get("id"))
    if wamid is None:
        return None
    contact: Table = contacts[0] if contacts else {}
    return Accepted(
        wamid=wamid,
        wa_id=phone_of(contact.get("wa_id")),
        user_id=user_id_of(contact.get("user_id")),
        held=messages[0].get("message_status") == "held_for_quality_assessment",
    )


def _refused(error: Table) -> Refused:
    code: int = error["code"]
    return _by_rule(
        rule_for(code, transient=error.get("is_transient") is True),
        code=code if whole_of(code) is not None else None,  # a code beyond 32 bits is no code
        title=text_of(error.get("message")) or "",
        subcode=whole_of(error.get("error_subcode")),
        details=text_of(table_of(error.get("error_data")).get("details")) or "",
        fbtrace_id=name_of(error.get("fbtrace_id")),
    )


def _by_rule(
    rule: Rule,
    *,
    code: int | None,
    title: str,
    subcode: int | None = None,
    details: str = "",
    fbtrace_id: str | None = None,
) -> Refused:
    return Refused(
        code=code,
        title=title,
        scope=rule.scope,
        again_after_s=rule.again_after_s,
        growth=rule.growth,
        tries=rule.tries,
        alarm=rule.alarm,
        subcode=subcode,
        details=details,
        fbtrace_id=fbtrace_id,
    )
