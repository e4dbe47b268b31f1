/* One page after the other: list, fetch, check, store, and only then the receipts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

#define PAGE_MOST     100
#define RECEIPTS_MOST 500
#define WAIT_SECONDS  20
#define SINGLY_MOST   3          /* a page of so few is fetched item by item */
#define ANSWER_MOST   (64 << 20) /* bytes */

struct listed {
    int64_t id;
    char sha256[65];
};

struct page {
    struct listed list[PAGE_MOST];
    size_t count;
    char next[128];
};

static void cleanup_answer(struct http_answer *answer)
{
    http_answer_free(answer);
}

/* --- calls ------------------------------------------------------------------------------------ */

static bool call(struct business *b, const char *method, const char *path, struct bytes body,
                 struct http_answer *answer, struct failure *f)
{
    const char *headers[2];
    if (!business_authorize(&b->oauth, b->client, headers, f))
        return false;
    struct http_call http_call = {
        .method = method,
        .path = path,
        .headers = headers,
        .content_type = body.length ? "application/json" : NULL,
        .body = body,
        .answer_most = ANSWER_MOST,
        .patience = (WAIT_SECONDS + 20) * INSTANT_SECOND,
    };
    return http_client_call(b->client, &http_call, answer, f);
}

static json_t *call_json(struct business *b, const char *method, const char *path,
                         struct bytes body, struct failure *f)
{
    _cleanup_(cleanup_answer) struct http_answer answer = {0};
    if (!call(b, method, path, body, &answer, f))
        return NULL;
    if (answer.status != 200) {
        failure_set(f, FAILURE_PEER, "the routing server answered %u", answer.status);
        return NULL;
    }
    return http_answer_json(&answer, f);
}

static bool read_listed(const json_t *row, struct listed *ret_listed)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *hash = json_string_value(json_object_get(row, "sha256"));
    if (!id || !hash || strlen(hash) != 64 || !number_parse(id, 1, INT64_MAX, &ret_listed->id))
        return false;
    snprintf(ret_listed->sha256, sizeof ret_listed->sha256, "%s", hash);
    return true;
}

static const char *cursor_of(const struct business *b)
{
    return *b->cursor ? b->cursor : "0";
}

static bool list_page(struct business *b, struct page *page, struct failure *f)
{
    char path[256];
    snprintf(path, sizeof path, "/routing/v1/items?after=%s&limit=%d&wait=%d", cursor_of(b),
             b->batch, b->once ? 0 : WAIT_SECONDS);
    _cleanup_(cleanup_json) json_t *answer = call_json(b, "GET", path, (struct bytes){0}, f);
    if (!answer)
        return false;
    const json_t *items = json_object_get(answer, "items");
    page->count = json_array_size(items);
    if (!json_is_array(items) || page->count > PAGE_MOST)
        return failure_set(f, FAILURE_PEER, "the routing server's list is not a page of items");
    for (size_t i = 0; i < page->count; i++)
        if (!read_listed(json_array_get(items, i), &page->list[i]))
            return failure_set(f, FAILURE_PEER, "the routing server's list has a wrong row");
    const char *next = json_string_value(json_object_get(answer, "next"));
    snprintf(page->next, sizeof page->next, "%s", next ? next : "");
    return true;
}

/* --- taking an item --------------------------------------------------------------------------- */

static void store_new(struct business *b, const struct listed *listed, struct bytes text)
{
    struct business_item item = {.id = listed->id};
    snprintf(item.sha256, sizeof item.sha256, "%s", listed->sha256);
    _cleanup_(cleanup_json) json_t *problems = business_check(text, item.receipt_number);
    item.accepted = json_array_size(problems) == 0;
    item.problems = item.accepted ? NULL : json_dumps(problems, JSON_COMPACT);
    business_store_add(&b->store, &item, text);
    b->stored++;
}

