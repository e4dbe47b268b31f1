/* `uketsuke-sandbox town`: the made-up town on the command line. */
#include "deploy/sandbox/town.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "deploy/sandbox/options.h"
#include "deploy/sandbox/sandbox.h"

static const char town_help_text[] =
    "usage: uketsuke-sandbox town make DIR --jpki JPKI [--seed N] [--count N] [--kinds KINDS]\n"
    "           [--bad-share PERCENT] [--now TIME] [--prefix TEXT] [--keys N] [--city CODE]\n"
    "           [--others PERCENT --procedures FOLDER]\n"
    "       uketsuke-sandbox town cards DIR --jpki JPKI [--count N] [--now TIME]\n"
    "       uketsuke-sandbox town submit DIR --portal URL [--rate N] [--only KIND]\n"
    "\n"
    "make    writes a made-up town into the new folder DIR: residents.csv, registry-residents.csv\n"
    "        and registry-links.csv (番号紐付情報), applications/RECEIPT.zip (申請ZIP), "
    "arrivals.json (what the portal "
    "is\n"
    "        told), expected.json (where each application must end), summary.txt\n"
    "  --jpki JPKI  folder of `jpki init`: issues and revokes the residents' certificates\n"
    "  --seed N     the same seed makes the same people (default 1)\n"
    "  --count N    applications that are good through and through, one a household (default\n"
    "               20); when KINDS has none of these, about so many in all\n"
    "  --kinds      good (the first eight below), all, or a list with commas (default all)\n"
    "  --bad-share  percent of all that have a fault, at least one of each chosen kind\n"
    "               (default: one of each)\n"
    "  --now TIME   the applications were sent in the six hours before, the last three minutes\n"
    "               before (default now)\n"
    "  --prefix     of the receipt numbers (default: the day and a hyphen)\n"
    "  --keys N     making an RSA key takes long, so the residents share so many (default 8)\n"
    "  --city CODE  992011 桜野市 (default) or 992020 若葉市\n"
    "  --others     percent of the good ones without attachments that are of other procedures: "
    "the\n"
    "               good examples under --procedures FOLDER, with the town's residents (default "
    "0)\n"
    "cards   writes residents with test My Number cards into the new folder DIR, for the portal's\n"
    "        site: cards.json (with their PINs), CARD.pem and CARD.key, and the three files of "
    "the\n"
    "        registry as above; --count N cards (default 20), issued 400 days before --now\n"
    "submit  puts them to the portal, oldest first, at most --rate a second\n"
    "\n"
    "Exit: 0 done, 1 failed, 2 wrong usage.\n"
    "\n"
    "Kinds, and where each ends:\n";

static void town_help(FILE *out)
{
    fputs(town_help_text, out);
    for (size_t i = 0; i < town_kind_count; i++)
        fprintf(out, "  %-22s %s%s%s\n", town_kinds[i].name, town_kinds[i].state,
                town_kinds[i].reason[0] ? " " : "", town_kinds[i].reason);
}

enum {
    OPTION_JPKI,
    OPTION_SEED,
    OPTION_COUNT,
    OPTION_KINDS,
    OPTION_SHARE,
    OPTION_NOW,
    OPTION_PREFIX,
    OPTION_KEYS,
    OPTION_CITY,
    OPTION_OTHERS,
    OPTION_PROCEDURES,
    OPTION_PORTAL,
    OPTION_RATE,
    OPTION_ONLY
};

static bool prefix_read(const char *text, const char **ret_prefix, struct failure *f)
{
    if (!receipt_number_valid(text) || strlen(text) > 40)
        return failure_set(f, FAILURE_USAGE, "--prefix takes up to 40 letters, digits, hyphens");
    *ret_prefix = text;
    return true;
}

static bool make_option(int c, struct town_options *options, struct failure *f)
{
    switch (c) {
    case OPTION_JPKI:
        options->jpki_folder = optarg;
        return true;
    case OPTION_SEED:
        return option_number("--seed", optarg, 0, INT64_MAX, &options->seed, f);
    case OPTION_COUNT:
        return option_number("--count", optarg, 1, 1000000, &options->count, f);
    case OPTION_KINDS:
        options->kinds = optarg;
        return true;
    case OPTION_SHARE:
        return option_number("--bad-share", optarg, 0, 90, &options->bad_share, f);
    case OPTION_NOW:
        return option_time(optarg, &options->now, f);
    case OPTION_PREFIX:
        return prefix_read(optarg, &options->prefix, f);
    case OPTION_KEYS:
        return option_number("--keys", optarg, 2, 100000, &options->keys, f);
    case OPTION_OTHERS:
        return option_number("--others", optarg, 0, 100, &options->others, f);
    case OPTION_PROCEDURES:
        options->procedures = optarg;
        return true;
    case OPTION_CITY:
        options->city_code = optarg;
        return true;
    default:
        return failure_set(f, FAILURE_USAGE, "see: uketsuke-sandbox town --help");
    }
}

