/* `town make`: residents, their links, their applications, and what must become of each. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town.h"
#include "deploy/sandbox/town_others.h"
#include "deploy/sandbox/town_plan.h"
#include "deploy/sandbox/town_registry.h"

/* The last one was sent three minutes ago: the next revocation list is younger than all. */
#define ARRIVALS_FIRST (6 * 3600 * INSTANT_SECOND)
#define ARRIVALS_LAST  (180 * INSTANT_SECOND)

struct town_books { /* what is written along the way */
    struct town_registry registry;
    json_t *expected, *arrivals;
    size_t of_kind[TOWN_KINDS_MOST]; /* by place in town_kinds */
    int64_t told;                    /* clock_monotonic of the last word about progress */
};

static void books_free(struct town_books *books)
{
    json_decref(books->expected);
    json_decref(books->arrivals);
    town_registry_free(&books->registry);
}

static void draft_book(struct town_books *books, const struct draft *draft)
{
    char at[INSTANT_TEXT];
    const struct parcel *parcel = &draft->parcel;
    const struct kind *kind = draft->kind;
    town_registry_write(&books->registry, draft);
    json_object_set_new(books->expected, parcel->receipt_number,
                        json_pack("{s:s,s:s,s:s}", "kind", kind->name, "state", kind->state,
                                  "reason", kind->reason));
    json_object_set_new(
        books->arrivals, parcel->receipt_number,
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "city_code", draft->town->city->city_code,
                  "procedure_id", parcel->procedure_id, "form_version", parcel->form_version,
                  "applied_at", applied_at_text(parcel->applied_at, at), "fault", draft->fault));
    books->of_kind[kind - town_kinds]++;
}

static void progress_tell(struct town_books *books, size_t done, size_t count)
{
    if (clock_monotonic() - books->told < 2 * INSTANT_SECOND)
        return;
    books->told = clock_monotonic();
    fprintf(stderr, "%zu of %zu applications made\n", done, count);
}

static bool application_write(const char *folder, struct town *town, const struct town_plan *plan,
                              size_t i, struct town_books *books, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    struct draft *draft = memory_allocate(sizeof *draft);
    struct dice dice = dice_make(town->seed ^ 0x7131E, i);
    instant span = ARRIVALS_FIRST - ARRIVALS_LAST;
    instant slot = span / (instant)plan->count;
    instant applied_at = town->now - ARRIVALS_FIRST + slot * (instant)i +
                         (instant)(dice_roll(&dice) % (uint64_t)slot);
    applied_at -= applied_at % 1000; /* milliseconds */
    bool done = draft_make(town, plan->kinds[i], (uint32_t)i, applied_at, draft, &zip, f);
    _cleanup_(cleanup_text) char *name =
        text_format("applications/%s.zip", draft->parcel.receipt_number);
    done = done && text_write(folder, name, buffer_bytes(&zip), f);
    if (done)
        draft_book(books, draft);
    draft_clear(draft);
    free(draft);
    return done;
}

static bool json_write(const char *folder, const char *name, const json_t *json, struct failure *f)
{
    _cleanup_(cleanup_text) char *text =
        json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    return text_write(folder, name, bytes_of_text(text), f);
}

static void summary_make(const struct town_books *books, struct buffer *text)
{
    size_t all = 0;
    for (size_t i = 0; i < town_kind_count; i++) {
        const struct kind *kind = &town_kinds[i];
        if (books->of_kind[i])
            buffer_format(text, "%6zu  %-22s → %s%s%s\n", books->of_kind[i], kind->name,
                          kind->state, kind->reason[0] ? " " : "", kind->reason);
        all += books->of_kind[i];
    }
    buffer_format(text, "%6zu  in all\n", all);
}

static bool books_finish(const char *folder, struct town_books *books, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer summary = {0};
    summary_make(books, &summary);
    printf("%s", buffer_text(&summary));
    return town_registry_close(&books->registry, f) &&
           text_write(folder, "summary.txt", buffer_bytes(&summary), f) &&
           json_write(folder, "arrivals.json", books->arrivals, f) &&
           json_write(folder, "expected.json", books->expected, f);
}

static bool applications_write(const char *folder, struct town *town, const struct town_plan *plan,
                               struct town_books *books, struct failure *f)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!application_write(folder, town, plan, i, books, f))
            return false;
        progress_tell(books, i + 1, plan->count);
    }
    return true;
}

static bool keys_make(struct town *town, size_t count, struct failure *f)
{
    town->keys = memory_allocate(count * sizeof *town->keys);
    while (town->key_count < count) {
        EVP_PKEY *key = key_make_rsa(f);
        if (!key)
            return false;
        town->keys[town->key_count++] = key;
    }
    town->elliptic_key = key_make_ec("P-384", f);
    return town->elliptic_key != NULL;
}

static bool folders_make(const char *folder, struct failure *f)
{
    _cleanup_(cleanup_text) char *applications = text_format("%s/applications", folder);
    _cleanup_(cleanup_text) char *expected = text_format("%s/expected.json", folder);
    if (access(expected, F_OK) == 0)
        return failure_set(f, FAILURE_USAGE, "%s has a town already: take another folder", folder);
    return folder_make(folder, f) && folder_make(applications, f);
}

/* Cities whose revocation lists are published: there are two, neighbours of each other. */
static bool cities_find(const char *code, struct town *town)
{
    for (size_t i = 0; i < jpki_partition_count; i++) {
        if (!jpki_partitions[i].published)
            continue;
        if (strcmp(jpki_partitions[i].city_code, code) == 0)
            town->city = &jpki_partitions[i];
        else
            town->neighbour = &jpki_partitions[i];
    }
    return town->city != NULL;
}

bool town_make(const struct town_options *options, struct failure *f)
{
    char prefix[16];
    struct day today = day_of_instant(options->now);
    snprintf(prefix, sizeof prefix, "%04d%02d%02d-", today.year, today.month, today.day);
    struct town town = {.seed = (uint64_t)options->seed,
                        .now = options->now,
                        .prefix = options->prefix ? options->prefix : prefix};
    struct town_plan plan = {0};
    struct town_others others = {0};
    struct town_books books = {
        .expected = json_object(), .arrivals = json_object(), .told = clock_monotonic()};
    if (!cities_find(options->city_code, &town))
        return failure_set(f, FAILURE_USAGE, "the sandbox has no city %.8s", options->city_code);
    town.others = &others;
    bool done = town_plan_make(options, &plan, f) &&
                town_others_read(options->procedures, options->others, &others, f) &&
                folders_make(options->folder, f) &&
                jpki_open(options->jpki_folder, true, &town.jpki, f) &&
                keys_make(&town, (size_t)options->keys, f) &&
                town_registry_open(options->folder, &books.registry, f) &&
                applications_write(options->folder, &town, &plan, &books, f) &&
                jpki_ledger_save(town.jpki, f) && books_finish(options->folder, &books, f);
    books_free(&books);
    town_plan_free(&plan);
    town_others_free(&others);
    for (size_t i = 0; i < town.key_count; i++)
        EVP_PKEY_free(town.keys[i]);
    free(town.keys);
    EVP_PKEY_free(town.elliptic_key);
    jpki_close(town.jpki);
    return done;
}
