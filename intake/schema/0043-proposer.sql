-- Two people stand behind a change: who proposed it must still be one who may, when it is confirmed.
-- What somebody who was stopped has left behind can only be rejected.
CREATE OR REPLACE FUNCTION change_settle(city text, id bigint, person text, at_terminal text,
    why text, agreed boolean) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    c change;
    outcome text;
BEGIN
    PERFORM change_person_check(city, person);
    SELECT * INTO c FROM change WHERE city_code = city AND change_id = id FOR UPDATE;
    IF NOT FOUND OR c.state <> 'waiting' THEN
        RETURN 'gone';
    END IF;
    IF c.kind IN ('account', 'enrolment', 'unlock') THEN
        -- Nobody stops it between our look at it and what we make of it.
        PERFORM FROM account WHERE city_code = city AND name = c.subject FOR UPDATE;
    END IF;
    -- Nor who proposed it.
    PERFORM FROM account WHERE city_code = city AND 'staff:' || name = c.proposed_by FOR SHARE;
    IF person_fold(person) = person_fold(c.proposed_by) THEN
        IF agreed THEN
            RETURN 'same-person';
        END IF;
        outcome := 'withdrawn';
    ELSIF NOT agreed THEN
        outcome := 'rejected';
    ELSIF c.kind IN ('account', 'enrolment', 'unlock') AND person_fold(person) = lower(c.subject) THEN
        RETURN 'own';
    ELSIF c.proposed_by LIKE 'staff:%' AND NOT EXISTS (
            SELECT FROM account a WHERE a.city_code = city AND 'staff:' || a.name = c.proposed_by
            AND a.account_id IN (SELECT administrators(city))) THEN
        RETURN 'proposer';
    ELSIF change_current(c.city_code, c.kind, c.subject) IS DISTINCT FROM c.before THEN
        outcome := 'stale';
    ELSIF c.effective_on > change_today() THEN
        outcome := 'confirmed';
    ELSE
        BEGIN
            PERFORM change_apply(c, person);
        EXCEPTION WHEN unique_violation THEN
            RETURN 'in-use';
        END;
        outcome := 'effective';
    END IF;
    UPDATE change SET state = outcome, decided_by = person, decided_at = now(),
        decided_terminal = at_terminal, decided_why = why
    WHERE city_code = city AND change_id = id;
    RETURN outcome;
END $$;
