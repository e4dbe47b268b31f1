-- What administrators change: proposed by one person, in force when another has confirmed. The console
-- itself writes no account, right, terminal, holiday or template: only change_settle does, here.

-- Days on which the city is closed besides those of the law (forms/days.h).
CREATE TABLE holiday (
    city_code text NOT NULL,
    day integer NOT NULL CHECK (day BETWEEN 20000101 AND 20991231),    -- YYYYMMDD
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    PRIMARY KEY (city_code, day)
);

-- 定型文: what the dialogue of a correction request offers.
CREATE TABLE message_template (
    city_code text NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 60),
    business text NOT NULL CHECK (business ~ '^([a-z0-9-]{1,40}|\*)$'),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    PRIMARY KEY (city_code, title)
);

-- One terminal has a label at a time: people name it by that. Of doubles from before, the one that may
-- be used keeps it (or the first that may); the others are told apart by a number.
WITH doubles AS (
    SELECT city_code, terminal_id, row_number() OVER (PARTITION BY city_code, label
        ORDER BY approved_by IS NULL, terminal_id) AS nth
    FROM terminal WHERE retired_at IS NULL)
UPDATE terminal t SET label = left(t.label, 23) || ' ' || t.terminal_id FROM doubles d
WHERE (t.city_code, t.terminal_id) = (d.city_code, d.terminal_id) AND d.nth > 1;
CREATE UNIQUE INDEX terminal_label ON terminal (label, city_code) WHERE retired_at IS NULL;

