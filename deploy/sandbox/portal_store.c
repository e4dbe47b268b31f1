#include "deploy/sandbox/portal_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { LINE_MOST = 64 * 1024 /* bytes */ };

struct portal_store {
    char *folder;
    int journal;             /* opened for appending */
    pthread_mutex_t putting; /* one arrival at a time, without holding up the city's side */
    pthread_mutex_t mutex;
    struct portal_arrival **arrivals; /* in the order of arrival */
    size_t count, capacity;
    json_t *index; /* receipt number → place in `arrivals` */
};

/* --- the index -------------------------------------------------------------------------------- */

static struct portal_arrival *find(const struct portal_store *store, const char *receipt_number)
{
    const json_t *place = json_object_get(store->index, receipt_number);
    return place ? store->arrivals[json_integer_value(place)] : NULL;
}

static void add(struct portal_store *store, const struct portal_arrival *arrival)
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
}

static bool had(const struct portal_arrival *arrival, enum portal_state state)
{
    for (size_t i = 0; i < arrival->history_count; i++)
        if (arrival->history[i].state == state)
            return true;
    return false;
}

static void append_history(struct portal_arrival *arrival, enum portal_state state, const char *at)
{
    size_t i = arrival->history_count++;
    arrival->history[i].state = state;
    snprintf(arrival->history[i].at, INSTANT_TEXT, "%s", at);
}

/* --- the journal ------------------------------------------------------------------------------ */

static json_t *arrival_line(const struct portal_arrival *a)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "event", "arrival",
                     "receipt_number", a->receipt_number, "city_code", a->city_code, "procedure_id",
                     a->procedure_id, "form_version", a->form_version, "applied_at", a->applied_at,
                     "size", (json_int_t)a->size, "sha256", a->sha256, "fault", a->fault_text, "at",
                     a->history[0].at);
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
        !copy_member(line, "at", at, sizeof at) || find(store, a.receipt_number))
        return false;
    if (a.fault_text[0] && !portal_fault_parse(a.fault_text, &a.fault, &a.fault_times))
        return false;
    append_history(&a, STATE_WAITING, at);
    add(store, &a);
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
    struct portal_arrival *arrival = find(store, receipt_number);
    if (!arrival || had(arrival, state))
        return false;
    append_history(arrival, state, at);
    return true;
}

static bool replay_line(struct portal_store *store, const char *text, size_t length)
{
    _cleanup_(cleanup_json) json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    if (event && strcmp(event, "arrival") == 0)
        return replay_arrival(store, line);
    return event && strcmp(event, "status") == 0 && replay_status(store, line);
}

/* What stands behind the last line feed was being written when the portal was killed: nobody was
 * told that it is safe, and it is cut off. */
static bool replay(struct portal_store *store, const char *path, struct failure *f)
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

static bool write_all(int fd, struct bytes data)
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

static void add_line(struct buffer *lines, json_t *stolen)
{
    _cleanup_(cleanup_json) json_t *line = stolen;
    _cleanup_(cleanup_text) char *text = json_dumps(line, JSON_COMPACT);
    buffer_append_text(lines, text ? text : "");
    buffer_append_text(lines, "\n");
}

/* A line that could not be written whole is taken back, or it would spoil the next. */
static bool journal_write(struct portal_store *store, const struct buffer *lines, struct failure *f)
{
    off_t before = lseek(store->journal, 0, SEEK_END);
    if (write_all(store->journal, buffer_bytes(lines)) && fdatasync(store->journal) == 0)
        return true;
    failure_errno(f, "can't write the portal's journal");
    if (before < 0 || ftruncate(store->journal, before) != 0)
        abort(); /* the next start cuts it off */
    return false;
}

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
    if (fd >= 0 && write_all(fd, package) && fsync(fd) == 0 && rename(new, path) == 0 &&
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
    bool good = replay(store, journal, f);
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
    for (size_t i = 0; i < store->count; i++)
        free(store->arrivals[i]);
    free(store->arrivals);
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
    return strcmp(a->sha256, b->sha256) == 0 && strcmp(a->city_code, b->city_code) == 0 &&
           strcmp(a->procedure_id, b->procedure_id) == 0 &&
           strcmp(a->form_version, b->form_version) == 0;
}

static enum portal_put compare(struct portal_store *store, const struct portal_arrival *arrival)
{
    pthread_mutex_lock(&store->mutex);
    const struct portal_arrival *old = find(store, arrival->receipt_number);
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
    add_line(&lines, arrival_line(arrival));
    pthread_mutex_lock(&store->mutex);
    bool good = journal_write(store, &lines, f);
    if (good)
        add(store, arrival);
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
    append_history(arrival, STATE_WAITING, instant_text_jst(clock_now(), now));
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
    const struct portal_arrival *arrival = find(store, receipt_number);
    if (arrival)
        *ret_arrival = *arrival;
    pthread_mutex_unlock(&store->mutex);
    return arrival != NULL;
}

enum portal_fault portal_store_fault(struct portal_store *store, const char *receipt_number)
{
    enum portal_fault fault = FAULT_NONE;
    pthread_mutex_lock(&store->mutex);
    struct portal_arrival *arrival = find(store, receipt_number);
    if (arrival && arrival->fault_times != 0)
        fault = arrival->fault;
    if (arrival && arrival->fault_times > 0)
        arrival->fault_times--;
    pthread_mutex_unlock(&store->mutex);
    return fault;
}

static bool matches(const struct portal_arrival *a, const char *city_code, enum portal_state state)
{
    return (!city_code || strcmp(a->city_code, city_code) == 0) &&
           (state == STATE_COUNT || a->history[a->history_count - 1].state == state);
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

/* Under the lock. */
static void change(struct portal_store *store, struct portal_change *wanted, const char *now,
                   struct buffer *lines)
{
    struct portal_arrival *arrival = find(store, wanted->receipt_number);
    wanted->known = arrival != NULL;
    wanted->added = arrival && !had(arrival, wanted->state);
    if (!wanted->added)
        return;
    append_history(arrival, wanted->state, now);
    add_line(lines, json_pack("{s:s, s:s, s:s, s:s}", "event", "status", "receipt_number",
                              wanted->receipt_number, "status", portal_state_name(wanted->state),
                              "at", now));
}

static void take_back(struct portal_store *store, struct portal_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].added)
            find(store, changes[i].receipt_number)->history_count--;
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
    bool good = lines.length == 0 || journal_write(store, &lines, f);
    if (!good)
        take_back(store, changes, count);
    pthread_mutex_unlock(&store->mutex);
    return good;
}
