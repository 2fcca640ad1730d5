"""Four eyes: what one submitted, byte by byte, another approves; only that is in force, and the last good one stays."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from bot.engine.policy_in_force import PolicyWatch
from bot.papers import signing
from bot.store import policies, policy_journal
from bot.store.policies import By
from flows.policy import read_policy
from tests.test_policy import SAMPLE, policy_with

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 23)
SECRET = b"the secret of the company's machine"
OTHER = policy_with(("grace_days: 0", "grace_days: 1"))


FORGED = "INSERT INTO policy_event (n, at, kind, digest, by, body, hash, signature)"
OUT_OF_NOTHING = """ VALUES (4, now(), 'approved', '{other}', 'Caio', '{"proposal": 3}', 'x', 'x')"""
COPIED = """
SELECT 4, at, kind, (SELECT digest FROM policy WHERE digest <> e.digest), by, '{"proposal": 3}', hash, signature
FROM   policy_event e WHERE n = 2
"""


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Any]:
    """A connection to a database of the test's own."""
    conn = await asyncpg.connect(database)
    yield conn
    await conn.close()


def by(name: str, *, form: str | None = None, secret: bytes = SECRET) -> By:
    return By(name=name, at=NOW, secret=secret, form_key=form)


async def submitted(conn: Any, source: bytes = SAMPLE, name: str = "Bia", **more: Any) -> str:
    return await policies.submit(conn, source, file="padrao.yaml", by=by(name, **more))


async def approved(conn: Any, digest: str, *, name: str = "Caio", **more: Any) -> None:
    await policies.approve(conn, digest, by=by(name), today=TODAY, **more)


async def in_force(conn: Any, on: date = TODAY) -> str | None:
    found = await PolicyWatch(SECRET).in_force(conn, on)
    return found.digest if found is not None else None


async def behind_our_back(conn: Any, *statements: str) -> None:
    """What somebody does who can write to the database as they please."""
    async with conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await conn.execute(statement)


async def test_a_submitted_policy_is_in_force_only_when_another_approved_it(conn: Any) -> None:
    digest = await submitted(conn)
    assert await in_force(conn) is None
    await approved(conn, digest)
    assert await in_force(conn) == digest
    assert await policies.source_of(conn, digest) == SAMPLE
    assert await in_force(conn, date(2028, 1, 1)) is None
    assert await in_force(conn, date(2025, 12, 31)) is None


@pytest.mark.parametrize(
    "name", ["Bia", "bia", " BIA ", "Bia\u00a0", "Bi\u200ba", "B\u00eda", "Bi\u0301a", "\uff22\uff29\uff21", "Bia."]
)
async def test_nobody_approves_their_own(conn: Any, name: str) -> None:
    digest = await submitted(conn, name="Bia")
    with pytest.raises(policies.PolicyRefused, match="somebody else"):
        await approved(conn, digest, name=name)
    assert await in_force(conn) is None


async def test_the_same_bytes_again_keep_their_first_author(conn: Any) -> None:
    digest = await submitted(conn, name="Bia")
    assert await submitted(conn, name="Caio") == digest
    with pytest.raises(policies.PolicyRefused):
        await approved(conn, digest, name="Bia")
    await approved(conn, digest, name="Caio")
    with pytest.raises(policies.PolicyRefused, match="approved already, by Caio"):
        await approved(conn, digest, name="Davi")


async def test_an_unknown_digest_an_empty_name_and_a_past_policy_are_refused(conn: Any) -> None:
    with pytest.raises(policies.PolicyRefused, match="No policy of this digest"):
        await approved(conn, "0" * 64)
    with pytest.raises(policies.PolicyRefused, match="name is empty"):
        await submitted(conn, name=" ")
    past = await submitted(conn, policy_with(("from: 2026-01-01, until: 2027-12-31", "until: 2026-11-22")))
    with pytest.raises(policies.PolicyRefused, match="valid until 2026-11-22"):
        await approved(conn, past)


