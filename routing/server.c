#include "routing/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "routing/endpoints.h"
#include "routing/redelivery.h"
#include "routing/route.h"

static const struct config_key routing_keys[] = {
    {.name = "address",
     .type = CONFIG_TEXT,
     .initial = "127.0.0.1:8444",
     .help = "Where the pull API listens, HOST:PORT; port 0 takes any free one."},
    {.name = "certificate", .type = CONFIG_PATH, .help = "The server's certificate chain, PEM."},
    {.name = "key", .type = CONFIG_PATH, .help = "Its private key, PEM."},
    {.name = "client-ca",
     .type = CONFIG_PATH,
     .help = "The CA, PEM, that client certificates must be issued under; which of them is whose "
             "stands in [destination NAME] peers."},
    {.name = "threads",
     .type = CONFIG_NUMBER,
     .initial = "4",
     .least = 1,
     .most = 64,
     .help = "Threads that serve requests."},
    {.name = "connections-most",
     .type = CONFIG_NUMBER,
     .initial = "256",
     .least = 1,
     .most = 10000,
     .help = "Connections at a time; more are turned away."},
    {.name = "connections-of-destination-most",
     .type = CONFIG_NUMBER,
     .initial = "64",
     .least = 1,
     .most = 10000,
     .help = "Connections of one destination at a time, so that none holds all of them."},
    {.name = "connections-of-address-most",
     .type = CONFIG_NUMBER,
     .initial = "64",
     .least = 1,
     .most = 10000,
     .help = "Connections of one address that have not shown (yet) which destination's they are."},
    {.name = "interval",
     .type = CONFIG_DURATION,
     .initial = "10s",
     .least = INSTANT_SECOND / 10,
     .most = 3600 * INSTANT_SECOND,
     .help = "Between two looks for applications to hand over, when no wake-up comes."},
    {.name = "wait-most",
     .type = CONFIG_DURATION,
     .initial = "60s",
     .least = INSTANT_SECOND,
     .most = 300 * INSTANT_SECOND,
     .help = "The longest that a list may wait for an item (long poll)."},
    {.name = "keep",
     .type = CONFIG_DURATION,
     .initial = "30d",
     .least = 0,
     .most = 3650 * INSTANT_DAY,
     .help = "How long an item that was accepted is kept, for its destination to ask for it again "
             "(redelivery)."},
    {.name = "business-id",
     .type = CONFIG_TEXT,
     .initial = "029",
     .help = "業務ID that scopes begin with."},
    {.name = "audience",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "What aud must say in a client's assertion; by default "
             "https://ADDRESS/routing/v1/token."},
    {.name = "token-life",
     .type = CONFIG_DURATION,
     .initial = "10min",
     .least = INSTANT_SECOND,
     .most = 3600 * INSTANT_SECOND,
     .help = "How long an access token is good."},
    {.name = "assertion-life-most",
     .type = CONFIG_DURATION,
     .initial = "5min",
     .least = INSTANT_SECOND,
     .most = 3600 * INSTANT_SECOND,
     .help = "How far ahead a client's assertion may expire."},
    {.name = "requests-most",
     .type = CONFIG_NUMBER,
     .initial = "500",
     .least = 0,
     .most = 1000000,
     .help = "Requests a second of one destination, on average; twice as many at once. 0: any."},
    {.name = "refusals-most",
     .type = CONFIG_NUMBER,
     .initial = "60",
     .least = 0,
     .most = 1000000,
     .help = "Requests from one address that are refused within a minute, until all of them are "
             "(429). 0: any."},
    {.name = "introspection-url",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "Where an external authorization server tells about tokens (RFC 7662), "
             "https://HOST/PATH; without, tokens are ours (/routing/v1/token)."},
    {.name = "introspection-ca",
     .type = CONFIG_PATH,
     .initial = "",
     .help = "The CA of its certificate, PEM."},
    {.name = "introspection-certificate",
     .type = CONFIG_PATH,
     .initial = "",
     .help = "Our client certificate there, PEM, if it wants one."},
    {.name = "introspection-key", .type = CONFIG_PATH, .initial = "", .help = "Its key, PEM."},
    {.name = "introspection-client-id",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "Our name there, if it wants HTTP Basic."},
    {.name = "introspection-secret",
     .type = CONFIG_PATH,
     .initial = "",
     .help = "File with the password that goes with it."},
};

