/* The store of the made-up business system: two append-only journals, one line a thing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

/* --- in memory -------------------------------------------------------------------------------- */

/* Where `id` stands, or would stand. */
static size_t place_of(const struct business_store *store, int64_t id)
{
    size_t low = 0, high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct business_item *business_store_find(struct business_store *store, int64_t id)
{
    size_t place = place_of(store, id);
    return place < store->count && store->items[place].id == id ? &store->items[place] : NULL;
}

static void insert(struct business_store *store, const struct business_item *item)
{
    if (store->count == store->room) {
        store->room = store->room ? store->room * 2 : 256;
        store->items = memory_resize(store->items, store->room * sizeof *store->items);
    }
    size_t place = place_of(store, item->id);
    memmove(&store->items[place + 1], &store->items[place],
            (store->count - place) * sizeof *store->items);
    store->items[place] = *item;
    store->count++;
    if (place < store->open_from)
        store->open_from = place;
}

/* --- reading the journals --------------------------------------------------------------------- */

static bool read_line(struct business_store *store, const char *line)
{
    _cleanup_(cleanup_json) json_t *entry = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *id, *hash, *receipt_number, *result, *text;
    json_t *problems = NULL;
    struct business_item item = {0};
    if (!entry ||
        json_unpack(entry, "{s:s, s:s, s:s, s:s, s?o, s:s}", "id", &id, "sha256", &hash,
                    "receipt_number", &receipt_number, "result", &result, "problems", &problems,
                    "item", &text) != 0 ||
        !number_parse(id, 1, INT64_MAX, &item.id))
        return false;
    sha256_hex(bytes_of_text(text), item.sha256);
    if (strcmp(item.sha256, hash) != 0)
        return false;
    if (business_store_find(store, item.id)) {
        store->duplicates++;
        return true;
    }
    snprintf(item.receipt_number, sizeof item.receipt_number, "%s", receipt_number);
    item.accepted = strcmp(result, "accepted") == 0;
    item.problems = problems ? json_dumps(problems, JSON_COMPACT) : NULL;
    insert(store, &item);
    return true;
}

static void read_receipt(struct business_store *store, const char *line)
{
    int64_t id;
    char digits[24];
    snprintf(digits, sizeof digits, "%.*s", (int)strcspn(line, "\n"), line);
    struct business_item *item =
        number_parse(digits, 1, INT64_MAX, &id) ? business_store_find(store, id) : NULL;
    if (item)
        item->receipted = true;
}

/* *ret_whole gets the length of the complete lines: a crash may have left part of one behind. */
static bool read_journal(const char *path, struct business_store *store, bool receipts,
                         off_t *ret_whole, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in && errno != ENOENT)
        return failure_errno(f, "can't read %s", path);
    _cleanup_(cleanup_text) char *line = NULL;
    size_t room = 0;
    ssize_t length;
    *ret_whole = 0;
    while (in && (length = getline(&line, &room, in)) > 0 && line[length - 1] == '\n') {
        *ret_whole += length;
        if (receipts)
            read_receipt(store, line);
        else if (!read_line(store, line))
            store->damaged++;
    }
    return true;
}

/* --- writing them ----------------------------------------------------------------------------- */

static bool open_journal(const char *path, off_t whole, int *ret_fd, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return failure_errno(f, "can't write %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return failure_set(f, FAILURE_USAGE, "%s: another process works on this store", path);
    if (ftruncate(fd, whole) != 0 || fsync(fd) != 0)
        return failure_errno(f, "can't write %s", path);
    *ret_fd = fd;
    fd = -1;
    return true;
}

static bool open_folder(const char *folder, struct failure *f)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return failure_errno(f, "can't make the folder %s", folder);
    return true;
}

static bool sync_folder(const char *folder, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return failure_errno(f, "can't write the folder %s", folder);
    return true;
}

static bool open_both(const char *folder, bool writing, struct business_store *store,
                      struct failure *f)
{
    _cleanup_(cleanup_text) char *items = text_format("%s/items.journal", folder);
    _cleanup_(cleanup_text) char *receipts = text_format("%s/receipts.journal", folder);
    off_t whole_items, whole_receipts;
    if (writing && !open_folder(folder, f))
        return false;
    return read_journal(items, store, false, &whole_items, f) &&
           read_journal(receipts, store, true, &whole_receipts, f) &&
           (!writing || (open_journal(items, whole_items, &store->journal, f) &&
                         open_journal(receipts, whole_receipts, &store->receipts, f) &&
                         sync_folder(folder, f)));
}

bool business_store_open(const char *folder, bool writing, struct business_store *ret_store,
                         struct failure *f)
{
    struct business_store store = {.journal = -1, .receipts = -1};
    if (!open_both(folder, writing, &store, f)) {
        business_store_close(&store);
        return false;
    }
    *ret_store = store;
    return true;
}

void business_store_close(struct business_store *store)
{
    cleanup_fd(&store->journal);
    cleanup_fd(&store->receipts);
    for (size_t i = 0; i < store->count; i++)
        free(store->items[i].problems);
    free(store->items);
    buffer_erase_free(&store->pending);
    *store = (struct business_store){.journal = -1, .receipts = -1};
}

void business_store_add(struct business_store *store, const struct business_item *item,
                        struct bytes text)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, item->id);
    _cleanup_(cleanup_json) json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s, s:s%}", "id", id, "sha256", item->sha256, "receipt_number",
                  item->receipt_number, "result", item->accepted ? "accepted" : "rejected", "item",
                  (const char *)text.data, text.length);
    if (item->problems)
        json_object_set_new(entry, "problems", json_loads(item->problems, 0, NULL));
    _cleanup_(cleanup_text) char *line = json_dumps(entry, JSON_COMPACT);
    if (!line)
        abort(); /* its parts were checked to be UTF-8 */
    buffer_append_text(&store->pending, line);
    buffer_append_text(&store->pending, "\n");
    insert(store, item);
}

static bool write_all(int fd, struct bytes bytes, struct failure *f)
{
    while (bytes.length > 0) {
        ssize_t written = write(fd, bytes.data, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failure_errno(f, "can't write the store");
        bytes = bytes_of(bytes.data + written, bytes.length - (size_t)written);
    }
    return true;
}

bool business_store_save(struct business_store *store, struct failure *f)
{
    if (!store->pending.length)
        return true;
    if (!write_all(store->journal, buffer_bytes(&store->pending), f))
        return false;
    if (fdatasync(store->journal) != 0)
        return failure_errno(f, "can't write the store");
    buffer_clear(&store->pending);
    return true;
}

/* Not flushed: a receipt that is forgotten is sent again, and counts as repeated. */
bool business_store_receipted(struct business_store *store, struct business_item *item,
                              struct failure *f)
{
    char line[24];
    int length = snprintf(line, sizeof line, "%" PRId64 "\n", item->id);
    item->receipted = true;
    return write_all(store->receipts, bytes_of(line, (size_t)length), f);
}
