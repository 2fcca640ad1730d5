"""A case file: a whole story exported and verified, and each single thing that is changed in it found."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from bot.papers.case_contents import CaseFile, CaseParty
from bot.papers.case_envelope import NoCase, read, written
from bot.papers.signing import public_key, sign
from bot.sandbox.people import ANA, BRUNO, CARLA, Person
from bot.settings import Secret
from bot.store import policies
from bot.store.case_checks import checks
from bot.store.case_file import case_file
from bot.store.policies import By
from flows.canonical import canonical, digest_of
from tests.test_policy import policy_with
from tests.town import Town, town

SECRET, FORGER = b"s" * 32, b"f" * 32
AURORA = CaseParty(name="Escola Aurora Ltda", document="11.222.333/0001-81", address="Rua das Laranjeiras, 120")
OFFERS = "SELECT conversation_id, no FROM offer ORDER BY 1, 2"


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path, people=(ANA, BRUNO, CARLA), secret_key=Secret("s" * 32)) as running:
        yield running


async def case_of(place: Town, person: Person, no: int | None = None) -> CaseFile:
    """The case of an offer to somebody: of this number, else of the one that an agreement was made of."""
    found = "SELECT id FROM conversation WHERE wa_id = $1"
    conversation = await place.ask(found, person.account.wa_id)
    agreed = no or await place.ask("SELECT max(offer_no) FROM agreement WHERE conversation_id = $1", conversation)
    async with place.parts.pool.acquire() as conn:
        case = await case_file(conn, conversation_id=conversation, no=agreed, creditor=AURORA)
    assert case is not None
    return case


async def agreed_and_paid(place: Town) -> bytes:
    """Ana agrees to three payments on a day of her choice, pays two and moves the last one."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar", "3x de R$ 119,35", "Outro vencimento", "Dia 20", "Confirmar")
    await place.bank.receives(phone.pix_code())
    await place.moves(days=20)
    await phone.says("quero pagar a parcela")
    await place.bank.receives(phone.pix_code())
    return written(await case_of(place, ANA), SECRET)


def wrong(file: bytes, key: str | None = None) -> dict[str, tuple[str, ...]]:
    """The checks that fail, by name."""
    return {check.name: check.wrong for check in checks(read(file), key) if check.wrong}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every single value of plain JSON."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, one in pairs for leaf in leaves(one, (*path, key))]
    return [path]


def changed(file: bytes, *path: Any, to: Any) -> dict[str, Any]:
    """The file as plain JSON with one value changed; `to` may be a function of what was there."""
    plain: dict[str, Any] = json.loads(file)
    inside: Any = plain
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = to(inside[path[-1]]) if callable(to) else to
    return plain


def forged(plain: dict[str, Any]) -> bytes:
    """Signed anew by somebody who has not the creditor's secret but a program of their own: all of it fits together."""
    key = OKPKey.derive_key(FORGER, "Ed25519", kdf_options={"salt": b"acerto", "info": b"case files, format 1"})
    for event in plain["case"]["policy"]["events"]:
        if len(event["signature"]) > 1:
            event["signature"] = sign(event["hash"], FORGER)
    digest = digest_of(plain["case"])
    signature = jws.serialize_compact({"alg": "Ed25519"}, digest.encode(), key, algorithms=["Ed25519"])
    return (
        canonical({"case": plain["case"], "key": public_key(FORGER), "sha256": digest, "signature": signature}) + b"\n"
    )


def body(lines: list[dict[str, Any]], kind: str, **values: Any) -> list[dict[str, Any]]:
    """The journal with one line's body changed."""
    line = next(line for line in lines if line["kind"] == kind)
    line["body"] = json.dumps({**json.loads(line["body"]), **values}, separators=(",", ":"))
    return lines


def other_source(source: str) -> str:
    return source[:400] + ("A" if source[400] != "A" else "B") + source[401:]


