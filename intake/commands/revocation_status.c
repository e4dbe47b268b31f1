/* `uketsuke revocation status`: the index of each configured list. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/revocation.h"
#include "intake/revocation_store.h"

extern const struct command revocation_status_command;

enum list_state { LIST_FRESH, LIST_STALE, LIST_MISSING, LIST_BAD };
static const char *const state_names[] = {"fresh", "stale", "missing", "bad"};

struct list_status {
    const char *name;
    enum list_state state;
    struct crl_index *index; /* NULL: missing or bad */
    struct failure why;      /* … then */
    instant age;
};

static struct list_status status_of(const struct config_group *group,
                                    const struct config_group *list)
{
    struct list_status status = {.name = config_name(list)};
    _cleanup_(cleanup_text) char *path = index_path(config_text(group, "directory"), status.name);
    if (!crl_index_open(path, &status.index, &status.why)) {
        status.state = access(path, F_OK) == 0 ? LIST_BAD : LIST_MISSING;
        return status;
    }
    const struct crl_facts *facts = crl_index_facts(status.index);
    status.age = clock_now() - facts->this_update;
    status.state = clock_now() > facts->next_update ? LIST_STALE : LIST_FRESH;
    return status;
}

static void print_text(const struct list_status *status)
{
    char next[INSTANT_TEXT], span[DURATION_TEXT];
    printf("%s: %s\n", status->name, state_names[status->state]);
    if (!status->index) {
        printf("    %s\n", status->why.text);
        return;
    }
    const struct crl_facts *facts = crl_index_facts(status->index);
    instant_text_jst(facts->next_update, next);
    printf("    %s\n", *facts->partition ? facts->partition : "(all partitions)");
    printf("    number %s, %" PRIu64 " %s, %s old, next update %.10s %.5s\n", facts->number,
           facts->entries, text_plural((int64_t)facts->entries, "entry", "entries"),
           duration_text(status->age, span), next, next + 11);
}

static json_t *to_json(const struct list_status *status)
{
    json_t *json =
        json_pack("{s:s, s:s}", "name", status->name, "state", state_names[status->state]);
    if (!status->index) {
        json_object_set_new(json, "text", json_string(status->why.text));
        return json;
    }
    const struct crl_facts *facts = crl_index_facts(status->index);
    char this_update[INSTANT_TEXT], next_update[INSTANT_TEXT];
    json_t *more =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "partition", facts->partition,
                  "issuer_sha256", facts->issuer_sha256, "number", facts->number, "this_update",
                  instant_text_jst(facts->this_update, this_update), "next_update",
                  instant_text_jst(facts->next_update, next_update), "age_seconds",
                  (json_int_t)(status->age / INSTANT_SECOND), "entries", (json_int_t)facts->entries,
                  "tbs_sha256", facts->tbs_sha256, "index_sha256", crl_index_sha256(status->index));
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static void print_end(size_t fresh, size_t count)
{
    printf("%zu of %zu %s here and fresh.%s\n", fresh, count,
           text_plural((int64_t)count, "list is", "lists are"),
           fresh == count ? "" : " Try: uketsuke revocation update");
}

static int run(const struct config *config, int argc, char **argv)
{
    const struct config_group *group = config_group(config, revocation_config_section.name);
    const char *const section = revocation_list_config_section.name;
    bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    size_t count = 0, fresh = 0;
    if (argc > 1 && !as_json)
        return command_usage(&revocation_status_command, "what does \"%s\" mean?", argv[1]);
    _cleanup_(cleanup_json) json_t *all = json_array();
    for (const struct config_group *list = config_next(config, section, NULL); list;
         list = config_next(config, section, list), count++) {
        struct list_status status = status_of(group, list);
        fresh += status.state == LIST_FRESH;
        if (as_json)
            json_array_append_new(all, to_json(&status));
        else
            print_text(&status);
        crl_index_free(status.index);
    }
    if (as_json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_end(fresh, count);
    }
    return fresh == count ? EXIT_DONE : EXIT_NO;
}

const struct command revocation_status_command = {
    .name = "revocation status",
    .summary = "Show each revocation list: partition, number, age, entries, next update",
    .usage =
        "Usage: uketsuke revocation status [--json]\n"
        "\n"
        "For each [revocation-list …]: the partition, number, entries and age of the list whose\n"
        "index is here, and when the next is due. fresh: that is still to come; stale: it has\n"
        "passed; missing: there is no index; bad: it is damaged. --json: a list of objects.\n"
        "\n"
        "Exit code: 0 all are fresh, 1 one is not, 3 failure.\n"
        "\n"
        "Example: uketsuke revocation status --json | jq '.[] | {name, state, age_seconds}'\n",
    .needs_config = true,
    .run = run,
};
