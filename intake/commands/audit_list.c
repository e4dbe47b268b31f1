#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/audit_folder.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"

extern const struct command audit_list_command;

struct listing {
    struct audit_telling telling; /* first: it is the archive's context */
    const char *chain, *person, *action, *application;
    int64_t shown;
};

static bool is(const char *wanted, const char *found)
{
    return !wanted || (found && strcmp(wanted, found) == 0);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* One object a line, so that it is read by people and by programs. */
static void show(const struct audit_archive_entry *found, void *context)
{
    struct listing *l = context;
    const struct audit_entry *e = &found->entry;
    char at[INSTANT_TEXT];
    if (!is(l->chain, found->chain) || !is(l->person, e->actor) || !is(l->action, e->action) ||
        !is(l->application, e->application_id))
        return;
    _cleanup_(cleanup_json) json_t *line =
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "at",
                  instant_text_jst(found->at, at), "chain", found->chain, "position",
                  (json_int_t)found->position, "action", e->action, "actor", e->actor, "terminal",
                  text_or_null(e->terminal), "application", text_or_null(e->application_id),
                  "reason", text_or_null(e->reason), "detail", text_or_null(e->detail));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    l->shown++;
}

static bool list(const struct config *config, const char *path, const char *month,
                 struct listing *l, bool *ret_intact, struct failure *f)
{
    struct db *db = NULL;
    _cleanup_(audit_folder_close) struct audit_folder folder = {0};
    bool done = audit_folder_open(config, path, &l->telling, &folder, f) &&
                look_open(config, &db, f) &&
                audit_folder_remember(db, &folder, "audit.look", month, f) &&
                audit_archive_list(config, &folder.archive, month, show, ret_intact, f);
    db_close(db);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    bool intact = false;
    const char *path = NULL, *month = NULL;
    struct listing l = {.telling = audit_telling_begin("audit list")};
    const struct word_option options[] = {
        {"--archive", &path, NULL},    {"--month", &month, NULL},
        {"--chain", &l.chain, NULL},   {"--person", &l.person, NULL},
        {"--action", &l.action, NULL}, {"--application", &l.application, NULL}};
    if (!words_read(&audit_list_command, argc, argv, options, 6, NULL, 0))
        return EXIT_USAGE;
    if (!path || !month || !audit_month_valid(month))
        return command_usage(&audit_list_command, "needs --archive FOLDER and --month YYYY-MM");
    if (!list(config, path, month, &l, &intact, &f))
        return command_fail("audit list", EXIT_FAILED, &f);
    fprintf(stderr, "%lld %s of %s.\n", (long long)l.shown,
            text_plural(l.shown, "entry", "entries"), month);
    return intact ? EXIT_DONE : EXIT_NO;
}

const struct command audit_list_command = {
    .name = "audit list",
    .summary = "Read a month of the archived audit trail",
    .usage =
        "Usage: uketsuke audit list --archive FOLDER --month YYYY-MM [--chain CHAIN]\n"
        "           [--person WHO] [--action ACTION] [--application ID] [--config FILE]\n"
        "\n"
        "Opens the month's sealed files, proves them, and prints the entries that fit, each as a\n"
        "JSON object on a line (what is online, 監査 of the console searches). A file that is not\n"
        "good is said so, in the place where it is not. The look is itself an entry of the trail\n"
        "(audit.look).\n"
        "\n"
        "  --person       exactly, like staff:hanako\n"
        "  --application  the application's id, not its receipt number; entries about many\n"
        "                 items name them in detail\n"
        "\n"
        "Exit codes: 0 done, 1 something in the folder is not good, 3 it could not be read.\n"
        "Example: sudo uketsuke audit list --archive /mnt/medium --month 2025-03 \\\n"
        "             --person staff:hanako\n",
    .needs_config = true,
    .run = run,
};
