#include "routing/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "routing/message.h"
#include "routing/outbox.h"

#define REPORT_BATCH_MOST 500
#define SINGLY_MOST       8

static const struct config_key report_keys[] = {
    {.name = "interval",
     .type = CONFIG_DURATION,
     .initial = "10s",
     .least = INSTANT_SECOND / 10,
     .most = 3600 * INSTANT_SECOND,
     .help = "Between two looks when no wake-up comes."},
    {.name = "batch",
     .type = CONFIG_NUMBER,
     .initial = "100",
     .least = 1,
     .most = REPORT_BATCH_MOST,
     .help = "Statuses that one call registers."},
    {.name = "retry-least",
     .type = CONFIG_DURATION,
     .initial = "2s",
     .least = INSTANT_SECOND / 10,
     .most = 3600 * INSTANT_SECOND,
     .help = "The first wait after a status was not taken; doubles each time."},
    {.name = "retry-most",
     .type = CONFIG_DURATION,
     .initial = "10min",
     .least = INSTANT_SECOND,
     .most = INSTANT_DAY,
     .help = "The longest wait between two tries of one status."},
};

const struct config_section report_config_section = {
    .name = "report",
    .help = "How statuses go back to the portal.",
    .keys = report_keys,
    .key_count = sizeof report_keys / sizeof report_keys[0],
};

static struct metric statuses_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_statuses_total",
    .help = "Statuses offered to the portal, by whether it took them.",
    .label_name = "result",
};

struct batch {
    const struct report_context *context;
    struct outbox_row rows[REPORT_BATCH_MOST];
    struct buffer messages[REPORT_BATCH_MOST]; /* what the resident reads with it; personal */
    bool done[REPORT_BATCH_MOST];
    size_t most, count;
    const char *error;  /* why those that are not done are not; NULL: the portal refused them */
    bool portal_failed; /* the call as a whole */
};

/* When the portal refuses one status, that one waits, the longer the more often it was refused. */
static bool defer_one(struct db_tx *tx, const struct batch *b, const struct outbox_row *row,
                      const char *error, struct failure *f)
{
    const struct config_group *group = config_group(b->context->config, "report");
    instant least = config_duration(group, "retry-least"),
            most = config_duration(group, "retry-most");
    instant later = least + backoff((unsigned)row->attempts, least, most);
    return outbox_defer(tx, b->context->city_code, OUTBOX_PORTAL, &row->outbox_id, 1, error,
                        clock_now() + later, f);
}

/* Takes the row into the batch, with what the resident reads with it. One that can't be read stops
 * no other. */
static bool take_row(struct db_tx *tx, struct batch *b, const struct outbox_row *row,
                     struct failure *f)
{
    struct failure why = {0};
    struct buffer *message = &b->messages[b->count];
    buffer_clear(message);
    if (!row->message_id || message_read(tx, b->context->city_key, b->context->city_code,
                                         row->application_id, row->message_id, message, &why)) {
        b->rows[b->count++] = *row;
        return true;
    }
    if (why.kind != FAILURE_INPUT) {
        *f = why;
        return false;
    }
    log_failure("message.unreadable", &why);
    return defer_one(tx, b, row, "its message for the resident can't be read", f);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct batch *b = context;
    const struct outbox_query query = {.city_code = b->context->city_code,
                                       .destination = OUTBOX_PORTAL,
                                       .channel = b->context->channel};
    size_t listed;
    if (!outbox_list(tx, &query, b->rows, b->most, &listed, f))
        return false;
    b->count = 0;
    for (size_t i = 0; i < listed; i++) {
        const struct outbox_row row = b->rows[i];
        if (!take_row(tx, b, &row, f))
            return false;
    }
    return true;
}

static struct portal_status status_of(struct batch *b, size_t i)
{
    const char *message = b->messages[i].length ? buffer_text(&b->messages[i]) : NULL;
    return (struct portal_status){b->rows[i].receipt_number, b->rows[i].status, message};
}

static bool offer(struct batch *b, struct failure *f)
{
    struct portal_status statuses[REPORT_BATCH_MOST];
    for (size_t i = 0; i < b->count; i++)
        statuses[i] = status_of(b, i);
    return portal_register(b->context->portal, statuses, b->count, b->done, f);
}

