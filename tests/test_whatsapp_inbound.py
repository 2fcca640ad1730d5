"""What WhatsApp brings: every known body becomes the items that it holds; nothing that is sent raises or is lost."""

import copy
import json
import random
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.whatsapp import inbound
from bot.whatsapp.contact_points import canonical_phone, phone_of, user_id_of
from bot.whatsapp.inbound import InboundMessage, InboundOther, InboundStatus, Item, Unreadable, event_of, items
from tests.tables import table

SAMPLES = Path(__file__).parent / "vectors" / "whatsapp"
BODIES = sorted(path for path in SAMPLES.glob("*.json") if path.name.startswith(("in-", "st-", "wh-", "batch-")))
EXPECTED = (SAMPLES / "inbound.txt").read_text(encoding="utf-8").split("\n\n")


def told(item: Item) -> str:
    """One item in two lines: how it is filed, and what it says."""
    key = item.dedupe_key if not item.dedupe_key.startswith("o:") else "o:…"
    filed = " ".join([item.kind, item.address or "nobody", *item.aliases, key])
    return f"{filed}\n  {said_in(event_of(item.raw)).rstrip()}"


def said_in(event: InboundMessage | InboundStatus | InboundOther) -> str:
    match event:
        case InboundMessage(content=content, context_id=context_id):
            notes = [word for word in ("group", "forwarded") if getattr(event, word)]
            return f"{content!a} {context_id or ''} {' '.join(notes)}"
        case InboundStatus(errors=errors, payment=payment):
            price = f"{event.category}/{event.pricing_type}/{event.billable}"
            codes = [error.code for error in errors]
            return f"{event.kind} {event.status} {price} {codes} {event.opaque or ''} {payment or ''}"
        case InboundOther(field=field, value=value):
            return f"{field} {sorted(value)}"


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_every_known_body_becomes_its_items(path: Path) -> None:
    found = items(path.read_bytes())
    assert isinstance(found, list)
    assert "\n".join([path.stem, *map(told, found)]) in EXPECTED


def test_every_known_body_stands_in_the_index_and_in_the_table() -> None:
    index = json.loads((SAMPLES / "index.json").read_text(encoding="utf-8"))
    inbound_files = {Path(entry["file"]).stem for entry in index if entry["direction"] == "inbound"}
    assert {path.stem for path in BODIES} == inbound_files == {block.split("\n")[0] for block in EXPECTED}


def body(*messages: Any, **value: Any) -> bytes:
    """A body with these messages."""
    metadata = {"display_phone_number": "551130045678", "phone_number_id": "106540352242922"}
    change = {"field": "messages", "value": {"metadata": metadata, "messages": list(messages), **value}}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def message(**fields: Any) -> dict[str, Any]:
    """A text of Maria's, with some fields changed."""
    known = {
        "from": "5511987654321",
        "id": "wamid.A",
        "timestamp": "1763900060",
        "type": "text",
        "text": {"body": "oi"},
    }
    return {**known, **fields}


def only(raw: bytes) -> Item:
    found = items(raw)
    assert isinstance(found, list)
    [item] = found
    return item


def said_by(raw: bytes) -> InboundMessage:
    event = event_of(only(raw).raw)
    assert isinstance(event, InboundMessage)
    return event


def test_an_item_knows_our_number_and_when_it_happened() -> None:
    item = only(body(message()))
    assert item.phone_number_id == "106540352242922"
    assert item.occurred_at == datetime(2025, 11, 23, 12, 14, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    *table("""
    given                       canonical
    558192345678                5581992345678   # an old mobile gets its ninth digit
    5581992345678               5581992345678   # one that has it keeps it
    551133334444                551133334444    # a landline is left alone
    551160001111                5511960001111   # the lowest mobile
    551150001111                551150001111    # the highest landline
    558000000000                558000000000    # an area code with a nought does not exist
    16505551234                 16505551234     # another country
    5511987654321               5511987654321
""")
)
def test_a_brazilian_mobile_has_one_form(given: int, canonical: int) -> None:
    assert canonical_phone(str(given)) == str(canonical)


