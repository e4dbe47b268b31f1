/* The one HTTP server: libmicrohttpd with TLS, client certificates, limits, request ids, JSON
 * errors, long poll. A module gives a table of routes; one endpoint is one handler.
 *
 * Errors have the form of the national API rules: {"title","detail","errors":[{"code","message"}],
 * "request_id"} with E0001 required, E0002 characters, E0003 length, E0004 combination, and our own
 * E01xx: E0100 not found, E0101 method, E0102 too large, E0103 not authenticated, E0104 not
 * allowed, E0105 conflict, E0106 too many requests, E0190 temporarily unavailable, E0199 internal.
 */
#ifndef UKETSUKE_BASE_HTTP_SERVER_H
#define UKETSUKE_BASE_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

struct http_server;
struct http_request;

enum http_flow {
    HTTP_DONE, /* a reply was queued */
    HTTP_WAIT, /* http_request_wait was called: the handler runs again on wake-up or deadline */
};

typedef enum http_flow http_handler(struct http_request *request, void *context);

struct http_route {
    const char *method; /* "GET" (answers HEAD too), "POST", "PUT" … */
    const char *path;   /* "/v1/items/{id}": a {name} matches one segment */
    http_handler *handle;
    size_t body_most; /* bytes; a longer body is refused with 413 before it is read whole */
};

struct http_server_options {
    const char *address; /* "127.0.0.1:8443", "[::1]:0" (0: any free port), "unix:/run/x.sock" */
    const char
        *tls_certificate; /* PEM chain file; NULL: no TLS (allowed on loopback and unix only) */
    const char *tls_key;
    const char *tls_client_ca; /* PEM; not NULL: a client certificate under it is demanded */
    unsigned threads;          /* that run handlers, at once; 0: 2 */
    unsigned connections_most; /* 0: 1024 */
    /* Where a client certificate is demanded, so that nobody holds all of them; 0: any number. Who
     * comes with one more is cut off before the handshake is over. */
    unsigned connections_of_owner_most;   /* of one owner of certificates, as owner_of tells */
    unsigned connections_of_address_most; /* of one address, and no owner's (yet) */
    /* Whose the certificate with this fingerprint is: the same pointer for all of one owner, good
     * as long as the server; NULL: nobody's. Called by any thread. */
    const char *(*owner_of)(void *context, const char *fingerprint);
    instant timeout; /* idle and slow connections; 0: 30 s. Waiting requests are exempt */
    const struct http_route *routes;
    size_t route_count;
    void *context; /* handed to every handler */
};

bool http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                       struct failure *f);
/* Stops listening, wakes all who wait (http_request_expired is true for them), waits for handlers.
 */
void http_server_stop(struct http_server *server);
/* The port it listens on (for ":0"); 0 for a unix socket. */
unsigned http_server_port(const struct http_server *server);
/* Wakes all waiting requests, or those that wait for the topic (http_request_wait_for); from any
 * thread. */
void http_server_wake(struct http_server *server);
void http_server_wake_topic(struct http_server *server, const void *topic);

/* --- the request ------------------------------------------------------------------------------ */

struct http_server *http_request_server(const struct http_request *request); /* to wake it by */
const char *http_request_id(const struct http_request *request);        /* 16 hexadecimal digits */
http_handler *http_request_handler(const struct http_request *request); /* of the route it took */
const char *http_request_parameter(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name); /* or NULL */
/* A decimal query argument within bounds; `initial` when absent; false after replying 400 E0002. */
bool http_request_query_number(struct http_request *request, const char *name, int64_t least,
                               int64_t most, int64_t initial, int64_t *ret_number);
const char *http_request_header(const struct http_request *request, const char *name); /* or NULL */
/* Neither GET nor HEAD. */
bool http_request_changes(const struct http_request *request);
/* HEAD: what a GET would answer, without its body and (RFC 9110, section 9.2.1) without its effect.
 */
bool http_request_head(const struct http_request *request);
struct bytes http_request_body(const struct http_request *request);
/* Parsed JSON body (object or array; no duplicate keys), new reference; NULL after replying 400. */
json_t *http_request_json(struct http_request *request);
/* A field of a body in application/x-www-form-urlencoded, once http_request_form was true. */
bool http_request_form(struct http_request *request); /* false after replying 400 */
const char *http_request_field(const struct http_request *request, const char *name); /* or NULL */
/* SHA-256 of the client certificate's DER, 64 hexadecimal digits; NULL without one. */
const char *http_request_peer(const struct http_request *request);
const char *http_request_address(const struct http_request *request); /* "127.0.0.1" */
/* A slot of the handler's own that stays through waits; freed with `release` at the end. */
void http_request_keep(struct http_request *request, void *state, void (*release)(void *));
void *http_request_kept(const struct http_request *request);

/* --- the reply: exactly one of these before HTTP_DONE ------------------------------------------
 */

void http_reply_header(struct http_request *request, const char *name,
                       const char *value); /* first */
enum http_flow http_reply_json(struct http_request *request, unsigned status, json_t *stolen);
enum http_flow http_reply_bytes(struct http_request *request, unsigned status,
                                const char *content_type, struct bytes copied);
/* The same without a copy: the buffer is empty then. */
enum http_flow http_reply_buffer(struct http_request *request, unsigned status,
                                 const char *content_type, struct buffer *taken);
/* 200, or 206 / 416 by the request's Range (one range of bytes), with ETag "<etag>". */
enum http_flow http_reply_range(struct http_request *request, const char *content_type,
                                const char *etag, struct bytes copied);
/* True after replying 304, when the request's If-None-Match has the ETag "<etag>"; sets the header
 * ETag otherwise. */
bool http_reply_unchanged(struct http_request *request, const char *etag);
/* What follows may go compressed (gzip), when the peer takes that and it is worth it. Not for what
 * has an ETag. */
void http_reply_compress(struct http_request *request);
enum http_flow http_reply_error(struct http_request *request, unsigned status, const char *code,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- long poll -------------------------------------------------------------------------------- */

/* `return http_request_wait(request, seconds)`: the deadline counts from the first wait. */
enum http_flow http_request_wait(struct http_request *request, instant patience);
/* The same; woken by http_server_wake_topic for `topic` (compared as a pointer), too. */
enum http_flow http_request_wait_for(struct http_request *request, instant patience,
                                     const void *topic);
bool http_request_expired(const struct http_request *request); /* deadline over, or stopping */
bool http_request_resumed(const struct http_request *request); /* the handler ran before */

/* --- the admin socket ------------------------------------------------------------------------- */

/* GET /healthz (200 {"status":"ok"} or 503 with what is wrong) and GET /metrics. */
bool http_admin_start(const char *address, bool (*healthy)(void *context, struct failure *f),
                      void *context, struct http_server **ret_server, struct failure *f);

#endif
