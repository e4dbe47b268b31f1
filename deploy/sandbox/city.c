/* `uketsuke-sandbox city`: the made-up city, large, on the command line. */
#include "deploy/sandbox/city.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy/sandbox/options.h"
#include "deploy/sandbox/sandbox.h"

#define RESIDENTS_MOST  20000000
#define RESIDENTS_ACASE 5  /* at most one case for so many residents */
#define PEOPLE_OF_HOME  27 /* tenths; about, to spread the cases over the city */
#define QUIET_FOR       (2 * INSTANT_SECOND)

static const char city_help_text[] =
    "usage: uketsuke-sandbox city DIR [--residents N] [--links N] [--cases N] [--seed N]\n"
    "           [--now TIME]\n"
    "\n"
    "Writes a made-up city into the new folder DIR, for measuring identification:\n"
    "  residents.csv, links.csv  feeds for `uketsuke registry import DIR`, with manifests\n"
    "  cases.jsonl               what applications say: certificate, serial number, form\n"
    "  truth.tsv                 of each case: id, kind, whether a machine may identify it\n"
    "                            (solvable), whether there is a right resident to rank, and their\n"
    "                            addressee number; not for the matcher\n"
    "  --residents N  default 50000\n"
    "  --links N      serial numbers, about 3 of each resident (the default)\n"
    "  --cases N      about so many (default: one of 20 residents; at most one of 5)\n"
    "  --seed N       the same seed and numbers make the same city (default 1)\n"
    "  --now TIME     applications were sent in the fourteen days before (default now)\n"
    "\n"
    "Exit: 0 done, 1 failed, 2 wrong usage.\n"
    "\n"
    "Kinds of cases, in parts of a thousand (* solvable):\n";

static void city_help(FILE *out)
{
    fputs(city_help_text, out);
    for (size_t i = 0; i < city_kind_count; i++)
        fprintf(out, "  %c %-22s %4d\n", city_kinds[i].solvable ? '*' : ' ', city_kinds[i].name,
                city_kinds[i].weight);
}

/* --- making it ---------------------------------------------------------------------------------
 */

struct city {
    const struct city_options *options;
    struct city_feeds *feeds;
    FILE *cases, *truth;
    struct dice dice; /* which homes have a case */
    int64_t residents, case_count;
    int64_t told_at;
};

static FILE *book_open(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    FILE *book = fopen(path, "we");
    if (!book)
        failure_errno(f, "%s cannot be written", path);
    return book;
}

static void case_write(struct city *city, struct home *home, const struct home *before)
{
    struct city_case one = {.kind = home->kind,
                            .home = home,
                            .before = before,
                            .dice = dice_make((uint64_t)city->options->seed ^ 0xCA5E, home->index),
                            .applied_at = city->options->now,
                            .feeds = city->feeds};
    char id[24];
    city_case_make(&one);
    snprintf(id, sizeof id, "C%07" PRId64, ++city->case_count);
    _cleanup_(cleanup_json) json_t *json = city_case_json(&one, id);
    json_dumpf(json, city->cases, JSON_COMPACT);
    fputc('\n', city->cases);
    fprintf(city->truth, "%s\t%s\t%d\t%d\t%s\n", id, one.kind->name, one.kind->solvable,
            one.kind->ranked, one.who ? one.who->atenabango : "");
}

/* The first home has none before it, the last may lack people: neither has a case. */
static const struct city_kind *kind_of(struct city *city, uint64_t index)
{
    const struct city_options *options = city->options;
    uint64_t homes = (uint64_t)options->residents * 10 / PEOPLE_OF_HOME;
    bool chosen = dice_roll(&city->dice) % (homes + 1) < (uint64_t)options->cases;
    if (!chosen || index == 0 || city->residents + HOME_MOST >= options->residents)
        return NULL;
    return city_kind_roll(&city->dice);
}

static void progress(struct city *city)
{
    if (city->residents % 4096 > HOME_MOST || clock_monotonic() < city->told_at + QUIET_FOR)
        return;
    city->told_at = clock_monotonic();
    fprintf(stderr, "uketsuke-sandbox city: %" PRId64 " residents\n", city->residents);
}

