-- A second provider, and a second form of charge at the first.
ALTER TABLE charge ADD COLUMN form text NOT NULL DEFAULT 'cob' CONSTRAINT charge_form CHECK (form IN ('cob', 'cobv'));
