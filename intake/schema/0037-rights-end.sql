-- A right may end before its account does: NULL, it ends with it.
ALTER TABLE account_right ADD until timestamptz;

CREATE FUNCTION right_in_force(r account_right, at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE
AS $$
    SELECT r.approved_by IS NOT NULL AND (r.until IS NULL OR r.until > at)
$$;
-- As a change tells it: `until` is its last day, where it has one.
CREATE FUNCTION right_value(r account_right) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('business', r.business, 'department', r.department, 'right', r."right")
        || CASE WHEN r.until IS NULL THEN '{}'
           ELSE jsonb_build_object('until', day_in_japan(r.until - interval '1 microsecond')) END
$$;

CREATE OR REPLACE FUNCTION account_value(a account) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('display_name', a.display_name, 'department', a.department,
        'kind', a.kind, 'valid_from', day_in_japan(a.valid_from),
        'valid_to', day_in_japan(a.valid_to - interval '1 microsecond'),
        'disabled', a.disabled_at IS NOT NULL,
        'rights', coalesce((
            SELECT jsonb_agg(right_value(r) ORDER BY business, department, "right")
            FROM account_right r WHERE r.city_code = a.city_code
            AND r.account_id = a.account_id AND r.approved_by IS NOT NULL), '[]'))
$$;

-- A new end is a new decision: of who proposed and who confirmed it.
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
    INSERT INTO account_right AS r
        (city_code, account_id, business, department, "right", until, proposed_by, approved_by)
    SELECT DISTINCT ON (v.business, v.department, v."right") c.city_code, id, v.business,
        v.department, v."right", day_begin(v.until, 1), c.proposed_by, person
    FROM jsonb_to_recordset(c.after->'rights')
        AS v (business text, department text, "right" text, until text)
    ON CONFLICT (city_code, account_id, business, department, "right") DO UPDATE
        SET until = excluded.until, proposed_by = excluded.proposed_by,
            approved_by = excluded.approved_by
        WHERE r.until IS DISTINCT FROM excluded.until;
    -- Whoever moves to another department, or is stopped, begins anew.
    IF (c.after->>'disabled')::boolean OR c.after->'department' <> c.before->'department' THEN
        UPDATE session s SET ended_at = now(), ended_why = 'disabled' WHERE s.city_code = c.city_code
            AND s.account_id = id AND s.ended_at IS NULL;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION staff_at_work(city text, person text, wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM account a
            JOIN account_right r USING (city_code, account_id)
            JOIN session s USING (city_code, account_id)
        WHERE a.city_code = city AND 'staff:' || a.name = person
        AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL
        AND now() BETWEEN a.valid_from AND a.valid_to
        AND r."right" = wanted AND right_in_force(r, now())
        AND (wanted NOT IN ('admin', 'audit') OR (r.business, r.department) = ('*', '*'))
        AND s.complete AND s.ended_at IS NULL AND s.until > now())
$$;

CREATE OR REPLACE FUNCTION administrators(city text) RETURNS SETOF uuid LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT a.account_id FROM account a WHERE a.city_code = city AND a.disabled_at IS NULL
    AND (a.first OR a.approved_by IS NOT NULL) AND now() BETWEEN a.valid_from AND a.valid_to
    AND EXISTS (SELECT FROM account_right r WHERE (r.city_code, r.account_id)
        = (a.city_code, a.account_id) AND r."right" = 'admin' AND right_in_force(r, now())
        AND (r.business, r.department) = ('*', '*'))
$$;
