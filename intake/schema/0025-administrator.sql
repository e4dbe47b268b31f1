-- Who looks and operates on the server (uketsuke_operator) does not administer: a role apart proposes and
-- confirms there what takes two people. What was proposed before waits on, and is confirmed by the new role.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'uketsuke_administrator') THEN
        BEGIN
            CREATE ROLE uketsuke_administrator LOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the whole cluster: another database was upgraded meanwhile
        END;
    END IF;
END $$;

REVOKE INSERT ON change FROM uketsuke_operator;
REVOKE EXECUTE ON FUNCTION change_current, account_stop, account_new_code, change_person_check,
    change_settle, change_first FROM uketsuke_operator;
REVOKE UPDATE (state, approved_by, approved_at) ON registry_import FROM uketsuke_operator;
GRANT SELECT, INSERT ON change TO uketsuke_administrator;
GRANT EXECUTE ON FUNCTION change_current, account_stop, account_new_code, change_person_check,
    change_settle, change_first TO uketsuke_administrator;
GRANT SELECT, UPDATE (state, approved_by, approved_at) ON registry_import TO uketsuke_administrator;
GRANT INSERT ON audit_entry TO uketsuke_administrator;

-- Staff come through the console, who logged in to the server through the administrators' role.
CREATE OR REPLACE FUNCTION change_person_check(city text, person text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner boolean := pg_has_role(session_user,
        (SELECT relowner FROM pg_class WHERE oid = 'change'::regclass), 'USAGE');
BEGIN
    IF person LIKE 'operator:_%' AND (owner OR session_user = 'uketsuke_administrator')
            OR person LIKE 'staff:_%' AND (owner OR session_user = 'uketsuke_console')
                AND staff_at_work(city, person, 'admin') THEN
        RETURN;
    END IF;
    RAISE EXCEPTION '% is no administrator who is signed in', person
        USING ERRCODE = 'insufficient_privilege';
END $$;
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
    IF approves AND TG_OP = 'UPDATE'
            AND session_user IN ('uketsuke_administrator', 'uketsuke_console') THEN
        PERFORM change_person_check(NEW.city_code, NEW.approved_by);
        IF OLD.state = 'waiting' AND person_fold(NEW.approved_by) <> person_fold(OLD.actor)
                AND NEW.approved_at <= now() + interval '5 minutes' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% may not approve an import, or does nothing else', session_user
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- People write this chain, too: found by person, terminal, act and time like the others.
DROP INDEX audit_by_person, audit_by_terminal, audit_by_action, audit_by_time;
CREATE INDEX audit_by_person ON audit_entry (actor, at, position)
    WHERE chain IN ('administrator', 'console', 'operator', 'registry');
CREATE INDEX audit_by_terminal ON audit_entry (audit_terminal(terminal), at, position)
    WHERE chain IN ('administrator', 'console', 'operator', 'registry');
CREATE INDEX audit_by_action ON audit_entry (action, at, position)
    WHERE chain IN ('administrator', 'console', 'operator', 'registry');
CREATE INDEX audit_by_time ON audit_entry (at, position)
    WHERE chain IN ('administrator', 'console', 'operator', 'registry');

-- Who looks has no use for what passwords and second factors are checked by.
REVOKE SELECT ON account FROM uketsuke_operator;
GRANT SELECT (city_code, account_id, name, display_name, department, kind, valid_from, valid_to, disabled_at,
    created_by, approved_by, first, enrolment_until, password_at, failures, locked_until)
    ON account TO uketsuke_operator;
