#include "signature/xmldsig_form.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "signature/xmldsig_element.h"

#define ENVELOPED XMLDSIG_NS "enveloped-signature"

#define SIGNATURE_BYTES_MAX 1024 /* RSA of 8192 bits */

static const char check[] = "signature.form";

static bool malformed(struct checks *checks, const char *text)
{
    return checks_fail(checks, check, "FORMAT_FAILURE", "signature-malformed", "%s", text);
}

static bool not_allowed(struct checks *checks, const char *reason, const char *text)
{
    return checks_fail(checks, check, "SIG_CONSTRAINTS_FAILURE", reason, "%s", text);
}

static bool is(const xmlNode *node, const char *name)
{
    return xml_is(node, XMLDSIG_NS, name);
}

/* The bytes of an element that holds Base64 and nothing else. */
static bool base64_read(const xmlNode *element, struct buffer *ret_bytes)
{
    const char *text = xml_text(element);
    return text && base64_decode(bytes_of_text(text), ret_bytes) && ret_bytes->length > 0;
}

/* An element that says all it says by its Algorithm. */
static const char *algorithm_of(const xmlNode *element)
{
    return element_is_empty(element) && element_attributes(element, "Algorithm", NULL)
               ? xml_attribute(element, "Algorithm")
               : NULL;
}

static bool transforms_read(const xmlNode *transforms, struct reference *reference,
                            struct checks *checks)
{
    xmlNode *steps[2];
    size_t count = 0;
    if (!element_children(transforms, steps, 2, &count) || count == 0 ||
        !element_attributes(transforms, NULL))
        return not_allowed(checks, "signature-transform", "a Reference has other Transforms");
    for (size_t i = 0; i < count; i++)
        if (!is(steps[i], "Transform"))
            return malformed(checks, "Transforms holds something that is no Transform");
    const char *first = count == 2 ? algorithm_of(steps[0]) : NULL;
    bool enveloped = first && strcmp(first, ENVELOPED) == 0;
    if ((count == 2 && !enveloped) || !canonical_method_read(steps[count - 1], &reference->method))
        return not_allowed(checks, "signature-transform",
                           "a Transform is neither enveloped-signature nor (exclusive) C14N "
                           "without comments, or they are not in that order");
    reference->transform = enveloped ? TRANSFORM_ENVELOPED : TRANSFORM_CANONICAL;
    return true;
}

static bool digest_read(const xmlNode *method, const xmlNode *value, struct reference *reference,
                        struct checks *checks)
{
    if (!is(method, "DigestMethod") || !is(value, "DigestValue") ||
        !element_attributes(value, NULL))
        return malformed(checks, "a Reference has no DigestMethod and DigestValue at its end");
    if (!digest_find(algorithm_of(method), &reference->digest))
        return not_allowed(checks, "signature-algorithm", "a DigestMethod is not allowed");
    _cleanup_(cleanup_buffer) struct buffer bytes = {0};
    if (!base64_read(value, &bytes) || bytes.length != digest_length(reference->digest))
        return malformed(checks, "a DigestValue is not of its digest's length");
    memcpy(reference->value, bytes.data, bytes.length);
    return true;
}

static bool reference_read(const xmlNode *element, struct reference *reference,
                           struct checks *checks)
{
    xmlNode *children[3];
    size_t count = 0;
    if (!is(element, "Reference") || !element_children(element, children, 3, &count) || count < 2 ||
        (count == 3 && !is(children[0], "Transforms")))
        return malformed(checks, "SignedInfo holds something that is no plain Reference");
    /* Type could call what is referred to a Manifest or an Object: neither exists here. */
    reference->uri = xml_attribute(element, "URI");
    if (!reference->uri || !element_attributes(element, "URI", "Id", NULL))
        return not_allowed(checks, "signature-reference", "a Reference has no URI, or a Type");
    if (count == 3 && !transforms_read(children[0], reference, checks))
        return false;
    bool own_document = reference->uri[0] == '\0';
    if (own_document != (reference->transform == TRANSFORM_ENVELOPED))
        return not_allowed(checks, "signature-transform",
                           "enveloped-signature goes with the empty URI, and only with it");
    return digest_read(children[count - 2], children[count - 1], reference, checks);
}

static bool references_unique(const struct xmldsig_form *form)
{
    for (size_t i = 0; i < form->reference_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(form->references[i].uri, form->references[k].uri) == 0)
                return false;
    return true;
}