/* A portal that answers with an error may mean a single one of them: asked for one by one, the
 * others go through. Only the first few at a time, lest a broken portal be flooded; the rest stays
 * as it is. False, with *f, when it took none. */
static bool offer_singly(struct batch *b, struct failure *f)
{
    size_t taken = 0, tried = 0;
    for (bool answers = true; answers && tried < b->count && tried < SINGLY_MOST; tried++) {
        const struct portal_status status = status_of(b, tried);
        struct failure why = {0};
        b->done[tried] = false;
        if (!portal_register(b->context->portal, &status, 1, &b->done[tried], &why)) {
            answers = why.kind == FAILURE_PEER;
            *f = why;
        }
        taken += b->done[tried];
    }
    b->count = tried;
    return taken > 0;
}

static bool audit(struct db_tx *tx, const struct batch *b, struct failure *f)
{
    struct audit_entry entries[REPORT_BATCH_MOST];
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->done[i])
            continue;
        entries[count++] = (struct audit_entry){.action = "status.reported",
                                                .actor = "role:report",
                                                .city_code = b->context->city_code,
                                                .application_id = b->rows[i].application_id,
                                                .reason = b->rows[i].status};
    }
    return count == 0 || audit_append(tx, "report", entries, count, f);
}

static size_t ids_of(const struct batch *b, bool done, int64_t ids[REPORT_BATCH_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->done[i] == done)
            ids[count++] = b->rows[i].outbox_id;
    return count;
}

/* When the portal as a whole fails, the loop backs off, and all stay due. */
static bool defer(struct db_tx *tx, const struct batch *b, struct failure *f)
{
    for (size_t i = 0; i < b->count; i++)
        if (!b->done[i] && !defer_one(tx, b, &b->rows[i], "the portal did not take the status", f))
            return false;
    return true;
}

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct batch *b = context;
    int64_t ids[REPORT_BATCH_MOST];
    size_t count = ids_of(b, false, ids);
    if (b->portal_failed && !outbox_defer(tx, b->context->city_code, OUTBOX_PORTAL, ids, count,
                                          b->error, clock_now(), f))
        return false;
    if (!b->portal_failed && !defer(tx, b, f))
        return false;
    count = ids_of(b, true, ids);
    if (count && !outbox_deliver(tx, b->context->city_code, OUTBOX_PORTAL, ids, count, f))
        return false;
    return audit(tx, b, f);
}

static void count_results(const struct batch *b)
{
    int64_t ids[REPORT_BATCH_MOST];
    size_t taken = ids_of(b, true, ids);
    metric_add(&statuses_metric, "taken", (int64_t)taken);
    metric_add(&statuses_metric, "not-taken", (int64_t)(b->count - taken));
    if (taken < b->count && !b->portal_failed)
        log_warning("status.refused", log_text("channel", b->context->channel),
                    log_number("count", (int64_t)(b->count - taken)));
}

static enum work_result run(struct batch *b, struct failure *f)
{
    if (!db_transaction(b->context->db, list_work, b, f))
        return WORK_FAILED;
    if (b->count == 0)
        return WORK_IDLE;
    struct failure why = {0};
    b->portal_failed = !offer(b, &why);
    bool singly = b->portal_failed && why.kind == FAILURE_PEER && b->count > 1;
    if (singly)
        b->portal_failed = false;
    bool failed = singly ? !offer_singly(b, &why) : b->portal_failed;
    b->error = why.text;
    if (!db_transaction(b->context->db, note_work, b, f))
        return WORK_FAILED;
    count_results(b);
    if (!failed)
        return WORK_DONE;
    *f = why;
    return WORK_FAILED;
}

enum work_result report_step(void *context, struct failure *f)
{
    const struct report_context *report = context;
    struct batch *b = memory_allocate(sizeof *b);
    b->context = report;
    b->most = (size_t)config_number(config_group(report->config, "report"), "batch");
    enum work_result result = run(b, f);
    for (size_t i = 0; i < REPORT_BATCH_MOST; i++)
        buffer_erase_free(&b->messages[i]);
    free(b);
    return result;
}
