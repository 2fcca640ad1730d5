-- What a policy would do to the portfolio, worked out beside everything else: begun on a page, told while it goes on, kept as
-- counts and the debts that it moves most. A file of debts that is tried is not kept.
CREATE TABLE policy_trial (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      text NOT NULL REFERENCES policy,
    against     text REFERENCES policy,                    -- what was in force; null: nothing
    by_id       bigint NOT NULL REFERENCES app_user,
    of_file     boolean NOT NULL,                          -- the debts of a file, not ours
    on_day      date NOT NULL,
    begun_at    timestamptz NOT NULL,
    heard_at    timestamptz NOT NULL,                      -- the last sign of life: a trial that is killed stops giving any
    debts       integer NOT NULL DEFAULT 0 CONSTRAINT debts_are_counted CHECK (debts >= 0),
    left_out    integer NOT NULL DEFAULT 0 CONSTRAINT lines_left_out_are_counted CHECK (left_out >= 0), -- of the file
    done        integer NOT NULL DEFAULT 0 CONSTRAINT done_is_part_of_debts CHECK (done BETWEEN 0 AND debts),
    ended_at    timestamptz,
    result      jsonb,                                     -- flows.policy_trial.Tally
    CONSTRAINT ended_has_a_result CHECK ((ended_at IS NULL) = (result IS NULL))
);
CREATE INDEX policy_trial_newest ON policy_trial (digest, id DESC);
