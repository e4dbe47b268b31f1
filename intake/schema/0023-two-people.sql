-- Two people are two people: under whatever name one acts, whichever way one comes, and though the
-- console's role itself were taken over.

-- Who it is, at the console ("staff:hanako") or on the server ("operator:hanako").
CREATE FUNCTION person_fold(person text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(substring(person FROM '[^:]*$'))
$$;
-- NOT VALID: what was decided before stays as it is.
ALTER TABLE change ADD CONSTRAINT change_two_people CHECK (state NOT IN ('effective', 'rejected')
    OR person_fold(decided_by) <> person_fold(proposed_by)) NOT VALID;

-- Administration and auditing are of the whole city, or not at all.
CREATE OR REPLACE FUNCTION staff_at_work(city text, person text, wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM account a
            JOIN account_right r USING (city_code, account_id)
            JOIN session s USING (city_code, account_id)
        WHERE a.city_code = city AND 'staff:' || a.name = person
        AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL
        AND now() BETWEEN a.valid_from AND a.valid_to
        AND r."right" = wanted AND r.approved_by IS NOT NULL
        AND (wanted NOT IN ('admin', 'audit') OR (r.business, r.department) = ('*', '*'))
        AND s.complete AND s.ended_at IS NULL AND s.until > now())
$$;

-- Staff come through the console, who logged in to the server through the operators' role.
CREATE OR REPLACE FUNCTION change_person_check(city text, person text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner boolean := pg_has_role(session_user,
        (SELECT relowner FROM pg_class WHERE oid = 'change'::regclass), 'USAGE');
BEGIN
    IF person LIKE 'operator:_%' AND (owner OR session_user = 'uketsuke_operator')
            OR person LIKE 'staff:_%' AND (owner OR session_user = 'uketsuke_console')
                AND staff_at_work(city, person, 'admin') THEN
        RETURN;
    END IF;
    RAISE EXCEPTION '% is no administrator who is signed in', person
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- Those who can administer now.
CREATE FUNCTION administrators(city text) RETURNS SETOF uuid LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT a.account_id FROM account a WHERE a.city_code = city AND a.disabled_at IS NULL
    AND (a.first OR a.approved_by IS NOT NULL) AND now() BETWEEN a.valid_from AND a.valid_to
    AND EXISTS (SELECT FROM account_right r WHERE (r.city_code, r.account_id)
        = (a.city_code, a.account_id) AND r."right" = 'admin' AND r.approved_by IS NOT NULL
        AND (r.business, r.department) = ('*', '*'))
$$;

-- An account from before changes were proposed may wait without its second person: here it has one.
CREATE OR REPLACE FUNCTION change_apply_account(c change, person text) RETURNS void LANGUAGE plpgsql
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
        created_by = CASE WHEN a.first OR a.approved_by IS NOT NULL THEN a.created_by
                     ELSE excluded.created_by END,
        approved_by = CASE WHEN a.first OR a.approved_by IS NOT NULL THEN a.approved_by
                      ELSE excluded.approved_by END,
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

-- The first administrator once, of all time: whoever lost all of them needs two people again. The
-- first terminal while there is none.
CREATE OR REPLACE FUNCTION change_first(city text, kind text, subject text, after jsonb, person text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c change;
BEGIN
    PERFORM change_person_check(city, person);
    PERFORM pg_advisory_xact_lock(hashtext('change_first'));
    IF kind NOT IN ('account', 'terminal') OR person LIKE 'staff:%'
            OR kind = 'account' AND (EXISTS (
                SELECT FROM account a WHERE a.city_code = city
                AND (a.first OR a.name = change_first.subject))
            OR EXISTS (
                SELECT FROM account_right r WHERE r.city_code = city AND r."right" = 'admin'
                AND r.approved_by IS NOT NULL)
            OR EXISTS (
                SELECT FROM change e WHERE e.city_code = city AND e.kind = 'account'
                AND e.state = 'effective' AND e.after->'rights' @> '[{"right": "admin"}]'))
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

-- At once, by one person: it takes away, and gives nothing. Not one of the last two administrators:
-- that takes two people (a change of the account).
DROP FUNCTION account_stop;
CREATE FUNCTION account_stop(city text, wanted text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    id uuid;
    those uuid[];
BEGIN
    PERFORM FROM account a WHERE a.city_code = city AND (a.name = wanted
        OR a.account_id IN (SELECT administrators(city))) ORDER BY a.account_id FOR UPDATE;
    SELECT account_id INTO id FROM account
        WHERE city_code = city AND name = wanted AND disabled_at IS NULL;
    those := ARRAY(SELECT administrators(city));
    IF id IS NULL THEN
        RETURN 'none';
    ELSIF id = ANY (those) AND cardinality(those) <= 2 THEN
        RETURN 'last-administrators';
    END IF;
    UPDATE session SET ended_at = now(), ended_why = 'disabled'
        WHERE city_code = city AND account_id = id AND ended_at IS NULL;
    UPDATE account SET disabled_at = now() WHERE city_code = city AND account_id = id;
    RETURN 'stopped';
END $$;

-- A new one-time code takes password and second factors away: only in the transaction in which a
-- second person confirmed that, or a new account.
CREATE FUNCTION account_new_code(city text, wanted text, hash bytea, until timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    id uuid;
BEGIN
    UPDATE account SET enrolment = hash, enrolment_until = until, password = NULL, totp = NULL,
        wrapped = NULL, failures = 0, locked_until = NULL
    WHERE city_code = city AND name = wanted AND disabled_at IS NULL
    AND (first OR approved_by IS NOT NULL) AND EXISTS (
        SELECT FROM change c WHERE c.city_code = city AND c.subject = wanted
        AND c.state = 'effective' AND c.decided_at = now()
        AND (c.kind = 'enrolment' OR c.kind = 'account' AND c.before IS NULL))
    RETURNING account_id INTO id;
    DELETE FROM account_credential WHERE city_code = city AND account_id = id;
    UPDATE session SET ended_at = now(), ended_why = 'disabled'
        WHERE city_code = city AND account_id = id AND ended_at IS NULL;
    RETURN id IS NOT NULL;
END $$;

-- Who logged in to the server sees what there is to change, and writes none of it.
ALTER FUNCTION change_current SECURITY DEFINER;
REVOKE EXECUTE ON FUNCTION change_current, administrators, account_stop, account_new_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_current, account_stop, account_new_code, change_person_check,
    change_settle TO uketsuke_console, uketsuke_operator;
REVOKE EXECUTE ON FUNCTION change_first FROM uketsuke_console;
GRANT EXECUTE ON FUNCTION change_first TO uketsuke_operator;
GRANT INSERT ON change TO uketsuke_operator;

-- A feed is approved while it waits, by somebody else than who imported it, and now.
CREATE OR REPLACE FUNCTION registry_approval_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    approves boolean := NEW.state = 'approved' AND (TG_OP = 'INSERT' OR OLD.state <> 'approved');
    kept boolean := TG_OP = 'UPDATE' AND OLD.state = 'approved'
        AND (NEW.approved_by, NEW.approved_at) IS NOT DISTINCT FROM (OLD.approved_by, OLD.approved_at);
BEGIN
    IF pg_has_role(session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'registry_import'::regclass), 'USAGE')
        OR NOT approves AND session_user = 'uketsuke_registry'
            AND (kept OR NEW.approved_by IS NULL AND NEW.approved_at IS NULL) THEN
        RETURN NEW;
    END IF;
    IF approves AND TG_OP = 'UPDATE' AND session_user IN ('uketsuke_operator', 'uketsuke_console') THEN
        PERFORM change_person_check(NEW.city_code, NEW.approved_by);
        IF OLD.state = 'waiting' AND person_fold(NEW.approved_by) <> person_fold(OLD.actor)
                AND NEW.approved_at <= now() + interval '5 minutes' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% may not approve an import, or does nothing else', session_user
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- Nothing stands in 授受簿 as approved from the beginning, or by somebody who is not there.
CREATE FUNCTION output_people() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.approved_by IS NULL AND NEW.secret IS NULL
            AND NEW.disposed_by IS NULL AND (NEW.until IS NULL OR NEW.kind = 'print')
            AND staff_at_work(NEW.city_code, NEW.asked_by, NEW.kind)
        OR TG_OP = 'UPDATE' AND (NEW.approved_by IS NOT DISTINCT FROM OLD.approved_by
            OR staff_at_work(NEW.city_code, NEW.approved_by, NEW.kind)
                AND person_fold(NEW.approved_by) <> person_fold(OLD.asked_by)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what leaves the house is asked for by one person and approved by another'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER output_people BEFORE INSERT OR UPDATE ON output
    FOR EACH ROW EXECUTE FUNCTION output_people();
