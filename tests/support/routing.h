/* A routing server with two destinations on a test database, and two clients over real TLS: what
 * the tests of the pull API stand on. One a test program. */
#ifndef UKETSUKE_TESTS_SUPPORT_ROUTING_H
#define UKETSUKE_TESTS_SUPPORT_ROUTING_H

#include <jansson.h>

#include "base/http_client.h"
#include "routing/server.h"
#include "tests/support/applications.h"

/* OAuth clients of the two destinations. */
#define HOUSE_OUR_ID       "ChildAllowance000000000000000001"
#define HOUSE_OUR_SECRET   "0123456789abcdef0123456789abcdef"
#define HOUSE_OUR_NEXT     "a second one, while it is replaced" /* of ours, too */
#define HOUSE_THEIR_ID     "Health00000000000000000000000002"
#define HOUSE_THEIR_SECRET "fedcba9876543210fedcba9876543210"
#define HOUSE_OURS         "child-allowance" /* the destination that things are put for */

struct routing_house {
    char pki[64]; /* folder of the certificates */
    struct test_database database;
    struct db *db; /* as the role routing */
    struct city_key *city_key;
    struct routing_server *server;
    struct http_client *ours, *theirs; /* of child-allowance and of health */
    /* What on_receipts saw; it fails when `fails`. */
    size_t calls, accepted, rejected;
    size_t outcomes[3]; /* by kind; those that on_outcomes lets through */
    bool unmoved;       /* it lets none through */
    char message[64];   /* of the last */
    char application_id[37];
    bool fails;
    bool tokens;      /* before house_make: auth = mtls+token, refusals-most = 20 */
    const char *more; /* more lines of [routing] */
};
extern struct routing_house house;

/* With applications 1 to 8. */
void house_make(void);
void house_drop(void);
void house_clear(void); /* nothing waits, nothing was delivered */
void house_start(void); /* the server */
void house_stop(void);
/* Writes a destination's secret anew: "ours", "next" or "theirs". The server reads it at its start.
 */
void house_secret(const char *name, const char *text);
/* A client with a certificate of the sandbox's pki, or without (NULL). */
struct http_client *house_client(const char *name);

/* The item of application n, {"n":…,"name":…}; the caller frees. */
char *house_item(int n);
const char *house_hash(int n); /* its SHA-256; borrowed until the next call */
void house_put(int n);
void house_put_text(int n, const char *text); /* another item */
int64_t house_put_one(int n);                 /* the only one that waits; returns its id */
/* The ids of all that waits for us, in their order; returns how many. */
size_t house_waiting(int64_t ids[], size_t most);

/* Calls that must be answered; the last three also with the status, or error code, that is given.
 */
struct http_answer house_ask(struct http_client *c, const char *method, const char *path,
                             const char *body);
json_t *house_ask_json(struct http_client *c, const char *method, const char *path,
                       const char *body, unsigned status);
void house_expect(struct http_client *c, const char *method, const char *path, const char *body,
                  unsigned status, const char *code);
/* The text at list[i].key, which must be there. */
const char *house_text(const json_t *list, size_t i, const char *key);
char *house_path(int64_t id, const char *rest); /* /routing/v1/items/<id><rest> */
char *house_receipt(int64_t id, const char *hash, bool accepted);
/* Sends one receipt and says what became of it. */
const char *house_send(struct http_client *c, int64_t id, const char *hash, bool accepted);
/* What was sealed for application n: `sql` gives its hexadecimal digits; the caller frees. */
char *house_unseal(int n, const char *purpose, const char *sql);
long long house_audited(const char *action);           /* entries of ours */
long long house_audited_of(int n, const char *action); /* … that name application n */

#endif
