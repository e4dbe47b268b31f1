#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"
#include "signature/canonical.h"
#include "signature/container.h"
#include "signature/xmldsig_element.h"
#include "signature/xmldsig_form.h"

#define SIGNATURES_MAX 8 /* each may cover everything once more: this bounds the work */

DEFINE_CLEANUP(cleanup_node, xmlNode *, xmlFreeNode)

static void cleanup_form(struct xmldsig_form *form)
{
    xmldsig_form_free(form);
}

struct verification {
    const struct signature_input *input;
    struct checks *checks;
    struct signature_result result;
    xmlNode *enveloped; /* the signature within the document that may hold one; NULL */
    size_t host;        /* the place of that document */
    bool *inclusive;    /* for each signable: some reference covers all its namespaces */
};

static void cleanup_verification(struct verification *v)
{
    signature_result_free(&v->result);
    free(v->inclusive);
}

/* The member's tree: parsed once, however many references there are to it. */
static xmlDoc *tree_of(struct verification *v, size_t at)
{
    struct covered *covered = &v->result.covered[at];
    if (!covered->document)
        covered->document = xml_parse(v->input->signables[at].bytes, v->input->xml_limits,
                                      "signature.document", v->checks);
    return covered->document;
}

static bool digest_is(const struct reference *reference, const uint8_t *value)
{
    return memcmp(value, reference->value, digest_length(reference->digest)) == 0;
}

static bool digest_fits(const struct reference *reference, struct bytes data)
{
    uint8_t value[DIGEST_MAX];
    digest_of(reference->digest, data, value);
    return digest_is(reference, value);
}

static bool digest_failed(struct verification *v, size_t number)
{
    return checks_fail(v->checks, "signature.digest", "HASH_FAILURE", "signature-digest",
                       "Reference %zu: what is signed is not what is here", number);
}

/* A tree is the stronger finding: the caller need not parse again. */
static void note(struct verification *v, size_t at, enum coverage coverage)
{
    struct covered *covered = &v->result.covered[at];
    covered->named_by |= UINT64_C(1) << v->result.signature_count;
    if (coverage > covered->coverage)
        covered->coverage = coverage;
}

static void digest_piece(void *context, struct bytes piece)
{
    if (!EVP_DigestUpdate(context, piece.data, piece.length))
        abort();
}

/* The canonical form goes into the digest as it is written: it stands nowhere whole. */
static bool digest_tree(const xmlDoc *tree, const struct reference *reference,
                        uint8_t ret_value[DIGEST_MAX])
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestInit_ex2(context, digest_md(reference->digest), NULL))
        abort(); /* only for want of memory */
    if (!canonical_document(tree, &reference->method, digest_piece, context))
        return false;
    if (!EVP_DigestFinal_ex(context, ret_value, NULL))
        abort();
    return true;
}

static bool verify_tree(struct verification *v, const struct reference *reference, size_t at,
                        size_t number)
{
    xmlDoc *tree = tree_of(v, at);
    uint8_t value[DIGEST_MAX];
    if (!tree)
        return false;
    if (!digest_tree(tree, reference, value))
        return checks_fail(v->checks, "signature.digest", "FORMAT_FAILURE", "signature-malformed",
                           "Reference %zu: the document has no canonical form", number);
    if (!digest_is(reference, value))
        return digest_failed(v, number);
    note(v, at, COVERAGE_TREE);
    v->inclusive[at] |= !reference->method.exclusive;
    return true;
}

static bool verify_bytes(struct verification *v, const struct reference *reference, size_t at,
                         size_t number)
{
    const struct signable *member = &v->input->signables[at];
    bool known = reference->digest == DIGEST_SHA256 && member->sha256;
    if (known ? !digest_is(reference, member->sha256) : !digest_fits(reference, member->bytes))
        return digest_failed(v, number);
    note(v, at, COVERAGE_BYTES);
    return true;
}

static bool not_there(struct verification *v, size_t number, const char *text)
{
    return checks_fail(v->checks, "signature.reference", "SIGNED_DATA_NOT_FOUND",
                       "signature-reference", "Reference %zu: %s", number, text);
}

/* `within`: this signature stands in the document that may hold one. */
static bool verify_reference(struct verification *v, const struct reference *reference, bool within,
                             size_t number)
{
    size_t at;
    if (reference->transform == TRANSFORM_ENVELOPED)
        return within ? verify_tree(v, reference, v->host, number)
                      : not_there(v, number, "this signature is not within a document");
    if (!signable_find(v->input, reference->uri, &at))
        return not_there(v, number, "the URI is not the name of a member that can be signed");
    if (within && at == v->host)
        return not_there(v, number, "the document around the signature goes by the empty URI");
    return reference->transform == TRANSFORM_CANONICAL ? verify_tree(v, reference, at, number)
                                                       : verify_bytes(v, reference, at, number);
}

static bool verify_references(struct verification *v, const struct xmldsig_form *form, bool within)
{
    for (size_t i = 0; i < form->reference_count; i++)
        if (!verify_reference(v, &form->references[i], within, i + 1))
            return false;
    checks_input(v->checks, "references", "%zu", form->reference_count);
    checks_pass(v->checks, "signature.digest", "every reference holds");
    return true;
}

