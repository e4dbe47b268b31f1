#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/portal_store_internal.h"

/* --- packages --------------------------------------------------------------------------------- */

static char *package_path(const struct portal_store *store, const char *receipt_number)
{
    return text_format("%s/packages/%s.zip", store->folder, receipt_number);
}

static bool sync_folder(const struct portal_store *store)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/packages", store->folder);
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static bool write_package(struct portal_store *store, const char *receipt_number,
                          struct bytes package, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = package_path(store, receipt_number);
    _cleanup_(cleanup_text) char *new = text_format("%s.new", path);
    _cleanup_(cleanup_fd) int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && portal_write_all(fd, package) && fsync(fd) == 0 && rename(new, path) == 0 &&
        sync_folder(store))
        return true;
    failure_errno(f, "can't write %s", path);
    unlink(new);
    return false;
}

bool portal_store_read(struct portal_store *store, const struct portal_arrival *arrival,
                       struct buffer *ret_package, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = package_path(store, arrival->receipt_number);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "can't read %s", path);
    size_t size = (size_t)arrival->size;
    size_t got = fread(buffer_reserve(ret_package, size + 1), 1, size, file);
    buffer_commit(ret_package, got);
    return got == size || failure_set(f, FAILURE_SYSTEM, "%s is too short", path);
}

/* --- open ------------------------------------------------------------------------------------- */

static bool make_folder(const char *path, struct failure *f)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST || failure_errno(f, "can't make %s", path);
}

bool portal_store_open(const char *folder, struct portal_store **ret_store, struct failure *f)
{
    _cleanup_(cleanup_text) char *packages = text_format("%s/packages", folder);
    _cleanup_(cleanup_text) char *journal = text_format("%s/journal.jsonl", folder);
    if (!make_folder(folder, f) || !make_folder(packages, f))
        return false;
    struct portal_store *store = memory_allocate(sizeof *store);
    pthread_mutex_init(&store->putting, NULL);
    pthread_mutex_init(&store->mutex, NULL);
    store->folder = text_copy(folder);
    store->index = json_object();
    store->journal = -1;
    bool good = portal_journal_replay(store, journal, f);
    if (good) {
        store->journal = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        good = store->journal >= 0 || failure_errno(f, "can't write %s", journal);
    }
    if (good)
        *ret_store = store;
    else
        portal_store_close(store);
    return good;
}

void portal_store_close(struct portal_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->count; i++) {
        for (size_t k = 0; k < store->arrivals[i]->history_count; k++)
            free((char *)store->arrivals[i]->history[k].message);
        free(store->arrivals[i]);
    }
    free(store->arrivals);
    free(store->withdrawals);
    json_decref(store->index);
    if (store->journal >= 0)
        close(store->journal);
    pthread_mutex_destroy(&store->putting);
    pthread_mutex_destroy(&store->mutex);
    free(store->folder);
    free(store);
}

/* --- what the two sides do -------------------------------------------------------------------- */

static bool same(const struct portal_arrival *a, const struct portal_arrival *b)
{
    return strcmp(a->sha256, b->sha256) == 0 && strcmp(a->corrects, b->corrects) == 0 &&
           strcmp(a->city_code, b->city_code) == 0 &&
           strcmp(a->procedure_id, b->procedure_id) == 0 &&
           strcmp(a->form_version, b->form_version) == 0;
}

static enum portal_put compare(struct portal_store *store, const struct portal_arrival *arrival)
{
    pthread_mutex_lock(&store->mutex);
    const struct portal_arrival *old = portal_index_find(store, arrival->receipt_number);
    enum portal_put put = !old ? PUT_NEW : same(old, arrival) ? PUT_SAME : PUT_OTHER;
    pthread_mutex_unlock(&store->mutex);
    return put;
}

static enum portal_put put_new(struct portal_store *store, const struct portal_arrival *arrival,
                               struct bytes package, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer lines = {0};
    if (!write_package(store, arrival->receipt_number, package, f))
        return PUT_FAILED;
    portal_journal_line(&lines, portal_arrival_line(arrival));
    pthread_mutex_lock(&store->mutex);
    bool good = portal_journal_write(store, &lines, f);
    if (good)
        portal_index_add(store, arrival);
    pthread_mutex_unlock(&store->mutex);
    return good ? PUT_NEW : PUT_FAILED;
}

enum portal_put portal_store_put(struct portal_store *store, struct portal_arrival *arrival,
                                 struct bytes package, struct failure *f)
{
    char now[INSTANT_TEXT];
    arrival->size = (int64_t)package.length;
    sha256_hex(package, arrival->sha256);
    arrival->history_count = 0;
    portal_history_append(arrival, STATE_WAITING, instant_text_jst(clock_now(), now), NULL);
    pthread_mutex_lock(&store->putting);
    enum portal_put put = compare(store, arrival);
    if (put == PUT_NEW)
        put = put_new(store, arrival, package, f);
    pthread_mutex_unlock(&store->putting);
    return put;
}

bool portal_store_find(struct portal_store *store, const char *receipt_number,
                       struct portal_arrival *ret_arrival)
{
    pthread_mutex_lock(&store->mutex);
    const struct portal_arrival *arrival = portal_index_find(store, receipt_number);
    if (arrival)
        *ret_arrival = *arrival;
    pthread_mutex_unlock(&store->mutex);
    return arrival != NULL;
}

enum portal_fault portal_store_fault(struct portal_store *store, const char *receipt_number)
{
    enum portal_fault fault = FAULT_NONE;
    pthread_mutex_lock(&store->mutex);
    struct portal_arrival *arrival = portal_index_find(store, receipt_number);
    if (arrival && arrival->fault_times != 0)
        fault = arrival->fault;
    if (arrival && arrival->fault_times > 0)
        arrival->fault_times--;
    pthread_mutex_unlock(&store->mutex);
    return fault;
}

/* Withdrawn before the city collected it, which has not said yet that it knows. */
static bool withdrawn_unseen(const struct portal_arrival *a)
{
    return portal_state_now(a) == STATE_WITHDRAWN && a->history_count == 2 &&
           !a->withdrawal_answered;
}

static bool matches(const struct portal_arrival *a, const char *city_code, enum portal_state state)
{
    return (!city_code || strcmp(a->city_code, city_code) == 0) &&
           (state == STATE_COUNT || portal_state_now(a) == state ||
            (state == STATE_WAITING && withdrawn_unseen(a)));
}

size_t portal_store_list(struct portal_store *store, const char *city_code, enum portal_state state,
                         size_t from, size_t most, struct portal_arrival *ret_arrivals,
                         size_t *ret_next)
{
    size_t count = 0;
    *ret_next = 0;
    pthread_mutex_lock(&store->mutex);
    for (size_t i = from; i < store->count; i++) {
        if (!matches(store->arrivals[i], city_code, state))
            continue;
        if (count == most) {
            *ret_next = i;
            break;
        }
        ret_arrivals[count++] = *store->arrivals[i];
    }
    pthread_mutex_unlock(&store->mutex);
    return count;
}
