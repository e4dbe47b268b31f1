/* Receipts that lie at receipts-from: each file moves to taking/, so that one that is put there
 * under the same name meanwhile is another file; it is taken in one transaction, or none of it;
 * then it moves to done/ with what became of each receipt, or to bad/ with why. What an end in the
 * middle left in taking/ comes first the next time; at most its receipts are counted as repeated.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "routing/files_internal.h"
#include "routing/receipts_parse.h"

static struct metric receipts_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_files_receipts_total",
    .help = "Receipts that came as files, by what became of them.",
    .label_name = "result",
};

#define TAKING    "taking"
#define NAME_MOST 128 /* of a file of receipts; its results' name is longer */

struct receiving {
    struct files_work *work;
    struct file_store *store;
    const char *folder; /* below the place: "", or "receipts/" */
    const char *name;
    struct receipts *parts; /* of at most RECEIPTS_MOST */
    size_t part_count;
};

static bool is_receipts(const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_MOST)
        return false;
    return (length > 4 && strcmp(name + length - 4, ".csv") == 0) ||
           (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

static void parts_free(struct receiving *r)
{
    for (size_t i = 0; i < r->part_count; i++)
        receipts_free(&r->parts[i]);
    free(r->parts);
    r->parts = NULL;
    r->part_count = 0;
}

static bool parts_parse(struct receiving *r, const json_t *body, char *fault, size_t size)
{
    size_t count = json_array_size(body);
    r->parts = memory_allocate((count / RECEIPTS_MOST + 1) * sizeof *r->parts);
    for (size_t at = 0; at < count; at += RECEIPTS_MOST) {
        struct body_fault one = {0};
        _cleanup_(cleanup_json) json_t *part = json_array();
        for (size_t i = at; i < count && i < at + RECEIPTS_MOST; i++)
            json_array_append(part, json_array_get(body, i));
        if (!receipts_parse(part, &r->parts[r->part_count], &one)) {
            snprintf(fault, size, "%s, counted from receipt %zu: %s", one.code, at + 1, one.text);
            return false;
        }
        r->part_count++;
    }
    return true;
}

static bool take_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct receiving *r = context;
    const struct routing_context routing = files_context(r->work);
    const struct routing_caller caller = files_caller(r->work, "files");
    for (size_t i = 0; i < r->part_count; i++)
        if (!routing_receive(tx, &routing, &caller, &r->parts[i], f))
            return false;
    return true;
}

/* What became of each, beside the file. */
static void results_write(const struct receiving *r, struct buffer *text)
{
    _cleanup_(cleanup_json) json_t *results = json_array();
    for (size_t i = 0; i < r->part_count; i++)
        for (size_t k = 0; k < r->parts[i].count; k++) {
            const struct outbox_receipt *receipt = &r->parts[i].list[k];
            const char *result = receipt_result_name(receipt->result);
            char id[24];
            snprintf(id, sizeof id, "%" PRId64, receipt->outbox_id);
            json_array_append_new(results, json_pack("{s:s, s:s}", "id", id, "result", result));
            metric_add(&receipts_metric, result, 1);
        }
    json_write(results, text);
    buffer_append_text(text, "\n");
}

static char *path_in(const struct receiving *r, const char *folder, const char *ending)
{
    return text_format("%s%s/%s%s", r->folder, folder, r->name, ending);
}

static bool set_aside(const struct receiving *r, const char *folder, const char *ending,
                      struct bytes content, struct failure *f)
{
    _cleanup_(cleanup_text) char *beside = path_in(r, folder, ending);
    _cleanup_(cleanup_text) char *from = path_in(r, TAKING, "");
    _cleanup_(cleanup_text) char *to = path_in(r, folder, "");
    return file_store_put(r->store, beside, content, f) && file_store_move(r->store, from, to, f);
}

static bool bad(const struct receiving *r, const char *why, struct failure *f)
{
    _cleanup_(cleanup_text) char *text = text_format("%s\n", why);
    log_warning("files.receipts_bad", log_text("destination", r->work->destination),
                log_text("file", r->name), log_text("text", why));
    metric_add(&receipts_metric, "bad-file", 1);
    return set_aside(r, "bad", ".why.txt", bytes_of_text(text), f);
}

