#include "intake/identify/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "intake/identify/protection.h"

static void add_resident(struct subject *subject, const struct resident *resident)
{
    if (subject->resident_count == subject->resident_room) {
        subject->resident_room = 2 * subject->resident_room + 8;
        subject->residents =
            memory_resize(subject->residents, subject->resident_room * sizeof *subject->residents);
    }
    subject->residents[subject->resident_count++] = *resident;
}

/* --- by serial number ------------------------------------------------------------------------- */

static bool fetch_links(struct db_tx *tx, const char *city_code, struct subject *subjects,
                        size_t count, struct fetched *fetched, struct failure *f)
{
    fetched->lookups = memory_allocate(count * sizeof *fetched->lookups);
    for (size_t i = 0; i < count; i++)
        fetched->lookups[i] = (struct registry_lookup){
            .ca = subjects[i].ca, .serial = subjects[i].serial, .at = subjects[i].applied_at};
    if (!registry_links(tx, city_code, fetched->lookups, count, f))
        return false;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < fetched->lookups[i].count; j++)
            subjects[i].links[j] = fetched->lookups[i].atenabango[j];
    return true;
}

static bool fetch_linked(struct db_tx *tx, const char *city_code, struct subject *subjects,
                         size_t count, struct fetched *fetched, struct failure *f)
{
    size_t most = count * REGISTRY_LINKS_MOST, n = 0;
    struct resident_wanted *wanted = memory_allocate(most * sizeof *wanted);
    size_t *whose = memory_allocate(most * sizeof *whose);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < fetched->lookups[i].count; j++) {
            wanted[n] = (struct resident_wanted){subjects[i].links[j], subjects[i].applied_at};
            whose[n++] = i;
        }
    bool done = n == 0 || residents_fetch(tx, city_code, wanted, n, &fetched->linked, f);
    for (size_t i = 0; done && i < fetched->linked.count; i++)
        add_resident(&subjects[whose[fetched->linked.answers[i].question]],
                     &fetched->linked.answers[i].resident);
    free(wanted);
    free(whose);
    return done;
}

/* --- by 個人番号 ------------------------------------------------------------------------------ */

static bool fetch_numbered(struct db_tx *tx, const char *city_code, struct subject *subjects,
                           size_t count, struct fetched *fetched, struct failure *f)
{
    size_t most = count * PEOPLE_MOST, n = 0;
    uint8_t(*hashes)[NUMBER_HASH_BYTES] = memory_allocate(most * sizeof *hashes);
    size_t *whose = memory_allocate(most * sizeof *whose);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < subjects[i].people.count; j++)
            if (subjects[i].people.at[j].has_number) {
                memcpy(hashes[n], subjects[i].people.at[j].number_hash, NUMBER_HASH_BYTES);
                whose[n++] = i;
            }
    bool done =
        n == 0 || residents_by_number(tx, city_code, (const uint8_t(*)[NUMBER_HASH_BYTES])hashes, n,
                                      &fetched->numbered, f);
    for (size_t i = 0; done && i < fetched->numbered.count; i++) {
        struct subject *subject = &subjects[whose[fetched->numbered.answers[i].question]];
        const struct resident *resident = &fetched->numbered.answers[i].resident;
        add_resident(subject, resident);
        subject->protection |= resident->is_protected;
    }
    free(hashes);
    free(whose);
    return done;
}

/* --- who is protected ------------------------------------------------------------------------- */

/* Besides those whose 個人番号 is told: fetch_numbered knows of them. */
static bool fetch_protection(struct db_tx *tx, const char *city_code,
                             const struct city_key *city_key, struct subject *subjects,
                             size_t count, struct failure *f)
{
    struct protection_question *questions = memory_allocate(count * sizeof *questions);
    bool *protection = memory_allocate(count * sizeof *protection);
    for (size_t i = 0; i < count; i++)
        questions[i] = (struct protection_question){.record = subjects[i].record,
                                                    .facts = subjects[i].facts,
                                                    .people = &subjects[i].people,
                                                    .numbers_asked = true};
    bool done = protection_check(tx, city_code, city_key, questions, count, protection, f);
    for (size_t i = 0; done && i < count; i++)
        subjects[i].protection |= protection[i];
    free(questions);
    free(protection);
    return done;
}

