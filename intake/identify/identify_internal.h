/* Shared by the files identify*.c only. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_INTERNAL_H
#define UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_INTERNAL_H

#include "intake/identify/identify.h"

/* One identification under way. */
struct identifying {
    const struct identification_input *input;
    struct identification *out;
    struct known *certificate;   /* NULL: nothing signed */
    struct known *const *people; /* as input->people; the claimant first */
    struct comparison compared;  /* unless it is there in `input` */
    struct known **residents;    /* as input->residents, made when asked for */
    struct candidate *ranked;    /* all residents, best first; NULL: not yet */
    size_t ranked_count;
};

struct known *resident_known(struct identifying *w, const struct resident *resident);
bool resident_is_current(const struct resident *resident); /* not 除票 */
/* The first with this number; NULL. */
const struct resident *resident_find(const struct identification_input *input,
                                     const char *atenabango);

const struct comparison *comparison(struct identifying *w);

void candidates_rank(struct identifying *w);
/* Do all four facts of the certificate (of an agent's application: of the form) fit him? */
bool candidate_fits(struct identifying *w, const struct resident *resident);
void candidates_keep(struct identifying *w); /* the best of them into the result */
void people_find(struct identifying *w);

#endif
