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
