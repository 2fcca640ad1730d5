-- Until here an approval was two columns that whoever can write to the table can fill in. Now what is in force follows from
-- a journal alone: chained by hash, each line signed with a key that is not in the database. Rows of before have no line and
-- cannot be given one by SQL, or a forged one could: such a policy stays readable for the offers made under it, and has to be
-- submitted and approved once more before it offers anything.
DROP INDEX policy_newest_approval;
ALTER TABLE policy DROP CONSTRAINT four_eyes, DROP CONSTRAINT approval_has_name_and_time,
    DROP COLUMN approved_by, DROP COLUMN approved_at;

CREATE TABLE policy_event (
    n         bigint PRIMARY KEY CONSTRAINT counted_from_one CHECK (n > 0),
    at        timestamptz NOT NULL,
    kind      text NOT NULL CONSTRAINT policy_event_kind
              CHECK (kind IN ('submitted', 'proposed_again', 'commented', 'approved', 'refused')),
    digest    text NOT NULL REFERENCES policy,
    by        text NOT NULL,
    user_id   bigint REFERENCES app_user,                  -- null: said at the command line
    body      text NOT NULL,                               -- canonical JSON: proposal, text, valid_from, valid_until
    form_key  text CONSTRAINT one_line_per_form UNIQUE,    -- a form that is sent twice is one line
    hash      text NOT NULL,                               -- sha256 of the line before and of this one, hexadecimal
    signature text NOT NULL,                               -- of the hash, by the installation
    CONSTRAINT decisions_name_their_proposal CHECK (kind IN ('submitted', 'proposed_again') OR body::jsonb ? 'proposal')
);
CREATE TRIGGER policy_event_stays BEFORE UPDATE OR DELETE ON policy_event FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE INDEX policy_event_by_digest ON policy_event (digest, n);
