/* Asks an external authorization server about a token (RFC 7662): [routing] introspection-…. */
#ifndef UKETSUKE_ROUTING_INTROSPECTION_H
#define UKETSUKE_ROUTING_INTROSPECTION_H

#include "base/config.h"
#include "base/http_service.h"
#include "routing/token.h"

/* *ret_introspection is NULL when [routing] introspection-url is not given; http_service_close. */
bool introspection_open(const struct config_group *group, struct http_service **ret_introspection,
                        struct failure *f);
/* *ret_found: it is active, tells whose it is and until when, and is bound to a certificate
 * (cnf, x5t#S256). The destination stays empty. Thread-safe; one question at a time. */
bool introspection_ask(struct http_service *introspection, const char *text,
                       const char *business_id, bool *ret_found, struct token *ret_token,
                       struct failure *f);

#endif
