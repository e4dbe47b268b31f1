/* Who it may be: a decision with what the registry tells today, and what the form says otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/era.h"
#include "forms/record_form.h"
#include "intake/console/view.h"
#include "intake/identify/identify.h"
#include "intake/registry/residents.h"

#define RESIDENTS_MOST (CANDIDATES_MOST + PEOPLE_MOST + 2)

json_t *resident_view(const struct resident *r, bool all)
{
    char birth[16], sex[2] = {r->sex, '\0'};
    if (r->is_protected && !all)
        return json_pack("{s:s, s:s, s:b}", "atenabango", "", "status", "", "protected", true);
    snprintf(birth, sizeof birth, "%04d-%02d-%02d", r->birth_date.year, r->birth_date.month,
             r->birth_date.day);
    _cleanup_(cleanup_text) char *address =
        text_format("%s%s%s%s", r->prefecture, r->municipality, r->town, r->lot);
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "atenabango",
                     r->atenabango, "status", resident_status_word(r->status), "protected",
                     r->is_protected, "name", r->name, "kana", r->kana, "birth_date", birth, "sex",
                     sex, "address", address, "building", r->building, "common_name",
                     r->common_name, "former_surname", r->former_surname);
}

void candidate_hide(json_t *candidate)
{
    if (!json_object_get(candidate, "resident"))
        return;
    json_object_del(candidate, "score");
    json_object_del(candidate, "all_four");
    json_object_set_new(candidate, "facts", json_object());
}

void candidate_beside(json_t *candidate, struct known *certificate, const struct resident *resident)
{
    json_t *facts = json_object_get(candidate, "facts");
    _cleanup_(cleanup_known) struct known *registry = known_of_resident(resident);
    for (enum fact fact = 0; fact <= FACT_ADDRESS; fact++) {
        json_t *one = json_object_get(facts, fact_word(fact));
        if (json_is_object(one))
            json_object_set_new(
                one, "certificate",
                json_string(agreement_word(known_compare(fact, certificate, registry))));
    }
}

/* The places of a decision where a resident stands, with what stands around each. */
static size_t places_of(json_t *decision, json_t *ret_places[RESIDENTS_MOST])
{
    static const char *const lists[] = {"people", "candidates"};
    size_t count = 0;
    for (size_t l = 0; l < 2; l++) {
        json_t *list = json_object_get(decision, lists[l]);
        for (size_t i = 0; i < json_array_size(list) && count < RESIDENTS_MOST - 2; i++)
            ret_places[count++] = json_array_get(list, i);
    }
    return count;
}

/* Puts what the registry tells today in place of the bare number; who is not there any more, or was
 * protected when it was decided, is told by no name. */
static void place_fill(json_t *place, const char *key, const struct resident *resident, bool all)
{
    json_t *stood = json_object_get(place, key);
    struct resident now;
    if (!json_is_object(stood))
        return;
    bool was_protected = json_is_true(json_object_get(stood, "protected"));
    if (resident) {
        now = *resident;
        now.is_protected |= was_protected;
        json_object_set_new(place, key, resident_view(&now, all));
        if (now.is_protected && !all)
            candidate_hide(place);
    } else if (was_protected && !all) {
        now = (struct resident){.is_protected = true};
        json_object_set_new(place, key, resident_view(&now, false));
        candidate_hide(place);
    }
}

static const char *number_at(const json_t *place, const char *key)
{
    const char *number =
        json_string_value(json_object_get(json_object_get(place, key), "atenabango"));
    return number ? number : "";
}

static const struct resident *answer_of(const struct resident_set *set, size_t question)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->answers[i].question == question)
            return &set->answers[i].resident;
    return NULL;
}

/* --- differences --------------------------------------------------------------------------------
 */

void differences_free(struct differences *differences)
{
    for (size_t i = 0; i < differences->count; i++) {
        free((char *)differences->at[i].item);
        free((char *)differences->at[i].note);
    }
    free(differences->at);
    *differences = (struct differences){0};
}

static char *birth_words(struct birth_date birth)
{
    char era[ERA_TEXT];
    const struct day day = {birth.year, birth.month, birth.day};
    return birth.year && birth.month && birth.day ? text_copy(era_day_text(day, era))
                                                  : text_copy("不詳");
}

/* As the registry has it; new. */
static char *registry_words(enum fact fact, const struct resident *r)
{
    switch (fact) {
    case FACT_NAME:
        return text_copy(r->name);
    case FACT_KANA:
        return text_copy(r->kana);
    case FACT_BIRTH_DATE:
        return birth_words(r->birth_date);
    case FACT_SEX:
        return text_copy(r->sex == '1' ? "男" : r->sex == '2' ? "女" : "不明");
    default:
        return text_format("%s%s%s%s%s%s", r->prefecture, r->municipality, r->town, r->lot,
                           *r->building ? "　" : "", r->building);
    }
}

static void difference_add(struct differences *differences, char *stolen_item, char *stolen_note)
{
    differences->at =
        memory_resize(differences->at, (differences->count + 1) * sizeof *differences->at);
    differences->at[differences->count++] = (struct view_difference){stolen_item, stolen_note};
}

