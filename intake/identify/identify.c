/* The rules, in the order in which they apply. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "intake/identify/identify_internal.h"

/* By facts or by number: whether still a resident, and whether one of several, does not matter. */
static bool person_may_be(struct identifying *w, size_t index, const struct resident *resident)
{
    const struct person *person = &w->input->people->at[index];
    if (person->has_number && resident->has_number &&
        !memcmp(person->number_hash, resident->number_hash, NUMBER_HASH_BYTES))
        return true;
    struct known *known = w->people[index], *other = resident_known(w, resident);
    enum agreement name = known_compare(FACT_NAME, known, other),
                   birth_date = known_compare(FACT_BIRTH_DATE, known, other);
    bool silent = birth_date == DIFFER_UNKNOWN && !(person->has_number && resident->has_number);
    return (agrees(name) || name == DIFFER_LIKE) && (agrees(birth_date) || silent);
}

static bool somebody_may_be(struct identifying *w, const struct resident *resident)
{
    for (size_t i = 0; i < w->input->people->count; i++)
        if (person_may_be(w, i, resident))
            return true;
    return false;
}

static bool is_linked(const struct identification_input *input, const struct resident *resident)
{
    for (size_t i = 0; i < input->link_count; i++)
        if (!strcmp(input->links[i], resident->atenabango))
            return true;
    return false;
}

/* Anybody concerned: by link, by number, by facts. */
static bool anybody_protected(struct identifying *w)
{
    const struct identification_input *input = w->input;
    if (input->protection)
        return true;
    for (size_t i = 0; i < input->resident_count; i++) {
        const struct resident *resident = &input->residents[i];
        if (resident->is_protected && (is_linked(input, resident) || candidate_fits(w, resident) ||
                                       somebody_may_be(w, resident)))
            return true;
    }
    return false;
}

/* Residents of whom all four facts agree: those that are residents now, else those that were. */
static size_t full_matches(struct identifying *w, const struct resident **ret_resident)
{
    size_t current = 0, past = 0;
    const struct resident *now = NULL, *once = NULL;
    candidates_rank(w);
    for (size_t i = 0; i < w->ranked_count; i++) {
        const struct candidate *candidate = &w->ranked[i];
        if (!candidate->match.full && !candidate->match.full_second)
            continue;
        if (resident_is_current(candidate->resident))
            current++, now = candidate->resident;
        else
            past++, once = candidate->resident;
    }
    *ret_resident = current ? now : once;
    return current ? current : past;
}

/* All four of the certificate's facts: those of the form alone are anybody's claim. */
static bool signed_facts_agree(const struct identifying *w, const struct resident *resident)
{
    for (size_t i = 0; i < w->ranked_count; i++)
        if (w->ranked[i].resident == resident)
            return w->ranked[i].match.full;
    return false;
}

static const char *by_facts(struct identifying *w)
{
    const struct resident *resident = NULL;
    size_t count = full_matches(w, &resident);
    if (count > 1)
        return "many-candidates";
    if (count == 0 || !signed_facts_agree(w, resident))
        return "no-candidate";
    if (!resident_is_current(resident))
        return "not-resident";
    w->out->atenabango = resident->atenabango;
    return "proposed-by-facts";
}

/* The form's number is the linked resident's, or nobody's that we know. */
static bool number_is_anothers(const struct identifying *w)
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

static void compare(struct known *a, struct known *b, enum agreement ret_how[FACT_COUNT])
{
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        ret_how[fact] = b ? known_compare(fact, a, b) : DIFFER_UNKNOWN;
}

/* What the certificate cannot write fits whom the form tells and whom the link leads to, but these
 * may be two (a twin elsewhere): they must agree, too, but for a 外字, which no form can write. A
 * 方書 that the certificate leaves out is the same matter. */
static bool claim_fits(struct known *claimant, struct known *linked)
{
    _cleanup_(cleanup_known) struct known *open = known_with_gaiji_open(linked);
    linked = open ?: linked;
    return agrees(known_compare(FACT_NAME, claimant, linked)) &&
           agrees(known_compare(FACT_ADDRESS, claimant, linked));
}

