-- 外部記憶媒体: files are taken out on registered ones only, by people of their department ('*': of all).
CREATE TABLE medium (
    city_code text NOT NULL,
    medium_id text NOT NULL CHECK (length(medium_id) BETWEEN 1 AND 60),     -- its 管理番号
    department text NOT NULL CHECK (length(department) BETWEEN 1 AND 40),
    description text NOT NULL CHECK (length(description) BETWEEN 1 AND 100), -- what it is
    PRIMARY KEY (city_code, medium_id)
);
GRANT SELECT ON medium TO uketsuke_console, uketsuke_operator;

-- Whether it is registered now, for this person of staff.
CREATE FUNCTION medium_for(city text, wanted text, person text) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM medium m JOIN account a ON m.department IN (a.department, '*')
        WHERE m.city_code = city AND m.medium_id = wanted
        AND a.city_code = city AND 'staff:' || a.name = person)
$$;
REVOKE EXECUTE ON FUNCTION medium_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION medium_for TO uketsuke_console;

ALTER TABLE change DROP CONSTRAINT change_kind_check, ADD CONSTRAINT change_kind_check
    CHECK (kind IN ('account', 'enrolment', 'unlock', 'terminal', 'medium', 'holiday', 'template'));

CREATE OR REPLACE FUNCTION change_current(city text, kind text, subject text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE kind
    WHEN 'account' THEN (
        SELECT account_value(a) FROM account a WHERE city_code = city AND name = subject
        AND (first OR approved_by IS NOT NULL))
    WHEN 'enrolment' THEN (
        SELECT jsonb_build_object('enrolled', password IS NOT NULL) FROM account
        WHERE city_code = city AND name = subject AND (first OR approved_by IS NOT NULL)
        AND disabled_at IS NULL)
    WHEN 'unlock' THEN (
        SELECT jsonb_build_object('locked', coalesce(locked_until > now(), false)) FROM account
        WHERE city_code = city AND name = subject AND disabled_at IS NULL)
    WHEN 'terminal' THEN (
        SELECT terminal_value(t) FROM terminal t WHERE city_code = city AND label = subject
        AND retired_at IS NULL AND approved_by IS NOT NULL)
    WHEN 'medium' THEN (
        SELECT jsonb_build_object('department', department, 'description', description) FROM medium
        WHERE city_code = city AND medium_id = subject)
    WHEN 'holiday' THEN (
        SELECT jsonb_build_object('name', name) FROM holiday
        WHERE city_code = city AND to_char(day, 'FM0000-00-00') = subject)
    WHEN 'template' THEN (
        SELECT jsonb_build_object('business', business, 'text', text) FROM message_template
        WHERE city_code = city AND title = subject)
    END
$$;

CREATE OR REPLACE FUNCTION change_apply(c change, person text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    CASE c.kind
    WHEN 'account' THEN
        PERFORM change_apply_account(c, person);
    WHEN 'unlock' THEN
        UPDATE account SET failures = 0, locked_until = NULL
        WHERE city_code = c.city_code AND name = c.subject;
    WHEN 'terminal' THEN
        PERFORM change_apply_terminal(c, person);
    WHEN 'medium' THEN
        DELETE FROM medium WHERE city_code = c.city_code AND medium_id = c.subject;
        IF c.after IS NOT NULL THEN
            INSERT INTO medium VALUES (c.city_code, c.subject, c.after->>'department',
                c.after->>'description');
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

CREATE OR REPLACE FUNCTION output_people() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.approved_by IS NULL AND NEW.secret IS NULL
            AND NEW.disposed_by IS NULL AND (NEW.until IS NULL OR NEW.kind = 'print')
            AND staff_at_work(NEW.city_code, NEW.asked_by, NEW.kind)
            AND (NEW.kind = 'print' OR medium_for(NEW.city_code, NEW.medium, NEW.asked_by))
        OR TG_OP = 'UPDATE' AND (NEW.approved_by IS NOT DISTINCT FROM OLD.approved_by
            OR staff_at_work(NEW.city_code, NEW.approved_by, NEW.kind)
                AND (NOT OLD.many OR staff_at_work(NEW.city_code, NEW.approved_by, 'superior'))
                AND person_fold(NEW.approved_by) <> person_fold(OLD.asked_by)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what leaves the house is asked for by one person and approved by another'
        USING ERRCODE = 'insufficient_privilege';
END $$;
