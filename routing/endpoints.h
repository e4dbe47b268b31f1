/* Within the pull API: what its endpoints share. Each endpoint is one file, endpoint_<name>.c. */
#ifndef UKETSUKE_ROUTING_ENDPOINTS_H
#define UKETSUKE_ROUTING_ENDPOINTS_H

#include "base/audit.h"
#include "base/http_server.h"
#include "base/metrics.h"
#include "routing/access.h"
#include "routing/body.h"
#include "routing/server.h"

#define ROUTING_LIST_MOST          500        /* items of one list */
#define ROUTING_BATCH_MOST         500        /* items of one batch, content included */
#define ROUTING_RECEIPTS_BODY      (4 << 20)  /* bytes of one request of receipts */
#define ROUTING_OUTCOMES_BODY      (4 << 20)  /* and of outcomes */
#define ROUTING_FORM_BODY          (16 << 10) /* and of a token */
#define ROUTING_CLAIM_BODY         1024       /* and of a claim */
#define ROUTING_CLAIM_SECONDS_MOST 3600       /* of one claim */
#define ROUTING_CHAIN              "routing"  /* audit chain */

http_handler endpoint_items, endpoint_item, endpoint_package, endpoint_batch, endpoint_receipts,
    endpoint_outcomes, endpoint_token, endpoint_introspect, endpoint_claims, endpoint_claim_renew,
    endpoint_claim_release, endpoint_redeliver, endpoint_bundle;

struct routing_context { /* what a handler gets */
    struct routing_options options;
    struct access *access;
    instant wait_most, token_life, assertion_life;
};

struct routing_caller { /* who asks */
    const struct access_client *client;
    const char *destination;
    char actor[64];     /* "business:child-allowance" */
    char terminal[160]; /* address and certificate */
    bool head; /* only looks (HEAD): nothing is delivered, so nothing is counted or noted */
};
/* Tells who asks by the client certificate; NULL after replying 401, 403 or 429. */
const struct access_client *routing_client(const struct routing_context *context,
                                           struct http_request *request);
/* The same, and whether they may: the token's scope, the rate. False after replying. */
bool routing_identify(const struct routing_context *context, struct http_request *request,
                      enum routing_scope scope, struct routing_caller *ret_caller);
/* Every refusal of who asks, or of what is not theirs: counted, logged as `reason` (a literal), and
 * too many of them from one address shut it out for a while. */
void routing_note_refusal(const struct routing_context *context, struct http_request *request,
                          const char *reason);
enum http_flow routing_refuse(const struct routing_context *context, struct http_request *request,
                              const char *reason, unsigned status, const char *code,
                              const char *text);
bool routing_address_allowed(const struct routing_context *context, struct http_request *request);
/* The path's {id}; false after replying 404. */
bool routing_item_id(const struct routing_context *context, struct http_request *request,
                     int64_t *ret_id);
enum http_flow routing_reply_not_found(const struct routing_context *context,
                                       struct http_request *request);
/* Logs the failure and answers 503 (try again) or 500. */
enum http_flow routing_reply_failure(struct http_request *request, const struct failure *f);

/* Until something comes for the destination, or the seconds are over: the handler runs again. */
enum http_flow routing_wait(struct http_request *request, const char *destination, int64_t seconds);

/* Takes back what may not leave any more (routing/recheck.h), before content is read. */
bool routing_recheck(const struct routing_context *context, const struct routing_caller *caller,
                     struct db_tx *tx, const int64_t *ids, size_t count, size_t *ret_taken_back,
                     struct failure *f);
/* Opens what was sealed for an application: "item" or "package". */
bool routing_unseal(const struct routing_context *context, const char *purpose,
                    const char *application_id, struct bytes wrapped_key, struct bytes sealed,
                    struct buffer *ret_plain, struct failure *f);

/* {"seconds"} of a claim. */
bool claim_read_seconds(const json_t *body, int64_t *ret_seconds, struct body_fault *fault);

/* Takes receipts, wherever they came from: outbox, problems, on_receipts, audit trail; in the
 * caller's transaction. */
struct receipts;
bool routing_receive(struct db_tx *tx, const struct routing_context *context,
                     const struct routing_caller *caller, struct receipts *receipts,
                     struct failure *f);

/* An entry of the audit trail about one item; detail is {"id": …} in `detail`. */
#define ROUTING_DETAIL 48
struct audit_entry routing_audit_entry(const struct routing_context *context,
                                       const struct routing_caller *caller, const char *action,
                                       const char *application_id, int64_t outbox_id,
                                       char detail[ROUTING_DETAIL]);

extern struct metric routing_delivered_metric; /* by kind: item, package, bundle */

#endif
