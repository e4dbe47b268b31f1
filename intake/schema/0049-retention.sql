-- Retention: what was handed over, acknowledged and finished is forgotten when its time is over.

-- Why an application may not be forgotten yet; NULL: it may.
CREATE FUNCTION retention_obstacle(city text, application uuid) RETURNS text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN a.state NOT IN ('completed', 'rejected', 'withdrawn') THEN 'not-finished'
        WHEN NOT EXISTS (SELECT FROM delivery d WHERE d.application_id = application AND d.city_code = city
            AND d.destination <> 'portal' AND d.status IS NULL AND d.accepted) THEN 'not-handed-over'
        WHEN EXISTS (SELECT FROM outbox o WHERE o.application_id = application AND o.city_code = city)
            THEN 'message-waits'
        WHEN NOT EXISTS (SELECT FROM delivery d WHERE d.application_id = application AND d.city_code = city
            AND d.destination = 'portal' AND d.accepted AND d.delivered_at >= a.changed_at) THEN 'not-told'
        WHEN EXISTS (SELECT FROM withdrawal w WHERE w.application_id = application AND w.city_code = city
            AND w.settled_at IS NULL) THEN 'withdrawal'
        WHEN EXISTS (SELECT FROM work w WHERE w.application_id = application AND w.city_code = city)
            OR EXISTS (SELECT FROM claim c WHERE c.application_id = application AND c.city_code = city)
            OR EXISTS (SELECT FROM staff_hold h WHERE h.application_id = application AND h.city_code = city)
            THEN 'at-work'
        WHEN EXISTS (SELECT FROM output o WHERE o.application_id = application AND o.city_code = city
            AND o.disposed_by IS NULL) THEN 'taken-out'
        END
    FROM application a WHERE a.city_code = city AND a.application_id = application
$$;

-- Who an applicant is not any more goes with the application, and not before.
DROP TRIGGER identification_back_append_only ON identification_back;
CREATE TRIGGER identification_back_append_only BEFORE UPDATE OR TRUNCATE ON identification_back
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE FUNCTION identification_back_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM application_key k
               WHERE k.city_code = OLD.city_code AND k.application_id = OLD.application_id) THEN
        RAISE EXCEPTION 'identification_back is append-only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER identification_back_guard BEFORE DELETE ON identification_back
    FOR EACH ROW EXECUTE FUNCTION identification_back_guard();

-- Destroys the key, and clears what is readable or takes room. False: it may not be (any more), or is forgotten
-- already. What stays: receipt number, states, when, who worked with it, the trail.
CREATE FUNCTION application_forget(city text, application uuid, before timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM application a WHERE a.city_code = city AND a.application_id = application
        AND a.changed_at < least(before, now()) FOR UPDATE;
    IF NOT FOUND OR retention_obstacle(city, application) IS NOT NULL THEN
        RETURN false;
    END IF;
    DELETE FROM application_key k WHERE k.city_code = city AND k.application_id = application;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE package p SET sealed = '' WHERE p.city_code = city AND p.application_id = application;
    DELETE FROM package_evidence p WHERE p.city_code = city AND p.application_id = application;
    UPDATE examination x SET ca = NULL, serial = NULL, report = '', facts = NULL, record = NULL, evidence = NULL
        WHERE x.city_code = city AND x.application_id = application;
    DELETE FROM identification i WHERE i.city_code = city AND i.application_id = application;
    DELETE FROM identification_back i WHERE i.city_code = city AND i.application_id = application;
    DELETE FROM identification_decision i WHERE i.city_code = city AND i.application_id = application;
    DELETE FROM identification_proposal i WHERE i.city_code = city AND i.application_id = application;
    DELETE FROM resident_message m WHERE m.city_code = city AND m.application_id = application;
    DELETE FROM outbox_item i USING delivery d WHERE d.city_code = city AND d.application_id = application
        AND i.city_code = d.city_code AND i.destination = d.destination AND i.outbox_id = d.outbox_id;
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION retention_obstacle, application_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_obstacle TO uketsuke_operator;
GRANT EXECUTE ON FUNCTION application_forget TO uketsuke_administrator;
-- Whether there is a key, never the key.
GRANT SELECT (city_code, application_id) ON application_key TO uketsuke_operator;
