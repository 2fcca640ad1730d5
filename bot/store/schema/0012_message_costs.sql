-- What messages cost, as WhatsApp priced them: each booked once, by the first price that it tells.
CREATE TABLE message_cost (
    outbox_id    bigint PRIMARY KEY REFERENCES outbox,
    wamid        text NOT NULL,
    category     text NOT NULL,                            -- WhatsApp's word, which need not be the one that was asked for
    pricing_type text,                                     -- WhatsApp's word: regular, free_customer_service, free_entry_point
    billable     boolean,                                  -- WhatsApp's word while it still tells it
    cost         numeric(12, 6) CONSTRAINT cost_is_not_negative CHECK (cost >= 0),  -- null: the price list does not say
    currency     text NOT NULL,                            -- the price list's
    month        date NOT NULL CONSTRAINT month_is_its_first_day CHECK (extract(day FROM month) = 1),  -- the account's local one
    at           timestamptz NOT NULL
);
CREATE INDEX message_cost_by_month ON message_cost (month) INCLUDE (category, cost);
