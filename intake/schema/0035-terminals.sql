-- A terminal is its department's, and of those that it is shared with ('*': all). Those that were registered
-- before stay open to all until somebody changes them.
ALTER TABLE terminal ADD also text[] NOT NULL DEFAULT '{}' CHECK (cardinality(also) <= 50);
UPDATE terminal SET also = '{*}';

-- Whether somebody of this department signs in there.
CREATE FUNCTION terminal_takes(t terminal, wanted text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT wanted = t.department OR t.also && ARRAY[wanted, '*']
$$;

-- As changes tell of them.
CREATE FUNCTION account_value(a account) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('display_name', a.display_name, 'department', a.department,
        'kind', a.kind, 'valid_from', day_in_japan(a.valid_from),
        'valid_to', day_in_japan(a.valid_to - interval '1 microsecond'),
        'disabled', a.disabled_at IS NOT NULL,
        'rights', coalesce((
            SELECT jsonb_agg(jsonb_build_object('business', business, 'department', department,
                'right', "right") ORDER BY business, department, "right")
            FROM account_right r WHERE r.city_code = a.city_code
            AND r.account_id = a.account_id AND r.approved_by IS NOT NULL), '[]'))
$$;
CREATE FUNCTION terminal_value(t terminal) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('department', t.department, 'also', to_jsonb(t.also), 'peer', t.peer,
        'address', t.address)
$$;

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
    WHEN 'holiday' THEN (
        SELECT jsonb_build_object('name', name) FROM holiday
        WHERE city_code = city AND to_char(day, 'FM0000-00-00') = subject)
    WHEN 'template' THEN (
        SELECT jsonb_build_object('business', business, 'text', text) FROM message_template
        WHERE city_code = city AND title = subject)
    END
$$;

-- What was proposed before has no `also`: of its department alone.
CREATE FUNCTION change_apply_terminal(c change, person text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE terminal SET retired_at = now() WHERE city_code = c.city_code
        AND label = c.subject AND retired_at IS NULL;
    IF c.after IS NOT NULL THEN
        INSERT INTO terminal (city_code, label, department, also, peer, address, proposed_by,
            approved_by)
        SELECT c.city_code, c.subject, v.department, coalesce(v.also, '{}'), lower(v.peer),
            v.address, c.proposed_by, person
        FROM jsonb_to_record(c.after)
            AS v (department text, also text[], peer text, address text);
    END IF;
END $$;

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
REVOKE EXECUTE ON FUNCTION change_apply_terminal FROM PUBLIC;
