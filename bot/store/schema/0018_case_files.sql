-- Offers as finance looks through them: newest first.
CREATE INDEX offer_by_time ON offer (shown_at DESC, conversation_id, no);
