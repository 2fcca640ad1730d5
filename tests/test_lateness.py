"""Who paid late before: by the creditor's days and the banks' calendar."""

from datetime import UTC, date, datetime

import pytest

from bot.store.lateness import late_before
from tests.owed import ZONE, owed

SATURDAY, TUESDAY = date(2026, 11, 14), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("due", "paid", "late"),
    [
        (TUESDAY, datetime(2026, 12, 1, 12, tzinfo=UTC), 0),
        (TUESDAY, datetime(2026, 12, 2, 1, tzinfo=UTC), 0),  # ten at night on the due day, where the creditor is
        (TUESDAY, datetime(2026, 12, 2, 3, tzinfo=UTC), 1),
        (SATURDAY, datetime(2026, 11, 16, 15, tzinfo=UTC), 0),  # no bank was open before Monday
        (SATURDAY, datetime(2026, 11, 17, 15, tzinfo=UTC), 1),
    ],
)
async def test_a_payment_is_late_from_the_day_after_the_last_day_to_pay(
    database: str, due: date, paid: datetime, late: int
) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000, due)
        await somebody.pool.execute(
            "UPDATE debt SET state = 'paid', open_principal_cents = 0, settled_at = $2 WHERE id = $1", debt, paid
        )
        async with somebody.pool.acquire() as conn:
            assert (await late_before(conn, [somebody.customer_id], ZONE))[somebody.customer_id] == late
