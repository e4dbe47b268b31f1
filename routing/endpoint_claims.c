/* POST /routing/v1/claims?wait=SECONDS {"most", "seconds"}: the oldest items that nobody holds,
 * with their content, for this consumer alone until the time is over. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "routing/claim.h"
#include "routing/content.h"

struct claiming {
    struct content content;
    struct routing_caller caller;
    struct claim_place place;
    int64_t most, seconds, wait;
    int64_t oldest;
    struct claim claim;
    int64_t ids[ROUTING_BATCH_MOST];
    size_t count;
    instant free_in; /* when something that is held now may be claimed; 0: not known */
};

/* Short, because all who claim of a destination take turns. */
static bool claim_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct claiming *c = context;
    c->count = 0;
    content_clear(&c->content);
    if (!floor_oldest(c->caller.client->floor, tx, c->place.city_code, c->place.destination,
                      &c->oldest, f))
        return false;
    c->place.floor = c->oldest - 1;
    if (c->oldest &&
        !claim_make(tx, &c->place, c->most, c->seconds, &c->claim, c->ids, &c->count, f))
        return false;
    c->free_in = c->count ? c->seconds * INSTANT_SECOND : 0;
    return !c->oldest || c->count || c->wait == 0 || claim_end_find(tx, &c->place, &c->free_in, f);
}

/* What did not fit in the answer is given back. */
static bool give_back(struct claiming *c, struct db_tx *tx, int64_t seen, struct failure *f)
{
    if (seen >= c->claim.last)
        return true;
    c->free_in = 1; /* at once */
    return claim_lock(tx, &c->place, f) && claim_cut(tx, &c->place, &c->claim, seen, f);
}

/* What went away since it was claimed is not in the answer. */
static bool read_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct claiming *c = context;
    int64_t seen = 0;
    content_clear(&c->content);
    return content_add(&c->content, tx, c->ids, c->count, &seen, f) && give_back(c, tx, seen, f) &&
           (c->content.count == 0 || content_audit(&c->content, tx, f));
}

static bool forget_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct claiming *c = context;
    return claim_lock(tx, &c->place, f) &&
           claim_cut(tx, &c->place, &c->claim, c->claim.first - 1, f);
}

/* A claim that a crash forgets is nobody's: what was read under it is on disk behind it. One whose
 * items could not be read is given back, if that can be; else it ends by itself. */
static bool claim_and_read(struct claiming *c, struct failure *f)
{
    struct db *db = c->content.context->options.db;
    struct failure ignored = {0};
    if (!db_transaction_relaxed(db, claim_work, c, f))
        return false;
    if (c->count == 0 || db_transaction(db, read_work, c, f))
        return true;
    db_transaction_relaxed(db, forget_work, c, &ignored);
    return false;
}

static enum http_flow reply(struct http_request *request, struct claiming *c)
{
    char oldest[24], until[INSTANT_TEXT], text[CLAIM_TEXT];
    bool any = c->content.count > 0;
    snprintf(oldest, sizeof oldest, "%" PRId64, c->oldest);
    return content_reply(request, &c->content,
                         json_pack("{s:s*, s:s*, s:s*}", "claim",
                                   any ? claim_text(&c->claim, text) : NULL, "until",
                                   any ? instant_text_jst(c->claim.until, until) : NULL,
                                   "oldest_waiting", c->oldest ? oldest : NULL));
}

static bool read_number(const json_t *body, const char *key, int64_t least, int64_t most,
                        int64_t *ret_number, struct body_fault *fault)
{
    const json_t *value = json_object_get(body, key);
    if (!value)
        return body_fault_set(fault, "E0001", "%s is required", key);
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return body_fault_set(fault, "E0002", "%s is a number from %" PRId64 " to %" PRId64, key,
                              least, most);
    *ret_number = json_integer_value(value);
    return true;
}

bool claim_read_seconds(const json_t *body, int64_t *ret_seconds, struct body_fault *fault)
{
    return read_number(body, "seconds", 1, ROUTING_CLAIM_SECONDS_MOST, ret_seconds, fault);
}

static bool read_request(struct claiming *c, struct http_request *request)
{
    struct body_fault fault = {0};
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body ||
        !http_request_query_number(request, "wait", 0,
                                   c->content.context->wait_most / INSTANT_SECOND, 0, &c->wait))
        return false;
    if (read_number(body, "most", 1, ROUTING_BATCH_MOST, &c->most, &fault) &&
        claim_read_seconds(body, &c->seconds, &fault))
        return true;
    http_reply_error(request, 400, fault.code, "%s.", fault.text);
    return false;
}

static enum http_flow answer(struct http_request *request, struct claiming *c)
{
    struct failure f = {0};
    if (!claim_and_read(c, &f))
        return routing_reply_failure(request, &f);
    if (c->free_in)
        claim_end_note(c->caller.client->claim_end, c->free_in);
    if (c->content.count == 0 && c->wait > 0 && !http_request_expired(request))
        return routing_wait(request, c->caller.destination, c->wait);
    return reply(request, c);
}

enum http_flow endpoint_claims(struct http_request *request, void *context)
{
    struct claiming c = {.content = {.context = context}};
    c.content.caller = &c.caller;
    if (!routing_identify(context, request, SCOPE_CLAIMS_CREATE, &c.caller) ||
        !read_request(&c, request))
        return HTTP_DONE;
    c.place = (struct claim_place){.city_code = c.content.context->options.city_code,
                                   .destination = c.caller.destination};
    enum http_flow flow = answer(request, &c);
    content_free(&c.content);
    return flow;
}
