/* What we accept, xmlsec1 accepts too, and covers the same bytes: over signatures made in every
 * allowed way, and over some thousand mutations of them. A mutation that is still accepted (white
 * space in Base64, what a canonical form passes over) must cover what was covered before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libxml/c14n.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/signature.h"
#include "tests/support/oracle.h"
#include "tests/support/pki.h"
#include "tests/support/signed.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static void cleanup_members(struct signed_members *members)
{
    signed_members_free(members);
}

static void cleanup_result(struct signature_result *result)
{
    signature_result_free(result);
}

static void cleanup_oracle(struct oracle *oracle)
{
    oracle_free(oracle);
}

static struct pki_ca ca;
static size_t tried, accepted;

static int make_ca(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    return 0;
}

static int free_ca(void **state)
{
    (void)state;
    pki_ca_free(&ca);
    print_message("%zu inputs, %zu accepted by both\n", tried, accepted);
    return 0;
}

/* What of the first member is covered, as bytes. */
static void covered_bytes(const struct signed_input *view, const struct signature_result *result,
                          bool inclusive, struct buffer *ret_bytes)
{
    const struct covered *covered = &result->covered[0];
    if (covered->coverage == COVERAGE_BYTES) {
        struct bytes bytes = view->signables[0].bytes;
        return buffer_append(ret_bytes, bytes.data, bytes.length);
    }
    xmlChar *canonical = NULL;
    int length = xmlC14NDocDumpMemory(covered->document, NULL,
                                      inclusive ? XML_C14N_1_0 : XML_C14N_EXCLUSIVE_1_0, NULL, 0,
                                      &canonical);
    assert_true(length > 0);
    buffer_append(ret_bytes, canonical, (size_t)length);
    xmlFree(canonical);
}

static const struct buffer *digested_by_oracle(const struct oracle *oracle, const char *uri)
{
    for (size_t i = 0; i < oracle->reference_count; i++)
        if (strcmp(oracle->references[i].uri, uri) == 0)
            return &oracle->references[i].digested;
    return NULL;
}

static void same_coverage(const struct signed_input *view, const struct signature_result *result,
                          const struct oracle *oracle, bool inclusive)
{
    _cleanup_(cleanup_buffer) struct buffer ours = {0};
    const struct buffer *theirs = digested_by_oracle(oracle, "application.xml");
    if (!theirs)
        theirs = digested_by_oracle(oracle, "");
    assert_non_null(theirs);
    covered_bytes(view, result, inclusive, &ours);
    assert_true(bytes_equal(buffer_bytes(&ours), buffer_bytes(theirs)));
    theirs = digested_by_oracle(oracle, "attachments/1.pdf");
    assert_true(theirs ? bytes_equal(buffer_bytes(theirs), view->signables[1].bytes)
                       : result->covered[1].coverage == COVERAGE_NONE);
}

/* Both judge; true when we accept. `ret_covered` may be NULL. */
static bool judge(const struct signed_members *members, bool inclusive, struct buffer *ret_covered)
{
    struct signed_input view;
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_result) struct signature_result result = {0};
    _cleanup_(cleanup_oracle) struct oracle oracle = {0};
    signed_input_of(members, &view);
    tried++;
    if (!xmldsig_verify(&view.input, &result, checks))
        return false;
    /* The certificate is not signed by the signature: another check refuses an altered one. */
    if (X509_verify(result.x509, ca.key) != 1)
        return false;
    accepted++;
    if (!oracle_accepts(&view.input, &oracle))
        fail_msg("accepted by us, refused by xmlsec1: %.*s\n%.*s", (int)members->files[0].length,
                 members->files[0].data, (int)members->members[0].length, members->members[0].data);
    same_coverage(&view, &result, &oracle, inclusive);
    if (ret_covered)
        covered_bytes(&view, &result, inclusive, ret_covered);
    return true;
}

