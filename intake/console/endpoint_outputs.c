/* GET /api/media: the media that the caller may take files out on. GET /api/outputs: 授受簿, the
 * latest first, of the applications whose procedures the caller may see, or of all for the audit.
 * No names; nothing of protected residents but for RIGHT_PROTECTED.
 */
#include "base/cleanup.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"
#include "intake/console/subject.h"

#define OUTPUTS_MOST 500

static const struct db_statement select_outputs = {
    "outputs",
    "SELECT o.output_id, o.kind, a.receipt_number, a.procedure_id, o.asked_by, o.asked_at,"
    " o.terminal, o.reason, o.with_numbers, o.recipient, o.medium, o.approved_by, o.approved_at,"
    " o.until, o.fetches, o.fetched_at, o.disposed_by, o.disposed_at, o.disposal,"
    " encode(o.sha256, 'hex'), o.application_id, o.many, a.channel "
    "FROM output o JOIN application a USING (city_code, application_id) "
    "WHERE o.city_code = $1 AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
    " AND o.output_id < $4::bigint ORDER BY o.output_id DESC LIMIT $5"};

struct listing {
    const struct role *role;
    const struct permissions *permissions;
    bool audit;
    struct visible visible;
    int64_t limit, before;
    json_t *items;
};

static json_t *moment(const struct db_rows *rows, size_t row, int column)
{
    return db_is_null(rows, row, column) ? json_null()
                                         : console_time(db_get_instant(rows, row, column));
}

/* What its clock says of it: waiting, open, over, gone. */
static const char *state_of(const struct db_rows *rows, size_t row)
{
    bool print = db_get_text(rows, row, 1)[0] == 'p';
    if (!db_is_null(rows, row, 16))
        return "gone";
    if (!print && db_is_null(rows, row, 11))
        return "waiting";
    return db_get_instant(rows, row, 13) > clock_now() ? "open" : "over";
}

static json_t *item_json(const struct db_rows *rows, size_t row)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:b, s:s?, s:s?, s:s?, s:o, s:o, s:I, s:o,"
        " s:s?, s:o, s:s?, s:s?, s:b, s:s}",
        "number", (json_int_t)db_get_number(rows, row, 0), "kind", db_get_text(rows, row, 1),
        "state", state_of(rows, row), "receipt_number", db_get_text(rows, row, 2), "procedure_id",
        db_get_text(rows, row, 3), "asked_by", db_get_text(rows, row, 4), "asked_at",
        moment(rows, row, 5), "terminal", db_get_text(rows, row, 6), "reason",
        db_get_text(rows, row, 7), "with_numbers", db_get_boolean(rows, row, 8), "recipient",
        db_get_text(rows, row, 9), "medium", db_get_text(rows, row, 10), "approved_by",
        db_get_text(rows, row, 11), "approved_at", moment(rows, row, 12), "until",
        moment(rows, row, 13), "fetches", (json_int_t)db_get_number(rows, row, 14), "fetched_at",
        moment(rows, row, 15), "disposed_by", db_get_text(rows, row, 16), "disposed_at",
        moment(rows, row, 17), "disposal", db_get_text(rows, row, 18), "sha256",
        db_get_text(rows, row, 19), "many", db_get_boolean(rows, row, 21), "channel",
        db_get_text(rows, row, 22));
}

/* Those that the caller may not see, as if they were not there. */
static bool hidden_find(struct db_tx *tx, const struct listing *l, const struct db_rows *rows,
                        bool *ret_hidden, struct failure *f)
{
    const char *ids[OUTPUTS_MOST];
    size_t where[OUTPUTS_MOST], count = 0;
    bool protected[OUTPUTS_MOST];
    for (size_t row = 0; row < db_row_count(rows); row++) {
        ret_hidden[row] = false;
        if (l->audit || visible_may(l->role->config, l->permissions, RIGHT_PROTECTED,
                                    db_get_text(rows, row, 3)))
            continue;
        where[count] = row;
        ids[count++] = db_get_text(rows, row, 20);
    }
    if (count && !subjects_protected(tx, l->role, ids, count, protected, f))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_hidden[where[i]] = protected[i];
    return true;
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *l = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_outputs,
                  DB_VALUES(db_text(l->role->city_code), db_boolean(l->visible.all),
                            db_texts(l->visible.procedures, l->visible.count), db_number(l->before),
                            db_number(l->limit)),
                  &rows, f))
        return false;
    bool hidden[OUTPUTS_MOST];
    if (!hidden_find(tx, l, rows, hidden, f))
        return false;
    json_decref(l->items);
    l->items = json_array();
    for (size_t row = 0; row < db_row_count(rows); row++)
        if (!hidden[row])
            json_array_append_new(l->items, item_json(rows, row));
    return true;
}

enum http_flow endpoint_outputs(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    struct listing l = {.role = console->role};
    if (!console_admit(context, request, NEED_SESSION, &caller))
        return HTTP_DONE;
    bool audit = permission_allows(&caller.permissions, RIGHT_AUDIT, NULL, NULL);
    if ((audit || console_may(request, &caller, RIGHT_SEE)) &&
        http_request_query_number(request, "limit", 1, OUTPUTS_MOST, 100, &l.limit) &&
        http_request_query_number(request, "before", 1, INT64_MAX, INT64_MAX, &l.before)) {
        visible_read(console->role->config, &caller.permissions, NULL, &l.visible);
        l.visible.all |= audit;
        l.audit = audit;
        l.permissions = &caller.permissions;
        if (db_transaction(console->role->db, list_work, &l, &f))
            names_reply(console, request, 200, json_pack("{s:O}", "items", l.items));
        else
            console_reply_failure(request, &f);
    }
    json_decref(l.items);
    visible_free(&l.visible);
    console_caller_free(&caller);
    return HTTP_DONE;
}

/* --- media ------------------------------------------------------------------------------------ */

static const struct db_statement select_media = {
    "media",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('id', medium_id, 'description', description)"
    " ORDER BY medium_id), '[]')::text FROM medium WHERE city_code = $1"
    " AND department IN ($2, '*')"};

struct media {
    struct admin_call call;
    json_t *items;
};

static bool media_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct media *m = context;
    json_decref(TAKE(m->items));
    return admin_json(tx, &m->call, &select_media, m->call.caller.session.account.department,
                      &m->items, f);
}

enum http_flow endpoint_media(struct http_request *request, void *context)
{
    struct media m = {0};
    if (!admin_begin(context, request, RIGHT_EXPORT, &m.call))
        return HTTP_DONE;
    if (admin_do(&m.call, media_work, &m))
        http_reply_json(request, 200, json_pack("{s:O}", "items", m.items));
    json_decref(m.items);
    admin_end(&m.call);
    return HTTP_DONE;
}
