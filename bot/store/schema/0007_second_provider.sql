-- A second provider, a second form of charge at the first, and the other ways to pay a charge.
ALTER TABLE charge DROP CONSTRAINT charge_provider;
ALTER TABLE charge ADD CONSTRAINT charge_provider CHECK (provider IN ('static', 'api', 'asaas'));
ALTER TABLE charge ADD COLUMN form text NOT NULL DEFAULT 'cob' CONSTRAINT charge_form CHECK (form IN ('cob', 'cobv'));
ALTER TABLE charge ADD COLUMN boleto_line text CONSTRAINT boleto_line_is_digits CHECK (boleto_line ~ '^[0-9]{47}$');
ALTER TABLE charge ADD COLUMN link text;                   -- of the provider's page, where a card is typed

ALTER TABLE inbox DROP CONSTRAINT source_is_known;
ALTER TABLE inbox ADD CONSTRAINT source_is_known
    CHECK (source IN ('whatsapp', 'pix', 'asaas', 'provider', 'timer', 'desk', 'engine'));
