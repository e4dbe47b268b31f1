-- More files in a day than [console] export-many take the approval of who answers for them (right
-- `superior`, 管理責任者), not of any colleague.
ALTER TABLE output ADD many boolean NOT NULL DEFAULT false;
CREATE INDEX output_files ON output (asked_by, asked_at, city_code) WHERE kind = 'export';

CREATE OR REPLACE FUNCTION output_people() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.approved_by IS NULL AND NEW.secret IS NULL
            AND NEW.disposed_by IS NULL AND (NEW.until IS NULL OR NEW.kind = 'print')
            AND staff_at_work(NEW.city_code, NEW.asked_by, NEW.kind)
        OR TG_OP = 'UPDATE' AND (NEW.approved_by IS NOT DISTINCT FROM OLD.approved_by
            OR staff_at_work(NEW.city_code, NEW.approved_by, NEW.kind)
                AND (NOT OLD.many OR staff_at_work(NEW.city_code, NEW.approved_by, 'superior'))
                AND person_fold(NEW.approved_by) <> person_fold(OLD.asked_by)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what leaves the house is asked for by one person and approved by another'
        USING ERRCODE = 'insufficient_privilege';
END $$;
