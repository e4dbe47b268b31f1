#include "intake/commands/verify_stored.h"

#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/seal.h"
#include "intake/application.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/evidence.h"
#include "intake/schema.h"

#define COMMAND "verify"
#define ROLE    "examine" /* whose rights it needs, and whose chain tells of it */

struct again {
    const char *city_code, *receipt_number;
    struct city_key *city_key;
    struct stored_verdict stored;
    struct evidence evidence;
    struct examiner examiner;
    struct crl_set *lists; /* the list of that day alone */
    json_t *differences;   /* sentences: what is not as it was */
    struct examination today;
};

static void cleanup_again(struct again *a)
{
    examination_free(&a->today);
    json_decref(a->differences);
    if (a->lists)
        crl_set_free(a->lists);
    examiner_free(&a->examiner);
    evidence_free(&a->evidence);
    stored_verdict_free(&a->stored);
    city_key_free(a->city_key);
}

/* What can't be remembered, is not looked at. */
static bool load_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct again *a = context;
    char actor[128];
    stored_verdict_free(&a->stored);
    if (!application_load_verdict(tx, a->city_key, a->city_code, a->receipt_number, &a->stored, f))
        return false;
    const struct audit_entry view = {.action = "application.view",
                                     .actor = look_actor(actor, sizeof actor),
                                     .city_code = a->city_code,
                                     .application_id = a->stored.item.application_id,
                                     .detail = "{\"by\":\"uketsuke verify --stored\"}"};
    return audit_append(tx, ROLE, &view, 1, f);
}

static bool load(const struct config *config, struct again *a, struct failure *f)
{
    struct db *db = NULL;
    a->city_code = settings_city_code(config, f);
    if (!a->city_code ||
        !city_key_load(config_text(config_group(config, "city"), "key"), &a->city_key, f) ||
        !db_open(config, ROLE, 1, &db, f))
        return false;
    bool loaded =
        db_schema_check(db, (int)schema_migration_count, f) && db_transaction(db, load_work, a, f);
    db_close(db);
    return loaded && evidence_read(buffer_bytes(&a->stored.evidence), &a->evidence, f) &&
           examiner_load(config, &a->examiner, f);
}

/* NULL: it is not in use any more. */
static struct crl_index *out_of_use(struct crl_set *lists, const char *index_sha256)
{
    for (size_t i = 0; i < crl_set_count(lists); i++)
        if (strcmp(crl_index_sha256(crl_set_at(lists, i)), index_sha256) == 0)
            return crl_set_release(lists, i);
    return NULL;
}

static struct crl_index *out_of_archive(struct again *a, const char *wanted)
{
    _cleanup_(cleanup_text) char *path =
        text_format("%s/archive/%.64s.idx", a->examiner.crl_directory, wanted);
    struct crl_index *index = NULL;
    struct failure why = {0};
    bool opened = crl_index_open(path, &index, &why);
    if (opened && strcmp(crl_index_sha256(index), wanted) == 0)
        return index;
    if (opened)
        failure_set(&why, FAILURE_INPUT, "%s is another list", path);
    crl_index_free(index);
    _cleanup_(cleanup_text) char *missing =
        text_format("the revocation list of that day is missing: %s", why.text);
    json_array_append_new(a->differences, json_string(missing));
    return NULL;
}

/* The index that was looked at, from those in use or from the archive, and no other: what is in use
 * today decides nothing about that day. */
static const struct crl_set *lists_of_the_day(struct again *a)
{
    const char *wanted = a->evidence.index_sha256;
    a->lists = crl_set_new();
    struct crl_index *index = wanted ? out_of_use(a->examiner.crls, wanted) : NULL;
    if (wanted && !index)
        index = out_of_archive(a, wanted);
    if (index)
        crl_set_take(a->lists, index);
    return a->lists;
}

static void examine_again(struct again *a)
{
    struct examination_input input = a->evidence.input;
    a->differences = evidence_differences(&a->evidence, a->examiner.trust, a->examiner.procedures);
    input.package = buffer_bytes(&a->stored.application.package);
    input.limits = &a->evidence.limits;
    input.trust = a->examiner.trust;
    input.crls = lists_of_the_day(a);
    input.procedures = a->examiner.procedures;
    examine(&input, &a->today);
}

static bool same_verdict(const struct again *a)
{
    return strcmp(a->stored.verdict, verdict_name(a->today.verdict)) == 0 &&
           strcmp(a->stored.reason, a->today.reason) == 0;
}

static bool same_report(const struct again *a)
{
    return bytes_equal(buffer_bytes(&a->stored.report), buffer_bytes(&a->today.report));
}

static void print_json(const struct again *a)
{
    _cleanup_(cleanup_json) json_t *report = json_read(buffer_bytes(&a->stored.report));
    _cleanup_(cleanup_json) json_t *json =
        json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:b, s:b, s:O, s:O}", "receipt_number",
                  a->receipt_number, "then", "verdict", a->stored.verdict, "reason",
                  a->stored.reason, "now", "verdict", verdict_name(a->today.verdict), "reason",
                  a->today.reason, "same_verdict", same_verdict(a), "same_report", same_report(a),
                  "differences", a->differences, "report", report);
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    json_write(json, &text);
    puts(buffer_text(&text));
}

static void print_text(const struct again *a)
{
    size_t i;
    json_t *difference;
    printf("%s: %s%s%s\n", a->receipt_number, a->stored.verdict, *a->stored.reason ? " " : "",
           a->stored.reason);
    printf("  examined again: %s\n", same_report(a)
                                         ? "the same verdict, and the same report, byte for byte"
                                     : same_verdict(a) ? "the same verdict, but another report"
                                                       : "ANOTHER VERDICT");
    if (!same_verdict(a))
        printf("  it would be %s%s%s today\n", verdict_name(a->today.verdict),
               *a->today.reason ? " " : "", a->today.reason);
    json_array_foreach (a->differences, i, difference)
        printf("  not as it was: %s\n", json_string_value(difference));
}

int verify_stored(const struct config *config, const char *receipt_number, bool json)
{
    _cleanup_(cleanup_again) struct again a = {.receipt_number = receipt_number};
    struct failure f = {0};
    if (!load(config, &a, &f))
        return command_fail(COMMAND, EXIT_FAILED, &f);
    examine_again(&a);
    if (json)
        print_json(&a);
    else
        print_text(&a);
    if (!same_verdict(&a)) {
        failure_set(&f, FAILURE_INPUT, "%s does not come out as on the day", receipt_number);
        return command_fail(COMMAND, EXIT_FAILED, &f);
    }
    return a.today.verdict == VERDICT_ACCEPTED  ? EXIT_DONE
           : a.today.verdict == VERDICT_REFUSED ? EXIT_NO
                                                : EXIT_LATER;
}
