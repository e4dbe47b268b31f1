#include "intake/identify/identify.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/* Less is no candidate: a birth date alone counts, a sex or a town does not. */
#define SCORE_LEAST 20

/* One identification under way. */
struct work {
    const struct identification_input *input;
    struct identification *out;
    struct known *certificate, *claimant; /* NULL: nothing signed */
    struct known **residents;             /* as input->residents, made when asked for */
    struct candidate *ranked;             /* all residents, best first */
    size_t ranked_count;
};

static const struct known *resident_known(struct work *w, const struct resident *resident)
{
    struct known **known = &w->residents[resident - w->input->residents];
    if (!*known)
        *known = known_of_resident(resident);
    return *known;
}

static bool is_current(const struct resident *resident)
{
    return resident->status == RESIDENT_PRESENT || resident->status == RESIDENT_LEAVING ||
           resident->status == RESIDENT_NON_RESIDENT;
}

static const struct resident *resident_find(const struct identification_input *input,
                                            const char *atenabango)
{
    for (size_t i = 0; i < input->resident_count; i++)
        if (!strcmp(input->residents[i].atenabango, atenabango))
            return &input->residents[i];
    return NULL;
}

/* --- candidates ------------------------------------------------------------------------------- */

static int compare_candidates(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    if (a->match.score != b->match.score)
        return b->match.score - a->match.score;
    if (is_current(a->resident) != is_current(b->resident))
        return is_current(b->resident) - is_current(a->resident);
    return strcmp(a->resident->atenabango, b->resident->atenabango);
}

/* An agent's certificate says nothing of who is meant: then the form stands alone. */
static const struct known *first_facts(const struct work *w)
{
    return w->certificate && !w->input->by_agent ? w->certificate : w->claimant;
}

static void rank(struct work *w)
{
    const struct identification_input *input = w->input;
    const struct known *first = first_facts(w);
    w->ranked = memory_allocate((input->resident_count + 1) * sizeof *w->ranked);
    for (size_t i = 0; i < input->resident_count; i++) {
        const struct resident *resident = &input->residents[i];
        if (resident_find(input, resident->atenabango) != resident)
            continue;
        struct candidate *candidate = &w->ranked[w->ranked_count++];
        candidate->resident = resident;
        match(first, first == w->claimant ? NULL : w->claimant, resident_known(w, resident),
              &candidate->match);
    }
    qsort(w->ranked, w->ranked_count, sizeof *w->ranked, compare_candidates);
}

static void keep_candidates(struct work *w)
{
    for (size_t i = 0; i < w->ranked_count && i < CANDIDATES_MOST; i++)
        if (w->ranked[i].match.score >= SCORE_LEAST)
            w->out->candidates[w->out->candidate_count++] = w->ranked[i];
}

/* --- the people of the form ------------------------------------------------------------------- */

static size_t find_by_number(const struct identification_input *input, const struct person *person,
                             const struct resident **ret_resident)
{
    size_t count = 0;
    for (size_t i = 0; i < input->resident_count && person->has_number; i++) {
        const struct resident *resident = &input->residents[i];
        if (!resident->has_number || !is_current(resident) ||
            memcmp(resident->number_hash, person->number_hash, NUMBER_HASH_BYTES) != 0 ||
            resident_find(input, resident->atenabango) != resident)
            continue;
        count++;
        *ret_resident = resident;
    }
    return count;
}

static bool person_agrees(const struct known *known, const struct known *other)
{
    enum agreement birth_date = known_compare(FACT_BIRTH_DATE, known, other);
    return agrees(known_compare(FACT_NAME, known, other)) &&
           (agrees(birth_date) || birth_date == DIFFER_UNKNOWN);
}

/* By name, and birth date where told, in the claimant's household only. */
static size_t find_by_facts(struct work *w, const struct known *known, const char *household,
                            const struct resident **ret_resident)
{
    const struct identification_input *input = w->input;
    size_t count = 0;
    for (size_t i = 0; i < input->resident_count && *household; i++) {
        const struct resident *resident = &input->residents[i];
        if (strcmp(resident->household, household) != 0 || !is_current(resident) ||
            resident_find(input, resident->atenabango) != resident ||
            !person_agrees(known, resident_known(w, resident)))
            continue;
        count++;
        *ret_resident = resident;
    }
    return count;
}

