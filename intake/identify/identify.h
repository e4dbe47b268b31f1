/* Identification, the pure core: (parties of the application, links in force, residents) to a
 * decision with its reasons. The SQL that fetches is in intake/registry/; docs/identify.md has the
 * rules in the order in which they apply. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_H
#define UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "intake/identify/match.h"
#include "intake/identify/people.h"
#include "intake/registry/resident.h"

/* What certificate, form and the resident of the link tell, compared. */
struct comparison {
    enum agreement form[FACT_COUNT];     /* certificate and form */
    enum agreement registry[FACT_COUNT]; /* certificate and resident */
    enum agreement claim[FACT_COUNT];    /* form and resident */
    bool claim_fits; /* name and address of the two agree, but for 外字, which no form can write */
};
/* `linked` NULL: there is none. */
void identify_compare(const struct parties *parties, const struct resident *linked,
                      struct comparison *ret_comparison);

struct identification_input {
    const char *ca, *serial; /* "" without a signature */
    const struct people *people;
    const struct parties *parties; /* of the certificate's facts and of people */
    bool by_agent;
    bool waited;              /* the days for a serial number to appear in a feed are over */
    bool links_old;           /* the newest feed of links is older than a link may decide by */
    bool links_only;          /* the registry sends no residents: the link alone has to do */
    bool protection;          /* somebody concerned is protected, whom `residents` need not have */
    const char *const *links; /* distinct 宛名番号 linked to (ca, serial) at applied-at */
    size_t link_count;
    /* Who may be meant, fetched by link, by 個人番号, and when `looked_around` by the keys of the
     * facts and the household too. One may stand there several times: the first counts.
     * `crowded`: there are more of her birth date than were fetched. */
    const struct resident *residents;
    size_t resident_count;
    bool looked_around, crowded;
    const struct comparison *comparison; /* if the only link was compared before; NULL */
};

#define CANDIDATES_MOST 20

struct candidate {
    const struct resident *resident; /* borrowed */
    struct match match;
};

/* A person of the form, and the resident found. */
struct person_found {
    const char *how; /* "number", "facts", "none", "many"; "link": the claimant by serial */
    const struct resident *resident;
    enum agreement facts[FACT_COUNT]; /* when there is a resident */
};

struct identification {
    bool identified;
    const char *atenabango; /* borrowed; NULL unless identified or proposed */
    /* "" when identified; else protected, unsigned, agent, many-people, serial-unknown,
     * proposed-by-facts, no-candidate, many-candidates, many-links, resident-unknown, not-resident,
     * number-mismatch, facts-differ, links-old */
    const char *reason;
    /* The decision needs residents by key and household: fetch them and ask again. What is told so
     * far is preliminary. */
    bool look_around;
    bool compared;                                /* the four facts were: */
    enum agreement form[FACT_COUNT];              /* certificate and form */
    enum agreement registry[FACT_COUNT];          /* certificate and the resident of the link */
    const struct resident *linked;                /* NULL */
    struct person_found people[PEOPLE_MOST];      /* as input->people */
    struct candidate candidates[CANDIDATES_MOST]; /* best first; none when identified */
    size_t candidate_count;
};

/* By serial, and only when the four facts of certificate, form and registry agree, nobody concerned
 * is protected, and nothing else stands in the way. Without a link, exactly one resident of whom
 * all four facts agree is proposed to staff: a name never decides. */
void identify(const struct identification_input *input, struct identification *ret_identification);

/* Whether one has to look for others whom the certificate fits before the link decides. */
bool identification_leaves_open(const struct identification *found);

/* What is kept with the application and shown to staff: personal, seal it. New reference.
 * docs/formats/identification.md. */
json_t *identification_json(const struct identification_input *input,
                            const struct identification *identification);
/* {"fact": {"how", "points"}…} of a candidate. New reference. */
json_t *candidate_json(const struct candidate *candidate);
const char *resident_status_word(enum resident_status status); /* "present", "moved-out", … */

#endif
