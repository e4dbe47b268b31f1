-- Who an applicant is, taken back: only what no business system has, never found again by a machine, and
-- nothing that was approved before counts for what comes after.

-- What left an outbox without a delivery, since it may not leave any more, though the destination may have
-- read it: whom it was about is still found (audit_of_application), and it is not as if it had never been.
CREATE TABLE outbox_taken_back (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    outbox_id bigint NOT NULL,
    destination text NOT NULL,
    taken_back_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id, outbox_id, taken_back_at),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE TRIGGER outbox_taken_back_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox_taken_back
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT INSERT ON outbox_taken_back TO uketsuke_routing;
GRANT SELECT ON outbox_taken_back TO uketsuke_console, uketsuke_operator;
CREATE OR REPLACE FUNCTION audit_of_application(city text, application uuid) RETURNS SETOF audit_entry
LANGUAGE sql STABLE AS $$
    SELECT * FROM audit_entry WHERE application_id = application::text AND city_code = city
    UNION ALL
    SELECT e.* FROM (SELECT outbox_id FROM outbox
                     WHERE application_id = application AND city_code = city
                     UNION SELECT outbox_id FROM delivery
                     WHERE application_id = application AND city_code = city
                     UNION SELECT outbox_id FROM outbox_taken_back
                     WHERE application_id = application AND city_code = city) item
    JOIN audit_entry e ON audit_items(e.detail) @> item.outbox_id
        AND e.action IN ('items.delivered', 'items.received') AND e.city_code = city
        AND strpos(e.detail, '"' || item.outbox_id || '","' || application || '"') > 0
$$;

-- May a business system have it? What one rejected came back, and may be put right.
CREATE FUNCTION application_went_out(city text, application uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM delivery d WHERE d.application_id = application AND d.city_code = city
            AND d.destination <> 'portal' AND d.accepted)
        OR EXISTS (SELECT FROM outbox o WHERE o.application_id = application AND o.city_code = city
            AND o.destination <> 'portal' AND (o.attempts > 0 OR o.claimed_until > now()))
        OR EXISTS (SELECT FROM outbox_taken_back b WHERE b.application_id = application
            AND b.city_code = city)
$$;
DROP POLICY identification_staff_back ON identification;
CREATE POLICY identification_staff_back ON identification FOR DELETE TO uketsuke_console
    USING (NOT application_went_out(city_code, application_id)
        AND EXISTS (SELECT FROM application a WHERE a.state IN ('identified', 'review', 'held')
            AND (a.city_code, a.application_id)
                = (identification.city_code, identification.application_id)));

-- Whom an application was identified as when staff took that back: no serial number settles it on the same
-- resident again, and each time makes another release of it (intake/release.h).
CREATE TABLE identification_back (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    back_id bigint GENERATED ALWAYS AS IDENTITY,
    atenabango text NOT NULL,
    taken_back_by text NOT NULL CHECK (taken_back_by ~ '^staff:[-a-z0-9._@\\]+$'),
    taken_back_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id, back_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE TRIGGER identification_back_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON identification_back FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON identification_back TO uketsuke_console;
GRANT SELECT ON identification_back TO uketsuke_identify;
GRANT SELECT (city_code, application_id, back_id) ON identification_back TO uketsuke_routing;

-- An approval is of what is in review now, and never by who prepared it, be it as the second person.
CREATE OR REPLACE FUNCTION approval_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM review r WHERE (r.city_code, r.application_id, r.sha256)
                                            = (NEW.city_code, NEW.application_id, NEW.sha256)) THEN
        RAISE EXCEPTION 'this is not what is in review' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM identification i
            WHERE (i.city_code, i.application_id) = (NEW.city_code, NEW.application_id)
            AND NEW.approved_by IN (i.proposed_by, i.confirmed_by)) THEN
        RAISE EXCEPTION 'who identified the applicant may not approve'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

-- What was asked for with a key, so that the key answers for nothing else.
DELETE FROM once;
ALTER TABLE once ADD asked bytea NOT NULL CHECK (length(asked) = 32);
