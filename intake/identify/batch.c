#include "intake/identify/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

static void add_resident(struct subject *subject, const struct resident *resident)
{
    if (subject->resident_count == subject->resident_room) {
        subject->resident_room = 2 * subject->resident_room + 8;
        subject->residents =
            memory_resize(subject->residents, subject->resident_room * sizeof *subject->residents);
    }
    subject->residents[subject->resident_count++] = *resident;
}

/* `count` questions at most. */
static void fetch_begin(struct fetch *fetch, size_t count)
{
    fetch->whose = memory_allocate((count + 1) * sizeof(struct subject *));
}

/* Answered: to whom it may concern. */
static void fetch_end(struct fetch *fetch)
{
    resident_set_read(&fetch->set);
    for (size_t i = 0; i < fetch->set.count; i++)
        add_resident(fetch->whose[fetch->set.answers[i].question], &fetch->set.answers[i].resident);
}

static void fetch_free(struct fetch *fetch)
{
    resident_set_free(&fetch->set);
    free(fetch->whose);
}

/* --- by serial number ------------------------------------------------------------------------- */

static bool ask_linked(struct db_tx *tx, const char *city_code, struct subject *subjects,
                       size_t count, struct fetched *fetched, struct failure *f)
{
    fetched->lookups = memory_allocate(count * sizeof *fetched->lookups);
    for (size_t i = 0; i < count; i++)
        fetched->lookups[i] = (struct registry_lookup){
            .ca = subjects[i].ca, .serial = subjects[i].serial, .at = subjects[i].applied_at};
    return residents_linked(tx, city_code, fetched->lookups, count, &fetched->linked, f);
}

/* Of many links, the first and the last are enough: it is decided by none of them. */
static bool is_linked(const struct registry_lookup *lookup, const struct resident *resident)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (!strcmp(lookup->atenabango[i], resident->atenabango))
            return true;
    return false;
}

static void read_linked(struct subject *subjects, size_t count, struct fetched *fetched)
{
    struct resident_set *linked = &fetched->linked;
    resident_set_read(linked);
    resident_set_links(linked, fetched->lookups, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < fetched->lookups[i].count; j++)
            subjects[i].links[j] = fetched->lookups[i].atenabango[j];
    for (size_t i = 0; i < linked->count; i++) {
        const struct resident_answer *answer = &linked->answers[i];
        if (is_linked(&fetched->lookups[answer->question], &answer->resident))
            add_resident(&subjects[answer->question], &answer->resident);
    }
    for (size_t i = 0; i < count; i++)
        if (fetched->lookups[i].count == 1)
            identify_compare(&subjects[i].parties,
                             subjects[i].resident_count ? subjects[i].residents : NULL,
                             &subjects[i].comparison);
}

/* --- by 個人番号 ------------------------------------------------------------------------------ */

static size_t people_count(const struct subject *subjects, size_t count)
{
    size_t people = 0;
    for (size_t i = 0; i < count; i++)
        people += subjects[i].people.count;
    return people;
}

static bool ask_numbered(struct db_tx *tx, const char *city_code, struct subject *subjects,
                         size_t count, struct fetched *fetched, struct failure *f)
{
    struct fetch *numbered = &fetched->numbered;
    size_t most = people_count(subjects, count);
    struct bytes *hashes = memory_allocate((most + 1) * sizeof *hashes);
    fetch_begin(numbered, most);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < subjects[i].people.count; j++) {
            const struct person *person = &subjects[i].people.at[j];
            if (!person->has_number)
                continue;
            hashes[numbered->count] = bytes_of(person->number_hash, NUMBER_HASH_BYTES);
            numbered->whose[numbered->count++] = &subjects[i];
        }
    bool done = !numbered->count ||
                residents_by_number(tx, city_code, hashes, numbered->count, &numbered->set, f);
    free(hashes);
    return done;
}

/* --- who is protected ------------------------------------------------------------------------- */