async def test_a_file_with_mistakes_is_not_taken_in(conn: Any) -> None:
    with pytest.raises(policies.PolicyUnreadable) as refused:
        await submitted(
            conn, policy_with(("currency: BRL", "currency: USD"), ("fine_percent: 2.00", "fine_percent: x"))
        )
    assert [mistake.line for mistake in refused.value.mistakes] == [5, 9]
    assert await policies.every(conn, SECRET) == ()


@pytest.mark.parametrize(
    ("role", "disabled", "accepted"), [("finance", False, True), ("agent", False, False), ("admin", True, False)]
)
async def test_whoever_has_a_login_must_be_of_finance(conn: Any, role: str, disabled: bool, accepted: bool) -> None:
    await conn.execute(
        "INSERT INTO app_user (name, role, created_at, disabled_at) VALUES ('Bia', $1, $2, $3)",
        role,
        NOW,
        NOW if disabled else None,
    )
    if accepted:
        assert await submitted(conn, name="bia")
    else:
        with pytest.raises(policies.PolicyRefused):
            await submitted(conn, name="bia")


async def test_the_newest_approval_is_in_force(conn: Any) -> None:
    first, second = await submitted(conn), await submitted(conn, OTHER)
    await approved(conn, second)
    await approved(conn, first)
    assert await in_force(conn) == first


async def test_what_was_refused_may_be_submitted_again_and_comments_decide_nothing(conn: Any) -> None:
    digest = await submitted(conn)
    with pytest.raises(policies.PolicyRefused, match="Say why"):
        await policies.refuse(conn, digest, by=by("Caio"), text=" ")
    with pytest.raises(policies.PolicyRefused, match="somebody else"):
        await policies.refuse(conn, digest, by=by("bia"), text="não")
    await policies.comment(conn, digest, by=by("Bia"), text="o desconto é da campanha")
    await policies.refuse(conn, digest, by=by("Caio"), text="o teto está alto")
    assert await in_force(conn) is None
    with pytest.raises(policies.PolicyRefused, match="refused already, by Caio"):
        await approved(conn, digest, name="Davi")
    assert await submitted(conn, name="Caio") == digest
    await approved(conn, digest, name="Bia")
    assert await in_force(conn) == digest
    journal = await policy_journal.read(conn, SECRET)
    assert [(e.kind, e.by, e.proposal) for e in journal.events] == [
        ("submitted", "Bia", None),
        ("commented", "Bia", 1),
        ("refused", "Caio", 1),
        ("submitted", "Caio", None),
        ("approved", "Bia", 4),
    ]


async def test_going_back_to_an_earlier_policy_is_proposed_by_one_and_approved_by_another(conn: Any) -> None:
    first, second = await submitted(conn), await submitted(conn, OTHER)
    await approved(conn, first)
    with pytest.raises(policies.PolicyRefused, match="nothing to go back to"):
        await policies.propose_again(conn, first, by=by("Davi"), today=TODAY)
    await approved(conn, second)
    await policies.propose_again(conn, first, by=by("Davi"), today=TODAY, text="a nova confunde")
    assert await in_force(conn) == second
    with pytest.raises(policies.PolicyRefused, match="somebody else"):
        await approved(conn, first, name="davi")
    await approved(conn, first, name="Bia")
    assert await in_force(conn) == first


async def test_an_approval_may_be_for_fewer_days_than_the_file_says(conn: Any) -> None:
    digest, always = await submitted(conn), await submitted(conn, OTHER)
    await approved(conn, always)
    friday, sunday = TODAY + timedelta(days=4), TODAY + timedelta(days=6)
    for first, last in ((sunday, friday), (None, TODAY - timedelta(days=1))):
        with pytest.raises(policies.PolicyRefused):
            await approved(conn, digest, valid_from=first, valid_until=last)
    await approved(conn, digest, valid_from=friday, valid_until=sunday)
    days = [TODAY, friday, sunday, sunday + timedelta(days=1)]
    assert [await in_force(conn, day) for day in days] == [always, digest, digest, always]


