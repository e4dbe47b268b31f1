/* Receipts that lie at receipts-from: each file is taken in one transaction, or none of it; then it
 * moves to done/ with what became of each receipt, or to bad/ with why. An end between the two only
 * makes its receipts be counted as repeated. */
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

struct receiving {
    struct files_work *work;
    struct file_store *store;
    const char *name;
    struct receipts *parts; /* of at most RECEIPTS_MOST */
    size_t part_count;
};

static bool is_receipts(const char *name)
{
    size_t length = strlen(name);
    return (length > 4 && strcmp(name + length - 4, ".csv") == 0) ||
           (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

static void parts_free(struct receiving *r)
{
    for (size_t i = 0; i < r->part_count; i++)
        receipts_free(&r->parts[i]);
    free(r->parts);
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

static bool set_aside(const struct receiving *r, const char *folder, const char *ending,
                      struct bytes content, struct failure *f)
{
    _cleanup_(cleanup_text) char *beside = text_format("%s/%s%s", folder, r->name, ending);
    _cleanup_(cleanup_text) char *to = text_format("%s/%s", folder, r->name);
    return file_store_put(r->store, beside, content, f) &&
           file_store_move(r->store, r->name, to, f);
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

static bool take_file(struct files_work *work, struct file_store *store, const char *name,
                      struct failure *f)
{
    struct receiving r = {.work = work, .store = store, .name = name};
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    bool found = false;
    struct failure why = {0};
    if (!files_lease_keep(work, f))
        return false;
    if (!file_store_get(store, name, FILES_RECEIPTS_MOST, &found, &content, &why)) {
        if (why.kind == FAILURE_LIMIT)
            return bad(&r, why.text, f);
        *f = why;
        return false;
    }
    bool done = !found || take(&r, buffer_bytes(&content), f);
    parts_free(&r);
    return done;
}

/* receipts-from, or the folder receipts of `to`. */
static bool place_open(struct files_work *work, struct file_store **ret_store, struct failure *f)
{
    const char *to = config_list_item(work->group, "to", 0);
    const struct config *config = work->options->routing.config;
    if (config_list_length(work->group, "receipts-from"))
        return files_store_open(config, work->group,
                                config_list_item(work->group, "receipts-from", 0), ret_store, f);
    size_t length = strlen(to);
    while (length > 1 && to[length - 1] == '/')
        length--;
    _cleanup_(cleanup_text) char *place = text_format("%.*s/receipts", (int)length, to);
    if (*to == '/' && access(place, F_OK) != 0) {
        *ret_store = NULL; /* nobody has sent one yet */
        return true;
    }
    return files_store_open(config, work->group, place, ret_store, f);
}

bool files_receipts(struct files_work *work, bool *ret_any, struct failure *f)
{
    struct file_store *store = NULL;
    struct file_names names = {0};
    *ret_any = false;
    if (!place_open(work, &store, f))
        return false;
    bool done = !store || file_store_list(store, "", &names, f);
    for (size_t i = 0; done && i < names.count && !process_stopping(); i++)
        if (is_receipts(names.name[i])) {
            *ret_any = true;
            done = take_file(work, store, names.name[i], f);
        }
    file_names_free(&names);
    file_store_close(store);
    return done;
}