@pytest.mark.parametrize(
    *table("""
    value                       phone           user_id
    5511987654321               5511987654321   -
    "+5511987654321"            5511987654321   -
    BR.13491208655302741918     -               BR.13491208655302741918  # its digits would look like a phone
    BR.Abc9                     -               BR.Abc9
    BR.ENT.11815799212886844830 -               -                        # the parent is not the person
    br.13491208655302741918     -               -
    "<USER_PHONE_NUMBER>"       -               -
    "١٢٣٤٥٦٧٨"                  -               -                        # digits, but not ours
    "123"                       -               -
""")
)
def test_a_user_id_is_no_phone_though_it_has_digits(value: object, phone: object, user_id: object) -> None:
    assert phone_of(str(value)) == (str(phone) if phone else None)
    assert user_id_of(str(value)) == user_id


def test_whoever_hides_the_number_is_known_by_the_user_id() -> None:
    raw = (SAMPLES / "in-text-bsuid-only.json").read_bytes()
    assert (only(raw).address, only(raw).aliases) == ("BR.13491208655302741918", ())
    assert (said_by(raw).wa_id, said_by(raw).user_id) == (None, "BR.13491208655302741918")


def test_a_user_id_in_the_place_of_the_phone_is_the_user_id() -> None:
    said = said_by(body(message(**{"from": "BR.13491208655302741918"})))
    assert (said.wa_id, said.user_id) == (None, "BR.13491208655302741918")


def test_a_groups_id_is_nobodys_address_though_it_looks_like_a_phone() -> None:
    status = {"id": "wamid.A", "status": "read", "recipient_id": "120363041234567", "recipient_type": "group"}
    assert only(body(statuses=[status])).address is None
    event = event_of(only(body(statuses=[status])).raw)
    assert isinstance(event, InboundStatus)
    assert event.recipient.address is None


def test_the_number_is_kept_as_it_came_though_the_address_has_its_ninth_digit() -> None:
    raw = (SAMPLES / "in-text-br-without-ninth-digit.json").read_bytes()
    assert (only(raw).address, only(raw).aliases) == ("5581992345678", ("BR.22222222222",))
    assert said_by(raw).wa_id == "558192345678"


def test_a_contact_is_found_by_its_id_and_never_by_its_position() -> None:
    contacts = [
        {"profile": {"name": "João"}, "wa_id": "5511911112222", "user_id": "BR.2"},
        {"profile": {"name": "Maria"}, "wa_id": "5511987654321", "user_id": "BR.1"},
    ]
    maria = said_by(body(message(), contacts=contacts))
    assert (maria.profile_name, maria.user_id) == ("Maria", "BR.1")
    by_user_id = message(from_user_id="BR.2")
    del by_user_id["from"]
    joao = said_by(body(by_user_id, contacts=contacts))
    assert (joao.profile_name, joao.wa_id) == ("João", "5511911112222")
    stranger = said_by(body(message(**{"from": "5511900000000"}), contacts=contacts[:1]))
    assert (stranger.profile_name, stranger.user_id) == (None, None)


@pytest.mark.parametrize(
    *table("""
    written           | at
    "1763900060"      | 1763900060
    1763900060        | 1763900060
    1763900060.5      | -
    "1763900060000"   | -   # milliseconds
    -1                | -
    0                 | -   # 1970
    "99999999999999999999" | -
    "soon"            | -
    "١٧٦٣٩٠٠٠٦٠"      | -
    -                 | -
""")
)
def test_an_absurd_time_is_no_time(written: object, at: int | None) -> None:
    expected = None if at is None else datetime.fromtimestamp(at, UTC)
    assert only(body(message(timestamp=written))).occurred_at == expected


