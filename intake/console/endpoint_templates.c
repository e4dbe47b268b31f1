/* GET /api/templates?business=: 定型文 for whoever asks residents for corrections, of the
 * businesses that they examine. */
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"

static const struct db_statement select_templates = {
    "templates", "SELECT title, business, text FROM message_template WHERE city_code = $1"
                 " AND ($2::text IS NULL OR business IN ($2, '*')) ORDER BY title"};

struct templates {
    struct admin_call call;
    const char *business; /* NULL: all */
    json_t *items;
};

static void templates_end(struct templates *t)
{
    json_decref(t->items);
    admin_end(&t->call);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct templates *t = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_templates,
                  DB_VALUES(db_text(t->call.who.city_code), db_text(t->business)), &rows, f))
        return false;
    json_decref(t->items);
    t->items = json_array();
    for (size_t row = 0; row < db_row_count(rows); row++) {
        const char *business = db_get_text(rows, row, 1);
        bool any = strcmp(business, RIGHT_ANY) == 0;
        if (permission_allows(&t->call.caller.permissions, RIGHT_EXAMINE, any ? NULL : business,
                              NULL))
            json_array_append_new(t->items, json_pack("{s:s, s:s, s:s}", "title",
                                                      db_get_text(rows, row, 0), "business",
                                                      business, "text", db_get_text(rows, row, 2)));
    }
    return true;
}

enum http_flow endpoint_templates(struct http_request *request, void *context)
{
    _cleanup_(templates_end) struct templates t = {0};
    if (!admin_begin(context, request, RIGHT_EXAMINE, &t.call))
        return HTTP_DONE;
    t.business = http_request_query(request, "business");
    if (admin_do(&t.call, list_work, &t))
        http_reply_json(request, 200, json_pack("{s:O}", "items", t.items));
    return HTTP_DONE;
}