async def test_a_form_that_is_sent_twice_is_one_line(conn: Any) -> None:
    digest = await submitted(conn)
    await policies.comment(conn, digest, by=by("Caio", form="a" * 32), text="por quê?")
    with pytest.raises(policies.PolicyRefused, match="nothing was done twice"):
        await policies.comment(conn, digest, by=by("Caio", form="a" * 32), text="por quê?")
    assert len((await policy_journal.read(conn, SECRET)).events) == 2


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(database: str, conn: Any) -> None:
    digest = await submitted(conn)
    others = [await asyncpg.connect(database) for _ in range(4)]
    found = await asyncio.gather(
        *(approved(one, digest, name=f"Pessoa {n}") for n, one in enumerate(others)), return_exceptions=True
    )
    for one in others:
        await one.close()
    assert [type(each) for each in found if each is not None] == [policies.PolicyRefused] * 3
    assert [e.kind for e in (await policy_journal.read(conn, SECRET)).events] == ["submitted", "approved"]


@pytest.mark.parametrize(
    ("statements", "trouble"),
    [
        ([FORGED + OUT_OF_NOTHING], "journal_changed"),
        ([FORGED + COPIED], "journal_changed"),
        (["UPDATE policy_event SET kind = 'approved', body = '{\"proposal\": 1}' WHERE n = 3"], "journal_changed"),
        (["UPDATE policy SET source = source || '#' WHERE digest = '{other}'"], None),
        (["UPDATE policy_event SET by = 'Ana' WHERE n = 3"], "journal_changed"),
        (["UPDATE policy_event SET n = 9 WHERE n = 3"], "journal_changed"),
    ],
    ids=["out of nothing", "copied signature", "turned into another", "bytes of who waits", "another author", "moved"],
)  # fmt: skip
async def test_no_hand_in_the_tables_puts_anything_in_force(
    conn: Any, statements: list[str], trouble: str | None
) -> None:
    good = await submitted(conn)
    await approved(conn, good)
    other = await submitted(conn, OTHER)
    await behind_our_back(conn, *(one.replace("{other}", other) for one in statements))
    watch = PolicyWatch(SECRET)
    found = await watch.in_force(conn, TODAY)
    assert found is not None
    assert found.digest == good
    assert await watch.troubles(conn, TODAY) == ((trouble,) if trouble else ())
    if trouble:
        with pytest.raises(policy_journal.JournalBroken, match="changed from outside"):
            await approved(conn, other, name="Davi")
    else:  # whoever decides would see other bytes than those of the digest
        for deed in (approved(conn, other), policies.propose_again(conn, other, by=by("Davi"), today=TODAY)):
            with pytest.raises(policies.PolicyRefused, match="somebody changed them"):
                await deed
        assert await submitted(conn, OTHER, name="Davi") == other  # the file itself puts it right; it is Bia's still
        with pytest.raises(policies.PolicyRefused, match="Bia submitted"):
            await approved(conn, other, name="Bia")
        await approved(conn, other)
        assert await in_force(conn) == other


@pytest.mark.parametrize(
    ("statement", "trouble"),
    [
        ("UPDATE policy SET source = convert_to(replace(convert_from(source, 'UTF8'), 'fine_percent: 2.00',"
         " 'fine_percent: 1.00'), 'UTF8') WHERE digest = '{other}'", "policy_changed"),
        ("UPDATE policy SET source = '' WHERE digest = '{other}'", "policy_changed"),
        ("UPDATE policy_event SET by = 'Ana' WHERE n = 4", "journal_changed"),
        ("UPDATE policy_event SET signature = 'x' WHERE n = 4", "journal_changed"),
        ("DELETE FROM policy_event WHERE n = 3", "journal_changed"),
    ],
    ids=["a changed byte", "no bytes", "another approver", "no signature", "a line taken out"],
)  # fmt: skip
async def test_what_was_changed_after_its_approval_is_never_loaded_and_the_last_good_one_stays(
    conn: Any, statement: str, trouble: str
) -> None:
    good = await submitted(conn)
    await approved(conn, good)
    other = await submitted(conn, OTHER)
    await approved(conn, other)
    watch = PolicyWatch(SECRET)
    assert await in_force(conn) == other
    await behind_our_back(conn, statement.replace("{other}", other))
    found = await watch.in_force(conn, TODAY)
    assert found is not None
    assert found.digest == good
    assert trouble in await watch.troubles(conn, TODAY)