def test_nul_and_half_characters_stay_in_the_bytes_and_are_replaced_in_the_words() -> None:
    raw = body(message(text={"body": "a\x00b\ud83dc 🙏 é"}))
    item = only(raw)
    assert item.raw.isascii()
    assert json.loads(item.raw)["message"]["text"]["body"] == "a\x00b\ud83dc 🙏 é"
    said = said_by(raw).content
    assert said == inbound.Text(body="a\ufffdb\ufffdc 🙏 é")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"entry": NaN}', "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"entry":' * 100_000, "too_deep"),
        (b'{"entry":[{"changes":[{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}]}", "too_deep"),
        (b"{}", "no_items"),
        (b"[]", "no_items"),
        (b'"entry"', "no_items"),
        (b'{"entry": []}', "no_items"),
        (b'{"entry": null}', "no_items"),
    ],
)
def test_a_body_without_an_item_says_why(raw: bytes, reason: str) -> None:
    assert items(raw) == Unreadable(reason=reason)


def below(frames: int, call: Callable[[], None]) -> None:
    """Run `call` so deep in the stack that only so many frames are left."""
    if sys.getrecursionlimit() - sum(1 for _ in traceback.walk_stack(None)) > frames:
        below(frames, call)
    else:
        call()


@pytest.mark.parametrize("frames", [80, 160])
def test_no_depth_raises_wherever_it_is_read(frames: int) -> None:
    """A body just shallow enough to be read may be too deep to be written again, or to be read later, further down."""
    edits = b'"type":"edit","edit":{"message":{'
    bodies = [
        body(message(odd="HERE")).replace(b'"HERE"', held)
        for n in range(frames // 4, frames + 20)
        for held in (b"[" * n + b"]" * n, b"{" + edits * n + b"}" + b"}}" * n)
    ]
    nested = [body(message(odd=1)).replace(b'"odd": 1', edits * n + b"}}" * n) for n in range(frames // 4, frames)]
    stored = [item.raw for raw in (*bodies, *nested) for item in read_all(raw)]
    assert len(stored) > frames

    def read_everything() -> None:
        for raw in (*bodies, *nested):
            items(raw)
        for raw in stored:
            event_of(raw)

    below(frames, read_everything)


def test_three_megabytes_of_updates_are_read_whole() -> None:
    raw = body(*[message(id=f"wamid.{n}", text={"body": "x" * 2800}) for n in range(1000)])
    assert len(raw) > 2_900_000
    found = items(raw)
    assert isinstance(found, list)
    assert [item.dedupe_key for item in found] == [f"m:wamid.{n}" for n in range(1000)]


def test_half_a_character_in_one_message_does_not_lose_the_others() -> None:
    found = items(body(message(id="a"), message(id="b", text={"body": "\ud800"}), message(id="c")))
    assert isinstance(found, list)
    assert [item.dedupe_key for item in found] == ["m:a", "m:b", "m:c"]


def test_a_number_beyond_all_bounds_does_not_lose_the_others() -> None:
    raw = body(message(id="a"), message(id="b", odd="HERE"), message(id="c"))
    for number in (b"9" * 5000, b"1e999", b"-1e999"):
        found = items(raw.replace(b'"HERE"', number))
        assert isinstance(found, list)
        assert [item.dedupe_key for item in found] == ["m:a", "m:b", "m:c"]
        assert all(isinstance(event_of(item.raw), InboundMessage) for item in found)


@pytest.mark.parametrize("odd", [None, 7, "x", "", "a\x00b", "\ud800", "é", "w" * 256, [], {}, ["m"], True])
def test_a_message_without_a_usable_id_is_kept_as_something_else(odd: object) -> None:
    first, second = (only(body(message(id=odd))) for _ in range(2))
    known = type(odd) is str and odd.isascii() and odd.isprintable() and 0 < len(odd) < 256
    assert first.kind == ("message" if known else "other")
    assert first.dedupe_key == second.dedupe_key


def test_other_fields_are_told_apart_by_value_and_time_and_not_by_the_order_of_keys() -> None:
    def key(time: bytes, value: bytes) -> str:
        return only(b'{"entry":[{"time":%s,"changes":[{"field":"security","value":%s}]}]}' % (time, value)).dedupe_key

    assert key(b"1", b'{"a":1,"b":2}') == key(b"1", b'{"b":2,"a":1}')
    assert len({key(b"1", b'{"a":1}'), key(b"2", b'{"a":1}'), key(b"1", b'{"a":2}')}) == 3


def test_only_the_field_messages_brings_messages() -> None:
    """A copy of what our own people wrote in the Business app comes in another field, and is no customer speaking."""
    raw = body(message()).replace(b'"field": "messages"', b'"field": "smb_message_echoes"')
    assert only(raw).kind == "other"


@pytest.mark.parametrize("kind", ["text", "button", "interactive", "image", "location", "contacts", "order", "system"])
@pytest.mark.parametrize("held", [None, {}, [], "x", 7, {"body": 7}, {"id": 7}, {"type": "button_reply"}])
def test_a_content_that_has_not_the_form_of_its_type_is_unsupported(kind: str, held: object) -> None:
    said = said_by(body({**message(type=kind, text=None), kind: held, "errors": [{"code": 131000}]})).content
    assert said == inbound.Unsupported(type=kind, code=131000)


def test_a_type_of_next_year_is_unsupported_by_its_name() -> None:
    assert said_by(body(message(type="hologram"))).content == inbound.Unsupported(type="hologram")


JSON_ISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=()), max_size=12)
    | st.sampled_from(["messages", "text", "5511987654321", "BR.1", "1763900060", "payment", "group"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "body", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def read_all(raw: bytes) -> list[Item]:
    found = items(raw)
    for item in found if isinstance(found, list) else []:
        assert item.raw.isascii()
        assert item.dedupe_key.isascii()
        assert len(item.dedupe_key) < 400
        for name in (item.address, *item.aliases, item.phone_number_id):
            assert name is None or (name.isascii() and name.isprintable())
        event_of(item.raw)
    return found if isinstance(found, list) else []


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    items(raw)
    event_of(raw)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, below in inner for place in places(below, (*path, step)))]


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], odd)
    return changed


