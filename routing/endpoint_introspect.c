/* POST /routing/v1/introspect: what a token of one's own is good for (RFC 7662). Of another's, and
 * of one that there is not, nothing is told but that it is not active. */
#include "routing/endpoints.h"

static json_t *describe(const struct routing_context *context, const struct token *token)
{
    char scopes[SCOPES_TEXT], thumbprint[44];
    const char *business_id = access_business_id(context->access);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:{s:s}}", "active", true, "scope",
                     scopes_text(token->scopes, business_id, scopes), "client_id", token->client_id,
                     "sub", token->client_id, "token_type", "Bearer", "exp",
                     (json_int_t)(token->expires_at / INSTANT_SECOND), "iat",
                     (json_int_t)(token->issued_at / INSTANT_SECOND), "cnf", "x5t#S256",
                     thumbprint_text(token->peer, thumbprint));
}

enum http_flow endpoint_introspect(struct http_request *request, void *context)
{
    const struct routing_context *c = context;
    struct routing_caller caller;
    struct failure f = {0};
    struct token token;
    bool found;
    if (!routing_identify(c, request, SCOPE_TOKENS_READ, &caller) || !http_request_form(request))
        return HTTP_DONE;
    const char *text = http_request_field(request, "token");
    if (!text || *text == '\0')
        return http_reply_error(request, 400, "E0001", "token is required.");
    if (!access_token(c->access, text, &found, &token, &f))
        return routing_reply_failure(request, &f);
    bool active = found && access_token_stands(c->access, caller.client, &token) &&
                  token.expires_at > clock_now();
    token.scopes &= caller.client->scopes;
    return http_reply_json(request, 200,
                           active ? describe(c, &token) : json_pack("{s:b}", "active", false));
}
