/* Within the pull API: what its endpoints share. Each endpoint is one file, endpoint_<name>.c. */
#ifndef UKETSUKE_ROUTING_ENDPOINTS_H
#define UKETSUKE_ROUTING_ENDPOINTS_H

#include "base/audit.h"
#include "base/http_server.h"
#include "base/metrics.h"
#include "routing/server.h"

#define ROUTING_LIST_MOST     500       /* items of one list */
#define ROUTING_BATCH_MOST    100       /* items of one batch, content included */
#define ROUTING_RECEIPTS_BODY (4 << 20) /* bytes of one request of receipts */
#define ROUTING_OUTCOMES_BODY (4 << 20) /* and of outcomes */
#define ROUTING_CHAIN         "routing" /* audit chain */

http_handler endpoint_items, endpoint_item, endpoint_package, endpoint_batch, endpoint_receipts,
    endpoint_outcomes;

struct routing_context { /* what a handler gets */
    struct routing_options options;
    instant wait_most;
};

struct routing_caller { /* who asks */
    const char *destination;
    char actor[64];     /* "business:child-allowance" */
    char terminal[160]; /* address and certificate */
};
/* Tells who asks by the client certificate. False after replying 401 or 403. */
bool routing_identify(const struct routing_context *context, struct http_request *request,
                      struct routing_caller *ret_caller);
/* The path's {id}; false after replying 404. */
bool routing_item_id(struct http_request *request, int64_t *ret_id);
enum http_flow routing_reply_not_found(struct http_request *request);
/* Logs the failure and answers 503 (try again) or 500. */
enum http_flow routing_reply_failure(struct http_request *request, const struct failure *f);

/* Opens what was sealed for an application: "item" or "package". */
bool routing_unseal(const struct routing_context *context, const char *purpose,
                    const char *application_id, struct bytes wrapped_key, struct bytes sealed,
                    struct buffer *ret_plain, struct failure *f);

/* An entry of the audit trail about one item; detail is {"id": …} in `detail`. */
#define ROUTING_DETAIL 48
struct audit_entry routing_audit_entry(const struct routing_context *context,
                                       const struct routing_caller *caller, const char *action,
                                       const char *application_id, int64_t outbox_id,
                                       char detail[ROUTING_DETAIL]);

extern struct metric routing_delivered_metric; /* by kind: item, package */

#endif
