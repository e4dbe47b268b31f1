/* `uketsuke-sandbox business`: the made-up child-allowance system. */
#include "deploy/sandbox/business.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "deploy/sandbox/sandbox.h"

static const char usage[] =
    "usage: uketsuke-sandbox business --name NAME --routing URL --ca FILE --certificate FILE\n"
    "                                 --key FILE --store DIR [--once] [--batch N]\n"
    "                                 [--client-id ID --client-secret FILE]\n"
    "       uketsuke-sandbox business report --store DIR [--json]\n\n"
    "A made-up business system. Pulls what waits for it at the routing API, checks each item,\n"
    "stores it durably in DIR and only then sends receipts. Killed at any moment, it goes on "
    "where\n"
    "it was: what it stored it stores never twice, and receipts that may be missing are sent\n"
    "again.\n\n"
    "  --name NAME         what it calls itself in its log, e.g. child-allowance\n"
    "  --routing URL       https://HOST:PORT of the routing API\n"
    "  --ca FILE           the CA of its server certificate, PEM\n"
    "  --certificate FILE  our client certificate, PEM; --key FILE its key\n"
    "  --client-id ID      our OAuth client, where the certificate is not enough;\n"
    "  --client-secret FILE  the secret that signs its assertions\n"
    "  --store DIR         where items are kept\n"
    "  --once              stop when nothing waits any more\n"
    "  --batch N           items a page, 1 to 100 (100)\n\n"
    "report tells what is in the store: counts, duplicates (must be 0), receipt numbers.\n"
    "Exit code: 0 done, 1 (report) the store has duplicates or damage, 3 failure, 64 usage.\n";

enum { DONE = 0, NOT_SOUND = 1, FAILED = 3, USAGE = 64 };

struct options {
    const char *name, *routing, *ca, *certificate, *key, *store, *client_id, *client_secret;
    bool once, json;
    int64_t batch;
};

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"name", required_argument, NULL, 'n'},
                                          {"routing", required_argument, NULL, 'r'},
                                          {"ca", required_argument, NULL, 'a'},
                                          {"certificate", required_argument, NULL, 'c'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"store", required_argument, NULL, 's'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"client-id", required_argument, NULL, 'i'},
                                          {"client-secret", required_argument, NULL, 'p'},
                                          {0}};
    const char **texts[] = {
        ['n'] = &options->name,        ['r'] = &options->routing,      ['a'] = &options->ca,
        ['c'] = &options->certificate, ['k'] = &options->key,          ['s'] = &options->store,
        ['i'] = &options->client_id,   ['p'] = &options->client_secret};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (c == 'o')
            options->once = true;
        else if (c == 'j')
            options->json = true;
        else if (c == 'b' && !number_parse(optarg, 1, 100, &options->batch))
            return false;
        else if (c == '?')
            return false;
        else if (c != 'b')
            *texts[c] = optarg;
    return optind == argc && options->store;
}

static int fail(const struct failure *f)
{
    fprintf(stderr, "uketsuke-sandbox business: %s\n", f->text);
    return FAILED;
}

/* --- report ----------------------------------------------------------------------------------- */

static json_t *report_json(const struct business_store *store)
{
    json_t *accepted = json_array(), *rejected = json_array();
    size_t receipted = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct business_item *item = &store->items[i];
        json_array_append_new(item->accepted ? accepted : rejected,
                              json_string(item->receipt_number));
        receipted += item->receipted;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "count", (json_int_t)store->count,
                     "duplicates", (json_int_t)store->duplicates, "damaged",
                     (json_int_t)store->damaged, "receipted", (json_int_t)receipted,
                     "receipt_numbers", accepted, "rejected_receipt_numbers", rejected);
}

static void print_report(const json_t *report)
{
    static const char *const counts[] = {"count", "receipted", "duplicates", "damaged"};
    static const char *const lists[] = {"receipt_numbers", "rejected_receipt_numbers"};
    for (size_t i = 0; i < 4; i++)
        printf("%-12s %lld\n", counts[i],
               (long long)json_integer_value(json_object_get(report, counts[i])));
    for (size_t i = 0; i < 2; i++) {
        size_t j;
        json_t *number;
        printf("%s\n", i == 0 ? "accepted" : "rejected");
        json_array_foreach (json_object_get(report, lists[i]), j, number)
            printf("  %s\n", json_string_value(number));
    }
}

static int run_report(const struct options *options)
{
    struct business_store store;
    struct failure f = {0};
    if (!business_store_open(options->store, false, &store, &f))
        return fail(&f);
    _cleanup_(cleanup_json) json_t *report = report_json(&store);
    if (options->json) {
        json_dumpf(report, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_report(report);
    }
    int code = store.duplicates || store.damaged ? NOT_SOUND : DONE;
    business_store_close(&store);
    return code;
}

/* --- pulling ---------------------------------------------------------------------------------- */

static bool pull(struct business *business, const struct options *options, struct failure *f)
{
    struct work_loop loop = {
        .name = "business",
        .step = business_step,
        .context = business,
        .interval = 1000, /* the long poll has waited already */
        .once = options->once,
    };
    bool done = work_loop_run(&loop, f);
    log_info("business.stopped", log_number("stored", (int64_t)business->stored),
             log_number("redelivered", (int64_t)business->redelivered),
             log_number("in_store", (int64_t)business->store.count));
    return done;
}

static bool read_client(const struct options *options, struct business_client *client,
                        struct failure *f)
{
    client->routing = options->routing;
    client->id = options->client_id;
    if (!client->id)
        return true;
    if (!options->client_secret)
        return failure_set(f, FAILURE_USAGE, "--client-id needs --client-secret");
    if (!secret_file_read("client secret", options->client_secret, 1024, &client->secret, f))
        return false;
    while (client->secret.length && client->secret.data[client->secret.length - 1] == '\n')
        client->secret.length--;
    return true;
}

static int run_pull(const struct options *options)
{
    struct business business = {.batch = (int)options->batch, .once = options->once};
    struct http_client_options http = {.base_url = options->routing,
                                       .ca_file = options->ca,
                                       .certificate = options->certificate,
                                       .key = options->key};
    struct failure f = {0};
    process_catch_signals();
    log_open(options->name, LOG_LEVEL_INFO, false);
    if (!read_client(options, &business.oauth, &f) ||
        !business_store_open(options->store, true, &business.store, &f))
        return fail(&f);
    bool done = http_client_open(&http, &business.client, &f) && pull(&business, options, &f);
    http_client_close(business.client);
    business_store_close(&business.store);
    buffer_erase_free(&business.oauth.secret);
    buffer_erase_free(&business.oauth.header);
    return done ? DONE : fail(&f);
}

int sandbox_business(int argc, char **argv)
{
    struct options options = {.batch = 100};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return DONE;
    }
    bool report = argc > 1 && strcmp(argv[1], "report") == 0;
    if (!read_options(argc - report, argv + report, &options) ||
        (!report && (!options.name || !options.routing || !options.ca || !options.certificate ||
                     !options.key))) {
        fputs(usage, stderr);
        return USAGE;
    }
    return report ? run_report(&options) : run_pull(&options);
}