static bool references_read(xmlNode **elements, size_t count, struct xmldsig_form *form,
                            struct checks *checks)
{
    form->references = memory_allocate(count * sizeof *form->references);
    for (size_t i = 0; i < count; i++) {
        form->reference_count++;
        if (!reference_read(elements[i], &form->references[i], checks))
            return false;
    }
    if (!references_unique(form))
        return not_allowed(checks, "signature-reference", "two References have one URI");
    return true;
}

static bool signed_info_read(xmlNode *info, struct xmldsig_form *form, struct checks *checks)
{
    xmlNode *children[2 + XMLDSIG_REFERENCES_MAX];
    size_t count = 0;
    if (!is(info, "SignedInfo") || !element_attributes(info, "Id", NULL) ||
        !element_children(info, children, 2 + XMLDSIG_REFERENCES_MAX, &count) || count < 3 ||
        !is(children[0], "CanonicalizationMethod") || !is(children[1], "SignatureMethod"))
        return malformed(checks, "SignedInfo is not CanonicalizationMethod, SignatureMethod and "
                                 "from 1 to 256 References");
    form->signed_info = info;
    if (!canonical_method_read(children[0], &form->method))
        return not_allowed(checks, "signature-algorithm",
                           "the CanonicalizationMethod is not allowed");
    form->algorithm = signature_algorithm_find(algorithm_of(children[1]));
    if (!form->algorithm)
        return not_allowed(checks, "signature-algorithm", "the SignatureMethod is not allowed");
    return references_read(children + 2, count - 2, form, checks);
}

/* One certificate and nothing else: no key by name or value, no search. */
static bool key_info_read(const xmlNode *info, struct xmldsig_form *form, struct checks *checks)
{
    xmlNode *data = NULL, *certificate = NULL;
    size_t count = 0;
    bool one = element_children(info, &data, 1, &count) && count == 1 && is(data, "X509Data") &&
               element_children(data, &certificate, 1, &count) && count == 1 &&
               is(certificate, "X509Certificate");
    if (!one || !element_attributes(info, "Id", NULL) || !element_attributes(data, NULL) ||
        !element_attributes(certificate, NULL) || !base64_read(certificate, &form->certificate))
        return checks_fail(checks, check, "NO_SIGNING_CERTIFICATE_FOUND", "signature-certificates",
                           "KeyInfo is not exactly one X509Data with one X509Certificate");
    return true;
}

/* Nothing refers to an Id here; but who reads one twice may be led to different elements. */
static bool ids_unique(const xmlNode *signature)
{
    const char *ids[4 + XMLDSIG_REFERENCES_MAX];
    size_t count = 0;
    const xmlNode *node = signature;
    while (node) {
        const char *id = xml_attribute(node, "Id");
        for (size_t i = 0; id && i < count; i++)
            if (strcmp(ids[i], id) == 0)
                return false;
        if (id && count == sizeof ids / sizeof *ids)
            return false;
        if (id)
            ids[count++] = id;
        const xmlNode *next = xml_first(node);
        while (!next && node != signature && !(next = xml_next(node)))
            node = node->parent;
        node = next;
    }
    return true;
}

bool xmldsig_form_read(xmlNode *signature, struct xmldsig_form *ret_form, struct checks *checks)
{
    *ret_form = (struct xmldsig_form){0};
    xmlNode *children[3];
    size_t count = 0;
    if (!is(signature, "Signature") || !element_attributes(signature, "Id", NULL) ||
        !element_children(signature, children, 3, &count) || count < 2 ||
        !is(children[1], "SignatureValue") || !element_attributes(children[1], "Id", NULL))
        return malformed(checks, "the signature is not SignedInfo, SignatureValue and KeyInfo");
    if (!ids_unique(signature))
        return malformed(checks, "an Id stands there twice");
    if (!signed_info_read(children[0], ret_form, checks))
        return false;
    if (!base64_read(children[1], &ret_form->value) || ret_form->value.length > SIGNATURE_BYTES_MAX)
        return malformed(checks, "the SignatureValue is not Base64 of a fitting length");
    if (count < 3 || !is(children[2], "KeyInfo"))
        return checks_fail(checks, check, "NO_SIGNING_CERTIFICATE_FOUND", "signature-certificates",
                           "there is no KeyInfo");
    return key_info_read(children[2], ret_form, checks);
}

void xmldsig_form_free(struct xmldsig_form *form)
{
    for (size_t i = 0; i < form->reference_count; i++)
        canonical_method_free(&form->references[i].method);
    free(form->references);
    canonical_method_free(&form->method);
    buffer_free(&form->value);
    buffer_free(&form->certificate);
    *form = (struct xmldsig_form){0};
}