static bool folder_read(int argc, char **argv, const char **ret_folder, struct failure *f)
{
    if (argc - optind != 1)
        return failure_set(f, FAILURE_USAGE, "one folder is needed: uketsuke-sandbox town --help");
    *ret_folder = argv[optind];
    return true;
}

static bool command_make(int argc, char **argv, bool cards, struct failure *f)
{
    static const struct option words[] = {
        {"jpki", required_argument, NULL, OPTION_JPKI},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"count", required_argument, NULL, OPTION_COUNT},
        {"kinds", required_argument, NULL, OPTION_KINDS},
        {"bad-share", required_argument, NULL, OPTION_SHARE},
        {"now", required_argument, NULL, OPTION_NOW},
        {"prefix", required_argument, NULL, OPTION_PREFIX},
        {"keys", required_argument, NULL, OPTION_KEYS},
        {"city", required_argument, NULL, OPTION_CITY},
        {"others", required_argument, NULL, OPTION_OTHERS},
        {"procedures", required_argument, NULL, OPTION_PROCEDURES},
        {0}};
    struct town_options options = {.kinds = "all",
                                   .city_code = "992011",
                                   .seed = 1,
                                   .count = 20,
                                   .keys = 8,
                                   .bad_share = -1,
                                   .now = clock_now()};
    for (int c; (c = getopt_long(argc, argv, "", words, NULL)) != -1;)
        if (!make_option(c, &options, f))
            return false;
    if (!folder_read(argc, argv, &options.folder, f))
        return false;
    if (!options.jpki_folder)
        return failure_set(f, FAILURE_USAGE, "--jpki is needed: uketsuke-sandbox town --help");
    return cards ? town_cards(&options, f) : town_make(&options, f);
}

static bool rate_read(const char *text, double *ret_rate, struct failure *f)
{
    char *end;
    double rate = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "/s") != 0) || !(rate > 0 && rate <= 100000))
        return failure_set(f, FAILURE_USAGE, "--rate is a number of applications a second");
    *ret_rate = rate;
    return true;
}

static bool command_submit(int argc, char **argv, struct failure *f)
{
    static const struct option words[] = {{"portal", required_argument, NULL, OPTION_PORTAL},
                                          {"rate", required_argument, NULL, OPTION_RATE},
                                          {"only", required_argument, NULL, OPTION_ONLY},
                                          {0}};
    struct submit_options options = {0};
    for (int c; (c = getopt_long(argc, argv, "", words, NULL)) != -1;) {
        if (c == OPTION_PORTAL)
            options.portal = optarg;
        else if (c == OPTION_ONLY)
            options.only = optarg;
        else if (c != OPTION_RATE || !rate_read(optarg, &options.rate, f))
            return c == OPTION_RATE
                       ? false
                       : failure_set(f, FAILURE_USAGE, "see: uketsuke-sandbox town --help");
    }
    if (!folder_read(argc, argv, &options.folder, f))
        return false;
    if (!options.portal)
        return failure_set(f, FAILURE_USAGE, "--portal is needed: uketsuke-sandbox town --help");
    if (options.only && !town_kind_find(options.only, strlen(options.only)))
        return failure_set(f, FAILURE_USAGE, "there is no kind %.40s: see town --help",
                           options.only);
    process_catch_signals();
    return town_submit(&options, f);
}

int sandbox_town(int argc, char **argv)
{
    struct failure f = {0};
    log_open("town", LOG_LEVEL_WARNING, false);
    if (option_help(argc, argv))
        return town_help(stdout), 0;
    if (argc > 1 && strcmp(argv[1], "make") == 0)
        return option_result("town", command_make(argc - 1, argv + 1, false, &f), &f);
    if (argc > 1 && strcmp(argv[1], "cards") == 0)
        return option_result("town", command_make(argc - 1, argv + 1, true, &f), &f);
    if (argc > 1 && strcmp(argv[1], "submit") == 0)
        return option_result("town", command_submit(argc - 1, argv + 1, &f), &f);
    return town_help(stderr), 2;
}
