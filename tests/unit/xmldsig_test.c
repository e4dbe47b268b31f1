/* signature/xmldsig: each way to sign is accepted with what it covers, each way to cheat is refused
 * by name. tests/unit/xmldsig_oracle_test.c has another implementation judge the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/signature.h"
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

static struct pki_ca ca;
static X509 *rsa, *ec;

static int make_signers(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    rsa = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    ec = pki_issue(&ca, pki_key(PKI_EC_P384, 1), &(struct pki_end){.serial = "02"});
    return 0;
}

static int free_signers(void **state)
{
    (void)state;
    X509_free(rsa);
    X509_free(ec);
    pki_ca_free(&ca);
    return 0;
}

static const char *reason_of(const struct signature_input *input, struct signature_result *result)
{
    static char reason[64];
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    bool held = xmldsig_verify(input, result, checks);
    assert_true(held == (checks_indication(checks) == TOTAL_PASSED));
    snprintf(reason, sizeof reason, "%s", held ? "" : checks_reason(checks));
    return reason;
}

static const char *reason_of_members(const struct signed_members *members)
{
    struct signed_input view;
    _cleanup_(cleanup_result) struct signature_result result = {0};
    signed_input_of(members, &view);
    return reason_of(&view.input, &result);
}

static struct signing good(enum container container)
{
    return (struct signing){container, pki_key(PKI_RSA_2048, 1), rsa};
}

/* Text for text, in place: as a cheat would. */
static void replace(struct buffer *b, const char *from, const char *to)
{
    uint8_t *at = memmem(b->data, b->length, from, strlen(from));
    if (!at)
        fail_msg("%s is not there to replace", from);
    struct buffer whole = {0};
    size_t before = (size_t)(at - b->data);
    buffer_append(&whole, b->data, before);
    buffer_append_text(&whole, to);
    buffer_append(&whole, at + strlen(from), b->length - before - strlen(from));
    buffer_free(b);
    *b = whole;
}

static void covers_bytes(void **state)
{
    (void)state;
    struct signing how = good(DETACHED_BYTES);
    _cleanup_(cleanup_members) struct signed_members members;
    _cleanup_(cleanup_result) struct signature_result result = {0};
    struct signed_input view;
    sign_members(&how, &members);
    signed_input_of(&members, &view);
    assert_string_equal(reason_of(&view.input, &result), "");
    assert_int_equal(result.covered_count, 2);
    assert_int_equal(result.covered[0].coverage, COVERAGE_BYTES);
    assert_int_equal(result.covered[1].coverage, COVERAGE_BYTES);
    assert_string_equal(result.covered[1].name, "attachments/1.pdf");
    assert_null(result.covered[1].document);
    assert_string_equal(result.algorithm, "rsa-sha256");
    assert_int_equal(result.signature_count, 1);
    assert_int_equal(X509_cmp(result.x509, rsa), 0);
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(rsa, &der);
    assert_true(bytes_equal(buffer_bytes(&der), buffer_bytes(&result.certificate)));
}

/* What exclusive C14N passes over is not in the tree that comes out. */
static void covers_a_tree_and_no_more(void **state)
{
    (void)state;
    struct signing how = good(DETACHED_TREE);
    _cleanup_(cleanup_members) struct signed_members members;
    _cleanup_(cleanup_result) struct signature_result result = {0};
    struct signed_input view;
    sign_members(&how, &members);
    replace(&members.members[0], "xmlns:unused=\"urn:u\"", "xmlns:other=\"urn:other\"");
    signed_input_of(&members, &view);
    assert_string_equal(reason_of(&view.input, &result), "");
    assert_int_equal(result.covered[0].coverage, COVERAGE_TREE);
    const xmlNode *root = xmlDocGetRootElement(result.covered[0].document);
    assert_true(xml_is(root, "urn:uketsuke:form:test:1", "application"));
    for (const xmlNs *ns = root->nsDef; ns; ns = ns->next)
        assert_string_not_equal(ns->href, "urn:other");
    how.inclusive = true;
    signed_members_free(&members);
    sign_members(&how, &members);
    replace(&members.members[0], "xmlns:unused=\"urn:u\"", "xmlns:other=\"urn:other\"");
    assert_string_equal(reason_of_members(&members), "signature-digest");
}

