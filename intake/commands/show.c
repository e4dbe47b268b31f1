#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/commands/show_correction.h"
#include "intake/commands/show_decision.h"
#include "intake/explain/words.h"
#include "intake/state.h"

extern const struct command show_command;

static const struct db_statement show_find = {
    "show_find",
    "SELECT a.application_id, a.channel, a.procedure_id, a.form_version, a.state, a.reason,"
    " a.changed_at, a.applied_at, a.announced_at, p.size, encode(p.sha256, 'hex'), p.stored_at,"
    " e.examined_at, e.verdict, e.reason, e.sub_indication, i.identified_at, i.how "
    "FROM application a LEFT JOIN package p USING (city_code, application_id)"
    " LEFT JOIN examination e USING (city_code, application_id)"
    " LEFT JOIN identification i USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND a.receipt_number = $2 ORDER BY a.channel"};
static const struct db_statement show_events = {
    "show_events", "SELECT version, at, from_state, to_state, reason, actor FROM application_event "
                   "WHERE city_code = $1 AND application_id = $2::uuid ORDER BY version"};
static const struct db_statement show_work = {"show_work",
                                              "SELECT stage, due_at, attempts, note FROM work "
                                              "WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement show_outbox = {
    "show_outbox",
    "SELECT outbox_id, destination, status, created_at, due_at, attempts, last_attempt_at,"
    " last_error FROM outbox_tried WHERE city_code = $1 AND application_id = $2::uuid "
    "ORDER BY outbox_id"};
static const struct db_statement show_deliveries = {
    "show_deliveries",
    "SELECT outbox_id, destination, status, created_at, delivered_at, attempts, accepted, repeated"
    " FROM delivery WHERE city_code = $1 AND application_id = $2::uuid ORDER BY delivered_at"};

struct showing {
    const char *city_code, *receipt_number;
    bool with_decision;
    struct db_rows *applications;
    size_t at; /* which of them the parts below belong to */
    struct db_rows *corrections, *events, *work, *outbox, *deliveries;
    char actor[128];
};

static void parts_free(struct showing *s)
{
    struct db_rows **parts[] = {&s->corrections, &s->events, &s->work, &s->outbox, &s->deliveries};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cleanup_db_rows(parts[i]);
        *parts[i] = NULL;
    }
}

static bool find_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct showing *s = context;
    return db_query(tx, &show_find, DB_VALUES(db_text(s->city_code), db_text(s->receipt_number)),
                    &s->applications, f);
}

/* Looking is an entry in the audit trail, too; what can't be remembered, is not shown. */
static bool parts_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct showing *s = context;
    const char *id = db_get_text(s->applications, s->at, 0);
    const struct audit_entry view = {.action = "application.view",
                                     .actor = s->actor,
                                     .city_code = s->city_code,
                                     .application_id = id,
                                     .detail = "{\"by\":\"uketsuke show\"}"};
    parts_free(s);
    const struct {
        const struct db_statement *statement;
        struct db_rows **rows;
    } parts[] = {{&show_events, &s->events},
                 {&show_work, &s->work},
                 {&show_outbox, &s->outbox},
                 {&show_deliveries, &s->deliveries}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!db_query(tx, parts[i].statement, DB_VALUES(db_text(s->city_code), db_text(id)),
                      parts[i].rows, f))
            return false;
    return show_correction_find(tx, s->city_code, id, &s->corrections, f) &&
           audit_append(tx, "operator", &view, 1, f);
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static void print_reason(const char *reason)
{
    const struct reason_words *words = reason_words_find(reason);
    printf("  reason         %s%s%s\n", reason, words ? ": " : "", words ? words->means : "");
    if (words)
        printf("                 %s\n", words->act);
}