def other_hash_before_the_agreement(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    place = next(place for place, line in enumerate(lines) if line["kind"] == "agreed") - 1
    lines[place]["hash"] = "00" * 32
    return lines


def hidden(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [{**line, "at": None, "kind": None, "body": None} if line["kind"] == kind else line for line in lines]


# What a forger could want, each signed anew with a key of their own, and the check that tells.
FORGERIES: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("policy", ("policy", "source"), other_source),
    ("policy", ("policy", "digest"), "0" * 64),
    ("policy", ("policy", "title"), "Outra"),
    ("policy", ("offer", "policy_digest"), "0" * 64),
    ("approval", ("policy", "approved_by"), None),
    ("approval", ("policy", "approved_by"), " CLARA "),
    ("approval", ("policy", "submitted_by"), "Otávio"),
    ("approval", ("policy", "approved_at"), "2026-12-02T00:00:00Z"),
    ("approval", ("policy", "submitted_at"), "2026-12-01T15:00:01Z"),
    ("approval", ("policy", "events"), []),
    ("approval_signed", ("policy", "events", 1, "by"), "Clara"),
    ("approval_signed", ("policy", "events", 1, "body"), '{"proposal": 9}'),
    ("approval_signed", ("policy", "events", 1, "signature"), "x"),
    ("recomputed", ("offer", "terms", "payments", 0, "amount"), 11934),
    ("recomputed", ("offer", "terms", "parts", "fine"), 0),
    ("recomputed", ("offer", "terms", "count"), 2),
    ("recomputed", ("offer", "facts", "open_principal"), 30000),
    ("recomputed", ("offer", "facts", "due"), "2026-10-21"),
    ("recomputed", ("offer", "facts", "due_day"), 15),
    ("recomputed", ("offer", "facts", "version"), 1),
    ("recomputed", ("offer", "shown_on"), "2026-12-05"),
    ("recomputed", ("offer", "honoured_until"), "2027-12-01"),
    ("offered", ("offer", "seal"), "0" * 64),
    ("offered", ("offer", "facts", "late_before"), 1),
    ("offered", ("offer", "shown_at"), "2026-12-01T14:00:00Z"),
    ("offered", ("debt", "external_id"), "NF-9"),
    ("offered", ("journal",), lambda lines: hidden(lines, "offered")),
    ("journal", ("journal",), lambda lines: body(lines, "offered", seal="0" * 64)),
    ("journal", ("journal",), lambda lines: body(lines, "agreed", message_id="wamid.other")),
    ("journal", ("journal",), lambda lines: body(lines, "heard", text="não")),
    ("journal", ("journal",), lambda lines: lines[:3] + lines[4:]),
    ("journal", ("journal",), other_hash_before_the_agreement),
    ("journal", ("journal", 0, "hash"), "zz"),
    ("accepted", ("acceptance",), None),
    ("accepted", ("acceptance", "message_id"), "wamid.other"),
    ("accepted", ("acceptance", "at"), "2026-12-01T15:00:01Z"),
    ("accepted", ("acceptance", "kind"), "promised"),
    ("accepted", ("acceptance", "journal_n"), 1),
    ("accepted", ("agreement", "message_id"), "wamid.other"),
    ("accepted", ("agreement", "accepted_at"), "2026-12-01T15:00:01Z"),
    ("accepted", ("agreement",), None),
    ("agreed", ("agreement", "total_cents"), 35806),
    ("agreed", ("agreement", "instalments", 2, "amount_cents"), 11936),
    ("agreed", ("agreement", "instalments", 2, "agreed_on"), "2027-02-21"),
    ("agreed", ("agreement", "instalments", 2, "due_on"), "2027-02-21"),
    ("agreed", ("agreement", "state"), "broken"),
    ("paid", ("agreement", "instalments", 1, "paid_cents"), 0),
    ("paid", ("agreement", "instalments", 2, "forgiven_cents"), 1),
    ("paid", ("agreement", "state"), "settled"),
    ("paid", ("payments", 0, "amount_cents"), 11934),
    ("paid", ("payments", 0, "surplus_cents"), 1),
    ("paid", ("payments", 0, "allocation", 0, "n"), 3),
    ("paid", ("payments", 0, "allocation", 0, "amount_cents"), 11934),
    ("paid", ("payments",), lambda payments: payments[:1]),
    ("paid", ("charges", 0, "amount_cents"), 1),
    ("paid", ("charges", 0, "pay_until"), "2027-01-01"),
    ("booked", ("payments", 0, "end_to_end_id"), "E" + "0" * 31),
    ("booked", ("payments", 0, "booked_at"), "2026-12-02T00:00:00Z"),
    ("booked", ("payments", 0, "returned_cents"), 1),
    ("booked", ("ledger", 0, "postings", 0, "amount_cents"), 1),
    ("booked", ("ledger", 1, "key"), "pix:E0"),
    ("booked", ("ledger", 1, "postings", 1, "account"), "suspense"),
    ("booked", ("ledger",), lambda entries: entries[:-1]),
    ("booked", ("ledger",), lambda entries: [*entries, entries[0]]),
    ("booked", ("debt", "open_principal_cents"), 0),
    ("booked", ("debt", "state"), "cancelled"),
    ("closed", ("closing", "paid_cents"), 0),
    ("closed", ("closing", "open_cents"), 0),
    ("closed", ("closing", "offered_cents"), 0),
)


async def test_a_whole_story_is_verified_and_each_forgery_of_it_is_told_by_its_check(place: Town) -> None:
    file = await agreed_and_paid(place)
    assert wrong(file, public_key(SECRET)) == {}
    assert wrong(forged(json.loads(file))) == {}
    assert list(wrong(forged(json.loads(file)), public_key(SECRET))) == ["signature"]
    missed = [
        (name, path, to)
        for name, path, to in FORGERIES
        if name not in wrong(forged(changed(file, "case", *path, to=to)))
    ]
    assert missed == []


async def test_no_value_of_the_file_can_be_changed_without_the_creditors_secret(place: Town) -> None:
    file = await agreed_and_paid(place)
    plain = json.loads(file)
    paths = leaves(plain)
    assert len(paths) > 250
    for path in paths:
        for to in (lambda was: f"{was}0" if isinstance(was, str) else 987, None):
            tampered = changed(file, *path, to=to)
            if tampered == plain:
                continue
            try:
                envelope = read(canonical(tampered) + b"\n")
            except NoCase:
                continue
            assert not (envelope.has_digest and envelope.is_signed and envelope.key == public_key(SECRET)), path
    for spaced in (
        file + b" ",
        b" " + file,
        json.dumps(plain, indent=1).encode(),
        file.replace(b'"key"', b'"key":"","key"'),
    ):
        assert "digest" in wrong(spaced)


async def test_the_same_case_is_the_same_bytes_and_says_whose_it_is(place: Town) -> None:
    file = await agreed_and_paid(place)
    await place.moves(hours=1)
    assert written(await case_of(place, ANA), SECRET) == file
    case = read(file).case
    assert case.debtor == CaseParty(name="Ana Souza", document="•••.982.247-••", external_id="C-001")
    assert (case.debt.external_id, case.policy.submitted_by, case.policy.approved_by) == ("NF-1001", "Clara", "Otávio")
    assert case.acceptance is not None
    assert case.acceptance.message_id.startswith("wamid.")
    assert (case.closing.offered_cents, case.closing.paid_cents, case.closing.open_cents) == (35807, 23870, 11937)
    assert ANA.document.encode() not in file
    shown = [line.kind for line in case.journal if line.kind is not None]
    assert {"offered", "agreed", "heard", "said", "charged", "paid"} == set(shown)
    assert len(shown) < len(case.journal)


async def test_a_case_names_who_proposed_what_was_approved_and_for_which_days(place: Town) -> None:
    """The first author approves a way back that the first approver proposed: two people, the other way round."""
    parts, now = place.parts, place.clock.now()
    today = now.astimezone(parts.settings.timezone).date()
    clara, otavio = (By(name=name, at=now, secret=parts.mac_key) for name in ("Clara", "Otávio"))
    async with parts.pool.acquire() as conn:
        old = await place.ask("SELECT digest FROM policy")
        new = await policies.submit(conn, policy_with(("grace_days: 0", "grace_days: 1")), file="nova.yaml", by=clara)
        await policies.approve(conn, new, by=otavio, today=today)
        await policies.propose_again(conn, old, by=otavio, today=today)
        await policies.approve(conn, old, by=clara, today=today, valid_until=today)
    await place.phone(ANA).says("oi", ANA.document[:3], "quero parcelar")
    file = written(await case_of(place, ANA, 1), parts.mac_key)
    assert wrong(file) == {}
    case = read(file).case
    assert (case.policy.submitted_by, case.policy.approved_by) == ("Otávio", "Clara")
    (line,) = (place for place, event in enumerate(case.policy.events) if event.by == "Clara" and event.n > 4)
    way = ("case", "policy", "events", line)
    for narrowed in ({"valid_until": "2026-01-31"}, {"valid_from": "2999-01-01"}, {"proposal": 9}):
        plain = changed(file, *way, "body", to=lambda was, more=narrowed: json.dumps({**json.loads(was), **more}))
        assert "approval" in wrong(canonical(plain) + b"\n")
    assert "approval_signed" in wrong(canonical(changed(file, *way, "after", to="00" * 32)) + b"\n")


async def test_offers_of_every_kind_and_fate_are_verified(place: Town) -> None:
    """Cash paid and not paid, two debts in one code, a promise, offers that nobody took, an agreement paid ahead."""
    ana, bruno, carla = place.phone(ANA), place.phone(BRUNO), place.phone(CARLA)
    await ana.says("oi", ANA.document[:3])
    await ana.taps("Pagar agora")
    await place.bank.receives(ana.pix_code())
    await bruno.says("oi", BRUNO.document[:3])
    await bruno.taps("Pagar agora", "Todas juntas")
    await place.bank.receives(bruno.pix_code())
    await carla.says("oi", CARLA.document[:3], "pago amanhã", "quero parcelar")
    await carla.taps("Outras opções")
    await carla.taps(next(title for title in carla.choices() if title.startswith("6x")), "Confirmar")
    await place.bank.receives(carla.pix_code())
    await carla.says("quero quitar tudo")
    await place.bank.receives(carla.pix_code())
    async with place.parts.pool.acquire() as conn:
        offers = await conn.fetch(OFFERS)
        cases = [
            await case_file(conn, conversation_id=conversation, no=no, creditor=AURORA) for conversation, no in offers
        ]
    fates = set()
    for case in cases:
        assert case is not None
        assert wrong(written(case, SECRET)) == {}
        how = case.acceptance.kind if case.acceptance is not None else None
        fates.add((case.offer.terms["kind"], how, case.agreement.state if case.agreement is not None else None))
        if how == "charged":
            assert case.closing.open_cents == 0 < case.closing.paid_cents == case.closing.offered_cents
            assert case.acceptance is not None
            assert case.acceptance.message_id.startswith("wamid.")
    assert fates >= {
        ("cash", "charged", None),
        ("instalments", None, None),
        ("promise", "promised", None),
        ("instalments", "agreed", "settled"),
    }


async def test_an_offer_that_was_never_shown_has_no_case(place: Town) -> None:
    async with place.parts.pool.acquire() as conn:
        assert await case_file(conn, conversation_id=1, no=1, creditor=AURORA) is None


@pytest.mark.parametrize(
    "file",
    [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"case":{}}', b'{"case":1,"key":"","sha256":"","signature":""}',
        b"[" * 100_000, b'{"case":' + b"9" * 5000 + b"}", b" " * (33 * 1024 * 1024),
    ],
    ids=["empty", "object", "list", "null", "bytes", "no-case", "number", "deep", "digits", "long"],
)  # fmt: skip
def test_what_is_no_case_file_is_refused(file: bytes) -> None:
    with pytest.raises(NoCase):
        read(file)