static void covers_the_document_around_it(void **state)
{
    (void)state;
    struct signing how = good(ENVELOPED);
    how.leave_attachment = true;
    _cleanup_(cleanup_members) struct signed_members members;
    _cleanup_(cleanup_result) struct signature_result result = {0};
    struct signed_input view;
    sign_members(&how, &members);
    signed_input_of(&members, &view);
    assert_string_equal(reason_of(&view.input, &result), "");
    assert_int_equal(result.covered[0].coverage, COVERAGE_TREE);
    assert_int_equal(result.covered[1].coverage, COVERAGE_NONE);
    const xmlNode *root = xmlDocGetRootElement(result.covered[0].document);
    assert_null(xml_child(root, DSIG_NS, "Signature"));
    assert_non_null(xml_child(root, "urn:uketsuke:form:test:1", "note"));
}

static void altered_content_is_refused(void **state)
{
    (void)state;
    for (int container = DETACHED_BYTES; container <= ENVELOPED; container++) {
        struct signing how = good((enum container)container);
        _cleanup_(cleanup_members) struct signed_members members;
        sign_members(&how, &members);
        assert_string_equal(reason_of_members(&members), "");
        replace(&members.members[0], "花子", "太郎");
        assert_string_equal(reason_of_members(&members), "signature-digest");
        replace(&members.members[0], "太郎", "花子");
        assert_string_equal(reason_of_members(&members), "");
        members.members[1].data[0] ^= 1;
        assert_string_equal(reason_of_members(&members), "signature-digest");
    }
}

static void nothing_signed(void **state)
{
    (void)state;
    _cleanup_(cleanup_members) struct signed_members members = {.member_count = 1};
    buffer_append_text(&members.members[0], "<application/>");
    assert_string_equal(reason_of_members(&members), "signature-missing");
    buffer_clear(&members.members[0]);
    buffer_append_text(&members.members[0], "<!DOCTYPE a><application/>");
    assert_string_equal(reason_of_members(&members), "xml-dtd");
    buffer_clear(&members.members[0]);
    buffer_append_text(&members.members[0], "<a><Signature xmlns=\"" DSIG_NS "\"/><later/></a>");
    assert_string_equal(reason_of_members(&members), "signature-missing");
}

static void another_key_is_refused(void **state)
{
    (void)state;
    struct signing how = good(DETACHED_BYTES);
    how.key = pki_key(PKI_RSA_2048, 2);
    _cleanup_(cleanup_members) struct signed_members members;
    sign_members(&how, &members);
    assert_string_equal(reason_of_members(&members), "signature-value");
    /* A key of another kind than the method. */
    signed_members_free(&members);
    how.certificate = ec;
    sign_members(&how, &members);
    assert_string_equal(reason_of_members(&members), "signature-algorithm");
}

static void weak_keys_are_refused(void **state)
{
    (void)state;
    static const enum pki_key kinds[] = {PKI_RSA_1024, PKI_RSA_E3, PKI_EC_P521};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        EVP_PKEY *key = pki_key(kinds[i], 1);
        _cleanup_(cleanup_x509) X509 *weak = pki_issue(&ca, key, &(struct pki_end){0});
        struct signing how = {DETACHED_BYTES, key, weak};
        _cleanup_(cleanup_members) struct signed_members members;
        sign_members(&how, &members);
        assert_string_equal(reason_of_members(&members), "signature-algorithm");
    }
}

