/* What a verdict rested on, besides the package: kept with the application, sealed, so that the
 * same examination can be made again, byte for byte (docs/formats/evidence.md). Small things stand
 * in it as they are, large ones by their SHA-256: anchors, the definition of the procedure, the
 * index of revocation data. */
#ifndef UKETSUKE_INTAKE_EVIDENCE_H
#define UKETSUKE_INTAKE_EVIDENCE_H

#include <jansson.h>

#include "intake/examine.h"

/* Canonical JSON, appended. `procedure`: NULL when it was not known; `revocation`: what decided,
 * as in the report; NULL; `suspended`: for the next examination (signature/revocation.h). */
void evidence_write(const struct examination_input *input, const struct procedure *procedure,
                    const json_t *revocation, instant suspended, struct buffer *ret_evidence);

/* What the next examination of the same application must know of this one: examination_input's
 * `suspended`. 0 when it does not say, or is none. */
instant evidence_suspended(struct bytes text);

/* What of it goes into an examination as it stands. Views into `evidence` live as long as that. */
struct evidence {
    json_t *json; /* owned */
    struct package_limits limits;
    struct buffer ocsp_response, ocsp_nonce; /* owned */
    struct examination_input input;          /* promise, now, policy, OCSP, limits */
    const char *index_sha256;                /* of the list that was looked at; NULL: none was */
    const char *software;
};
bool evidence_read(struct bytes text, struct evidence *ret_evidence, struct failure *f);
void evidence_free(struct evidence *evidence);

/* In what the anchors, policies and definitions of today differ from those of `evidence`, one
 * sentence each; new reference, an empty array when in nothing. */
json_t *evidence_differences(const struct evidence *evidence, const struct trust *trust,
                             const struct procedures *procedures);

#endif
