#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/commands/registry_look.h"
#include "intake/registry/drop.h"
#include "intake/registry/import.h"
#include "intake/registry/report.h"

extern const struct command registry_reconcile_command;

struct arguments {
    const char *manifest;
    bool json;
};

/* What the feed has otherwise than the tables; nothing changes. */
static bool feed_compare(const struct config *config, const struct registry_look *look,
                         const char *path, json_t *report, struct failure *f)
{
    _cleanup_(delivery_free) struct delivery delivery = {0};
    _cleanup_(feed_faults_free) struct feed_faults faults = {0};
    struct registry_import_result result;
    if (!delivery_read(path, look->city_code, &delivery, f))
        return failure_prefix(f, "%s", path);
    _cleanup_(cleanup_text) char *csv =
        text_format("%s/%s", delivery.folder, delivery.manifest.file);
    _cleanup_(cleanup_file) FILE *in = NULL;
    if (!delivery_open(&delivery, &in, f))
        return failure_prefix(f, "%s", csv);
    struct registry_options options =
        registry_options_read(config, look->city_code, look->city_key, look->actor);
    options.compare_only = true;
    if (!registry_import(look->db, &delivery.manifest.feed, in, &options, &result, &faults, f))
        return failure_prefix(f, "%s", csv);
    json_object_set_new(report, "feed",
                        json_pack("{s:I s:I s:I s:I}", "rows", (json_int_t)result.rows, "to_add",
                                  (json_int_t)result.added, "to_change", (json_int_t)result.changed,
                                  "to_remove", (json_int_t)result.removed));
    return true;
}

static void report_print(const json_t *report)
{
    static const struct {
        const char *name, *text;
    } lines[] = {
        {"residents", "residents"},
        {"residents_present", "of them present or about to move"},
        {"links", "serial links"},
        {"links_in_force", "of them in force"},
        {"serials_in_conflict", "serials in force for several 宛名番号"},
        {"residents_without_link", "present residents without a link in force"},
        {"links_without_resident", "links in force without a resident"},
        {"links_of_leavers", "links in force of who is no resident any more"},
        {"renewed_in_force", "serials in force beside the one that renewed them"},
        {"numbers_twice", "個人番号 of several 宛名番号"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        printf("%10lld  %s\n",
               (long long)json_integer_value(json_object_get(report, lines[i].name)),
               lines[i].text);
    const char *name;
    const json_t *value;
    json_object_foreach (json_object_get(report, "feed"), name, value)
        printf("%10lld  feed: %s\n", (long long)json_integer_value(value), name);
}

static bool arguments_read(int argc, char **argv, struct arguments *ret_given)
{
    struct arguments given = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            given.json = true;
        else if (argv[i][0] == '-' || given.manifest)
            return false;
        else
            given.manifest = argv[i];
    }
    *ret_given = given;
    return true;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct arguments given;
    _cleanup_(registry_look_close) struct registry_look look = {0};
    _cleanup_(cleanup_json) json_t *report = NULL;
    if (!arguments_read(argc, argv, &given))
        return command_usage(&registry_reconcile_command, "takes a MANIFEST, and --json");
    if (!registry_look_open(config, given.manifest != NULL, &look, &f) ||
        !registry_reconcile(look.db, look.city_code, &report, &f) ||
        (given.manifest && !feed_compare(config, &look, given.manifest, report, &f)))
        return command_fail("registry reconcile", f.kind == FAILURE_INPUT ? EXIT_NO : EXIT_FAILED,
                            &f);
    if (given.json) {
        json_dumpf(report, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        report_print(report);
    }
    return EXIT_DONE;
}

const struct command registry_reconcile_command = {
    .name = "registry reconcile",
    .summary = "Do residents and serial links fit together, and with a feed?",
    .usage = "Usage: uketsuke registry reconcile [MANIFEST] [--json] [--config FILE]\n"
             "\n"
             "Counts residents and links as of now, and what does not fit: serials of several\n"
             "宛名番号, residents without link, links without resident. With the manifest of a\n"
             "feed that was not imported yet: what it would add, change and remove, too. Nothing\n"
             "is changed.\n"
             "Exit code 0, 1 when the feed is faulty, 3 when we could not.\n"
             "\n"
             "Example: uketsuke registry reconcile /var/lib/uketsuke/registry/links-12.json\n",
    .needs_config = true,
    .run = run,
};
