/* The sandbox portal's journal, and the index that is made from it. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/portal_store_internal.h"

enum { LINE_MOST = 64 * 1024 /* bytes */ };

/* --- the index -------------------------------------------------------------------------------- */

struct portal_arrival *portal_index_find(const struct portal_store *store,
                                         const char *receipt_number)
{
    const json_t *place = json_object_get(store->index, receipt_number);
    return place ? store->arrivals[json_integer_value(place)] : NULL;
}

void portal_index_add(struct portal_store *store, const struct portal_arrival *arrival)
{
    if (store->count == store->capacity) {
        store->capacity = store->capacity ? store->capacity * 2 : 256;
        store->arrivals = memory_resize(store->arrivals, store->capacity * sizeof *store->arrivals);
    }
    struct portal_arrival *own = memory_allocate(sizeof *own);
    *own = *arrival;
    json_object_set_new(store->index, arrival->receipt_number,
                        json_integer((json_int_t)store->count));
    store->arrivals[store->count++] = own;
    struct portal_arrival *first = portal_index_find(store, arrival->corrects);
    if (first)
        memcpy(first->corrected_by, arrival->receipt_number, sizeof first->corrected_by);
}

void portal_index_withdraw(struct portal_store *store, struct portal_arrival *arrival,
                           const char *at)
{
    if (store->withdrawal_count == store->withdrawal_room) {
        store->withdrawal_room = store->withdrawal_room ? store->withdrawal_room * 2 : 64;
        store->withdrawals =
            memory_resize(store->withdrawals, store->withdrawal_room * sizeof *store->withdrawals);
    }
    store->withdrawals[store->withdrawal_count++] = arrival;
    snprintf(arrival->withdrawn_at, sizeof arrival->withdrawn_at, "%s", at);
    if (!portal_had(arrival, STATE_WITHDRAWN))
        portal_history_append(arrival, STATE_WITHDRAWN, at, NULL);
}

bool portal_had(const struct portal_arrival *arrival, enum portal_state state)
{
    for (size_t i = 0; i < arrival->history_count; i++)
        if (arrival->history[i].state == state)
            return true;
    return false;
}

enum portal_state portal_state_now(const struct portal_arrival *arrival)
{
    return arrival->history[arrival->history_count - 1].state;
}

void portal_history_append(struct portal_arrival *arrival, enum portal_state state, const char *at,
                           const char *message)
{
    size_t i = arrival->history_count++;
    arrival->history[i].message = message && *message ? text_copy(message) : NULL;
    arrival->history[i].state = state;
    snprintf(arrival->history[i].at, INSTANT_TEXT, "%s", at);
}

/* --- the journal ------------------------------------------------------------------------------ */

json_t *portal_arrival_line(const struct portal_arrival *a)
{
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "event", "arrival", "receipt_number",
        a->receipt_number, "city_code", a->city_code, "procedure_id", a->procedure_id,
        "form_version", a->form_version, "applied_at", a->applied_at, "size", (json_int_t)a->size,
        "sha256", a->sha256, "fault", a->fault_text, "at", a->history[0].at);
    if (a->corrects[0])
        json_object_set_new(line, "corrects", json_string(a->corrects));
    return line;
}