static void two_signatures(void **state)
{
    (void)state;
    struct signing how = good(DETACHED_BYTES);
    _cleanup_(cleanup_members) struct signed_members members, second;
    sign_members(&how, &members);
    how.container = DETACHED_TREE;
    sign_members(&how, &second);
    buffer_append(&members.files[1], second.files[0].data, second.files[0].length);
    members.file_count = 2;
    assert_string_equal(reason_of_members(&members), "");
    signed_members_free(&second);
    struct signing other = {DETACHED_TREE, pki_key(PKI_EC_P384, 1), ec};
    sign_members(&other, &second);
    buffer_clear(&members.files[1]);
    buffer_append(&members.files[1], second.files[0].data, second.files[0].length);
    assert_string_equal(reason_of_members(&members), "signature-certificates");
}

/* An enveloped signature and a detached one over the same document: each sees its own. */
static void detached_and_enveloped(void **state)
{
    (void)state;
    struct signing how = good(ENVELOPED);
    _cleanup_(cleanup_members) struct signed_members members;
    _cleanup_(cleanup_result) struct signature_result result = {0};
    struct signed_input view;
    sign_members(&how, &members);
    struct dsig over = {.key = how.key, .certificate = rsa};
    over.references[0] = (struct dsig_reference){.uri = "application.xml",
                                                 .data = buffer_bytes(&members.members[0])};
    dsig_detached(&over, &members.files[0]);
    members.file_count = 1;
    signed_input_of(&members, &view);
    assert_string_equal(reason_of(&view.input, &result), "");
    assert_int_equal(result.signature_count, 2);
    assert_int_equal(result.covered[0].coverage, COVERAGE_TREE);
}

static void too_many_signatures(void **state)
{
    (void)state;
    struct signing how = good(DETACHED_BYTES);
    _cleanup_(cleanup_members) struct signed_members members;
    sign_members(&how, &members);
    struct signed_input view;
    struct signable files[9];
    signed_input_of(&members, &view);
    for (size_t i = 0; i < 9; i++)
        files[i] = view.files[0];
    view.input.signatures = files;
    for (size_t count = 8; count <= 9; count++) {
        _cleanup_(cleanup_result) struct signature_result result = {0};
        view.input.signature_count = count;
        assert_string_equal(reason_of(&view.input, &result),
                            count == 8 ? "" : "signature-malformed");
    }
}

/* One dsig over the attachment with something in it changed; refused by this name. */
static void refuse_dsig(const struct dsig *dsig, const char *reason)
{
    _cleanup_(cleanup_members) struct signed_members members = {.member_count = 2, .file_count = 1};
    buffer_append_text(&members.members[0], "<application/>");
    buffer_append_text(&members.members[1], "attachment");
    dsig_detached(dsig, &members.files[0]);
    if (strcmp(reason_of_members(&members), reason) != 0)
        fail_msg("%s, not %s: %.*s", reason_of_members(&members), reason,
                 (int)members.files[0].length, members.files[0].data);
}

static struct dsig one_reference(const char *uri)
{
    struct dsig dsig = {.key = pki_key(PKI_RSA_2048, 1), .certificate = rsa};
    dsig.references[0] = (struct dsig_reference){.uri = uri, .data = bytes_of_text("attachment")};
    return dsig;
}

static void algorithms_that_do_not_exist(void **state)
{
    (void)state;
    struct dsig dsig = one_reference("attachments/1.pdf");
    refuse_dsig(&dsig, "");
    static const char *const methods[] = {
        DSIG_NS "rsa-sha1",
        DSIG_NS "dsa-sha1",
        DSIG_NS "hmac-sha1",
        DSIG_MORE "hmac-sha256",
        DSIG_MORE "rsa-md5",
        DSIG_MORE "ecdsa-sha1",
        DSIG_MORE "ecdsa-sha512",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "",
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        dsig.method = methods[i][0] ? methods[i] : "rsa-sha256";
        refuse_dsig(&dsig, "signature-algorithm");
    }
    dsig = one_reference("attachments/1.pdf");
    dsig.references[0].digest = DSIG_NS "sha1";
    refuse_dsig(&dsig, "signature-algorithm");
    dsig = one_reference("attachments/1.pdf");
    static const char *const forms[] = {
        DSIG_EXCLUSIVE "WithComments", DSIG_INCLUSIVE "#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2000/09/xmldsig#base64"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        dsig.c14n = forms[i];
        refuse_dsig(&dsig, "signature-algorithm");
    }
}

