#include "intake/identify/role.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/application.h"
#include "intake/decide.h"
#include "intake/identify/batch.h"
#include "intake/lease.h"
#include "intake/registry/change.h"
#include "intake/registry/links.h"

#define ACTOR           "role:identify"
#define CHANGES_AT_ONCE 1000

static const struct config_key identify_keys[] = {
    {"wait-for-serial", CONFIG_DURATION, "7d", 0, 90 * INSTANT_DAY,
     .help = "How long after its submission an application whose serial number no feed knows waits "
             "for one that does; then the four facts propose a resident to staff."},
    {"links-age", CONFIG_DURATION, "0s", 0, 366 * INSTANT_DAY,
     .help = "Of serial links whose newest feed (its as-of, of each source) is older, none decides "
             "by itself whose application it is: it waits (links-old) until a feed comes. 0s: "
             "links of any age decide."},
    {"residents", CONFIG_BOOLEAN, "yes",
     .help = "Whether the registry sends residents. `no`: it sends serial links only, so that "
             "neither 支援措置 nor 除票 is seen here, and nobody is proposed to staff."},
};
const struct config_section identify_config_section = {
    "identify", .help = "Finding whose application it is.", .keys = identify_keys,
    .key_count = sizeof identify_keys / sizeof *identify_keys};

static struct metric identifications_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_identifications_total",
    .help = "Identifications, by result: how it was found, or why not.",
    .label_name = "result",
};

static const struct db_statement reason_find = {
    "identify_reason", "SELECT coalesce(reason, '') FROM application"
                       " WHERE city_code = $1 AND application_id = $2::uuid"};

/* Of whom staff said: not this one. */
static const struct db_statement taken_back_find = {
    "identify_taken_back", "SELECT application_id, atenabango FROM identification_back"
                           " WHERE city_code = $1 AND application_id = ANY ($2::uuid[])"};

struct batch {
    struct role *role;
    struct pace pace;
    bool links_old;
    struct work_item items[WORK_BATCH_MOST];
    size_t count;
    struct stored_examination stored[WORK_BATCH_MOST];
    bool opened[WORK_BATCH_MOST];
    struct subject *subjects; /* of those opened, in the order of items */
    size_t subject_count;
    struct fetched fetched;
    const char *results[WORK_BATCH_MOST]; /* for log and metrics; literals */
    struct decision *decided[WORK_BATCH_MOST];
    struct decision decisions[WORK_BATCH_MOST];
    size_t decision_count;
};

static instant wait_for_serial(const struct config *config)
{
    return config_duration(config_group(config, "identify"), "wait-for-serial");
}

/* --- one application -------------------------------------------------------------------------- */

static struct decision *decision_add(struct batch *batch, const struct work_item *item,
                                     enum state to)
{
    struct decision *decision = &batch->decisions[batch->decision_count++];
    *decision = (struct decision){
        .city_code = item->city_code,
        .application_id = item->application_id,
        .from = item->state,
        .to = to,
        .version = item->version,
        .actor = ACTOR,
    };
    return decision;
}

