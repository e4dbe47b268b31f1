/* One address of another server, as the configuration names it: with a client of its own, who we
 * are there (HTTP Basic, RFC 7617), and a breaker, so that a server that does not answer costs
 * nobody's patience again and again. One call at a time; thread-safe. */
#ifndef UKETSUKE_BASE_HTTP_SERVICE_H
#define UKETSUKE_BASE_HTTP_SERVICE_H

#include "base/http_client.h"

struct http_service;

struct http_service_options {      /* texts of the configuration; NULL or "": none */
    const char *what;              /* "authorization server", for messages */
    const char *setting, *url;     /* "[routing] introspection-url": https://HOST:PORT/PATH */
    const char *ca_file;           /* the only trust */
    const char *certificate, *key; /* ours */
    const char *client_id, *secret_file;
};

bool http_service_open(const struct http_service_options *options, struct http_service **ret,
                       struct failure *f);
void http_service_close(struct http_service *service); /* NULL: nothing */

/* POSTs the form (application/x-www-form-urlencoded), or GETs without one; within 5 s. True when an
 * answer came, of whatever status below 500; else FAILURE_NETWORK, at once while the breaker is
 * open. */
bool http_service_call(struct http_service *service, const char *form, struct http_answer *answer,
                       struct failure *f);

#endif
