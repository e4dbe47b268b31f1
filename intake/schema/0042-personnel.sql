-- Changes of a day to come (人事異動), several of which are proposed and confirmed together.
ALTER TABLE change ADD batch uuid,              -- what was proposed together
    ADD effective_on date,                      -- not before this day; NULL: when confirmed
    ADD effective_at timestamptz;               -- when it took effect, if not when decided
ALTER TABLE change DROP CONSTRAINT change_state_check, DROP CONSTRAINT change_two_people,
    ADD CONSTRAINT change_state_check CHECK (state IN ('waiting', 'confirmed', 'effective', 'rejected',
        'withdrawn', 'stale')),
    ADD CONSTRAINT change_two_people CHECK (state NOT IN ('confirmed', 'effective', 'rejected')
        OR person_fold(decided_by) <> person_fold(proposed_by)) NOT VALID;
CREATE INDEX change_due ON change (effective_on, change_id, city_code) WHERE state = 'confirmed';
CREATE INDEX change_batch ON change (batch, city_code) WHERE batch IS NOT NULL;

CREATE FUNCTION change_today() RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (now() AT TIME ZONE 'Asia/Tokyo')::date
$$;

-- What is proposed waits, whatever it says of itself; nobody changes what was proposed. What was confirmed
-- for a day to come takes effect then, or is void.
CREATE OR REPLACE FUNCTION change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF TG_OP = 'UPDATE' AND (OLD.state = 'waiting'
                    OR OLD.state = 'confirmed' AND NEW.state IN ('effective', 'stale')
                        AND (NEW.decided_by, NEW.decided_at) = (OLD.decided_by, OLD.decided_at))
                AND (NEW.kind, NEW.subject, NEW.before, NEW.after, NEW.reason, NEW.proposed_by,
                     NEW.proposed_at, NEW.batch, NEW.effective_on) IS NOT DISTINCT FROM
                    (OLD.kind, OLD.subject, OLD.before, OLD.after, OLD.reason, OLD.proposed_by,
                     OLD.proposed_at, OLD.batch, OLD.effective_on) THEN
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

CREATE OR REPLACE FUNCTION change_settle(city text, id bigint, person text, at_terminal text,
    why text, agreed boolean) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    c change;
    outcome text;
BEGIN
    PERFORM change_person_check(city, person);
    SELECT * INTO c FROM change WHERE city_code = city AND change_id = id FOR UPDATE;
    IF NOT FOUND OR c.state <> 'waiting' THEN
        RETURN 'gone';
    END IF;
    IF c.kind IN ('account', 'enrolment', 'unlock') THEN
        -- Nobody stops it between our look at it and what we make of it.
        PERFORM FROM account WHERE city_code = city AND name = c.subject FOR UPDATE;
    END IF;
    IF person_fold(person) = person_fold(c.proposed_by) THEN
        IF agreed THEN
            RETURN 'same-person';
        END IF;
        outcome := 'withdrawn';
    ELSIF NOT agreed THEN
        outcome := 'rejected';
    ELSIF c.kind IN ('account', 'enrolment', 'unlock') AND person_fold(person) = lower(c.subject) THEN
        RETURN 'own';
    ELSIF change_current(c.city_code, c.kind, c.subject) IS DISTINCT FROM c.before THEN
        outcome := 'stale';
    ELSIF c.effective_on > change_today() THEN
        outcome := 'confirmed';
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

-- What was confirmed for a day that has come: [{"id", "subject", "kind", "state"}].
CREATE FUNCTION change_apply_due(city text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    c change;
    outcome text;
    done jsonb := '[]';
BEGIN
    FOR c IN SELECT * FROM change WHERE city_code = city AND state = 'confirmed'
            AND effective_on <= change_today() ORDER BY effective_on, change_id
            FOR UPDATE SKIP LOCKED LOOP
        outcome := 'stale';
        IF change_current(c.city_code, c.kind, c.subject) IS NOT DISTINCT FROM c.before THEN
            BEGIN
                PERFORM change_apply(c, c.decided_by);
                outcome := 'effective';
            EXCEPTION WHEN unique_violation THEN
                NULL;
            END;
        END IF;
        UPDATE change SET state = outcome,
            effective_at = CASE WHEN outcome = 'effective' THEN now() END
        WHERE city_code = city AND change_id = c.change_id;
        done := done || jsonb_build_object('id', c.change_id, 'subject', c.subject, 'kind', c.kind,
            'state', outcome);
    END LOOP;
    RETURN done;
END $$;
REVOKE EXECUTE ON FUNCTION change_apply_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_apply_due TO uketsuke_console;

-- Who might do what: by when it took effect.
DROP INDEX change_of_account;
CREATE INDEX change_of_account ON change (subject, coalesce(effective_at, decided_at), city_code)
    WHERE kind = 'account' AND state = 'effective';
CREATE OR REPLACE FUNCTION account_as_of(city text, wanted text, moment timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH last AS (
        SELECT after AS value, coalesce(effective_at, decided_at) AS since FROM change
        WHERE city_code = city AND kind = 'account' AND subject = wanted AND state = 'effective'
        AND coalesce(effective_at, decided_at) <= moment
        ORDER BY coalesce(effective_at, decided_at) DESC, change_id DESC LIMIT 1),
    next AS (
        SELECT before AS value, timestamptz '-infinity' AS since FROM change
        WHERE city_code = city AND kind = 'account' AND subject = wanted AND state = 'effective'
        AND coalesce(effective_at, decided_at) > moment
        ORDER BY coalesce(effective_at, decided_at), change_id LIMIT 1),
    told AS (
        SELECT * FROM last
        UNION ALL SELECT * FROM next WHERE NOT EXISTS (SELECT FROM last)
        UNION ALL SELECT change_current(city, 'account', wanted), '-infinity'
            WHERE NOT EXISTS (SELECT FROM last) AND NOT EXISTS (SELECT FROM next)),
    known AS (
        SELECT value, NOT account_stopped(city, wanted, since, moment)
            -- what was found stopped later may have been stopped later
            AND (NOT (value->>'disabled')::boolean OR since = '-infinity'
                AND account_stopped(city, wanted, moment, 'infinity'))
            AND moment > day_begin(value->>'valid_from', 0)
            AND moment <= day_begin(value->>'valid_to', 1) AS in_force
        FROM told WHERE value IS NOT NULL)
    SELECT jsonb_build_object('display_name', value->'display_name', 'department',
        value->'department', 'kind', value->'kind', 'in_force', in_force, 'rights', coalesce((
            SELECT jsonb_agg(r ORDER BY r->>'business', r->>'department', r->>'right')
            FROM jsonb_array_elements(value->'rights') r
            WHERE in_force AND (r->>'until' IS NULL OR moment <= day_begin(r->>'until', 1))), '[]'))
    FROM known
$$;
