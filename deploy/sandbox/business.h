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

/* --- the store: DIR/items.journal and DIR/receipts.journal -------------------------------------
 */

struct business_item {
    int64_t id;
    char sha256[65];
    char receipt_number[65]; /* "" when the item did not say */
    bool accepted;
    bool receipted; /* the receipt was taken */
    bool refused;   /* the receipt was refused in this run: not sent again */
    char *problems; /* JSON array; NULL when accepted */
};

struct business_store {
    struct business_item *items; /* by id, ascending */
    size_t count, room;
    size_t open_from;      /* before this one all are receipted */
    size_t duplicates;     /* lines of the journal whose id was there before: must stay 0 */
    size_t damaged;        /* lines that do not hold what their hash says: must stay 0 */
    struct buffer pending; /* lines that the journal does not have yet */
    int journal, receipts; /* file descriptors; -1: opened for reading */
};

/* `writing`: takes the store for us alone, and cuts off a line that a crash left unfinished. */
bool business_store_open(const char *folder, bool writing, struct business_store *ret_store,
                         struct failure *f);
void business_store_close(struct business_store *store);
struct business_item *business_store_find(struct business_store *store, int64_t id); /* or NULL */
/* In memory and pending until business_store_save. */
void business_store_add(struct business_store *store, const struct business_item *item,
                        struct bytes text);
/* On the disk when this returns true: one fsync for all that is pending. */
bool business_store_save(struct business_store *store, struct failure *f);
bool business_store_receipted(struct business_store *store, struct business_item *item,
                              struct failure *f);

/* --- the check -------------------------------------------------------------------------------- */

/* The problems of an item, [{"code","item","message"}…]; empty when it is good (new reference). */
json_t *business_check(struct bytes item, char ret_receipt_number[65]);

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
    char cursor[128];           /* what the last list gave as `next`; "" for the beginning */
    size_t stored, redelivered; /* in this run */
};

/* One page: fetch, check, store, receipts. For work_loop_run. */
enum work_result business_step(void *context, struct failure *f);
/* Sends receipts for all that is stored and has none. */
bool business_send_receipts(struct business *business, struct failure *f);

#endif
