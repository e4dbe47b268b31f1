/* Examination: a pure function of (package bytes, what the portal promised, trust, revocation data,
 * procedures, time) to (report, form record). No network, no files, no database. The same inputs
 * give the same report, byte for byte. */
#ifndef UKETSUKE_INTAKE_EXAMINE_H
#define UKETSUKE_INTAKE_EXAMINE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "base/config.h"
#include "forms/procedure.h"
#include "intake/package.h"
#include "signature/revocation.h"
#include "signature/trust.h"

extern const struct config_section trust_config_section;      /* [trust] mode, anchors, pins, … */
extern const struct config_section revocation_config_section; /* [revocation] directory, age, … */
extern const struct config_section forms_config_section;      /* [forms] procedures = PATH */
extern const struct config_section procedure_config_section;  /* [procedure ID]: its settings */

struct examination_input {
    struct bytes package;
    /* What the portal's list said; NULL / 0 where not known (`uketsuke verify` of a bare file). */
    const char *receipt_number;
    const char *city_code;
    instant applied_at;
    instant now;
    const struct package_limits *limits;
    const struct trust *trust;
    const struct crl_set *crls;
    struct revocation_policy revocation;
    struct ocsp_answer ocsp; /* {0} the first time: ocsp_certid below */
    instant suspended;       /* of the last examination: evidence_suspended; 0 */
    const struct procedures *procedures;
};

enum verdict { VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_HELD };

struct examination {
    enum verdict verdict;
    char reason[64]; /* of the deciding check; "" when accepted */
    char sub_indication[64];
    char procedure_id[129]; /* "" when the manifest could not be read */
    char form_version[17];
    instant applied_at;
    char ca[16]; /* of the signing certificate; "" without one */
    char serial[41];
    /* The certID (DER) to ask a responder for; examine again with what came of it as input.ocsp.
     * Empty: nothing to ask, or asked already, or refused whatever the answer. Owned. */
    struct buffer ocsp_certid;
    struct ocsp_span ocsp_used; /* of input.ocsp, when it decided about revocation; {0} */
    struct form_term term;      /* name "": none, or the form could not be read */
    /* Canonical JSON (base/json.h), owned: the bytes that are sealed. */
    struct buffer report;   /* docs/formats/report.md */
    struct buffer facts;    /* the certificate's four basic facts; empty without them */
    struct buffer record;   /* the form's record; empty unless accepted */
    struct buffer evidence; /* what it rested on: docs/formats/evidence.md */
};

/* Further reasons than those of its parts: manifest-city, manifest-receipt-number,
 * manifest-applied-at (all: other than the portal promised), manifest-applied-at-future (held: it
 * is still to come), procedure-unknown (held),
 * signature-missing, signature-coverage (a member that matters is not covered), form-missing. */
void examine(const struct examination_input *input, struct examination *ret_examination);
void examination_free(struct examination *examination);
const char *verdict_name(enum verdict verdict); /* "accepted", "refused", "held" */

/* Everything an examiner holds ready, read from the configuration. */
struct examiner {
    struct package_limits limits;
    struct trust *trust;
    struct crl_set *crls;
    struct procedures *procedures;
    char crl_directory[1024];
    struct revocation_policy revocation;
};
/* The procedures with what the configuration sets for them; a setting that none declares is a
 * failure with its line. */
bool examiner_load_procedures(const struct config *config, struct procedures **ret_procedures,
                              struct failure *f);
/* Only the anchors: what checks revocation lists, without procedures. */
bool examiner_load_trust(const struct config *config, struct trust **ret_trust, struct failure *f);
bool examiner_load(const struct config *config, struct examiner *ret_examiner, struct failure *f);
/* All but the revocation lists: a set of none. */
bool examiner_load_bare(const struct config *config, struct examiner *ret_examiner,
                        struct failure *f);
/* The folder of the lists. */
const char *examiner_lists(const struct config *config);
void examiner_free(struct examiner *examiner);

#endif
