/* Verifies one signed document over and over, by our verifier or by a peer that is a C library; and
 * the parts of that work that no verifier can leave out.
 *
 *   signature_bench ours|xmlsec1 SIGNER.der
 *     reads lines "FILE COUNT", answers each with the seconds of the processor that COUNT
 *     verifications took. Each begins with the bytes of the document and of the certificate whose
 *     key has to have signed it, and ends with everything freed.
 *   signature_bench profile SIGNER.der FILE COUNT
 *     for a profiler, which has to find the functions (they are never inlined): after one of each,
 *     COUNT times ours and COUNT times the parts. */
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef WITH_XMLSEC
#include <xmlsec/app.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>
#endif

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"
#include "base/xml.h"
#include "signature/canonical.h"
#include "signature/public_key.h"
#include "signature/signature.h"

#define APART __attribute__((noinline)) static

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

typedef bool verify(struct bytes document, struct bytes signer);

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "signature_bench: %s\n", what);
    exit(3);
}

static struct buffer read_file(const char *path)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    struct buffer bytes = {0};
    size_t got = 1;
    while (file && got > 0) {
        got = fread(buffer_reserve(&bytes, 1 << 16), 1, 1 << 16, file);
        buffer_commit(&bytes, got);
    }
    if (bytes.length == 0)
        die(path);
    return bytes;
}

/* ---- verifiers ---- */

APART bool verify_ours(struct bytes document, struct bytes signer)
{
    static const struct xml_limits limits = {.size = 4 << 20, .depth = 64, .nodes = 1000000};
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    struct signable member = {.name = "application.xml", .bytes = document};
    struct signature_input input = {
        .signables = &member, .signable_count = 1, .enveloped = member.name, .xml_limits = &limits};
    struct signature_result result;
    if (!xmldsig_verify(&input, &result, checks))
        return false;
    bool trusted = bytes_equal(buffer_bytes(&result.certificate), signer) &&
                   result.covered[0].coverage == COVERAGE_TREE;
    signature_result_free(&result);
    return trusted;
}

#ifdef WITH_XMLSEC
/* As in the library's own example verify1.c, from memory. */
APART bool verify_xmlsec1(struct bytes document, struct bytes signer)
{
    xmlDoc *tree = xmlReadMemory((const char *)document.data, (int)document.length, NULL, NULL,
                                 XML_PARSE_NONET);
    xmlNode *signature =
        tree ? xmlSecFindNode(xmlDocGetRootElement(tree), xmlSecNodeSignature, xmlSecDSigNs) : NULL;
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    if (!signature || !context)
        die("xmlsec1 cannot begin");
    context->signKey = xmlSecCryptoAppKeyLoadMemory(signer.data, (xmlSecSize)signer.length,
                                                    xmlSecKeyDataFormatCertDer, NULL, NULL, NULL);
    bool holds = context->signKey && xmlSecDSigCtxVerify(context, signature) == 0 &&
                 context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(tree);
    return holds;
}
#endif

static verify *verifier_named(const char *name)
{
    if (strcmp(name, "ours") == 0)
        return verify_ours;
#ifdef WITH_XMLSEC
    if (strcmp(name, "xmlsec1") == 0 && xmlSecInit() == 0 && xmlSecCryptoAppInit(NULL) == 0 &&
        xmlSecCryptoInit() == 0)
        return verify_xmlsec1;
#endif
    die("no such verifier in this build");
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void answer(verify *verifier, struct bytes signer)
{
    char path[4096];
    int count;
    while (scanf("%4095s %d", path, &count) == 2) {
        _cleanup_(cleanup_buffer) struct buffer document = read_file(path);
        double begun = processor_seconds();
        for (int i = 0; i < count; i++)
            if (!verifier(buffer_bytes(&document), signer))
                die("a good signature is refused");
        printf("%.9f\n", processor_seconds() - begun);
        fflush(stdout);
    }
}

/* ---- the parts: everything else is got ready before ---- */

struct parts {
    struct bytes document;
    EVP_PKEY *key;
    uint8_t *value; /* a signature by the key over `hash` */
    size_t value_length;
    uint8_t hash[32];
};

APART xmlDoc *part_parse(struct bytes document)
{
    return xmlReadMemory((const char *)document.data, (int)document.length, NULL, NULL,
                         XML_PARSE_NONET);
}

APART void part_free(xmlDoc *tree)
{
    xmlFreeDoc(tree);
}

APART int part_c14n_libxml2(xmlDoc *tree, xmlChar **ret_text)
{
    return xmlC14NDocDumpMemory(tree, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, ret_text);
}

APART void part_sha256(struct bytes canonical)
{
    uint8_t hash[32];
    sha256(canonical, hash);
}

static void cut_signature(xmlDoc *tree)
{
    xmlNode *last = xmlLastElementChild(xmlDocGetRootElement(tree));
    xmlUnlinkNode(last);
    xmlFreeNode(last);
}

static int within(void *apex, xmlNode *node, xmlNode *parent)
{
    bool own = node && node->type != XML_ATTRIBUTE_NODE && node->type != XML_NAMESPACE_DECL;
    for (const xmlNode *n = own ? node : parent; n; n = n->parent)
        if (n == apex)
            return 1;
    return 0;
}

/* SignedInfo, for which nothing better than a callback is offered. */
APART struct bytes part_signed_info_libxml2(xmlDoc *tree, xmlNode *signed_info, xmlOutputBuffer *to)
{
    xmlC14NExecute(tree, within, signed_info, XML_C14N_EXCLUSIVE_1_0, NULL, 0, to);
    xmlOutputBufferFlush(to);
    return bytes_of(xmlOutputBufferGetContent(to), xmlOutputBufferGetSize(to));
}

/* By itself, or the compiler would make it one with part_sha256. */
APART void part_signed_info_sha256(struct bytes canonical)
{
    uint8_t hash[32];
    EVP_Digest(canonical.data, canonical.length, hash, NULL, openssl_sha256(), NULL);
}

APART void part_signed_info_ours(const xmlNode *signed_info, struct buffer *ret_bytes)
{
    canonical_element(signed_info, &(struct canonical_method){.exclusive = true}, canonical_append,
                      ret_bytes);
}

APART void part_c14n_ours(xmlDoc *tree, struct buffer *ret_bytes)
{
    canonical_document(tree, &(struct canonical_method){.exclusive = true}, canonical_append,
                       ret_bytes);
}

APART void part_public_key(const struct parts *p)
{
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(p->key, NULL);
    if (!context || EVP_PKEY_verify_init(context) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) <= 0 ||
        EVP_PKEY_verify(context, p->value, p->value_length, p->hash, sizeof p->hash) != 1)
        die("the signature's value does not verify");
}

