-- Who may approve an import that removes many, and what the approval covers; by which folding the
-- keys of residents were made; who is protected, asked without reading residents.

-- `bound`: SHA-256 over all that was weighed (intake/registry/guard.h). An approval covers nothing
-- else; of what waited before, nobody can tell what it covers.
ALTER TABLE registry_import ADD bound bytea CHECK (length(bound) = 32),
    ADD ended bigint NOT NULL DEFAULT 0,        -- changed so that they are in force no more
    ADD lifted bigint NOT NULL DEFAULT 0;       -- changed so that they are protected no more
DELETE FROM registry_import WHERE state <> 'done';
ALTER TABLE registry_import ADD CHECK (state = 'done' OR bound IS NOT NULL),
    ADD CHECK (state <> 'approved' OR approved_by IS NOT NULL AND approved_at IS NOT NULL);
CREATE UNIQUE INDEX registry_import_bound ON registry_import (bound, city_code)
    WHERE state <> 'done';

-- The account that imports can't write down an approval, and the one that approves nothing else.
CREATE FUNCTION registry_approval_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    approves boolean := NEW.state = 'approved' AND (TG_OP = 'INSERT' OR OLD.state <> 'approved');
    kept boolean := TG_OP = 'UPDATE' AND OLD.state = 'approved'
        AND (NEW.approved_by, NEW.approved_at) IS NOT DISTINCT FROM (OLD.approved_by, OLD.approved_at);
BEGIN
    IF pg_has_role(session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'registry_import'::regclass), 'USAGE')
        OR approves AND session_user = 'uketsuke_operator' AND TG_OP = 'UPDATE'
        OR NOT approves AND session_user = 'uketsuke_registry'
            AND (kept OR NEW.approved_by IS NULL AND NEW.approved_at IS NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% may not approve an import, or does nothing else', session_user
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER registry_approval BEFORE INSERT OR UPDATE ON registry_import
    FOR EACH ROW EXECUTE FUNCTION registry_approval_guard();
GRANT UPDATE (state, approved_by, approved_at) ON registry_import TO uketsuke_operator;

-- The keys of resident are only good together: all made by one folding.
CREATE TABLE registry_folding (
    city_code text PRIMARY KEY,
    folding text NOT NULL                   -- fold_version (intake/identify/fold.h)
);
INSERT INTO registry_folding SELECT DISTINCT city_code, 'unknown' FROM resident;
GRANT SELECT, INSERT, UPDATE ON registry_folding TO uketsuke_registry;
GRANT SELECT ON registry_folding TO uketsuke_identify;

-- Residents under 支援措置 or 不開示 are few.
CREATE INDEX resident_by_protection ON resident (birth_date, city_code)
    WHERE support_from IS NOT NULL OR undisclosed_from IS NOT NULL;

-- Of each question (an element of the arrays): is somebody protected on that day who has this
-- 宛名番号, this 個人番号, or this name (folded) and birth date (0: not told, then the name alone)?
-- Answers the positions of those, and nothing else: who asks need not read residents.
CREATE FUNCTION protection_find(city text, today integer, numbers text[], hashes bytea[],
    names text[], births integer[])
RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(numbers, hashes, names, births) WITH ORDINALITY
            AS w (number, hash, name, birth, position)),
    found AS (
        SELECT w.position, r.* FROM wanted AS w, LATERAL (
            SELECT support_from, support_to, undisclosed_from, undisclosed_to FROM resident
            WHERE city_code = city AND atenabango = w.number OFFSET 0) AS r
        UNION ALL SELECT w.position, r.* FROM wanted AS w, LATERAL (
            SELECT support_from, support_to, undisclosed_from, undisclosed_to FROM resident
            WHERE number_hash = w.hash AND city_code = city OFFSET 0) AS r
        UNION ALL SELECT w.position, r.* FROM wanted AS w, LATERAL (
            SELECT support_from, support_to, undisclosed_from, undisclosed_to FROM resident
            WHERE birth_date = w.birth AND city_code = city
            AND (support_from IS NOT NULL OR undisclosed_from IS NOT NULL)
            AND w.name IN (name_key, common_key, former_key, roman_key, kanji_key) OFFSET 0) AS r
        WHERE w.birth > 0
        UNION ALL SELECT w.position, r.* FROM wanted AS w, LATERAL (
            SELECT support_from, support_to, undisclosed_from, undisclosed_to FROM resident
            WHERE city_code = city AND (support_from IS NOT NULL OR undisclosed_from IS NOT NULL)
            AND w.name IN (name_key, common_key, former_key, roman_key, kanji_key) OFFSET 0) AS r
        WHERE w.birth = 0)
    SELECT position FROM found
    WHERE coalesce(today BETWEEN support_from AND support_to, false)
        OR coalesce(today BETWEEN undisclosed_from AND undisclosed_to, false)
$$;
REVOKE EXECUTE ON FUNCTION protection_find FROM PUBLIC;
GRANT EXECUTE ON FUNCTION protection_find TO uketsuke_identify, uketsuke_routing,
    uketsuke_operator, uketsuke_console;
