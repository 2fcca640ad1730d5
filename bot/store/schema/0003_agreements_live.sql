-- Agreements live: an instalment is a receivable of its own. Late, it costs what a debt costs; ahead of its day, interest is taken
-- off it; its date may be moved. An agreement ends for a reason, and another may take its place.
ALTER TABLE instalment
    ADD COLUMN forgiven_cents bigint NOT NULL DEFAULT 0 CONSTRAINT forgiven_is_no_debt CHECK (forgiven_cents >= 0),
    ADD COLUMN interest_from date,                         -- after a partial payment of a late one: the day that interest runs from
    ADD COLUMN interest_carried_cents bigint NOT NULL DEFAULT 0 CHECK (interest_carried_cents >= 0),
    ADD COLUMN fine_paid_cents bigint NOT NULL DEFAULT 0 CHECK (fine_paid_cents >= 0),
    ADD COLUMN moved_from date,                            -- its day in the agreement, where the person moved it
    DROP CONSTRAINT instalment_not_overpaid,
    ADD CONSTRAINT instalment_not_overpaid CHECK (paid_cents >= 0 AND paid_cents + forgiven_cents <= amount_cents);
ALTER TABLE agreement
    ADD COLUMN ended_because text CONSTRAINT agreement_end CHECK (ended_because IN ('paid', 'late', 'missed', 'unpaid', 'renegotiated', 'asked', 'returned')),
    ADD COLUMN instead_of bigint REFERENCES agreement;     -- the agreement whose place this one took
ALTER TABLE debt
    ADD COLUMN promises smallint NOT NULL DEFAULT 0;       -- how often a day was promised since something was last paid
CREATE INDEX agreement_by_debt ON agreement (debt_id);