/* Another way to write the same is no difference; what a side does not tell is none either. */
static void person_compare(const struct subject *subject, const struct person *person,
                           const struct resident *resident, struct differences *differences)
{
    static const struct {
        enum fact fact;
        const char *member;
    } facts[] = {{FACT_NAME, "name"},
                 {FACT_KANA, "name_kana"},
                 {FACT_BIRTH_DATE, "birth_date"},
                 {FACT_SEX, "sex"},
                 {FACT_ADDRESS, "address"}};
    _cleanup_(cleanup_known) struct known *form = known_of(&person->facts);
    _cleanup_(cleanup_known) struct known *registry = known_of_resident(resident);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        enum agreement how = known_compare(facts[i].fact, form, registry);
        char *item = agrees(how) || how == DIFFER_UNKNOWN
                         ? NULL
                         : record_item_path(subject->procedure, subject->examination.record,
                                            person->object, facts[i].member);
        _cleanup_(cleanup_text) char *words = item ? registry_words(facts[i].fact, resident) : NULL;
        if (item)
            difference_add(differences, item, text_format("住民記録では %s", words));
    }
}

/* The claimant is who was found by people, if somebody was: `chosen`; else as the decision says. Of
 * who is protected, only who may see that learns what the registry says. */
static void people_compare(const struct subject_call *call, const json_t *decision,
                           const struct resident_set *set, const struct resident *chosen,
                           struct differences *differences)
{
    const struct subject *subject = &call->subject;
    struct people people;
    people_read(subject->examination.record, NULL, &people);
    const json_t *places = json_object_get(decision, "people");
    bool all = subject_may(call, RIGHT_PROTECTED);
    for (size_t i = 0; i < people.count && i < json_array_size(places); i++) {
        const json_t *stands = json_object_get(json_array_get(places, i), "resident");
        const struct resident *resident = i == 0 && chosen ? chosen : answer_of(set, i);
        bool hidden = !resident || (!all && (resident->is_protected ||
                                             json_is_true(json_object_get(stands, "protected"))));
        if (!hidden && people.at[i].object)
            person_compare(subject, &people.at[i], resident, differences);
    }
}

/* Whom a proposal names, beside the certificate and the form, for who has to confirm it. */
static json_t *proposed_json(const struct subject_call *call, const struct resident *resident)
{
    const struct subject *subject = &call->subject;
    struct people people;
    _cleanup_(parties_free) struct parties parties = {0};
    struct candidate found = {.resident = resident};
    if (!resident)
        return json_null();
    people_read(subject->examination.record, NULL, &people);
    parties_make(subject->examination.facts, &people, &parties);
    _cleanup_(cleanup_known) struct known *registry = known_of_resident(resident);
    match(parties.certificate, people.count ? parties.people[0] : NULL, registry, &found.match);
    json_t *candidate = candidate_json(&found);
    bool all = subject_may(call, RIGHT_PROTECTED);
    json_object_set_new(candidate, "resident", resident_view(resident, all));
    if (resident->is_protected && !all)
        candidate_hide(candidate);
    else
        candidate_beside(candidate, parties.certificate, resident);
    return candidate;
}

/* While people look for who it is. */
static void candidates_beside(const struct subject *subject, json_t *const *places, size_t count,
                              const struct resident_set *set)
{
    struct facts facts;
    if (subject->item.state != STATE_UNMATCHED || !subject->examination.facts)
        return;
    facts_read(subject->examination.facts, &facts);
    _cleanup_(cleanup_known) struct known *certificate = known_of(&facts);
    for (size_t i = 0; i < count; i++)
        if (answer_of(set, i))
            candidate_beside(places[i], certificate, answer_of(set, i));
}

/* --- the whole ----------------------------------------------------------------------------------
 */

bool view_decision_fill(struct db_tx *tx, const struct subject_call *call, json_t *decision,
                        json_t *proposal, struct differences *ret_differences, struct failure *f)
{
    const struct subject *subject = &call->subject;
    json_t *places[RESIDENTS_MOST];
    struct resident_wanted wanted[RESIDENTS_MOST];
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    size_t count = places_of(decision, places);
    bool all = subject_may(call, RIGHT_PROTECTED);
    const char *chosen = subject->examination.atenabango;
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct resident_wanted){number_at(places[i], "resident"), clock_now()};
    wanted[count] = (struct resident_wanted){number_at(decision, "linked"), clock_now()};
    wanted[count + 1] = (struct resident_wanted){chosen ? chosen : "", clock_now()};
    if (!residents_fetch(tx, subject->item.city_code, wanted, count + 2, &set, f) ||
        !resident_set_wait(tx, &set, f))
        return false;
    if (subject->procedure && subject->examination.record)
        people_compare(call, decision, &set, answer_of(&set, count + 1), ret_differences);
    if (json_is_object(proposal))
        json_object_set_new(proposal, "candidate", proposed_json(call, answer_of(&set, count + 1)));
    for (size_t i = 0; i < count; i++)
        place_fill(places[i], "resident", answer_of(&set, i), all);
    candidates_beside(subject, places, count, &set);
    place_fill(decision, "linked", answer_of(&set, count), all);
    return true;
}
