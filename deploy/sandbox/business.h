/* A made-up business system: pulls items from the routing API, checks them, stores them durably,
 * and only then sends receipts. What it stored it never stores twice, whatever happens in between.
 */
#ifndef UKETSUKE_SANDBOX_BUSINESS_H
#define UKETSUKE_SANDBOX_BUSINESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/http_client.h"
#include "base/process.h"
#include "deploy/sandbox/business_store.h"

/* --- what is looked at ------------------------------------------------------------------------ */

/* Appends what is wrong with an item to `problems`, [{"code","item","message"}…]; tells its receipt
 * number and whether it is a notice. */
void business_check(const json_t *item, struct business_item *ret_item, json_t *problems);
void business_check_resident(enum business_agreement agreement, json_t *problems);
const char *business_claimant(const json_t *item, const char *name); /* a text, or NULL */

/* --- what is decided -------------------------------------------------------------------------- */

/* Of all that a system takes, so many percent; the rest is 認定. */
struct business_rule {
    int rejected, incomplete; /* 却下, 不備 */
};
/* By a made-up rule: the first byte of the receipt number's SHA-256, as a percentage, is below what
 * is rejected, or in what is incomplete. A notice ends the application: rejected. */
const char *business_decide(const struct business_rule *rule, const struct business_item *item);
/* The outcome as the API takes it, with reasons and words for the resident. */
json_t *business_outcome(int64_t id, const char *receipt_number, bool notice, const char *outcome);

/* --- pulling ---------------------------------------------------------------------------------- */

/* How it shows who it is, besides its certificate: an access token, got anew before it ends. */
struct business_client {
    const char *id;      /* NULL: its certificate is enough */
    const char *routing; /* https://HOST:PORT */
    struct buffer secret;
    struct buffer header; /* "Authorization: Bearer …" */
    int64_t until;        /* clock_monotonic */
};
/* headers[0] becomes the header of a call, NULL when none is needed. */
bool business_authorize(struct business_client *client, struct http_client *http,
                        const char *headers[2], struct failure *f);

struct business {
    struct business_client oauth;
    struct http_client *client;
    struct business_store store;
    int batch; /* items a page, 1 to 100 */
    bool once;
    bool decides; /* and returns outcomes, by: */
    struct business_rule rule;
    char cursor[128]; /* what the last list gave as `next`; "" for the beginning */
    size_t stored;    /* in this run */
};

/* One page: fetch, check, store, receipts, outcomes. For work_loop_run. */
enum work_result business_step(void *context, struct failure *f);
/* Sends receipts and outcomes for all that is stored and has none. */
bool business_answer(struct business *business, struct failure *f);

/* A call to the routing API that must be answered with 200; its JSON (new reference), or NULL. */
json_t *business_call(struct business *business, const char *method, const char *path,
                      struct bytes body, struct failure *f);

#endif
