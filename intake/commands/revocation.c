/* `uketsuke revocation`: the role, one update, and what is there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/revocation.h"

extern const struct command revocation_command;
extern const struct command revocation_update_command;
extern const struct command revocation_status_command;

struct updater {
    const struct config *config;
    struct trust *trust;
    bool failed; /* at the last look */
    bool once;
};

static enum work_result update(void *context, struct failure *f)
{
    struct updater *updater = context;
    updater->failed = revocation_update(updater->config, updater->trust, f) > 0;
    return updater->failed && updater->once ? WORK_FAILED : WORK_IDLE;
}

/* The sources that failed are told in the log; they are asked again sooner. */
static void wait_for_next(void *context, instant patience)
{
    const struct updater *updater = context;
    const struct config_group *group = config_group(updater->config, "revocation");
    process_sleep(updater->failed ? config_duration(group, "retry") : patience);
}

static bool update_run(const struct config *config, bool once, struct failure *f)
{
    struct updater updater = {.config = config, .once = once};
    if (!examiner_load_trust(config, &updater.trust, f))
        return false;
    const struct work_loop loop = {
        .name = "revocation",
        .step = update,
        .wait = wait_for_next,
        .context = &updater,
        .interval = config_duration(config_group(config, "revocation"), "interval"),
        .once = once,
    };
    bool done = work_loop_run(&loop, f);
    trust_free(updater.trust);
    return done;
}

static bool only_once(int argc, char **argv, bool *ret_once)
{
    *ret_once = argc == 2 && strcmp(argv[1], "--once") == 0;
    return argc == 1 || *ret_once;
}

static int run_role(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct role role;
    bool once;
    if (!only_once(argc, argv, &once))
        return command_usage(&revocation_command, "what does \"%s\" mean?", argv[argc - 1]);
    if (!role_start("revocation", config, 0, &role, &f))
        return command_fail(revocation_command.name, EXIT_FAILED, &f);
    bool done = update_run(config, once, &f);
    role_stop(&role);
    return done ? EXIT_DONE : command_fail(revocation_command.name, EXIT_FAILED, &f);
}

static int run_update(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    bool once;
    if (!only_once(argc, argv, &once))
        return command_usage(&revocation_update_command, "what does \"%s\" mean?", argv[argc - 1]);
    process_catch_signals();
    settings_open_log(config, "revocation");
    if (!update_run(config, true, &f))
        return command_fail(revocation_update_command.name, EXIT_FAILED, &f);
    size_t count = config_list_length(config_group(config, "revocation"), "sources");
    printf("%zu %s asked, every list is as new as its source has it.\n"
           "Their ages: uketsuke revocation status\n",
           count, text_plural((int64_t)count, "source was", "sources were"));
    return EXIT_DONE;
}

/* ---- status ---- */

static void print_age(const struct crl_facts *facts)
{
    char next[INSTANT_TEXT], span[DURATION_TEXT];
    instant age = clock_now() - facts->this_update;
    printf("    number %s, %llu %s, %s old, next update %.10s %.5s%s\n", facts->number,
           (unsigned long long)facts->entries,
           text_plural((int64_t)facts->entries, "entry", "entries"), duration_text(age, span),
           instant_text_jst(facts->next_update, next), next + 11,
           clock_now() > facts->next_update ? " (overdue)" : "");
}

/* Whether the source's list is here and can be used. */
static bool print_source(const struct config_group *group, const char *source,
                         const struct trust *trust)
{
    char name[REVOCATION_FILE_NAME];
    struct crl_facts facts;
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    _cleanup_(cleanup_text) char *path =
        text_format("%s/%s", config_text(group, "directory"), revocation_file_name(source, name));
    printf("%s\n", source);
    if (!revocation_file_read(path, REVOCATION_FILE_MOST, &content, &f) ||
        !revocation_check(buffer_bytes(&content), trust, &facts, &f)) {
        printf("    no list: %s\n", f.text);
        return false;
    }
    printf("    %s\n", *facts.partition ? facts.partition : "(all partitions)");
    print_age(&facts);
    return clock_now() <= facts.next_update;
}

static int run_status(const struct config *config, int argc, char **argv)
{
    const struct config_group *group = config_group(config, "revocation");
    size_t count = config_list_length(group, "sources"), good = 0;
    struct trust *trust;
    struct failure f = {0};
    if (argc > 1)
        return command_usage(&revocation_status_command, "what does \"%s\" mean?", argv[1]);
    if (!examiner_load_trust(config, &trust, &f))
        return command_fail(revocation_status_command.name, EXIT_FAILED, &f);
    for (size_t i = 0; i < count; i++)
        good += print_source(group, config_list_item(group, "sources", i), trust);
    trust_free(trust);
    printf("%zu of %zu lists are here and current.%s\n", good, count,
           good == count ? "" : " Try: uketsuke revocation update");
    return good == count ? EXIT_DONE : EXIT_NO;
}

#define ABOUT                                                                                      \
    "Fetches the revocation lists of [revocation] sources into [revocation] directory. A list "    \
    "is\n"                                                                                         \
    "kept only when our trust anchors signed it and it is not older than the one that is there.\n" \
    "A source that fails is told with its reason and harms no other.\n"

const struct command revocation_command = {
    .name = "revocation",
    .summary = "Role: keep the revocation lists fresh",
    .usage = "Usage: uketsuke revocation [--once]\n"
             "\n" ABOUT "\n"
             "Runs until it is told to stop, looking every [revocation] interval, after a failure\n"
             "every [revocation] retry. --once: one look; exit 3 when a source failed.\n"
             "\n"
             "Example: uketsuke revocation --config /etc/uketsuke/uketsuke.conf\n"
             "See also: uketsuke revocation status\n",
    .needs_config = true,
    .run = run_role,
};

const struct command revocation_update_command = {
    .name = "revocation update",
    .summary = "Fetch the revocation lists once, now",
    .usage = "Usage: uketsuke revocation update [--once]\n"
             "\n" ABOUT "\n"
             "Exit code: 0 every source gave its list, 3 at least one did not.\n"
             "\n"
             "Example: uketsuke revocation update && uketsuke revocation status\n",
    .needs_config = true,
    .run = run_update,
};

const struct command revocation_status_command = {
    .name = "revocation status",
    .summary = "Show each revocation list: partition, number, age, entries, next update",
    .usage =
        "Usage: uketsuke revocation status\n"
        "\n"
        "For each of [revocation] sources: the partition, number, entries and age of the list\n"
        "that is here, and when the next is due; or why there is none.\n"
        "\n"
        "Exit code: 0 all are here and current, 1 one is missing or overdue, 3 failure.\n",
    .needs_config = true,
    .run = run_status,
};