/* Besides those whose 個人番号 is told: ask_numbered asks who they are. */
static bool ask_protection(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                           const struct subject *subjects, size_t count, struct fetched *fetched,
                           struct failure *f)
{
    struct protection_question *questions = memory_allocate(count * sizeof *questions);
    for (size_t i = 0; i < count; i++)
        questions[i] = (struct protection_question){.facts = subjects[i].facts,
                                                    .people = &subjects[i].people,
                                                    .parties = &subjects[i].parties,
                                                    .numbers_asked = true};
    bool done = protection_ask(tx, city_code, city_key, questions, count, &fetched->protection, f);
    free(questions);
    return done;
}

static void read_protection(struct subject *subjects, size_t count, const struct fetched *fetched)
{
    bool *protection = memory_allocate(count * sizeof *protection);
    protection_tell(&fetched->protection, protection);
    for (size_t i = 0; i < count; i++)
        subjects[i].protection = protection[i];
    for (size_t i = 0; i < fetched->numbered.set.count; i++) {
        const struct resident_answer *answer = &fetched->numbered.set.answers[i];
        fetched->numbered.whose[answer->question]->protection |= answer->resident.is_protected;
    }
    free(protection);
}

/* --- around: by key --------------------------------------------------------------------------- */

#define QUESTIONS 2 /* of each application: certificate and form */

/* The keys borrow from `ret_texts`. */
static void keys_of(struct known *known, struct known_keys *ret_texts,
                    struct resident_keys *ret_keys)
{
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
    if (!subject->by_agent)
        keys_of(subject->parties.certificate, &ret_texts[0], &ret_keys[0]);
    keys_of(subject->parties.people[0], &ret_texts[1], &ret_keys[1]);
    if (!subject->by_agent)
        without_those_of(&ret_keys[0], &ret_keys[1]);
    const struct resident *claimant = subject->found.people[0].resident;
    ret_keys[1].household = claimant ? claimant->household : NULL;
}

/* Who is decided needs the others of the household only. */
static bool ask_households(struct db_tx *tx, const char *city_code, struct subject **asking,
                           size_t count, struct fetch *fetch, struct failure *f)
{
    const char **households = memory_allocate(count * sizeof *households);
    fetch_begin(fetch, count);
    for (size_t i = 0; i < count; i++) {
        const struct resident *claimant = asking[i]->found.people[0].resident;
        if (!asking[i]->found.identified || !claimant)
            continue;
        households[fetch->count] = claimant->household;
        fetch->whose[fetch->count++] = asking[i];
    }
    bool done = !fetch->count || residents_by_household(tx, city_code, households, fetch->count,
                                                        RESIDENTS_PER_KEY, &fetch->set, f);
    free(households);
    return done;
}

static bool ask_by_keys(struct db_tx *tx, const char *city_code, struct subject **asking,
                        size_t count, struct fetch *fetch, struct failure *f)
{
    struct known_keys *texts = memory_resize(NULL, QUESTIONS * count * sizeof *texts);
    struct resident_keys *keys = memory_allocate(QUESTIONS * count * sizeof *keys);
    fetch_begin(fetch, QUESTIONS * count);
    for (size_t i = 0; i < count; i++) {
        if (asking[i]->found.identified)
            continue;
        questions_of(asking[i], texts + fetch->count, keys + fetch->count);
        for (size_t j = 0; j < QUESTIONS; j++)
            fetch->whose[fetch->count++] = asking[i];
    }
    bool done = !fetch->count || residents_by_keys(tx, city_code, keys, fetch->count,
                                                   RESIDENTS_PER_KEY, &fetch->set, f);
    free(texts);
    free(keys);
    return done;
}

/* Those that are decided, but leave open whether all four facts fit another. */
static bool ask_beside(struct db_tx *tx, const char *city_code, struct subject **asking,
                       size_t count, struct fetch *fetch, struct failure *f)
{
    struct known_keys *texts = memory_resize(NULL, count * sizeof *texts);
    struct resident_beside *questions = memory_allocate(count * sizeof *questions);
    fetch_begin(fetch, count);
    for (size_t i = 0; i < count; i++) {
        struct known_keys *text = &texts[fetch->count];
        if (!asking[i]->found.identified || !identification_leaves_open(&asking[i]->found))
            continue;
        known_keys(asking[i]->parties.certificate, text);
        questions[fetch->count] = (struct resident_beside){text->birth_date, text->whole_address};
        fetch->whose[fetch->count++] = asking[i];
    }
    bool done = !fetch->count || residents_beside(tx, city_code, questions, fetch->count,
                                                  RESIDENTS_BESIDE, &fetch->set, f);
    free(texts);
    free(questions);
    return done;
}

