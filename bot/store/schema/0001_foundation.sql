-- The foundation: who owes what, what happened, what is to be done, and the proof of it.
-- Rows with personal data are customer, conversation, inbox.raw, outbox.body, journal.body, offer, ticket notes; nothing else holds any.
-- Lock order everywhere: conversation, debt, charge, outbox. Turns lock conversations FOR NO KEY UPDATE, so that the
-- foreign keys of the inbox (FOR KEY SHARE) never wait for a turn.

CREATE TABLE app_user (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL,
    role          text NOT NULL CONSTRAINT role_is_known CHECK (role IN ('agent', 'finance', 'admin')),
    password_hash text,                                    -- argon2id; null: may not log in
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);
CREATE UNIQUE INDEX one_user_of_a_name ON app_user (lower(name));

CREATE TABLE app_session (
    token_hash    bytea PRIMARY KEY,                       -- sha256 of the cookie; the cookie itself is nowhere
    user_id       bigint NOT NULL REFERENCES app_user,
    csrf_token    text NOT NULL,
    created_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);

CREATE TABLE policy (
    digest        text PRIMARY KEY,                        -- sha256 of the bytes, hexadecimal
    name          text NOT NULL,
    title         text NOT NULL,
    source        bytea NOT NULL,
    valid_from    date NOT NULL,
    valid_until   date NOT NULL,
    submitted_by  text NOT NULL,
    submitted_at  timestamptz NOT NULL,
    approved_by   text,
    approved_at   timestamptz,
    CONSTRAINT validity_is_a_span CHECK (valid_from <= valid_until),
    CONSTRAINT approval_has_name_and_time CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT four_eyes CHECK (lower(btrim(approved_by)) <> lower(btrim(submitted_by)))
);
CREATE INDEX policy_newest_approval ON policy (approved_at DESC) WHERE approved_at IS NOT NULL;

