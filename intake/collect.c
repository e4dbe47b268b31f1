#include "intake/collect.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/collect_internal.h"
#include "intake/package.h"

/* So many in a row without a single byte, and it is the portal, not the application. */
#define SILENT_MOST 3

static struct metric list_failures_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_portal_list_failures_total",
    .help = "Listings of a portal that failed.",
};

struct collector {
    struct role *role;
    struct pace pace;
    size_t package_most;
    struct channel *channels;
    size_t channel_count;
    instant since; /* 0: only what was not collected yet */
};

/* --- channels --------------------------------------------------------------------------------- */

static bool channels_open(struct collector *collector, struct failure *f)
{
    const struct config *config = collector->role->config;
    const struct config_group *group = NULL;
    while ((group = config_next(config, "channel", group))) {
        collector->channels = memory_resize(collector->channels, (collector->channel_count + 1) *
                                                                     sizeof(*collector->channels));
        struct channel *channel = &collector->channels[collector->channel_count];
        *channel = (struct channel){.name = config_name(group),
                                    .interval = config_duration(group, "interval")};
        if (!portal_open(config, channel->name, &channel->portal, f))
            return false;
        collector->channel_count++;
    }
    return collector->channel_count > 0 ||
           failure_set(f, FAILURE_USAGE,
                       "there is no portal to collect from: configure a [channel]");
}

bool collector_open(struct role *role, struct collector **ret_collector, struct failure *f)
{
    struct package_limits limits;
    package_limits_read(role->config, &limits);
    struct collector *collector = memory_allocate(sizeof(*collector));
    *collector = (struct collector){
        .role = role, .pace = pace_read(role->config), .package_most = limits.size};
    if (!channels_open(collector, f)) {
        collector_close(collector);
        return false;
    }
    *ret_collector = collector;
    return true;
}

void collector_close(struct collector *collector)
{
    for (size_t i = 0; i < collector->channel_count; i++)
        portal_close(collector->channels[i].portal);
    free(collector->channels);
    free(collector);
}

void collector_poll_now(struct collector *collector)
{
    for (size_t i = 0; i < collector->channel_count; i++)
        collector->channels[i].poll_at = collector->channels[i].down_till = 0;
}

void collector_since(struct collector *collector, instant since)
{
    collector->since = since;
    collector_poll_now(collector);
}

static struct channel *channel_find(struct collector *collector, const char *name)
{
    for (size_t i = 0; i < collector->channel_count; i++)
        if (!strcmp(collector->channels[i].name, name))
            return &collector->channels[i];
    return NULL;
}

static bool channel_down(const struct channel *channel)
{
    return channel->down_till > clock_monotonic();
}

static void channel_failed(struct collector *collector, struct channel *channel)
{
    instant wait = collector->pace.retry_least / 2 +
                   backoff(channel->failures, collector->pace.retry_least, channel->interval * 4);
    channel->failures++;
    channel->down_till = channel->poll_at = clock_monotonic() + wait;
}

static void channel_answered(struct channel *channel)
{
    channel->failures = 0;
    channel->down_till = 0;
}

/* --- (a) the lists ---------------------------------------------------------------------------- */

/* A portal that can't tell what was withdrawn still hands out applications. */
static bool withdrawals_step(struct collector *collector, struct channel *channel,
                             struct failure *f)
{
    struct failure why = {0};
    if (!config_boolean(config_find(collector->role->config, "channel", channel->name),
                        "withdrawals") ||
        channel_list_withdrawals(collector->role, channel, &why))
        return true;
    log_failure("portal.withdrawals", &why);
    if (why.kind == FAILURE_DATABASE)
        *f = why;
    return why.kind != FAILURE_DATABASE;
}

/* Neither what was taken back nor what is completed: that has come to its end. */
static bool list_channel(struct collector *collector, struct channel *channel, struct failure *f)
{
    static const char *const again[] = {"取得済", "処理中", "要訂正", "受付エラー"};
    if (!channel_list(collector->role, channel, PORTAL_NOT_COLLECTED, 0, f))
        return false;
    for (size_t i = 0; collector->since && i < sizeof again / sizeof again[0]; i++)
        if (!channel_list(collector->role, channel, again[i], collector->since, f))
            return false;
    return true;
}

