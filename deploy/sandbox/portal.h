/* The two sides of the sandbox portal: the city's API (docs/api/portal.yaml) and the residents'
 * arrivals. */
#ifndef UKETSUKE_SANDBOX_PORTAL_H
#define UKETSUKE_SANDBOX_PORTAL_H

#include <pthread.h>

#include "base/http_server.h"
#include "deploy/sandbox/portal_store.h"

enum { PORTAL_TOKENS = 256, PORTAL_TOKEN_SECONDS = 3600, PORTAL_PAGE_MOST = 1000 };

struct portal_token {
    char text[33];
    char peer[65]; /* a token is good for the certificate that it was given to */
    int64_t until; /* clock_monotonic */
};

struct portal_world {
    struct portal_store *store;
    pthread_mutex_t mutex; /* of the tokens */
    struct portal_token tokens[PORTAL_TOKENS];
    size_t next_token;
};

extern const struct http_route portal_city_routes[];
extern const size_t portal_city_route_count;
extern const struct http_route portal_arrival_routes[];
extern const size_t portal_arrival_route_count;

/* 500 E0199 and a line on standard error. */
enum http_flow portal_broken(struct http_request *request, const struct failure *f);
json_t *portal_history_json(const struct portal_arrival *arrival);
/* cursor and limit of a list; false after replying. */
bool portal_page(struct http_request *request, size_t *ret_from, size_t *ret_limit);
json_t *portal_cursor_json(size_t next);

#endif
