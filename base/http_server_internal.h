/* What the sources of the HTTP server share; nobody else includes it. */
#ifndef UKETSUKE_BASE_HTTP_SERVER_INTERNAL_H
#define UKETSUKE_BASE_HTTP_SERVER_INTERNAL_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/http_server.h"

enum {
    HTTP_SEGMENTS_MOST = 16,          /* of a path */
    HTTP_QUERIES_MOST = 32,           /* arguments */
    HTTP_HEADERS_MOST = 16,           /* that a handler adds to its reply */
    HTTP_LINE_MEMORY = 32 * 1024,     /* request line and headers of one connection, bytes */
    HTTP_DISCARD_MOST = 64 * 1024,    /* of a body that nobody will read */
    HTTP_SLOWEST = 16 * 1024,         /* bytes a second: a peer slower than this is cut off */
    HTTP_TLS_FILE_MOST = 1024 * 1024, /* certificate, key or CA file, bytes */
};

struct http_pair {
    char *name;
    char *value;
};

/* One TCP connection, from accept to close. `deadline` is when the peer must have moved on: sent
 * its header, its body, or read its reply; 0 while it is our turn. libmicrohttpd's own time-out
 * starts again with every byte, so that one byte a second would hold a connection for ever. */
struct http_connection {
    struct http_server *server;
    int fd;
    _Atomic int64_t deadline; /* clock_monotonic */
    bool asked;               /* a request began */
    const char *owner;        /* whose its certificate is; NULL: nobody's, or not known yet */
    const char *refused;      /* why it never gets to ask; NULL: it may, or showed no certificate */
    char peer[65];            /* "" until asked for */
    char address[64];
    struct http_connection *previous, *next;
};

struct http_request {
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    char id[17];
    const char *method;
    char *uri; /* as it came, undecoded */
    char *segments[HTTP_SEGMENTS_MOST];
    size_t segment_count;
    struct http_pair queries[HTTP_QUERIES_MOST], fields[HTTP_QUERIES_MOST];
    size_t query_count, field_count;
    const struct http_route *route;
    int64_t started;

    bool begun;    /* the header was looked at */
    bool discard;  /* a reply is ready, the rest of the body is thrown away */
    bool running;  /* it was handed to the workers: counted in server->running */
    bool answered; /* the handler has made its reply */
    struct buffer body;
    size_t body_seen;

    void *kept;
    void (*release)(void *);

    struct http_pair headers[HTTP_HEADERS_MOST];
    size_t header_count;
    struct MHD_Response *response;
    unsigned status;
    size_t response_size;

    bool compress;      /* the handler allows it */
    instant patience;   /* of the wait that was asked for */
    const void *topic;  /* it waits for; NULL: none */
    int64_t wait_until; /* clock_monotonic; 0: did not wait yet */
    uint64_t seen;      /* server->wakes when the handler began */
    bool waiting, expired;
    struct http_request *previous, *next; /* in server->waiting, or next in server->work */
};

struct http_server {
    struct MHD_Daemon *daemon;
    const struct http_route *routes;
    size_t route_count;
    void *context;
    instant timeout;
    bool tls, client_certificates;
    unsigned of_owner_most, of_address_most; /* connections; 0: any number */
    const char *(*owner_of)(void *context, const char *fingerprint);
    int listen_fd;
    unsigned port;
    char *unix_path;

    pthread_t timer;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* for the timer: something earlier came, or stopping */
    pthread_cond_t idle;    /* for stop: running is 0 */
    uint64_t wakes;
    struct http_request *waiting;
    struct http_connection *connections;
    int64_t timer_until; /* when the timer wakes by itself */
    size_t running;
    bool stopping;
    bool timer_ends;

    pthread_t *workers;
    unsigned worker_count;
    pthread_cond_t work_came;
    struct http_request *work, *work_last; /* the oldest, the newest */
    bool work_ends;
    void *owned; /* freed with the server (the admin socket's context) */
};

/* http_server_listen.c: a listening socket; loopback or unix tells whether plain HTTP is allowed */
struct http_listen {
    int fd;
    unsigned port;
    bool local;
    char *unix_path; /* owned; NULL */
};
bool http_listen(const char *address, struct http_listen *ret_listen, struct failure *f);
void http_peer_address(const struct sockaddr *address, char *text, size_t size);

/* http_server_tls.c */
struct http_tls { /* PEM texts; free with http_tls_free */
    char *certificate, *key, *client_ca;
};
bool http_tls_load(const struct http_server_options *options, struct http_tls *ret_tls,
                   struct failure *f);
void http_tls_free(struct http_tls *tls);
/* Before the handshake: no certificate, or one that does not verify, ends it. */
void http_tls_demand(gnutls_session_t session, struct http_connection *connection);
bool http_tls_peer(gnutls_session_t session, char ret_fingerprint[65]);

/* http_server_work.c: the threads that run handlers. Those of libmicrohttpd only read and write, so
 * that no request waits for another one's handler because their connections share a thread: it
 * gives all that come while it is idle to the same. */
bool http_work_start(struct http_server *server, struct failure *f);
/* Until all is answered that was handed over. */
void http_work_stop(struct http_server *server);
/* The request is there whole: suspends its connection until a worker has the reply. */
enum MHD_Result http_work_begin(struct http_request *request);
/* It has waited long enough. Under the lock; so is its connection suspended. */
void http_work_add(struct http_request *request);

/* http_server_wait.c: the timer thread, waiting requests, deadlines of connections */
bool http_timer_start(struct http_server *server, struct failure *f);
void http_timer_stop(struct http_server *server);
/* Cuts it off when its address has too many. */
void http_connection_add(struct http_server *server, struct http_connection *connection);
/* Whose it is; false (and why is noted) when they have too many. */
bool http_connection_own(struct http_connection *connection, const char *owner);
void http_connection_remove(struct http_connection *connection);
/* The peer has the configured time-out plus what `bytes` take at the slowest rate; from now. */
void http_connection_hurry(struct http_connection *connection, uint64_t bytes);
/* True when it waits, and is no more the caller's; false: run the handler again at once. */
bool http_wait_begin(struct http_request *request);
void http_wait_forget(struct http_request *request);
void http_wait_stop(struct http_server *server); /* all expire, nobody waits any more */

/* http_server_request.c */
struct http_request *http_request_new(struct http_server *server, struct MHD_Connection *mhd,
                                      const char *uri);
void http_request_free(struct http_request *request);
/* Decodes path and query, finds the route. False after making an error reply. */
bool http_request_route(struct http_request *request, const char *method);
/* Strict percent-decoding: no NUL, valid UTF-8; `plus` means space in a query. NULL: refused. */
char *http_unescape(const char *text, size_t length, bool plus);

/* http_server_reply.c */
enum MHD_Result http_reply_queue(struct http_request *request);

#endif
