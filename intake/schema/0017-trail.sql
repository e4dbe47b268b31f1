-- What one answer hands over, or one request receives, is one entry of the audit trail that names
-- many items (routing/trail.h). They are found by the ids that lie between its least and greatest.
CREATE FUNCTION audit_items(detail text) RETURNS int8range LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT int8range(substring(detail from '^\{"first":"([0-9]{1,18})"')::bigint,
                     substring(detail from '^\{"first":"[0-9]{1,18}","last":"([0-9]{1,18})"')::bigint,
                     '[]')
$$;
CREATE INDEX audit_by_items ON audit_entry USING gist (audit_items(detail))
    WHERE action IN ('items.delivered', 'items.received');

-- All entries about one application, whichever way they name it. Reads as the caller may.
CREATE FUNCTION audit_of_application(city text, application uuid) RETURNS SETOF audit_entry
LANGUAGE sql STABLE AS $$
    SELECT * FROM audit_entry WHERE application_id = application::text AND city_code = city
    UNION ALL
    SELECT e.* FROM (SELECT outbox_id FROM outbox
                     WHERE application_id = application AND city_code = city
                     UNION SELECT outbox_id FROM delivery
                     WHERE application_id = application AND city_code = city) item
    JOIN audit_entry e ON audit_items(e.detail) @> item.outbox_id
        AND e.action IN ('items.delivered', 'items.received') AND e.city_code = city
        AND strpos(e.detail, '"' || item.outbox_id || '","' || application || '"') > 0
$$;

-- Events are written by the trigger on application alone, from the very row, and no role deletes
-- applications: nothing is left for the reference to check.
ALTER TABLE application_event DROP CONSTRAINT application_event_city_code_application_id_fkey;
-- The transition tables of a batch are as long as it is: never a loop in a loop, whatever the first
-- statement of the session was.
ALTER FUNCTION application_event_write SET enable_nestloop = off;
ALTER FUNCTION application_event_write SET enable_hashjoin = on;