static const struct {
    enum pki_key kind;
    const char *method;
} signers[] = {
    {PKI_RSA_2048, DSIG_MORE "rsa-sha256"},  {PKI_RSA_2048, DSIG_MORE "rsa-sha384"},
    {PKI_RSA_3072, DSIG_MORE "rsa-sha512"},  {PKI_EC_P256, DSIG_MORE "ecdsa-sha256"},
    {PKI_EC_P256, DSIG_MORE "ecdsa-sha384"}, {PKI_EC_P384, DSIG_MORE "ecdsa-sha256"},
    {PKI_EC_P384, DSIG_MORE "ecdsa-sha384"},
};
static const char *const digests[] = {DSIG_SHA256, DSIG_MORE "sha384", DSIG_ENC "sha512"};
static const char *const prefixes[] = {NULL, "", "s"};

static void every_allowed_way(void **state)
{
    (void)state;
    size_t number = 0;
    for (size_t s = 0; s < sizeof signers / sizeof *signers; s++) {
        EVP_PKEY *key = pki_key(signers[s].kind, 1);
        _cleanup_(cleanup_x509) X509 *x509 = pki_issue(&ca, key, &(struct pki_end){0});
        for (int container = DETACHED_BYTES; container <= ENVELOPED; container++)
            for (int inclusive = 0; inclusive < 2; inclusive++)
                for (size_t d = 0; d < 3; d++, number++) {
                    struct signing how = {
                        (enum container)container, key,      x509, signers[s].method, digests[d],
                        prefixes[number % 3],      inclusive};
                    _cleanup_(cleanup_members) struct signed_members members;
                    sign_members(&how, &members);
                    if (!judge(&members, inclusive, NULL))
                        fail_msg("refused: %s, container %d, inclusive %d, digest %s",
                                 signers[s].method, container, inclusive, digests[d]);
                }
    }
}

static struct signing way(int container, bool inclusive, X509 *x509)
{
    return (struct signing){(enum container)container, pki_key(PKI_RSA_2048, 1), x509,
                            .inclusive = inclusive};
}

/* One bit at each place in turn, through all that the package holds. */
static void flip_bits(const struct signing *how, struct buffer *victim,
                      struct signed_members *members, struct bytes covered)
{
    for (size_t at = 0; at < victim->length; at += 3) {
        _cleanup_(cleanup_buffer) struct buffer now = {0};
        uint8_t bit = (uint8_t)(1u << (at / 3 % 8));
        victim->data[at] ^= bit;
        if (judge(members, how->inclusive, &now))
            assert_true(bytes_equal(buffer_bytes(&now), covered));
        victim->data[at] ^= bit;
    }
}

static void flipped_bits(void **state)
{
    (void)state;
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    for (int container = DETACHED_BYTES; container <= ENVELOPED; container++)
        for (int inclusive = 0; inclusive < 2; inclusive++) {
            struct signing how = way(container, inclusive, x509);
            _cleanup_(cleanup_members) struct signed_members members;
            _cleanup_(cleanup_buffer) struct buffer covered = {0};
            sign_members(&how, &members);
            assert_true(judge(&members, inclusive, &covered));
            flip_bits(&how, &members.members[0], &members, buffer_bytes(&covered));
            flip_bits(&how, &members.members[1], &members, buffer_bytes(&covered));
            flip_bits(&how, &members.files[0], &members, buffer_bytes(&covered));
        }
}

