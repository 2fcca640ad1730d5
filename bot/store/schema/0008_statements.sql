-- Bank statements that were taken in: which lines, and what became of each. The bank's own words stay with the payment that people
-- have to decide on, nowhere else.
CREATE TABLE statement_line (
    key           text PRIMARY KEY,                        -- the endToEndId, or made of what the bank says of the line
    booked_on     date NOT NULL,
    amount_cents  bigint NOT NULL CHECK (amount_cents > 0),
    outcome       text NOT NULL CONSTRAINT line_outcome CHECK (outcome IN ('booked', 'proposed', 'unknown')),
    taken_in_at   timestamptz NOT NULL
);