/* Unmatched as before, and for the same reason: that is no event, only the next try. */
static bool unmatched_already(struct db_tx *tx, const struct work_item *item, const char *reason,
                              bool *ret_already, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    *ret_already = false;
    if (item->state != STATE_UNMATCHED)
        return true;
    if (!db_query(tx, &reason_find,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    *ret_already = db_row_count(rows) == 1 && !strcmp(db_get_text(rows, 0, 0), reason);
    return true;
}

/* The next look, which is no later than the end of the wait for a serial number. */
static instant look_again_at(const struct batch *batch, const struct subject *subject)
{
    instant now = clock_now(), due_at = now + batch->pace.retry_unmatched;
    instant waited_at = subject->applied_at + wait_for_serial(batch->role->config);
    return waited_at > now && waited_at < due_at ? waited_at : due_at;
}

static bool leave_unmatched(struct batch *batch, struct db_tx *tx, const struct work_item *item,
                            const struct subject *subject, struct failure *f)
{
    instant due_at = look_again_at(batch, subject);
    const char *reason = subject->found.reason;
    bool already;
    if (!unmatched_already(tx, item, reason, &already, f))
        return false;
    if (already)
        return lease_defer(tx, STAGE_IDENTIFY, item, true, due_at, reason, NULL, f);
    struct decision *decision = decision_add(batch, item, STATE_UNMATCHED);
    decision->reason = reason;
    decision->next = STAGE_IDENTIFY;
    decision->due_at = due_at;
    return true;
}

static bool by_agent(const json_t *report)
{
    const char *role = json_string_value(
        json_object_get(json_object_get(report, "application"), "applicant_role"));
    return !role || strcmp(role, "self") != 0;
}

/* The subject is large, and zeroed already. */
static void subject_make(const struct batch *batch, size_t index, struct subject *subject)
{
    const struct stored_examination *stored = &batch->stored[index];
    const struct config *config = batch->role->config;
    subject->ca = stored->ca;
    subject->serial = stored->serial;
    subject->facts = stored->facts;
    subject->record = stored->record;
    subject->by_agent = by_agent(stored->report);
    subject->applied_at = stored->applied_at;
    subject->waited = clock_now() >= stored->applied_at + wait_for_serial(config);
    subject->links_old = batch->links_old;
    subject->links_only = !config_boolean(config_group(config, "identify"), "residents");
}

static bool settle(struct batch *batch, struct db_tx *tx, size_t index,
                   const struct subject *subject, struct failure *f)
{
    const struct work_item *item = &batch->items[index];
    const struct identification *found = &subject->found;
    batch->results[index] = found->identified ? "serial" : found->reason;
    if (!found->identified)
        return leave_unmatched(batch, tx, item, subject, f);
    batch->decided[index] = decision_add(batch, item, STATE_IDENTIFIED);
    batch->decided[index]->next = STAGE_ROUTE;
    return true;
}

/* Only the worker whose decision stands may write whose application it is: another may have handed
 * it over already. What stays unmatched has new candidates at most, whoever writes them. */
static bool found_store(struct batch *batch, struct db_tx *tx, size_t index,
                        const struct subject *subject, struct failure *f)
{
    const struct work_item *item = &batch->items[index];
    const struct decision *decision = batch->decided[index];
    if (decision && !decision->moved)
        return true;
    _cleanup_(cleanup_json) json_t *detail = identification_json(&subject->input, &subject->found);
    return application_store_decision(tx, batch->role->city_key, item, &batch->stored[index].key,
                                      detail, f) &&
           (!subject->found.identified ||
            application_store_atenabango(tx, item, subject->found.atenabango, "serial", f));
}

/* What can't be read is our trouble, not the application's: it stays, and the others go on. */
static bool set_aside(struct batch *batch, struct db_tx *tx, size_t index,
                      const struct failure *why, struct failure *f)
{
    const struct work_item *item = &batch->items[index];
    log_error("application.unreadable", log_text("receipt_number", item->receipt_number),
              log_text("text", why->text));
    batch->results[index] = "unreadable";
    return lease_defer(tx, STAGE_IDENTIFY, item, false, pace_retry_at(&batch->pace, item->attempts),
                       "unreadable", NULL, f);
}

/* --- what staff took back ----------------------------------------------------------------------
 */

static void take_back(struct batch *batch, size_t first, size_t count, const char *application_id,
                      const char *atenabango)
{
    size_t n = 0;
    for (size_t i = first; i < first + count; i++) {
        struct identification *found = batch->opened[i] ? &batch->subjects[n++].found : NULL;
        if (found && found->identified && !strcmp(batch->items[i].application_id, application_id) &&
            !strcmp(found->atenabango, atenabango)) {
            found->identified = false;
            found->reason = "identification-undone";
        }
    }
}

/* What was taken back is unmatched since: of all others nobody need be asked. */
static bool heed_people(struct batch *batch, struct db_tx *tx, size_t first, size_t count,
                        struct failure *f)
{
    const char *ids[WORK_BATCH_MOST];
    size_t asked = 0;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    for (size_t i = first; i < first + count; i++)
        if (batch->items[i].state == STATE_UNMATCHED)
            ids[asked++] = batch->items[i].application_id;
    if (!asked)
        return true;
    if (!db_query(tx, &taken_back_find,
                  DB_VALUES(db_text(batch->role->city_code), db_texts(ids, asked)), &rows, f))
        return false;
    for (size_t row = 0; row < db_row_count(rows); row++)
        take_back(batch, first, count, db_get_text(rows, row, 0), db_get_text(rows, row, 1));
    return true;
}

/* --- the batch -------------------------------------------------------------------------------- */

static void batch_close(struct batch *batch)
{
    subjects_clear(batch->subjects, batch->subject_count);
    free(batch->subjects);
    batch->subjects = NULL;
    batch->subject_count = 0;
    fetched_free(&batch->fetched);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->opened[i])
            stored_examination_free(&batch->stored[i]);
    memset(batch->opened, 0, sizeof batch->opened);
}

static bool links_judge(struct batch *batch, struct db_tx *tx, struct failure *f)
{
    instant as_of = 0;
    instant most = config_duration(config_group(batch->role->config, "identify"), "links-age");
    if (most && !registry_links_as_of(tx, batch->role->city_code, &as_of, f))
        return false;
    batch->links_old = most && clock_now() - as_of > most;
    return true;
}

/* Opens what can be opened, sets aside what can't. */
static bool batch_open(struct batch *batch, struct db_tx *tx, size_t first, size_t count,
                       struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    batch_close(batch);
    if (!application_fetch_examinations(tx, &batch->items[first], count, &rows, f))
        return false;
    batch->subjects = memory_allocate(count * sizeof *batch->subjects);
    for (size_t row = 0; row < count; row++) {
        size_t i = first + row;
        struct failure why = {0};
        batch->decided[i] = NULL;
        batch->opened[i] = application_open_examination(rows, row, batch->role->city_key,
                                                        &batch->items[i], &batch->stored[i], &why);
        if (batch->opened[i])
            subject_make(batch, i, &batch->subjects[batch->subject_count++]);
        else if (!set_aside(batch, tx, i, &why, f))
            return false;
    }
    return true;
}

typedef bool subject_work(struct batch *batch, struct db_tx *tx, size_t index,
                          const struct subject *subject, struct failure *f);

static bool for_each_subject(struct batch *batch, struct db_tx *tx, size_t first, size_t count,
                             subject_work *work, struct failure *f)
{
    size_t n = 0;
    for (size_t i = first; i < first + count; i++)
        if (batch->opened[i] && !work(batch, tx, i, &batch->subjects[n++], f))
            return false;
    return true;
}

static bool batch_work(struct db_tx *tx, void *context, size_t first, size_t count,
                       struct failure *f)
{
    struct batch *batch = context;
    const struct role *role = batch->role;
    batch->decision_count = 0;
    return registry_hold(tx, role->city_code, f) && links_judge(batch, tx, f) &&
           batch_open(batch, tx, first, count, f) &&
           subjects_identify(tx, role->city_code, role->city_key, batch->subjects,
                             batch->subject_count, &batch->fetched, f) &&
           heed_people(batch, tx, first, count, f) &&
           for_each_subject(batch, tx, first, count, settle, f) &&
           decide(tx, role->config, role->name, batch->decisions, batch->decision_count, f) &&
           for_each_subject(batch, tx, first, count, found_store, f);
}

static void batch_log(const struct batch *batch)
{
    int64_t identified = 0;
    for (size_t i = 0; i < batch->count; i++) {
        metric_add(&identifications_total, batch->results[i], 1);
        identified += !strcmp(batch->results[i], "serial");
        log_debug("application.identified",
                  log_text("receipt_number", batch->items[i].receipt_number),
                  log_text("result", batch->results[i]));
    }
    log_info("applications.identified", log_number("identified", identified),
             log_number("unmatched", (int64_t)batch->count - identified));
}

/* --- what imports changed --------------------------------------------------------------------- */

/* Whatever a feed changed may matter to any of the unmatched: they are few, so all are looked at.
 */
static const struct db_statement unmatched_wake = {
    "identify_unmatched_wake",
    "UPDATE work SET due_at = $2 FROM application AS a"
    " WHERE a.city_code = work.city_code AND a.application_id = work.application_id"
    " AND work.city_code = $1 AND work.stage = 'identify' AND a.state = 'unmatched'"};

static bool wake_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct role *role = context;
    struct registry_change changes[CHANGES_AT_ONCE];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    size_t count = 0;
    return registry_changes_take(tx, role->city_code, CHANGES_AT_ONCE, changes, &count, &rows, f) &&
           (count == 0 ||
            db_execute(tx, &unmatched_wake,
                       DB_VALUES(db_text(role->city_code), db_instant(clock_now())), NULL, f));
}

enum work_result identify_step(void *context, struct failure *f)
{
    struct role *role = context;
    _cleanup_(batch_close) struct batch batch = {.role = role, .pace = pace_read(role->config)};
    if (!db_transaction(role->db, wake_work, role, f) ||
        !work_claim(role->db, role->config, STAGE_IDENTIFY, batch.pace.batch, batch.items,
                    &batch.count, f))
        return WORK_FAILED;
    if (batch.count == 0)
        return WORK_IDLE;
    if (!lease_settle(role->db, STAGE_IDENTIFY, &batch.pace, batch.items, batch.count, batch_work,
                      &batch, f))
        return WORK_FAILED;
    batch_log(&batch);
    return WORK_DONE;
}