/* Cheats by text: the algorithm, the references, the structure. */
static const struct {
    const char *from, *to;
} swaps[] = {
    {"rsa-sha256", "rsa-sha1"},
    {"rsa-sha256", "rsa-sha512"},
    {"rsa-sha256", "hmac-sha256"},
    {"rsa-sha256", "ecdsa-sha256"},
    {"xmlenc#sha256", "xmlenc#sha512"},
    {"2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"},
    {"xml-exc-c14n#", "xml-exc-c14n#WithComments"},
    {"http://www.w3.org/2001/10/xml-exc-c14n#", DSIG_INCLUSIVE},
    {DSIG_INCLUSIVE, "http://www.w3.org/2001/10/xml-exc-c14n#"},
    {"enveloped-signature", "base64"},
    {"URI=\"application.xml\"", "URI=\"\""},
    {"URI=\"\"", "URI=\"application.xml\""},
    {"URI=\"application.xml\"", "URI=\"attachments/1.pdf\""},
    {"URI=\"attachments/1.pdf\"", "URI=\"application.xml\""},
    {"URI=\"", "Type=\"x\" URI=\""},
    {"URI=\"", "URI=\"#"},
    {"<ds:SignedInfo>", "<ds:SignedInfo Id=\"x\">"},
    {"<ds:SignedInfo>", "<ds:Object/><ds:SignedInfo>"},
    {"<ds:SignedInfo>", "<!-- c --><ds:SignedInfo>"},
    {"<ds:SignatureValue>", "<ds:SignatureValue>\n  "},
    {"<ds:SignatureValue>", "<ds:SignatureValue Id=\"v\">"},
    {"<ds:SignatureValue>", "<ds:SignatureValue><!-- c -->"},
    {"<ds:SignatureValue>", "<ds:SignatureValue>AAAA"},
    {"</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue>AA==</ds:SignatureValue>"},
    {"<ds:DigestValue>", "<ds:DigestValue><!-- c -->"},
    {"<ds:DigestValue>", "<ds:DigestValue> "},
    {"</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><ds:Manifest/></ds:Object>"},
    {"<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>"},
    {"<ds:X509Certificate>", "<ds:X509Certificate>\r\n"},
    {"</ds:Signature>", "</ds:Signature> "},
    {"</ds:Signature>", "<ds:Object Id=\"x\"/></ds:Signature>"},
    {"<ds:Signature ", "<ds:Signature Id=\"s\" "},
    {"<ds:Signature ", "<ds:Signature xmlns:evil=\"urn:e\" "},
    {"<ds:Signature ", "<ds:Signature xml:lang=\"en\" "},
    {"<ds:Signature ", "<ds:Signature xml:space=\"preserve\" "},
    {"</application>", "<name>evil</name></application>"},
    {"<application ", "<application evil=\"1\" "},
    {"<application ", "<application xmlns:evil=\"urn:e\" "},
    {"<application ", "<application  "},
    {"<!-- within -->", "<!-- changed -->"},
    {"<!-- within -->", ""},
    {"<![CDATA[1 < 2 & ]]>", "1 &lt; 2 &amp; "},
    {"version='1'", "version=\"1\""},
    {"version='1'", "version='2'"},
    {"urn:x", "urn:y"},
    {"xml:lang=\"ja\"", "xml:lang=\"en\""},
    {"&#x34;", "4"},
    {"&#x34;", "5"},
    {"<name>", "<name xmlns:n='urn:n'>"},
    {"花子", "太郎"},
};

static bool replaced(const struct buffer *b, const char *from, const char *to, struct buffer *ret)
{
    const uint8_t *at = b->length ? memmem(b->data, b->length, from, strlen(from)) : NULL;
    if (!at)
        return false;
    size_t before = (size_t)(at - b->data);
    buffer_append(ret, b->data, before);
    buffer_append_text(ret, to);
    buffer_append(ret, at + strlen(from), b->length - before - strlen(from));
    return true;
}

static void try_swap(const struct signing *how, struct signed_members *members,
                     struct buffer *victim, size_t swap, struct bytes covered)
{
    _cleanup_(cleanup_buffer) struct buffer now = {0};
    struct buffer changed = {0}, kept = *victim;
    if (!replaced(victim, swaps[swap].from, swaps[swap].to, &changed))
        return;
    *victim = changed;
    if (judge(members, how->inclusive, &now) && !bytes_equal(buffer_bytes(&now), covered))
        fail_msg("accepted with another content: %s -> %s", swaps[swap].from, swaps[swap].to);
    buffer_free(victim);
    *victim = kept;
}

static void swapped_texts(void **state)
{
    (void)state;
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    for (int container = DETACHED_BYTES; container <= ENVELOPED; container++)
        for (int inclusive = 0; inclusive < 2; inclusive++) {
            struct signing how = way(container, inclusive, x509);
            _cleanup_(cleanup_members) struct signed_members members;
            _cleanup_(cleanup_buffer) struct buffer covered = {0};
            sign_members(&how, &members);
            assert_true(judge(&members, inclusive, &covered));
            for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
                try_swap(&how, &members, &members.members[0], i, buffer_bytes(&covered));
                try_swap(&how, &members, &members.files[0], i, buffer_bytes(&covered));
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allowed_way),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(swapped_texts),
    };
    return cmocka_run_group_tests(tests, make_ca, free_ca);
}