static void parts_open(struct parts *p, struct bytes document, struct bytes signer)
{
    const char *ds = "http://www.w3.org/2000/09/xmldsig#";
    const uint8_t *at = signer.data;
    struct buffer canonical = {0}, value = {0};
    _cleanup_(cleanup_x509) X509 *x509 = x509_without_key(&at, (long)signer.length);
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = xmlReadMemory(
        (const char *)document.data, (int)document.length, NULL, NULL, XML_PARSE_NONET);
    xmlNode *signature = xml_child(xmlDocGetRootElement(tree), ds, "Signature");
    const char *text = xml_text(xml_child(signature, ds, "SignatureValue"));
    if (!x509 || !text || !base64_decode(bytes_of_text(text), &value) ||
        !canonical_element(xml_child(signature, ds, "SignedInfo"),
                           &(struct canonical_method){.exclusive = true}, canonical_append,
                           &canonical))
        die("no signed document");
    *p = (struct parts){document, public_key_of(x509), value.data, value.length};
    sha256(buffer_bytes(&canonical), p->hash);
    buffer_free(&canonical);
}

static void signed_info_run(xmlDoc *tree)
{
    xmlOutputBuffer *to = xmlAllocOutputBuffer(NULL);
    _cleanup_(cleanup_buffer) struct buffer bytes = {0};
    xmlNode *signed_info = xml_first(xmlLastElementChild(xmlDocGetRootElement(tree)));
    struct bytes theirs = part_signed_info_libxml2(tree, signed_info, to);
    part_signed_info_ours(signed_info, &bytes);
    if (!bytes_equal(theirs, buffer_bytes(&bytes)))
        die("the two canonical forms of SignedInfo differ");
    part_signed_info_sha256(theirs);
    xmlOutputBufferClose(to);
}

static void parts_run(const struct parts *p)
{
    xmlChar *text = NULL;
    _cleanup_(cleanup_buffer) struct buffer bytes = {0};
    xmlDoc *tree = part_parse(p->document);
    signed_info_run(tree);
    cut_signature(tree);
    int length = part_c14n_libxml2(tree, &text);
    part_c14n_ours(tree, &bytes);
    if (length < 0 || !bytes_equal(buffer_bytes(&bytes), bytes_of(text, (size_t)length)))
        die("the two canonical forms differ");
    part_sha256(buffer_bytes(&bytes));
    part_public_key(p);
    part_free(tree);
    xmlFree(text);
}

/* The measured ones have their own callers, so that the first of each, which sets things up for the
 * process, does not count. */
APART void measured_ours(struct bytes document, struct bytes signer)
{
    if (!verify_ours(document, signer))
        die("a good signature is refused");
}

APART void measured_parts(const struct parts *p)
{
    parts_run(p);
}

static void profile(struct bytes signer, const char *path, int count)
{
    struct parts parts;
    _cleanup_(cleanup_buffer) struct buffer document = read_file(path);
    parts_open(&parts, buffer_bytes(&document), signer);
    verify_ours(buffer_bytes(&document), signer);
    for (int i = 0; i < count; i++)
        measured_ours(buffer_bytes(&document), signer);
    for (int i = 0; i < count; i++)
        measured_parts(&parts);
    EVP_PKEY_free(parts.key);
    free(parts.value);
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 5) {
        fputs("signature_bench: see tests/bench/run signature\n", stderr);
        return 64;
    }
    xml_initialize();
    _cleanup_(cleanup_buffer) struct buffer signer = read_file(argv[2]);
    if (argc == 5)
        profile(buffer_bytes(&signer), argv[3], atoi(argv[4]));
    else
        answer(verifier_named(argv[1]), buffer_bytes(&signer));
    return 0;
}
