-- A route may ask several people to check, and a 管理責任者 (right `superior`) to approve after them.
ALTER TABLE review DROP CONSTRAINT review_persons_check, ADD CHECK (persons BETWEEN 1 AND 10),
    ADD superior boolean NOT NULL DEFAULT false;    -- the last of them is one
ALTER TABLE approval ADD superior boolean NOT NULL DEFAULT false;   -- given as one

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
                        = (r.city_code, r.application_id, r.sha256))
                AND (NOT r.superior OR EXISTS (SELECT FROM approval a
                    WHERE (a.city_code, a.application_id, a.sha256)
                        = (r.city_code, r.application_id, r.sha256) AND a.superior))) THEN
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
    IF NEW.superior AND NOT staff_at_work(NEW.city_code, NEW.approved_by, 'superior') THEN
        RAISE EXCEPTION '% is no superior who is signed in', NEW.approved_by
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
