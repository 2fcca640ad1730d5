"""Proving the ledger: independent statements about all of it, each true or with what is wrong.

Nothing is locked: all of them read one picture of the database. A proof is one query for what contradicts it, so that
another is added by writing one more.
"""

from dataclasses import dataclass
from typing import Any

SHOWN = 1000  # of what contradicts one proof; more is not looked for

TRANSACTIONS_SUM_TO_ZERO = """
SELECT t.key AS what, sum(p.amount_cents)::bigint AS is_cents, 0::bigint AS should_cents
FROM   ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
GROUP  BY t.id, t.key HAVING sum(p.amount_cents) <> 0
ORDER  BY t.id LIMIT $1
"""
ACCOUNTS_SUM_TO_ZERO = """
SELECT 'all accounts' AS what, sum(amount_cents)::bigint AS is_cents, 0::bigint AS should_cents
FROM   ledger_posting HAVING sum(amount_cents) <> 0 LIMIT $1
"""
POSTINGS_ARE_NUMBERED = """
SELECT t.key AS what, NULL::bigint AS is_cents, NULL::bigint AS should_cents
FROM   ledger_transaction t
LEFT   JOIN (SELECT transaction_id, min(n) AS first, max(n) AS last, count(*) AS count
             FROM ledger_posting GROUP BY transaction_id) p ON p.transaction_id = t.id
WHERE  p.count IS NULL OR p.first <> 1 OR p.last <> p.count
ORDER  BY t.id LIMIT $1
"""
KEYS_ARE_KNOWN = """
SELECT key AS what, NULL::bigint AS is_cents, NULL::bigint AS should_cents FROM ledger_transaction
WHERE  key !~ '^(pix:[0-9A-Za-z:_-]+|return:[0-9A-Za-z:_-]+|(decision|broken):[0-9]+|receivable:emptied)$'
AND    key !~ '^debt:[0-9]+:(opened|changed:[0-9]+)$'
ORDER  BY id LIMIT $1
"""
ACCOUNTS_ARE_KNOWN = """
SELECT account AS what, sum(amount_cents)::bigint AS is_cents, NULL::bigint AS should_cents FROM ledger_posting
GROUP  BY account
HAVING account !~ '^(bank|suspense|opening|(debt|agreement|credit):[0-9]+)$'
AND    account !~ '^(income:(fines|interest|agreement_charges)|expense:discounts)$'
AND    (account <> 'receivable' OR sum(amount_cents) <> 0)
ORDER  BY account LIMIT $1
"""
# Of a cancelled debt nothing is owed; a paid one has nothing open; under an agreement the debt stays as it was until
# the last centavo.
DEBTS = """
SELECT coalesce(d.account, b.account) AS what, coalesce(b.cents, 0)::bigint AS is_cents,
       coalesce(d.cents, 0)::bigint AS should_cents
FROM   (SELECT 'debt:' || id AS account, CASE state WHEN 'cancelled' THEN 0 ELSE open_principal_cents END AS cents
        FROM debt) d
FULL   JOIN (SELECT account, sum(amount_cents) AS cents FROM ledger_posting
             WHERE account LIKE 'debt:%' GROUP BY account) b ON b.account = d.account
WHERE  coalesce(d.cents, 0) <> coalesce(b.cents, 0) OR d.account IS NULL OR b.account IS NULL
ORDER  BY 1 LIMIT $1
"""
AGREEMENTS = """
SELECT coalesce(a.account, b.account) AS what, coalesce(b.cents, 0)::bigint AS is_cents,
       coalesce(a.cents, 0)::bigint AS should_cents
FROM   (SELECT 'agreement:' || g.id AS account,
               CASE g.state WHEN 'active' THEN -coalesce(i.paid_cents, 0) ELSE 0 END AS cents
        FROM agreement g
        LEFT JOIN (SELECT agreement_id, sum(paid_cents) AS paid_cents FROM instalment GROUP BY agreement_id) i
        ON i.agreement_id = g.id) a
FULL   JOIN (SELECT account, sum(amount_cents) AS cents FROM ledger_posting
             WHERE account LIKE 'agreement:%' GROUP BY account) b ON b.account = a.account
WHERE  coalesce(a.cents, 0) <> coalesce(b.cents, 0) OR a.account IS NULL
ORDER  BY 1 LIMIT $1
"""
PAYMENTS = """
SELECT coalesce(p.key, t.key) AS what, t.cents::bigint AS is_cents, p.amount_cents AS should_cents
FROM   (SELECT 'pix:' || end_to_end_id AS key, amount_cents FROM payment) p
FULL   JOIN (SELECT t.key, coalesce(sum(g.amount_cents), 0) AS cents
             FROM ledger_transaction t LEFT JOIN ledger_posting g ON g.transaction_id = t.id AND g.account = 'bank'
             WHERE t.key LIKE 'pix:%' GROUP BY t.key) t ON t.key = p.key
WHERE  p.amount_cents IS DISTINCT FROM t.cents
ORDER  BY 1 LIMIT $1
"""
BANK = """
SELECT 'bank' AS what, b.cents::bigint AS is_cents, p.cents::bigint AS should_cents
FROM   (SELECT coalesce(sum(amount_cents), 0) AS cents FROM ledger_posting WHERE account = 'bank') b
CROSS  JOIN (SELECT coalesce(sum(amount_cents - returned_cents), 0) AS cents FROM payment) p
WHERE  b.cents <> p.cents LIMIT $1
"""
SUSPENSE = """
SELECT 'suspense' AS what, b.cents::bigint AS is_cents, p.cents::bigint AS should_cents
FROM   (SELECT coalesce(sum(amount_cents), 0) AS cents FROM ledger_posting WHERE account = 'suspense') b
CROSS  JOIN (SELECT -coalesce(sum(surplus_cents), 0) AS cents FROM payment) p
WHERE  b.cents <> p.cents LIMIT $1
"""
RETURNS = """
SELECT coalesce(r.key, t.key) AS what, t.cents::bigint AS is_cents, r.cents AS should_cents
FROM   (SELECT 'return:' || end_to_end_id || ':' || refund_id AS key, -amount_cents AS cents
        FROM payment_return WHERE booked_at IS NOT NULL) r
FULL   JOIN (SELECT t.key, coalesce(sum(g.amount_cents), 0) AS cents
             FROM ledger_transaction t LEFT JOIN ledger_posting g ON g.transaction_id = t.id AND g.account = 'bank'
             WHERE t.key LIKE 'return:%' GROUP BY t.key) t ON t.key = r.key
WHERE  r.cents IS DISTINCT FROM t.cents
UNION  ALL
SELECT 'pix:' || p.end_to_end_id, p.returned_cents, coalesce(r.cents, 0)::bigint
FROM   payment p
LEFT   JOIN (SELECT end_to_end_id, sum(amount_cents) AS cents FROM payment_return
             WHERE booked_at IS NOT NULL GROUP BY end_to_end_id) r ON r.end_to_end_id = p.end_to_end_id
WHERE  p.returned_cents <> coalesce(r.cents, 0)
ORDER  BY 1 LIMIT $1
"""
CREDITS = """
SELECT coalesce(b.account, p.account) AS what, coalesce(b.cents, 0)::bigint AS is_cents,
       coalesce(p.cents, 0)::bigint AS should_cents
FROM   (SELECT account, sum(amount_cents) AS cents FROM ledger_posting
        WHERE account LIKE 'credit:%' GROUP BY account) b
FULL   JOIN (SELECT 'credit:' || customer_id AS account, -sum(credit_cents) AS cents FROM payment
             WHERE credit_cents > 0 GROUP BY customer_id) p ON p.account = b.account
WHERE  coalesce(b.cents, 0) <> coalesce(p.cents, 0) ORDER BY 1 LIMIT $1
"""
ALLOCATIONS = """
SELECT 'pix:' || p.end_to_end_id AS what,
       (p.surplus_cents + p.credit_cents + p.returned_cents + coalesce(a.cents, 0))::bigint AS is_cents,
       p.amount_cents AS should_cents
FROM   payment p
CROSS  JOIN LATERAL (
    SELECT sum(CASE WHEN part ? 'debt_id' THEN (part->>'principal_cents')::bigint - (part->>'discount_cents')::bigint
                    ELSE (part->>'amount_cents')::bigint END
               + coalesce((part->>'fine_cents')::bigint, 0) + coalesce((part->>'interest_cents')::bigint, 0)) AS cents
    FROM jsonb_array_elements(p.allocation) AS part) a
WHERE  p.surplus_cents + p.credit_cents + p.returned_cents + coalesce(a.cents, 0) <> p.amount_cents
ORDER  BY p.id LIMIT $1
"""
LATE_CHARGES = """
SELECT coalesce(b.account, p.account) AS what, coalesce(b.cents, 0)::bigint AS is_cents,
       coalesce(p.cents, 0)::bigint AS should_cents
FROM   (SELECT account, sum(amount_cents) AS cents FROM ledger_posting
        WHERE account IN ('income:fines', 'income:interest') GROUP BY account) b
FULL   JOIN (SELECT line.account, -sum(line.cents) AS cents
             FROM payment p CROSS JOIN jsonb_array_elements(p.allocation) AS part
             CROSS JOIN LATERAL (VALUES ('income:fines', coalesce((part->>'fine_cents')::bigint, 0)),
                                        ('income:interest', coalesce((part->>'interest_cents')::bigint, 0)))
                        AS line(account, cents)
             GROUP BY line.account) p ON p.account = b.account
WHERE  coalesce(b.cents, 0) <> coalesce(p.cents, 0) LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One statement about the whole ledger, and the query for what contradicts it ($1: at most so many)."""

    name: str
    says: str
    query: str


