-- Lanes: reply (0) > receipt (1) > reminder (2) > campaign (3), so that what nobody asked for never delays an answer.
ALTER TABLE outbox DROP CONSTRAINT outbox_purpose;
ALTER TABLE outbox ADD CONSTRAINT outbox_purpose
    CHECK (purpose IN ('reply', 'receipt', 'agreement', 'reminder', 'first_contact', 'campaign', 'agent', 'engine'));
ALTER TABLE outbox ADD COLUMN lane smallint NOT NULL GENERATED ALWAYS AS (
    CASE purpose WHEN 'receipt' THEN 1 WHEN 'reminder' THEN 2 WHEN 'first_contact' THEN 2 WHEN 'campaign' THEN 3 ELSE 0 END
) STORED;
CREATE INDEX outbox_by_lane ON outbox (lane, conversation_id) INCLUDE (not_before)
    WHERE state = 'pending' AND kind IN ('message', 'typing');

-- Of the events of a customer those that a person or a bank brought come before those that a timer brought.
CREATE INDEX inbox_open_said ON inbox (conversation_id)
    WHERE state = 'open' AND kind IN ('message', 'event') AND source <> 'timer';
CREATE INDEX inbox_open_timers ON inbox (conversation_id) INCLUDE (attempts)
    WHERE state = 'open' AND kind = 'event' AND source = 'timer';
-- The ladder's timers are many and may be stopped; the others are looked for without stepping over them.
CREATE INDEX timer_due_ladder ON timer (fire_at) WHERE key LIKE 'ladder:%';
CREATE INDEX timer_due_others ON timer (fire_at) WHERE key NOT LIKE 'ladder:%';

-- What is known of the channel: one row.
CREATE TABLE channel_state (
    id               boolean PRIMARY KEY DEFAULT true CONSTRAINT one_channel CHECK (id),
    paused_at        timestamptz,                          -- the kill switch
    paused_by        text,
    reason           text,
    restricted_until timestamptz,                          -- WhatsApp's own stop; in the year 9999: until a person says go
    restriction      text,                                 -- WhatsApp's word for it
    daily_limit      integer CONSTRAINT daily_limit_is_a_number CHECK (daily_limit >= 0),  -- people a day outside windows; 0: unlimited; null: not told yet
    daily_limit_told_at timestamptz,
    quality          text CONSTRAINT quality_is_known CHECK (quality IN ('GREEN', 'RED')),
    quality_told_at  timestamptz,
    CONSTRAINT pause_has_time_and_name CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);
INSERT INTO channel_state DEFAULT VALUES;

CREATE TABLE channel_event (                               -- who stopped it and who let it go on, and what WhatsApp said
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at    timestamptz NOT NULL,
    kind  text NOT NULL CONSTRAINT channel_event_kind
          CHECK (kind IN ('paused', 'resumed', 'restricted', 'freed', 'limit', 'quality', 'news')),
    by    text NOT NULL,
    about text                                             -- a reason as it was given, or WhatsApp's words
);
CREATE TRIGGER channel_event_stays BEFORE UPDATE OR DELETE ON channel_event FOR EACH ROW EXECUTE FUNCTION append_only();

-- Whether messages that nobody asked for (lanes 2 and 3) may be posted at this instant.
CREATE FUNCTION active_messages_flow(at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS
    'SELECT NOT EXISTS (SELECT FROM channel_state WHERE paused_at IS NOT NULL OR restricted_until > at)';

-- People written to outside their window, and when last: WhatsApp counts them over a moving day.
CREATE TABLE opened_outside (
    conversation_id bigint PRIMARY KEY REFERENCES conversation,
    opened_at       timestamptz NOT NULL
);
CREATE INDEX opened_outside_lately ON opened_outside (opened_at);
