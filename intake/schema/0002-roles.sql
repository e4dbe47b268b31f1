-- Each role only its own part of the tables that all share, so that a role that is broken into, or
-- wrong, cannot move what is another's, drop another's work, or take an item out of an outbox.

-- Which role may make which transition.
CREATE TABLE role_transition (
    role text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (role, from_state, to_state),
    FOREIGN KEY (from_state, to_state) REFERENCES state_transition
);
INSERT INTO role_transition VALUES
    ('collect', 'announced', 'collected'), ('collect', 'announced', 'held'),
    ('collect', 'held', 'collected'), ('collect', 'held', 'held'),
    ('examine', 'collected', 'verified'), ('examine', 'collected', 'refused'),
    ('examine', 'collected', 'held'), ('examine', 'held', 'verified'),
    ('examine', 'held', 'refused'), ('examine', 'held', 'held'),
    ('identify', 'verified', 'identified'), ('identify', 'verified', 'unmatched'),
    ('identify', 'verified', 'held'), ('identify', 'unmatched', 'identified'),
    ('identify', 'unmatched', 'unmatched'), ('identify', 'held', 'identified'),
    ('identify', 'held', 'unmatched'), ('identify', 'held', 'held'),
    ('routing', 'identified', 'routed'), ('routing', 'identified', 'held'),
    ('routing', 'routed', 'received'), ('routing', 'routed', 'held'),
    ('routing', 'received', 'completed'), ('routing', 'held', 'routed'), ('routing', 'held', 'held');

-- Whoever owns the table may all. Receipts move applications in the name of a business system.
CREATE FUNCTION application_role_check(changed_by text, from_state text, to_state text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    acting text := substring(session_user FROM '^uketsuke_(.*)$');
BEGIN
    IF (changed_by = 'role:' || acting OR acting = 'routing' AND changed_by LIKE 'business:%')
            AND (from_state IS NULL OR EXISTS (SELECT FROM role_transition t
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

CREATE OR REPLACE FUNCTION application_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'announced' THEN
            RAISE EXCEPTION 'an application begins as announced, not as %', NEW.state;
        END IF;
        PERFORM application_role_check(NEW.changed_by, NULL, NEW.state);
        NEW.version := 1;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM state_transition
                   WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'no transition from % to %', OLD.state, NEW.state;
    END IF;
    PERFORM application_role_check(NEW.changed_by, OLD.state, NEW.state);
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

-- Work: a role takes, puts off and ends its own stage, and begins the next one.
ALTER TABLE work ENABLE ROW LEVEL SECURITY;
CREATE POLICY work_seen ON work FOR SELECT USING (true);
CREATE POLICY work_collect_new ON work FOR INSERT TO uketsuke_collect
    WITH CHECK (stage IN ('collect', 'examine'));
CREATE POLICY work_collect ON work FOR UPDATE TO uketsuke_collect
    USING (stage = 'collect') WITH CHECK (stage IN ('collect', 'examine'));
CREATE POLICY work_collect_end ON work FOR DELETE TO uketsuke_collect USING (stage = 'collect');
CREATE POLICY work_examine_new ON work FOR INSERT TO uketsuke_examine
    WITH CHECK (stage IN ('examine', 'identify'));
CREATE POLICY work_examine ON work FOR UPDATE TO uketsuke_examine
    USING (stage = 'examine') WITH CHECK (stage IN ('examine', 'identify'));
CREATE POLICY work_examine_end ON work FOR DELETE TO uketsuke_examine USING (stage = 'examine');
CREATE POLICY work_identify_new ON work FOR INSERT TO uketsuke_identify
    WITH CHECK (stage IN ('identify', 'route'));
CREATE POLICY work_identify ON work FOR UPDATE TO uketsuke_identify
    USING (stage = 'identify') WITH CHECK (stage IN ('identify', 'route'));
CREATE POLICY work_identify_end ON work FOR DELETE TO uketsuke_identify USING (stage = 'identify');
CREATE POLICY work_routing_new ON work FOR INSERT TO uketsuke_routing WITH CHECK (stage = 'route');
CREATE POLICY work_routing ON work FOR UPDATE TO uketsuke_routing
    USING (stage = 'route') WITH CHECK (stage = 'route');
CREATE POLICY work_routing_end ON work FOR DELETE TO uketsuke_routing USING (stage = 'route');
CREATE POLICY work_wake ON work FOR UPDATE TO uketsuke_registry USING (stage = 'identify');

-- Outbox and delivery: only routing may touch what is for a business system.
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY outbox_seen ON outbox FOR SELECT USING (true);
CREATE POLICY outbox_routing ON outbox TO uketsuke_routing USING (true) WITH CHECK (true);
CREATE POLICY outbox_tell ON outbox FOR INSERT
    TO uketsuke_collect, uketsuke_examine, uketsuke_identify WITH CHECK (destination = 'portal');
CREATE POLICY outbox_report ON outbox TO uketsuke_report
    USING (destination = 'portal') WITH CHECK (destination = 'portal');
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY delivery_seen ON delivery FOR SELECT USING (true);
CREATE POLICY delivery_routing ON delivery TO uketsuke_routing USING (true) WITH CHECK (true);
CREATE POLICY delivery_report ON delivery FOR INSERT TO uketsuke_report
    WITH CHECK (destination = 'portal');
