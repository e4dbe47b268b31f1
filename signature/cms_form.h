/* One detached CMS SignedData (RFC 5652 §5), read strictly as DER: what is not known is refused,
 * not passed over. All views are borrowed from the file. */
#ifndef UKETSUKE_SIGNATURE_CMS_FORM_H
#define UKETSUKE_SIGNATURE_CMS_FORM_H

#include "base/bytes.h"
#include "base/checks.h"
#include "signature/algorithm.h"

struct cms_form {
    struct bytes certificate; /* the whole element */
    struct bytes issuer;      /* signerIdentifier: the Name, whole, and … */
    struct bytes serial;      /* … the content of the INTEGER; or */
    struct bytes key_id;      /* subjectKeyIdentifier */
    enum digest digest;
    struct bytes digest_algorithm, value_algorithm; /* contents of the two AlgorithmIdentifiers */
    const struct signature_algorithm *algorithm;
    struct bytes attributes; /* content of [0] signedAttrs; data NULL: there are none */
    struct bytes attributes_whole;
    struct bytes value;
};

/* Check "signature.form", reasons signature-malformed (not DER, another version, certificates or
 * SignerInfos other than one, revocation lists, unsigned attributes), signature-embedded (holds
 * content), signature-certificates, signature-algorithm. */
bool cms_form_read(struct bytes file, struct cms_form *ret_form, struct checks *checks);

/* AlgorithmIdentifier's content: SHA-2, parameters absent or NULL (RFC 5754 §2). */
bool cms_digest_read(struct bytes identifier, enum digest *ret_digest);

#endif
