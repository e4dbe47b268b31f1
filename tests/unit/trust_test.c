/* signature/trust: what may be an anchor, that the issuer of a generation is found by its key, and
 * what the real roots of the JPKI are good for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "signature/certificate.h"
#include "signature/trust.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)
DEFINE_CLEANUP(cleanup_trust, struct trust *, trust_free)
DEFINE_CLEANUP(cleanup_certificate, struct certificate *, certificate_free)

struct loading { /* one attempt to load a file of certificates */
    char path[64];
    char pins[4][65];
    const char *pinned[4];
    size_t count;
    struct failure failure;
};

static void start(struct loading *l)
{
    *l = (struct loading){.path = "/tmp/uketsuke-anchors-XXXXXX"};
    int fd = mkstemp(l->path);
    assert_true(fd >= 0);
    close(fd);
}

static void add(struct loading *l, X509 *x509, bool pin)
{
    pki_append_pem(x509, l->path);
    if (!pin)
        return;
    pki_fingerprint(x509, l->pins[l->count]);
    l->pinned[l->count] = l->pins[l->count];
    l->count++;
}

/* NULL with l->failure. Removes the file. */
static struct trust *load(struct loading *l, enum trust_mode mode)
{
    const char *anchor = l->path, *policy = PKI_POLICY;
    struct trust_options options = {mode, &anchor, 1, l->pinned, l->count, false, &policy, 1};
    struct trust *trust = NULL;
    assert_true(trust_load(&options, &trust, &l->failure) == (trust != NULL));
    unlink(l->path);
    return trust;
}

static void loads_generations_of_one_file(void **state)
{
    (void)state;
    struct pki_ca one = pki_ca_make((struct pki_ca_options){.number = 0});
    struct pki_ca two = pki_ca_make((struct pki_ca_options){.number = 1});
    struct loading l;
    start(&l);
    add(&l, one.certificate, true);
    add(&l, two.certificate, true);
    add(&l, one.certificate, false); /* the same again does no harm */
    _cleanup_(cleanup_trust) struct trust *trust = load(&l, TRUST_SANDBOX);
    assert_non_null(trust);
    assert_int_equal(trust_count(trust), 2);
    assert_int_equal(trust_mode(trust), TRUST_SANDBOX);
    assert_true(trust_policy_accepted(trust, PKI_POLICY));
    assert_false(trust_policy_accepted(trust, PKI_POLICY "0"));
    pki_ca_free(&one);
    pki_ca_free(&two);
}

static void refuse(struct pki_ca_options options, enum trust_mode mode, bool pin, const char *word)
{
    struct pki_ca ca = pki_ca_make(options);
    struct loading l;
    start(&l);
    add(&l, ca.certificate, pin);
    _cleanup_(cleanup_trust) struct trust *trust = load(&l, mode);
    assert_null(trust);
    if (!strstr(l.failure.text, word))
        fail_msg("'%s' not in: %s", word, l.failure.text);
    pki_ca_free(&ca);
}

static void refuses_what_is_no_anchor(void **state)
{
    (void)state;
    refuse((struct pki_ca_options){0}, TRUST_SANDBOX, false, "not pinned");
    refuse((struct pki_ca_options){.no_ca = true}, TRUST_SANDBOX, true, "self-signed CA");
    refuse((struct pki_ca_options){.no_usage = true}, TRUST_SANDBOX, true, "self-signed CA");
    refuse((struct pki_ca_options){.kind = PKI_RSA_1024}, TRUST_SANDBOX, true, "self-signed CA");
    refuse((struct pki_ca_options){.kind = PKI_RSA_E3}, TRUST_SANDBOX, true, "self-signed CA");
    refuse((struct pki_ca_options){.kind = PKI_EC_P521}, TRUST_SANDBOX, true, "self-signed CA");
    refuse((struct pki_ca_options){.organization = "JPKI"}, TRUST_SANDBOX, true, "O=JPKI");
    refuse((struct pki_ca_options){0}, TRUST_PRODUCTION, true, "production");
    /* The name alone does not make a real root. */
    refuse((struct pki_ca_options){.organization = "JPKI"}, TRUST_PRODUCTION, true, "production");
}

static void refuses_a_certificate_of_a_resident(void **state)
{
    (void)state;
    struct pki_ca ca = pki_ca_make((struct pki_ca_options){0});
    _cleanup_(cleanup_x509) X509 *end =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    struct loading l;
    start(&l);
    add(&l, end, true);
    assert_null(load(&l, TRUST_SANDBOX));
    pki_ca_free(&ca);
}

