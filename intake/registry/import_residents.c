/* The statements that take residents in. */
#include "intake/registry/import_internal.h"

/* A macro may stand between pieces of a text: the formatter does not know. */
/* clang-format off */
#define KEY "city_code = $1 AND resident.atenabango = "
/* In the order of feed_row_read. */
#define ITEMS                                                                                      \
    "atenabango, digest, household, relation, name, kana, common_name, common_kana,"               \
    " former_surname, roman_name, kanji_name, birth_date, birth_words, sex, municipality_code,"    \
    " town_code, prefecture, municipality, town, lot, building, postal_code, status,"              \
    " status_since, support_from, support_to, undisclosed_from, undisclosed_to, number_hash,"      \
    " number_sealed, juminhyo_code_sealed, name_key, kana_key, common_key, former_key, roman_key," \
    " kanji_key, address_key"

/* enum resident_status: moved out, dead, struck off */
#define ENDED "(resident.status NOT BETWEEN 2 AND 4 AND feed.status BETWEEN 2 AND 4)"
#define AS_OF "to_char($2::timestamptz AT TIME ZONE 'Asia/Tokyo', 'YYYYMMDD')::integer"
#define PROTECTED(row)                                                                             \
    "(coalesce(of.day BETWEEN " row ".support_from AND " row ".support_to, false)"                 \
    " OR coalesce(of.day BETWEEN " row ".undisclosed_from AND " row ".undisclosed_to, false))"
#define LIFTED "(" PROTECTED("resident") " AND NOT " PROTECTED("feed") ")"

const struct import_statements import_residents = {
    .table = {"registry_feed_resident_table",
        "CREATE TEMPORARY TABLE registry_feed_resident ON COMMIT DROP AS"
        " SELECT 0::bigint AS line, false AS removed, " ITEMS " FROM resident WITH NO DATA"},
    .gone_table = {"registry_gone_resident_table",
        "CREATE TEMPORARY TABLE registry_gone_resident (atenabango text COLLATE \"C\")"
        " ON COMMIT DROP"},
    .copy = {"registry_feed_resident_copy", "COPY registry_feed_resident FROM STDIN"},
    .analyze = {"registry_feed_resident_analyze", "ANALYZE registry_feed_resident (atenabango)"},
    .twice = {"registry_feed_resident_twice",
        "SELECT max(line), min(line) FROM registry_feed_resident GROUP BY atenabango"
        " HAVING count(*) > 1 ORDER BY max(line) LIMIT $1"},
    .foreign = {"registry_feed_resident_foreign",
        "SELECT line FROM registry_feed_resident AS feed JOIN resident"
        " ON " KEY "feed.atenabango WHERE resident.source <> $2"
        " AND EXISTS (SELECT FROM registry_import WHERE city_code = $1 AND kind = 'residents'"
        "  AND source <> $2) ORDER BY line LIMIT $3"},
    .unknown = {"registry_feed_resident_unknown",
        "SELECT line FROM registry_feed_resident AS feed WHERE removed AND NOT EXISTS ("
        " SELECT FROM resident WHERE " KEY "feed.atenabango) ORDER BY line LIMIT $2"},
    .gone_full = {"registry_gone_resident_full",
        "INSERT INTO registry_gone_resident SELECT atenabango FROM resident"
        " WHERE city_code = $1 AND source = $2 AND valid_from < $3 AND NOT EXISTS ("
        "  SELECT FROM registry_feed_resident AS feed"
        "  WHERE feed.atenabango = resident.atenabango)"},
    .gone_differential = {"registry_gone_resident_differential",
        "INSERT INTO registry_gone_resident SELECT resident.atenabango"
        " FROM registry_feed_resident AS feed JOIN resident ON " KEY "feed.atenabango"
        " WHERE feed.removed AND resident.source = $2 AND resident.valid_from < $3"},
    .before = {"registry_resident_before",
        "SELECT count(*) FROM (SELECT FROM resident WHERE city_code = $1 AND source = $2"
        " AND valid_from < $3 LIMIT $4) AS counted"},
    .ended = {"registry_feed_resident_ended",
        "SELECT count(*) FILTER (WHERE " ENDED "), count(*) FILTER (WHERE " LIFTED ")"
        " FROM registry_feed_resident AS feed JOIN resident ON " KEY "feed.atenabango"
        " CROSS JOIN (SELECT " AS_OF " AS day) AS of"},
    .lost = {"registry_feed_resident_lost",
        "SELECT sha256(convert_to(coalesce(string_agg(key, ' ' ORDER BY key), ''), 'UTF8')) FROM ("
        " SELECT atenabango || '-' FROM registry_gone_resident"
        " UNION ALL SELECT feed.atenabango || CASE WHEN " ENDED " THEN '>' ELSE '' END"
        "  || CASE WHEN " LIFTED " THEN '!' ELSE '' END"
        " FROM registry_feed_resident AS feed JOIN resident ON " KEY "feed.atenabango"
        " CROSS JOIN (SELECT " AS_OF " AS day) AS of WHERE " ENDED " OR " LIFTED
        ") AS lost (key)"},
    .same = {"registry_feed_resident_same",
        "DELETE FROM registry_feed_resident AS feed USING resident"
        " WHERE " KEY "feed.atenabango AND resident.source = $2"
        " AND resident.digest = feed.digest"},
    .sweep = {"registry_feed_resident_sweep", "DELETE FROM registry_feed_resident WHERE removed"},
    .count = {"registry_feed_resident_count",
        "SELECT count(*), count(resident.atenabango) FROM registry_feed_resident AS feed"
        " LEFT JOIN resident ON " KEY "feed.atenabango"},
    .past = {"registry_resident_past",
        "INSERT INTO resident_past (city_code, source, import_id, valid_from, valid_to, closed_by, "
        ITEMS ") SELECT city_code, source, import_id, valid_from, $2::timestamptz, $3::bigint,"
        " " ITEMS
        " FROM (SELECT atenabango FROM registry_feed_resident"
        "  UNION ALL SELECT atenabango FROM registry_gone_resident) AS key"
        " JOIN resident USING (atenabango) WHERE city_code = $1"},
    .remove = {"registry_resident_remove",
        "DELETE FROM resident USING registry_gone_resident AS gone WHERE " KEY "gone.atenabango"
        " AND valid_from < $2"},
    .replace = {"registry_resident_replace",
        "DELETE FROM resident USING registry_feed_resident AS feed WHERE " KEY "feed.atenabango"},
    .insert = {"registry_resident_insert",
        "INSERT INTO resident (city_code, source, import_id, valid_from, " ITEMS ")"
        " SELECT $1::text, $2::text, $3::bigint, $4::timestamptz, " ITEMS
        " FROM registry_feed_resident"},
    .change = {"registry_resident_change",
        "INSERT INTO registry_change (city_code, import_id, atenabango)"
        " SELECT $1::text, $2::bigint, atenabango FROM registry_feed_resident"
        " UNION ALL SELECT $1::text, $2::bigint, atenabango FROM registry_gone_resident"},
};
