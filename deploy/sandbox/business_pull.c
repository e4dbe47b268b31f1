/* One page after the other: list, fetch, check, store, and only then the receipts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

#define WAIT_SECONDS 20
#define SINGLY_MOST  3          /* a page of so few is fetched item by item */
#define ANSWER_MOST  (64 << 20) /* bytes */

struct listed {
    int64_t id;
    char sha256[65];
};

struct page {
    struct listed list[BUSINESS_PAGE_MOST];
    size_t count;
    char next[128];
    struct business_item items[BUSINESS_PAGE_MOST]; /* what came of it */
    json_t *contents[BUSINESS_PAGE_MOST];           /* of each */
    json_t *problems[BUSINESS_PAGE_MOST];
    size_t item_count;
};

static void page_free(struct page *page)
{
    for (size_t i = 0; i < page->item_count; i++) {
        business_item_clear(&page->items[i]);
        json_decref(page->contents[i]);
        json_decref(page->problems[i]);
    }
    free(page);
}

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

json_t *business_call(struct business *b, const char *method, const char *path, struct bytes body,
                      struct failure *f)
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
    _cleanup_(cleanup_json) json_t *answer = business_call(b, "GET", path, (struct bytes){0}, f);
    if (!answer)
        return false;
    const json_t *items = json_object_get(answer, "items");
    page->count = json_array_size(items);
    if (!json_is_array(items) || page->count > BUSINESS_PAGE_MOST)
        return failure_set(f, FAILURE_PEER, "the routing server's list is not a page of items");
    for (size_t i = 0; i < page->count; i++)
        if (!read_listed(json_array_get(items, i), &page->list[i]))
            return failure_set(f, FAILURE_PEER, "the routing server's list has a wrong row");
    const char *next = json_string_value(json_object_get(answer, "next"));
    snprintf(page->next, sizeof page->next, "%s", next ? next : "");
    return true;
}

/* --- taking an item --------------------------------------------------------------------------- */

static bool take(struct page *page, const struct listed *listed, struct bytes text,
                 struct failure *f)
{
    char hash[65];
    sha256_hex(text, hash);
    if (strcmp(hash, listed->sha256) != 0 || !utf8_valid(text))
        return failure_set(f, FAILURE_PEER, "item %" PRId64 " is not what the list promised",
                           listed->id);
    if (page->item_count == BUSINESS_PAGE_MOST)
        return failure_set(f, FAILURE_PEER, "the routing server's batch has too many items");
    struct business_item *item = &page->items[page->item_count];
    item->id = listed->id;
    memcpy(item->sha256, hash, sizeof hash);
    buffer_append(&item->content, text.data, text.length);
    page->contents[page->item_count] =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    page->problems[page->item_count] = json_array();
    business_check(page->contents[page->item_count], item, page->problems[page->item_count]);
    page->item_count++;
    return true;
}

static bool fetch_one(struct business *b, struct page *page, const struct listed *listed,
                      struct failure *f)
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
    return take(page, listed, buffer_bytes(&answer.body), f);
}

static const struct listed *find_listed(const struct page *page, int64_t id)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->list[i].id == id)
            return &page->list[i];
    return NULL;
}

/* Takes what a batch brings; *after becomes the last id in it. */
static bool take_batch(struct page *page, const json_t *items, int64_t *after, struct failure *f)
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
        if (listed && !take(page, listed, text, f))
            return false;
    }
    return true;
}

/* A batch may be shorter than the page, when its items are large. */
static bool fetch_many(struct business *b, struct page *page, struct failure *f)
{
    int64_t after = 0, last = page->list[page->count - 1].id;
    char cursor[128];
    snprintf(cursor, sizeof cursor, "%s", cursor_of(b));
    while (after < last) {
        char path[256];
        snprintf(path, sizeof path, "/routing/v1/batch?after=%s&limit=%zu", cursor, page->count);
        _cleanup_(cleanup_json) json_t *answer =
            business_call(b, "GET", path, (struct bytes){0}, f);
        if (!answer)
            return false;
        const json_t *items = json_object_get(answer, "items");
        if (json_array_size(items) == 0) /* all gone since the list was made */
            return true;
        if (!take_batch(page, items, &after, f))
            return false;
        const char *next = json_string_value(json_object_get(answer, "next"));
        snprintf(cursor, sizeof cursor, "%s", next ? next : "");
    }
    return true;
}

static bool fetch(struct business *b, struct page *page, struct failure *f)
{
    if (page->count > SINGLY_MOST)
        return fetch_many(b, page, f);
    for (size_t i = 0; i < page->count; i++)
        if (!fetch_one(b, page, &page->list[i], f))
            return false;
    return true;
}

/* --- keeping ---------------------------------------------------------------------------------- */

static bool compare(struct business *b, struct page *page, struct failure *f)
{
    const char *numbers[BUSINESS_PAGE_MOST], *names[BUSINESS_PAGE_MOST],
        *births[BUSINESS_PAGE_MOST];
    enum business_agreement agreements[BUSINESS_PAGE_MOST] = {0};
    for (size_t i = 0; i < page->item_count; i++) {
        const json_t *content = page->contents[i];
        numbers[i] = json_string_value(json_object_get(content, "atenabango"));
        names[i] = business_claimant(content, "name");
        births[i] = business_claimant(content, "birth_date");
    }
    if (!business_residents_compare(&b->store, numbers, names, births, page->item_count, agreements,
                                    f))
        return false;
    for (size_t i = 0; i < page->item_count; i++)
        if (json_array_size(page->problems[i]) == 0 && !page->items[i].notice)
            business_check_resident(agreements[i], page->problems[i]);
    return true;
}

static bool keep(struct business *b, struct page *page, struct failure *f)
{
    if (!compare(b, page, f))
        return false;
    for (size_t i = 0; i < page->item_count; i++) {
        struct business_item *item = &page->items[i];
        if (json_array_size(page->problems[i]) > 0)
            item->problems = json_dumps(page->problems[i], JSON_COMPACT);
        else if (b->decides)
            item->outcome = business_decide(&b->rule, item);
    }
    if (!business_store_save(&b->store, page->items, page->item_count, f))
        return false;
    b->stored += page->item_count;
    return true;
}

/* --- the step --------------------------------------------------------------------------------- */

static bool page_through(struct business *b, struct page *page, struct failure *f)
{
    if (!business_answer(b, f) || !list_page(b, page, f))
        return false;
    if (page->count == 0) {
        b->cursor[0] = '\0'; /* what a claim of another held back may be free again */
        return true;
    }
    bool fetched = fetch(b, page, f);
    /* What was taken before a fetch broke is kept as well. */
    struct failure other = {0};
    if (!keep(b, page, &other) || !business_answer(b, &other)) {
        if (fetched)
            *f = other;
        return false;
    }
    log_info("items.stored", log_number("count", (int64_t)page->item_count));
    snprintf(b->cursor, sizeof b->cursor, "%s", page->next);
    return fetched;
}

enum work_result business_step(void *context, struct failure *f)
{
    struct business *b = context;
    struct page *page = memory_allocate(sizeof *page);
    bool done = page_through(b, page, f), any = page->count > 0;
    page_free(page);
    if (done)
        return any ? WORK_DONE : WORK_IDLE;
    if (process_stopping()) /* the long poll was given up for that: no trouble */
        return WORK_IDLE;
    b->cursor[0] = '\0'; /* after trouble, look at everything again */
    return WORK_FAILED;
}
