-- The reminder ladder: which version of it, which steps are over, and every active message to a person.
CREATE TABLE ladder_version (
    digest        text PRIMARY KEY,                        -- sha256 of the bytes, hexadecimal
    name          text NOT NULL,
    title         text NOT NULL,
    source        bytea NOT NULL,
    first_used_at timestamptz NOT NULL,
    stopped_at    timestamptz,                             -- by its roll-out's own rule, or by its ceiling
    stopped_because text,
    CONSTRAINT stopped_has_time_and_reason CHECK ((stopped_at IS NULL) = (stopped_because IS NULL))
);

CREATE TABLE ladder_contact (                              -- an active message, from its decision on
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversation,
    customer_id     bigint NOT NULL REFERENCES customer,
    decision_key    text NOT NULL CONSTRAINT contact_is_one_decision UNIQUE,  -- the outbox row's
    decided_at      timestamptz NOT NULL,
    local_on        date NOT NULL,                         -- the day in the ladder's time zone: caps count days
    purpose         text NOT NULL CONSTRAINT contact_purpose CHECK (purpose IN ('reminder', 'first_contact')),
    template        text NOT NULL,
    ladder_digest   text NOT NULL REFERENCES ladder_version,
    track           text NOT NULL,
    undone_because  text                                   -- it never left, and its steps are open again
);
CREATE INDEX ladder_contact_by_customer ON ladder_contact (customer_id, decided_at);
CREATE INDEX ladder_contact_by_conversation ON ladder_contact (conversation_id, decided_at);

CREATE TABLE ladder_step (                                 -- a step that is over, for one due date
    debt_id       bigint NOT NULL REFERENCES debt,
    instalment_n  integer NOT NULL DEFAULT -1,             -- -1: the debt itself
    due_on        date NOT NULL,
    ladder        text NOT NULL,                           -- its name: a corrected version goes on where the old one was
    day           integer NOT NULL,
    is_ticket     boolean NOT NULL,
    outcome       text NOT NULL CONSTRAINT step_outcome CHECK (outcome IN ('said', 'asked', 'ticket', 'passed')),
    reason        text,                                    -- of those that were passed over
    contact_id    bigint REFERENCES ladder_contact,
    at            timestamptz NOT NULL,
    PRIMARY KEY (debt_id, instalment_n, due_on, ladder, day, is_ticket)
);
CREATE INDEX ladder_step_by_contact ON ladder_step (contact_id) WHERE contact_id IS NOT NULL;

CREATE TABLE ladder_plan (                                 -- whose next step is known; without a row it is worked out anew
    customer_id     bigint PRIMARY KEY REFERENCES customer,
    conversation_id bigint REFERENCES conversation,        -- null: there is no way to reach them
    ladder_digest   text NOT NULL,
    planned_at      timestamptz NOT NULL
);

ALTER TABLE charge ADD COLUMN opened_at timestamptz;       -- its payment page was opened by somebody's browser

-- What changes the agenda of a debt makes its customer's next step be worked out anew: a new debt, another due date, a new
-- agreement, a day that was moved.
CREATE FUNCTION ladder_plans_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ladder_plan WHERE customer_id = NEW.customer_id;
    RETURN NULL;
END $$;
CREATE TRIGGER debt_is_new AFTER INSERT ON debt FOR EACH ROW EXECUTE FUNCTION ladder_plans_anew();
CREATE TRIGGER debt_is_due_otherwise AFTER UPDATE OF due_on, state ON debt FOR EACH ROW
    WHEN (OLD.due_on <> NEW.due_on OR OLD.state <> NEW.state) EXECUTE FUNCTION ladder_plans_anew();
CREATE FUNCTION ladder_plans_instalments_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ladder_plan p USING agreement a WHERE a.id = NEW.agreement_id AND p.customer_id = a.customer_id;
    RETURN NULL;
END $$;
CREATE TRIGGER instalment_is_due_otherwise AFTER UPDATE OF due_on, paid_cents ON instalment FOR EACH ROW
    WHEN (OLD.due_on <> NEW.due_on OR OLD.paid_cents <> NEW.paid_cents) EXECUTE FUNCTION ladder_plans_instalments_anew();
