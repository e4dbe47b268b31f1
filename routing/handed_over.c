#include "routing/handed_over.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define PAGE 20000 /* rows of one query */

/* Both halves come in the order of an index, and end with the page. A batch that was given up has
 * no manifest, and handed over nothing. */
static const struct db_statement handed_over_page = {
    "handed_over_page",
    "WITH received AS ("
    " SELECT d.outbox_id, d.application_id, d.status IS NOT NULL AS notice, d.sha256,"
    "  least(b.written_at, d.delivered_at) AS at, b.batch_id,"
    "  CASE WHEN d.accepted THEN 'yes' ELSE 'no' END AS accepted, 1 + d.repeated AS receipts"
    " FROM delivery d LEFT JOIN LATERAL (SELECT f.batch_id, f.written_at FROM file_batch_item i"
    "   JOIN file_batch f USING (city_code, destination, batch_id)"
    "   WHERE i.city_code = d.city_code AND i.destination = d.destination"
    "   AND i.outbox_id = d.outbox_id AND f.manifest_sha256 IS NOT NULL"
    "   AND f.made_at <= d.delivered_at ORDER BY f.batch_id LIMIT 1) b ON true"
    " WHERE d.city_code = $1 AND d.destination = $2 AND d.outbox_id > $5::bigint"
    " AND (least(b.written_at, d.delivered_at) BETWEEN $3 AND $4"
    "  OR d.outbox_id = ANY ($7::text::bigint[]))"
    " ORDER BY d.outbox_id LIMIT $6::bigint),"
    "open AS ("
    " SELECT i.outbox_id, i.application_id, i.status <> '' AS notice, o.sha256,"
    "  f.written_at AS at, f.batch_id,"
    "  CASE WHEN o.outbox_id IS NULL THEN 'none' ELSE 'waiting' END AS accepted, 0 AS receipts"
    " FROM file_batch_item i JOIN file_batch f USING (city_code, destination, batch_id)"
    " LEFT JOIN outbox o ON o.city_code = i.city_code AND o.destination = i.destination"
    "  AND o.outbox_id = i.outbox_id"
    " WHERE i.city_code = $1 AND i.destination = $2 AND i.outbox_id > $5::bigint"
    " AND f.manifest_sha256 IS NOT NULL"
    " AND (f.written_at BETWEEN $3 AND $4 OR i.outbox_id = ANY ($7::text::bigint[]))"
    " AND NOT EXISTS (SELECT FROM delivery d WHERE d.city_code = i.city_code"
    "  AND d.destination = i.destination AND d.outbox_id = i.outbox_id)"
    " AND NOT EXISTS (SELECT FROM file_batch_item j"
    "  JOIN file_batch g USING (city_code, destination, batch_id)"
    "  WHERE j.city_code = i.city_code AND j.destination = i.destination"
    "  AND j.outbox_id = i.outbox_id AND j.batch_id < i.batch_id"
    "  AND g.manifest_sha256 IS NOT NULL)"
    " ORDER BY i.outbox_id LIMIT $6::bigint)"
    "SELECT h.outbox_id, a.receipt_number, h.notice, coalesce(encode(h.sha256, 'hex'), ''), h.at,"
    " h.batch_id, h.accepted, h.receipts::bigint, h.at BETWEEN $3 AND $4 "
    "FROM (SELECT * FROM received UNION ALL SELECT * FROM open) h"
    " JOIN application a ON a.city_code = $1 AND a.application_id = h.application_id "
    "ORDER BY h.outbox_id LIMIT $6::bigint"};

struct reading {
    const struct handed_over_query *query;
    const char *named; /* "{17,18}" */
    struct reconcile_list list;
};

static enum reconcile_answer answer_of(const char *name)
{
    enum reconcile_answer answer = RECONCILE_YES;
    while (strcmp(name, reconcile_answer_name(answer)) != 0)
        answer++;
    return answer;
}

static bool row_add(struct reconcile_list *list, const struct db_rows *rows, size_t i,
                    struct failure *f)
{
    struct reconcile_item item = {.id = db_get_number(rows, i, 0),
                                  .notice = db_get_boolean(rows, i, 2),
                                  .at = db_get_instant(rows, i, 4),
                                  .batch = db_get_number(rows, i, 5),
                                  .accepted = answer_of(db_get_text(rows, i, 6)),
                                  .receipts = db_get_number(rows, i, 7),
                                  .outside = !db_get_boolean(rows, i, 8)};
    snprintf(item.receipt_number, sizeof item.receipt_number, "%s", db_get_text(rows, i, 1));
    snprintf(item.sha256, sizeof item.sha256, "%s", db_get_text(rows, i, 3));
    return reconcile_add(list, &item, f);
}

static bool page_read(struct db_tx *tx, struct reading *r, size_t *ret_count, struct failure *f)
{
    const struct handed_over_query *query = r->query;
    const struct reconcile_list *list = &r->list;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &handed_over_page,
                  DB_VALUES(db_text(query->city_code), db_text(query->destination),
                            db_instant(query->from), db_instant(query->to - 1),
                            db_number(list->count ? list->at[list->count - 1].id : 0),
                            db_number(PAGE), db_text(r->named)),
                  &rows, f))
        return false;
    *ret_count = db_row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        if (!row_add(&r->list, rows, i, f))
            return false;
    return true;
}

static bool read_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct reading *r = context;
    size_t count;
    r->list.count = 0;
    do {
        if (!page_read(tx, r, &count, f))
            return false;
    } while (count == PAGE);
    return true;
}

static void ids_write(const struct reconcile_list *list, struct buffer *text)
{
    buffer_append_text(text, "{");
    for (size_t i = 0; i < list->count; i++)
        buffer_format(text, "%s%" PRId64, i ? "," : "", list->at[i].id);
    buffer_append_text(text, "}");
}

bool handed_over_read(struct db *db, const struct handed_over_query *query,
                      struct reconcile_list *ret_list, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer named = {0};
    if (query->named)
        ids_write(query->named, &named);
    struct reading r = {.query = query, .named = query->named ? buffer_text(&named) : NULL};
    if (!db_transaction(db, read_work, &r, f)) {
        reconcile_list_free(&r.list);
        return false;
    }
    *ret_list = r.list;
    return true;
}