/* As on a command line: in DER as well as in PEM, trusted because it is named. */
static void takes_what_is_named(void **state)
{
    (void)state;
    char path[] = "/tmp/uketsuke-anchors-XXXXXX";
    const char *anchor = path, *policy = PKI_POLICY;
    const struct trust_options options = {TRUST_SANDBOX, &anchor, 1, NULL, 0, true, &policy, 1};
    struct pki_ca ca = pki_ca_make((struct pki_ca_options){0});
    struct failure f = {0};
    _cleanup_(cleanup_trust) struct trust *trust = NULL;
    _cleanup_(cleanup_trust) struct trust *trailing = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    _cleanup_(cleanup_file) FILE *file = fdopen(fd, "w");
    assert_true(i2d_X509_fp(file, ca.certificate));
    assert_int_equal(fflush(file), 0);
    assert_true(trust_load(&options, &trust, &f));
    assert_int_equal(trust_count(trust), 1);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fflush(file), 0);
    assert_false(trust_load(&options, &trailing, &f));
    assert_int_equal(f.kind, FAILURE_INPUT);
    unlink(path);
    pki_ca_free(&ca);
}

static void refuses_files_without_certificates(void **state)
{
    (void)state;
    struct loading l;
    start(&l);
    assert_null(load(&l, TRUST_SANDBOX));
    assert_non_null(strstr(l.failure.text, "no certificate"));
    start(&l);
    unlink(l.path);
    assert_null(load(&l, TRUST_SANDBOX));
    assert_int_equal(l.failure.kind, FAILURE_SYSTEM);
    start(&l);
    FILE *file = fopen(l.path, "w");
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    assert_null(load(&l, TRUST_SANDBOX));
}

static void refuses_nothing_to_trust(void **state)
{
    (void)state;
    struct trust *trust = NULL;
    struct failure f = {0};
    const char *policy = PKI_POLICY;
    struct trust_options none = {.mode = TRUST_SANDBOX, .policies = &policy, .policy_count = 1};
    assert_false(trust_load(&none, &trust, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    none.policy_count = 0;
    assert_false(trust_load(&none, &trust, &f));
    assert_non_null(strstr(f.text, "policy"));
    assert_null(trust);
}

/* One name, three keys; the third is no anchor. */
static void finds_the_issuer_by_its_key(void **state)
{
    (void)state;
    struct pki_ca generations[3];
    for (int i = 0; i < 3; i++)
        generations[i] = pki_ca_make((struct pki_ca_options){.number = i});
    X509 *anchors[] = {generations[0].certificate, generations[1].certificate};
    _cleanup_(cleanup_trust) struct trust *trust = trust_of(anchors, 2);
    for (int i = 0; i < 6; i++) {
        struct pki_end end = {.no_key_id = i >= 3};
        _cleanup_(cleanup_x509) X509 *x509 =
            pki_issue(&generations[i % 3], pki_key(PKI_EC_P256, 0), &end);
        bool name_known = false;
        X509 *issuer = trust_issuer(trust, x509, &name_known);
        assert_true(name_known);
        if (i % 3 == 2)
            assert_null(issuer);
        else
            assert_int_equal(X509_cmp(issuer, anchors[i % 3]), 0);
    }
    struct pki_ca stranger = pki_ca_make((struct pki_ca_options){.unit = "Another CA"});
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&stranger, pki_key(PKI_EC_P256, 0), &(struct pki_end){0});
    bool name_known = true;
    assert_null(trust_issuer(trust, x509, &name_known));
    assert_false(name_known);
    pki_ca_free(&stranger);
    for (int i = 0; i < 3; i++)
        pki_ca_free(&generations[i]);
}

/* The real roots lie beside the source tree, not in it. */
static const char *roots_folder(void)
{
    static char path[1024];
    const char *shared = getenv("UKETSUKE_SHARED");
    snprintf(path, sizeof path, "%s/data/jpki-roots", shared ? shared : SOURCE_ROOT "/../shared");
    if (access(path, R_OK) == 0)
        return path;
    print_message("skipped: the real roots are not at %s (set UKETSUKE_SHARED)\n", path);
    return NULL;
}

#define PIN_2015 "19645405a1fe14377434bd55957628ac4038557c542403a2243f21c706fc9355"
#define PIN_2023 "d227f6cde11d35c5252178f106f843d24651944975413b539fa2fb68dbfa365f"
#define PIN_AUTH "64114f29620c24ed2631d46476a040e7ee740d956089c00b036a6a8118c322b5"

static struct trust *load_roots(const char *folder, const char *first, const char *second,
                                enum trust_mode mode, struct failure *f)
{
    char paths[2][1200];
    snprintf(paths[0], sizeof paths[0], "%s/%s", folder, first);
    snprintf(paths[1], sizeof paths[1], "%s/%s", folder, second ? second : "");
    const char *anchors[] = {paths[0], paths[1]};
    const char *pins[] = {PIN_2015, PIN_2023, PIN_AUTH};
    const char *policy = "1.2.392.200149.8.5.1.1.20";
    struct trust_options options = {mode, anchors, second ? 2 : 1, pins, 3, false, &policy, 1};
    struct trust *trust = NULL;
    return trust_load(&options, &trust, f) ? trust : NULL;
}

static void real_roots_load_in_production_only(void **state)
{
    (void)state;
    const char *folder = roots_folder();
    struct failure f = {0};
    if (!folder)
        skip();
    _cleanup_(cleanup_trust) struct trust *trust =
        load_roots(folder, "sign_ca_2015.pem", "sign_ca_2023.pem", TRUST_PRODUCTION, &f);
    if (!trust)
        fail_msg("%s", f.text);
    assert_int_equal(trust_count(trust), 2);
    assert_null(load_roots(folder, "sign_ca_2023.pem", NULL, TRUST_SANDBOX, &f));
    assert_non_null(strstr(f.text, "O=JPKI"));
    /* The login CA's root is real, pinned here, and still none of ours. */
    assert_null(load_roots(folder, "auth_ca_2023.pem", NULL, TRUST_PRODUCTION, &f));
    assert_non_null(strstr(f.text, "signing CA"));
}

static const char *judged_by(const struct trust *trust, const struct pki_ca *ca)
{
    static char reason[64];
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_x509) X509 *x509 = pki_issue(
        ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){.policy = "1.2.392.200149.8.5.1.1.20"});
    instant at;
    assert_true(instant_parse("2026-11-21T09:00:00+09:00", &at));
    _cleanup_(cleanup_certificate) struct certificate *certificate =
        certificate_judge(x509, X509_get0_pubkey(x509), trust, at, checks);
    assert_null(certificate->issuer);
    assert_int_equal(checks_indication(checks), TOTAL_FAILED);
    snprintf(reason, sizeof reason, "%s", checks_reason(checks));
    return reason;
}

