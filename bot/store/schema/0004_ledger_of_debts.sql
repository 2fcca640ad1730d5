-- Every debt has an account of its own, `debt:<id>`: what is left of its principal. Before, the principal of all of them was one account,
-- `receivable`, from which payments were taken and to which nothing was ever brought in.

-- Transactions are written whole, by one statement: their sum is looked at once for all that a statement brings, not once for each row.
DROP TRIGGER ledger_balances ON ledger_posting;
CREATE OR REPLACE FUNCTION ledger_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    -- What is there already sums to zero and stays: so must what is added, and the rest of the ledger need not be read.
    SELECT transaction_id INTO wrong FROM added GROUP BY transaction_id HAVING sum(amount_cents) <> 0 LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_balances AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_sums_to_zero();

-- The debts that are there: each was once brought in with its principal, and what was paid of that was taken from `receivable`. A debt
-- under an agreement is owed as it was; what its agreement received waits in the agreement's own account. Of one that was cancelled
-- nothing is owed.
CREATE TEMPORARY TABLE brought_in ON COMMIT DROP AS
SELECT d.id, d.principal_cents,
       d.principal_cents - d.open_principal_cents + coalesce(p.cents, 0) AS paid_cents,
       CASE WHEN d.state = 'cancelled' THEN d.open_principal_cents ELSE 0 END AS forgone_cents
FROM   debt d LEFT JOIN (SELECT account, sum(amount_cents) AS cents FROM ledger_posting GROUP BY account) p ON p.account = 'debt:' || d.id;

INSERT INTO ledger_transaction (key, booked_at) SELECT 'debt:' || id || ':opened', now() FROM brought_in ORDER BY id;
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT t.id, row_number() OVER (PARTITION BY t.id ORDER BY line.n), line.account, line.cents
FROM   brought_in b
JOIN   ledger_transaction t ON t.key = 'debt:' || b.id || ':opened'
CROSS  JOIN LATERAL (VALUES
    (1, 'debt:' || b.id, b.principal_cents), (2, 'opening', -b.principal_cents),
    (3, 'debt:' || b.id, -b.paid_cents),     (4, 'receivable', b.paid_cents),
    (5, 'debt:' || b.id, -b.forgone_cents),  (6, 'opening', b.forgone_cents)) AS line(n, account, cents)
WHERE  line.cents <> 0;

-- What is left there by a debt that somebody changed by hand.
WITH rest AS (SELECT sum(amount_cents) AS cents FROM ledger_posting WHERE account = 'receivable' HAVING sum(amount_cents) <> 0),
emptied AS (INSERT INTO ledger_transaction (key, booked_at) SELECT 'receivable:emptied', now() FROM rest RETURNING id)
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT emptied.id, line.n, line.account, line.cents
FROM   rest CROSS JOIN emptied
CROSS  JOIN LATERAL (VALUES (1, 'receivable', -rest.cents), (2, 'opening', rest.cents)) AS line(n, account, cents);