static void crowded_tell(const struct fetch *beside)
{
    const struct resident_answer *answers = beside->set.answers;
    for (size_t i = 0, row = 0; i < beside->count; i++) {
        size_t first = row;
        while (row < beside->set.count && answers[row].question == i)
            row++;
        beside->whose[i]->crowded = row - first == RESIDENTS_BESIDE;
    }
}

/* --- all together ----------------------------------------------------------------------------- */

static void subject_identify(struct subject *subject, size_t link_count, bool looked_around)
{
    subject->input = (struct identification_input){
        .ca = subject->ca,
        .serial = subject->serial,
        .people = &subject->people,
        .parties = &subject->parties,
        .by_agent = subject->by_agent,
        .waited = subject->waited,
        .links_old = subject->links_old,
        .links_only = subject->links_only,
        .protection = subject->protection,
        .links = subject->links,
        .link_count = link_count,
        .residents = subject->residents,
        .resident_count = subject->resident_count,
        .looked_around = looked_around,
        .crowded = subject->crowded,
        .comparison = link_count == 1 ? &subject->comparison : NULL,
    };
    identify(&subject->input, &subject->found);
}

static bool identify_again(struct db_tx *tx, const char *city_code, struct subject **asking,
                           size_t count, struct fetched *fetched, struct failure *f)
{
    if (count == 0)
        return true;
    if (!ask_households(tx, city_code, asking, count, &fetched->households, f) ||
        !ask_by_keys(tx, city_code, asking, count, &fetched->around, f) ||
        !ask_beside(tx, city_code, asking, count, &fetched->beside, f) || !db_wait(tx, f))
        return false;
    fetch_end(&fetched->households);
    fetch_end(&fetched->around);
    fetch_end(&fetched->beside);
    crowded_tell(&fetched->beside);
    for (size_t i = 0; i < count; i++)
        subject_identify(asking[i], asking[i]->input.link_count, true);
    return true;
}

/* Whom links and numbers lead to, and who is protected. PostgreSQL works while numbers are hashed,
 * and while names and addresses are folded. */
static bool subjects_fetch(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                           struct subject *subjects, size_t count, struct fetched *fetched,
                           struct failure *f)
{
    if (!ask_linked(tx, city_code, subjects, count, fetched, f))
        return false;
    for (size_t i = 0; i < count; i++)
        people_read(subjects[i].record, city_key, &subjects[i].people);
    if (!ask_numbered(tx, city_code, subjects, count, fetched, f))
        return false;
    for (size_t i = 0; i < count; i++)
        parties_make(subjects[i].facts, &subjects[i].people, &subjects[i].parties);
    if (!ask_protection(tx, city_code, city_key, subjects, count, fetched, f))
        return false;
    for (size_t i = 0; i < count; i++)
        known_fold(subjects[i].parties.certificate);
    if (!db_wait_for(tx, &fetched->linked.rows, f))
        return false;
    read_linked(subjects, count, fetched); /* first: who stands there twice counts as of then */
    if (!db_wait(tx, f))
        return false;
    fetch_end(&fetched->numbered);
    read_protection(subjects, count, fetched);
    return true;
}

bool subjects_identify(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                       struct subject *subjects, size_t count, struct fetched *ret_fetched,
                       struct failure *f)
{
    if (count == 0)
        return true;
    if (!subjects_fetch(tx, city_code, city_key, subjects, count, ret_fetched, f))
        return false;
    struct subject **asking = memory_allocate(count * sizeof(struct subject *));
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
    for (size_t i = 0; i < count; i++) {
        free(subjects[i].residents);
        parties_free(&subjects[i].parties);
    }
}

void fetched_free(struct fetched *fetched)
{
    free(fetched->lookups);
    protection_asked_free(&fetched->protection);
    resident_set_free(&fetched->linked);
    fetch_free(&fetched->numbered);
    fetch_free(&fetched->households);
    fetch_free(&fetched->around);
    fetch_free(&fetched->beside);
    *fetched = (struct fetched){0};
}
