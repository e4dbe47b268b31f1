-- 授受簿: what leaves the house on paper or in a file, who asked for it, where, why, for whom, and what
-- became of it. What was asked for never changes, and nothing is taken out.
CREATE TABLE output (
    city_code text NOT NULL,
    output_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('print', 'export')),
    application_id uuid NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    terminal text NOT NULL CHECK (length(terminal) BETWEEN 1 AND 60),   -- its label
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    with_numbers boolean NOT NULL,                                      -- 個人番号 in the clear
    recipient text CHECK (length(recipient) BETWEEN 1 AND 100),
    medium text CHECK (length(medium) BETWEEN 1 AND 60),                -- 媒体番号
    approved_by text,
    approved_at timestamptz,
    until timestamptz,              -- of the working copy: then it is fetched no more, or is to be gone
    secret bytea,                   -- the file's password, sealed (purpose "output"); NULL afterwards
    fetches integer NOT NULL DEFAULT 0,
    fetched_at timestamptz,
    sha256 bytea CHECK (length(sha256) = 32),                           -- of what was fetched last
    disposed_by text,
    disposed_at timestamptz,
    disposal text CHECK (length(disposal) BETWEEN 1 AND 100),           -- how: 溶解, 消去, 返却 …
    PRIMARY KEY (city_code, output_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application,
    CHECK (approved_by <> asked_by),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK ((disposed_by IS NULL) = (disposed_at IS NULL)),
    CHECK (kind = 'print' OR (recipient IS NOT NULL AND medium IS NOT NULL)),
    CHECK (secret IS NULL OR approved_by IS NOT NULL)
);
CREATE INDEX output_secrets ON output (until, city_code) WHERE secret IS NOT NULL;
CREATE FUNCTION output_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.approved_by IS NOT NULL
            AND NEW.approved_by IS DISTINCT FROM OLD.approved_by
            OR OLD.disposed_by IS NOT NULL AND NEW.disposed_by IS DISTINCT FROM OLD.disposed_by
            OR NEW.fetches < OLD.fetches THEN
        RAISE EXCEPTION 'the hand-over book is not rewritten' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER output_guard BEFORE UPDATE OR DELETE ON output
    FOR EACH ROW EXECUTE FUNCTION output_guard();
GRANT SELECT, INSERT ON output TO uketsuke_console;
GRANT UPDATE (approved_by, approved_at, until, secret, fetches, fetched_at, sha256, disposed_by,
    disposed_at, disposal) ON output TO uketsuke_console;
