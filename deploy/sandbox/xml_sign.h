/* An XML Signature maker, written apart from the verifier in signature/ so that a mistake in one is
 * not repeated in the other. */
#ifndef UKETSUKE_SANDBOX_XML_SIGN_H
#define UKETSUKE_SANDBOX_XML_SIGN_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/failure.h"

enum xml_sign_digest { XML_SIGN_SHA256, XML_SIGN_SHA512, XML_SIGN_SHA1 };
enum xml_sign_transform {
    XML_SIGN_BYTES,     /* no transform */
    XML_SIGN_C14N,      /* exclusive C14N */
    XML_SIGN_ENVELOPED, /* enveloped-signature, then exclusive C14N; URI "" */
};

struct xml_sign_reference {
    const char *uri;
    enum xml_sign_transform transform;
    struct bytes content; /* as it stands in the package (enveloped: without the signature) */
};

/* The ds:Signature element, without an XML declaration. */
bool xml_sign(const struct xml_sign_reference *references, size_t count,
              enum xml_sign_digest digest, EVP_PKEY *key, const X509 *certificate,
              struct buffer *ret_signature, struct failure *f);

#endif