static bool take(struct receiving *r, struct bytes content, struct failure *f)
{
    char fault[400];
    _cleanup_(cleanup_json) json_t *body = NULL;
    _cleanup_(cleanup_buffer) struct buffer results = {0};
    if (!files_receipts_read(r->name, content, &body, fault, sizeof fault) ||
        !parts_parse(r, body, fault, sizeof fault))
        return bad(r, fault, f);
    if (!db_transaction(r->work->options->routing.db, take_work, r, f))
        return false;
    results_write(r, &results);
    log_info("files.receipts", log_text("destination", r->work->destination),
             log_text("file", r->name));
    return set_aside(r, "done", ".results.json", buffer_bytes(&results), f);
}

/* One that lies in taking/. */
static bool take_file(struct receiving *r, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = path_in(r, TAKING, "");
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    bool found = false;
    struct failure why = {0};
    if (!file_store_get(r->store, path, FILES_RECEIPTS_MOST, &found, &content, &why)) {
        if (why.kind == FAILURE_LIMIT)
            return bad(r, why.text, f);
        *f = why;
        return false;
    }
    bool done = !found || take(r, buffer_bytes(&content), f);
    parts_free(r);
    return done;
}

static bool fetch_file(struct receiving *r, struct failure *f)
{
    _cleanup_(cleanup_text) char *from = text_format("%s%s", r->folder, r->name);
    _cleanup_(cleanup_text) char *to = path_in(r, TAKING, "");
    return file_store_move(r->store, from, to, f) && take_file(r, f);
}

static bool names_have(const struct file_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

/* Does a failure keep us from the other files, too? */
static bool concerns_all(enum failure_kind kind)
{
    return kind == FAILURE_DATABASE || kind == FAILURE_NETWORK || kind == FAILURE_CONFLICT;
}

/* One that can't be taken does not keep others waiting. */
static bool take_each(struct receiving *r, const struct file_names *names,
                      bool (*one)(struct receiving *, struct failure *),
                      const struct file_names *but, bool *ret_any, struct failure *f)
{
    for (size_t i = 0; i < names->count && !process_stopping(); i++) {
        struct failure why = {0};
        r->name = names->name[i];
        if (!is_receipts(r->name) || names_have(but, r->name))
            continue;
        if (!files_lease_keep(r->work, f))
            return false;
        if (one(r, &why)) {
            *ret_any = true;
            continue;
        }
        *f = why;
        if (concerns_all(why.kind))
            return false;
        log_warning("files.receipts_failed", log_text("destination", r->work->destination),
                    log_text("file", r->name), log_text("text", why.text));
    }
    return true;
}

static void tell_ignored(const struct receiving *r, const struct file_names *names)
{
    if (names->strange)
        log_warning("files.receipts_ignored", log_text("destination", r->work->destination),
                    log_number("files", (int64_t)names->strange));
}

static bool take_all(struct receiving *r, bool *ret_any, struct failure *f)
{
    const struct file_names none = {0};
    struct file_names left = {0}, names = {0};
    _cleanup_(cleanup_text) char *taking = text_format("%s" TAKING, r->folder);
    const char *folder = *r->folder ? "receipts" : "";
    bool done = file_store_list(r->store, taking, &left, f) &&
                take_each(r, &left, take_file, &none, ret_any, f) &&
                file_store_list(r->store, folder, &names, f) &&
                take_each(r, &names, fetch_file, &left, ret_any, f);
    tell_ignored(r, &names);
    file_names_free(&left);
    file_names_free(&names);
    return done;
}

/* At receipts-from, or in the folder receipts of `to`. */
bool files_receipts(struct files_work *work, bool *ret_any, struct failure *f)
{
    bool own = config_list_length(work->group, "receipts-from");
    const char *place = config_list_item(work->group, own ? "receipts-from" : "to", 0);
    struct receiving r = {.work = work, .folder = own ? "" : "receipts/"};
    *ret_any = false;
    if (!files_store_open(work->group, place, &r.store, f))
        return false;
    bool done = take_all(&r, ret_any, f);
    file_store_close(r.store);
    return done;
}
