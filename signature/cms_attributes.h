/* The signed attributes of a SignerInfo (RFC 5652 §11), read strictly. */
#ifndef UKETSUKE_SIGNATURE_CMS_ATTRIBUTES_H
#define UKETSUKE_SIGNATURE_CMS_ATTRIBUTES_H

#include <openssl/x509.h>

#include "base/clock.h"
#include "signature/cms_form.h"

struct cms_attributes {
    struct bytes content_type, message_digest;  /* contents of the OID and OCTET STRING */
    struct bytes time, certificate, protection; /* whole values; data NULL: not there */
};

/* In the order of DER, none twice, each with one value, all of them known: content-type (id-data)
 * and message-digest have to be there; signing-time, signing-certificate-v2 (RFC 5035 §3),
 * cmsAlgorithmProtection (RFC 6211 §2) and SMIMECapabilities may. Reason signature-attributes. */
bool cms_attributes_read(struct bytes content, struct cms_attributes *ret_attributes,
                         struct checks *checks);

/* What they say of the signature is so: the signer's certificate by its hash, the algorithms, the
 * time not later than `applied_at` (0: not known) by more than five minutes. Reasons
 * signature-attributes, signature-time. */
bool cms_attributes_judge(const struct cms_attributes *attributes, const struct cms_form *form,
                          X509 *signer, instant applied_at, struct checks *checks);

/* An issuer's Name and a serial number are those of the certificate, to the byte. */
bool cms_names_signer(X509 *signer, struct bytes issuer, struct bytes serial);

#endif
