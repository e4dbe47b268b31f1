/* `uketsuke-sandbox business`: a made-up business system. */
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
    "usage: uketsuke-sandbox business --name NAME --database CONNECTION --routing URL --ca FILE\n"
    "           --certificate FILE --key FILE [--client-id ID --client-secret FILE]\n"
    "           [--decide PERCENT,PERCENT] [--once] [--batch N]\n"
    "       uketsuke-sandbox business load --database CONNECTION --residents FILE\n"
    "       uketsuke-sandbox business report --database CONNECTION [--json]\n\n"
    "A made-up business system with a PostgreSQL database of its own. Pulls what waits for it at\n"
    "the routing API, checks each item, stores it durably and only then sends receipts. Killed at\n"
    "any moment, it goes on where it was: what it stored it stores never twice, and receipts that\n"
    "may be missing are sent again. An item is rejected when its claimant is not who our copy of\n"
    "the residents says (宛名番号, name, birth date; as long as there is no copy, nobody is).\n\n"
    "  --name NAME           what it calls itself in its log, e.g. child-allowance\n"
    "  --database CONNECTION  libpq's, without user; its tables are made when they are not there\n"
    "  --user NAME           whom it connects as (uketsuke_business)\n"
    "  --routing URL         https://HOST:PORT of the routing API\n"
    "  --ca FILE             the CA of its server certificate, PEM\n"
    "  --certificate FILE    our client certificate, PEM; --key FILE its key\n"
    "  --client-id ID        our OAuth client, where the certificate is not enough;\n"
    "  --client-secret FILE  the secret that signs its assertions\n"
    "  --decide R,I          decide about what was accepted, and tell it: R percent 却下, I 不備,\n"
    "                        the rest 認定\n"
    "  --once                stop when nothing waits any more\n"
    "  --batch N             items a page, 1 to 100 (100)\n\n"
    "load adds the residents of a registry feed to the copy. report tells what is stored: counts,\n"
    "duplicates (must be 0), receipt numbers, outcomes.\n"
    "Exit code: 0 done, 1 (report) the store has duplicates or damage, 3 failure, 64 usage.\n";

enum { DONE = 0, NOT_SOUND = 1, FAILED = 3, USAGE = 64 };

struct options {
    const char *name, *routing, *ca, *certificate, *key, *database, *user, *residents;
    const char *client_id, *client_secret;
    bool once, json, decide;
    int64_t batch;
    struct business_rule rule;
};

/* "10,5" */
static bool rule_read(const char *text, struct business_rule *ret_rule)
{
    int end = 0;
    return sscanf(text, "%3d,%3d%n", &ret_rule->rejected, &ret_rule->incomplete, &end) == 2 &&
           !text[end] && ret_rule->rejected >= 0 && ret_rule->incomplete >= 0 &&
           ret_rule->rejected + ret_rule->incomplete <= 100;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"name", required_argument, NULL, 'n'},
                                          {"routing", required_argument, NULL, 'r'},
                                          {"ca", required_argument, NULL, 'a'},
                                          {"certificate", required_argument, NULL, 'c'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"database", required_argument, NULL, 'd'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"residents", required_argument, NULL, 'f'},
                                          {"decide", required_argument, NULL, 'D'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"client-id", required_argument, NULL, 'i'},
                                          {"client-secret", required_argument, NULL, 'p'},
                                          {0}};
    const char **texts[] = {
        ['n'] = &options->name,         ['r'] = &options->routing,   ['a'] = &options->ca,
        ['c'] = &options->certificate,  ['k'] = &options->key,       ['d'] = &options->database,
        ['u'] = &options->user,         ['f'] = &options->residents, ['i'] = &options->client_id,
        ['p'] = &options->client_secret};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (c == 'o')
            options->once = true;
        else if (c == 'j')
            options->json = true;
        else if (c == 'D' && rule_read(optarg, &options->rule))
            options->decide = true;
        else if (c == 'D')
            return false;
        else if (c == 'b' && !number_parse(optarg, 1, 100, &options->batch))
            return false;
        else if (c == '?')
            return false;
        else if (c != 'b')
            *texts[c] = optarg;
    return optind == argc && options->database;
}

static int fail(const struct failure *f)
{
    fprintf(stderr, "uketsuke-sandbox business: %s\n", f->text);
    return FAILED;
}

/* --- report ----------------------------------------------------------------------------------- */

static void print_report(const json_t *report)
{
    static const char *const counts[] = {"count",   "receipted",   "duplicates",
                                         "damaged", "redelivered", "residents"};
    static const char *const lists[] = {"receipt_numbers", "rejected_receipt_numbers"};
    for (size_t i = 0; i < 6; i++)
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

static bool is_sound(const json_t *report)
{
    return json_integer_value(json_object_get(report, "duplicates")) == 0 &&
           json_integer_value(json_object_get(report, "damaged")) == 0;
}

static int run_report(const struct options *options)
{
    struct business_store store;
    struct failure f = {0};
    if (!business_store_open(options->database, options->user, &store, &f))
        return fail(&f);
    _cleanup_(cleanup_json) json_t *report = business_report(&store, &f);
    business_store_close(&store);
    if (!report)
        return fail(&f);
    if (options->json) {
        json_dumpf(report, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_report(report);
    }
    return is_sound(report) ? DONE : NOT_SOUND;
}

static int run_load(const struct options *options)
{
    struct business_store store;
    struct failure f = {0};
    int64_t count = 0;
    if (!business_store_open(options->database, options->user, &store, &f))
        return fail(&f);
    bool done = business_residents_load(&store, options->residents, &count, &f);
    business_store_close(&store);
    if (!done)
        return fail(&f);
    printf("%lld residents in the copy are as the file has them\n", (long long)count);
    return DONE;
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
    log_info("business.stopped", log_number("stored", (int64_t)business->stored));

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
    struct business business = {.batch = (int)options->batch,
                                .once = options->once,
                                .decides = options->decide,
                                .rule = options->rule};
    struct http_client_options http = {.base_url = options->routing,
                                       .ca_file = options->ca,
                                       .certificate = options->certificate,
                                       .key = options->key};
    struct failure f = {0};
    process_catch_signals();
    log_open(options->name, LOG_LEVEL_INFO, false);
    if (!read_client(options, &business.oauth, &f) ||
        !business_store_open(options->database, options->user, &business.store, &f))
        return fail(&f);
    bool done = http_client_open(&http, &business.client, &f) && pull(&business, options, &f);
    http_client_close(business.client);
    business_store_close(&business.store);
    buffer_erase_free(&business.oauth.secret);
    buffer_erase_free(&business.oauth.header);
    return done ? DONE : fail(&f);
}

static bool can_pull(const struct options *o)
{
    return o->name && o->routing && o->ca && o->certificate && o->key;
}

int sandbox_business(int argc, char **argv)
{
    struct options options = {.batch = 100, .user = "uketsuke_business"};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return DONE;
    }
    bool report = argc > 1 && strcmp(argv[1], "report") == 0;
    bool load = argc > 1 && strcmp(argv[1], "load") == 0;
    bool word = report || load;
    if (read_options(argc - word, argv + word, &options)) {
        if (report)
            return run_report(&options);
        if (load && options.residents)
            return run_load(&options);
        if (!load && can_pull(&options))
            return run_pull(&options);
    }
    fputs(usage, stderr);
    return USAGE;
}
