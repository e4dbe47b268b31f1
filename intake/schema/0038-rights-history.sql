-- Who might do what at a moment, from the changes that were confirmed until then (and, where they begin
-- later, from how the first of them found it), and what was stopped at once.
CREATE INDEX change_of_account ON change (subject, decided_at, city_code)
    WHERE kind = 'account' AND state = 'effective';

CREATE FUNCTION account_stopped(city text, wanted text, after timestamptz, until timestamptz)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM audit_entry e WHERE e.action = 'account.disable'
        AND e.chain IN ('administrator', 'console', 'operator', 'registry') AND e.city_code = city
        AND e.at > after AND e.at <= until
        AND CASE WHEN e.action = 'account.disable' THEN e.detail::jsonb->>'about' END = wanted)
$$;

-- {"display_name", "department", "kind", "in_force", "rights": [those in force]}; NULL: not there yet.
CREATE FUNCTION account_as_of(city text, wanted text, moment timestamptz) RETURNS jsonb LANGUAGE sql
STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH last AS (
        SELECT after AS value, decided_at AS since FROM change
        WHERE city_code = city AND kind = 'account' AND subject = wanted AND state = 'effective'
        AND decided_at <= moment ORDER BY decided_at DESC, change_id DESC LIMIT 1),
    next AS (
        SELECT before AS value, timestamptz '-infinity' AS since FROM change
        WHERE city_code = city AND kind = 'account' AND subject = wanted AND state = 'effective'
        AND decided_at > moment ORDER BY decided_at, change_id LIMIT 1),
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
REVOKE EXECUTE ON FUNCTION account_stopped, account_as_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_as_of TO uketsuke_console;
