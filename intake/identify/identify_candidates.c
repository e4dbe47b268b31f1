/* Residents as candidates, best first. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "intake/identify/identify_internal.h"

/* Less is no candidate: a birth date alone counts, a sex or a town does not. */
#define SCORE_LEAST 20

struct known *resident_known(struct identifying *w, const struct resident *resident)
{
    struct known **known = &w->residents[resident - w->input->residents];
    if (!*known)
        *known = known_of_resident(resident);
    return *known;
}

bool resident_is_current(const struct resident *resident)
{
    return resident->status == RESIDENT_PRESENT || resident->status == RESIDENT_LEAVING ||
           resident->status == RESIDENT_NON_RESIDENT;
}

const struct resident *resident_find(const struct identification_input *input,
                                     const char *atenabango)
{
    for (size_t i = 0; i < input->resident_count; i++)
        if (!strcmp(input->residents[i].atenabango, atenabango))
            return &input->residents[i];
    return NULL;
}

/* Whom all four signed facts fit comes first, whatever the form claims: a 個人番号 weighs much, but
 * people copy that of another of the family. */
static int compare_candidates(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    if (a->match.full != b->match.full)
        return b->match.full - a->match.full;
    if (a->match.score != b->match.score)
        return b->match.score - a->match.score;
    if (resident_is_current(a->resident) != resident_is_current(b->resident))
        return resident_is_current(b->resident) - resident_is_current(a->resident);
    return strcmp(a->resident->atenabango, b->resident->atenabango);
}

/* An agent's certificate says nothing of who is meant: then the form stands alone. */
static struct known *first_facts(const struct identifying *w)
{
    return w->certificate && !w->input->by_agent ? w->certificate : w->people[0];
}

static void compare_with(struct identifying *w, const struct resident *resident,
                         struct match *ret_match)
{
    struct known *first = first_facts(w);
    match(first, first == w->people[0] ? NULL : w->people[0], resident_known(w, resident),
          ret_match);
}

bool candidate_fits(struct identifying *w, const struct resident *resident)
{
    struct match match;
    compare_with(w, resident, &match);
    return match.full;
}

/* When asked for: who is decided by link needs no candidates. */
void candidates_rank(struct identifying *w)
{
    const struct identification_input *input = w->input;
    if (w->ranked)
        return;
    w->ranked = memory_allocate((input->resident_count + 1) * sizeof *w->ranked);
    for (size_t i = 0; i < input->resident_count; i++) {
        const struct resident *resident = &input->residents[i];
        if (resident_find(input, resident->atenabango) != resident)
            continue;
        struct candidate *candidate = &w->ranked[w->ranked_count++];
        candidate->resident = resident;
        compare_with(w, resident, &candidate->match);
    }
    qsort(w->ranked, w->ranked_count, sizeof *w->ranked, compare_candidates);
}

void candidates_keep(struct identifying *w)
{
    candidates_rank(w);
    for (size_t i = 0; i < w->ranked_count && i < CANDIDATES_MOST; i++)
        if (w->ranked[i].match.score >= SCORE_LEAST)
            w->out->candidates[w->out->candidate_count++] = w->ranked[i];
}