async def test_a_byte_that_changes_under_a_running_program_counts_at_once(conn: Any) -> None:
    digest, watch = await submitted(conn), PolicyWatch(SECRET)
    await approved(conn, digest)
    assert await watch.in_force(conn, TODAY) is not None
    await behind_our_back(conn, "UPDATE policy SET source = source || '#'")
    assert await watch.in_force(conn, TODAY) is None
    assert await watch.troubles(conn, TODAY) == ("policy_changed",)


async def test_the_very_same_file_handed_in_again_puts_changed_bytes_right(conn: Any) -> None:
    digest = await submitted(conn)
    await approved(conn, digest)
    await behind_our_back(conn, "UPDATE policy SET source = '', title = 'x', valid_until = '2026-02-02'")
    assert await in_force(conn) is None
    assert await submitted(conn, name="Davi") == digest
    assert await in_force(conn) == digest
    assert [e.kind for e in (await policy_journal.read(conn, SECRET)).events] == ["submitted", "approved"]
    (row,) = await policies.every(conn, SECRET)
    assert (row.title, row.valid_until) == ("Política padrão de negociação", date(2027, 12, 31))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE policy_event SET by = 'Ana' WHERE n = 4",
        "UPDATE policy_event SET signature = 'x' WHERE n = 4",
        "DELETE FROM policy_event WHERE n = 3",
        FORGED + """ VALUES (5, now(), 'approved', '{first}', 'Caio', '{"proposal": 1}', 'x', 'x')""",
        FORGED + """ VALUES (5, 'infinity', 'approved', '{first}', 'Caio', '{"proposal": 1}', 'x', 'x')""",
    ],
    ids=["another approver", "no signature", "a line taken out", "a line put in", "at no time"],
)
async def test_what_changes_in_the_journal_of_a_running_program_is_said_and_changes_nothing_for_it(
    conn: Any, statement: str
) -> None:
    first, second, watch = await submitted(conn), await submitted(conn, OTHER), PolicyWatch(SECRET)
    await approved(conn, first)
    await approved(conn, second)
    assert await watch.troubles(conn, TODAY) == ()
    await behind_our_back(conn, statement.replace("{first}", first))
    assert await watch.troubles(conn, TODAY) == ("journal_changed",)
    found = await watch.in_force(conn, TODAY)
    assert found is not None
    assert found.digest == second


async def test_a_turn_asks_one_question_whatever_else_is_approved_for_other_days_or_broken(conn: Any) -> None:
    first, second, watch = await submitted(conn), await submitted(conn, OTHER), PolicyWatch(SECRET)
    past = await submitted(conn, policy_with(("from: 2026-01-01, until: 2027-12-31", "until: 2026-11-24")))
    for digest in (first, past):
        await approved(conn, digest)
    await approved(conn, second, valid_from=TODAY + timedelta(days=30))
    later = TODAY + timedelta(days=2)
    found = await watch.in_force(conn, later)
    assert found is not None
    assert await watch.troubles(conn, later) == ()
    await behind_our_back(conn, FORGED + OUT_OF_NOTHING.replace("(4,", "(9,").replace("{other}", second))
    assert await watch.in_force(conn, later) is found
    asked: list[str] = []
    with conn.query_logger(lambda query: asked.append(query.query)):
        assert await watch.in_force(conn, later) is found
    await conn.execute("SELECT 1")  # the logger is told a moment later
    assert len(asked) == 1


async def test_two_programs_on_one_database_take_an_approval_at_their_next_turn(database: str, conn: Any) -> None:
    first, second, other = await submitted(conn), await submitted(conn, OTHER), await asyncpg.connect(database)
    await approved(conn, first)
    watches = [(PolicyWatch(SECRET), one) for one in (conn, other)]
    before = [await watch.in_force(one, TODAY) for watch, one in watches]
    await approved(conn, second)
    after = [await watch.in_force(one, TODAY) for watch, one in watches]
    await other.close()
    assert [found.digest for found in (*before, *after) if found is not None] == [first, first, second, second]


