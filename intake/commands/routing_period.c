#include "intake/commands/routing_period.h"

#include <getopt.h>

#include "intake/command.h"
#include "intake/commands/look.h"
#include "routing/handed_over.h"

static const char *option_read(int option, struct routing_period *period)
{
    switch (option) {
    case 'd':
        period->destination = optarg;
        return NULL;
    case 'f':
        return day_parse(optarg, &period->from) ? NULL : "--from is a day, YYYY-MM-DD";
    case 't':
        return day_parse(optarg, &period->to) ? NULL : "--to is a day, YYYY-MM-DD";
    case 'o':
        period->out = optarg;
        return NULL;
    default:
        return "an option that it does not have, or without its value";
    }
}

static const char *period_check(const struct routing_period *period)
{
    if (!period->destination || !period->from.year || !period->to.year)
        return "needs --destination, --from and --to";
    return day_compare(period->from, period->to) > 0 ? "--from is after --to" : NULL;
}

const char *routing_period_read(int argc, char **argv, struct routing_period *ret_period)
{
    static const struct option options[] = {{"destination", required_argument, NULL, 'd'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"out", required_argument, NULL, 'o'},
                                            {0}};
    struct routing_period period = {0};
    const char *wrong = NULL;
    opterr = 0;
    optind = 1;
    for (int c; !wrong && (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        wrong = option_read(c, &period);
    if (!wrong && optind < argc)
        period.file = argv[optind++];
    if (!wrong && optind < argc)
        wrong = "more words than it takes";
    if (!wrong)
        wrong = period_check(&period);
    if (!wrong)
        *ret_period = period;
    return wrong;
}

bool routing_period_look(const struct config *config, const struct routing_period *period,
                         const struct reconcile_list *named, struct reconcile_list *ret_list,
                         struct failure *f)
{
    struct handed_over_query query = {.city_code = settings_city_code(config, f),
                                      .destination = period->destination,
                                      .from = day_start(period->from),
                                      .to = day_start(day_add(period->to, 1)),
                                      .named = named};
    struct db *db = NULL;
    if (!query.city_code)
        return false;
    if (!config_find(config, "destination", period->destination))
        return failure_set(f, FAILURE_USAGE, "no [destination %s] in %s", period->destination,
                           config_path(config));
    if (!look_open(config, &db, f))
        return false;
    bool done = handed_over_read(db, &query, ret_list, f);
    db_close(db);
    return done;
}
