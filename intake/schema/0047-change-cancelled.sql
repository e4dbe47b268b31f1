-- What was confirmed for a day to come is dropped by one administrator before that day, or lapses on it
-- when who proposed or confirmed it was no administrator any more as the day began.
ALTER TABLE change ADD ended_by text,           -- who cancelled it; NULL: it lapsed or was void
    ADD ended_at timestamptz,
    ADD ended_terminal text,
    ADD ended_why text CHECK (length(ended_why) <= 500);
ALTER TABLE change DROP CONSTRAINT change_state_check, DROP CONSTRAINT change_two_people,
    ADD CONSTRAINT change_state_check CHECK (state IN ('waiting', 'confirmed', 'effective', 'rejected',
        'withdrawn', 'stale', 'cancelled', 'lapsed')),
    ADD CONSTRAINT change_cancelled CHECK ((state = 'cancelled') = (ended_by IS NOT NULL)
        AND (ended_by IS NULL OR ended_at IS NOT NULL)),
    ADD CONSTRAINT change_two_people CHECK (state NOT IN ('confirmed', 'effective', 'rejected',
        'cancelled', 'lapsed') OR person_fold(decided_by) <> person_fold(proposed_by)) NOT VALID;

CREATE OR REPLACE FUNCTION change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF TG_OP = 'UPDATE' AND (OLD.state = 'waiting'
                    OR OLD.state = 'confirmed' AND NEW.state IN ('effective', 'stale', 'cancelled', 'lapsed')
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

-- By one person, as nothing changes; but nobody undoes alone what two decided about them.
CREATE FUNCTION change_cancel(city text, id bigint, person text, at_terminal text, why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c change;
BEGIN
    PERFORM change_person_check(city, person);
    SELECT * INTO c FROM change WHERE city_code = city AND change_id = id FOR UPDATE;
    IF NOT FOUND OR c.state <> 'confirmed' THEN
        RETURN 'gone';
    ELSIF c.kind IN ('account', 'enrolment', 'unlock') AND person_fold(person) = lower(c.subject) THEN
        RETURN 'own';
    END IF;
    UPDATE change SET state = 'cancelled', ended_by = person, ended_at = now(),
        ended_terminal = at_terminal, ended_why = why
    WHERE city_code = city AND change_id = id;
    RETURN 'cancelled';
END $$;

-- Of the day, and not of the moment: an administrator who moves on that day, or whose account ends with
-- the day before, still stands behind what they did; who was stopped, or lost the right before, does not.
CREATE FUNCTION administrator_until(city text, person text, day date) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT person NOT LIKE 'staff:%' OR NOT account_stopped(city, substr(person, 7),
            day_begin(day::text, 0), now())
        AND coalesce(a @> '{"in_force": true, "rights": [{"business": "*", "department": "*",
            "right": "admin"}]}', false)
    FROM account_as_of(city, substr(person, 7), day_begin(day::text, 0)) AS a
$$;

-- What was confirmed for a day that has come: [{"id", "subject", "kind", "state"}].
CREATE OR REPLACE FUNCTION change_apply_due(city text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    c change;
    outcome text;
    lapsed bigint[];
    done jsonb := '[]';
BEGIN
    WITH due AS (
        SELECT change_id, effective_on, unnest(ARRAY[proposed_by, decided_by]) AS person FROM change
        WHERE city_code = city AND state = 'confirmed' AND effective_on <= change_today()),
    lost AS MATERIALIZED (
        SELECT person, effective_on FROM (SELECT DISTINCT person, effective_on FROM due) AS each
        WHERE NOT administrator_until(city, person, effective_on))
    SELECT coalesce(array_agg(change_id), '{}') INTO lapsed FROM due JOIN lost USING (person, effective_on);
    FOR c IN SELECT * FROM change WHERE city_code = city AND state = 'confirmed'
            AND effective_on <= change_today() ORDER BY effective_on, change_id
            FOR UPDATE SKIP LOCKED LOOP
        outcome := CASE WHEN c.change_id = ANY (lapsed) THEN 'lapsed' ELSE 'stale' END;
        IF outcome = 'stale'
                AND change_current(c.city_code, c.kind, c.subject) IS NOT DISTINCT FROM c.before THEN
            BEGIN
                PERFORM change_apply(c, c.decided_by);
                outcome := 'effective';
            EXCEPTION WHEN unique_violation THEN
                NULL;
            END;
        END IF;
        UPDATE change SET state = outcome,
            effective_at = CASE WHEN outcome = 'effective' THEN now() END,
            ended_at = CASE WHEN outcome <> 'effective' THEN now() END
        WHERE city_code = city AND change_id = c.change_id;
        done := done || jsonb_build_object('id', c.change_id, 'subject', c.subject, 'kind', c.kind,
            'state', outcome);
    END LOOP;
    RETURN done;
END $$;
REVOKE EXECUTE ON FUNCTION change_cancel, administrator_until FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_cancel TO uketsuke_console;
