/* What waits in an outbox since before somebody came under protection: may it still leave? */
#include "intake/hand_over.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/application.h"
#include "intake/identify/protection.h"

_Static_assert(RECHECK_MOST <= WORK_BATCH_MOST, "one question is one batch");

/* `released`: two people let exactly this go to this destination, knowing who it is. */
static const struct db_statement leaving_lock = {
    "leaving_lock",
    "SELECT a.receipt_number, a.state IN ('routed', 'received'), coalesce("
    "  (SELECT r.destination = $3 AND 'protected' = ANY (string_to_array(r.demands, ' '))"
    "    AND r.persons <= (SELECT count(*) FROM approval p WHERE p.city_code = r.city_code"
    "     AND p.application_id = r.application_id AND p.sha256 = r.sha256)"
    "    AND (NOT r.superior OR EXISTS (SELECT FROM approval p WHERE p.city_code = r.city_code"
    "     AND p.application_id = r.application_id AND p.sha256 = r.sha256 AND p.superior))"
    "   FROM review r WHERE r.city_code = a.city_code AND r.application_id = a.application_id),"
    "  false) "
    "FROM application a WHERE a.city_code = $1 AND a.application_id = $2::uuid FOR UPDATE"};
/* Taken up by hand_over_step: it asks people, or puts it out again. */
static const struct db_statement leaving_again = {
    "leaving_again", "INSERT INTO work (city_code, application_id, stage) VALUES ($1, $2::uuid,"
                     " 'route') ON CONFLICT DO NOTHING"};
static const struct db_statement leaving_wake = {"leaving_wake",
                                                 "SELECT pg_notify('work_route', '')"};

struct again {
    struct role *role;
    struct recheck_item *asked;
    struct work_item items[RECHECK_MOST];
    struct stored_examination examinations[RECHECK_MOST];
    bool moves[RECHECK_MOST], released[RECHECK_MOST], readable[RECHECK_MOST];
    size_t count;
};

static void again_free(struct again *all)
{
    for (size_t i = 0; i < all->count; i++)
        stored_examination_free(&all->examinations[i]);
}

static bool lock_one(struct again *all, struct db_tx *tx, size_t i, const char *destination,
                     struct failure *f)
{
    struct work_item *item = &all->items[i];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    snprintf(item->city_code, sizeof item->city_code, "%s", all->role->city_code);
    snprintf(item->application_id, sizeof item->application_id, "%s", all->asked[i].application_id);
    if (!db_query(tx, &leaving_lock,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                            db_text(destination)),
                  &rows, f))
        return false;
    snprintf(item->receipt_number, sizeof item->receipt_number, "%s", db_get_text(rows, 0, 0));
    all->moves[i] = db_get_boolean(rows, 0, 1);
    all->released[i] = db_get_boolean(rows, 0, 2);
    return true;
}

/* What can't be read can't be asked about, so it stays here: the hand-over tells. */
static bool open_all(struct again *all, struct db_tx *tx, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!application_fetch_examinations(tx, all->items, all->count, &rows, f))
        return false;
    for (size_t i = 0; i < all->count; i++) {
        struct failure why = {0};
        all->readable[i] = application_open_examination(
            rows, i, all->role->city_key, &all->items[i], &all->examinations[i], &why);
        if (!all->readable[i])
            log_failure("application.unreadable", &why);
    }
    return true;
}

static bool judge(struct again *all, struct db_tx *tx, struct failure *f)
{
    struct protection_question questions[RECHECK_MOST];
    bool protected[RECHECK_MOST];
    for (size_t i = 0; i < all->count; i++)
        questions[i] = (struct protection_question){.atenabango = all->examinations[i].atenabango,
                                                    .record = all->examinations[i].record,
                                                    .facts = all->examinations[i].facts};
    if (!protection_check(tx, all->role->city_code, all->role->city_key, questions, all->count,
                          protected, f))
        return false;
    for (size_t i = 0; i < all->count; i++)
        all->asked[i].may_leave = all->readable[i] && (!protected[i] || all->released[i]);
    return true;
}

/* What has come to its end stays as it is: nobody gets it again. */
static bool put_before_people(struct again *all, struct db_tx *tx, struct failure *f)
{
    bool any = false;
    for (size_t i = 0; i < all->count; i++) {
        if (all->asked[i].may_leave || !all->moves[i])
            continue;
        any = true;
        if (!db_execute(
                tx, &leaving_again,
                DB_VALUES(db_text(all->items[i].city_code), db_text(all->items[i].application_id)),
                NULL, f))
            return false;
    }
    return !any || db_execute(tx, &leaving_wake, DB_NO_VALUES, NULL, f);
}

bool hand_over_recheck(struct db_tx *tx, const char *destination, struct recheck_item *items,
                       size_t count, void *context, struct failure *f)
{
    struct again *all = memory_allocate(sizeof *all);
    *all = (struct again){.role = context, .asked = items, .count = count};
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = lock_one(all, tx, i, destination, f);
    done = done && open_all(all, tx, f) && judge(all, tx, f) && put_before_people(all, tx, f);
    again_free(all);
    free(all);
    return done;
}
