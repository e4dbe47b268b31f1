-- What the console shows of an application, and who works on which.

-- Who has taken an application to work on: for an hour, and no longer than the session.
CREATE TABLE claim (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    account_id uuid NOT NULL,
    token bytea NOT NULL,                   -- of the session
    claimed_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application,
    FOREIGN KEY (city_code, account_id) REFERENCES account,
    FOREIGN KEY (city_code, token) REFERENCES session
);
CREATE VIEW claim_in_force AS
    SELECT c.city_code, c.application_id, c.account_id, c.claimed_at, a.display_name
    FROM claim c JOIN session s USING (city_code, token)
        JOIN account a ON (a.city_code, a.account_id) = (c.city_code, c.account_id)
    WHERE c.until > now() AND s.ended_at IS NULL AND s.until > now();

-- The queue of staff: few of all applications, those who applied first at its head.
CREATE INDEX application_waiting ON application (applied_at, application_id, city_code)
    INCLUDE (state, reason, procedure_id)
    WHERE state IN ('review', 'unmatched', 'held', 'correction');

GRANT SELECT, INSERT, UPDATE, DELETE ON claim TO uketsuke_console;
GRANT SELECT ON claim_in_force, identification_decision, registry_folding TO uketsuke_console;
-- Not the certificate's serial number, nor the evidence.
GRANT SELECT (report, facts, record) ON examination TO uketsuke_console;
GRANT SELECT (sealed) ON package TO uketsuke_console;
-- Residents, to compare and to look up, but no 個人番号: only its keyed hash.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['resident', 'resident_past'] LOOP
        EXECUTE (SELECT format('GRANT SELECT (%s) ON %I TO uketsuke_console',
                               string_agg(quote_ident(attname), ', '), name)
                 FROM pg_attribute WHERE attrelid = name::regclass AND attnum > 0
                 AND NOT attisdropped AND attname !~ '_sealed$');
    END LOOP;
END $$;