/* --- around: by key --------------------------------------------------------------------------- */

#define QUESTIONS 2 /* of each application: certificate and form */

/* The keys borrow from `ret_texts`. */
static void keys_of(const struct facts *facts, struct known_keys *ret_texts,
                    struct resident_keys *ret_keys)
{
    _cleanup_(cleanup_known) struct known *known = known_of(facts);
    known_keys(known, ret_texts);
    *ret_keys = (struct resident_keys){
        .birth_date = ret_texts->birth_date,
        .name_key = ret_texts->name,
        .kana_key = ret_texts->kana,
        .address_key = ret_texts->address,
    };
}

static const char *unless_same(const char *key, const char *other)
{
    return strcmp(key, other) ? key : NULL;
}

/* What one question brings, the other need not ask for. */
static void without_those_of(const struct resident_keys *first, struct resident_keys *second)
{
    if (second->birth_date == first->birth_date)
        second->birth_date = 0;
    second->name_key = unless_same(second->name_key, first->name_key);
    second->kana_key = unless_same(second->kana_key, first->kana_key);
    second->address_key = unless_same(second->address_key, first->address_key);
}

static void questions_of(const struct subject *subject, struct known_keys *ret_texts,
                         struct resident_keys *ret_keys)
{
    struct facts facts;
    facts_read(subject->by_agent ? NULL : subject->facts, &facts);
    keys_of(&facts, &ret_texts[0], &ret_keys[0]);
    keys_of(&subject->people.at[0].facts, &ret_texts[1], &ret_keys[1]);
    without_those_of(&ret_keys[0], &ret_keys[1]);
    const struct resident *claimant = subject->found.people[0].resident;
    ret_keys[1].household = claimant ? claimant->household : NULL;
}

/* Who is decided needs the others of the household only. */
static bool fetch_households(struct db_tx *tx, const char *city_code, struct subject **asking,
                             size_t count, struct fetched *fetched, struct failure *f)
{
    const char **households = memory_allocate(count * sizeof *households);
    struct subject **whose = memory_allocate(count * sizeof(struct subject *));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct resident *claimant = asking[i]->found.people[0].resident;
        if (!asking[i]->found.identified || !claimant)
            continue;
        whose[n] = asking[i];
        households[n++] = claimant->household;
    }
    bool done = n == 0 || residents_by_household(tx, city_code, households, n, RESIDENTS_PER_KEY,
                                                 &fetched->households, f);
    for (size_t i = 0; done && i < fetched->households.count; i++)
        add_resident(whose[fetched->households.answers[i].question],
                     &fetched->households.answers[i].resident);
    free(households);
    free(whose);
    return done;
}

static bool fetch_by_keys(struct db_tx *tx, const char *city_code, struct subject **asking,
                          size_t count, struct fetched *fetched, struct failure *f)
{
    struct known_keys *texts = memory_resize(NULL, QUESTIONS * count * sizeof *texts);
    struct resident_keys *keys = memory_allocate(QUESTIONS * count * sizeof *keys);
    struct subject **whose = memory_allocate(count * sizeof(struct subject *));
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!asking[i]->found.identified) {
            whose[n] = asking[i];
            questions_of(asking[i], texts + QUESTIONS * n, keys + QUESTIONS * n);
            n++;
        }
    bool done = n == 0 || residents_by_keys(tx, city_code, keys, QUESTIONS * n, RESIDENTS_PER_KEY,
                                            &fetched->around, f);
    for (size_t i = 0; done && i < fetched->around.count; i++)
        add_resident(whose[fetched->around.answers[i].question / QUESTIONS],
                     &fetched->around.answers[i].resident);
    free(texts);
    free(keys);
    free(whose);
    return done;
}

