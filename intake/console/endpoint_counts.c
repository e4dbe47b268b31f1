/* GET /api/counts?from=&to=: how many applications came in those months, by procedure and state, as
 * CSV; of what the caller may see. Small cells could tell of somebody, so they are hidden, and
 * there is nothing to work them out from: no totals, and no periods that differ by a day. */
#include <inttypes.h>
#include <stdio.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/csv.h"
#include "base/text.h"
#include "intake/console/endpoints.h"
#include "intake/console/sign_in_internal.h"
#include "intake/console/subject.h"

#define DAYS_MOST 366

static const struct db_statement select_counts = {
    "counts", "SELECT a.procedure_id, a.form_version, a.state, count(*) FROM application a"
              " WHERE a.city_code = $1 AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
              " AND a.applied_at >= $4 AND a.applied_at < $5 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"};

struct counting {
    const struct role *role;
    const struct console_caller *caller;
    struct visible visible;
    struct day from, to;
    int64_t least;
    struct buffer csv;
};

static void row_write(struct counting *c, const struct db_rows *rows, size_t row)
{
    const char *id = db_get_text(rows, row, 0);
    const struct procedure *procedure =
        procedures_find(c->role->procedures, id, db_get_text(rows, row, 1));
    enum state state = STATE_HELD;
    int64_t count = db_get_number(rows, row, 3);
    state_from_code(db_get_text(rows, row, 2), &state);
    _cleanup_(cleanup_text) char *shown = count < c->least
                                              ? text_format("%" PRId64 "未満", c->least)
                                              : text_format("%" PRId64, count);
    const char *const fields[] = {id, procedure ? procedure_name(procedure) : id,
                                  state_name_ja(state), shown};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i > 0)
            buffer_append_text(&c->csv, ",");
        csv_quote(fields[i], &c->csv);
    }
    buffer_append_text(&c->csv, "\r\n");
}

static bool count_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct counting *c = context;
    char from[DAY_TEXT], to[DAY_TEXT], detail[64];
    snprintf(detail, sizeof detail, "{\"from\":\"%s\",\"to\":\"%s\"}", day_text(c->from, from),
             day_text(c->to, to));
    const struct audit_entry entry = {.action = "counts.export",
                                      .detail = detail,
                                      .actor = c->caller->actor,
                                      .terminal = c->caller->terminal_text,
                                      .city_code = c->role->city_code};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_counts,
                  DB_VALUES(db_text(c->role->city_code), db_boolean(c->visible.all),
                            db_texts(c->visible.procedures, c->visible.count),
                            db_instant(day_start(c->from)),
                            db_instant(day_start(day_add(c->to, 1)))),
                  &rows, f))
        return false;
    buffer_clear(&c->csv);
    buffer_append_text(&c->csv, "\xef\xbb\xbf"
                                "手続ID,手続,状態,件数\r\n");
    for (size_t row = 0; row < db_row_count(rows); row++)
        row_write(c, rows, row);
    return audit_append(tx, CONSOLE_CHAIN, &entry, 1, f);
}

static bool period_read(struct http_request *request, struct counting *c)
{
    const char *from = http_request_query(request, "from"), *to = http_request_query(request, "to");
    if (from && to && day_parse(from, &c->from) && day_parse(to, &c->to) &&
        day_number(c->to) >= day_number(c->from) &&
        day_number(c->to) - day_number(c->from) < DAYS_MOST && c->from.day == 1 &&
        day_add(c->to, 1).day == 1)
        return true;
    http_reply_error(request, 400, "E0002",
                     "from and to are the first and the last day of months, YYYY-MM-DD, within a "
                     "year");
    return false;
}

enum http_flow endpoint_counts(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    struct counting c = {.role = console->role, .caller = &caller};
    if (!console_admit(context, request, NEED_SESSION, &caller))
        return HTTP_DONE;
    c.least = config_number(config_group(console->role->config, "console"), "small-cells");
    if (console_may(request, &caller, RIGHT_SEE) && period_read(request, &c)) {
        visible_read(console->role->config, &caller.permissions, NULL, &c.visible);
        if (db_transaction(console->role->db, count_work, &c, &f)) {
            http_reply_header(request, "Content-Disposition",
                              "attachment; filename=\"counts.csv\"");
            http_reply_bytes(request, 200, "text/csv; charset=utf-8", buffer_bytes(&c.csv));
        } else {
            console_reply_failure(request, &f);
        }
    }
    buffer_free(&c.csv);
    visible_free(&c.visible);
    console_caller_free(&caller);
    return HTTP_DONE;
}