static void transforms_that_do_not_exist(void **state)
{
    (void)state;
    static const char *const transforms[] = {
        "<ds:Transforms/>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_NS "base64") "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_EXCLUSIVE "WithComments") "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(
            "http://www.w3.org/TR/1999/REC-xslt-19991116") "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED) "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)
            DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_EXCLUSIVE)
            DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>",
        "<ds:Transforms>" DSIG_TRANSFORM(DSIG_EXCLUSIVE) DSIG_TRANSFORM(DSIG_EXCLUSIVE)
            DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>",
        "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
        "<ds:XPath>1</ds:XPath></ds:Transform></ds:Transforms>",
        "<ds:Transforms><ds:Transform Algorithm=\"" DSIG_INCLUSIVE "\"><ds:XPath>1</ds:XPath>"
        "</ds:Transform></ds:Transforms>",
        "<ds:Transforms><ds:Transform Algorithm=\"" DSIG_EXCLUSIVE "\"><ds:XPath>1</ds:XPath>"
        "</ds:Transform></ds:Transforms>",
        "<ds:Transforms x='1'>" DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>",
    };
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++) {
        struct dsig dsig = one_reference("attachments/1.pdf");
        dsig.references[0].transforms = transforms[i];
        refuse_dsig(&dsig, "signature-transform");
    }
}

static void references_to_what_is_not_there(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "attachments/2.pdf",   "#id",
        "#xpointer(/)",        "http://example.com/",
        "file:///etc/passwd",  "attachments/1.pdf#",
        "./attachments/1.pdf", "attachments/%31.pdf",
        "manifest.xml",        " ",
    };
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct dsig dsig = one_reference(uris[i]);
        refuse_dsig(&dsig, "signature-reference");
    }
    struct dsig dsig = one_reference("");
    refuse_dsig(&dsig, "signature-transform");
    dsig.references[0].transforms = "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)
        DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>";
    refuse_dsig(&dsig, "signature-reference"); /* nothing is around a detached signature */
    dsig = one_reference("attachments/1.pdf");
    dsig.references[1] = dsig.references[0];
    refuse_dsig(&dsig, "signature-reference"); /* twice */
    dsig = one_reference("attachments/1.pdf");
    dsig.references[0].attributes = " Type=\"" DSIG_NS "Manifest\"";
    refuse_dsig(&dsig, "signature-reference");
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    struct dsig dsig = one_reference("attachments/1.pdf");
    dsig.object = "<ds:Object>x</ds:Object>";
    refuse_dsig(&dsig, "signature-malformed");
    dsig.object = "text";
    refuse_dsig(&dsig, "signature-malformed");
    dsig = one_reference("attachments/1.pdf");
    dsig.certificate = NULL;
    refuse_dsig(&dsig, "signature-certificates");
    static const char *const key_infos[] = {
        "<ds:KeyInfo/>",
        "<ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:RetrievalMethod URI='x'/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509SubjectName>x</ds:X509SubjectName></ds:X509Data>"
        "</ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>QUJD</ds:X509Certificate>"
        "<ds:X509Certificate>QUJD</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
    };
    for (size_t i = 0; i < sizeof key_infos / sizeof *key_infos; i++) {
        dsig.key_info = key_infos[i];
        refuse_dsig(&dsig, "signature-certificates");
    }
    dsig.key_info = "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>QUJD</ds:X509Certificate>"
                    "</ds:X509Data></ds:KeyInfo>";
    refuse_dsig(&dsig, "certificate-malformed");
    dsig = one_reference("attachments/1.pdf");
    dsig.references[0].attributes = " Id='a'";
    dsig.references[1] = (struct dsig_reference){
        .uri = "application.xml", .attributes = " Id='a'", .data = bytes_of_text("<application/>")};
    refuse_dsig(&dsig, "signature-malformed");
    dsig.references[1].attributes = " Id='b'";
    refuse_dsig(&dsig, "");
}