static bool copy_member(const json_t *line, const char *name, char *ret_text, size_t room)
{
    const char *text = json_string_value(json_object_get(line, name));
    if (!text || strlen(text) >= room)
        return false;
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static bool replay_arrival(struct portal_store *store, const json_t *line)
{
    struct portal_arrival a = {.size = json_integer_value(json_object_get(line, "size"))};
    char at[INSTANT_TEXT];
    if (!copy_member(line, "receipt_number", a.receipt_number, sizeof a.receipt_number) ||
        !copy_member(line, "city_code", a.city_code, sizeof a.city_code) ||
        !copy_member(line, "procedure_id", a.procedure_id, sizeof a.procedure_id) ||
        !copy_member(line, "form_version", a.form_version, sizeof a.form_version) ||
        !copy_member(line, "applied_at", a.applied_at, sizeof a.applied_at) ||
        !copy_member(line, "sha256", a.sha256, sizeof a.sha256) ||
        !copy_member(line, "fault", a.fault_text, sizeof a.fault_text) ||
        !copy_member(line, "at", at, sizeof at) || portal_index_find(store, a.receipt_number) ||
        (json_object_get(line, "corrects") &&
         !copy_member(line, "corrects", a.corrects, sizeof a.corrects)))
        return false;
    if (a.fault_text[0] && !portal_fault_parse(a.fault_text, &a.fault, &a.fault_times))
        return false;
    portal_history_append(&a, STATE_WAITING, at, NULL);
    portal_index_add(store, &a);
    return true;
}

static bool replay_status(struct portal_store *store, const json_t *line)
{
    char receipt_number[65], status[64], at[INSTANT_TEXT];
    enum portal_state state;
    if (!copy_member(line, "receipt_number", receipt_number, sizeof receipt_number) ||
        !copy_member(line, "status", status, sizeof status) ||
        !copy_member(line, "at", at, sizeof at) || !portal_state_parse(status, &state))
        return false;
    struct portal_arrival *arrival = portal_index_find(store, receipt_number);
    if (!arrival)
        return false;
    arrival->withdrawal_answered |= arrival->withdrawn_at[0] != '\0';
    if (portal_had(arrival, state))
        return arrival->withdrawn_at[0] && state == STATE_WITHDRAWN;
    portal_history_append(arrival, state, at, json_string_value(json_object_get(line, "message")));
    return true;
}

static bool replay_withdrawal(struct portal_store *store, const json_t *line)
{
    char receipt_number[65], at[INSTANT_TEXT];
    if (!copy_member(line, "receipt_number", receipt_number, sizeof receipt_number) ||
        !copy_member(line, "at", at, sizeof at))
        return false;
    struct portal_arrival *arrival = portal_index_find(store, receipt_number);
    if (!arrival || arrival->withdrawn_at[0])
        return false;
    portal_index_withdraw(store, arrival, at);
    return true;
}

static bool replay_line(struct portal_store *store, const char *text, size_t length)
{
    _cleanup_(cleanup_json) json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    if (event && strcmp(event, "arrival") == 0)
        return replay_arrival(store, line);
    if (event && strcmp(event, "withdrawal") == 0)
        return replay_withdrawal(store, line);
    return event && strcmp(event, "status") == 0 && replay_status(store, line);
}

/* What stands behind the last line feed was being written when the portal was killed: nobody was
 * told that it is safe, and it is cut off. */
bool portal_journal_replay(struct portal_store *store, const char *path, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT || failure_errno(f, "can't read %s", path);
    _cleanup_(cleanup_text) char *line = NULL;
    size_t room = 0, number = 0;
    off_t whole = 0;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0; whole += n) {
        if (line[n - 1] != '\n')
            break;
        number++;
        if (n > LINE_MOST || !replay_line(store, line, (size_t)n))
            return failure_set(f, FAILURE_INPUT, "%s, line %zu is damaged", path, number);
    }
    return truncate(path, whole) == 0 || failure_errno(f, "can't mend %s", path);
}

bool portal_write_all(int fd, struct bytes data)
{
    while (data.length > 0) {
        ssize_t n = write(fd, data.data, data.length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data.data += n;
        data.length -= (size_t)n;
    }
    return true;
}

void portal_journal_line(struct buffer *lines, json_t *stolen)
{
    _cleanup_(cleanup_json) json_t *line = stolen;
    _cleanup_(cleanup_text) char *text = json_dumps(line, JSON_COMPACT);
    buffer_append_text(lines, text ? text : "");
    buffer_append_text(lines, "\n");
}

/* A line that could not be written whole is taken back, or it would spoil the next. */
bool portal_journal_write(struct portal_store *store, const struct buffer *lines, struct failure *f)
{
    off_t before = lseek(store->journal, 0, SEEK_END);
    if (portal_write_all(store->journal, buffer_bytes(lines)) && fdatasync(store->journal) == 0)
        return true;
    failure_errno(f, "can't write the portal's journal");
    if (before < 0 || ftruncate(store->journal, before) != 0)
        abort(); /* the next start cuts it off */
    return false;
}
