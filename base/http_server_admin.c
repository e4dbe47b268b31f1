/* The admin socket: is it well, and what has it counted. */
#include "base/http_server_internal.h"
#include "base/metrics.h"

struct admin {
    bool (*healthy)(void *context, struct failure *f);
    void *context;
};

static enum http_flow get_health(struct http_request *request, void *context)
{
    const struct admin *admin = context;
    struct failure f = {0};
    if (!admin->healthy || admin->healthy(admin->context, &f))
        return http_reply_json(request, 200, json_pack("{s:s}", "status", "ok"));
    return http_reply_json(request, 503,
                           json_pack("{s:s, s:s, s:s}", "status", "failing", "kind",
                                     failure_kind_name(f.kind), "detail", f.text));
}

static enum http_flow get_metrics(struct http_request *request, void *context)
{
    (void)context;
    struct buffer text = {0};
    metrics_write(&text);
    http_reply_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_bytes(&text));
    buffer_free(&text);
    return HTTP_DONE;
}

static const struct http_route routes[] = {
    {"GET", "/healthz", get_health, 0},
    {"GET", "/metrics", get_metrics, 0},
};

bool http_admin_start(const char *address, bool (*healthy)(void *context, struct failure *f),
                      void *context, struct http_server **ret_server, struct failure *f)
{
    struct admin *admin = memory_allocate(sizeof *admin);
    *admin = (struct admin){healthy, context};
    struct http_server_options options = {
        .address = address,
        .threads = 1,
        .connections_most = 32,
        .timeout = 10 * INSTANT_SECOND,
        .routes = routes,
        .route_count = sizeof routes / sizeof *routes,
        .context = admin,
    };
    struct http_server *server;
    if (!http_server_start(&options, &server, f)) {
        free(admin);
        return false;
    }
    server->owned = admin;
    *ret_server = server;
    return true;
}