static void prefix_list(void **state)
{
    (void)state;
    struct dsig dsig = one_reference("attachments/1.pdf");
    dsig.c14n_inside = "<ec:InclusiveNamespaces xmlns:ec=\"" DSIG_EXCLUSIVE "\" PrefixList=\"x\"/>";
    refuse_dsig(&dsig, "");
    dsig.c14n_inside = "<ec:InclusiveNamespaces xmlns:ec=\"" DSIG_EXCLUSIVE "\" PrefixList=\"1\"/>";
    refuse_dsig(&dsig, "signature-algorithm");
    dsig.c14n_inside = "<ec:InclusiveNamespaces xmlns:ec=\"" DSIG_EXCLUSIVE "\"/>";
    refuse_dsig(&dsig, "signature-algorithm");
    dsig.c14n_inside = "<InclusiveNamespaces PrefixList=\"x\"/>";
    refuse_dsig(&dsig, "signature-algorithm");
    dsig.c14n_inside = "<ec:InclusiveNamespaces xmlns:ec=\"" DSIG_EXCLUSIVE "\" PrefixList=\"a b c "
                       "d e f g h i j k l m n o p q\"/>";
    refuse_dsig(&dsig, "signature-algorithm");
}

/* The signed content goes where nobody reads it, and other content stands in its place. */
static void wrapping_is_refused(void **state)
{
    (void)state;
    struct signing how = good(ENVELOPED);
    _cleanup_(cleanup_members) struct signed_members members;
    sign_members(&how, &members);
    struct buffer *document = &members.members[0];
    replace(document, "<note>", "<note>0</note><note>");
    assert_string_equal(reason_of_members(&members), "signature-digest");
    replace(document, "<note>0</note>", "");
    assert_string_equal(reason_of_members(&members), "");
    /* The whole signed document below a new root, whose last child is its signature's copy. */
    const char *text = buffer_text(document);
    const char *signature = strstr(text, "<ds:Signature "), *root = strstr(text, "<application");
    _cleanup_(cleanup_buffer) struct buffer wrapped = {0};
    buffer_append_text(&wrapped, "<application xmlns=\"urn:uketsuke:form:test:1\">");
    buffer_append(&wrapped, root, (size_t)(signature - root));
    buffer_append_text(&wrapped, "</application>");
    const char *end = strstr(signature, "</ds:Signature>") + strlen("</ds:Signature>");
    buffer_append(&wrapped, signature, (size_t)(end - signature));
    buffer_append_text(&wrapped, "</application>");
    buffer_free(document);
    *document = wrapped;
    wrapped = (struct buffer){0};
    assert_string_equal(reason_of_members(&members), "signature-digest");
}

/* Namespaces that SignedInfo inherits are part of what inclusive C14N signs. */
static void inherited_namespaces_count(void **state)
{
    (void)state;
    struct signing how = good(ENVELOPED);
    how.inclusive = true;
    _cleanup_(cleanup_members) struct signed_members members;
    sign_members(&how, &members);
    assert_string_equal(reason_of_members(&members), "");
    how.inclusive = false;
    signed_members_free(&members);
    sign_members(&how, &members);
    assert_string_equal(reason_of_members(&members), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_bytes),
        cmocka_unit_test(covers_a_tree_and_no_more),
        cmocka_unit_test(covers_the_document_around_it),
        cmocka_unit_test(altered_content_is_refused),
        cmocka_unit_test(nothing_signed),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(weak_keys_are_refused),
        cmocka_unit_test(two_signatures),
        cmocka_unit_test(detached_and_enveloped),
        cmocka_unit_test(too_many_signatures),
        cmocka_unit_test(algorithms_that_do_not_exist),
        cmocka_unit_test(transforms_that_do_not_exist),
        cmocka_unit_test(references_to_what_is_not_there),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(prefix_list),
        cmocka_unit_test(wrapping_is_refused),
        cmocka_unit_test(inherited_namespaces_count),
    };
    return cmocka_run_group_tests(tests, make_signers, free_signers);
}
