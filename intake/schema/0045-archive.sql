-- The archive of the audit trail (base/audit_archive.h): the signed manifest of each month that left, as
-- the place from which the chains go on.
CREATE TABLE audit_archive (
    month text PRIMARY KEY CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    manifest text NOT NULL,                 -- the signed text
    signature bytea NOT NULL CHECK (length(signature) = 64),
    at timestamptz NOT NULL,
    actor text NOT NULL
);
CREATE TRIGGER audit_archive_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_archive
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE FUNCTION audit_archive_parts(manifest text)
RETURNS TABLE (chain text, first bigint, last bigint, count bigint, previous text, hash text)
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT * FROM jsonb_to_recordset(manifest::jsonb->'chains')
        AS c (chain text, first bigint, last bigint, count bigint, previous text, hash text)
$$;
-- Whoever writes it: what is said to be archived is the whole beginning of its chain, is what stands here,
-- and is a year old.
CREATE FUNCTION audit_archive_check() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    part record;
    found record;
BEGIN
    IF EXISTS (SELECT FROM audit_archive a WHERE a.month >= NEW.month) THEN
        RAISE EXCEPTION 'months leave the audit trail in their order, each once';
    END IF;
    FOR part IN SELECT * FROM audit_archive_parts(NEW.manifest) LOOP
        SELECT count(*) AS count, min(e.position) AS first, max(e.position) AS last, max(e.at) AS newest,
               max(encode(e.previous, 'hex')) FILTER (WHERE e.position = part.first) AS previous,
               max(encode(e.hash, 'hex')) FILTER (WHERE e.position = part.last) AS hash
            INTO found FROM audit_entry e WHERE e.chain = part.chain AND e.position <= part.last;
        IF (found.count, found.first, found.last, found.previous, found.hash) IS DISTINCT FROM
                (part.count, part.first, part.last, part.previous, part.hash) THEN
            RAISE EXCEPTION 'the archive of % is not what stands in chain %', NEW.month, part.chain;
        END IF;
        IF found.newest > now() - interval '365 days' THEN
            RAISE EXCEPTION 'a year of the audit trail stays online';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_archive_check BEFORE INSERT ON audit_archive
    FOR EACH ROW EXECUTE FUNCTION audit_archive_check();

-- Nothing leaves the trail but what such a manifest names, not even by the tables' owner.
CREATE FUNCTION audit_entry_archived() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
            SELECT FROM (SELECT r.chain, min(r.position) AS first, max(r.position) AS last
                         FROM removed r GROUP BY r.chain) gone
            WHERE NOT EXISTS (
                SELECT FROM audit_archive a, audit_archive_parts(a.manifest) part
                WHERE part.chain = gone.chain AND gone.first >= part.first
                AND gone.last <= part.last)) THEN
        RAISE EXCEPTION 'audit_entry is append-only';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER audit_entry_append_only ON audit_entry;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_entry_archived AFTER DELETE ON audit_entry REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_archived();

-- The manifest stays, the entries go; how many.
CREATE FUNCTION audit_cut(wanted text, manifest text, signature bytea, person text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    INSERT INTO audit_archive VALUES (wanted, manifest, signature, now(), person);
    DELETE FROM audit_entry e USING audit_archive_parts(manifest) part
        WHERE e.chain = part.chain AND e.position BETWEEN part.first AND part.last;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION audit_cut FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_cut TO uketsuke_administrator;
GRANT SELECT ON audit_archive TO uketsuke_operator, uketsuke_console;