CREATE TABLE customer (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id   text NOT NULL UNIQUE,
    name          text NOT NULL,
    document      text NOT NULL,                           -- canonical CPF or CNPJ, always text
    phone         text,                                    -- canonical digits with country code, see bot.whatsapp.inbound
    email         text,
    opt_in        text,
    opted_out_at  timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX customer_by_phone ON customer (phone);

CREATE TABLE debt (
    id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id            text NOT NULL UNIQUE,
    customer_id            bigint NOT NULL REFERENCES customer,
    description            text NOT NULL,
    principal_cents        bigint NOT NULL CONSTRAINT principal_is_positive CHECK (principal_cents > 0),
    open_principal_cents   bigint NOT NULL,
    due_on                 date NOT NULL,
    tags                   text[] NOT NULL DEFAULT '{}',
    state                  text NOT NULL DEFAULT 'open' CONSTRAINT debt_state CHECK (state IN ('open', 'agreed', 'paid', 'cancelled')),
    interest_from          date,                           -- after a partial payment: the day that interest runs from
    interest_carried_cents bigint NOT NULL DEFAULT 0 CHECK (interest_carried_cents >= 0),
    fine_paid_cents        bigint NOT NULL DEFAULT 0 CHECK (fine_paid_cents >= 0),
    promised_until         date,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    settled_at             timestamptz,
    CONSTRAINT open_principal_within CHECK (open_principal_cents BETWEEN 0 AND principal_cents),
    CONSTRAINT paid_means_settled CHECK ((state = 'paid') = (settled_at IS NOT NULL)),
    CONSTRAINT paid_means_nothing_open CHECK (state <> 'paid' OR open_principal_cents = 0)
);
CREATE INDEX debt_by_customer ON debt (customer_id, due_on, id);

CREATE TABLE conversation (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address       text NOT NULL UNIQUE,                    -- canonical phone digits, or the BSUID where no phone is known
    wa_id         text,                                    -- what WhatsApp calls the phone: where answers go
    user_id       text,                                    -- BSUID
    customer_id   bigint REFERENCES customer,              -- who confirmed to be behind this chat
    confirmed_at  timestamptz,
    profile_name  text,
    state         jsonb NOT NULL DEFAULT '{}',             -- the machine's: flows.step.State
    owner         text NOT NULL DEFAULT 'bot' CONSTRAINT owner_is_known CHECK (owner IN ('bot', 'person')),
    epoch         integer NOT NULL DEFAULT 0,              -- rises with each change of owner
    serial        integer NOT NULL DEFAULT 0,              -- the last number given to an offer or charge of this conversation
    wrong_answers integer NOT NULL DEFAULT 0,
    wrong_on      date,
    contact_closed_at timestamptz,                         -- "não sou eu"
    opted_out_at  timestamptz,
    heard_at      timestamptz,                             -- Meta's time of the person's last message: the 24-hour window
    journal_n     integer NOT NULL DEFAULT 0,
    journal_hash  bytea NOT NULL DEFAULT ''::bytea,
    not_before    timestamptz NOT NULL DEFAULT '-infinity',   -- turns wait until then (back-off of a failing event)
    send_after    timestamptz NOT NULL DEFAULT '-infinity',   -- the sender waits until then (back-off, pair rate)
    created_at    timestamptz NOT NULL
);
CREATE INDEX conversation_by_customer ON conversation (customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE conversation_alias (                          -- a BSUID, or an older number, of a conversation known by its phone
    alias           text PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversation
);

CREATE TABLE inbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source          text NOT NULL CONSTRAINT source_is_known CHECK (source IN ('whatsapp', 'pix', 'provider', 'timer', 'desk', 'engine')),
    dedupe_key      text NOT NULL,
    kind            text NOT NULL CONSTRAINT inbox_kind CHECK (kind IN ('message', 'event', 'status', 'other', 'pix', 'unreadable')),
    conversation_id bigint REFERENCES conversation,
    raw             bytea NOT NULL,
    occurred_at     timestamptz,
    received_at     timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'open' CONSTRAINT inbox_state CHECK (state IN ('open', 'done', 'parked')),
    attempts        smallint NOT NULL DEFAULT 0,
    reason          text,                                  -- why it is parked: a type and a place, never what a person wrote
    done_at         timestamptz,
    CONSTRAINT taken_in_once UNIQUE (source, dedupe_key),
    CONSTRAINT turn_has_a_conversation CHECK (kind NOT IN ('message', 'event') OR conversation_id IS NOT NULL OR state = 'parked')
);
CREATE INDEX inbox_open_turns ON inbox (conversation_id, id) WHERE state = 'open' AND kind IN ('message', 'event');
CREATE INDEX inbox_open_others ON inbox (kind, id) WHERE state = 'open' AND kind NOT IN ('message', 'event');
CREATE INDEX inbox_parked ON inbox (id) WHERE state = 'parked';

CREATE TABLE offer (
    conversation_id bigint NOT NULL REFERENCES conversation,
    no              integer NOT NULL,
    customer_id     bigint NOT NULL REFERENCES customer,
    debt_id         bigint NOT NULL REFERENCES debt,
    policy_digest   text NOT NULL REFERENCES policy,
    terms           jsonb NOT NULL,
    facts           jsonb NOT NULL,
    shown_at        timestamptz NOT NULL,
    shown_on        date NOT NULL,
    honoured_until  date NOT NULL,
    accepted_at     timestamptz,
    PRIMARY KEY (conversation_id, no)
);
CREATE INDEX offer_by_debt ON offer (debt_id);

CREATE TABLE agreement (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL,
    offer_no        integer NOT NULL,
    customer_id     bigint NOT NULL REFERENCES customer,
    debt_id         bigint NOT NULL REFERENCES debt,
    total_cents     bigint NOT NULL CHECK (total_cents > 0),
    state           text NOT NULL DEFAULT 'active' CONSTRAINT agreement_state CHECK (state IN ('active', 'settled', 'broken')),
    accepted_at     timestamptz NOT NULL,
    accepted_by_message text NOT NULL,                     -- the wamid of the press or text: the proof
    closed_at       timestamptz,
    CONSTRAINT one_agreement_per_offer UNIQUE (conversation_id, offer_no),
    FOREIGN KEY (conversation_id, offer_no) REFERENCES offer (conversation_id, no)
);
CREATE UNIQUE INDEX one_live_agreement_per_debt ON agreement (debt_id) WHERE state = 'active';

CREATE TABLE instalment (
    agreement_id    bigint NOT NULL REFERENCES agreement,
    n               integer NOT NULL,                      -- 0 is the entry
    due_on          date NOT NULL,
    amount_cents    bigint NOT NULL CHECK (amount_cents > 0),
    paid_cents      bigint NOT NULL DEFAULT 0 CONSTRAINT instalment_not_overpaid CHECK (paid_cents BETWEEN 0 AND amount_cents),
    PRIMARY KEY (agreement_id, n)
);

CREATE TABLE charge (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversation,
    no              integer NOT NULL,
    customer_id     bigint NOT NULL REFERENCES customer,
    provider        text NOT NULL CONSTRAINT charge_provider CHECK (provider IN ('static', 'api')),
    txid            text NOT NULL UNIQUE,
    pay_token       text NOT NULL UNIQUE,                  -- of /pay/ and /qr/: unguessable
    amount_cents    bigint NOT NULL CHECK (amount_cents > 0),
    parts           jsonb NOT NULL,                        -- [CostOfDebt]
    pay_until       date NOT NULL,
    expires_at      timestamptz NOT NULL,                  -- the end of that day where the creditor is
    state           text NOT NULL DEFAULT 'requested' CONSTRAINT charge_state CHECK (state IN ('requested', 'active', 'paid', 'cancelled', 'failed')),
    code            text,
    location        text,
    paid_cents      bigint NOT NULL DEFAULT 0,
    offer_no        integer,
    agreement_id    bigint REFERENCES agreement,
    instalment_n    integer,
    created_at      timestamptz NOT NULL,
    CONSTRAINT one_charge_per_number UNIQUE (conversation_id, no),
    CONSTRAINT active_has_a_code CHECK (state <> 'active' OR code IS NOT NULL)
);
CREATE INDEX charge_watched ON charge (id) WHERE state IN ('requested', 'active');
CREATE INDEX charge_by_customer ON charge (customer_id);

CREATE TABLE charge_debt (                                 -- which debts a charge asks for
    charge_id       bigint NOT NULL REFERENCES charge,
    debt_id         bigint NOT NULL REFERENCES debt,
    PRIMARY KEY (charge_id, debt_id)
);
CREATE INDEX charge_debt_by_debt ON charge_debt (debt_id);

CREATE TABLE payment (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    end_to_end_id   text NOT NULL CONSTRAINT one_booking_per_payment UNIQUE,
    txid            text,
    charge_id       bigint REFERENCES charge,
    customer_id     bigint REFERENCES customer,
    amount_cents    bigint NOT NULL CHECK (amount_cents > 0),
    surplus_cents   bigint NOT NULL DEFAULT 0,             -- what settled nothing: in suspense
    allocation      jsonb NOT NULL,                        -- what it settled, part by part
    paid_at         timestamptz NOT NULL,
    booked_at       timestamptz NOT NULL
);
CREATE INDEX payment_by_charge ON payment (charge_id);
CREATE INDEX payment_by_customer ON payment (customer_id);

CREATE TABLE ledger_transaction (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key             text NOT NULL CONSTRAINT booked_once UNIQUE,   -- 'pix:<endToEndId>'
    booked_at       timestamptz NOT NULL
);
CREATE TABLE ledger_posting (
    transaction_id  bigint NOT NULL REFERENCES ledger_transaction,
    n               smallint NOT NULL,
    account         text NOT NULL,
    amount_cents    bigint NOT NULL CHECK (amount_cents <> 0),
    PRIMARY KEY (transaction_id, n)
);
CREATE INDEX ledger_posting_by_account ON ledger_posting (account);

CREATE FUNCTION ledger_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount_cents) FROM ledger_posting WHERE transaction_id = NEW.transaction_id) <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_sums_to_zero();

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_posting_stays BEFORE UPDATE OR DELETE ON ledger_posting FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER ledger_transaction_stays BEFORE UPDATE OR DELETE ON ledger_transaction FOR EACH ROW EXECUTE FUNCTION append_only();

