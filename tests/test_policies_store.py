"""Four eyes: what one submitted, byte by byte, another approves; only that is in force, and the last good one stays."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from bot.store import policies
from flows.policy import read_policy
from tests.test_policy import SAMPLE, policy_with

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 23)


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Any]:
    """A connection to a database of the test's own."""
    conn = await asyncpg.connect(database)
    yield conn
    await conn.close()


async def submitted(conn: Any, source: bytes = SAMPLE, by: str = "Bia") -> str:
    return await policies.submit(conn, source, file="padrao.yaml", by=by, now=NOW)


async def approved(conn: Any, digest: str, *, by: str = "Caio", after: timedelta = timedelta()) -> None:
    await policies.approve(conn, digest, by=by, now=NOW + after, today=TODAY)


async def in_force(conn: Any, on: date = TODAY) -> str | None:
    found = await policies.in_force(conn, on)
    return found.digest if found is not None else None


async def test_a_submitted_policy_is_in_force_only_when_another_approved_it(conn: Any) -> None:
    digest = await submitted(conn)
    assert await in_force(conn) is None
    await approved(conn, digest)
    found = await policies.in_force(conn, TODAY)
    assert found is not None
    assert (found.digest, found.source) == (digest, SAMPLE)
    assert await in_force(conn, date(2028, 1, 1)) is None
    assert await in_force(conn, date(2025, 12, 31)) is None


@pytest.mark.parametrize("by", ["Bia", "bia", " BIA ", "Bia\u00a0"])
async def test_nobody_approves_their_own(conn: Any, by: str) -> None:
    digest = await submitted(conn, by="Bia")
    with pytest.raises(policies.PolicyRefused, match="somebody else"):
        await approved(conn, digest, by=by)
    assert await in_force(conn) is None


async def test_the_same_bytes_again_keep_their_first_author(conn: Any) -> None:
    digest = await submitted(conn, by="Bia")
    assert await submitted(conn, by="Caio") == digest
    with pytest.raises(policies.PolicyRefused):
        await approved(conn, digest, by="Bia")
    await approved(conn, digest, by="Caio")
    with pytest.raises(policies.PolicyRefused, match="approved already, by Caio"):
        await approved(conn, digest, by="Davi")


async def test_an_unknown_digest_an_empty_name_and_a_past_policy_are_refused(conn: Any) -> None:
    with pytest.raises(policies.PolicyRefused, match="No policy of this digest"):
        await approved(conn, "0" * 64)
    with pytest.raises(policies.PolicyRefused, match="name is empty"):
        await submitted(conn, by=" ")
    past = await submitted(conn, policy_with(("from: 2026-01-01, until: 2027-12-31", "until: 2026-11-22")))
    with pytest.raises(policies.PolicyRefused, match="valid until 2026-11-22"):
        await approved(conn, past)


async def test_a_file_with_mistakes_is_not_taken_in(conn: Any) -> None:
    with pytest.raises(policies.PolicyUnreadable) as refused:
        await submitted(
            conn, policy_with(("currency: BRL", "currency: USD"), ("fine_percent: 2.00", "fine_percent: x"))
        )
    assert [mistake.line for mistake in refused.value.mistakes] == [5, 9]
    assert await policies.every(conn) == ()


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
        assert await submitted(conn, by="bia")
    else:
        with pytest.raises(policies.PolicyRefused):
            await submitted(conn, by="bia")


async def test_the_newest_approval_is_in_force_and_an_unreadable_one_is_passed_over(conn: Any) -> None:
    first, second = await submitted(conn), await submitted(conn, policy_with(("grace_days: 0", "grace_days: 1")))
    await approved(conn, second)
    await approved(conn, first, after=timedelta(minutes=1))
    assert await in_force(conn) == first
    # As if a later version of the program had approved what this one cannot read.
    await conn.execute("UPDATE policy SET source = 'policy: 2.0' WHERE digest = $1", first)
    assert await in_force(conn) == second


async def test_an_open_end_covers_every_day(conn: Any) -> None:
    source = policy_with(("valid: {from: 2026-01-01, until: 2027-12-31}", "valid: {from: 2026-01-01}"))
    digest = await submitted(conn, source)
    await approved(conn, digest)
    assert await in_force(conn, date(2999, 1, 1)) == digest
    (row,) = await policies.every(conn)
    assert (row.submitted_by, row.approved_by, row.valid_from, row.valid_until) == (
        "Bia",
        "Caio",
        date(2026, 1, 1),
        date.max,
    )
    assert not isinstance(read_policy(source, name="p"), tuple)
