"""Payments that wait for a person: kept and counted as they come, whoever they are from."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.store import ledger
from payments.ledger import BANK, SUSPENSE, Posting, balanced

KEEP = """
INSERT INTO payment (end_to_end_id, txid, charge_id, customer_id, amount_cents, surplus_cents, allocation, source,
                     proposal, paid_at, booked_at)
VALUES ($1, $2, $3, $4, $5, $5, '[]', $6, $7, $8, $9)
ON CONFLICT (end_to_end_id) DO NOTHING RETURNING id
"""
KNOWN = "SELECT end_to_end_id FROM payment WHERE end_to_end_id = any($1::text[])"
CHARGE = "SELECT id, customer_id FROM charge WHERE txid = $1"
# The key under which a payment becomes an event: whoever has it decides what becomes of the payment.
CLAIM = """
INSERT INTO inbox (source, dedupe_key, kind, raw, received_at, state, done_at)
VALUES ('provider', $1, 'other', '', $2, 'done', $2) ON CONFLICT (source, dedupe_key) DO NOTHING RETURNING id
"""


async def known(conn: Any, end_to_end_ids: Sequence[str]) -> set[str]:
    """Return those of the payments that are kept already."""
    return {row["end_to_end_id"] for row in await conn.fetch(KNOWN, list(end_to_end_ids))}


async def keep_gone(
    conn: Any, *, end_to_end_id: str, txid: str, amount_cents: int, paid_at: datetime, source: str, now: datetime
) -> bool:
    """Keep a payment on a charge of ours that went back before it was heard of: it settles nothing and nobody is
    thanked. Return False where it was heard of before."""
    if await conn.fetchval(CLAIM, f"p:{end_to_end_id}", now) is None:
        return False
    charge = await conn.fetchrow(CHARGE, txid)
    return await keep_unknown(
        conn,
        end_to_end_id=end_to_end_id,
        txid=txid,
        amount_cents=amount_cents,
        paid_at=paid_at,
        source=source,
        proposal=None,
        now=now,
        charge_id=charge["id"],
        customer_id=charge["customer_id"],
    )


async def keep_unknown(
    conn: Any,
    *,
    end_to_end_id: str,
    txid: str | None,
    amount_cents: int,
    paid_at: datetime,
    source: str,
    proposal: Mapping[str, Any] | None,
    now: datetime,
    charge_id: int | None = None,
    customer_id: int | None = None,
) -> bool:
    """Keep a payment that settles nothing, all of it in suspense, inside the caller's transaction; once.

    `source`: pix, asaas or statement. `proposal`: what it may be for, shown to finance: "reason" (a msgid), and
    "debt_id" or "charge_id" where there is one. Return whether it is new.
    """
    payment_id = await conn.fetchval(
        KEEP, end_to_end_id, txid, charge_id, customer_id, amount_cents, source,
        json.dumps(proposal) if proposal is not None else None, paid_at, now,
    )  # fmt: skip
    if payment_id is None:
        return False
    postings = balanced(
        (Posting(account=BANK, amount_cents=amount_cents), Posting(account=SUSPENSE, amount_cents=-amount_cents))
    )
    await ledger.post(conn, key=f"pix:{end_to_end_id}", postings=postings, now=now)
    return True
