/* GET /api/overview: today, what waits, what is behind; of what the caller may see. Counts only. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/closed.h"
#include "intake/console/endpoints.h"
#include "intake/console/freshness.h"
#include "intake/console/subject.h"
#include "intake/explain/lines.h"
#include "intake/ocsp_health.h"
#include "intake/registry/links.h"
#include "routing/route.h"

#define SEEN "AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"

/* What came today has changed today: one short range of the index for each state. */
static const struct db_statement overview_today = {
    "overview_today",
    "SELECT s.code, found.moved, found.come FROM state s CROSS JOIN LATERAL ("
    " SELECT count(*) AS moved, count(*) FILTER (WHERE a.announced_at >= $4) AS come"
    " FROM application a WHERE a.state = s.code AND a.city_code = $1 AND a.changed_at >= $4 " SEEN
    ") AS found ORDER BY s.code"};
static const struct db_statement overview_waiting = {
    "overview_waiting",
    "SELECT a.state, a.reason, count(*), min(a.applied_at) FROM application a"
    " WHERE a.city_code = $1 AND a.state IN ('review', 'unmatched', 'held', 'correction') " SEEN
    " GROUP BY a.state, a.reason ORDER BY 4"};
/* Of what waits for us, not for the resident; put off or not: what ends by each of four days, $4
 * moving and $5 as they are (term.h), in two rows to be summed up: by the index alone; then those
 * few that end by them because no closed day moves their term. */
#define DUE   "a.city_code = $1 AND a.state IN ('review', 'unmatched', 'held') " SEEN
#define STAYS TERM_STAYS("$6")
static const struct db_statement overview_due = {
    "overview_due",
    "SELECT count(*) FILTER (WHERE a.due_on <= ($4::date[])[1]),"
    " count(*) FILTER (WHERE a.due_on <= ($4::date[])[2]),"
    " count(*) FILTER (WHERE a.due_on <= ($4::date[])[3]), count(*)"
    " FROM application a WHERE a.due_on <= ($4::date[])[4] AND " DUE
    " UNION ALL SELECT count(*) FILTER (WHERE gap.place = 1), count(*) FILTER (WHERE gap.place = "
    "2),"
    " count(*) FILTER (WHERE gap.place = 3), count(*) FILTER (WHERE gap.place = 4)"
    " FROM unnest($4::date[], $5::date[]) WITH ORDINALITY AS gap (moving, day, place)"
    " JOIN application a ON a.due_on > gap.moving AND a.due_on <= gap.day WHERE " DUE
    " AND " STAYS};
static const struct db_statement overview_behind = {
    "overview_behind",
    "SELECT wanted.destination, found.count, (SELECT o.created_at FROM outbox o"
    "  WHERE o.city_code = $1 AND o.destination = wanted.destination ORDER BY o.outbox_id LIMIT 1)"
    " FROM unnest($2::text[]) AS wanted (destination) CROSS JOIN LATERAL (SELECT count(*)"
    "  FROM outbox o WHERE o.city_code = $1 AND o.destination = wanted.destination) AS found"
    " ORDER BY wanted.destination"};

#define DESTINATIONS_MOST 200
#define DUE_DAYS          4

struct overview {
    const struct role *role;
    struct visible visible;
    const char *destinations[DESTINATIONS_MOST];
    size_t destination_count;
    struct holidays holidays;
    const struct moving_terms *moving;
    json_t *answer;
};

/* --- the parts ----------------------------------------------------------------------------------
 */

static json_t *today_json(const struct db_rows *rows)
{
    json_int_t come = 0, moved[STATE_COUNT] = {0};
    json_t *results = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        enum state state;
        come += db_get_number(rows, i, 2);
        if (state_from_code(db_get_text(rows, i, 0), &state))
            moved[state] = db_get_number(rows, i, 1);
    }
    for (enum state state = 0; state < STATE_COUNT; state++)
        if (moved[state])
            json_array_append_new(results, json_pack("{s:s, s:s, s:I}", "state", state_code(state),
                                                     "state_name", state_name_ja(state), "count",
                                                     moved[state]));
    return json_pack("{s:I, s:o}", "intake", come, "results", results);
}

static json_t *waiting_json(const struct db_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        enum state state = STATE_HELD;
        const char *reason = db_get_text(rows, i, 1);
        state_from_code(db_get_text(rows, i, 0), &state);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:s?, s:I, s:o}", "state",
                                              state_code(state), "state_name", state_name_ja(state),
                                              "reason", reason, "reason_ja", explain_reason(reason),
                                              "count", (json_int_t)db_get_number(rows, i, 2),
                                              "oldest", console_time(db_get_instant(rows, i, 3))));
    }
    return list;
}

static json_t *due_json(const struct db_rows *rows)
{
    json_int_t by[DUE_DAYS];
    for (int i = 0; i < DUE_DAYS; i++)
        by[i] = db_get_number(rows, 0, i) + db_get_number(rows, 1, i);
    return json_pack("{s:I, s:I, s:I, s:I}", "late", by[0], "today", by[1] - by[0], "three_days",
                     by[2] - by[1], "week", by[3] - by[2]);
}

