-- The registry (intake/registry/): residents, serial links, the imports that brought them.
--
-- What is true now stands in resident and registry_link; the versions before, each with the time
-- from which another stood in its place, in resident_past and registry_link_past. A feed speaks for
-- a moment (registry_import.as_of): a version is in force from the as_of of the feed that brought
-- it until the as_of of the feed that changed it. Keys are compared byte by byte (COLLATE "C").

ALTER TABLE registry_import
    ADD kind text NOT NULL DEFAULT 'links' CHECK (kind IN ('links', 'residents')),
    ADD source text NOT NULL DEFAULT 'juki' CHECK (source ~ '^[a-z0-9-]{1,20}$'),
    ADD sequence bigint CHECK (sequence > 0),       -- NULL: a file without manifest
    ADD as_of timestamptz,
    ADD state text NOT NULL DEFAULT 'done' CHECK (state IN ('done', 'waiting', 'approved')),
    ADD added bigint NOT NULL DEFAULT 0,
    ADD changed bigint NOT NULL DEFAULT 0,
    ADD removed bigint NOT NULL DEFAULT 0,          -- waiting: what it would remove
    ADD before bigint NOT NULL DEFAULT 0,           -- rows of its source in force before
    ADD approved_by text,
    ADD approved_at timestamptz,
    ADD CHECK (approved_by <> actor);               -- a second person
UPDATE registry_import SET as_of = at;
ALTER TABLE registry_import ALTER as_of SET NOT NULL, ALTER kind DROP DEFAULT,
    ALTER source DROP DEFAULT;
CREATE UNIQUE INDEX registry_import_once ON registry_import (source, kind, sequence, city_code)
    WHERE state = 'done';

ALTER TABLE registry_link
    ALTER city_code TYPE text COLLATE "C", ALTER ca TYPE text COLLATE "C",
    ALTER serial TYPE text COLLATE "C", ALTER atenabango TYPE text COLLATE "C",
    ADD source text NOT NULL DEFAULT 'juki',
    ADD old_serial text COLLATE "C" CHECK (old_serial ~ '^[0-9a-f]{1,40}$'); -- renewed from
ALTER TABLE registry_link ALTER source DROP DEFAULT;
CREATE INDEX registry_link_by_resident ON registry_link (atenabango, city_code);

-- A link as it was told before; it was believed until the feed `closed_by`.
CREATE TABLE registry_link_past (
    city_code text COLLATE "C" NOT NULL,
    ca text COLLATE "C" NOT NULL,
    serial text COLLATE "C" NOT NULL,
    atenabango text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    import_id bigint NOT NULL,
    source text NOT NULL,
    old_serial text COLLATE "C",
    closed_at timestamptz NOT NULL,
    closed_by bigint NOT NULL,
    PRIMARY KEY (city_code, ca, serial, atenabango, closed_by)
);