PROOFS = (
    Proof(name="transactions", says="every transaction sums to zero", query=TRANSACTIONS_SUM_TO_ZERO),
    Proof(name="sum", says="all accounts together are zero", query=ACCOUNTS_SUM_TO_ZERO),
    Proof(name="numbers", says="the postings of each transaction are numbered from 1", query=POSTINGS_ARE_NUMBERED),
    Proof(name="keys", says="every transaction is of a known kind", query=KEYS_ARE_KNOWN),
    Proof(name="accounts", says="every account is of a known kind", query=ACCOUNTS_ARE_KNOWN),
    Proof(name="debts", says="each debt's account is what is open of its principal", query=DEBTS),
    Proof(name="agreements", says="each agreement's account is what its payments received", query=AGREEMENTS),
    Proof(name="payments", says="each payment has its transaction, and each its payment", query=PAYMENTS),
    Proof(name="bank", says="the bank has what was paid and did not go back", query=BANK),
    Proof(name="suspense", says="suspense holds what settled nothing", query=SUSPENSE),
    Proof(name="returns", says="each return has its transaction, and each its return", query=RETURNS),
    Proof(name="credits", says="each customer's credit is what was kept of their payments", query=CREDITS),
    Proof(name="allocations", says="each payment is what it settled, what waits and what went back", query=ALLOCATIONS),
    Proof(name="late_charges", says="fines and interest are what payments say", query=LATE_CHARGES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that contradicts a proof: a key or an account, and what it is and should be, in centavos, where there
    is an amount."""

    what: str
    is_cents: int | None
    should_cents: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a proof: true where nothing contradicts it. At most SHOWN contradictions are kept."""

    proof: Proof
    wrong: tuple[Wrong, ...]


async def check(conn: Any) -> tuple[Finding, ...]:
    """Try every proof on one picture of the database. Opens a transaction of its own, which only reads."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        return tuple(
            [
                Finding(proof=proof, wrong=tuple(Wrong(**row) for row in await conn.fetch(proof.query, SHOWN)))
                for proof in PROOFS
            ]
        )