static void print_head(const struct showing *s)
{
    const struct db_rows *rows = s->applications;
    char changed[LOOK_TIME], applied[LOOK_TIME], announced[LOOK_TIME], then[LOOK_TIME];
    size_t i = s->at;
    enum state state = STATE_COUNT;
    const char *code = db_get_text(rows, i, 4);
    bool known = state_from_code(code, &state);
    printf("%s  (%s)\n", s->receipt_number, db_get_text(rows, i, 1));
    printf("  application    %s\n", db_get_text(rows, i, 0));
    printf("  procedure      %s, form %s\n", db_get_text(rows, i, 2), db_get_text(rows, i, 3));
    printf("  state          %s %s since %s\n", code, known ? state_name_ja(state) : "",
           look_time(db_get_instant(rows, i, 6), changed));
    if (db_get_text(rows, i, 5))
        print_reason(db_get_text(rows, i, 5));
    printf("  applied at     %s, announced %s\n", look_time(db_get_instant(rows, i, 7), applied),
           look_time(db_get_instant(rows, i, 8), announced));
    if (!db_is_null(rows, i, 9))
        printf("  package        %" PRId64 " bytes, SHA-256 %s, stored %s\n",
               db_get_number(rows, i, 9), db_get_text(rows, i, 10),
               look_time(db_get_instant(rows, i, 11), then));
    if (!db_is_null(rows, i, 12))
        printf("  examination    %s%s%s%s%s, %s\n", db_get_text(rows, i, 13),
               db_get_text(rows, i, 14) ? ": " : "", text_or_none(db_get_text(rows, i, 14)),
               db_get_text(rows, i, 15) ? ", " : "", text_or_none(db_get_text(rows, i, 15)),
               look_time(db_get_instant(rows, i, 12), then));
    if (!db_is_null(rows, i, 16))
        printf("  identified     by %s, %s\n", db_get_text(rows, i, 17),
               look_time(db_get_instant(rows, i, 16), then));
}

static void print_events(const struct db_rows *rows)
{
    puts("  events");
    for (size_t i = 0; i < db_row_count(rows); i++) {
        char at[LOOK_TIME];
        printf("    %2" PRId64 "  %s  %-10s -> %-10s  %-24s  %s\n", db_get_number(rows, i, 0),
               look_time(db_get_instant(rows, i, 1), at), or_dash(db_get_text(rows, i, 2)),
               db_get_text(rows, i, 3), or_dash(db_get_text(rows, i, 4)), db_get_text(rows, i, 5));
    }
}

#define TRIES_TEXT 40

/* ", 3 tries"; nothing for none. */
static const char *tries_text(int64_t n, char text[TRIES_TEXT])
{
    *text = 0;
    if (n > 0)
        snprintf(text, TRIES_TEXT, ", %" PRId64 " %s", n, text_plural(n, "try", "tries"));
    return text;
}

static void print_waiting(const struct showing *s)
{
    char due[LOOK_AGE], created[LOOK_TIME], tries[TRIES_TEXT];
    instant now = clock_now();
    for (size_t i = 0; i < db_row_count(s->work); i++)
        printf("  next stage     %s, due %s%s%s%s%s\n", db_get_text(s->work, i, 0),
               db_get_instant(s->work, i, 1) <= now ? "since " : "",
               look_age(db_get_instant(s->work, i, 1), now, due),
               tries_text(db_get_number(s->work, i, 2), tries),
               db_get_text(s->work, i, 3) ? "; last note: " : "",
               text_or_none(db_get_text(s->work, i, 3)));
    for (size_t i = 0; i < db_row_count(s->outbox); i++)
        printf("  waits for      %s (item %" PRId64 "%s%s) since %s%s%s%s\n",
               db_get_text(s->outbox, i, 1), db_get_number(s->outbox, i, 0),
               db_get_text(s->outbox, i, 2) ? ", " : "",
               db_get_text(s->outbox, i, 2) ? db_get_text(s->outbox, i, 2) : "",
               look_time(db_get_instant(s->outbox, i, 3), created),
               tries_text(db_get_number(s->outbox, i, 5), tries),
               db_get_text(s->outbox, i, 7) ? "; last error: " : "",
               text_or_none(db_get_text(s->outbox, i, 7)));
}