static void person_is(struct work *w, struct person_found *found, const char *how,
                      const struct known *known, const struct resident *resident)
{
    found->how = how;
    found->resident = resident;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        found->facts[fact] = known_compare(fact, known, resident_known(w, resident));
}

static void find_person(struct work *w, size_t index, const char *household)
{
    const struct person *person = &w->input->people->at[index];
    struct person_found *found = &w->out->people[index];
    _cleanup_(cleanup_known) struct known *known = known_of(&person->facts);
    const struct resident *resident = NULL;
    size_t by_number = find_by_number(w->input, person, &resident);
    size_t count = by_number ? by_number : find_by_facts(w, known, household, &resident);
    if (count == 1)
        person_is(w, found, by_number ? "number" : "facts", known, resident);
    else
        found->how = count == 0 ? "none" : "many";
}

/* The claimant is who the link leads to, else whom the number leads to. */
static void find_people(struct work *w)
{
    const struct resident *claimant = w->input->by_agent ? NULL : w->out->linked;
    struct person_found *first = &w->out->people[0];
    if (claimant)
        person_is(w, first, "link", w->claimant, claimant);
    else
        find_person(w, 0, "");
    for (size_t i = 1; i < w->input->people->count; i++)
        find_person(w, i, first->resident ? first->resident->household : "");
}

/* --- the rules -------------------------------------------------------------------------------- */

/* Anybody concerned: by link, by number, by facts. */
static bool anybody_protected(const struct work *w)
{
    const struct identification_input *input = w->input;
    for (size_t i = 0; i < input->link_count; i++) {
        const struct resident *linked = resident_find(input, input->links[i]);
        if (linked && linked->is_protected)
            return true;
    }
    for (size_t i = 0; i < input->people->count; i++)
        if (w->out->people[i].resident && w->out->people[i].resident->is_protected)
            return true;
    for (size_t i = 0; i < w->ranked_count; i++) {
        const struct match *match = &w->ranked[i].match;
        if ((match->full || match->full_second || match->how[FACT_NUMBER] == AGREE_SAME) &&
            w->ranked[i].resident->is_protected)
            return true;
    }
    return false;
}

/* Residents of whom all four facts agree: those that are residents now, else those that were. */
static size_t full_matches(const struct work *w, const struct resident **ret_resident)
{
    size_t current = 0, past = 0;
    const struct resident *now = NULL, *once = NULL;
    for (size_t i = 0; i < w->ranked_count; i++) {
        const struct candidate *candidate = &w->ranked[i];
        if (!candidate->match.full && !candidate->match.full_second)
            continue;
        if (is_current(candidate->resident))
            current++, now = candidate->resident;
        else
            past++, once = candidate->resident;
    }
    *ret_resident = current ? now : once;
    return current ? current : past;
}

/* All four of the certificate's facts: those of the form alone are anybody's claim. */
static bool signed_facts_agree(const struct work *w, const struct resident *resident)
{
    for (size_t i = 0; i < w->ranked_count; i++)
        if (w->ranked[i].resident == resident)
            return w->ranked[i].match.full;
    return false;
}

static const char *by_facts(struct work *w)
{
    const struct resident *resident = NULL;
    size_t count = full_matches(w, &resident);
    if (count > 1)
        return "many-candidates";
    if (count == 0 || !signed_facts_agree(w, resident))
        return "no-candidate";
    if (!is_current(resident))
        return "not-resident";
    w->out->atenabango = resident->atenabango;
    return "proposed-by-facts";
}