static void homes_write(struct city *city)
{
    struct home homes[2] = {0};
    for (uint64_t i = 0; city->residents < city->options->residents; i++) {
        struct home *home = &homes[i % 2], *before = &homes[(i + 1) % 2];
        size_t room = (size_t)(city->options->residents - city->residents);
        home_make(city->options, i, kind_of(city, i), before, home);
        city_feeds_home(city->feeds, home, room);
        if (home->kind)
            case_write(city, home, before);
        city->residents += (int64_t)(home->count < room ? home->count : room);
        progress(city);
    }
}

static bool books_close(struct city *city, struct failure *f)
{
    bool good = !ferror(city->cases) && !ferror(city->truth);
    good &= fclose(city->cases) == 0;
    good &= fclose(city->truth) == 0;
    return good || failure_set(f, FAILURE_SYSTEM, "the cases cannot be written");
}

bool city_make(const struct city_options *options, struct failure *f)
{
    struct city city = {.options = options,
                        .dice = dice_make((uint64_t)options->seed, UINT64_MAX - 2),
                        .told_at = clock_monotonic()};
    if (mkdir(options->folder, 0755) != 0)
        return failure_errno(f, "%s cannot be made", options->folder);
    city.cases = book_open(options->folder, "cases.jsonl", f);
    city.truth = city.cases ? book_open(options->folder, "truth.tsv", f) : NULL;
    if (!city.truth || !city_feeds_open(options, &city.feeds, f))
        return false;
    homes_write(&city);
    bool written = city_feeds_close(city.feeds, f) && books_close(&city, f);
    if (written)
        printf("%" PRId64 " residents, %" PRId64 " cases in %s\n", city.residents, city.case_count,
               options->folder);
    return written;
}

/* --- the command line --------------------------------------------------------------------------
 */

enum { OPTION_RESIDENTS, OPTION_LINKS, OPTION_CASES, OPTION_SEED, OPTION_NOW };

static bool option_read(int c, struct city_options *options, struct failure *f)
{
    switch (c) {
    case OPTION_RESIDENTS:
        return option_number("--residents", optarg, 100, RESIDENTS_MOST, &options->residents, f);
    case OPTION_LINKS:
        return option_number("--links", optarg, 100, 5 * (int64_t)RESIDENTS_MOST, &options->links,
                             f);
    case OPTION_CASES:
        return option_number("--cases", optarg, 1, RESIDENTS_MOST, &options->cases, f);
    case OPTION_SEED:
        return option_number("--seed", optarg, 0, INT32_MAX, &options->seed, f);
    case OPTION_NOW:
        return option_time(optarg, &options->now, f);
    default:
        return failure_set(f, FAILURE_USAGE, "see: uketsuke-sandbox city --help");
    }
}

static bool options_complete(int argc, char **argv, struct city_options *options, struct failure *f)
{
    if (argc - optind != 1)
        return failure_set(f, FAILURE_USAGE, "one folder is needed: uketsuke-sandbox city --help");
    options->folder = argv[optind];
    options->links = options->links ? options->links : 3 * options->residents;
    options->cases = options->cases ? options->cases : options->residents / 20;
    if (options->cases > options->residents / RESIDENTS_ACASE)
        return failure_set(f, FAILURE_USAGE, "at most one case for %d residents", RESIDENTS_ACASE);
    return true;
}

static bool command_city(int argc, char **argv, struct failure *f)
{
    static const struct option words[] = {{"residents", required_argument, NULL, OPTION_RESIDENTS},
                                          {"links", required_argument, NULL, OPTION_LINKS},
                                          {"cases", required_argument, NULL, OPTION_CASES},
                                          {"seed", required_argument, NULL, OPTION_SEED},
                                          {"now", required_argument, NULL, OPTION_NOW},
                                          {0}};
    struct city_options options = {.seed = 1, .residents = 50000, .now = clock_now()};
    for (int c; (c = getopt_long(argc, argv, "", words, NULL)) != -1;)
        if (!option_read(c, &options, f))
            return false;
    return options_complete(argc, argv, &options, f) && city_make(&options, f);
}

int sandbox_city(int argc, char **argv)
{
    struct failure f = {0};
    log_open("city", LOG_LEVEL_WARNING, false);
    if (option_help(argc, argv))
        return city_help(stdout), 0;
    return option_result("city", command_city(argc, argv, &f), &f);
}