void identify_compare(const struct parties *parties, const struct resident *linked,
                      struct comparison *ret_comparison)
{
    _cleanup_(cleanup_known) struct known *known = linked ? known_of_resident(linked) : NULL;
    compare(parties->certificate, parties->people[0], ret_comparison->form);
    compare(parties->certificate, known, ret_comparison->registry);
    compare(parties->people[0], known, ret_comparison->claim);
    ret_comparison->claim_fits = known && claim_fits(parties->people[0], known);
}

const struct comparison *comparison(struct identifying *w)
{
    if (w->input->comparison)
        return w->input->comparison;
    identify_compare(w->input->parties, w->out->linked, &w->compared);
    return &w->compared;
}

/* Another way to write a name, a substitute character, a building that one side leaves out: there
 * may be another whom the certificate fits as well. */
bool identification_leaves_open(const struct identification *found)
{
    const enum agreement name = found->registry[FACT_NAME], address = found->registry[FACT_ADDRESS];
    return name != AGREE_SAME || address == AGREE_SUBSTITUTED || address == AGREE_NO_BUILDING;
}

static bool another_fits(struct identifying *w)
{
    const struct resident *other;
    if (!identification_leaves_open(w->out))
        return false;
    w->out->look_around = !w->input->looked_around && !w->input->links_only;
    return w->input->crowded || full_matches(w, &other) > 1;
}

static const char *by_link(struct identifying *w)
{
    const struct resident *linked = w->out->linked;
    const struct comparison *compared = comparison(w);
    memcpy(w->out->form, compared->form, sizeof compared->form);
    memcpy(w->out->registry, compared->registry, sizeof compared->registry);
    w->out->compared = true;
    if (!linked && w->input->links_only && four_agree(w->out->form)) {
        w->out->atenabango = w->input->links[0];
        return "";
    }
    if (!linked)
        return w->input->links_only ? "facts-differ" : "resident-unknown";
    if (!resident_is_current(linked))
        return "not-resident";
    if (number_is_anothers(w))
        return "number-mismatch";
    if (!four_agree(w->out->form) || !four_agree(w->out->registry) || !compared->claim_fits)
        return "facts-differ";
    if (another_fits(w))
        return "many-candidates";
    w->out->atenabango = linked->atenabango;
    return "";
}

/* It would decide, but for its age. */
static const char *by_link_of_now(struct identifying *w)
{
    const char *why = by_link(w);
    if (*why || !w->input->links_old)
        return why;
    w->out->atenabango = NULL;
    return "links-old";
}

static const char *reason(struct identifying *w)
{
    const struct identification_input *input = w->input;
    if (anybody_protected(w))
        return "protected";
    if (!*input->ca || !*input->serial)
        return "unsigned";
    if (input->by_agent)
        return "agent";
    if (input->people->more)
        return "many-people";
    if (input->link_count > 1)
        return "many-links";
    if (input->link_count == 1)
        return by_link_of_now(w);
    return input->waited ? by_facts(w) : "serial-unknown";
}

/* Somebody of the form may be in the household that was not fetched. */
static bool somebody_missing(const struct identifying *w)
{
    for (size_t i = 1; i < w->input->people->count; i++)
        if (!w->out->people[i].resident)
            return true;
    return false;
}

static void work_clear(struct identifying *w)
{
    for (size_t i = 0; i < w->input->resident_count; i++)
        known_free(w->residents[i]);
    free(w->residents);
    free(w->ranked);
}

void identify(const struct identification_input *input, struct identification *ret_identification)
{
    _cleanup_(work_clear) struct identifying w = {
        .input = input,
        .out = ret_identification,
        .certificate = *input->serial ? input->parties->certificate : NULL,
        .people = input->parties->people};
    *ret_identification = (struct identification){0};
    w.residents = memory_allocate((input->resident_count + 1) * sizeof *w.residents);
    if (input->link_count == 1)
        ret_identification->linked = resident_find(input, input->links[0]);
    people_find(&w);
    ret_identification->reason = reason(&w);
    ret_identification->identified = !*ret_identification->reason;
    if (!input->looked_around && !input->links_only)
        ret_identification->look_around |= !ret_identification->identified || somebody_missing(&w);
    if (!ret_identification->identified)
        candidates_keep(&w);
}
