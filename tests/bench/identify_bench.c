/* Identification of the cases of a made-up city (uketsuke-sandbox city), against a database that
 * holds its registry: tests/bench/run identify. Fetches and decides as the role does (role.c); what
 * is right, it is not told. Answers, a line each: id, reason, who was identified or proposed, the
 * candidates, best first, and a hash of the whole decision, by which two builds are compared. On
 * standard output the times. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/identify/batch.h"

#define BATCH 64                /* [work] batch */
#define WAIT  (7 * INSTANT_DAY) /* [identify] wait-for-serial */
#define CITY  "992011"

#define SAMPLES 5000
#define ROUNDS  3

struct one_case {
    json_t *json;
    bool by_serial; /* was decided so: times are taken of these in batches, of the others alone */
};

struct bench {
    struct db *db;
    struct city_key *key;
    instant now;
    struct one_case *cases;
    size_t count;
    FILE *answers;
};

static void die(const char *what, const struct failure *f)
{
    fprintf(stderr, "identify_bench: %s%s%s\n", what, f ? ": " : "", f ? f->text : "");
    exit(3);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void cases_read(struct bench *bench, const char *path)
{
    char *line = NULL;
    size_t size = 0, room = 0;
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in)
        die("the cases cannot be read", NULL);
    while (getline(&line, &size, in) > 0) {
        if (bench->count == room) {
            room = 2 * room + 1024;
            bench->cases = memory_resize(bench->cases, room * sizeof *bench->cases);
        }
        json_t *json = json_loads(line, 0, NULL);
        if (!json)
            die("a case is no JSON", NULL);
        bench->cases[bench->count++] = (struct one_case){.json = json};
    }
    free(line);
}

/* --- a batch, as batch_work of intake/identify/role.c does it ------------------------------------
 */

struct batch {
    const struct bench *bench;
    struct one_case **cases;
    size_t count;
    struct subject *subjects;
    struct fetched fetched;
};

static void subject_make(const struct bench *bench, const json_t *json, struct subject *subject)
{
    const json_t *facts = json_object_get(json, "facts");
    instant applied_at;
    if (!instant_parse(text_of(json, "applied_at"), &applied_at))
        die("a case has no time", NULL);
    subject->ca = text_of(json, "ca");
    subject->serial = text_of(json, "serial");
    subject->facts = json_is_object(facts) ? facts : NULL;
    subject->record = json_object_get(json, "record");
    subject->by_agent = json_is_true(json_object_get(json, "by_agent"));
    subject->applied_at = applied_at;
    subject->waited = bench->now >= applied_at + WAIT;
}

static void batch_clear(struct batch *batch)
{
    if (batch->subjects)
        subjects_clear(batch->subjects, batch->count);
    free(batch->subjects);
    batch->subjects = NULL;
    fetched_free(&batch->fetched);
}

static bool batch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct batch *batch = context;
    batch_clear(batch);
    batch->subjects = memory_allocate(batch->count * sizeof *batch->subjects);
    for (size_t i = 0; i < batch->count; i++)
        subject_make(batch->bench, batch->cases[i]->json, &batch->subjects[i]);
    return registry_hold(tx, CITY, f) &&
           subjects_identify(tx, CITY, batch->bench->key, batch->subjects, batch->count,
                             &batch->fetched, f);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds it took, with its transaction. */
static double batch_run(struct batch *batch)
{
    struct failure f = {0};
    double begun = now_us();
    if (!db_transaction(batch->bench->db, batch_work, batch, &f))
        die("a batch", &f);
    return now_us() - begun;
}

/* --- answers ------------------------------------------------------------------------------------
 */

static void decision_hash(const struct subject *subject, char ret_hex[65])
{
    uint8_t hash[32];
    _cleanup_(cleanup_json) json_t *json = identification_json(&subject->input, &subject->found);
    _cleanup_(cleanup_text) char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    sha256(bytes_of_text(text), hash);
    hex_encode(hash, sizeof hash, ret_hex);
}