static bool verify_value(struct verification *v, const struct xmldsig_form *form,
                         struct bytes signed_info)
{
    EVP_PKEY *key = v->result.key;
    if (!key || EVP_PKEY_get_base_id(key) != form->algorithm->key_type)
        return checks_fail(v->checks, "signature.value", "CRYPTO_CONSTRAINTS_FAILURE",
                           "signature-algorithm",
                           "the certificate's key is not allowed, or not of the SignatureMethod");
    checks_input(v->checks, "algorithm", "%s", form->algorithm->name);
    checks_input(v->checks, "key_bits", "%d", EVP_PKEY_get_bits(key));
    if (!signature_value_holds(form->algorithm, key, signed_info, buffer_bytes(&form->value)))
        return checks_fail(v->checks, "signature.value", "SIG_CRYPTO_FAILURE", "signature-value",
                           "the signature was not made with the key of its certificate");
    checks_pass(v->checks, "signature.value", "%s holds", form->algorithm->name);
    snprintf(v->result.algorithm, sizeof v->result.algorithm, "%s", form->algorithm->name);
    return true;
}

/* `signature` is taken out of its document when it stands within one: that is what the transform
 * enveloped-signature means, and what the caller is to read. SignedInfo is canonicalized before,
 * where it inherits the namespaces around it. */
static bool verify_signature(struct verification *v, xmlNode *signature, bool within)
{
    _cleanup_(cleanup_form) struct xmldsig_form form = {0};
    _cleanup_(cleanup_buffer) struct buffer signed_info = {0};
    _cleanup_(cleanup_node) xmlNode *taken_out = NULL;
    if (!xmldsig_form_read(signature, &form, v->checks))
        return false;
    if (!canonical_element(form.signed_info, &form.method, canonical_append, &signed_info))
        return checks_fail(v->checks, "signature.form", "FORMAT_FAILURE", "signature-malformed",
                           "SignedInfo has no canonical form");
    checks_input(v->checks, "algorithm", "%s", form.algorithm->name);
    checks_input(v->checks, "canonicalization", "%s",
                 form.method.exclusive ? "exclusive" : "inclusive");
    checks_pass(v->checks, "signature.form", "%s", form.algorithm->name);
    if (within) {
        xmlUnlinkNode(signature);
        taken_out = signature;
    }
    if (!verify_references(v, &form, within) ||
        !signer_take(&v->result, buffer_bytes(&form.certificate), v->checks) ||
        !verify_value(v, &form, buffer_bytes(&signed_info)))
        return false;
    v->result.signature_count++;
    return true;
}

static bool verify_file(struct verification *v, struct bytes file)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree =
        xml_parse(file, v->input->xml_limits, "signature.form", v->checks);
    return tree && verify_signature(v, xmlDocGetRootElement(tree), false);
}

static bool find_enveloped(struct verification *v)
{
    if (!signable_find(v->input, v->input->enveloped, &v->host))
        return true;
    xmlDoc *tree = tree_of(v, v->host);
    if (!tree)
        return false;
    xmlNode *last = xmlGetLastChild(xmlDocGetRootElement(tree));
    while (last && last->type != XML_ELEMENT_NODE)
        last = last->prev;
    if (xml_is(last, XMLDSIG_NS, "Signature"))
        v->enveloped = last;
    return true;
}

static bool count_fits(struct verification *v)
{
    if (v->input->signature_count == 0 && !v->enveloped)
        return checks_fail(v->checks, "signature.present", "FORMAT_FAILURE", "signature-missing",
                           "there is no signature");
    if (v->input->signature_count > SIGNATURES_MAX)
        return checks_fail(v->checks, "signature.present", "FORMAT_FAILURE", "signature-malformed",
                           "there are more than %d signatures", SIGNATURES_MAX);
    return true;
}

/* The document's tree is the caller's only with its signature taken out and verified: of bytes that
 * hold one, the tree would be less than the bytes. */
static void finish(struct verification *v, bool had_enveloped)
{
    for (size_t i = 0; i < v->result.covered_count; i++) {
        struct covered *covered = &v->result.covered[i];
        bool less = had_enveloped && i == v->host && covered->coverage == COVERAGE_BYTES;
        if (covered->document && (covered->coverage == COVERAGE_NONE || less)) {
            xmlFreeDoc(covered->document);
            covered->document = NULL;
        }
        if (covered->coverage == COVERAGE_TREE && !v->inclusive[i])
            canonical_forget_unused_namespaces(covered->document);
    }
}

bool xmldsig_verify(const struct signature_input *input, struct signature_result *ret_result,
                    struct checks *checks)
{
    _cleanup_(cleanup_verification) struct verification v = {.input = input, .checks = checks};
    signature_result_begin(input, &v.result);
    v.inclusive = memory_allocate(input->signable_count + 1);
    if (!find_enveloped(&v) || !count_fits(&v))
        return false;
    /* Detached ones first: they see the document as it is, its own signature included. */
    for (size_t i = 0; i < input->signature_count; i++)
        if (!verify_file(&v, input->signatures[i].bytes))
            return false;
    if (v.enveloped && !verify_signature(&v, v.enveloped, true))
        return false;
    finish(&v, v.enveloped != NULL);
    *ret_result = v.result;
    v.result = (struct signature_result){0};
    return true;
}