static void real_roots_issue_nothing_of_ours(void **state)
{
    (void)state;
    const char *folder = roots_folder();
    struct failure f = {0};
    if (!folder)
        skip();
    _cleanup_(cleanup_trust) struct trust *trust =
        load_roots(folder, "sign_ca_2015.pem", "sign_ca_2023.pem", TRUST_PRODUCTION, &f);
    assert_non_null(trust);
    struct pki_ca sandbox = pki_ca_make((struct pki_ca_options){0});
    assert_string_equal(judged_by(trust, &sandbox), "certificate-test-hierarchy");
    struct pki_ca test = pki_ca_make((struct pki_ca_options){.organization = "JPKI-TEST"});
    assert_string_equal(judged_by(trust, &test), "certificate-test-hierarchy");
    struct pki_ca other = pki_ca_make((struct pki_ca_options){.organization = "JPKI"});
    assert_string_equal(judged_by(trust, &other), "certificate-issuer-unknown");
    pki_ca_free(&sandbox);
    pki_ca_free(&test);
    pki_ca_free(&other);
    /* The real name, to the letter, with a key of ours. */
    char path[1200];
    snprintf(path, sizeof path, "%s/sign_ca_2023.pem", folder);
    FILE *file = fopen(path, "r");
    struct pki_ca forged = {PEM_read_X509(file, NULL, NULL, NULL), pki_key(PKI_RSA_2048, 0)};
    fclose(file);
    assert_string_equal(judged_by(trust, &forged), "certificate-untrusted");
    pki_ca_free(&forged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_generations_of_one_file),
        cmocka_unit_test(refuses_what_is_no_anchor),
        cmocka_unit_test(refuses_a_certificate_of_a_resident),
        cmocka_unit_test(takes_what_is_named),
        cmocka_unit_test(refuses_files_without_certificates),
        cmocka_unit_test(refuses_nothing_to_trust),
        cmocka_unit_test(finds_the_issuer_by_its_key),
        cmocka_unit_test(real_roots_load_in_production_only),
        cmocka_unit_test(real_roots_issue_nothing_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