CREATE TABLE ticket (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversation,
    customer_id     bigint REFERENCES customer,
    debt_id         bigint REFERENCES debt,
    reason          text NOT NULL,                         -- a code: asked, identity, not_understood, charge_failed, event_failed, …
    queue           text NOT NULL,
    state           text NOT NULL DEFAULT 'open' CONSTRAINT ticket_state CHECK (state IN ('open', 'claimed', 'closed')),
    agent_id        bigint REFERENCES app_user,
    opened_at       timestamptz NOT NULL,
    claimed_at      timestamptz,
    closed_at       timestamptz,
    outcome         text CONSTRAINT ticket_outcome CHECK (outcome IN ('handed_back', 'closed')),
    CONSTRAINT claimed_by_somebody CHECK (state <> 'claimed' OR agent_id IS NOT NULL),
    CONSTRAINT closed_has_time_and_outcome CHECK ((state = 'closed') = (closed_at IS NOT NULL AND outcome IS NOT NULL))
);
CREATE UNIQUE INDEX one_open_ticket_per_conversation ON ticket (conversation_id) WHERE state <> 'closed';
CREATE INDEX ticket_queue ON ticket (opened_at) WHERE state <> 'closed';

CREATE TABLE timer (
    key             text PRIMARY KEY,                      -- its meaning: nudge:<conversation>:0
    conversation_id bigint NOT NULL REFERENCES conversation,
    event           jsonb NOT NULL,
    fire_at         timestamptz NOT NULL
);
CREATE INDEX timer_due ON timer (fire_at);

CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversation,
    decision_key    text NOT NULL CONSTRAINT decided_once UNIQUE,  -- t<inbox id>.<n>
    kind            text NOT NULL CONSTRAINT outbox_kind CHECK (kind IN ('message', 'typing', 'charge', 'cancel_charge')),
    purpose         text NOT NULL CONSTRAINT outbox_purpose CHECK (purpose IN ('reply', 'receipt', 'agreement', 'reminder', 'first_contact', 'agent', 'engine')),
    body            jsonb NOT NULL,                        -- Meta's JSON without `to`; for a charge {"charge_id"}
    guards          jsonb NOT NULL DEFAULT '{}',           -- what must still hold when it is sent: {"charge_id", "debt_ids", "confirmed"}
    decision        jsonb NOT NULL DEFAULT '{}',           -- why: state, event, wording, rule
    epoch           integer NOT NULL,                      -- the owner's epoch when it was decided
    state           text NOT NULL DEFAULT 'pending' CONSTRAINT outbox_state CHECK (state IN ('pending', 'sending', 'accepted', 'unknown', 'failed', 'cancelled')),
    status          text CONSTRAINT outbox_status CHECK (status IN ('sent', 'delivered', 'read', 'failed')),
    attempt         smallint NOT NULL DEFAULT 0,
    ambiguous       smallint NOT NULL DEFAULT 0,           -- posts whose fate is unknown
    lease_until     timestamptz,
    not_before      timestamptz NOT NULL DEFAULT '-infinity',
    wamid           text,
    reason          text,
    error_code      integer,
    created_at      timestamptz NOT NULL,
    posted_at       timestamptz,
    accepted_at     timestamptz,
    sent_at         timestamptz,
    delivered_at    timestamptz,
    read_at         timestamptz,
    failed_at       timestamptz,
    CONSTRAINT sending_has_a_lease CHECK (state <> 'sending' OR lease_until IS NOT NULL)
);
-- Two lanes: what goes to the person, in order and one at a time; what goes to the provider, each for itself.
CREATE INDEX outbox_to_send ON outbox (conversation_id, id) WHERE state IN ('pending', 'sending') AND kind IN ('message', 'typing');
CREATE INDEX outbox_to_charge ON outbox (not_before, id) WHERE state = 'pending' AND kind IN ('charge', 'cancel_charge');
CREATE INDEX outbox_in_flight ON outbox (lease_until) WHERE state = 'sending';
CREATE INDEX outbox_by_wamid ON outbox (wamid) WHERE wamid IS NOT NULL;  -- not unique: it is Meta's number, and a surprise there must not stop us
CREATE INDEX outbox_unknown ON outbox (posted_at) WHERE state = 'unknown';
CREATE INDEX outbox_by_conversation ON outbox (conversation_id, id);

CREATE TABLE journal (                                     -- append-only, hash-chained per conversation: what was said, offered, agreed, paid
    conversation_id bigint NOT NULL REFERENCES conversation,
    n               integer NOT NULL,
    at              timestamptz NOT NULL,
    kind            text NOT NULL,                         -- heard, said, agent_said, note, offered, agreed, charged, paid, ticket_opened, …
    body            text NOT NULL,                         -- JSON in ASCII (a NUL or lone surrogate stays an escape)
    outbox_id       bigint,
    inbox_id        bigint,
    hash            bytea NOT NULL,
    PRIMARY KEY (conversation_id, n)
);
CREATE TRIGGER journal_stays BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE INDEX journal_by_outbox ON journal (outbox_id) WHERE outbox_id IS NOT NULL;
