-- People who come in with their company's own account (OpenID Connect). Nobody's tokens are kept: only who they are there.
CREATE TABLE oidc_person (
    issuer     text NOT NULL,
    subject    text NOT NULL,                              -- the provider's own name for somebody; never given to another
    user_id    bigint NOT NULL REFERENCES app_user,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject),
    -- An e-mail address may pass to a colleague; the login behind it does not.
    CONSTRAINT one_person_of_a_login UNIQUE (issuer, user_id)
);

CREATE TABLE oidc_used_state (                             -- ways back that were gone; for as long as they could be gone again
    state_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX oidc_used_state_by_end ON oidc_used_state (expires_at);

ALTER TABLE user_event DROP CONSTRAINT user_event_what, ADD CONSTRAINT user_event_what CHECK (what IN (
    'added', 'code_given', 'password_chosen', 'role_changed', 'disabled', 'enabled',
    'second_factor_on', 'second_factor_off', 'logged_in', 'logged_out',
    'company_added', 'company_linked', 'company_role'));
