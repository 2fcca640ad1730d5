-- Who looked at whose data, and when (LGPD art. 37: a record of what is done with personal data). Append-only.
CREATE TABLE access_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    user_id     bigint NOT NULL REFERENCES app_user,
    what        text NOT NULL,                             -- a code: desk_conversation, customer, portfolio_search, …
    customer_id bigint REFERENCES customer,                -- whose, where it is one person's
    object_id   bigint                                     -- of the conversation, payment, … that was shown
);
CREATE TRIGGER access_log_stays BEFORE UPDATE OR DELETE ON access_log FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE INDEX access_log_by_customer ON access_log (customer_id, at) WHERE customer_id IS NOT NULL;
CREATE INDEX access_log_by_time ON access_log (at);
CREATE INDEX access_log_by_person ON access_log (user_id, what, object_id, at);

-- The second factor (TOTP, RFC 6238). The secret is kept encrypted with a key that is not in the database; a code counts
-- once: `totp_step` is the last thirty seconds that one was used for.
ALTER TABLE app_user ADD COLUMN totp_secret text, ADD COLUMN totp_since timestamptz,
    ADD COLUMN totp_step bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT second_factor_has_a_secret CHECK (totp_since IS NULL OR totp_secret IS NOT NULL);

CREATE TABLE recovery_code (                               -- ten for each person, each of use once, kept as hashes
    user_id   bigint NOT NULL REFERENCES app_user,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE first_code (                                  -- with it somebody chooses their password, once
    code_hash  bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES app_user,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX first_code_by_user ON first_code (user_id);

-- What was done to a login, by whom; by nobody where it was the command line.
CREATE TABLE user_event (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    user_id bigint NOT NULL REFERENCES app_user,
    by_id   bigint REFERENCES app_user,
    what    text NOT NULL CONSTRAINT user_event_what CHECK (what IN (
        'added', 'code_given', 'password_chosen', 'role_changed', 'disabled', 'enabled',
        'second_factor_on', 'second_factor_off', 'logged_in', 'logged_out'))
);
CREATE TRIGGER user_event_stays BEFORE UPDATE OR DELETE ON user_event FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE INDEX user_event_by_time ON user_event (at);
