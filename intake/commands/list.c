#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/state.h"

extern const struct command list_command;

#define LIMIT_MOST 100000

static const struct db_statement list_applications = {
    "list_applications",
    "SELECT receipt_number, procedure_id, state, reason, changed_at, channel FROM application "
    "WHERE city_code = $1 AND ($2::text IS NULL OR state = $2)"
    " AND ($3::text IS NULL OR reason = $3) "
    "ORDER BY changed_at, receipt_number LIMIT $4::bigint"};

struct listing {
    const char *city_code;
    const char *state, *reason; /* NULL: any */
    int64_t limit;
    bool json;
    struct db_rows *rows;
};

static bool arguments_read(int argc, char **argv, struct listing *ret, int *ret_code)
{
    static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                            {"reason", required_argument, NULL, 'r'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    enum state state;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's' && state_from_code(optarg, &state))
            ret->state = optarg;
        else if (option == 's')
            return *ret_code = command_usage(&list_command, "there is no state \"%s\"", optarg),
                   false;
        else if (option == 'r')
            ret->reason = optarg;
        else if (option == 'l' && number_parse(optarg, 1, LIMIT_MOST, &ret->limit))
            continue;
        else if (option == 'l')
            return *ret_code = command_usage(&list_command, "--limit is 1 to %d", LIMIT_MOST),
                   false;
        else if (option == 'j')
            ret->json = true;
        else
            return *ret_code = command_usage(
                       &list_command, "cannot take %s: no such option, or its value is missing",
                       argv[optind - 1]),
                   false;
    }
    if (optind < argc)
        return *ret_code = command_usage(&list_command, "takes options only"), false;
    return true;
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *listing = context;
    return db_query(tx, &list_applications,
                    DB_VALUES(db_text(listing->city_code), db_text(listing->state),
                              db_text(listing->reason), db_number(listing->limit)),
                    &listing->rows, f);
}

static const char *name_of(const char *code)
{
    enum state state;
    return state_from_code(code, &state) ? state_name_ja(state) : "?";
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

static void print_json(const struct db_rows *rows)
{
    for (size_t i = 0; i < db_row_count(rows); i++) {
        char at[INSTANT_TEXT];
        const char *state = db_get_text(rows, i, 2);
        _cleanup_(cleanup_json) json_t *row = json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:s?, s:s}", "receipt_number", db_get_text(rows, i, 0),
            "channel", db_get_text(rows, i, 5), "procedure", db_get_text(rows, i, 1), "state",
            state, "state_name", name_of(state), "reason", db_get_text(rows, i, 3), "since",
            instant_text_jst(db_get_instant(rows, i, 4), at));
        json_dumpf(row, stdout, JSON_COMPACT);
        putchar('\n');
    }
}

/* Widths count bytes; only the Japanese name is not ASCII, so it stands last but one. */
static void print_table(const struct listing *listing)
{
    size_t count = db_row_count(listing->rows);
    for (size_t i = 0; i < count; i++) {
        char time[LOOK_TIME];
        const char *state = db_get_text(listing->rows, i, 2);
        printf("%-20s  %s  %-10s  %-24s  %s  %s\n", db_get_text(listing->rows, i, 0),
               look_time(db_get_instant(listing->rows, i, 4), time), state,
               text_or(db_get_text(listing->rows, i, 3), "-"), db_get_text(listing->rows, i, 1),
               name_of(state));
    }
    if ((int64_t)count == listing->limit)
        printf("The oldest %zu; there may be more: --limit N\n", count);
    else
        printf("%zu %s.%s\n", count, text_plural((int64_t)count, "application", "applications"),
               count ? " More of one of them: uketsuke show RECEIPT" : "");
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    struct listing listing = {.limit = 100};
    int code = EXIT_DONE;

    if (!arguments_read(argc, argv, &listing, &code))
        return code;
    listing.city_code = settings_city_code(config, &f);
    if (!listing.city_code || !look_open(config, &db, &f))
        return command_fail("list", EXIT_FAILED, &f);
    bool done = db_transaction(db, list_work, &listing, &f);
    if (done && listing.json)
        print_json(listing.rows);
    else if (done)
        print_table(&listing);
    if (done)
        db_rows_free(listing.rows);
    db_close(db);
    return done ? EXIT_DONE : command_fail("list", EXIT_FAILED, &f);
}

const struct command list_command = {
    .name = "list",
    .summary = "List applications by state and reason, oldest first",
    .usage =
        "Usage: uketsuke list [--state STATE] [--reason REASON] [--limit N] [--json]\n"
        "\n"
        "One application a line: receipt number, since when it is so, state, reason, procedure,\n"
        "and the state's Japanese name. The one that waits longest comes first.\n"
        "\n"
        "  --state STATE    announced, collected, verified, identified, review, routed, received,\n"
        "                   completed, rejected, held, unmatched, correction, superseded,\n"
        "                   withdrawn or refused\n"
        "  --reason REASON  e.g. serial-unknown, certificate-revoked, revocation-unavailable\n"
        "  --limit N        at most N lines (100)\n"
        "  --json           one JSON object a line\n"
        "\n"
        "No names, no addresses, no numbers of persons: those are for staff. Exit code 0, or 3\n"
        "when the database could not be asked.\n"
        "\n"
        "Example: uketsuke list --state unmatched --reason serial-unknown\n",
    .needs_config = true,
    .run = run,
};