/* A portal that is away does not keep the others waiting; with --once it is a failure. */
static bool lists_step(struct collector *collector, struct failure *f)
{
    for (size_t i = 0; i < collector->channel_count; i++) {
        struct channel *channel = &collector->channels[i];
        struct failure why = {0};
        if (channel->poll_at > clock_monotonic())
            continue;
        if (list_channel(collector, channel, &why)) {
            channel_answered(channel);
            channel->poll_at = clock_monotonic() + channel->interval;
            if (!withdrawals_step(collector, channel, f))
                return false;
            continue;
        }
        metric_add(&list_failures_total, NULL, 1);
        if (why.kind == FAILURE_DATABASE || collector->role->once) {
            *f = why;
            return false;
        }
        log_failure("portal.list", &why);
        channel_failed(collector, channel);
    }
    return true;
}

/* --- (b) the downloads ------------------------------------------------------------------------ */

struct batch {
    struct work_item items[WORK_BATCH_MOST];
    struct parcel parcels[WORK_BATCH_MOST];
    size_t count;
    size_t first, next; /* first not yet settled, next to download */
    size_t bytes;
    int64_t begun;
    unsigned silent; /* in a row */
};

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        buffer_erase_free(&batch->parcels[i].body);
}

static bool batch_settle(struct collector *collector, struct batch *batch, struct failure *f)
{
    if (!parcels_settle(collector->role, &collector->pace, &batch->parcels[batch->first],
                        batch->next - batch->first, f))
        return false;
    for (size_t i = batch->first; i < batch->next; i++)
        buffer_erase_free(&batch->parcels[i].body);
    batch->first = batch->next;
    batch->bytes = 0;
    batch->begun = clock_monotonic();
    return true;
}

static bool batch_full(const struct batch *batch)
{
    return batch->bytes >= PARCELS_BYTES_MOST ||
           clock_monotonic() - batch->begun >= PARCELS_TIME_MOST;
}

static void download_one(struct collector *collector, struct batch *batch)
{
    struct parcel *parcel = &batch->parcels[batch->next++];
    struct channel *channel = channel_find(collector, parcel->item->channel);
    if (!channel || channel_down(channel) || !parcel->promise_known) {
        parcel->outcome = OUTCOME_BROKEN;
        return;
    }
    parcel_download(parcel, channel->portal, collector->package_most);
    batch->bytes += parcel->body.length;
    batch->silent = parcel->silent ? batch->silent + 1 : 0;
    if (batch->silent >= SILENT_MOST) {
        log_warning("portal.silent", log_text("channel", channel->name));
        channel_failed(collector, channel);
    } else if (!parcel->silent) {
        channel_answered(channel);
    }
}

static bool all_down(const struct collector *collector)
{
    for (size_t i = 0; i < collector->channel_count; i++)
        if (!channel_down(&collector->channels[i]))
            return false;
    return true;
}

static bool batch_run(struct collector *collector, struct batch *batch, struct failure *f)
{
    batch->begun = clock_monotonic();
    int64_t lease_over = batch->begun + collector->pace.lease / 2;
    while (batch->next < batch->count && !process_stopping() && !all_down(collector) &&
           clock_monotonic() < lease_over) {
        download_one(collector, batch);
        if (batch_full(batch) && !batch_settle(collector, batch, f))
            return false;
    }
    return batch_settle(collector, batch, f);
}

/* What was not even asked for goes back unharmed; a database that is away lets the lease run out.
 */
static void batch_return(struct collector *collector, struct batch *batch)
{
    struct failure f = {0};
    if (!lease_release(collector->role->db, STAGE_COLLECT, &batch->items[batch->first],
                       batch->count - batch->first, &f))
        log_failure("lease.release", &f);
}

static enum work_result downloads_step(struct collector *collector, struct failure *f)
{
    _cleanup_(batch_free) struct batch batch = {0};
    if (all_down(collector))
        return WORK_IDLE;
    if (!work_claim(collector->role->db, collector->role->config, STAGE_COLLECT,
                    collector->pace.batch, batch.items, &batch.count, f))
        return WORK_FAILED;
    if (batch.count == 0)
        return WORK_IDLE;
    bool good = parcels_load(collector->role, batch.items, batch.count, batch.parcels, f) &&
                batch_run(collector, &batch, f);
    if (!good || batch.first < batch.count)
        batch_return(collector, &batch);
    return good ? WORK_DONE : WORK_FAILED;
}

enum work_result collect_step(void *context, struct failure *f)
{
    struct collector *collector = context;
    return lists_step(collector, f) ? downloads_step(collector, f) : WORK_FAILED;
}
