/* GET /api/admin/{routes, procedures, feeds}: what is set up elsewhere, to read; and
 * POST /api/admin/feeds/{id}/approve, by a second person: a feed that waits may do what it would.
 */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/procedure.h"
#include "intake/console/admin.h"
#include "intake/console/change.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"
#include "intake/registry/import.h"
#include "routing/route.h"

/* --- procedures and their routes -------------------------------------------------------------- */

static json_t *route_json(const struct config *config, const char *id)
{
    struct route route;
    if (!route_find(config, id, &route))
        return json_null();
    const struct config_group *destination =
        config_find(config, destination_config_section.name, route.destination);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "destination", route.destination,
                     "destination_name", destination ? config_text(destination, "name") : "",
                     "legal_basis", route.legal_basis, "business", route.business, "department",
                     route.department, "individual_number", route.individual_number, "approval",
                     route.approval);
}

static json_t *procedures_json(const struct role *role)
{
    json_t *list = json_array();
    for (size_t i = 0; i < procedures_count(role->procedures); i++) {
        const struct procedure *procedure = procedures_at(role->procedures, i);
        const char *id = procedure_id(procedure);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:o}", "id", id, "version",
                            procedure_version(procedure), "name", procedure_name(procedure),
                            "retired", procedure_retired(procedure), "signature_required",
                            procedure_signature_required(procedure), "sha256",
                            procedure_sha256(procedure), "route", route_json(role->config, id)));
    }
    return list;
}

static void call_end(struct admin_call *call)
{
    admin_end(call);
}

enum http_flow endpoint_procedures(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    _cleanup_(call_end) struct admin_call call = {0};
    if (admin_begin(context, request, RIGHT_ADMIN, &call))
        http_reply_json(request, 200, json_pack("{s:o}", "items", procedures_json(console->role)));
    return HTTP_DONE;
}

enum http_flow endpoint_procedure(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    _cleanup_(call_end) struct admin_call call = {0};
    if (!admin_begin(context, request, RIGHT_ADMIN, &call))
        return HTTP_DONE;
    const struct procedure *procedure =
        procedures_find(console->role->procedures, http_request_parameter(request, "id"),
                        http_request_parameter(request, "version"));
    if (!procedure)
        return http_reply_error(request, 404, "E0100", "そのような手続はありません。");
    return http_reply_json(request, 200, procedure_describe(procedure));
}

/* --- feeds ------------------------------------------------------------------------------------ */

static const struct db_statement select_feeds = {
    "admin_feeds",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('id', import_id, 'kind', kind, 'source', source,"
    " 'full', full_load, 'sequence', sequence, 'as_of', moment_in_japan(as_of), 'at',"
    " moment_in_japan(at), 'state', state, 'rows', rows, 'before', before, 'added', added,"
    " 'changed', changed, 'removed', removed, 'ended', ended, 'lifted', lifted, 'imported_by',"
    " actor, 'approved_by', approved_by, 'approved_at', moment_in_japan(approved_at))"
    " ORDER BY state <> 'waiting', import_id DESC), '[]')::text FROM (SELECT * FROM registry_import"
    " WHERE city_code = $1 ORDER BY state <> 'waiting', import_id DESC LIMIT 100) AS latest"};
/* One person under two names ("operator:hanako", "staff:hanako") is one person. */
static const struct db_statement same_person = {
    "admin_feed_same_person", "SELECT person_fold(actor) = person_fold($3) FROM registry_import"
                              " WHERE city_code = $1 AND import_id = $2 AND state = 'waiting'"};

struct feeds {
    struct admin_call call;
    json_t *items;
    int64_t id;
    const char *reason;
    enum change_outcome outcome;
};

static void feeds_end(struct feeds *s)
{
    json_decref(s->items);
    admin_end(&s->call);
}

static bool feeds_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct feeds *s = context;
    json_decref(TAKE(s->items));
    return admin_json(tx, &s->call, &select_feeds, NULL, &s->items, f);
}

enum http_flow endpoint_feeds(struct http_request *request, void *context)
{
    _cleanup_(feeds_end) struct feeds s = {0};
    if (admin_begin(context, request, RIGHT_ADMIN, &s.call) && admin_do(&s.call, feeds_work, &s))
        names_reply(context, request, 200, json_pack("{s:O}", "items", s.items));
    return HTTP_DONE;
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    bool moved = false;
    struct feeds *s = context;
    const struct administrator *who = &s->call.who;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &same_person,
                  DB_VALUES(db_text(who->city_code), db_number(s->id), db_text(who->by)), &rows, f))
        return false;
    s->outcome = db_row_count(rows) == 0      ? CHANGE_GONE
                 : db_get_boolean(rows, 0, 0) ? CHANGE_SAME_PERSON
                                              : CHANGE_EFFECTIVE;
    if (s->outcome != CHANGE_EFFECTIVE)
        return true;
    if (!registry_approve_in(tx, who->city_code, s->id, who->by, &moved, f))
        return false;
    if (!moved)
        s->outcome = CHANGE_GONE;
    return !moved || administer_note(tx, who, "registry.approve",
                                     json_pack("{s:I}", "import", (json_int_t)s->id), s->reason, f);
}

enum http_flow endpoint_feeds_approve(struct http_request *request, void *context)
{
    _cleanup_(feeds_end) struct feeds s = {0};
    if (!admin_begin(context, request, RIGHT_ADMIN, &s.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    s.reason = body ? console_text(request, body, "reason", CHANGE_REASON_MOST) : NULL;
    if (!s.reason)
        return HTTP_DONE;
    if (!number_parse(http_request_parameter(request, "id"), 1, INT64_MAX, &s.id))
        return http_reply_error(request, 404, "E0100", "%s", change_outcome_ja(CHANGE_GONE));
    if (!admin_do(&s.call, approve_work, &s))
        return HTTP_DONE;
    if (s.outcome == CHANGE_GONE)
        return http_reply_error(request, 404, "E0100", "この取込は、確認を待っていません。");
    if (s.outcome == CHANGE_SAME_PERSON)
        return console_reply_conflict(
            request, json_object(), "取り込んだ人は承認できません。別の管理者が確認してください。");
    return http_reply_json(
        request, 200,
        json_pack("{s:s}", "message",
                  "承認しました。同じファイルをもう一度取り込むと反映されます。"));
}
