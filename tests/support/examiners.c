#include "tests/support/examiners.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xml.h"
#include "tests/support/crl_der.h"
#include "tests/support/package.h"
#include "tests/support/pki.h"
#include "tests/support/signed.h"
#include "tests/unit/check.h"

#define GOOD_FORM EXAMINERS_PROCEDURES "/child-allowance/certification-claim/examples/good.xml"

static const struct config_section *const sections[] = {
    &package_config_section, &examine_config_section, &trust_config_section,
    &revocation_config_section, &forms_config_section};

static char folder[] = "/tmp/examiner-test-XXXXXX";
static char config_file[64];
static const char *const argv[] = {"/proc/self/exe", "worker", config_file, NULL};
static struct pki_ca ca;
static struct examiner here; /* the same, in this process */
static struct buffer good;   /* a package */
static size_t finished;

void examiners_count(struct examiner_job *job)
{
    assert_null(job->owner); /* done once */
    job->owner = job;
    finished++;
}

static void write_file(const char *name, struct bytes content)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.length, file), content.length);
}

void examiners_config(const char *procedures)
{
    char pin[65];
    pki_fingerprint(ca.certificate, pin);
    _cleanup_(cleanup_text) char *text =
        text_format("[examine]\nworkers = 1\nmemory-most = 64M\n"
                    "[trust]\nmode = sandbox\nanchors = anchors.pem\npins = %s\npolicies = %s\n"
                    "[revocation]\ndirectory = %s\nage-most = 30d\n[forms]\nprocedures = %s\n",
                    pin, PKI_POLICY, folder, procedures);
    write_file("test.conf", bytes_of_text(text));
}

static void package_make(X509 *certificate)
{
    _cleanup_(cleanup_buffer) struct buffer form = {0};
    struct signed_members members;
    test_file_read(GOOD_FORM, &form);
    const struct signing how = {.key = pki_key(PKI_RSA_2048, 1),
                                .certificate = certificate,
                                .document = buffer_text(&form)};
    sign_members(&how, &members);
    const struct test_part parts[] = {
        {"application.xml", buffer_bytes(&members.members[0]), false},
        {"attachments/1.pdf", buffer_bytes(&members.members[1]), false},
        {"signature/1.xml", buffer_bytes(&members.files[0]), false},
    };
    test_package_write(&(struct test_manifest){0}, parts, 3, &good);
    signed_members_free(&members);
}

static instant at(const char *text)
{
    instant result;
    assert_true(instant_parse(text, &result));
    return result;
}

void examiners_list(const char *name, const char *revoked)
{
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    _cleanup_(cleanup_text) char *index = text_format("%s/%s", folder, name);
    struct pki_crl crl = {.from = at("2026-11-22T00:00:00+09:00"),
                          .to = at("2026-11-30T00:00:00+09:00")};
    crl.revoked[0].serial = revoked;
    crl.revoked[0].date = at("2026-11-20T00:00:00+09:00");
    pki_crl_make(&ca, &crl, &list);
    unlink(index);
    crl_index_write(&ca, buffer_bytes(&list), index);
}

int examiners_set_up(void **state)
{
    (void)state;
    struct failure f = {0};
    struct config *config;
    xml_initialize();
    assert_non_null(mkdtemp(folder));
    snprintf(config_file, sizeof config_file, "%s/test.conf", folder);
    ca = pki_ca_make((struct pki_ca_options){0});
    _cleanup_(cleanup_text) char *anchors = text_format("%s/anchors.pem", folder);
    pki_append_pem(ca.certificate, anchors);
    examiners_list("1.idx", NULL);
    examiners_config(EXAMINERS_PROCEDURES);
    _cleanup_(cleanup_x509) X509 *certificate =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    package_make(certificate);
    if (!config_load(config_file, sections, sizeof sections / sizeof *sections, &config, &f) ||
        !examiner_load(config, &here, &f))
        fail_msg("%s", f.text);
    config_free(config);
    return 0;
}

