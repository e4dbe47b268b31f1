/* The people of the form: which resident is each of them? */
#include <string.h>

#include "base/cleanup.h"
#include "intake/identify/identify_internal.h"

static size_t find_by_number(const struct identification_input *input, const struct person *person,
                             const struct resident **ret_resident)
{
    size_t count = 0;
    for (size_t i = 0; i < input->resident_count && person->has_number; i++) {
        const struct resident *resident = &input->residents[i];
        if (!resident->has_number || !resident_is_current(resident) ||
            memcmp(resident->number_hash, person->number_hash, NUMBER_HASH_BYTES) != 0 ||
            resident_find(input, resident->atenabango) != resident)
            continue;
        count++;
        *ret_resident = resident;
    }
    return count;
}

static bool person_agrees(struct known *known, struct known *other)
{
    enum agreement birth_date = known_compare(FACT_BIRTH_DATE, known, other);
    return agrees(known_compare(FACT_NAME, known, other)) &&
           (agrees(birth_date) || birth_date == DIFFER_UNKNOWN);
}

/* By name, and birth date where told, in the claimant's household only. */
static size_t find_by_facts(struct identifying *w, struct known *known, const char *household,
                            const struct resident **ret_resident)
{
    const struct identification_input *input = w->input;
    size_t count = 0;
    for (size_t i = 0; i < input->resident_count && *household; i++) {
        const struct resident *resident = &input->residents[i];
        if (strcmp(resident->household, household) != 0 || !resident_is_current(resident) ||
            resident_find(input, resident->atenabango) != resident ||
            !person_agrees(known, resident_known(w, resident)))
            continue;
        count++;
        *ret_resident = resident;
    }
    return count;
}

static void person_is(struct identifying *w, struct person_found *found, const char *how,
                      struct known *known, const struct resident *resident)
{
    found->how = how;
    found->resident = resident;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        found->facts[fact] = known_compare(fact, known, resident_known(w, resident));
}

static void find_person(struct identifying *w, size_t index, const char *household)
{
    const struct person *person = &w->input->people->at[index];
    struct person_found *found = &w->out->people[index];
    struct known *known = w->people[index];
    const struct resident *resident = NULL;
    size_t by_number = find_by_number(w->input, person, &resident);
    size_t count = by_number ? by_number : find_by_facts(w, known, household, &resident);
    if (count == 1)
        person_is(w, found, by_number ? "number" : "facts", known, resident);
    else
        found->how = count == 0 ? "none" : "many";
}

/* The claimant is who the link leads to, else whom the number leads to. */
void people_find(struct identifying *w)
{
    const struct resident *claimant = w->input->by_agent ? NULL : w->out->linked;
    struct person_found *first = &w->out->people[0];
    if (claimant) {
        first->how = "link";
        first->resident = claimant;
        memcpy(first->facts, comparison(w)->claim, sizeof first->facts);
    } else {
        find_person(w, 0, "");
    }
    for (size_t i = 1; i < w->input->people->count; i++)
        find_person(w, i, first->resident ? first->resident->household : "");
}
