-- What waits for people, and what people decide (intake/staff/): review, correction, withdrawal.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'uketsuke_console') THEN
        BEGIN
            CREATE ROLE uketsuke_console LOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the whole cluster: another database was upgraded meanwhile
        END;
    END IF;
END $$;

INSERT INTO state VALUES
    ('review', '審査待ち'), ('correction', '要訂正'), ('superseded', '訂正済'),
    ('withdrawn', '取下げ'), ('rejected', '却下');
INSERT INTO state_transition VALUES
    ('identified', 'review'), ('held', 'review'), ('routed', 'review'),
    ('review', 'identified'), ('review', 'review'), ('review', 'correction'), ('review', 'refused'),
    ('unmatched', 'correction'), ('unmatched', 'refused'),
    ('held', 'correction'),
    ('correction', 'superseded'), ('correction', 'refused'),
    ('received', 'rejected'), ('received', 'correction'),
    ('announced', 'withdrawn'), ('collected', 'withdrawn'), ('verified', 'withdrawn'),
    ('identified', 'withdrawn'), ('held', 'withdrawn'), ('unmatched', 'withdrawn'),
    ('review', 'withdrawn'), ('correction', 'withdrawn'), ('routed', 'withdrawn');
INSERT INTO role_transition VALUES
    ('routing', 'identified', 'review'), ('routing', 'held', 'review'),
    ('routing', 'routed', 'review'), ('routing', 'review', 'review'),
    ('routing', 'correction', 'superseded'),
    ('routing', 'received', 'rejected'), ('routing', 'received', 'correction'),
    ('routing', 'announced', 'withdrawn'), ('routing', 'collected', 'withdrawn'),
    ('routing', 'verified', 'withdrawn'), ('routing', 'identified', 'withdrawn'),
    ('routing', 'held', 'withdrawn'), ('routing', 'unmatched', 'withdrawn'),
    ('routing', 'review', 'withdrawn'), ('routing', 'correction', 'withdrawn'),
    ('routing', 'routed', 'withdrawn'),
    ('console', 'review', 'identified'), ('console', 'review', 'review'),
    ('console', 'review', 'correction'), ('console', 'review', 'refused'),
    ('console', 'review', 'withdrawn'),
    ('console', 'unmatched', 'identified'), ('console', 'unmatched', 'unmatched'),
    ('console', 'unmatched', 'correction'), ('console', 'unmatched', 'refused'),
    ('console', 'unmatched', 'withdrawn'),
    ('console', 'held', 'held'), ('console', 'held', 'review'), ('console', 'held', 'correction'),
    ('console', 'held', 'refused'), ('console', 'held', 'withdrawn'),
    ('console', 'correction', 'refused'), ('console', 'correction', 'withdrawn'),
    ('console', 'collected', 'withdrawn'), ('console', 'verified', 'withdrawn'),
    ('console', 'identified', 'withdrawn');
DELETE FROM role_transition WHERE (role, from_state, to_state) = ('routing', 'routed', 'held');

-- The application that this one takes the place of, as the portal says: a receipt number.
ALTER TABLE application ADD corrects text CHECK (corrects ~ '^[0-9A-Za-z-]{1,64}$');