async def test_whoever_looked_before_another_approval_has_to_look_again(conn: Any) -> None:
    first, second = await submitted(conn), await submitted(conn, OTHER)
    seen = policies.newest_approval(await policy_journal.read(conn, SECRET))
    await approved(conn, first, against=seen)
    with pytest.raises(policies.PolicyRefused, match="since you looked"):
        await approved(conn, second, against=seen)
    await approved(conn, second, against=policies.newest_approval(await policy_journal.read(conn, SECRET)))
    assert await in_force(conn) == second


async def test_the_list_says_who_proposed_and_for_which_days_by_the_journal(conn: Any) -> None:
    digest = await submitted(conn)
    await policies.refuse(conn, digest, by=by("Caio"), text="não")
    await submitted(conn, name="Davi")
    await approved(conn, digest, name="Bia", valid_until=TODAY)
    await behind_our_back(conn, "UPDATE policy SET submitted_by = 'Ninguém'")
    (row,) = await policies.every(conn, SECRET)
    assert (row.submitted_by, row.approved_by, row.valid_until) == ("Davi", "Bia", TODAY)


async def test_lines_that_vanish_are_seen_by_whoever_runs_and_change_nothing_for_them(conn: Any) -> None:
    first, second, watch = await submitted(conn), await submitted(conn, OTHER), PolicyWatch(SECRET)
    await approved(conn, first)
    await approved(conn, second)
    assert await watch.in_force(conn, TODAY) is not None
    await behind_our_back(conn, "DELETE FROM policy_event WHERE n = 4")
    found = await watch.in_force(conn, TODAY)
    assert found is not None
    assert found.digest == second
    assert "journal_shortened" in await watch.troubles(conn, TODAY)


async def test_another_secret_believes_nothing(conn: Any) -> None:
    digest = await submitted(conn)
    await approved(conn, digest)
    watch = PolicyWatch(b"another machine's secret")
    assert await watch.in_force(conn, TODAY) is None
    assert await watch.troubles(conn, TODAY) == ("journal_changed",)


async def test_a_policy_whose_days_are_over_is_said(conn: Any) -> None:
    digest, watch = await submitted(conn), PolicyWatch(SECRET)
    await approved(conn, digest)
    assert await watch.in_force(conn, date(2028, 1, 1)) is None
    assert await watch.troubles(conn, date(2028, 1, 1)) == ("policy_over",)
    assert await watch.troubles(conn, TODAY) == ()


async def test_an_earlier_policy_that_is_in_force_again_is_said(conn: Any) -> None:
    always, campaign, watch = await submitted(conn), await submitted(conn, OTHER), PolicyWatch(SECRET)
    await approved(conn, always)
    await approved(conn, campaign, valid_until=TODAY)
    assert await watch.troubles(conn, TODAY) == ()
    found = await watch.in_force(conn, TODAY + timedelta(days=1))
    assert found is not None
    assert found.digest == always
    assert await watch.troubles(conn, TODAY + timedelta(days=1)) == ("earlier_again",)


@pytest.mark.parametrize(
    "header", ["[]", "1", '"alg"', "null", '{"alg": 1}', '{"alg": "none"}', '{"alg": "Ed25519", "crit": 1}', "[" * 9999]
)
def test_a_signature_of_any_shape_is_told_from_ours(header: str) -> None:
    ours = signing.sign("a" * 64, SECRET)
    forged = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=") + ours[ours.index(".") :]
    key = signing.public_key(SECRET)
    assert signing.is_signed("a" * 64, ours, key)
    assert not signing.is_signed("a" * 64, forged, key)


async def test_an_open_end_covers_every_day(conn: Any) -> None:
    source = policy_with(("valid: {from: 2026-01-01, until: 2027-12-31}", "valid: {from: 2026-01-01}"))
    digest = await submitted(conn, source)
    await approved(conn, digest)
    assert await in_force(conn, date(2999, 1, 1)) == digest
    (row,) = await policies.every(conn, SECRET)
    assert (row.submitted_by, row.approved_by, row.valid_from, row.valid_until) == (
        "Bia",
        "Caio",
        date(2026, 1, 1),
        date.max,
    )
    assert not isinstance(read_policy(source, name="p"), tuple)