const struct config_section routing_config_section = {
    .name = "routing",
    .help = "The pull API for business systems.",
    .keys = routing_keys,
    .key_count = sizeof routing_keys / sizeof routing_keys[0],
};

static const struct http_route routes[] = {
    {"GET", "/routing/v1/items", endpoint_items, 0},
    {"GET", "/routing/v1/items/{id}", endpoint_item, 0},
    {"GET", "/routing/v1/items/{id}/package", endpoint_package, 0},
    {"GET", "/routing/v1/items/{id}/bundle", endpoint_bundle, 0},
    {"POST", "/routing/v1/items/{id}/redeliver", endpoint_redeliver, 0},
    {"POST", "/routing/v1/claims", endpoint_claims, ROUTING_CLAIM_BODY},
    {"POST", "/routing/v1/claims/{claim}/renew", endpoint_claim_renew, ROUTING_CLAIM_BODY},
    {"DELETE", "/routing/v1/claims/{claim}", endpoint_claim_release, 0},
    {"GET", "/routing/v1/batch", endpoint_batch, 0},
    {"POST", "/routing/v1/token", endpoint_token, ROUTING_FORM_BODY},
    {"POST", "/routing/v1/introspect", endpoint_introspect, ROUTING_FORM_BODY},
    {"POST", "/routing/v1/receipts", endpoint_receipts, ROUTING_RECEIPTS_BODY},
    {"POST", "/routing/v1/outcomes", endpoint_outcomes, ROUTING_OUTCOMES_BODY},
};

struct routing_server {
    struct routing_context context;
    struct http_server *http;
    struct db_listener *listener;
    size_t channel_count;
    pthread_t waker;
    bool waker_runs;
    atomic_bool stopping;
};

/* --- waking those who wait -------------------------------------------------------------------- */

#define WAKER_PATIENCE (INSTANT_SECOND / 4) /* how long a stop may wait for us */
#define CHANNELS       2                    /* of one destination: outbox, redelivery */

/* --- forgetting what was accepted long ago ------------------------------------------------------
 */

#define SWEEP_INTERVAL (60 * INSTANT_SECOND)
#define SWEEP_MOST     1000 /* items of one transaction */

struct sweep {
    instant before;
    int64_t count;
};

static bool sweep_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct sweep *sweep = context;
    return redelivery_forget(tx, sweep->before, SWEEP_MOST, &sweep->count, f);
}

static void sweep_kept(struct routing_server *server)
{
    struct sweep sweep = {.count = SWEEP_MOST};
    instant keep = config_duration(config_group(server->context.options.config, "routing"), "keep");
    sweep.before = clock_now() - keep;
    while (sweep.count == SWEEP_MOST && !atomic_load(&server->stopping)) {
        struct failure f = {0};
        if (!db_transaction_relaxed(server->context.options.db, sweep_work, &sweep, &f)) {
            log_failure("routing.sweep", &f);
            return;
        }
    }
}

/* --- the waker ----------------------------------------------------------------------------------
 */

/* Until a claim ends; no destination needs more than a look a few times a second. */
static instant waker_patience(const struct routing_server *server)
{
    instant patience = WAKER_PATIENCE;
    const struct config_group *group = NULL;
    while ((group = config_next(server->context.options.config, "destination", group)))
        patience = claim_end_patience(
            access_client_named(server->context.access, config_name(group))->claim_end, patience);
    return patience;
}

/* `which` is NULL, or tells what came on the channels of each destination, in the order of the
 * file: something new, something again. */
static void waker_wake(struct routing_server *server, const bool *which)
{
    const struct config_group *group = NULL;
    for (size_t i = 0; (group = config_next(server->context.options.config, "destination", group));
         i += CHANNELS) {
        const char *name = config_name(group);
        const struct access_client *client = access_client_named(server->context.access, name);
        bool ended = claim_end_passed(client->claim_end);
        if (which && which[i + 1])
            floor_reset(client->floor);
        if (ended || (which && (which[i] || which[i + 1])))
            http_server_wake_topic(server->http, name);
    }
}

