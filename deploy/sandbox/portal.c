/* `uketsuke-sandbox portal`: the national portal as a city sees it. */
#include "deploy/sandbox/portal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "deploy/sandbox/portal_site.h"
#include "deploy/sandbox/sandbox.h"

struct portal_options {
    const char *state, *address, *certificate, *key, *client_ca, *arrivals, *site;
    struct site_options of_site;
};

static void help(FILE *out)
{
    fputs("usage: uketsuke-sandbox portal --state DIR --address A --certificate PEM --key PEM\n"
          "                               --client-ca PEM [--arrivals-address A]\n"
          "                               [--site-address A --pages DIR --services JSON --cards "
          "DIR]\n\n"
          "The portal as a city sees it (docs/api/portal.yaml), over TLS, with client\n"
          "certificates under the CA of --client-ca. Everything it was ever told lies in DIR.\n\n"
          "  --arrivals-address A  the residents' side, plain HTTP on this machine, e.g.\n"
          "                        127.0.0.1:18442:\n"
          "    PUT /arrivals/RECEIPT-NUMBER  an application arrives; the body is the 申請ZIP;\n"
          "        X-City-Code, X-Procedure-Id, X-Form-Version, X-Applied-At (default: now);\n"
          "        X-Sandbox-Fault: wrong-bytes, status-500, empty or garbage-json makes its\n"
          "        downloads misbehave, with ;times=N the first N of them;\n"
          "        X-Corrects: the receipt number that it takes the place of (訂正)\n"
          "    POST /arrivals/RECEIPT-NUMBER/withdrawal  the resident withdraws it (取下げ)\n"
          "    GET /arrivals/RECEIPT-NUMBER  what the resident sees\n"
          "    GET /arrivals                 all; cursor and limit\n\n"
          "  --site-address A      the residents' web site, plain HTTP on this machine:\n"
          "    --pages DIR         its pages (deploy/sandbox/site/build makes them)\n"
          "    --services JSON     what can be applied for: uketsuke forms describe --all\n"
          "    --cards DIR         test My Number cards: uketsuke-sandbox town cards\n\n"
          "example: uketsuke-sandbox portal --state portal --address 127.0.0.1:18440 \\\n"
          "           --certificate pki/portal.pem --key pki/portal.key --client-ca pki/ca.pem \\\n"
          "           --arrivals-address 127.0.0.1:18442\n\n"
          "Exit: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong usage.\n",
          out);
}

static bool start_city(struct portal_world *world, const struct portal_options *options,
                       struct http_server **ret_server, struct failure *f)
{
    struct http_server_options server = {
        .address = options->address,
        .tls_certificate = options->certificate,
        .tls_key = options->key,
        .tls_client_ca = options->client_ca,
        .routes = portal_city_routes,
        .route_count = portal_city_route_count,
        .context = world,
    };
    return http_server_start(&server, ret_server, f);
}

static bool start_arrivals(struct portal_world *world, const struct portal_options *options,
                           struct http_server **ret_server, struct failure *f)
{
    struct http_server_options server = {
        .address = options->arrivals,
        .routes = portal_arrival_routes,
        .route_count = portal_arrival_route_count,
        .context = world,
    };
    return !options->arrivals || http_server_start(&server, ret_server, f);
}

static bool start_site(struct portal_site *site, const struct portal_options *options,
                       struct http_server **ret_server, struct failure *f)
{
    struct http_server_options server = {
        .address = options->site,
        .routes = portal_site_routes,
        .route_count = portal_site_route_count,
        .context = site,
    };
    return http_server_start(&server, ret_server, f);
}

static bool serve(const struct portal_options *options, struct failure *f)
{
    struct portal_world *world = memory_allocate(sizeof *world);
    struct http_server *city = NULL, *arrivals = NULL, *pages = NULL;
    struct portal_site *site = NULL;
    pthread_mutex_init(&world->mutex, NULL);
    bool good = portal_store_open(options->state, &world->store, f) &&
                start_city(world, options, &city, f) &&
                start_arrivals(world, options, &arrivals, f) &&
                (!options->site || (portal_site_open(&options->of_site, world->store, &site, f) &&
                                    start_site(site, options, &pages, f)));
    if (good) {
        printf("portal: the city's side on port %u, the residents' on port %u\n",
               http_server_port(city), arrivals ? http_server_port(arrivals) : 0);
        if (pages)
            printf("portal: the residents' site is http://127.0.0.1:%u/\n",
                   http_server_port(pages));
        fflush(stdout);
        while (process_sleep(3600 * INSTANT_SECOND))
            ;
    }
    http_server_stop(pages);
    http_server_stop(arrivals);
    http_server_stop(city);
    portal_site_close(site);
    portal_store_close(world->store);
    pthread_mutex_destroy(&world->mutex);
    free(world);
    return good;
}

static const struct option long_options[] = {
    {"state", required_argument, NULL, 's'},
    {"address", required_argument, NULL, 'a'},
    {"certificate", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {"client-ca", required_argument, NULL, 'C'},
    {"arrivals-address", required_argument, NULL, 'r'},
    {"site-address", required_argument, NULL, 'w'},
    {"pages", required_argument, NULL, 'p'},
    {"services", required_argument, NULL, 'S'},
    {"cards", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char **option_place(struct portal_options *options, int letter)
{
    switch (letter) {
    case 's':
        return &options->state;
    case 'a':
        return &options->address;
    case 'c':
        return &options->certificate;
    case 'k':
        return &options->key;
    case 'C':
        return &options->client_ca;
    case 'r':
        return &options->arrivals;
    case 'w':
        return &options->site;
    case 'p':
        return &options->of_site.pages;
    case 'S':
        return &options->of_site.services;
    case 'd':
        return &options->of_site.cards;
    default:
        return NULL;
    }
}

int sandbox_portal(int argc, char **argv)
{
    struct portal_options options = {0};
    for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        const char **place = option_place(&options, c);
        if (!place) {
            help(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
        *place = optarg;
    }
    if (optind != argc || !options.state || !options.address || !options.certificate ||
        !options.key || !options.client_ca ||
        (options.site &&
         (!options.of_site.pages || !options.of_site.services || !options.of_site.cards))) {
        help(stderr);
        return 2;
    }
    struct failure f = {0};
    options.of_site.state = options.state;
    process_catch_signals();
    log_open("sandbox-portal", LOG_LEVEL_INFO, false);
    if (serve(&options, &f))
        return 0;
    fprintf(stderr, "uketsuke-sandbox portal: %s\n", f.text);
    return 1;
}
