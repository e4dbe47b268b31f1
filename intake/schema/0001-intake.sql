-- The store. Every table carries the city code first in its key (partition and shard key).
-- Personal content is sealed (base/seal.h); what stands here in the clear is what the work needs.

-- One database role for each role of the program; what each may do is granted at the end.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['collect', 'examine', 'identify', 'routing', 'report', 'registry',
                                'operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'uketsuke_' || name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', 'uketsuke_' || name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- roles belong to the whole cluster: another database was upgraded meanwhile
            END;
        END IF;
    END LOOP;
END $$;

-- States and transitions: the same table as intake/state.c (a test compares them).
CREATE TABLE state (
    code text PRIMARY KEY,
    name_ja text NOT NULL
);
INSERT INTO state VALUES
    ('announced', '到着通知'), ('collected', '取得済'), ('verified', '検証済'),
    ('identified', '申請者特定済'), ('routed', '連携待ち'), ('received', '連携済'),
    ('completed', '完了'), ('held', '保留'), ('unmatched', '申請者未特定'),
    ('refused', '受付不可');

CREATE TABLE state_transition (
    from_state text REFERENCES state,
    to_state text REFERENCES state,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO state_transition VALUES
    ('announced', 'collected'), ('announced', 'held'),
    ('collected', 'verified'), ('collected', 'refused'), ('collected', 'held'),
    ('verified', 'identified'), ('verified', 'unmatched'), ('verified', 'held'),
    ('unmatched', 'identified'), ('unmatched', 'unmatched'),
    ('identified', 'routed'), ('identified', 'held'),
    ('routed', 'received'), ('routed', 'held'),
    ('received', 'completed'),
    ('held', 'collected'), ('held', 'verified'), ('held', 'refused'), ('held', 'identified'),
    ('held', 'unmatched'), ('held', 'routed'), ('held', 'held');

CREATE TABLE application (
    city_code text NOT NULL CHECK (city_code ~ '^[0-9]{6}$'),
    application_id uuid NOT NULL DEFAULT gen_random_uuid(),
    channel text NOT NULL,
    receipt_number text NOT NULL CHECK (receipt_number ~ '^[0-9A-Za-z-]{1,64}$'), -- 受付番号
    state text NOT NULL DEFAULT 'announced' REFERENCES state,
    reason text,                            -- why held, unmatched or refused: a stable code
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    version integer NOT NULL DEFAULT 0,     -- number of the last event
    announced_at timestamptz NOT NULL DEFAULT now(),
    applied_at timestamptz NOT NULL,        -- 申請日時, as the portal says
    procedure_id text NOT NULL,
    form_version text NOT NULL,
    promised_size bigint NOT NULL,
    promised_sha256 bytea NOT NULL CHECK (length(promised_sha256) = 32),
    PRIMARY KEY (city_code, application_id),
    UNIQUE (receipt_number, channel, city_code)
);
-- Only primary keys begin with the city: while a table is small, the planner takes any index that
-- begins like the key for as good as the key, and keeps that plan while the table grows.
CREATE INDEX application_by_state ON application (state, city_code, changed_at);

CREATE TABLE application_event (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    from_state text,
    to_state text NOT NULL,
    reason text,
    actor text NOT NULL,
    PRIMARY KEY (city_code, application_id, version),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);

-- Whoever changes a state, and however: only along a transition, and never without an event.
CREATE FUNCTION application_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'announced' THEN
            RAISE EXCEPTION 'an application begins as announced, not as %', NEW.state;
        END IF;
        NEW.version := 1;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM state_transition
                   WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'no transition from % to %', OLD.state, NEW.state;
    END IF;
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
-- For all rows of a statement at once: a batch of moves writes its events in one go.
CREATE FUNCTION application_event_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO application_event
        SELECT n.city_code, n.application_id, n.version, n.changed_at, NULL, n.state, n.reason,
               n.changed_by FROM after n;
    ELSE
        INSERT INTO application_event
        SELECT n.city_code, n.application_id, n.version, n.changed_at, o.state, n.state, n.reason,
               n.changed_by FROM after n JOIN before o USING (city_code, application_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER application_guard_insert BEFORE INSERT ON application
    FOR EACH ROW EXECUTE FUNCTION application_guard();
CREATE TRIGGER application_guard_update BEFORE UPDATE ON application
    FOR EACH ROW EXECUTE FUNCTION application_guard();
CREATE TRIGGER application_event_insert AFTER INSERT ON application
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION application_event_write();
CREATE TRIGGER application_event_update AFTER UPDATE ON application
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION application_event_write();

-- The hot queue (intake/work.h): small rows, no payload.
CREATE TABLE work (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    stage text NOT NULL CHECK (stage IN ('collect', 'examine', 'identify', 'route')),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    note text,                              -- what the last try met; no personal data
    PRIMARY KEY (city_code, application_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX work_due ON work (stage, due_at);

CREATE TABLE application_key (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);

CREATE TABLE package (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE package ALTER sealed SET STORAGE EXTERNAL; -- sealed bytes do not compress

-- Bytes that came, but were not what the portal had promised.
CREATE TABLE package_evidence (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    size bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (city_code, application_id, sha256),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE package_evidence ALTER sealed SET STORAGE EXTERNAL;

CREATE TABLE examination (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    examined_at timestamptz NOT NULL DEFAULT now(),
    verdict text NOT NULL CHECK (verdict IN ('accepted', 'refused', 'held')),
    reason text,
    sub_indication text,
    ca text,                                -- signing CA's counter, with the serial: for matching
    serial text,
    report bytea NOT NULL,                  -- sealed JSON
    facts bytea,                            -- sealed JSON
    record bytea,                           -- sealed JSON
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE examination ALTER report SET STORAGE EXTERNAL, ALTER facts SET STORAGE EXTERNAL,
    ALTER record SET STORAGE EXTERNAL;

CREATE TABLE identification (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    identified_at timestamptz NOT NULL DEFAULT now(),
    atenabango text NOT NULL CHECK (length(atenabango) BETWEEN 1 AND 15), -- 宛名番号
    how text NOT NULL,                      -- 'serial'
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);

-- 番号紐付情報: history is kept; a link is in force at a time when valid_from <= t < valid_to.
CREATE TABLE registry_link (
    city_code text NOT NULL,
    ca text NOT NULL CHECK (ca IN ('sign', 'auth')),
    serial text NOT NULL CHECK (serial ~ '^[0-9a-f]{1,40}$'),
    atenabango text NOT NULL CHECK (length(atenabango) BETWEEN 1 AND 15),
    kind text NOT NULL CHECK (kind IN ('card', 'phone')),
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    valid_to timestamptz NOT NULL DEFAULT 'infinity',
    import_id bigint NOT NULL,
    PRIMARY KEY (city_code, ca, serial, atenabango),
    CHECK (valid_from < valid_to)
);
CREATE TABLE registry_import (
    city_code text NOT NULL,
    import_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    full_load boolean NOT NULL,
    rows bigint NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (city_code, import_id)
);

-- The outbox (routing/outbox.h): what waits, hot and small; its content; the past.
CREATE TABLE outbox (
    city_code text NOT NULL,
    destination text NOT NULL,
    outbox_id bigint GENERATED ALWAYS AS IDENTITY,
    application_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_error text,
    status text,                            -- for "portal"
    sha256 bytea,
    PRIMARY KEY (city_code, destination, outbox_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX outbox_once ON outbox (application_id, destination, coalesce(status, ''),
                                           city_code);
CREATE TABLE outbox_item (
    city_code text NOT NULL,
    destination text NOT NULL,
    outbox_id bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (city_code, destination, outbox_id)
);
ALTER TABLE outbox_item ALTER sealed SET STORAGE EXTERNAL;
CREATE TABLE delivery (
    city_code text NOT NULL,
    destination text NOT NULL,
    outbox_id bigint NOT NULL,
    application_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL,
    status text,
    sha256 bytea,
    accepted boolean NOT NULL,
    problems text,                          -- JSON, when not accepted
    repeated integer NOT NULL DEFAULT 0,    -- how often the same receipt came again
    PRIMARY KEY (city_code, destination, outbox_id)
);
CREATE INDEX delivery_by_application ON delivery (application_id, city_code);

-- The audit trail (base/audit.h): append-only for everybody.
CREATE TABLE audit_chain (
    chain text PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE audit_entry (
    chain text NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    terminal text,
    city_code text,
    application_id text,
    reason text,
    detail text,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (chain, position)
);

CREATE FUNCTION audit_chain_check(wanted text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    -- Each role writes the chain that has its name, and no other; whoever owns the table may all.
    IF session_user <> 'uketsuke_' || wanted AND NOT pg_has_role(session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'audit_entry'::regclass), 'USAGE') THEN
        RAISE EXCEPTION '% may not write the audit chain %', session_user, wanted
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;
-- The head of a chain, which is made when it is new, and locked until the transaction ends.
CREATE FUNCTION audit_head(wanted text) RETURNS TABLE (at bigint, head bytea) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM audit_chain_check(wanted);
    RETURN QUERY SELECT c.position, c.hash FROM audit_chain c WHERE c.chain = wanted FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO audit_chain VALUES (wanted, 0, decode(repeat('00', 32), 'hex'))
            ON CONFLICT DO NOTHING;
        RETURN QUERY SELECT c.position, c.hash FROM audit_chain c WHERE c.chain = wanted FOR UPDATE;
    END IF;
END $$;
-- Nobody but this moves a head, and only to entries that follow it.
CREATE FUNCTION audit_entry_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    head audit_chain;
    batch record;
BEGIN
    SELECT min(a.chain) AS chain, count(DISTINCT a.chain) AS chains, count(*) AS entries,
           min(a.position) AS first, max(a.position) AS last INTO batch FROM added a;
    IF batch.entries = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM audit_chain_check(batch.chain);
    SELECT * INTO head FROM audit_chain c WHERE c.chain = batch.chain FOR UPDATE;
    IF NOT FOUND OR batch.chains <> 1 OR batch.first <> head.position + 1
            OR batch.last <> head.position + batch.entries
            OR EXISTS (SELECT FROM (SELECT a.previous, lag(a.hash, 1, head.hash)
                                           OVER (ORDER BY a.position) AS expected
                                    FROM added a) links
                       WHERE links.previous IS DISTINCT FROM links.expected) THEN
        RAISE EXCEPTION 'audit entries do not follow the head of chain %', batch.chain;
    END IF;
    UPDATE audit_chain c SET position = a.position, hash = a.hash
        FROM added a WHERE c.chain = batch.chain AND a.position = batch.last;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_entry_link AFTER INSERT ON audit_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_link();

CREATE INDEX audit_by_application ON audit_entry (application_id, city_code)
    WHERE application_id IS NOT NULL;
CREATE TABLE audit_checkpoint (
    checkpoint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    heads text NOT NULL,                    -- the signed text: JSON of chain, position, hash
    key_id text NOT NULL,                   -- SHA-256 of the public key, hexadecimal
    signature bytea NOT NULL
);
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER application_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON application_event FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- What each role may do, and no more.
GRANT SELECT ON state, state_transition, application, work TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing, uketsuke_report,
    uketsuke_operator, uketsuke_registry;
GRANT INSERT ON audit_entry TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing, uketsuke_report,
    uketsuke_operator, uketsuke_registry;
GRANT SELECT ON audit_entry, audit_chain TO uketsuke_operator;
GRANT SELECT, INSERT ON audit_checkpoint TO uketsuke_operator;

GRANT UPDATE (state, reason, changed_at, changed_by) ON application TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing;
GRANT INSERT, UPDATE, DELETE ON work TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing;
GRANT UPDATE (due_at) ON work TO uketsuke_registry;
GRANT SELECT, INSERT ON outbox TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing;

GRANT INSERT ON application, application_key, package, package_evidence TO uketsuke_collect;
GRANT SELECT ON application_key TO
    uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing;
GRANT SELECT ON package, package_evidence TO uketsuke_collect;
GRANT SELECT ON package TO uketsuke_examine, uketsuke_routing;
GRANT SELECT, INSERT, UPDATE ON examination TO uketsuke_examine;
GRANT SELECT ON examination TO uketsuke_identify, uketsuke_routing;
GRANT SELECT ON registry_link, identification TO uketsuke_identify;
GRANT INSERT, UPDATE ON identification TO uketsuke_identify;
GRANT SELECT ON identification TO uketsuke_routing;
GRANT SELECT, INSERT, UPDATE, DELETE ON registry_link TO uketsuke_registry;
GRANT SELECT, INSERT ON registry_import TO uketsuke_registry;
GRANT UPDATE, DELETE ON outbox TO uketsuke_routing, uketsuke_report;
GRANT SELECT ON outbox, delivery TO uketsuke_report;
GRANT INSERT ON delivery TO uketsuke_report;
GRANT SELECT, INSERT, DELETE ON outbox_item TO uketsuke_routing;
GRANT SELECT, INSERT, UPDATE ON delivery TO uketsuke_routing;
-- An operator sees what happened, not what residents wrote nor who they are.
GRANT SELECT ON application_event, outbox, delivery, registry_import TO uketsuke_operator;
GRANT SELECT (city_code, application_id, examined_at, verdict, reason, sub_indication)
    ON examination TO uketsuke_operator;
GRANT SELECT (city_code, application_id, identified_at, how) ON identification TO uketsuke_operator;
GRANT SELECT (city_code, application_id, stored_at, size, sha256) ON package TO uketsuke_operator;
