-- The audit trail as the console searches it, what was looked through and signed off, and when the
-- chain was last proven.

-- Where a person acted, by terminal (its label follows the address), by act, and by time; machines
-- write a hundred times as much, of which only the time is kept.
CREATE FUNCTION audit_terminal(terminal text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT substr(terminal, strpos(terminal, ' ') + 1)
$$;
CREATE INDEX audit_by_person ON audit_entry (actor, at, position)
    WHERE chain IN ('console', 'operator', 'registry');
CREATE INDEX audit_by_terminal ON audit_entry (audit_terminal(terminal), at, position)
    WHERE chain IN ('console', 'operator', 'registry');
CREATE INDEX audit_by_action ON audit_entry (action, at, position)
    WHERE chain IN ('console', 'operator', 'registry');
CREATE INDEX audit_by_time ON audit_entry (at, position)
    WHERE chain IN ('console', 'operator', 'registry');
CREATE INDEX audit_by_any_time ON audit_entry USING brin (at);

GRANT SELECT ON audit_entry, audit_chain, audit_checkpoint TO uketsuke_console;

-- Is this person of staff in force, with this right, and signed in?
CREATE FUNCTION staff_at_work(city text, person text, wanted text) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM account a
            JOIN account_right r USING (city_code, account_id)
            JOIN session s USING (city_code, account_id)
        WHERE a.city_code = city AND 'staff:' || a.name = person
        AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL
        AND now() BETWEEN a.valid_from AND a.valid_to
        AND r."right" = wanted AND r.approved_by IS NOT NULL
        AND s.complete AND s.ended_at IS NULL AND s.until > now())
$$;
CREATE OR REPLACE FUNCTION change_person_check(city text, person text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF person LIKE 'staff:%' AND NOT staff_at_work(city, person, 'admin') THEN
        RAISE EXCEPTION '% is no administrator who is signed in', person
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- 点検: a person looked through a report of a period, and found it so.
CREATE TABLE audit_review (
    city_code text NOT NULL,
    review_id bigint GENERATED ALWAYS AS IDENTITY,
    report text NOT NULL
        CHECK (report IN ('after-hours', 'holiday', 'failed-sign-in', 'mass-view', 'accounts')),
    from_day integer NOT NULL,              -- YYYYMMDD
    to_day integer NOT NULL,                -- the last day
    found integer NOT NULL,                 -- lines of the report
    sha256 bytea NOT NULL CHECK (length(sha256) = 32), -- of exactly what was looked at
    reviewed_by text NOT NULL,
    reviewed_at timestamptz NOT NULL DEFAULT now(),
    terminal text,
    remark text NOT NULL CHECK (length(remark) BETWEEN 1 AND 500),
    PRIMARY KEY (city_code, review_id),
    CHECK (from_day <= to_day)
);
CREATE FUNCTION audit_review_check() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT staff_at_work(NEW.city_code, NEW.reviewed_by, 'audit') THEN
        RAISE EXCEPTION '% is no auditor who is signed in', NEW.reviewed_by
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.reviewed_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER audit_review_check BEFORE INSERT ON audit_review
    FOR EACH ROW EXECUTE FUNCTION audit_review_check();
CREATE TRIGGER audit_review_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_review
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- When all chains were walked, and what came out.
CREATE TABLE audit_verification (
    verification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    verified_by text NOT NULL,
    entries bigint NOT NULL,
    chains bigint NOT NULL,
    checkpoints bigint NOT NULL,
    last_checkpoint timestamptz,
    intact boolean NOT NULL,
    faults jsonb NOT NULL                   -- the first of them: chain, position, what
);
CREATE TRIGGER audit_verification_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON audit_verification FOR EACH STATEMENT EXECUTE FUNCTION append_only();

REVOKE EXECUTE ON FUNCTION staff_at_work FROM PUBLIC;
GRANT EXECUTE ON FUNCTION staff_at_work TO uketsuke_console;
GRANT SELECT, INSERT ON audit_review TO uketsuke_console;
GRANT SELECT, INSERT ON audit_verification TO uketsuke_console, uketsuke_operator;
GRANT SELECT ON audit_review TO uketsuke_operator;