/* The form's number is the linked resident's, or nobody's that we know. */
static bool number_is_anothers(const struct work *w)
{
    const struct person *claimant = &w->input->people->at[0];
    const struct resident *linked = w->out->linked;
    if (!claimant->has_number)
        return false;
    if (linked->has_number)
        return memcmp(linked->number_hash, claimant->number_hash, NUMBER_HASH_BYTES) != 0;
    for (size_t i = 0; i < w->input->resident_count; i++) {
        const struct resident *resident = &w->input->residents[i];
        if (resident->has_number && strcmp(resident->atenabango, linked->atenabango) != 0 &&
            !memcmp(resident->number_hash, claimant->number_hash, NUMBER_HASH_BYTES))
            return true;
    }
    return false;
}

static bool four_agree(const enum agreement how[FACT_COUNT])
{
    return agrees(how[FACT_NAME]) && agrees(how[FACT_BIRTH_DATE]) && agrees(how[FACT_SEX]) &&
           agrees(how[FACT_ADDRESS]);
}

static void compare(struct work *w)
{
    const struct resident *linked = w->out->linked;
    const struct known *known = linked ? resident_known(w, linked) : NULL;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++) {
        w->out->form[fact] = known_compare(fact, w->certificate, w->claimant);
        w->out->registry[fact] =
            known ? known_compare(fact, w->certificate, known) : DIFFER_UNKNOWN;
    }
    w->out->compared = true;
}

/* Substitute characters leave open which of two twins it is: is there another whom they fit? */
static bool another_fits(struct work *w)
{
    const struct resident *other;
    if (w->out->registry[FACT_NAME] == AGREE_SAME)
        return false;
    w->out->look_around = !w->input->looked_around && !w->input->links_only;
    return full_matches(w, &other) > 1;
}

static const char *by_link(struct work *w)
{
    const struct resident *linked = w->out->linked;
    compare(w);
    if (!linked && w->input->links_only && four_agree(w->out->form)) {
        w->out->atenabango = w->input->links[0];
        return "";
    }
    if (!linked)
        return w->input->links_only ? "facts-differ" : "resident-unknown";
    if (!is_current(linked))
        return "not-resident";
    if (number_is_anothers(w))
        return "number-mismatch";
    if (!four_agree(w->out->form) || !four_agree(w->out->registry))
        return "facts-differ";
    if (another_fits(w))
        return "many-candidates";
    w->out->atenabango = linked->atenabango;
    return "";
}

static const char *reason(struct work *w)
{
    const struct identification_input *input = w->input;
    if (anybody_protected(w))
        return "protected";
    if (!*input->ca || !*input->serial)
        return "unsigned";
    if (input->by_agent)
        return "agent";
    if (input->link_count > 1)
        return "many-links";
    if (input->link_count == 1)
        return by_link(w);
    return input->waited ? by_facts(w) : "serial-unknown";
}

/* Somebody of the form may be in the household that was not fetched. */
static bool somebody_missing(const struct work *w)
{
    for (size_t i = 1; i < w->input->people->count; i++)
        if (!w->out->people[i].resident)
            return true;
    return false;
}

static void work_clear(struct work *w)
{
    for (size_t i = 0; i < w->input->resident_count; i++)
        known_free(w->residents[i]);
    free(w->residents);
    free(w->ranked);
    known_free(w->certificate);
    known_free(w->claimant);
}

void identify(const struct identification_input *input, struct identification *ret_identification)
{
    struct facts facts;
    _cleanup_(work_clear) struct work w = {.input = input, .out = ret_identification};
    *ret_identification = (struct identification){0};
    facts_read(input->facts, &facts);
    w.certificate = *input->serial ? known_of(&facts) : NULL;
    w.claimant = known_of(&input->people->at[0].facts);
    w.residents = memory_allocate((input->resident_count + 1) * sizeof *w.residents);
    if (input->link_count == 1)
        ret_identification->linked = resident_find(input, input->links[0]);
    rank(&w);
    find_people(&w);
    ret_identification->reason = reason(&w);
    ret_identification->identified = !*ret_identification->reason;
    if (!input->looked_around && !input->links_only)
        ret_identification->look_around |= !ret_identification->identified || somebody_missing(&w);
    if (!ret_identification->identified)
        keep_candidates(&w);
}