PARSED = [json.loads(path.read_bytes()) for path in BODIES]


@settings(max_examples=400)
@given(st.sampled_from(PARSED), st.randoms(use_true_random=False), JSON_ISH)
def test_no_value_in_any_place_raises(parsed: Any, dice: random.Random, odd: Any) -> None:
    read_all(json.dumps(put(parsed, dice.choice(places(parsed)), odd)).encode())


@settings(max_examples=200)
@given(st.sampled_from(PARSED), st.randoms(use_true_random=False), JSON_ISH)
def test_a_mutilated_item_does_not_lose_its_neighbours(parsed: Any, dice: random.Random, odd: Any) -> None:
    """Whatever an item becomes, what stands before and after it in the same list is read as if nothing were."""
    value = parsed["entry"][0]["changes"][0]["value"]
    kind = "statuses" if value.get("statuses") else "messages"
    hurt = value[kind][0] if value.get(kind) else message()
    hurt = put(hurt, dice.choice(places(hurt)), odd)
    first, last = message(id="wamid.FIRST"), message(id="wamid.LAST")
    neighbours = [{**m, "status": "sent"} for m in (first, last)]
    whole = body(*([] if kind == "statuses" else [first, hurt, last]))
    if kind == "statuses":
        whole = body(statuses=[neighbours[0], hurt, neighbours[1]])
    keys = [item.dedupe_key for item in read_all(whole)]
    tail = ":sent" if kind == "statuses" else ""
    letter = "s" if kind == "statuses" else "m"
    assert len(keys) == 3
    assert (keys[0], keys[2]) == (f"{letter}:wamid.FIRST{tail}", f"{letter}:wamid.LAST{tail}")