/* What we have already is recognised by its id, and its receipt is sent again. */
static bool take(struct business *b, const struct listed *listed, struct bytes text,
                 struct failure *f)
{
    char hash[65];
    sha256_hex(text, hash);
    if (strcmp(hash, listed->sha256) != 0 || !utf8_valid(text))
        return failure_set(f, FAILURE_PEER, "item %" PRId64 " is not what the list promised",
                           listed->id);
    struct business_item *known = business_store_find(&b->store, listed->id);
    if (!known) {
        store_new(b, listed, text);
        return true;
    }
    if (strcmp(known->sha256, hash) != 0)
        return failure_set(f, FAILURE_PEER, "item %" PRId64 " came again with other bytes",
                           listed->id);
    b->redelivered++;
    known->receipted = false;
    size_t place = (size_t)(known - b->store.items);
    if (place < b->store.open_from)
        b->store.open_from = place;
    return true;
}

static bool fetch_one(struct business *b, const struct listed *listed, struct failure *f)
{
    char path[64];
    snprintf(path, sizeof path, "/routing/v1/items/%" PRId64, listed->id);
    _cleanup_(cleanup_answer) struct http_answer answer = {0};
    if (!call(b, "GET", path, (struct bytes){0}, &answer, f))
        return false;
    if (answer.status == 404) /* gone since the list was made */
        return true;
    if (answer.status == 500) { /* broken over there; the next ones may be good */
        log_warning("item.unavailable", log_number("id", listed->id));
        return true;
    }
    if (answer.status != 200)
        return failure_set(f, FAILURE_PEER, "the routing server answered %u", answer.status);
    return take(b, listed, buffer_bytes(&answer.body), f);
}

static const struct listed *find_listed(const struct page *page, int64_t id)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->list[i].id == id)
            return &page->list[i];
    return NULL;
}

/* Takes what a batch brings; *after becomes the last id in it. */
static bool take_batch(struct business *b, const struct page *page, const json_t *items,
                       int64_t *after, struct failure *f)
{
    size_t i;
    json_t *row;
    json_array_foreach (items, i, row) {
        const char *id_text = json_string_value(json_object_get(row, "id"));
        const json_t *item = json_object_get(row, "item");
        int64_t id;
        if (!json_is_string(item) || !id_text || !number_parse(id_text, *after + 1, INT64_MAX, &id))
            return failure_set(f, FAILURE_PEER, "the routing server's batch has a wrong row");
        *after = id;
        const struct listed *listed = find_listed(page, id);
        struct bytes text = bytes_of(json_string_value(item), json_string_length(item));
        if (listed && !take(b, listed, text, f))
            return false;
    }
    return true;
}

/* A batch may be shorter than the page, when its items are large. */
static bool fetch_many(struct business *b, const struct page *page, struct failure *f)
{
    int64_t after = 0, last = page->list[page->count - 1].id;
    char cursor[128];
    snprintf(cursor, sizeof cursor, "%s", cursor_of(b));
    while (after < last) {
        char path[256];
        snprintf(path, sizeof path, "/routing/v1/batch?after=%s&limit=%zu", cursor, page->count);
        _cleanup_(cleanup_json) json_t *answer = call_json(b, "GET", path, (struct bytes){0}, f);
        if (!answer)
            return false;
        const json_t *items = json_object_get(answer, "items");
        if (json_array_size(items) == 0) /* all gone since the list was made */
            return true;
        if (!take_batch(b, page, items, &after, f))
            return false;
        const char *next = json_string_value(json_object_get(answer, "next"));
        snprintf(cursor, sizeof cursor, "%s", next ? next : "");
    }
    return true;
}

static bool fetch(struct business *b, const struct page *page, struct failure *f)
{
    if (page->count > SINGLY_MOST)
        return fetch_many(b, page, f);
    for (size_t i = 0; i < page->count; i++)
        if (!fetch_one(b, &page->list[i], f))
            return false;
    return true;
}

