-- What moves often is asked as little as possible. A row that has a trigger before its update is locked first,
-- one by one, and a constraint that reads it by a pattern does so again at each move, though no move changes what
-- it is about.

-- Who moves an application counts its version up (intake/decide.c); otherwise nothing is written.
DROP TRIGGER application_guard_update ON application;
CREATE OR REPLACE FUNCTION application_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := 1;
    RETURN NEW;
END $$;
GRANT UPDATE (version) ON application
    TO uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing, uketsuke_console;

-- Old and new rows are joined once, for what is checked and what is written.
CREATE OR REPLACE FUNCTION application_event_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
    move record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR move IN SELECT DISTINCT n.state, n.changed_by FROM after n LOOP
            IF move.state <> 'announced' THEN
                RAISE EXCEPTION 'an application begins as announced, not as %', move.state;
            END IF;
            PERFORM application_role_check(move.changed_by, NULL, move.state);
        END LOOP;
        INSERT INTO application_event
        SELECT n.city_code, n.application_id, n.version, n.changed_at, NULL, n.state, n.reason,
               n.changed_by FROM after n;
        RETURN NULL;
    END IF;
    FOR move IN
        WITH moved AS MATERIALIZED (
            SELECT n.city_code, n.application_id, n.version, n.changed_at, o.state AS from_state,
                   n.state AS to_state, n.reason, n.changed_by, n.version = o.version + 1 AS follows
            FROM after n JOIN before o USING (city_code, application_id)),
        written AS (
            INSERT INTO application_event
            SELECT city_code, application_id, version, changed_at, from_state, to_state, reason, changed_by
            FROM moved WHERE follows)
        SELECT DISTINCT from_state, to_state, changed_by, follows FROM moved LOOP
        IF NOT EXISTS (SELECT FROM state_transition t
                       WHERE (t.from_state, t.to_state) = (move.from_state, move.to_state)) THEN
            RAISE EXCEPTION 'no transition from % to %', move.from_state, move.to_state;
        END IF;
        IF NOT move.follows THEN
            RAISE EXCEPTION 'a move from % to % counts the version up by one', move.from_state, move.to_state;
        END IF;
        PERFORM application_role_check(move.changed_by, move.from_state, move.to_state);
    END LOOP;
    RETURN NULL;
END $$;

-- The same questions of the same few moves, behind the update.
DROP TRIGGER application_four_eyes ON application;
CREATE TRIGGER application_four_eyes AFTER UPDATE ON application FOR EACH ROW
    WHEN (NEW.state = 'identified' AND OLD.state IN ('review', 'unmatched'))
    EXECUTE FUNCTION application_four_eyes();
DROP TRIGGER application_due_guard ON application;
CREATE TRIGGER application_due_guard AFTER UPDATE ON application FOR EACH ROW
    WHEN (NEW.due_on <> OLD.due_on OR NEW.due_term IS DISTINCT FROM OLD.due_term)
    EXECUTE FUNCTION application_due_guard();

-- What the portal says of an application is read by its patterns where it is written.
ALTER TABLE application DROP CONSTRAINT application_city_code_check,
    DROP CONSTRAINT application_receipt_number_check, DROP CONSTRAINT application_corrects_check;
CREATE FUNCTION application_malformed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'city code or receipt number of an application is none' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER application_malformed AFTER INSERT OR UPDATE OF city_code, receipt_number, corrects
    ON application FOR EACH ROW
    WHEN (NOT (NEW.city_code ~ '^[0-9]{6}$' AND NEW.receipt_number ~ '^[0-9A-Za-z-]{1,64}$'
               AND coalesce(NEW.corrects, '-') ~ '^[0-9A-Za-z-]{1,64}$'))
    EXECUTE FUNCTION application_malformed();

-- The trail names hundreds of items in an entry. Where PostgreSQL was built without lz4, as before.
DO $$
BEGIN
    ALTER TABLE audit_entry ALTER detail SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- A redelivery: it has its delivery already. What waits says so itself, so that no receipt looks.
ALTER TABLE outbox ADD again boolean NOT NULL DEFAULT false;
UPDATE outbox o SET again = true FROM delivery d WHERE d.city_code = o.city_code
    AND d.destination = o.destination AND d.outbox_id = o.outbox_id;
