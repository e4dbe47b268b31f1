/* The statements that take serial links in. */
#include "intake/registry/import_internal.h"

/* A macro may stand between pieces of a text: the formatter does not know. */
/* clang-format off */
#define SAME_KEY(a, b)                                                                             \
    a ".ca = " b ".ca AND " a ".serial = " b ".serial AND " a ".atenabango = " b ".atenabango"

#define ENDED                                                                                      \
    "link.valid_to > $2 AND feed.valid_to <= $2 AND NOT EXISTS ("                                  \
    " SELECT FROM registry_feed_link AS other WHERE other.ca = feed.ca"                            \
    " AND other.atenabango = feed.atenabango AND other.valid_to > $2)"

const struct import_statements import_links = {
    .table = {"registry_feed_link_table",
        "CREATE TEMPORARY TABLE registry_feed_link (line bigint, removed boolean,"
        " ca text COLLATE \"C\", serial text COLLATE \"C\", atenabango text COLLATE \"C\","
        " kind text, valid_from timestamptz, valid_to timestamptz, old_serial text COLLATE \"C\")"
        " ON COMMIT DROP"},
    .gone_table = {"registry_gone_link_table",
        "CREATE TEMPORARY TABLE registry_gone_link (ca text COLLATE \"C\","
        " serial text COLLATE \"C\", atenabango text COLLATE \"C\") ON COMMIT DROP"},
    .copy = {"registry_feed_link_copy", "COPY registry_feed_link FROM STDIN"},
    .analyze = {"registry_feed_link_analyze", "ANALYZE registry_feed_link"},
    .twice = {"registry_feed_link_twice",
        "SELECT max(line), min(line) FROM registry_feed_link GROUP BY ca, serial, atenabango"
        " HAVING count(*) > 1 ORDER BY max(line) LIMIT $1"},
    /* as a rule there is one source, and nothing to look for */
    .foreign = {"registry_feed_link_foreign",
        "SELECT line FROM registry_feed_link AS feed JOIN registry_link AS link"
        " ON " SAME_KEY("link", "feed") " WHERE link.city_code = $1 AND link.source <> $2"
        " AND EXISTS (SELECT FROM registry_import WHERE city_code = $1 AND kind = 'links'"
        "  AND source <> $2) ORDER BY line LIMIT $3"},
    .unknown = {"registry_feed_link_unknown",
        "SELECT line FROM registry_feed_link AS feed WHERE removed AND NOT EXISTS ("
        " SELECT FROM registry_link AS link WHERE link.city_code = $1"
        " AND " SAME_KEY("link", "feed") ") ORDER BY line LIMIT $2"},
    .reference = {"registry_feed_link_reference",
        "SELECT line FROM registry_feed_link AS feed WHERE old_serial IS NOT NULL AND NOT EXISTS ("
        " SELECT FROM registry_feed_link AS old WHERE old.ca = feed.ca"
        "  AND old.serial = feed.old_serial AND old.atenabango = feed.atenabango) AND NOT EXISTS ("
        " SELECT FROM registry_link AS old WHERE old.city_code = $1 AND old.ca = feed.ca"
        "  AND old.serial = feed.old_serial AND old.atenabango = feed.atenabango)"
        " ORDER BY line LIMIT $2"},
    /* what was over already stays as it is */
    .gone_full = {"registry_gone_link_full",
        "INSERT INTO registry_gone_link SELECT ca, serial, atenabango FROM registry_link AS link"
        " WHERE city_code = $1 AND source = $2 AND valid_to > $3 AND NOT EXISTS ("
        "  SELECT FROM registry_feed_link AS feed WHERE " SAME_KEY("feed", "link") ")"},
    .gone_differential = {"registry_gone_link_differential",
        "INSERT INTO registry_gone_link SELECT link.ca, link.serial, link.atenabango"
        " FROM registry_feed_link AS feed JOIN registry_link AS link ON " SAME_KEY("link", "feed")
        " WHERE feed.removed AND link.city_code = $1 AND link.source = $2 AND link.valid_to > $3"},
    .before = {"registry_link_before",
        "SELECT count(*) FROM (SELECT FROM registry_link WHERE city_code = $1 AND source = $2"
        " AND valid_to > $3 LIMIT $4) AS counted"},
    /* a renewed one goes, and another comes: that is no loss */
    .ended = {"registry_feed_link_ended",
        "SELECT count(*), 0::bigint FROM registry_feed_link AS feed JOIN registry_link AS link"
        " ON link.city_code = $1 AND " SAME_KEY("link", "feed") " WHERE " ENDED},
    .lost = {"registry_feed_link_lost",
        "SELECT sha256(convert_to(coalesce(string_agg(key, ' ' ORDER BY key), ''), 'UTF8')) FROM ("
        " SELECT ca || serial || '/' || atenabango FROM registry_gone_link"
        " UNION ALL SELECT feed.ca || feed.serial || '>' || feed.atenabango"
        " FROM registry_feed_link AS feed JOIN registry_link AS link"
        " ON link.city_code = $1 AND " SAME_KEY("link", "feed") " WHERE " ENDED ") AS lost (key)"},
    .same = {"registry_feed_link_same",
        "DELETE FROM registry_feed_link AS feed USING registry_link AS link"
        " WHERE link.city_code = $1 AND " SAME_KEY("link", "feed") " AND link.source = $2"
        " AND (link.kind, link.valid_from, link.valid_to, link.old_serial)"
        "  IS NOT DISTINCT FROM (feed.kind, feed.valid_from, feed.valid_to, feed.old_serial)"},
    .sweep = {"registry_feed_link_sweep", "DELETE FROM registry_feed_link WHERE removed"},
    .count = {"registry_feed_link_count",
        "SELECT count(*), count(link.serial) FROM registry_feed_link AS feed"
        " LEFT JOIN registry_link AS link ON link.city_code = $1 AND " SAME_KEY("link", "feed")},
    .past = {"registry_link_past",
        "INSERT INTO registry_link_past (city_code, ca, serial, atenabango, kind, valid_from,"
        "  valid_to, import_id, source, old_serial, closed_at, closed_by)"
        " SELECT city_code, link.ca, link.serial, link.atenabango, link.kind, link.valid_from,"
        "  link.valid_to, import_id, source, link.old_serial, $2::timestamptz, $3::bigint"
        " FROM (SELECT ca, serial, atenabango FROM registry_feed_link"
        "  UNION ALL SELECT ca, serial, atenabango FROM registry_gone_link) AS key"
        " JOIN registry_link AS link ON " SAME_KEY("link", "key") " WHERE link.city_code = $1"},
    .close = {"registry_link_close",
        "UPDATE registry_link AS link SET valid_to = $2, import_id = $3 FROM registry_gone_link"
        " AS gone WHERE link.city_code = $1 AND " SAME_KEY("link", "gone")
        " AND link.valid_from < $2"},
    .remove = {"registry_link_remove",
        "DELETE FROM registry_link AS link USING registry_gone_link AS gone"
        " WHERE link.city_code = $1 AND " SAME_KEY("link", "gone") " AND link.valid_from >= $2"},
    .replace = {"registry_link_replace",
        "DELETE FROM registry_link AS link USING registry_feed_link AS feed"
        " WHERE link.city_code = $1 AND " SAME_KEY("link", "feed")},
    .insert = {"registry_link_insert",
        "INSERT INTO registry_link (city_code, source, import_id, ca, serial, atenabango, kind,"
        "  valid_from, valid_to, old_serial)"
        " SELECT $1::text, $2::text, $3::bigint, ca, serial, atenabango, kind,"
        "  valid_from, valid_to, old_serial FROM registry_feed_link"},
    .change = {"registry_link_change",
        "INSERT INTO registry_change (city_code, import_id, atenabango, ca, serial)"
        " SELECT $1::text, $2::bigint, atenabango, ca, serial FROM registry_feed_link"
        " UNION ALL SELECT $1::text, $2::bigint, atenabango, ca, serial FROM registry_gone_link"},
};
