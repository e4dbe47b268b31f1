#include "intake/retention.h"

#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/process.h"

#define PAGE 500

static const struct db_statement retention_counts = {
    "retention_counts",
    "SELECT retention_obstacle(a.city_code, a.application_id), count(*) FROM application a"
    " JOIN application_key k USING (city_code, application_id)"
    " WHERE a.city_code = $1 AND a.procedure_id = $2 AND a.changed_at < $3"
    " AND a.state NOT IN (SELECT from_state FROM state_transition) GROUP BY 1 ORDER BY 1"};
static const struct db_statement retention_page = {
    "retention_page", "SELECT a.application_id, a.receipt_number, a.changed_at FROM application a"
                      " JOIN application_key k USING (city_code, application_id)"
                      " WHERE a.city_code = $1 AND a.procedure_id = $2 AND a.changed_at < $3"
                      " AND a.state IN ('completed', 'rejected', 'withdrawn')"
                      " AND (a.changed_at, a.application_id) > ($4, $5::uuid)"
                      " AND retention_obstacle(a.city_code, a.application_id) IS NULL"
                      " ORDER BY a.changed_at, a.application_id LIMIT $6::bigint"};
static const struct db_statement retention_forget = {"retention_forget",
                                                     "SELECT application_forget($1, $2::uuid, $3)"};

/* --- days --------------------------------------------------------------------------------------
 */

static struct day month_end(int year, int month)
{
    struct day day = {year, month, 31};
    while (!day_valid(day))
        day.day--;
    return day;
}

struct day retention_last_day(struct day ended, const struct route *route)
{
    if (!route->retention_years)
        return day_add(ended, route->retention_days);
    struct day same = day_add(ended, 1); /* the first day that counts */
    same.year += route->retention_years;
    return day_valid(same) ? day_add(same, -1) : month_end(same.year, same.month);
}

instant retention_before(instant now, const struct route *route)
{
    struct day today = day_of_instant(now), ended = today;
    if (route->retention_years) {
        ended.year -= route->retention_years;
        if (!day_valid(ended))
            ended.day--;
    } else {
        ended = day_add(today, -route->retention_days);
    }
    ended = day_add(ended, 2); /* never too early: then back to the first that is over */
    while (day_compare(retention_last_day(ended, route), today) >= 0)
        ended = day_add(ended, -1);
    return day_start(day_add(ended, 1));
}

/* --- looking -----------------------------------------------------------------------------------
 */

/* The i-th route that has a retention; false past the last. */
static bool route_at(const struct config *config, size_t i, struct route *ret)
{
    const struct config_group *group = NULL;
    while ((group = config_next(config, "route", group))) {
        if (!route_find(config, config_name(group), ret) ||
            (!ret->retention_years && !ret->retention_days))
            continue;
        if (i-- == 0)
            return true;
    }
    return false;
}

struct looking {
    const char *city_code;
    struct route route;
    instant before;
    json_t *kept;
    int64_t forgettable;
};

static bool counts_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct looking *l = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            tx, &retention_counts,
            DB_VALUES(db_text(l->city_code), db_text(l->route.procedure_id), db_instant(l->before)),
            &rows, f))
        return false;
    json_object_clear(l->kept);
    l->forgettable = 0;
    for (size_t i = 0; i < db_row_count(rows); i++)
        if (db_is_null(rows, i, 0))
            l->forgettable = db_get_number(rows, i, 1);
        else
            json_object_set_new(l->kept, db_get_text(rows, i, 0),
                                json_integer(db_get_number(rows, i, 1)));
    return true;
}

bool retention_look(struct db *db, const struct config *config, const char *city_code, instant now,
                    json_t **ret_list, struct failure *f)
{
    struct looking l = {.city_code = city_code};
    char at[INSTANT_TEXT];
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; route_at(config, i, &l.route); i++) {
        _cleanup_(cleanup_json) json_t *kept = l.kept = json_object();
        l.before = retention_before(now, &l.route);
        if (!db_transaction(db, counts_work, &l, f))
            return false;
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:i, s:s, s:I, s:O}", "procedure", l.route.procedure_id,
                            "retention_years", l.route.retention_years, "retention_days",
                            l.route.retention_days, "ended_before", instant_text_jst(l.before, at),
                            "forgettable", (json_int_t)l.forgettable, "kept", kept));
    }
    *ret_list = TAKE(list);
    return true;
}

/* --- forgetting --------------------------------------------------------------------------------
 */

struct page {
    const struct retention_run *run;
    const char *procedure_id;
    instant before, after;
    char after_id[37];
    struct db_rows *rows;
};

static bool page_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct page *p = context;
    return db_query(tx, &retention_page,
                    DB_VALUES(db_text(p->run->city_code), db_text(p->procedure_id),
                              db_instant(p->before), db_instant(p->after), db_text(p->after_id),
                              db_number(PAGE)),
                    &p->rows, f);
}

struct forgetting {
    const struct retention_run *run;
    const char *application_id;
    instant before;
    bool done;
};

static bool forget_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct forgetting *g = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &retention_forget,
                  DB_VALUES(db_text(g->run->city_code), db_text(g->application_id),
                            db_instant(g->before)),
                  &rows, f))
        return false;
    g->done = db_get_boolean(rows, 0, 0);
    const struct audit_entry entry = {.action = "application.forgotten",
                                      .actor = g->run->actor,
                                      .city_code = g->run->city_code,
                                      .application_id = g->application_id,
                                      .reason = "retention"};
    return !g->done || audit_append(tx, "administrator", &entry, 1, f);
}

static bool page_forget(struct page *p, int64_t *count, struct failure *f)
{
    for (size_t i = 0; i < db_row_count(p->rows); i++) {
        struct forgetting g = {.run = p->run,
                               .application_id = db_get_text(p->rows, i, 0),
                               .before = p->before,
                               .done = !p->run->administrator};
        if (process_stopping())
            return failure_set(f, FAILURE_SYSTEM, "stopped before all was forgotten: run it again");
        if (p->run->administrator && !db_transaction(p->run->administrator, forget_work, &g, f))
            return false;
        p->after = db_get_instant(p->rows, i, 2);
        snprintf(p->after_id, sizeof p->after_id, "%s", g.application_id);
        *count += g.done;
        if (g.done && p->run->tell)
            p->run->tell(db_get_text(p->rows, i, 1), p->procedure_id, p->run->context);
    }
    return true;
}

static bool route_forget(struct db *db, const struct retention_run *run, const struct route *route,
                         instant now, int64_t *count, struct failure *f)
{
    struct page p = {.run = run,
                     .procedure_id = route->procedure_id,
                     .before = retention_before(now, route),
                     .after = INT64_MIN,
                     .after_id = "00000000-0000-0000-0000-000000000000"};
    for (bool more = true; more;) {
        if (!db_transaction(db, page_work, &p, f))
            return false;
        bool done = page_forget(&p, count, f);
        more = db_row_count(p.rows) == PAGE;
        db_rows_free(p.rows);
        if (!done)
            return false;
    }
    return true;
}

bool retention_run(struct db *db, const struct config *config, const struct retention_run *run,
                   instant now, int64_t *ret_count, struct failure *f)
{
    struct route route;
    int64_t count = 0;
    for (size_t i = 0; route_at(config, i, &route); i++)
        if (!route_forget(db, run, &route, now, &count, f))
            return false;
    *ret_count = count;
    return true;
}