int examiners_tear_down(void **state)
{
    static const char *const names[] = {"anchors.pem", "1.idx", "test.conf"};
    (void)state;
    examiner_free(&here);
    buffer_free(&good);
    pki_ca_free(&ca);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

struct examiner_limits examiners_limits(size_t workers)
{
    return (struct examiner_limits){workers, 1000, 64 << 20, EXAMINERS_CPU_MOST,
                                    EXAMINERS_WALL_MOST};
}

struct examiner_pool examiners_open(size_t workers)
{
    struct examiner_pool pool;
    struct failure f = {0};
    const struct examiner_limits limits = examiners_limits(workers);
    if (!examiner_pool_open(argv, &limits, folder, examiners_count, &pool, &f))
        fail_msg("%s", f.text);
    finished = 0;
    return pool;
}

struct examiner_job examiners_job(struct bytes package)
{
    return (struct examiner_job){.input = {.package = package,
                                           .receipt_number = TEST_RECEIPT,
                                           .city_code = TEST_CITY,
                                           .applied_at = at(TEST_APPLIED_AT),
                                           .now = at("2026-11-22T06:00:00+09:00")}};
}

void examiners_give(struct examiner_pool *pool, struct examiner_job *job)
{
    struct failure f = {0};
    if (!examiner_pool_give(pool, job, &f))
        fail_msg("%s", f.text);
}

void examiners_finish(struct examiner_pool *pool)
{
    struct failure f = {0};
    if (!examiner_pool_finish(pool, &f))
        fail_msg("%s", f.text);
}

static void assert_bytes(const struct buffer *a, const struct buffer *b)
{
    assert_true(bytes_equal(buffer_bytes(a), buffer_bytes(b)));
}

void examiners_assert_good(struct examiner_job *job)
{
    struct examination_input input = job->input;
    struct examination expected;
    assert_int_equal(job->outcome, EXAMINER_DONE);
    input.limits = &here.limits;
    input.trust = here.trust;
    input.crls = here.crls;
    input.revocation = here.revocation;
    input.procedures = here.procedures;
    examine(&input, &expected);
    assert_int_equal(expected.verdict, VERDICT_ACCEPTED);
    assert_int_equal(job->examination.verdict, VERDICT_ACCEPTED);
    assert_string_equal(job->examination.serial, expected.serial);
    assert_string_equal(job->examination.procedure_id, expected.procedure_id);
    assert_int_equal(job->examination.applied_at, expected.applied_at);
    assert_bytes(&job->examination.report, &expected.report);
    assert_bytes(&job->examination.facts, &expected.facts);
    assert_bytes(&job->examination.record, &expected.record);
    assert_bytes(&job->examination.evidence, &expected.evidence);
    examination_free(&expected);
    examination_free(&job->examination);
}

void examiners_assert_reason(struct examiner_job *job, const char *reason)
{
    assert_int_equal(job->outcome, EXAMINER_DONE);
    assert_string_equal(job->examination.reason, reason);
    examination_free(&job->examination);
}

const char *examiners_folder(void)
{
    return folder;
}

const char *const *examiners_argv(void)
{
    return argv;
}

struct bytes examiners_good(void)
{
    return buffer_bytes(&good);
}

size_t examiners_done(void)
{
    return finished;
}

bool examiners_main(int argc, char **words, examiner_work *work)
{
    bool worker = argc == 3 && strcmp(words[1], "worker") == 0;
    struct config *config;
    struct failure f = {0};
    log_open(worker ? "worker" : "test", LOG_LEVEL_ERROR, false);
    clock_initialize();
    xml_initialize();
    if (!worker)
        return true;
    if (!config_load(words[2], sections, sizeof sections / sizeof *sections, &config, &f))
        exit(3);
    examiner_worker_run(config, work);
}