-- Days are numbers, YYYYMMDD; a part of a birth date that is not known is 0. Texts are as the feed
-- has them; the columns …_key are folded for comparing (intake/identify/fold.h), '' when empty.
CREATE TABLE resident (
    city_code text COLLATE "C" NOT NULL,
    atenabango text COLLATE "C" NOT NULL CHECK (length(atenabango) BETWEEN 1 AND 15), -- 宛名番号
    import_id bigint NOT NULL,
    valid_from timestamptz NOT NULL,        -- as_of of the feed that brought this version
    source text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 16), -- of all items: is a row another one?
    household text COLLATE "C" NOT NULL,    -- 世帯番号
    relation text NOT NULL,                 -- 続柄
    name text NOT NULL,                     -- 氏名
    kana text NOT NULL,
    common_name text NOT NULL,              -- 通称
    common_kana text NOT NULL,
    former_surname text NOT NULL,           -- 旧氏
    roman_name text NOT NULL,               -- ローマ字
    kanji_name text NOT NULL,               -- 漢字併記名
    birth_date integer NOT NULL CHECK (birth_date BETWEEN 0 AND 99991231),
    birth_words text NOT NULL,              -- 不詳表記
    sex text NOT NULL CHECK (sex IN ('0', '1', '2')),
    municipality_code text NOT NULL,
    town_code text NOT NULL,                -- 町字コード
    prefecture text NOT NULL,
    municipality text NOT NULL,
    town text NOT NULL,                     -- 町字
    lot text NOT NULL,                      -- 番地号表記
    building text NOT NULL,                 -- 方書
    postal_code text NOT NULL,
    status smallint NOT NULL CHECK (status BETWEEN 0 AND 5), -- enum resident_status
    status_since integer NOT NULL,          -- 異動年月日, 0: not told
    support_from integer, support_to integer,         -- 支援措置, both days included
    undisclosed_from integer, undisclosed_to integer, -- 不開示
    number_hash bytea CHECK (length(number_hash) = 32), -- of the 個人番号, keyed
    number_sealed bytea,
    juminhyo_code_sealed bytea,             -- only if [registry] keep-juminhyo-code
    name_key text COLLATE "C" NOT NULL,
    kana_key text COLLATE "C" NOT NULL,
    common_key text COLLATE "C" NOT NULL,
    former_key text COLLATE "C" NOT NULL,   -- 旧氏 with the given name
    roman_key text COLLATE "C" NOT NULL,
    kanji_key text COLLATE "C" NOT NULL,
    address_key text COLLATE "C" NOT NULL,  -- without 方書
    PRIMARY KEY (city_code, atenabango)
);
-- Nothing but primary keys begins with the city (0001).
CREATE INDEX resident_by_birth_date ON resident (birth_date, city_code);
CREATE INDEX resident_by_name ON resident (name_key, city_code);
CREATE INDEX resident_by_kana ON resident (kana_key, city_code) WHERE kana_key <> '';
CREATE INDEX resident_by_common_name ON resident (common_key, city_code) WHERE common_key <> '';
CREATE INDEX resident_by_former_name ON resident (former_key, city_code) WHERE former_key <> '';
CREATE INDEX resident_by_roman_name ON resident (roman_key, city_code) WHERE roman_key <> '';
CREATE INDEX resident_by_kanji_name ON resident (kanji_key, city_code) WHERE kanji_key <> '';
CREATE INDEX resident_by_address ON resident (address_key, city_code) WHERE address_key <> '';
CREATE INDEX resident_by_household ON resident (household, city_code) WHERE household <> '';
CREATE INDEX resident_by_number ON resident (number_hash, city_code) WHERE number_hash IS NOT NULL;

-- A version that was in force from valid_from until before valid_to.
CREATE TABLE resident_past (LIKE resident INCLUDING STORAGE);
ALTER TABLE resident_past
    ADD valid_to timestamptz NOT NULL,
    ADD closed_by bigint NOT NULL,
    ADD PRIMARY KEY (city_code, atenabango, valid_to);

-- What imports changed, for whoever keeps something that depends on it (candidates). Rows go in in
-- the import's transaction; who has dealt with them deletes them. NULL: too many to list, so all.
CREATE TABLE registry_change (
    city_code text NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    import_id bigint NOT NULL,
    atenabango text,                        -- the resident changed, or is linked by what changed
    ca text, serial text,                   -- the link that changed; NULL: the resident
    PRIMARY KEY (city_code, change_id)
);

-- The key under which the city's 個人番号 are sealed, itself sealed under the city's key.
CREATE TABLE registry_key (
    city_code text PRIMARY KEY,
    wrapped bytea NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON registry_import TO uketsuke_registry;
GRANT SELECT, INSERT, UPDATE, DELETE ON resident TO uketsuke_registry;
GRANT SELECT, INSERT ON resident_past, registry_link_past, registry_change, registry_key
    TO uketsuke_registry;
-- Identification reads residents, but no 個人番号: only its keyed hash.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['resident', 'resident_past'] LOOP
        EXECUTE (SELECT format('GRANT SELECT (%s) ON %I TO uketsuke_identify',
                               string_agg(quote_ident(attname), ', '), name)
                 FROM pg_attribute WHERE attrelid = name::regclass AND attnum > 0
                 AND attname !~ '_sealed$');
    END LOOP;
END $$;
GRANT SELECT, DELETE ON registry_change TO uketsuke_identify;
