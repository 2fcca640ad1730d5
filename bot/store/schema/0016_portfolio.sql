-- The portfolio as finance looks through it: a million debts, none of them read to find a few.

-- A name's words without accents and capitals. `bot.portfolio_search` folds what is asked for in the same way.
CREATE FUNCTION name_words(name text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(regexp_split_to_array(
        lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')), '[^a-z0-9]+'), ''))
$$;
CREATE INDEX customer_by_name_words ON customer USING gin (name_words(name));
CREATE INDEX customer_by_document ON customer (document);
CREATE INDEX customer_by_start_of_id ON customer (lower(external_id) text_pattern_ops);
CREATE INDEX customer_opted_out ON customer (id) WHERE opted_out_at IS NOT NULL;
CREATE INDEX debt_by_start_of_id ON debt (lower(external_id) text_pattern_ops);
CREATE INDEX debt_by_due ON debt (due_on, id);
CREATE INDEX debt_by_state_and_due ON debt (state, due_on, id);
CREATE INDEX debt_by_amount ON debt (principal_cents);
CREATE INDEX debt_by_tag ON debt USING gin (tags);
CREATE INDEX debt_promised ON debt (promised_until) WHERE promised_until IS NOT NULL;
CREATE INDEX conversation_opted_out ON conversation (customer_id) WHERE opted_out_at IS NOT NULL;

-- Debts files that somebody gave to the page: who, when, what it would do, what it did. Its bytes only until that is decided.
CREATE TABLE debts_file (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    digest       text NOT NULL,                            -- sha256 of the bytes, hexadecimal
    size         bigint NOT NULL,
    body         bytea,                                    -- the bytes, by zlib
    uploaded_by  bigint NOT NULL REFERENCES app_user,
    uploaded_at  timestamptz NOT NULL,
    would        jsonb,                                    -- what an import would do, as `acerto import --dry-run --json` says it
    imported_by  bigint REFERENCES app_user,
    imported_at  timestamptz,
    did          jsonb,                                    -- what it did
    CONSTRAINT imported_has_name_time_and_outcome
        CHECK (num_nulls(imported_by, imported_at, did) IN (0, 3)),
    CONSTRAINT bytes_go_with_the_import CHECK (imported_at IS NULL OR body IS NULL)
);
CREATE INDEX debts_file_imported ON debts_file (imported_at) WHERE imported_at IS NOT NULL;
CREATE INDEX debts_file_kept ON debts_file (uploaded_at) WHERE body IS NOT NULL;
