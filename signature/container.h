/* What the containers share: each finds members by name, takes one signer, and has a hash judged
 * by its key. For the containers only; everybody else includes signature/signature.h. */
#ifndef UKETSUKE_SIGNATURE_CONTAINER_H
#define UKETSUKE_SIGNATURE_CONTAINER_H

#include "signature/algorithm.h"
#include "signature/signature.h"

bool cms_verify(const struct signature_input *input, struct signature_result *ret_result,
                struct checks *checks);
bool raw_verify(const struct signature_input *input, struct signature_result *ret_result,
                struct checks *checks);

/* Makes place for one finding for each signable. */
void signature_result_begin(const struct signature_input *input, struct signature_result *result);
bool signable_find(const struct signature_input *input, const char *name, size_t *ret_at);
/* Of its bytes, by what is known already where it is. */
void signable_digest(const struct signable *signable, enum digest digest,
                     uint8_t ret_value[DIGEST_MAX]);

/* The first certificate names the signer; the others have to be the same to the byte. Reasons
 * certificate-malformed, signature-certificates. */
bool signer_take(struct signature_result *result, struct bytes der, struct checks *checks);

/* Whether the signer's key made `value` over `hash` (ECDSA in DER): check signature.value, reasons
 * signature-algorithm (the key is another's), signature-value. Counts the signature. */
bool signature_hash_judge(struct signature_result *result,
                          const struct signature_algorithm *algorithm, const uint8_t *hash,
                          struct bytes value, struct checks *checks);

#endif
