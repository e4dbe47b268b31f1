/* The one HTTP client: libcurl with pinned trust, client certificate, time-outs and a bounded body.
 * TLS 1.2 or newer; no redirects, no proxies from the environment. Connections are kept alive; not
 * thread-safe. */
#ifndef UKETSUKE_BASE_HTTP_CLIENT_H
#define UKETSUKE_BASE_HTTP_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

struct http_client;

struct http_client_options {
    const char *base_url;    /* "https://localhost:8443"; no slash at the end */
    const char *ca_file;     /* the only trust; NULL for http:// on loopback */
    const char *certificate; /* client certificate and key, PEM; may be NULL */
    const char *key;
    instant connect_patience; /* 0: 10 s */
    instant patience;         /* whole request; 0: 30 s */
    bool plain;               /* http:// to other machines too: where what comes is signed itself */
};

bool http_client_open(const struct http_client_options *options, struct http_client **ret_client,
                      struct failure *f);
void http_client_close(struct http_client *client);

struct http_call {
    const char *method;
    const char *path;           /* with query, already escaped */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const char *content_type;   /* with a body */
    struct bytes body;
    size_t answer_most; /* a longer body breaks the transfer: FAILURE_LIMIT, so much is kept; 0: 1
                           MiB */
    instant patience;   /* 0: the client's */
};

struct http_answer { /* free with http_answer_free; {0} to begin */
    unsigned status;
    char content_type[128];
    char etag[128];
    char content_range[64]; /* of a 206 or 416 */
    struct buffer body;     /* appended to, and kept when the transfer breaks: resume with Range */
};

/* True when the whole answer came, whatever its status. FAILURE_NETWORK when the peer was not
 * reached or broke off, FAILURE_LIMIT when the answer was too long. */
bool http_client_call(struct http_client *client, const struct http_call *call,
                      struct http_answer *answer, struct failure *f);

struct http_exchange { /* one of many calls */
    struct http_call call;
    struct http_answer answer; /* {0} to begin */
    bool answered;             /* the whole of it came; else `failure` says why not … */
    bool timed_out;            /* … and whether for want of time */
    struct failure failure;
};
/* All of them, at most `parallel` (1 to 64) at a time, each on a connection of its own that is kept
 * alive. They have `patience` together (the calls' own does not count): those that it does not
 * reach have timed out. */
void http_client_call_all(struct http_client *client, struct http_exchange *exchanges, size_t count,
                          size_t parallel, instant patience);

void http_answer_free(struct http_answer *answer);
/* The body as JSON (new reference), or NULL with FAILURE_PEER that says what came instead. */
json_t *http_answer_json(const struct http_answer *answer, struct failure *f);
/* Path segments and query values: RFC 3986 unreserved characters stay, the rest becomes %XX. */
char *http_escape(const char *text);

#endif
