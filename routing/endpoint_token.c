/* POST /routing/v1/token: OAuth 2.0 client credentials (RFC 6749 §4.4) by client_secret_jwt
 * (RFC 7523 §2.2). The answer's errors are those of RFC 6749 §5.2, beside ours. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jws.h"
#include "base/log.h"
#include "routing/assertion.h"
#include "routing/endpoints.h"

struct asking {
    const struct routing_context *context;
    const struct access_client *client;
    struct token_request request;
    char terminal[160], actor[64];
    bool replayed;
    char text[TOKEN_TEXT];
};

static enum http_flow refuse(const struct routing_context *context, struct http_request *request,
                             const char *reason, const char *error, const char *text)
{
    bool client = strcmp(error, "invalid_client") == 0;
    const char *code = client ? "E0103" : "E0002";
    routing_note_refusal(context, request, reason);
    return http_reply_json(
        request, client ? 401 : 400,
        json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s}], s:s}", "error", error, "error_description",
                  text, "title", client ? "Not authenticated" : "Bad request", "detail", text,
                  "errors", "code", code, "message", text, "request_id", http_request_id(request)));
}

/* --- the request --------------------------------------------------------------------------------
 */

static bool field_is(struct http_request *request, const char *name, const char *expected)
{
    const char *value = http_request_field(request, name);
    return value && strcmp(value, expected) == 0;
}

/* The claims, when one of the client's secrets signed them (new reference); the token is that
 * secret's. */
static json_t *read_signed(struct asking *a, const char *assertion)
{
    json_t *claims = NULL;
    for (size_t i = 0; assertion && !claims && i < ACCESS_SECRETS; i++) {
        claims = jws_read(assertion, buffer_bytes(&a->client->secrets[i]));
        memcpy(a->request.token.secret, a->client->marks[i], TOKEN_SECRET);
    }
    return claims;
}

/* The claims of an assertion that this client signed (new reference); NULL after replying. */
static json_t *read_claims(struct asking *a, struct http_request *request)
{
    const char *assertion = http_request_field(request, "client_assertion");
    const char *client_id = http_request_field(request, "client_id");
    json_t *claims = read_signed(a, assertion);
    if (claims && (!client_id || strcmp(client_id, a->client->client_id) == 0))
        return claims;
    json_decref(claims);
    refuse(a->context, request, "assertion-signature", "invalid_client",
           "The client assertion is not one of this client.");
    return NULL;
}

static bool read_scopes(struct asking *a, struct http_request *request)
{
    const char *scope = http_request_field(request, "scope");
    routing_scopes *wanted = &a->request.token.scopes;
    *wanted = a->client->scopes;
    if (!scope || (scopes_parse(scope, a->request.business_id, wanted) && *wanted &&
                   (*wanted & ~a->client->scopes) == 0))
        return true;
    refuse(a->context, request, "scope-refused", "invalid_scope",
           "The scope is unknown, or not yours.");
    return false;
}

/* *ret_claims holds what the request borrows. */
static bool read_request(struct asking *a, struct http_request *request, json_t **ret_claims)
{
    const char *why;
    struct token *token = &a->request.token;
    if (!field_is(request, "grant_type", "client_credentials")) {
        refuse(a->context, request, "grant-unsupported", "unsupported_grant_type",
               "grant_type must be client_credentials.");
        return false;
    }
    if (!field_is(request, "client_assertion_type", ASSERTION_TYPE)) {
        refuse(a->context, request, "assertion-missing", "invalid_client",
               "client_assertion_type must be " ASSERTION_TYPE ".");
        return false;
    }
    const struct assertion_rule rule = {.client_id = a->client->client_id,
                                        .audience = access_audience(a->context->access),
                                        .life_most = a->context->assertion_life,
                                        .now = clock_now()};
    if (!(*ret_claims = read_claims(a, request)))
        return false;
    if (!assertion_check(*ret_claims, &rule, &a->request.jti, &a->request.assertion_expires_at,
                         &why)) {
        char text[96]; /* it is signed by who asks: they may know */
        snprintf(text, sizeof text, "The client assertion does not hold (%s).", why);
        refuse(a->context, request, why, "invalid_client", text);
        return false;
    }
    snprintf(token->destination, sizeof token->destination, "%s", a->client->destination);
    snprintf(token->client_id, sizeof token->client_id, "%s", a->client->client_id);
    snprintf(token->peer, sizeof token->peer, "%s", http_request_peer(request));
    token->issued_at = rule.now;
    token->expires_at = rule.now + a->context->token_life;
    return read_scopes(a, request);
}

/* --- the token ----------------------------------------------------------------------------------
 */

static bool issue_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct asking *a = context;
    const struct audit_entry entry = {.action = "token.issued",
                                      .actor = a->actor,
                                      .terminal = a->terminal,
                                      .city_code = a->request.city_code};
    return token_issue(tx, &a->request, &a->replayed, a->text, f) &&
           (a->replayed || audit_append(tx, ROUTING_CHAIN, &entry, 1, f));
}

static enum http_flow issue(struct asking *a, struct http_request *request)
{
    struct failure f = {0};
    char scopes[SCOPES_TEXT];
    if (!db_transaction(a->context->options.db, issue_work, a, &f))
        return routing_reply_failure(request, &f);
    if (a->replayed)
        return refuse(a->context, request, "assertion-replayed", "invalid_client",
                      "The client assertion was used before.");
    const struct token *token = &a->request.token;
    json_int_t life = (token->expires_at - token->issued_at) / INSTANT_SECOND;
    http_reply_header(request, "Pragma", "no-cache");
    return http_reply_json(request, 200,
                           json_pack("{s:s, s:s, s:I, s:s}", "access_token", a->text, "token_type",
                                     "Bearer", "expires_in", life, "scope",
                                     scopes_text(token->scopes, a->request.business_id, scopes)));
}

enum http_flow endpoint_token(struct http_request *request, void *context)
{
    struct asking a = {.context = context};
    _cleanup_(cleanup_json) json_t *claims = NULL;
    if (!(a.client = routing_client(context, request)) || !http_request_form(request))
        return HTTP_DONE;
    if (!a.client->needs_token || !a.client->secrets[0].length ||
        !access_issues_tokens(a.context->access))
        return refuse(context, request, "token-not-ours", "unauthorized_client",
                      "This destination gets no tokens here.");
    a.request.city_code = a.context->options.city_code;
    a.request.business_id = access_business_id(a.context->access);
    snprintf(a.actor, sizeof a.actor, "business:%s", a.client->destination);
    snprintf(a.terminal, sizeof a.terminal, "%s %s", http_request_address(request),
             http_request_peer(request));
    return read_request(&a, request, &claims) ? issue(&a, request) : HTTP_DONE;
}
