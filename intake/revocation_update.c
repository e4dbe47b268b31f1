/* From a source to an index in its place. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fetch.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/process.h"
#include "intake/examine.h"
#include "intake/revocation.h"
#include "intake/revocation_store.h"
#include "signature/crl_builder.h"

/* How far the issuer's clock may run before ours. */
#define CLOCK_SKEW_MOST (5 * 60 * INSTANT_SECOND)

DEFINE_CLEANUP(cleanup_builder, struct crl_builder *, crl_builder_free)
DEFINE_CLEANUP(cleanup_index, struct crl_index *, crl_index_free)

static struct metric fetches = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_revocation_fetches_total",
    .help = "Looks at sources of revocation lists, by what came of them",
    .label_name = "result",
};

const char *revocation_change_name(enum revocation_change change)
{
    static const char *const names[] = {"unchanged", "stored", "refused", "failed"};
    return names[change];
}

/* --- from the source to the builder ----------------------------------------------------------- */

static bool builder_sink(void *context, struct bytes piece, struct failure *f)
{
    return crl_builder_feed(context, piece, f);
}

static bool file_stream(const char *path, uint64_t most, struct crl_builder *builder,
                        struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    uint8_t piece[65536];
    uint64_t got = 0;
    size_t length;
    if (!file)
        return failure_errno(f, "it cannot be opened");
    while ((length = fread(piece, 1, sizeof piece, file)) > 0) {
        got += length;
        if (got > most)
            return failure_set(f, FAILURE_LIMIT,
                               "it is larger than the %llu bytes that are allowed",
                               (unsigned long long)most);
        if (process_stopping())
            return failure_set(f, FAILURE_SYSTEM, "it was given up: we are stopping");
        if (!crl_builder_feed(builder, bytes_of(piece, length), f))
            return false;
    }
    return !ferror(file) || failure_errno(f, "it cannot be read");
}

static bool source_stream(const struct config_group *group, const char *source,
                          struct crl_builder *builder, struct failure *f)
{
    const char *ca = config_text(group, "ca");
    const struct fetch fetch = {
        .url = source,
        .ca_file = *ca ? ca : NULL,
        .patience = config_duration(group, "patience"),
        .most = (uint64_t)config_number(group, "size-most"),
    };
    return strstr(source, "://") ? fetch_url(&fetch, builder_sink, builder, f)
                                 : file_stream(source, fetch.most, builder, f);
}

/* --- may it be used? -------------------------------------------------------------------------- */

bool revocation_replaces(const struct crl_facts *present, const struct crl_facts *next,
                         struct failure *f)
{
    if (strcmp(present->partition, next->partition) != 0)
        return failure_set(f, FAILURE_INPUT,
                           "the list is of another partition than before (%s); if that is right, "
                           "remove the old index and its .last file",
                           *next->partition ? next->partition : "all");
    if (strcmp(present->issuer_sha256, next->issuer_sha256) != 0)
        return failure_set(f, FAILURE_INPUT,
                           "the list is signed by another generation (%s) than before: give it a "
                           "[revocation-list] of its own",
                           next->issuer_sha256);
    if (crl_facts_compare(next, present) >= 0)
        return true;
    return failure_set(f, FAILURE_INPUT,
                       "the list (number %s) is older than the one that is here (number %s); if "
                       "the CA began to count anew, remove the old index and its .last file",
                       next->number, present->number);
}

static bool is_as_configured(const struct config_group *list, const struct crl_facts *facts,
                             struct failure *f)
{
    const char *partition = config_text(list, "partition"), *issuer = config_text(list, "issuer");
    if (*partition && strcmp(partition, facts->partition) != 0)
        return failure_set(f, FAILURE_INPUT, "the list is of the partition \"%s\", not of \"%s\"",
                           facts->partition, partition);
    if (*issuer && strcasecmp(issuer, facts->issuer_sha256) != 0)
        return failure_set(f, FAILURE_INPUT,
                           "the list is signed by the generation %s, not by the one configured",
                           facts->issuer_sha256);
    return true;
}

/* What could not be used from the first moment on must not take the place of what can. */
static bool is_current(const struct crl_facts *facts, instant age_most, struct failure *f)
{
    char text[INSTANT_TEXT];
    instant now = clock_now();
    if (facts->this_update > now + CLOCK_SKEW_MOST)
        return failure_set(f, FAILURE_INPUT,
                           "the list says that it was issued on %s: is the clock "
                           "right?",
                           instant_text_jst(facts->this_update, text));
    if (facts->next_update < now && now - facts->this_update > age_most)
        return failure_set(f, FAILURE_INPUT, "the list of %s is too old to be used",
                           instant_text_jst(facts->this_update, text));
    return true;
}

/* --- one list --------------------------------------------------------------------------------- */

/* A file that is no index (any more) keeps nobody from putting a good one in its place. */
static struct crl_index *present_index(const char *folder, const char *name)
{
    _cleanup_(cleanup_text) char *path = index_path(folder, name);
    struct crl_index *index = NULL;
    struct failure f = {0};
    if (!crl_index_open(path, &index, &f) && f.kind == FAILURE_INPUT)
        log_warning("revocation.index_damaged", log_text("list", name), log_text("text", f.text));
    return index;
}

struct updating {
    const struct config_group *group, *list; /* [revocation] and [revocation-list …] */
    const struct trust *trust;
    const char *folder, *name;
};

