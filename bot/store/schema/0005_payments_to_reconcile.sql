-- What comes in and waits for a person, and what goes back. A payment may be nobody's; finance decides on it, and each decision stays.
ALTER TABLE payment
    ADD COLUMN source text NOT NULL DEFAULT 'pix' CONSTRAINT payment_source CHECK (source IN ('pix', 'asaas', 'statement')),
    ADD COLUMN proposal jsonb,                             -- what it may be for, with the reason: {"debt_id"?, "charge_id"?, "reason", …}
    ADD COLUMN credit_cents bigint NOT NULL DEFAULT 0 CONSTRAINT credit_is_money CHECK (credit_cents >= 0),        -- kept for the customer
    ADD COLUMN returned_cents bigint NOT NULL DEFAULT 0 CONSTRAINT returned_is_money CHECK (returned_cents >= 0),  -- went back to the payer
    ADD CONSTRAINT surplus_is_money CHECK (surplus_cents >= 0),
    ADD CONSTRAINT credit_is_somebodys CHECK (credit_cents = 0 OR customer_id IS NOT NULL),
    ADD CONSTRAINT no_more_than_was_paid CHECK (surplus_cents + credit_cents + returned_cents <= amount_cents);
CREATE INDEX payment_to_reconcile ON payment (paid_at, id) WHERE surplus_cents > 0;
CREATE INDEX payment_in_credit ON payment (paid_at, id) WHERE credit_cents > 0;

-- What finance decided on money that settled nothing. `taken_from`: suspense, or the customer's credit.
CREATE TABLE payment_decision (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id      bigint NOT NULL REFERENCES payment,
    form_key        text NOT NULL CONSTRAINT decided_by_one_form UNIQUE,
    kind            text NOT NULL CONSTRAINT decision_kind CHECK (kind IN ('allocate', 'refund', 'credit')),
    taken_from      text NOT NULL CONSTRAINT decision_takes_from CHECK (taken_from IN ('suspense', 'credit')),
    amount_cents    bigint NOT NULL CHECK (amount_cents > 0),
    debt_id         bigint REFERENCES debt,
    customer_id     bigint REFERENCES customer,
    by_user         bigint NOT NULL REFERENCES app_user,
    note            text NOT NULL DEFAULT '',
    decided_at      timestamptz NOT NULL,
    CONSTRAINT allocated_to_a_debt CHECK ((kind = 'allocate') = (debt_id IS NOT NULL)),
    CONSTRAINT credit_has_an_owner CHECK (kind <> 'credit' OR customer_id IS NOT NULL)
);
CREATE INDEX decision_by_payment ON payment_decision (payment_id, id);
CREATE TRIGGER payment_decision_stays BEFORE UPDATE OR DELETE ON payment_decision FOR EACH ROW EXECUTE FUNCTION append_only();

-- Money that goes back, from the wish to the bank's word. It may be told before its payment is.
CREATE TABLE payment_return (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    end_to_end_id   text NOT NULL,
    refund_id       text NOT NULL,
    amount_cents    bigint NOT NULL CHECK (amount_cents > 0),
    status          text NOT NULL CONSTRAINT return_status CHECK (status IN ('REQUESTED', 'EM_PROCESSAMENTO', 'DEVOLVIDO', 'NAO_REALIZADO')),
    nature          text NOT NULL DEFAULT 'ORIGINAL',      -- as the bank names it: ORIGINAL, RETIRADA, MED_…
    decision_id     bigint REFERENCES payment_decision,    -- ours; null: somebody else's wish
    undone          jsonb NOT NULL DEFAULT '[]',           -- what of the payment's allocation it took back, in the same lines
    reason          text,                                  -- why the bank did not: a word, never a person's
    noted_at        timestamptz NOT NULL,
    booked_at       timestamptz,
    CONSTRAINT one_return_of_an_id UNIQUE (end_to_end_id, refund_id),
    CONSTRAINT booked_when_gone CHECK (booked_at IS NULL OR status = 'DEVOLVIDO')
);
CREATE INDEX return_on_its_way ON payment_return (end_to_end_id) WHERE status IN ('REQUESTED', 'EM_PROCESSAMENTO');

-- The third thing to do at the provider; money of nobody known is in nobody's conversation.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind CHECK (kind IN ('message', 'typing', 'charge', 'cancel_charge', 'refund'));
ALTER TABLE outbox ALTER COLUMN conversation_id DROP NOT NULL;
ALTER TABLE outbox ADD CONSTRAINT said_to_somebody CHECK (conversation_id IS NOT NULL OR kind = 'refund');
DROP INDEX outbox_to_charge;
CREATE INDEX outbox_to_charge ON outbox (not_before, id) WHERE state = 'pending' AND kind IN ('charge', 'cancel_charge', 'refund');

-- Payments that nobody knew were set aside in the inbox before; now they are counted.
CREATE TEMPORARY TABLE unknown ON COMMIT DROP AS
SELECT id, occurred_at, convert_from(raw, 'UTF8')::jsonb AS told FROM inbox
WHERE  source = 'provider' AND state = 'parked' AND reason = 'payment.unknown_txid';
INSERT INTO payment (end_to_end_id, txid, amount_cents, surplus_cents, allocation, paid_at, booked_at)
SELECT told->>'endToEndId', told->>'txid', (told->>'cents')::bigint, (told->>'cents')::bigint, '[]', occurred_at, now()
FROM   unknown ON CONFLICT DO NOTHING;
WITH begun AS (
    INSERT INTO ledger_transaction (key, booked_at) SELECT 'pix:' || (told->>'endToEndId'), now() FROM unknown
    ON CONFLICT DO NOTHING RETURNING id, key)
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT begun.id, line.n, line.account, line.cents
FROM   begun JOIN unknown ON begun.key = 'pix:' || (told->>'endToEndId')
CROSS  JOIN LATERAL (VALUES (1, 'bank', (told->>'cents')::bigint), (2, 'suspense', -(told->>'cents')::bigint)) AS line(n, account, cents);
UPDATE inbox SET state = 'done', done_at = now() WHERE id IN (SELECT id FROM unknown);
