#include "routing/content.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/trail.h"

/* The ids lead, whatever the planner thinks of the tables. The last column: whether somebody has to
 * be asked first (routing/recheck.h). */
static const struct db_statement content_fetch = {
    "routing_content_fetch",
    "WITH now AS MATERIALIZED (SELECT protection_epoch($1::text, $4::integer) AS epoch) "
    "SELECT found.* FROM unnest($3::bigint[]) WITH ORDINALITY AS wanted (id, position)"
    " JOIN LATERAL ("
    "  SELECT o.outbox_id, o.application_id, i.sealed, k.wrapped, a.receipt_number, a.procedure_id,"
    "   o.status IS NULL AND o.checked <> (SELECT epoch FROM now)"
    "  FROM outbox o JOIN outbox_item i USING (city_code, destination, outbox_id)"
    "   JOIN application_key k USING (city_code, application_id)"
    "   JOIN application a USING (city_code, application_id)"
    "  WHERE o.city_code = $1 AND o.destination = $2 AND o.outbox_id = wanted.id OFFSET 0)"
    "  AS found ON true "
    "ORDER BY wanted.position"};

void content_clear(struct content *content)
{
    buffer_clear(&content->body);
    buffer_append_text(&content->body, "{\"items\":[");
    content->count = content->bytes = 0;
}

void content_free(struct content *content)
{
    buffer_erase_free(&content->body);
}

static void write_member(struct buffer *text, const char *before, const char *value)
{
    buffer_append_text(text, before);
    json_write_string(bytes_of_text(value), text);
}

/* The item's exact bytes as a JSON string: UTF-8 in, UTF-8 out, so the hash still holds. */
static void add(struct content *c, const struct db_rows *rows, size_t i)
{
    struct failure why = {0};
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    char hash[65], *application_id = c->entries[c->count].application_id;
    c->entries[c->count].id = db_get_number(rows, i, 0);
    snprintf(application_id, 37, "%s", db_get_text(rows, i, 1));
    if (!routing_unseal(c->context, "item", application_id, db_get_bytes(rows, i, 3),
                        db_get_bytes(rows, i, 2), &plain, &why)) {
        log_failure("item.unreadable", &why);
        return;
    }
    sha256_hex(buffer_bytes(&plain), hash);
    buffer_format(&c->body, "%s{\"id\":\"%" PRId64 "\",\"sha256\":\"%s\"", c->count ? "," : "",
                  c->entries[c->count].id, hash);
    write_member(&c->body, ",\"receipt_number\":", db_get_text(rows, i, 4));
    write_member(&c->body, ",\"procedure_id\":", db_get_text(rows, i, 5));
    buffer_append_text(&c->body, ",\"item\":");
    json_write_string(buffer_bytes(&plain), &c->body);
    buffer_append_text(&c->body, "}");
    c->bytes += plain.length;
    c->count++;
}

static bool fetch(const struct content *content, struct db_tx *tx, const int64_t *ids, size_t count,
                  struct db_rows **ret_rows, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    for (size_t i = 0; i < count; i++)
        buffer_format(&list, "%c%" PRId64, i ? ',' : '{', ids[i]);
    buffer_append_text(&list, count ? "}" : "{}");
    return db_query(tx, &content_fetch,
                    DB_VALUES(db_text(content->context->options.city_code),
                              db_text(content->caller->destination), db_text(buffer_text(&list)),
                              db_number(recheck_today())),
                    ret_rows, f);
}

/* Must anybody be asked before these go out? */
static bool stale(const struct db_rows *rows)
{
    for (size_t i = 0; i < db_row_count(rows); i++)
        if (db_get_boolean(rows, i, 6))
            return true;
    return false;
}

bool content_add(struct content *content, struct db_tx *tx, const int64_t *ids, size_t count,
                 int64_t *ret_seen, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *first = NULL, *again = NULL;
    if (!fetch(content, tx, ids, count, &first, f) ||
        (stale(first) &&
         (!routing_recheck(content->context, content->caller, tx, ids, count, NULL, f) ||
          !fetch(content, tx, ids, count, &again, f))))
        return false;
    const struct db_rows *rows = again ? again : first;
    int64_t seen = 0;
    for (size_t i = 0; i < db_row_count(rows) && content->bytes < CONTENT_BYTES; i++) {
        add(content, rows, i);
        seen = db_get_number(rows, i, 0);
    }
    *ret_seen = seen;
    return true;
}

bool content_audit(struct content *content, struct db_tx *tx, struct failure *f)
{
    struct trail_item items[ROUTING_BATCH_MOST];
    for (size_t i = 0; i < content->count; i++)
        items[i] = (struct trail_item){.id = content->entries[i].id,
                                       .application_id = content->entries[i].application_id};
    return trail_append(tx, content->context, content->caller, "items.delivered", NULL, items,
                        content->count, f);
}

enum http_flow content_reply(struct http_request *request, struct content *content, json_t *stolen)
{
    _cleanup_(cleanup_json) json_t *others = stolen;
    _cleanup_(cleanup_buffer) struct buffer rest = {0};
    json_write(others, &rest);
    buffer_append_text(&content->body, json_object_size(others) ? "]," : "]");
    buffer_append(&content->body, rest.data + 1, rest.length - 1); /* its brace is open already */
    metric_add(&routing_delivered_metric, "item", (int64_t)content->count);
    http_reply_compress(request);
    return http_reply_buffer(request, 200, "application/json", &content->body);
}
