-- Who is protected is asked again when what waits is pulled; what staff may not reach by SQL either.

-- Moves on whenever somebody under 支援措置 or 不開示 comes, or is written anew. What waits for a
-- destination keeps up to where its people were asked about (outbox.checked).
CREATE TABLE protection_change (
    city_code text PRIMARY KEY,
    number bigint NOT NULL,
    moved_by xid8 NOT NULL                  -- once a transaction is enough
);
CREATE FUNCTION protection_change_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO protection_change AS p VALUES (NEW.city_code, 1, pg_current_xact_id())
    ON CONFLICT (city_code) DO UPDATE SET number = p.number + 1, moved_by = excluded.moved_by
        WHERE p.moved_by <> excluded.moved_by;
    RETURN NULL;
END $$;
CREATE TRIGGER protection_change AFTER INSERT OR UPDATE ON resident FOR EACH ROW
    WHEN (NEW.support_from IS NOT NULL OR NEW.undisclosed_from IS NOT NULL)
    EXECUTE FUNCTION protection_change_note();
-- Protection begins and ends by the day, too.
CREATE FUNCTION protection_epoch(city text, today integer) RETURNS bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT number FROM protection_change WHERE city_code = city), 0) * 100000000
        + today
$$;
REVOKE EXECUTE ON FUNCTION protection_epoch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION protection_epoch TO uketsuke_routing;
ALTER TABLE outbox ADD checked bigint NOT NULL DEFAULT 0;

-- What was received, but is of somebody protected since, goes out again only by people.
INSERT INTO state_transition VALUES ('received', 'review');
INSERT INTO role_transition VALUES ('routing', 'received', 'review');

-- Which application took the place of another (訂正): it keeps it when it is handed over again.
CREATE TABLE supersession (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    by_application_id uuid NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application,
    FOREIGN KEY (city_code, by_application_id) REFERENCES application
);
GRANT SELECT, INSERT ON supersession TO uketsuke_routing;
GRANT SELECT ON supersession TO uketsuke_operator, uketsuke_console;

-- Only a destination rejects: whoever writes that reason does not get around the approvals.
CREATE OR REPLACE FUNCTION application_four_eyes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.state = 'review' AND NEW.state = 'identified'
            AND NOT coalesce((SELECT e.reason = 'rejected-by-destination'
                    AND (e.actor LIKE 'business:%' OR e.actor = 'role:upgrade')
                FROM application_event e
                WHERE (e.city_code, e.application_id) = (OLD.city_code, OLD.application_id)
                AND e.to_state = 'review' AND e.from_state <> 'review'
                ORDER BY e.version DESC LIMIT 1), false)
            AND NOT EXISTS (SELECT FROM review r
                WHERE (r.city_code, r.application_id) = (OLD.city_code, OLD.application_id)
                AND r.persons <= (SELECT count(*) FROM approval a
                    WHERE (a.city_code, a.application_id, a.sha256)
                        = (r.city_code, r.application_id, r.sha256))) THEN
        RAISE EXCEPTION 'not approved by enough people' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state = 'unmatched' AND NEW.state = 'identified' AND NEW.changed_by LIKE 'staff:%'
            AND NOT EXISTS (SELECT FROM identification i
                WHERE (i.city_code, i.application_id, i.how, i.confirmed_by)
                    = (OLD.city_code, OLD.application_id, 'staff', NEW.changed_by)) THEN
        RAISE EXCEPTION 'not confirmed by a second person' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

-- Staff identify what is unmatched, by the proposal of another person; nobody else's applicant is
-- theirs to change.
DROP POLICY identification_staff ON identification;
DROP POLICY identification_staff_again ON identification;
CREATE POLICY identification_staff ON identification FOR INSERT TO uketsuke_console
    WITH CHECK (how = 'staff'
        AND EXISTS (SELECT FROM identification_proposal p
            WHERE (p.city_code, p.application_id, p.atenabango, p.proposed_by)
                = (identification.city_code, identification.application_id,
                   identification.atenabango, identification.proposed_by))
        AND EXISTS (SELECT FROM application a WHERE a.state = 'unmatched'
            AND (a.city_code, a.application_id)
                = (identification.city_code, identification.application_id)));
CREATE POLICY identification_staff_again ON identification FOR UPDATE TO uketsuke_console
    USING (EXISTS (SELECT FROM application a WHERE a.state = 'unmatched'
        AND (a.city_code, a.application_id)
            = (identification.city_code, identification.application_id)))
    WITH CHECK (how = 'staff'
        AND EXISTS (SELECT FROM identification_proposal p
            WHERE (p.city_code, p.application_id, p.atenabango, p.proposed_by)
                = (identification.city_code, identification.application_id,
                   identification.atenabango, identification.proposed_by)));
-- One way to write a person's name: 'staff:Sato' would be another one than 'staff:sato'.
ALTER TABLE approval ADD CHECK (approved_by ~ '^staff:[-a-z0-9._@\\]+$') NOT VALID;
ALTER TABLE identification_proposal
    ADD CHECK (proposed_by ~ '^staff:[-a-z0-9._@\\]+$') NOT VALID;
ALTER TABLE identification
    ADD CHECK (how <> 'staff' OR confirmed_by ~ '^staff:[-a-z0-9._@\\]+$') NOT VALID;
