-- Papers: agreements, quittances, receipts and calendars as they were decided, and the very bytes that were handed out.
CREATE TABLE paper (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token           text NOT NULL UNIQUE,                  -- of /paper/: unguessable
    kind            text NOT NULL CONSTRAINT paper_kind CHECK (kind IN ('terms', 'quittance', 'receipt', 'calendar')),
    revision        integer NOT NULL DEFAULT 0,            -- of a calendar whose dates moved; other papers have one
    conversation_id bigint NOT NULL REFERENCES conversation,
    customer_id     bigint NOT NULL REFERENCES customer,
    agreement_id    bigint REFERENCES agreement,
    payment_id      bigint REFERENCES payment,
    content         text NOT NULL,                         -- JSON, bot.papers.contents, byte for byte what sha256 is of
    sha256          text NOT NULL,                         -- hexadecimal; stands in the journal and on the paper
    body            bytea,                                 -- the file, from its first reading on
    made_at         timestamptz NOT NULL,
    CONSTRAINT paper_of_something CHECK (agreement_id IS NOT NULL OR payment_id IS NOT NULL)
);
CREATE UNIQUE INDEX one_paper_of_a_kind ON paper (kind, coalesce(agreement_id, 0), coalesce(payment_id, 0), revision);
CREATE INDEX paper_by_customer ON paper (customer_id);

CREATE FUNCTION paper_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.body IS NOT NULL OR to_jsonb(NEW) - 'body' <> to_jsonb(OLD) - 'body' THEN
        RAISE EXCEPTION 'a paper stays as it was made' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER paper_stays BEFORE UPDATE OR DELETE ON paper FOR EACH ROW EXECUTE FUNCTION paper_stays();