static void *waker_run(void *argument)
{
    struct routing_server *server = argument;
    int64_t next_sweep = 0;
    bool *which = memory_allocate(server->channel_count * sizeof *which);
    while (!atomic_load(&server->stopping) && !process_stopping()) {
        if (clock_monotonic() >= next_sweep) {
            sweep_kept(server);
            next_sweep = clock_monotonic() + SWEEP_INTERVAL;
        }
        bool any = db_listener_wait_which(server->listener, waker_patience(server), which);
        waker_wake(server, any ? which : NULL);
    }
    free(which);
    return NULL;
}

static bool waker_start(struct routing_server *server, struct failure *f)
{
    if (pthread_create(&server->waker, NULL, waker_run, server) != 0)
        return failure_set(f, FAILURE_SYSTEM, "can't start a thread for the routing server");
    server->waker_runs = true;
    return true;
}

static bool listen_for_items(struct routing_server *server, struct failure *f)
{
    const struct routing_options *options = &server->context.options;
    const struct config_group *group = NULL;
    size_t count = 0;
    while ((group = config_next(options->config, "destination", group)))
        count++;
    if (count == 0)
        return failure_set(f, FAILURE_USAGE,
                           "no [destination NAME] is configured: nobody could pull anything");
    server->channel_count = count * CHANNELS;
    char(*texts)[OUTBOX_CHANNEL] = memory_allocate(server->channel_count * sizeof *texts);
    const char **channels = memory_allocate(server->channel_count * sizeof *channels);
    for (size_t i = 0; i < server->channel_count; i += CHANNELS) {
        group = config_next(options->config, "destination", group);
        channels[i] = outbox_channel(config_name(group), texts[i]);
        channels[i + 1] = redelivery_channel(config_name(group), texts[i + 1]);
    }
    bool done = db_listen(options->db, channels, server->channel_count, &server->listener, f);
    free(channels);
    free(texts);
    return done;
}

/* --- the server ------------------------------------------------------------------------------- */

static const char *owner_of(void *context, const char *fingerprint)
{
    const struct routing_context *routing = context;
    const struct access_client *client = access_client_of_peer(routing->access, fingerprint);
    return client ? client->destination : NULL;
}

static bool http_start(struct routing_server *server, struct failure *f)
{
    const struct config_group *group = config_group(server->context.options.config, "routing");
    struct http_server_options options = {
        .address = config_text(group, "address"),
        .tls_certificate = config_text(group, "certificate"),
        .tls_key = config_text(group, "key"),
        .tls_client_ca = config_text(group, "client-ca"),
        .threads = (unsigned)config_number(group, "threads"),
        .connections_most = (unsigned)config_number(group, "connections-most"),
        .connections_of_owner_most =
            (unsigned)config_number(group, "connections-of-destination-most"),
        .connections_of_address_most =
            (unsigned)config_number(group, "connections-of-address-most"),
        .owner_of = owner_of,
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .context = &server->context,
    };
    if (!http_server_start(&options, &server->http, f))
        return false;
    access_set_port(server->context.access, http_server_port(server->http));
    return true;
}

bool routing_server_start(const struct routing_options *options, struct routing_server **ret_server,
                          struct failure *f)
{
    if (!config_require(options->config, "routing", f) || !routes_check(options->config, f))
        return false;
    struct routing_server *server = memory_allocate(sizeof *server);
    const struct config_group *group = config_group(options->config, "routing");
    server->context =
        (struct routing_context){.options = *options,
                                 .wait_most = config_duration(group, "wait-most"),
                                 .token_life = config_duration(group, "token-life"),
                                 .assertion_life = config_duration(group, "assertion-life-most")};
    if (!access_open(&server->context.options, &server->context.access, f) ||
        !listen_for_items(server, f) || !http_start(server, f) || !waker_start(server, f)) {
        routing_server_stop(server);
        return false;
    }
    *ret_server = server;
    return true;
}

unsigned routing_server_port(const struct routing_server *server)
{
    return http_server_port(server->http);
}

void routing_server_stop(struct routing_server *server)
{
    atomic_store(&server->stopping, true);
    if (server->waker_runs)
        pthread_join(server->waker, NULL);
    if (server->http)
        http_server_stop(server->http);
    if (server->listener)
        db_listener_close(server->listener);
    access_close(server->context.access);
    free(server);
}
