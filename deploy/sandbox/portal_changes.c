/* What becomes of applications at the sandbox portal: statuses by the city, withdrawals by
 * residents.
 */
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/portal_store_internal.h"

static bool state_ends(enum portal_state state)
{
    return state == STATE_REFUSED || state == STATE_COMPLETED || state == STATE_WITHDRAWN;
}

/* A state is news when the application never had it; what is withdrawn is not turned back, and the
 * first end that the city tells answers the withdrawal. */
static bool is_news(const struct portal_arrival *arrival, enum portal_state state)
{
    if (!arrival->withdrawn_at[0])
        return !portal_had(arrival, state);
    return state_ends(state) && !arrival->withdrawal_answered;
}

/* Under the lock. */
static void change(struct portal_store *store, struct portal_change *wanted, const char *now,
                   struct buffer *lines)
{
    struct portal_arrival *arrival = portal_index_find(store, wanted->receipt_number);
    wanted->known = arrival != NULL;
    wanted->added = arrival && is_news(arrival, wanted->state);
    if (!wanted->added)
        return;
    arrival->withdrawal_answered = arrival->withdrawn_at[0] != '\0';
    wanted->appended = !portal_had(arrival, wanted->state);
    if (wanted->appended)
        portal_history_append(arrival, wanted->state, now, wanted->message);
    portal_journal_line(lines, json_pack("{s:s, s:s, s:s, s:s, s:s*}", "event", "status",
                                         "receipt_number", wanted->receipt_number, "status",
                                         portal_state_name(wanted->state), "at", now, "message",
                                         wanted->message));
}

static void take_back(struct portal_store *store, struct portal_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct portal_arrival *arrival =
            changes[i].added ? portal_index_find(store, changes[i].receipt_number) : NULL;
        if (!arrival)
            continue;
        arrival->withdrawal_answered = false;
        if (changes[i].appended)
            free((char *)arrival->history[--arrival->history_count].message);
    }
}

bool portal_store_change(struct portal_store *store, struct portal_change *changes, size_t count,
                         struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer lines = {0};
    char now[INSTANT_TEXT];
    instant_text_jst(clock_now(), now);
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < count; i++)
        change(store, &changes[i], now, &lines);
    bool good = lines.length == 0 || portal_journal_write(store, &lines, f);
    if (!good)
        take_back(store, changes, count);
    pthread_mutex_unlock(&store->mutex);
    return good;
}

/* Under the lock. */
static enum portal_withdraw withdraw(struct portal_store *store, const char *receipt_number,
                                     struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer lines = {0};
    char now[INSTANT_TEXT];
    struct portal_arrival *arrival = portal_index_find(store, receipt_number);
    if (!arrival)
        return WITHDRAW_UNKNOWN;
    if (arrival->withdrawn_at[0])
        return WITHDRAW_DONE;
    if (state_ends(portal_state_now(arrival)) || arrival->corrected_by[0])
        return WITHDRAW_LATE;
    instant_text_jst(clock_now(), now);
    portal_journal_line(&lines, json_pack("{s:s, s:s, s:s}", "event", "withdrawal",
                                          "receipt_number", receipt_number, "at", now));
    if (!portal_journal_write(store, &lines, f))
        return WITHDRAW_FAILED;
    portal_index_withdraw(store, arrival, now);
    return WITHDRAW_DONE;
}

enum portal_withdraw portal_store_withdraw(struct portal_store *store, const char *receipt_number,
                                           struct failure *f)
{
    pthread_mutex_lock(&store->mutex);
    enum portal_withdraw done = withdraw(store, receipt_number, f);
    pthread_mutex_unlock(&store->mutex);
    return done;
}

size_t portal_store_withdrawals(struct portal_store *store, const char *city_code, size_t from,
                                size_t most, struct portal_arrival *ret_arrivals, size_t *ret_next)
{
    size_t count = 0;
    *ret_next = 0;
    pthread_mutex_lock(&store->mutex);
    for (size_t i = from; i < store->withdrawal_count; i++) {
        const struct portal_arrival *arrival = store->withdrawals[i];
        if (arrival->withdrawal_answered || strcmp(arrival->city_code, city_code) != 0)
            continue;
        if (count == most) {
            *ret_next = i;
            break;
        }
        ret_arrivals[count++] = *arrival;
    }
    pthread_mutex_unlock(&store->mutex);
    return count;
}
