#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "routing/outbox.h"

extern const struct command routing_list_command;

static const struct db_statement waiting_list = {
    "routing_list",
    "SELECT o.destination, o.outbox_id, a.receipt_number, a.procedure_id, coalesce(o.status, ''),"
    " o.created_at, o.due_at, o.attempts, o.last_attempt_at, o.last_error,"
    " o.claimed_until IS NOT NULL, count(*) OVER (PARTITION BY o.destination), count(*) OVER () "
    "FROM outbox_tried o JOIN application a USING (city_code, application_id) "
    "WHERE o.city_code = $1 AND ($2::text IS NULL OR o.destination = $2) "
    "ORDER BY o.destination, o.outbox_id LIMIT 10000"};

static void print_rest(const struct db_rows *rows)
{
    int64_t shown = (int64_t)db_row_count(rows), all = shown ? db_get_number(rows, 0, 12) : 0;
    if (all > shown)
        fprintf(stderr,
                "uketsuke: these are %" PRId64 " of %" PRId64 " that wait; --destination NAME"
                " shows the first of one alone.\n",
                shown, all);
}

struct listing {
    const char *city_code, *destination;
    bool json;
    struct db_rows *rows;
};

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *l = context;
    return db_query(tx, &waiting_list, DB_VALUES(db_text(l->city_code), db_text(l->destination)),
                    &l->rows, f);
}

static json_t *time_json(const struct db_rows *rows, size_t i, int column)
{
    char text[INSTANT_TEXT];
    return db_is_null(rows, i, column)
               ? json_null()
               : json_string(instant_text_jst(db_get_instant(rows, i, column), text));
}

static void print_json(const struct db_rows *rows)
{
    instant now = clock_now();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        _cleanup_(cleanup_json) json_t *row = json_pack(
            "{s:s, s:I, s:s, s:s, s:s, s:o, s:I, s:o, s:I, s:o, s:s?, s:b}", "destination",
            db_get_text(rows, i, 0), "id", (json_int_t)db_get_number(rows, i, 1), "receipt_number",
            db_get_text(rows, i, 2), "procedure", db_get_text(rows, i, 3), "status",
            db_get_text(rows, i, 4), "since", time_json(rows, i, 5), "age_seconds",
            (json_int_t)((now - db_get_instant(rows, i, 5)) / INSTANT_SECOND), "due",
            time_json(rows, i, 6), "tries", (json_int_t)db_get_number(rows, i, 7), "last_try",
            time_json(rows, i, 8), "last_error", db_get_text(rows, i, 9), "claimed",
            db_get_boolean(rows, i, 10));
        json_dumpf(row, stdout, JSON_COMPACT);
        putchar('\n');
    }
}

static void print_row(const struct db_rows *rows, size_t i, instant now)
{
    char age[LOOK_AGE], last[LOOK_TIME] = "never";
    const char *error = db_get_text(rows, i, 9);
    if (!db_is_null(rows, i, 8))
        look_time(db_get_instant(rows, i, 8), last);
    printf("  %8" PRId64 "  %-20s  waits %s; %" PRId64 " tries, last %s%s%s%s%s\n",
           db_get_number(rows, i, 1), db_get_text(rows, i, 2),
           look_age(db_get_instant(rows, i, 5), now, age), db_get_number(rows, i, 7), last,
           *db_get_text(rows, i, 4) ? "; " : "", db_get_text(rows, i, 4), error ? "; " : "",
           error ? error : "");
}

static void print_table(const struct db_rows *rows)
{
    const char *before = "";
    instant now = clock_now();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        const char *destination = db_get_text(rows, i, 0);
        if (strcmp(before, destination) != 0)
            printf("%s: %" PRId64 "\n", destination, db_get_number(rows, i, 11));
        before = destination;
        print_row(rows, i, now);
    }
    if (db_row_count(rows) == 0)
        puts("Nothing waits.");
}

/* A name that was mistyped is not told that nothing waits; one that is configured no longer may
 * have something. */
static bool destination_known(const struct config *config, const struct listing *l,
                              struct failure *f)
{
    const char *name = l->destination;
    return !name || db_row_count(l->rows) || strcmp(name, OUTBOX_PORTAL) == 0 ||
           config_find(config, "destination", name) ||
           failure_set(f, FAILURE_USAGE, "no [destination %s] in %s, and nothing waits for it",
                       name, config_path(config));
}

static bool arguments_read(int argc, char **argv, struct listing *ret)
{
    static const struct option options[] = {
        {"destination", required_argument, NULL, 'd'}, {"json", no_argument, NULL, 'j'}, {0}};
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == '?')
            return false;
        ret->destination = c == 'd' ? optarg : ret->destination;
        ret->json |= c == 'j';
    }
    return optind == argc;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    struct listing listing = {0};
    if (!arguments_read(argc, argv, &listing))
        return command_usage(&routing_list_command, "takes --destination NAME and --json");
    listing.city_code = settings_city_code(config, &f);
    if (!listing.city_code || !look_open(config, &db, &f))
        return command_fail("routing list", EXIT_FAILED, &f);
    bool done =
        db_transaction(db, list_work, &listing, &f) && destination_known(config, &listing, &f);
    if (done && listing.json)
        print_json(listing.rows);
    else if (done)
        print_table(listing.rows);
    if (done)
        print_rest(listing.rows);
    cleanup_db_rows(&listing.rows);
    db_close(db);
    return done ? EXIT_DONE : command_fail("routing list", EXIT_FAILED, &f);
}

const struct command routing_list_command = {
    .name = "routing list",
    .summary = "List what waits for business systems and the portal, with tries and ages",
    .usage =
        "Usage: uketsuke routing list [--destination NAME] [--json] [--config FILE]\n"
        "\n"
        "Every item in the outbox, by destination in the order in which it goes out (10,000 at\n"
        "most): its number, receipt number, since when it waits, how often it was fetched or\n"
        "tried, when last, and why that did not work. \"portal\" has statuses for residents.\n"
        "To have one tried at once: uketsuke routing resend ID --reason WORDS.\n"
        "\n"
        "Exit code 0, or 3 when the database could not be asked, or there is no such destination.\n"
        "\n"
        "Example: uketsuke routing list --destination child-allowance\n",
    .needs_config = true,
    .run = run,
};
