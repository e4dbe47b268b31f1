/* Identification, the pure core: (certificate's facts, form's facts, links in force) to a decision
 * with its reason. The SQL that fetches is in intake/registry.h. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_H
#define UKETSUKE_INTAKE_IDENTIFY_IDENTIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct identification_input {
    const char *ca, *serial; /* "" without a signature */
    const json_t *facts;     /* of the certificate; NULL */
    const json_t *claimant;  /* record.claimant */
    bool by_agent;
    const char *const *links; /* distinct 宛名番号 linked to (ca, serial) at applied-at */
    size_t link_count;
};

struct identification {
    bool identified;
    const char *atenabango; /* borrowed from links */
    /* "" when identified; else unsigned, agent, serial-unknown, many-links, facts-differ */
    const char *reason;
};

/* By serial, and only when the four facts of certificate and form agree (width, kana width and
 * white space folded; positions that the certificate marks as substituted match anything, but not
 * all of a text). A name never decides. */
void identify(const struct identification_input *input, struct identification *ret_identification);
/* Whether one fact agrees: "name", "birth_date", "sex", "address". */
bool identify_fact_agrees(const char *fact, const json_t *certificate_facts,
                          const json_t *claimant);

#endif