-- Why an application is in review: what would be released (hash of record, 宛名番号, destination
-- and of why people are asked), and how many people must agree. The last time only.
CREATE TABLE review (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    destination text NOT NULL,
    demands text NOT NULL,                  -- "finding route protected", those that hold
    persons smallint NOT NULL CHECK (persons IN (1, 2)),
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE TABLE approval (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    sha256 bytea NOT NULL,                  -- of the review that it answers; another: void
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id, sha256, approved_by), -- each person once
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
-- 宛名番号 by people: one proposes, another confirms.
CREATE TABLE identification_proposal (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    atenabango text NOT NULL CHECK (length(atenabango) BETWEEN 1 AND 15),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE identification ADD proposed_by text, ADD confirmed_by text,
    ADD CONSTRAINT identification_four_eyes CHECK (
        CASE WHEN how = 'staff'
             THEN proposed_by IS NOT NULL AND confirmed_by IS NOT NULL AND proposed_by <> confirmed_by
             ELSE proposed_by IS NULL AND confirmed_by IS NULL END);
-- Put off by a person until a day.
CREATE TABLE staff_hold (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    until timestamptz NOT NULL,
    held_by text NOT NULL,
    held_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
-- Another destination than the route's, one of its alternatives.
CREATE TABLE reroute (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    destination text NOT NULL,
    chosen_by text NOT NULL,
    chosen_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
-- 取下げ: asked for by the resident (portal), or by staff in the resident's name; the role routing
-- settles it.
CREATE TABLE withdrawal (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,                 -- 'portal', 'staff:…'
    settled_at timestamptz,
    outcome text CHECK (outcome IN ('withdrawn', 'told-destination', 'too-late')),
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application,
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX withdrawal_open ON withdrawal (asked_at) WHERE settled_at IS NULL;
-- What staff wrote to the resident, sealed under the application's key; goes with a status.
CREATE TABLE resident_message (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    message_id bigint GENERATED ALWAYS AS IDENTITY,
    written_at timestamptz NOT NULL,
    written_by text NOT NULL,
    status text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (city_code, application_id, message_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE outbox ADD message_id bigint;
DROP INDEX outbox_once;
CREATE UNIQUE INDEX outbox_once ON outbox (application_id, destination, coalesce(status, ''),
                                           coalesce(message_id, 0), city_code);
-- How far the clock of what waits has come: told to the operator (1), the department (2), the
-- report of the day (3). `what` is "review", "unmatched", "held", or a destination's name.
CREATE TABLE escalation (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    what text NOT NULL,
    since timestamptz NOT NULL,             -- since when it waits; waits anew: begins anew
    step smallint NOT NULL CHECK (step BETWEEN 1 AND 3),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, application_id, what)
);

-- Whoever owns the table may all. Receipts move applications in the name of a business system, and
-- the console in the name of the person.
CREATE OR REPLACE FUNCTION application_role_check(changed_by text, from_state text, to_state text)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    acting text := substring(session_user FROM '^uketsuke_(.*)$');
BEGIN
    IF (changed_by = 'role:' || acting OR acting = 'routing' AND changed_by LIKE 'business:%'
            OR acting = 'console' AND changed_by LIKE 'staff:_%')
            AND (from_state IS NULL AND acting = 'collect' OR EXISTS (SELECT FROM role_transition t
                 WHERE (t.role, t.from_state, t.to_state)
                     = (acting, application_role_check.from_state,
                        application_role_check.to_state))) THEN
        RETURN;
    END IF;
    IF NOT pg_has_role(session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'application'::regclass), 'USAGE') THEN
        RAISE EXCEPTION '% may not move an application from % to % as %',
            session_user, from_state, to_state, changed_by USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- Two people, whatever the program that asks: nothing leaves review without as many approvals of
-- what is in review as it demands, nor is somebody found by hand without a second person.
CREATE FUNCTION application_four_eyes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.state = 'review' AND NEW.state = 'identified'
            AND OLD.reason IS DISTINCT FROM 'rejected-by-destination'
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
CREATE TRIGGER application_four_eyes BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.state = 'identified' AND OLD.state IN ('review', 'unmatched'))
    EXECUTE FUNCTION application_four_eyes();

-- An approval is of what is in review now, and never by who prepared it.
CREATE FUNCTION approval_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM review r WHERE (r.city_code, r.application_id, r.sha256)
                                            = (NEW.city_code, NEW.application_id, NEW.sha256)) THEN
        RAISE EXCEPTION 'this is not what is in review' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM identification i WHERE (i.city_code, i.application_id, i.proposed_by)
                             = (NEW.city_code, NEW.application_id, NEW.approved_by)) THEN
        RAISE EXCEPTION 'who identified the applicant may not approve'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_guard BEFORE INSERT ON approval
    FOR EACH ROW EXECUTE FUNCTION approval_guard();
CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The console identifies by the proposal of another person, and by nothing else.
ALTER TABLE identification ENABLE ROW LEVEL SECURITY;
CREATE POLICY identification_seen ON identification FOR SELECT USING (true);
CREATE POLICY identification_identify ON identification TO uketsuke_identify
    USING (true) WITH CHECK (true);
CREATE POLICY identification_staff ON identification FOR INSERT TO uketsuke_console
    WITH CHECK (how = 'staff' AND EXISTS (SELECT FROM identification_proposal p
        WHERE (p.city_code, p.application_id, p.atenabango, p.proposed_by)
            = (identification.city_code, identification.application_id, identification.atenabango,
               identification.proposed_by)));
CREATE POLICY identification_staff_again ON identification FOR UPDATE TO uketsuke_console
    USING (true) WITH CHECK (how = 'staff');

-- Staff end, put off and begin any stage of what waits for them.
CREATE POLICY work_console ON work TO uketsuke_console USING (true) WITH CHECK (true);
-- What is withdrawn, or to be asked about, leaves every queue.
CREATE POLICY work_routing_withdrawn ON work FOR DELETE TO uketsuke_routing
    USING (EXISTS (SELECT FROM application a
        WHERE (a.city_code, a.application_id) = (work.city_code, work.application_id)
        AND a.state = 'withdrawn'));
CREATE POLICY outbox_console ON outbox FOR INSERT TO uketsuke_console
    WITH CHECK (destination = 'portal');
CREATE POLICY outbox_console_again ON outbox FOR UPDATE TO uketsuke_console
    USING (true) WITH CHECK (true);

GRANT SELECT ON state, state_transition, application, application_event, application_key, work,
    identification, review, approval, identification_proposal, staff_hold, reroute, withdrawal,
    resident_message, outbox, delivery, escalation, schema_version TO uketsuke_console;
GRANT SELECT (city_code, application_id, examined_at, verdict, reason, sub_indication)
    ON examination TO uketsuke_console;
GRANT SELECT (city_code, application_id, stored_at, size, sha256) ON package TO uketsuke_console;
GRANT UPDATE (state, reason, changed_at, changed_by) ON application TO uketsuke_console;
GRANT INSERT, UPDATE, DELETE ON work TO uketsuke_console;
GRANT INSERT ON outbox, audit_entry, approval, withdrawal, resident_message TO uketsuke_console;
GRANT UPDATE (due_at) ON outbox TO uketsuke_console;
GRANT INSERT, UPDATE ON identification TO uketsuke_console;
GRANT INSERT, UPDATE, DELETE ON identification_proposal, staff_hold, reroute TO uketsuke_console;

GRANT SELECT, INSERT, UPDATE ON review TO uketsuke_routing;
GRANT SELECT ON approval, reroute, staff_hold, withdrawal TO uketsuke_routing;
GRANT UPDATE (settled_at, outcome) ON withdrawal TO uketsuke_routing;
GRANT INSERT, SELECT (message_id) ON resident_message TO uketsuke_routing;
GRANT SELECT, INSERT, UPDATE, DELETE ON escalation TO uketsuke_routing;
GRANT SELECT, INSERT ON withdrawal TO uketsuke_collect;
GRANT SELECT ON resident_message, application_key TO uketsuke_report;
GRANT SELECT ON review, approval, staff_hold, reroute, withdrawal, escalation TO uketsuke_operator;
GRANT SELECT (city_code, application_id, proposed_by, proposed_at) ON identification_proposal
    TO uketsuke_operator;
GRANT SELECT (proposed_by, confirmed_by) ON identification TO uketsuke_operator;
GRANT SELECT (city_code, application_id, message_id, written_at, written_by, status)
    ON resident_message TO uketsuke_operator;

-- What a destination rejected waits for staff now.
UPDATE application SET state = 'review', changed_at = now(), changed_by = 'role:upgrade'
    WHERE state = 'held' AND reason = 'rejected-by-destination';