CREATE TABLE change (
    city_code text NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('account', 'enrolment', 'unlock', 'terminal', 'holiday',
                                       'template')),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 60),    -- name, label, day, title
    before jsonb,                           -- as the first person saw it; NULL: not there
    after jsonb,                            -- NULL: to be taken away
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT now(),
    terminal text,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'effective', 'rejected', 'withdrawn', 'stale')),
    decided_by text,
    decided_at timestamptz,
    decided_terminal text,
    decided_why text CHECK (length(decided_why) <= 500),
    PRIMARY KEY (city_code, change_id),
    CHECK ((state = 'waiting') = (decided_by IS NULL)),
    CHECK (state NOT IN ('effective', 'rejected') OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX change_waiting ON change (kind, subject, city_code) WHERE state = 'waiting';
CREATE INDEX change_decided ON change (change_id DESC, city_code) WHERE state <> 'waiting';

-- A person of staff must be an administrator who is signed in; logins of the server itself are told
-- by the operating system.
CREATE FUNCTION change_person_check(city text, person text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF person LIKE 'staff:%' AND NOT EXISTS (
            SELECT FROM account a
                JOIN account_right r USING (city_code, account_id)
                JOIN session s USING (city_code, account_id)
            WHERE a.city_code = city AND a.name = substring(person FROM 7)
            AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL
            AND now() BETWEEN a.valid_from AND a.valid_to
            AND r."right" = 'admin' AND r.approved_by IS NOT NULL
            AND s.complete AND s.ended_at IS NULL AND s.until > now()) THEN
        RAISE EXCEPTION '% is no administrator who is signed in', person
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- What is proposed waits, whatever it says of itself; nobody changes what was proposed.
CREATE FUNCTION change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF TG_OP = 'UPDATE' AND OLD.state = 'waiting'
                AND (NEW.kind, NEW.subject, NEW.before, NEW.after, NEW.reason, NEW.proposed_by,
                     NEW.proposed_at) IS NOT DISTINCT FROM
                    (OLD.kind, OLD.subject, OLD.before, OLD.after, OLD.reason, OLD.proposed_by,
                     OLD.proposed_at) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'what was proposed and decided stays as it is';
    END IF;
    PERFORM change_person_check(NEW.city_code, NEW.proposed_by);
    IF NEW.state <> 'waiting' AND NOT pg_has_role(current_user,
            (SELECT relowner FROM pg_class WHERE oid = 'change'::regclass), 'USAGE') THEN
        RAISE EXCEPTION 'a change begins as a proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_guard BEFORE INSERT OR UPDATE OR DELETE ON change
    FOR EACH ROW EXECUTE FUNCTION change_guard();

CREATE FUNCTION day_in_japan(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD')
$$;
CREATE FUNCTION moment_in_japan(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD"T"HH24:MI:SS"+09:00"')
$$;
CREATE FUNCTION day_begin(day text, plus integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (day::date + plus)::timestamp AT TIME ZONE 'Asia/Tokyo'
$$;

-- As it is now, in the form of `before` and `after`; NULL when it is not there.
CREATE FUNCTION change_current(city text, kind text, subject text) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT CASE kind
    WHEN 'account' THEN (
        SELECT jsonb_build_object('display_name', display_name, 'department', department,
            'kind', a.kind, 'valid_from', day_in_japan(valid_from),
            'valid_to', day_in_japan(valid_to - interval '1 microsecond'),
            'disabled', disabled_at IS NOT NULL,
            'rights', coalesce((
                SELECT jsonb_agg(jsonb_build_object('business', business, 'department',
                    r.department, 'right', "right") ORDER BY business, r.department, "right")
                FROM account_right r WHERE r.city_code = a.city_code
                AND r.account_id = a.account_id AND r.approved_by IS NOT NULL), '[]'))
        FROM account a WHERE city_code = city AND name = subject
        AND (first OR approved_by IS NOT NULL))
    WHEN 'enrolment' THEN (
        SELECT jsonb_build_object('enrolled', password IS NOT NULL) FROM account
        WHERE city_code = city AND name = subject AND (first OR approved_by IS NOT NULL)
        AND disabled_at IS NULL)
    WHEN 'unlock' THEN (
        SELECT jsonb_build_object('locked', coalesce(locked_until > now(), false)) FROM account
        WHERE city_code = city AND name = subject AND disabled_at IS NULL)
    WHEN 'terminal' THEN (
        SELECT jsonb_build_object('department', department, 'peer', peer, 'address', address)
        FROM terminal WHERE city_code = city AND label = subject AND retired_at IS NULL
        AND approved_by IS NOT NULL)
    WHEN 'holiday' THEN (
        SELECT jsonb_build_object('name', name) FROM holiday
        WHERE city_code = city AND to_char(day, 'FM0000-00-00') = subject)
    WHEN 'template' THEN (
        SELECT jsonb_build_object('business', business, 'text', text) FROM message_template
        WHERE city_code = city AND title = subject)
    END
$$;

CREATE FUNCTION change_apply_account(c change, person text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    id uuid;
BEGIN
    INSERT INTO account AS a (city_code, name, display_name, department, kind, valid_from, valid_to,
        created_by, approved_by, disabled_at)
    SELECT c.city_code, c.subject, v.display_name, v.department, v.kind,
        day_begin(v.valid_from, 0), day_begin(v.valid_to, 1), c.proposed_by, person,
        CASE WHEN v.disabled THEN now() END
    FROM jsonb_to_record(c.after) AS v (display_name text, department text, kind text,
        valid_from text, valid_to text, disabled boolean)
    ON CONFLICT (name, city_code) DO UPDATE SET display_name = excluded.display_name,
        department = excluded.department, kind = excluded.kind, valid_from = excluded.valid_from,
        valid_to = excluded.valid_to,
        disabled_at = CASE WHEN excluded.disabled_at IS NOT NULL
                      THEN coalesce(a.disabled_at, excluded.disabled_at) END
    RETURNING account_id INTO id;
    DELETE FROM account_right r WHERE r.city_code = c.city_code AND r.account_id = id
        AND (r.approved_by IS NULL OR NOT EXISTS (
            SELECT FROM jsonb_to_recordset(c.after->'rights') AS v
                (business text, department text, "right" text)
            WHERE (v.business, v.department, v."right")
                = (r.business, r.department, r."right")));
    INSERT INTO account_right
        (city_code, account_id, business, department, "right", proposed_by, approved_by)
    SELECT c.city_code, id, v.business, v.department, v."right", c.proposed_by, person
    FROM jsonb_to_recordset(c.after->'rights') AS v (business text, department text, "right" text)
    ON CONFLICT DO NOTHING;
    -- Whoever moves to another department, or is stopped, begins anew.
    IF (c.after->>'disabled')::boolean OR c.after->'department' <> c.before->'department' THEN
        UPDATE session s SET ended_at = now(), ended_why = 'disabled' WHERE s.city_code = c.city_code
            AND s.account_id = id AND s.ended_at IS NULL;
    END IF;
END $$;

CREATE FUNCTION change_apply(c change, person text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    CASE c.kind
    WHEN 'account' THEN
        PERFORM change_apply_account(c, person);
    WHEN 'unlock' THEN
        UPDATE account SET failures = 0, locked_until = NULL
        WHERE city_code = c.city_code AND name = c.subject;
    WHEN 'terminal' THEN
        UPDATE terminal SET retired_at = now() WHERE city_code = c.city_code
            AND label = c.subject AND retired_at IS NULL;
        IF c.after IS NOT NULL THEN
            INSERT INTO terminal (city_code, label, department, peer, address, proposed_by,
                approved_by)
            SELECT c.city_code, c.subject, v.department, lower(v.peer), v.address, c.proposed_by,
                person
            FROM jsonb_to_record(c.after) AS v (department text, peer text, address text);
        END IF;
    WHEN 'holiday' THEN
        DELETE FROM holiday WHERE city_code = c.city_code
            AND day = replace(c.subject, '-', '')::integer;
        IF c.after IS NOT NULL THEN
            INSERT INTO holiday VALUES
                (c.city_code, replace(c.subject, '-', '')::integer, c.after->>'name');
        END IF;
    WHEN 'template' THEN
        DELETE FROM message_template WHERE city_code = c.city_code AND title = c.subject;
        IF c.after IS NOT NULL THEN
            INSERT INTO message_template VALUES
                (c.city_code, c.subject, c.after->>'business', c.after->>'text');
        END IF;
    WHEN 'enrolment' THEN
        NULL; -- account_issue_code follows, with the code that only the console knows
    END CASE;
END $$;

-- The second person agrees or not; the first may take it back. Answers what became of it, or why
-- nothing did: gone (decided already), same-person, own (it is about oneself), in-use (a terminal's
-- certificate or address is another's).
CREATE FUNCTION change_settle(city text, id bigint, person text, at_terminal text, why text,
    agreed boolean) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    c change;
    outcome text;
BEGIN
    PERFORM change_person_check(city, person);
    SELECT * INTO c FROM change WHERE city_code = city AND change_id = id FOR UPDATE;
    IF NOT FOUND OR c.state <> 'waiting' THEN
        RETURN 'gone';
    ELSIF person = c.proposed_by THEN
        IF agreed THEN
            RETURN 'same-person';
        END IF;
        outcome := 'withdrawn';
    ELSIF NOT agreed THEN
        outcome := 'rejected';
    ELSIF c.kind IN ('account', 'enrolment', 'unlock') AND person = 'staff:' || c.subject THEN
        RETURN 'own';
    ELSIF change_current(c.city_code, c.kind, c.subject) IS DISTINCT FROM c.before THEN
        outcome := 'stale';
    ELSE
        BEGIN
            PERFORM change_apply(c, person);
        EXCEPTION WHEN unique_violation THEN
            RETURN 'in-use';
        END;
        outcome := 'effective';
    END IF;
    UPDATE change SET state = outcome, decided_by = person, decided_at = now(),
        decided_terminal = at_terminal, decided_why = why
    WHERE city_code = city AND change_id = id;
    RETURN outcome;
END $$;

-- The first administrator, the first terminal: while there is none, nobody could confirm.
CREATE FUNCTION change_first(city text, kind text, subject text, after jsonb, person text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c change;
BEGIN
    IF kind NOT IN ('account', 'terminal') OR person LIKE 'staff:%'
            OR kind = 'account' AND EXISTS (
                SELECT FROM account a JOIN account_right r USING (city_code, account_id)
                WHERE a.city_code = city AND r."right" = 'admin' AND r.approved_by IS NOT NULL
                AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL
                AND a.valid_to > now())
            OR kind = 'terminal' AND EXISTS (
                SELECT FROM terminal t WHERE t.city_code = city AND t.approved_by IS NOT NULL
                AND t.retired_at IS NULL) THEN
        RETURN false;
    END IF;
    INSERT INTO change (city_code, kind, subject, after, reason, proposed_by, state, decided_by,
        decided_at)
    VALUES (city, kind, subject, after, 'first', person, 'effective', 'first', now())
    RETURNING * INTO c;
    PERFORM change_apply(c, 'first');
    RETURN true;
END $$;

-- At once, by one person: it takes away, and gives nothing.
CREATE FUNCTION account_stop(city text, wanted text) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE session s SET ended_at = now(), ended_why = 'disabled' FROM account a
        WHERE a.city_code = city AND a.name = wanted AND s.city_code = city
        AND s.account_id = a.account_id AND s.ended_at IS NULL;
    UPDATE account SET disabled_at = now()
        WHERE city_code = city AND name = wanted AND disabled_at IS NULL;
    RETURN FOUND;
END $$;

REVOKE EXECUTE ON FUNCTION change_person_check, change_settle, change_first, account_stop,
    change_apply, change_apply_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_person_check, change_settle, change_first, account_stop
    TO uketsuke_console;
GRANT SELECT, INSERT ON change TO uketsuke_console;
GRANT SELECT ON holiday, message_template TO uketsuke_console;
REVOKE INSERT, UPDATE, DELETE ON account, account_right, terminal FROM uketsuke_console;
GRANT UPDATE (enrolment, enrolment_until, password, password_at, failures, locked_until, wrapped,
    totp, totp_step) ON account TO uketsuke_console;
-- Feeds that wait for a second person: approved on the server, or at the console.
GRANT SELECT, UPDATE (state, approved_by, approved_at) ON registry_import TO uketsuke_console;
CREATE OR REPLACE FUNCTION registry_approval_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    approves boolean := NEW.state = 'approved' AND (TG_OP = 'INSERT' OR OLD.state <> 'approved');
    kept boolean := TG_OP = 'UPDATE' AND OLD.state = 'approved'
        AND (NEW.approved_by, NEW.approved_at) IS NOT DISTINCT FROM (OLD.approved_by, OLD.approved_at);
BEGIN
    IF pg_has_role(session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'registry_import'::regclass), 'USAGE')
        OR approves AND session_user IN ('uketsuke_operator', 'uketsuke_console')
            AND TG_OP = 'UPDATE'
        OR NOT approves AND session_user = 'uketsuke_registry'
            AND (kept OR NEW.approved_by IS NULL AND NEW.approved_at IS NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% may not approve an import, or does nothing else', session_user
        USING ERRCODE = 'insufficient_privilege';
END $$;
GRANT SELECT ON change, holiday, message_template TO uketsuke_operator;
