-- Of which file and line a statement's credit was taken in, and which charge it was booked on: a line competes for a charge also
-- with those of earlier files. Lines of before this migration belong to no file that is known.
CREATE TABLE statement_import (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest        text NOT NULL CONSTRAINT statement_is_one UNIQUE,  -- SHA-256 of the file
    imported_at   timestamptz NOT NULL
);
ALTER TABLE statement_line
    ADD COLUMN import_id bigint REFERENCES statement_import,
    ADD COLUMN line      integer NOT NULL DEFAULT 0,                 -- of the file
    ADD COLUMN charge_id bigint REFERENCES charge,
    DROP COLUMN taken_in_at;
ALTER TABLE statement_line ALTER COLUMN line DROP DEFAULT;
UPDATE statement_line s SET charge_id = p.charge_id FROM payment p WHERE p.end_to_end_id = s.key AND s.outcome = 'booked';
CREATE INDEX statement_line_by_day ON statement_line (booked_on, amount_cents);
CREATE INDEX statement_line_by_charge ON statement_line (charge_id) WHERE charge_id IS NOT NULL;