static void print_deliveries(const struct db_rows *rows)
{
    for (size_t i = 0; i < db_row_count(rows); i++) {
        char at[LOOK_TIME], tries[TRIES_TEXT], repeated[60] = "";
        const char *status = db_get_text(rows, i, 2);
        int64_t again = db_get_number(rows, i, 7);
        if (again)
            snprintf(repeated, sizeof repeated, ", receipt repeated %" PRId64 " %s", again,
                     text_plural(again, "time", "times"));
        printf("  delivered      %s (item %" PRId64 "%s%s) %s, %s%s%s\n", db_get_text(rows, i, 1),
               db_get_number(rows, i, 0), status ? ", " : "", status ? status : "",
               look_time(db_get_instant(rows, i, 4), at),
               db_get_boolean(rows, i, 6) ? "accepted" : "not accepted",
               tries_text(db_get_number(rows, i, 5), tries), repeated);
    }
}

static bool show_all(const struct config *config, struct db *db, struct showing *s,
                     struct failure *f)
{
    for (s->at = 0; s->at < db_row_count(s->applications); s->at++) {
        if (!db_transaction(db, parts_work, s, f))
            return false;
        print_head(s);
        if (s->with_decision && !show_decision(config, s->city_code,
                                               db_get_text(s->applications, s->at, 0), s->actor, f))
            return false;
        show_correction_print(s->corrections);
        print_events(s->events);
        print_waiting(s);
        print_deliveries(s->deliveries);
    }
    return true;
}

static int show(const struct config *config, struct db *db, struct showing *s, struct failure *f)
{
    if (!db_transaction(db, find_work, s, f))
        return EXIT_FAILED;
    if (db_row_count(s->applications) == 0) {
        failure_set(f, FAILURE_USAGE,
                    "there is no application with this receipt number: "
                    "`uketsuke list` names those that are here");
        return EXIT_NO;
    }
    return show_all(config, db, s, f) ? EXIT_DONE : EXIT_FAILED;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;

    bool with_decision = argc > 1 && strcmp(argv[1], "--decision") == 0;
    if (argc != 2 + with_decision || !receipt_number_valid(argv[argc - 1]))
        return command_usage(&show_command, "needs one receipt number");
    struct showing s = {.city_code = settings_city_code(config, &f),
                        .receipt_number = argv[argc - 1],
                        .with_decision = with_decision};
    look_actor(s.actor, sizeof s.actor);
    if (!s.city_code || !look_open(config, &db, &f))
        return command_fail("show", EXIT_FAILED, &f);
    int code = show(config, db, &s, &f);
    parts_free(&s);
    cleanup_db_rows(&s.applications);
    db_close(db);
    return code == EXIT_DONE ? EXIT_DONE : command_fail("show", code, &f);
}

const struct command show_command = {
    .name = "show",
    .summary = "Show what became of one application, step by step",
    .usage =
        "Usage: uketsuke show [--decision] RECEIPT\n"
        "\n"
        "Shows the application with the receipt number RECEIPT (受付番号): state and reason,\n"
        "package, verdict, what it corrects and what took its place, every event with who caused\n"
        "it, what it waits for, what was delivered to whom. Nothing that the resident wrote is\n"
        "shown. The look itself is entered in the audit trail (application.view).\n"
        "  --decision   also how the applicant was looked for: which facts of certificate, form\n"
        "               and registry agree and how, who of the form was found, how many\n"
        "               candidates there are; never who. Run it as the account that may see\n"
        "               residents (uketsuke-identify).\n"
        "\n"
        "Exit codes: 0 shown, 1 there is none, 3 the database could not be asked.\n"
        "Example: uketsuke show R-20261121-000042\n",
    .needs_config = true,
    .run = run,
};