static json_t *behind_json(const struct overview *o, const struct db_rows *rows)
{
    json_t *list = json_array();
    instant now = clock_now();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        const char *name = db_get_text(rows, i, 0);
        const struct config_group *group =
            config_find(o->role->config, destination_config_section.name, name);
        const char *title = group ? config_text(group, "name") : "ポータルへの状況通知";
        instant oldest = db_get_instant(rows, i, 2);
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:I, s:o, s:I}", "destination", name, "name", title, "count",
                      (json_int_t)db_get_number(rows, i, 1), "oldest", console_time(oldest),
                      "lag_seconds", (json_int_t)(oldest ? (now - oldest) / INSTANT_SECOND : 0)));
    }
    return list;
}

/* How old the serial links are, and whether too old to decide whose an application is. */
static json_t *links_json(const struct overview *o, const struct db_rows *rows)
{
    instant as_of = db_get_instant(rows, 0, 0);
    instant most = config_duration(config_group(o->role->config, "identify"), "links-age");
    return json_pack("{s:o, s:b}", "as_of", console_time(as_of), "old",
                     most && clock_now() - as_of > most);
}

/* Of what the queue may be asked for: each procedure by the name of its newest version. */
static json_t *procedures_json(const struct overview *o)
{
    const struct procedures *known = o->role->procedures;
    json_t *list = json_array();
    for (size_t i = 0; i < o->visible.count; i++) {
        const char *id = o->visible.procedures[i], *name = id;
        struct route route;
        for (size_t k = 0; k < procedures_count(known); k++)
            if (strcmp(procedure_id(procedures_at(known, k)), id) == 0)
                name = procedure_name(procedures_at(known, k));
        if (route_find(o->role->config, id, &route))
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", id, "name", name,
                                                  "business", route.business));
    }
    return list;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* Below it, the CSV of counts tells no number. */
static int64_t small_cells(const struct config *config)
{
    return config_number(config_group(config, "console"), "small-cells");
}

static bool overview_read(struct overview *o, struct failure *f)
{
    const struct db_value city = db_text(o->role->city_code), all = db_boolean(o->visible.all),
                          seen = db_texts(o->visible.procedures, o->visible.count),
                          destinations = db_texts(o->destinations, o->destination_count);
    instant midnight = day_start(day_of_instant(clock_now()));
    static const int days[DUE_DAYS] = {-1, 0, 3, 7};
    struct term_bound ends[DUE_DAYS];
    const char *ends_moving[DUE_DAYS], *ends_day[DUE_DAYS];
    for (size_t i = 0; i < DUE_DAYS; i++) {
        ends[i] = term_bound(&o->holidays, day_add(day_of_instant(clock_now()), days[i]));
        ends_moving[i] = ends[i].moving;
        ends_day[i] = ends[i].day;
    }
    _cleanup_(cleanup_db_rows) struct db_rows *come = NULL, *waiting = NULL, *behind = NULL,
                                              *due = NULL, *health = NULL, *links = NULL;
    if (!db_look(o->role->db,
                 DB_QUESTIONS(
                     {&overview_today, DB_VALUES(city, all, seen, db_instant(midnight)), &come},
                     {&overview_waiting, DB_VALUES(city, all, seen), &waiting},
                     {&overview_due,
                      DB_VALUES(city, all, seen, db_texts(ends_moving, DUE_DAYS),
                                db_texts(ends_day, DUE_DAYS),
                                db_texts((const char *const *)o->moving->keys, o->moving->count)),
                      &due},
                     {&overview_behind, DB_VALUES(city, destinations), &behind},
                     {&ocsp_health_find, DB_VALUES(city), &health},
                     {&registry_links_as_of_find, DB_VALUES(city), &links}),
                 f))
        return false;
    json_t *list = waiting_json(waiting);
    json_t *oldest = json_object_get(json_array_get(list, 0), "oldest");
    o->answer = json_pack("{s:o, s:o, s:O?, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "at",
                          console_time(clock_now()), "today", today_json(come), "oldest", oldest,
                          "waiting", list, "due", due_json(due), "destinations",
                          behind_json(o, behind), "ocsp", ocsp_health_json(health, o->role->config),
                          "links", links_json(o, links), "procedures", procedures_json(o),
                          "small_cells", (json_int_t)small_cells(o->role->config));
    return true;
}

/* Of the procedures that may be seen, each once; and the portal. */
static void destinations_read(struct overview *o)
{
    o->destinations[o->destination_count++] = "portal";
    for (size_t i = 0; i < o->visible.count; i++) {
        struct route route;
        bool known = !route_find(o->role->config, o->visible.procedures[i], &route);
        for (size_t k = 0; k < o->destination_count && !known; k++)
            known = strcmp(o->destinations[k], route.destination) == 0;
        if (!known && o->destination_count < DESTINATIONS_MOST)
            o->destinations[o->destination_count++] = route.destination;
    }
}

enum http_flow endpoint_overview(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    struct overview o = {.role = console->role, .moving = &console->moving};
    if (!console_admit(context, request, NEED_SESSION, &caller))
        return HTTP_DONE;
    if (console_may(request, &caller, RIGHT_SEE)) {
        visible_read(console->role->config, &caller.permissions, NULL, &o.visible);
        destinations_read(&o);
        if (closed_read(console->closed, &o.holidays, &f) && overview_read(&o, &f)) {
            json_object_set_new(o.answer, "revocation",
                                freshness_read(console->freshness, console->role->config));
            http_reply_json(request, 200, json_incref(o.answer));
        } else {
            console_reply_failure(request, &f);
        }
    }
    json_decref(o.answer);
    holidays_free(&o.holidays);
    visible_free(&o.visible);
    console_caller_free(&caller);
    return HTTP_DONE;
}