/* Those that are decided, but leave open whether all four facts fit another. */
static bool fetch_beside(struct db_tx *tx, const char *city_code, struct subject **asking,
                         size_t count, struct fetched *fetched, struct failure *f)
{
    struct known_keys *texts = memory_resize(NULL, count * sizeof *texts);
    struct resident_beside *questions = memory_allocate(count * sizeof *questions);
    struct subject **whose = memory_allocate(count * sizeof(struct subject *));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct facts facts;
        struct resident_keys keys;
        if (!asking[i]->found.identified || !identification_leaves_open(&asking[i]->found))
            continue;
        facts_read(asking[i]->facts, &facts);
        keys_of(&facts, &texts[n], &keys);
        whose[n] = asking[i];
        questions[n] = (struct resident_beside){texts[n].birth_date, texts[n].whole_address};
        n++;
    }
    bool done = n == 0 || residents_beside(tx, city_code, questions, n, RESIDENTS_BESIDE,
                                           &fetched->beside, f);
    for (size_t i = 0; done && i < fetched->beside.count; i++)
        add_resident(whose[fetched->beside.answers[i].question],
                     &fetched->beside.answers[i].resident);
    for (size_t i = 0, row = 0; i < n; i++) {
        size_t first = row;
        while (row < fetched->beside.count && fetched->beside.answers[row].question == i)
            row++;
        whose[i]->crowded = row - first == RESIDENTS_BESIDE;
    }
    free(texts);
    free(questions);
    free(whose);
    return done;
}

/* --- all together ----------------------------------------------------------------------------- */

static void subject_identify(struct subject *subject, size_t link_count, bool looked_around)
{
    subject->input = (struct identification_input){
        .ca = subject->ca,
        .serial = subject->serial,
        .facts = subject->facts,
        .people = &subject->people,
        .by_agent = subject->by_agent,
        .waited = subject->waited,
        .links_only = subject->links_only,
        .protection = subject->protection,
        .links = subject->links,
        .link_count = link_count,
        .residents = subject->residents,
        .resident_count = subject->resident_count,
        .looked_around = looked_around,
        .crowded = subject->crowded,
    };
    identify(&subject->input, &subject->found);
}

static bool identify_again(struct db_tx *tx, const char *city_code, struct subject **asking,
                           size_t count, struct fetched *fetched, struct failure *f)
{
    if (count == 0)
        return true;
    /* in this order: what is asked by household borrows from the residents that are there */
    if (!fetch_households(tx, city_code, asking, count, fetched, f) ||
        !fetch_by_keys(tx, city_code, asking, count, fetched, f) ||
        !fetch_beside(tx, city_code, asking, count, fetched, f))
        return false;
    for (size_t i = 0; i < count; i++)
        subject_identify(asking[i], asking[i]->input.link_count, true);
    return true;
}

bool subjects_identify(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                       struct subject *subjects, size_t count, struct fetched *ret_fetched,
                       struct failure *f)
{
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        people_read(subjects[i].record, city_key, &subjects[i].people);
    if (!fetch_links(tx, city_code, subjects, count, ret_fetched, f) ||
        !fetch_linked(tx, city_code, subjects, count, ret_fetched, f) ||
        !fetch_numbered(tx, city_code, subjects, count, ret_fetched, f) ||
        !fetch_protection(tx, city_code, city_key, subjects, count, f))
        return false;
    struct subject **asking = memory_allocate(count * sizeof *asking);
    size_t asking_count = 0;
    for (size_t i = 0; i < count; i++) {
        subject_identify(&subjects[i], ret_fetched->lookups[i].count, false);
        if (subjects[i].found.look_around)
            asking[asking_count++] = &subjects[i];
    }
    bool done = identify_again(tx, city_code, asking, asking_count, ret_fetched, f);
    free(asking);
    return done;
}

void subjects_clear(struct subject *subjects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(subjects[i].residents);
}

void fetched_free(struct fetched *fetched)
{
    free(fetched->lookups);
    resident_set_free(&fetched->linked);
    resident_set_free(&fetched->numbered);
    resident_set_free(&fetched->households);
    resident_set_free(&fetched->around);
    resident_set_free(&fetched->beside);
    *fetched = (struct fetched){0};
}
