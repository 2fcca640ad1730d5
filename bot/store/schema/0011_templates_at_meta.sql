-- What Meta says of the message templates, and lines for people that belong to no customer.
CREATE TABLE template_status (
    name             text NOT NULL,
    language         text NOT NULL,
    status           text NOT NULL,                        -- Meta's word: APPROVED, PAUSED, …; MISSING: not there when we looked
    category         text,
    correct_category text,                                 -- what Meta says it should be
    quality          text,
    reason           text,
    told_at          timestamptz NOT NULL,
    PRIMARY KEY (name, language)
);

CREATE TABLE notice (                                      -- a ticket without a customer: for whoever runs the program, or for finance
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           text NOT NULL CONSTRAINT told_once UNIQUE,  -- the same thing is told once
    kind          text NOT NULL,
    subject       text NOT NULL,                           -- a name of ours: a template, a debt's number, a month; nothing of a person
    queue         text NOT NULL,
    created_at    timestamptz NOT NULL,
    seen_at       timestamptz,
    seen_by       text,
    CONSTRAINT seen_by_somebody CHECK ((seen_at IS NULL) = (seen_by IS NULL))
);
CREATE INDEX notice_open ON notice (id) WHERE seen_at IS NULL;
