-- Who takes a backup out of the house: the hand-over book's part for what is about no single application. One
-- person asks, another approves before it leaves; what is written stays.
CREATE TABLE backup_take_out (
    city_code text NOT NULL,
    take_out_id bigint GENERATED ALWAYS AS IDENTITY,
    medium_id text NOT NULL,                                            -- 管理番号, registered when it leaves
    contents text NOT NULL CHECK (length(contents) BETWEEN 1 AND 100),  -- which backup, of when
    purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 500),
    key_holder text NOT NULL CHECK (length(key_holder) BETWEEN 1 AND 100), -- who keeps what opens it
    due integer NOT NULL CHECK (due BETWEEN 20000101 AND 99991231),     -- the day it is back or destroyed
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    approved_by text,
    approved_at timestamptz,
    ended_by text,
    ended_at timestamptz,
    ended_how text CHECK (length(ended_how) BETWEEN 1 AND 100),         -- 返却, 消去, 溶解 …; not taken out
    PRIMARY KEY (city_code, take_out_id),
    CHECK (person_fold(approved_by) <> person_fold(asked_by)),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL) AND (ended_by IS NULL) = (ended_how IS NULL))
);
-- A medium is out once at a time.
CREATE UNIQUE INDEX backup_take_out_open ON backup_take_out (medium_id, city_code) WHERE ended_by IS NULL;

CREATE FUNCTION backup_take_out_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.approved_by IS NULL AND NEW.ended_by IS NULL THEN
        PERFORM change_person_check(NEW.city_code, NEW.asked_by);
    ELSIF TG_OP = 'UPDATE' AND OLD.ended_by IS NULL AND NEW.ended_by IS NOT NULL
            AND NEW.approved_by IS NOT DISTINCT FROM OLD.approved_by THEN
        PERFORM change_person_check(NEW.city_code, NEW.ended_by);
        NEW.ended_at := now();
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' AND OLD.approved_by IS NULL AND NEW.approved_by IS NOT NULL
            AND NEW.ended_by IS NULL THEN
        PERFORM change_person_check(NEW.city_code, NEW.approved_by);
        NEW.approved_at := now();
    ELSE
        RAISE EXCEPTION 'the hand-over book is not rewritten' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM medium m
                   WHERE m.city_code = NEW.city_code AND m.medium_id = NEW.medium_id) THEN
        RAISE EXCEPTION 'a backup leaves on registered media only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER backup_take_out_guard BEFORE INSERT OR UPDATE OR DELETE ON backup_take_out
    FOR EACH ROW EXECUTE FUNCTION backup_take_out_guard();
CREATE TRIGGER backup_take_out_no_truncate BEFORE TRUNCATE ON backup_take_out
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

GRANT SELECT, INSERT (city_code, medium_id, contents, purpose, key_holder, due, asked_by),
    UPDATE (approved_by, ended_by, ended_how) ON backup_take_out TO uketsuke_administrator;
GRANT SELECT ON medium TO uketsuke_administrator;
GRANT SELECT ON backup_take_out TO uketsuke_operator;
