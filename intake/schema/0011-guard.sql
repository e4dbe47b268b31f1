-- What a batch of moves is checked by stands once for the statement, not once for each row: of a
-- hundred receipts, all make the same transition in the same name.
-- A transition leads to a state that there is, and an application begins as announced: nothing is left
-- for the reference to check.
ALTER TABLE application DROP CONSTRAINT application_state_fkey;
CREATE OR REPLACE FUNCTION application_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE OLD.version + 1 END;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION application_event_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
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
    FOR move IN SELECT DISTINCT o.state AS old, n.state AS new, n.changed_by
                FROM after n JOIN before o USING (city_code, application_id) LOOP
        IF NOT EXISTS (SELECT FROM state_transition
                       WHERE from_state = move.old AND to_state = move.new) THEN
            RAISE EXCEPTION 'no transition from % to %', move.old, move.new;
        END IF;
        PERFORM application_role_check(move.changed_by, move.old, move.new);
    END LOOP;
    INSERT INTO application_event
    SELECT n.city_code, n.application_id, n.version, n.changed_at, o.state, n.state, n.reason,
           n.changed_by FROM after n JOIN before o USING (city_code, application_id);
    RETURN NULL;
END $$;
