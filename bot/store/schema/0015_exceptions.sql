-- Offers outside the policy: an agent asks from within a ticket, another person of finance decides in time, and what was
-- approved is sealed like any other offer, with the name of who decided.
CREATE TABLE exception_request (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form_key        text NOT NULL CONSTRAINT asked_once_per_form UNIQUE,
    ticket_id       bigint NOT NULL REFERENCES ticket,
    conversation_id bigint NOT NULL REFERENCES conversation,
    customer_id     bigint NOT NULL REFERENCES customer,
    debt_id         bigint NOT NULL REFERENCES debt,
    asked_by        bigint NOT NULL REFERENCES app_user,
    asked_at        timestamptz NOT NULL,
    answer_until    timestamptz NOT NULL,                  -- unanswered by then it is over
    reason          text NOT NULL,
    wanted          jsonb NOT NULL,                        -- flows.special_offer.Wanted
    open_cents      bigint NOT NULL CHECK (open_cents > 0),-- the principal it was asked for: of another it does not hold
    state           text NOT NULL DEFAULT 'waiting' CONSTRAINT exception_state CHECK (state IN ('waiting', 'approved', 'refused', 'expired')),
    decided_by      bigint REFERENCES app_user,
    decided_at      timestamptz,
    because         text,
    stands_until    date,                                  -- how long the agent may make the offer
    offer_no        integer,                               -- the offer that was made of it
    CONSTRAINT decided_by_somebody CHECK ((state IN ('approved', 'refused')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)),
    CONSTRAINT asked_and_decided_by_two CHECK (decided_by <> asked_by),
    CONSTRAINT approved_stands_for_some_days CHECK ((state = 'approved') = (stands_until IS NOT NULL)),
    CONSTRAINT only_what_is_approved_is_offered CHECK (offer_no IS NULL OR state = 'approved')
);
CREATE UNIQUE INDEX one_waiting_request_per_debt ON exception_request (debt_id) WHERE state = 'waiting';
CREATE INDEX exception_request_by_customer ON exception_request (customer_id, id);
CREATE INDEX exception_request_by_conversation ON exception_request (conversation_id, id);
CREATE INDEX exception_request_waiting ON exception_request (answer_until) WHERE state = 'waiting';
