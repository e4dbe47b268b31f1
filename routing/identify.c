/* Who asks, and may they? Every refusal has a name of its own in the log and the metrics. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "routing/endpoints.h"

static struct metric refusals_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_routing_refusals_total",
    .help = "Requests to the pull API that were refused, by why.",
    .label_name = "reason",
};

void routing_note_refusal(const struct routing_context *context, struct http_request *request,
                          const char *reason)
{
    const char *peer = http_request_peer(request);
    const struct access_client *client = access_client_of_peer(context->access, peer);
    metric_add(&refusals_metric, reason, 1);
    access_note_refusal(context->access, http_request_address(request));
    log_warning("routing.refused", log_text("reason", reason),
                log_text("request", http_request_id(request)),
                log_text("address", http_request_address(request)),
                log_text("destination", client ? client->destination : ""));
}

enum http_flow routing_refuse(const struct routing_context *context, struct http_request *request,
                              const char *reason, unsigned status, const char *code,
                              const char *text)
{
    routing_note_refusal(context, request, reason);
    return http_reply_error(request, status, code, "%s", text);
}

static bool refuse(const struct routing_context *context, struct http_request *request,
                   const char *reason, unsigned status, const char *code, const char *text)
{
    routing_refuse(context, request, reason, status, code, text);
    return false;
}

/* --- rates -------------------------------------------------------------------------------------
 */

static bool too_many(struct http_request *request, const char *reason, instant wait)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRId64, wait / INSTANT_SECOND + 1);
    http_reply_header(request, "Retry-After", seconds);
    metric_add(&refusals_metric, reason, 1);
    log_warning("routing.refused", log_text("reason", reason),
                log_text("request", http_request_id(request)),
                log_text("address", http_request_address(request)));
    http_reply_error(request, 429, "E0106", "Too many requests. Try again later.");
    return false;
}

bool routing_address_allowed(const struct routing_context *context, struct http_request *request)
{
    instant wait = 0;
    return access_address_allowed(context->access, http_request_address(request), &wait) ||
           too_many(request, "address-rate", wait);
}

static bool rate_allowed(const struct routing_context *context, struct http_request *request,
                         const struct access_client *client)
{
    instant wait = 0;
    return access_request_allowed(context->access, client->destination, &wait) ||
           too_many(request, "destination-rate", wait);
}

/* --- tokens: RFC 6750 --------------------------------------------------------------------------
 */

static bool refuse_token(const struct routing_context *context, struct http_request *request,
                         const char *reason, const char *text)
{
    http_reply_header(request, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return refuse(context, request, reason, 401, "E0103", text);
}

/* The token in "Authorization: Bearer …", and nowhere else; NULL. */
static const char *bearer_of(struct http_request *request)
{
    const char *header = http_request_header(request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7 + strspn(header + 7, " ");
    size_t length = strspn(header, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "-._~+/=");
    return length > 0 && length < 4096 && header[length] == '\0' ? header : NULL;
}

static bool token_good(const struct routing_context *context, struct http_request *request,
                       const struct access_client *client, const struct token *token,
                       enum routing_scope scope)
{
    if (strcmp(token->destination, client->destination) != 0)
        return refuse_token(context, request, "token-foreign", "This token is not yours.");
    if (!access_token_stands(context->access, client, token))
        return refuse_token(context, request, "token-withdrawn",
                            "The secret of this token was replaced: get a new one.");
    if (strcasecmp(token->peer, http_request_peer(request)) != 0)
        return refuse_token(context, request, "token-certificate",
                            "This token was made for another client certificate.");
    if (token->expires_at <= clock_now())
        return refuse_token(context, request, "token-expired",
                            "The token has expired: get a new one.");
    if (token->scopes & client->scopes & (1u << scope))
        return true;
    http_reply_header(request, "WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
    return refuse(context, request, "scope-missing", 403, "E0104",
                  "The token's scope does not cover this.");
}

static bool token_allows(const struct routing_context *context, struct http_request *request,
                         const struct access_client *client, enum routing_scope scope)
{
    struct failure f = {0};
    struct token token;
    bool found;
    const char *text = bearer_of(request);
    if (!text) {
        http_reply_header(request, "WWW-Authenticate", "Bearer");
        return refuse(context, request, "token-missing", 401, "E0103",
                      "An access token is required: Authorization: Bearer.");
    }
    if (!access_token(context->access, text, &found, &token, &f)) {
        routing_reply_failure(request, &f);
        return false;
    }
    if (!found)
        return refuse_token(context, request, "token-unknown", "There is no such token.");
    return token_good(context, request, client, &token, scope);
}

/* --- who ----------------------------------------------------------------------------------------
 */

const struct access_client *routing_client(const struct routing_context *context,
                                           struct http_request *request)
{
    const char *peer = http_request_peer(request);
    if (!routing_address_allowed(context, request))
        return NULL;
    if (!peer) {
        refuse(context, request, "certificate-missing", 401, "E0103",
               "A client certificate is required.");
        return NULL;
    }
    const struct access_client *client = access_client_of_peer(context->access, peer);
    if (!client)
        refuse(context, request, "certificate-unknown", 403, "E0104",
               "This client certificate belongs to no destination.");
    return client;
}

static bool allowed(const struct routing_context *context, struct http_request *request,
                    const struct access_client *client, enum routing_scope scope)
{
    if (http_request_resumed(request)) /* it was, when it began to wait */
        return true;
    return rate_allowed(context, request, client) &&
           (!client->needs_token || token_allows(context, request, client, scope));
}

bool routing_identify(const struct routing_context *context, struct http_request *request,
                      enum routing_scope scope, struct routing_caller *ret_caller)
{
    const struct access_client *client = routing_client(context, request);
    if (!client || !allowed(context, request, client, scope))
        return false;
    ret_caller->client = client;
    ret_caller->destination = client->destination;
    ret_caller->head = http_request_head(request);
    snprintf(ret_caller->actor, sizeof ret_caller->actor, "business:%s", client->destination);
    snprintf(ret_caller->terminal, sizeof ret_caller->terminal, "%s %s",
             http_request_address(request), http_request_peer(request));
    return true;
}