static void answer_write(FILE *out, const json_t *json, const struct subject *subject)
{
    char hex[65];
    const struct identification *found = &subject->found;
    fprintf(out, "%s\t%s\t%s\t", text_of(json, "id"),
            found->identified ? "identified" : found->reason,
            found->atenabango ? found->atenabango : "");
    for (size_t i = 0; i < found->candidate_count; i++)
        fprintf(out, "%s%s", i ? "," : "", found->candidates[i].resident->atenabango);
    decision_hash(subject, hex);
    fprintf(out, "\t%.16s\n", hex);
}

static void all_identify(struct bench *bench)
{
    struct one_case *cases[BATCH];
    for (size_t first = 0; first < bench->count; first += BATCH) {
        struct batch batch = {.bench = bench, .cases = cases};
        for (size_t i = first; i < bench->count && batch.count < BATCH; i++)
            cases[batch.count++] = &bench->cases[i];
        batch_run(&batch);
        for (size_t i = 0; i < batch.count; i++) {
            answer_write(bench->answers, cases[i]->json, &batch.subjects[i]);
            cases[i]->by_serial = batch.subjects[i].found.identified;
        }
        batch_clear(&batch);
    }
}

/* --- times --------------------------------------------------------------------------------------
 */

static int compare_doubles(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

struct times {
    double median, p99; /* microseconds */
    size_t count;
};

/* Those with or without an answer by serial number, `size` at a time; for one of them. */
static struct times times_take(struct bench *bench, bool by_serial, size_t size)
{
    struct one_case *cases[BATCH];
    double *times = memory_allocate((bench->count + 1) * sizeof *times);
    size_t count = 0, at = 0;
    while (at < bench->count && count < SAMPLES) {
        struct batch batch = {.bench = bench, .cases = cases};
        for (; at < bench->count && batch.count < size; at++)
            if (bench->cases[at].by_serial == by_serial)
                cases[batch.count++] = &bench->cases[at];
        if (batch.count < size)
            break;
        times[count++] = batch_run(&batch) / (double)size;
        batch_clear(&batch);
    }
    qsort(times, count, sizeof *times, compare_doubles);
    struct times taken = {count ? times[count / 2] : 0, count ? times[count * 99 / 100] : 0, count};
    free(times);
    return taken;
}

/* The machine may be busy with others: of some rounds the best counts. */
static void times_print(struct bench *bench, bool by_serial, size_t size, const char *what)
{
    struct times best = times_take(bench, by_serial, size);
    for (int round = 1; round < ROUNDS; round++) {
        struct times taken = times_take(bench, by_serial, size);
        best = taken.median < best.median ? taken : best;
    }
    printf("%s median\t%.1f\n%s p99\t%.1f\n%s times\t%zu\n", what, best.median, what, best.p99,
           what, best.count);
}

int main(int argc, char **argv)
{
    static const struct config_section *const sections[] = {&db_config_section};
    struct failure f = {0};
    struct config *config;
    if (argc != 5) {
        fputs("identify_bench: see tests/bench/run identify\n", stderr);
        return 64;
    }
    log_open("bench", LOG_LEVEL_WARNING, false);
    clock_initialize();
    struct bench bench = {.now = clock_now(), .answers = fopen(argv[4], "we")};
    if (!bench.answers || !config_load(argv[1], sections, 1, &config, &f) ||
        !city_key_load(argv[2], &bench.key, &f) || !db_open(config, "identify", 1, &bench.db, &f))
        die("cannot begin", &f);
    db_plan_by_key(bench.db); /* as role_start does */
    db_plan_once(bench.db);   /* as the role does */
    cases_read(&bench, argv[3]);
    all_identify(&bench);
    times_print(&bench, true, BATCH, "serial");
    times_print(&bench, false, 1, "facts");
    for (size_t i = 0; i < bench.count; i++)
        json_decref(bench.cases[i].json);
    free(bench.cases);
    db_close(bench.db);
    city_key_free(bench.key);
    config_free(config);
    return fclose(bench.answers) == 0 ? 0 : 3;
}