/* Nor of the last one that was in use here, whose index may be damaged or gone. */
static bool replaces_last(const struct updating *updating, const struct crl_index *present,
                          const struct crl_facts *next, struct failure *f)
{
    struct crl_facts last;
    bool there;
    struct failure why = {0};
    if (index_last_read(updating->folder, updating->name, &last, &there, &why))
        return !there || revocation_replaces(&last, next, f);
    log_failure("revocation.last_damaged", &why);
    return present || failure_set(f, FAILURE_INPUT,
                                  "%s; nor is there a good index: when you are sure of the source, "
                                  "remove it",
                                  why.text);
}

/* The draft holds a good index: may it be used, and is it another one than before? */
static enum revocation_change draft_take(const struct updating *updating, struct index_draft *draft,
                                         struct failure *f)
{
    _cleanup_(cleanup_index) struct crl_index *next = NULL,
                                              *present =
                                                  present_index(updating->folder, updating->name);
    if (!crl_index_map(draft->output, &next, f))
        return REVOCATION_FAILED;
    const struct crl_facts *facts = crl_index_facts(next);
    if (present && strcmp(crl_index_sha256(present), crl_index_sha256(next)) == 0)
        return index_draft_keep(draft, crl_index_sha256(next), facts, f) ? REVOCATION_UNCHANGED
                                                                         : REVOCATION_FAILED;
    if (!is_as_configured(updating->list, facts, f) ||
        !is_current(facts, config_duration(updating->group, "age-most"), f) ||
        (present && !revocation_replaces(crl_index_facts(present), facts, f)) ||
        !replaces_last(updating, present, facts, f))
        return REVOCATION_REFUSED;
    if (!index_draft_store(draft, crl_index_sha256(next), facts, f))
        return REVOCATION_FAILED;
    log_info("revocation.stored", log_text("list", updating->name),
             log_text("partition", facts->partition), log_text("number", facts->number),
             log_number("entries", (int64_t)facts->entries),
             log_text("index_sha256", crl_index_sha256(next)));
    return REVOCATION_STORED;
}

static enum revocation_change source_take(const struct updating *updating, const char *source,
                                          struct failure *f)
{
    struct index_draft draft;
    struct crl_facts facts;
    if (!index_draft_open(updating->folder, updating->name, &draft, f))
        return REVOCATION_FAILED;
    _cleanup_(cleanup_builder) struct crl_builder *builder =
        crl_builder_new(updating->trust, draft.output, draft.scratch);
    enum revocation_change change;
    if (source_stream(updating->group, source, builder, f) && crl_builder_end(builder, &facts, f))
        change = draft_take(updating, &draft, f);
    else
        change = f->kind == FAILURE_INPUT ? REVOCATION_REFUSED : REVOCATION_FAILED;
    index_draft_close(&draft);
    return change;
}

/* It names a file. */
static bool name_valid(const char *name)
{
    size_t length = strlen(name);
    return length <= REVOCATION_NAME_MOST && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool is_good(enum revocation_change change)
{
    return change == REVOCATION_UNCHANGED || change == REVOCATION_STORED;
}

enum revocation_change revocation_fetch(const struct config *config,
                                        const struct config_group *list, const struct trust *trust,
                                        struct failure *f)
{
    const struct config_group *group = config_group(config, revocation_config_section.name);
    const struct updating updating = {group, list, trust, config_text(group, "directory"),
                                      config_name(list)};
    if (!name_valid(updating.name)) {
        failure_set(f, FAILURE_USAGE, "the name of a list is of a-z, 0-9 and -, %d at most",
                    REVOCATION_NAME_MOST);
        return REVOCATION_FAILED;
    }
    enum revocation_change first = REVOCATION_FAILED;
    for (size_t i = 0; i < config_list_length(list, "sources"); i++) {
        const char *source = config_list_item(list, "sources", i);
        struct failure why = {0};
        enum revocation_change change = source_take(&updating, source, &why);
        metric_add(&fetches, revocation_change_name(change), 1);
        if (is_good(change))
            return change;
        log_warning("revocation.source_failed", log_text("list", updating.name),
                    log_text("source", source), log_text("result", revocation_change_name(change)),
                    log_text("kind", failure_kind_name(why.kind)), log_text("text", why.text));
        if (i > 0)
            continue;
        first = change;
        failure_set(f, why.kind, "%s", why.text);
        failure_prefix(f, "%s", source);
    }
    return first;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void archive_prune(const struct config_group *group)
{
    struct failure f = {0};
    size_t removed = 0;
    const char *folder = config_text(group, "directory");
    if (!index_archive_prune(folder, config_duration(group, "archive-keep"), &removed, &f))
        log_failure("revocation.archive", &f);
    else if (removed > 0)
        log_info("revocation.archive_pruned", log_number("indexes", (int64_t)removed));
}

struct revocation_round revocation_update(const struct config *config, const struct trust *trust,
                                          struct failure *f)
{
    const char *const section = revocation_list_config_section.name;
    struct revocation_round round = {0};
    for (const struct config_group *list = config_next(config, section, NULL); list;
         list = config_next(config, section, list), round.lists++) {
        struct failure why = {0};
        enum revocation_change change = revocation_fetch(config, list, trust, &why);
        if (!is_good(change) && round.refused + round.failed == 0) {
            failure_set(f, why.kind, "%s", why.text);
            failure_prefix(f, "list %s", config_name(list));
        }
        round.stored += change == REVOCATION_STORED;
        round.refused += change == REVOCATION_REFUSED;
        round.failed += change == REVOCATION_FAILED;
    }
    if (round.stored > 0)
        archive_prune(config_group(config, revocation_config_section.name));
    return round;
}