/* --- receipts --------------------------------------------------------------------------------- */

static json_t *receipt_json(const struct business_item *item)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, item->id);
    json_t *receipt = json_pack("{s:s, s:s, s:s}", "id", id, "sha256", item->sha256, "result",
                                item->accepted ? "accepted" : "rejected");
    if (item->problems)
        json_object_set_new(receipt, "problems", json_loads(item->problems, 0, NULL));
    return receipt;
}

/* The next receipts that are due; advances the mark before which nothing is. */
static json_t *next_receipts(struct business_store *store)
{
    json_t *list = json_array();
    while (store->open_from < store->count && store->items[store->open_from].receipted)
        store->open_from++;
    for (size_t i = store->open_from; i < store->count && json_array_size(list) < RECEIPTS_MOST;
         i++)
        if (!store->items[i].receipted && !store->items[i].refused)
            json_array_append_new(list, receipt_json(&store->items[i]));
    return list;
}

static bool note_result(struct business *b, const json_t *row, struct failure *f)
{
    const char *id_text = json_string_value(json_object_get(row, "id"));
    const char *result = json_string_value(json_object_get(row, "result"));
    int64_t id;
    struct business_item *item = id_text && number_parse(id_text, 1, INT64_MAX, &id)
                                     ? business_store_find(&b->store, id)
                                     : NULL;
    if (!item || !result)
        return failure_set(f, FAILURE_PEER, "the answer to our receipts has a wrong row");
    if (strcmp(result, "taken") == 0 || strcmp(result, "repeated") == 0)
        return business_store_receipted(&b->store, item, f);
    item->refused = true;
    log_warning("receipt.refused", log_number("id", item->id), log_text("result", result));
    return true;
}

static bool send_some(struct business *b, const json_t *receipts, struct failure *f)
{
    _cleanup_(cleanup_text) char *text = json_dumps(receipts, JSON_COMPACT);
    _cleanup_(cleanup_json) json_t *answer =
        call_json(b, "POST", "/routing/v1/receipts", bytes_of_text(text), f);
    if (!answer)
        return false;
    const json_t *results = json_object_get(answer, "results");
    if (json_array_size(results) != json_array_size(receipts))
        return failure_set(f, FAILURE_PEER, "not every receipt was answered");
    for (size_t i = 0; i < json_array_size(results); i++)
        if (!note_result(b, json_array_get(results, i), f))
            return false;
    return true;
}

bool business_send_receipts(struct business *b, struct failure *f)
{
    for (;;) {
        _cleanup_(cleanup_json) json_t *receipts = next_receipts(&b->store);
        if (json_array_size(receipts) == 0)
            return true;
        if (!send_some(b, receipts, f))
            return false;
    }
}

/* --- the step --------------------------------------------------------------------------------- */

static bool page_through(struct business *b, struct page *page, struct failure *f)
{
    size_t stored = b->stored;
    if (!business_send_receipts(b, f) || !list_page(b, page, f))
        return false;
    if (page->count == 0)
        return true;
    bool fetched = fetch(b, page, f);
    /* What was taken before a fetch broke is kept as well. */
    struct failure other = {0};
    if (!business_store_save(&b->store, &other) || !business_send_receipts(b, &other)) {
        if (fetched)
            *f = other;
        return false;
    }
    log_info("items.stored", log_number("count", (int64_t)(b->stored - stored)));
    snprintf(b->cursor, sizeof b->cursor, "%s", page->next);
    return fetched;
}

enum work_result business_step(void *context, struct failure *f)
{
    struct business *b = context;
    struct page page = {0};
    if (!page_through(b, &page, f)) {
        if (process_stopping()) /* the long poll was given up for that: no trouble */
            return WORK_IDLE;
        b->cursor[0] = '\0'; /* after trouble, look at everything again */
        return WORK_FAILED;
    }
    return page.count ? WORK_DONE : WORK_IDLE;
}
