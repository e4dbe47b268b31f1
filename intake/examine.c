#include "intake/examine.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "intake/evidence.h"
#include "intake/examine_report.h"
#include "signature/certificate.h"
#include "signature/signature.h"

#define APPLICATION "application.xml"

/* How far the portal's clock may run before ours. */
#define CLOCK_SKEW_MOST (5 * 60 * INSTANT_SECOND)

/* Everything that one examination holds on its way; all of it is freed at its end. */
struct examining {
    const struct examination_input *input;
    struct checks *checks;
    struct package *package;
    const struct procedure *procedure; /* NULL when unknown */
    struct signable *signables;        /* what may be signed, and … */
    size_t signable_count;
    struct signable *containers; /* … signature/…: borrowed from the package */
    size_t container_count;
    struct signature_result signature;
    bool is_signed;
    struct certificate *certificate;
    json_t *revocation;
    instant suspended; /* what is known of it from now on */
    struct buffer ocsp_certid;
    struct ocsp_span ocsp_used;
    json_t *record;
    json_t *findings; /* NULL while no form was read */
    struct form_term term;
};

static bool promise_judge(const struct examining *e)
{
    const struct examination_input *input = e->input;
    if (input->receipt_number && strcmp(input->receipt_number, e->package->receipt_number) != 0)
        return checks_fail(e->checks, "manifest.promise", "SIG_CONSTRAINTS_FAILURE",
                           "manifest-receipt-number",
                           "the receipt number is not the one that the portal announced");
    if (input->applied_at != 0 && input->applied_at != e->package->applied_at)
        return checks_fail(e->checks, "manifest.promise", "SIG_CONSTRAINTS_FAILURE",
                           "manifest-applied-at",
                           "applied-at is not the one that the portal announced");
    if (input->receipt_number || input->applied_at != 0)
        checks_pass(e->checks, "manifest.promise", "as the portal announced it");
    return true;
}

/* The portal's clock or ours is wrong, and nothing can be judged as of a moment that has not come:
 * certificates would seem expired, and stay refused. */
static bool moment_judge(const struct examining *e)
{
    char applied_at[INSTANT_TEXT], now[INSTANT_TEXT];
    checks_input(e->checks, "applied_at", "%s",
                 instant_text_jst(e->package->applied_at, applied_at));
    checks_input(e->checks, "now", "%s", instant_text_jst(e->input->now, now));
    if (e->package->applied_at > e->input->now + CLOCK_SKEW_MOST)
        return checks_undecided(e->checks, "manifest.applied-at", "TRY_LATER",
                                "manifest-applied-at-future", "applied-at is still to come");
    checks_pass(e->checks, "manifest.applied-at", "it has come");
    return true;
}

static bool city_judge(const struct examining *e)
{
    if (!e->input->city_code)
        return true;
    checks_input(e->checks, "city_code", "%s", e->input->city_code);
    if (strcmp(e->input->city_code, e->package->city_code) != 0)
        return checks_fail(e->checks, "manifest.city", "SIG_CONSTRAINTS_FAILURE", "manifest-city",
                           "the application is for city %s, not %s", e->package->city_code,
                           e->input->city_code);
    checks_pass(e->checks, "manifest.city", "%s", e->package->city_code);
    return true;
}

/* An unknown procedure may be defined tomorrow: undecided, and the signature is judged anyway. */
static void procedure_choose(struct examining *e)
{
    e->procedure =
        procedures_find(e->input->procedures, e->package->procedure_id, e->package->form_version);
    checks_input(e->checks, "procedure", "%s", e->package->procedure_id);
    checks_input(e->checks, "form_version", "%s", e->package->form_version);
    if (e->procedure && procedure_retired(e->procedure))
        checks_undecided(e->checks, "procedure.known", "SIGNATURE_POLICY_NOT_AVAILABLE",
                         "procedure-retired", "%s version %s is taken in no more",
                         e->package->procedure_id, e->package->form_version);
    else if (e->procedure)
        checks_pass(e->checks, "procedure.known", "%s version %s", e->package->procedure_id,
                    e->package->form_version);
    else
        checks_undecided(e->checks, "procedure.known", "SIGNATURE_POLICY_NOT_AVAILABLE",
                         "procedure-unknown", "no definition of %s version %s",
                         e->package->procedure_id, e->package->form_version);
}

static void members_sort(struct examining *e)
{
    size_t count = e->package->member_count;
    e->signables = memory_allocate((count + 1) * sizeof *e->signables);
    e->containers = memory_allocate((count + 1) * sizeof *e->containers);
    for (size_t i = 0; i < count; i++) {
        const struct package_member *member = &e->package->members[i];
        struct signable part = {member->name, buffer_bytes(&member->bytes), member->sha256};
        if (strncmp(member->name, "signature/", 10) == 0)
            e->containers[e->container_count++] = part;
        else
            e->signables[e->signable_count++] = part;
    }
}

/* By the kind of the files under signature/; without any it can only be within the form. */
static const struct signature_container *container_choose(const struct examining *e,
                                                          struct checks *checks)
{
    const struct signature_container *chosen = NULL;
    for (size_t i = 0; i < e->container_count; i++) {
        const struct signature_container *one = signature_container_of_file(e->containers[i].name);
        if (chosen && one != chosen) {
            checks_fail(checks, "signature.container", "FORMAT_FAILURE", "signature-container",
                        "there are signatures of more than one kind");
            return NULL;
        }
        chosen = one;
    }
    return chosen ? chosen : signature_container_find("xmldsig");
}

static bool signature_verify(struct examining *e, struct checks *checks)
{
    const struct signature_container *container = container_choose(e, checks);
    const struct signature_input input = {
        .signables = e->signables,
        .signable_count = e->signable_count,
        .signatures = e->containers,
        .signature_count = e->container_count,
        .enveloped = APPLICATION,
        .xml_limits = &e->input->limits->xml,
        .applied_at = e->package->applied_at,
    };
    e->is_signed = container && container->verify(&input, &e->signature, checks);
    return e->is_signed;
}

/* Whether an application that need not be signed has no signature at all. */
static bool unsigned_allowed(struct examining *e)
{
    if (!e->procedure || procedure_signature_required(e->procedure) || e->container_count > 0)
        return false;
    struct checks *trial = checks_new();
    bool is_signed = signature_verify(e, trial);
    const char *reason = checks_reason(trial);
    bool missing = !is_signed && reason && strcmp(reason, "signature-missing") == 0;
    checks_free(trial);
    if (is_signed)
        signature_result_free(&e->signature);
    e->is_signed = false;
    if (missing)
        checks_pass(e->checks, "signature.present", "none, and the procedure demands none");
    return missing;
}

static const char *evidence_text(const json_t *evidence, const char *key)
{
    return json_string_value(json_object_get(evidence, key));
}

/* {0}: it is no response that was looked at. */
static struct ocsp_span span_of(const json_t *evidence)
{
    const char *kind = evidence_text(evidence, "kind");
    const char *from = evidence_text(evidence, "this_update");
    const char *to = evidence_text(evidence, "next_update");
    struct ocsp_span span = {0};
    if (!kind || strcmp(kind, "ocsp") != 0 || !instant_parse(from, &span.this_update) ||
        !instant_parse(to ? to : from, &span.next_update))
        return (struct ocsp_span){0};
    return span;
}

static bool certificate_judge_all(struct examining *e)
{
    e->certificate = certificate_judge(e->signature.x509, e->signature.key, e->input->trust,
                                       e->package->applied_at, e->checks);
    if (!e->certificate || checks_indication(e->checks) == TOTAL_FAILED)
        return false;
    const struct revocation_input revocation = {
        .policy = &e->input->revocation,
        .crls = e->input->crls,
        .trust = e->input->trust,
        .ocsp = e->input->ocsp,
        .suspended = e->input->suspended,
        .applied_at = e->package->applied_at,
        .now = e->input->now,
    };
    bool passed = revocation_judge(&revocation, e->certificate, e->checks, &e->ocsp_certid,
                                   &e->revocation, &e->suspended);
    bool failed = checks_indication(e->checks) == TOTAL_FAILED;
    if (passed || failed)
        e->ocsp_used = span_of(e->revocation);
    return !failed;
}

static const struct covered *covered_named(const struct examining *e, const char *name)
{
    for (size_t i = 0; e->is_signed && i < e->signature.covered_count; i++)
        if (strcmp(e->signature.covered[i].name, name) == 0)
            return &e->signature.covered[i];
    return NULL;
}

/* Whether a signature that covers the form covers this member too, under its name. */
static bool is_bound(const struct examining *e, const char *name)
{
    const struct covered *form = covered_named(e, APPLICATION), *covered = covered_named(e, name);
    return form && covered && (form->named_by & covered->named_by) != 0;
}

/* application.pdf is never read, so it need not be covered. */
static bool coverage_judge(const struct examining *e)
{
    bool bound = true;
    for (size_t i = 0; i < e->signable_count; i++) {
        const struct covered *covered = covered_named(e, e->signables[i].name);
        bool matters = strcmp(e->signables[i].name, "application.pdf") != 0;
        if (matters && (!covered || covered->coverage == COVERAGE_NONE))
            return checks_fail(e->checks, "signature.coverage", "SIG_CONSTRAINTS_FAILURE",
                               "signature-coverage",
                               "member %zu of those that may be signed is not covered", i + 1);
        bound = bound && (!matters || is_bound(e, e->signables[i].name));
    }
    checks_input(e->checks, "members", "%zu", e->signable_count);
    checks_input(e->checks, "together", "%s", bound ? "yes" : "no");
    checks_pass(e->checks, "signature.coverage",
                bound ? "the form and all attachments are covered, together"
                      : "the form and all attachments are covered, each by itself: which belong "
                        "together, and their names, are the portal's word");
    return true;
}

static void attachments_list(const struct examining *e, struct form_attachment *to, size_t *count)
{
    for (size_t i = 0; i < e->package->member_count; i++) {
        const struct package_member *member = &e->package->members[i];
        if (strncmp(member->name, "attachments/", 12) == 0)
            to[(*count)++] = (struct form_attachment){member->name, buffer_bytes(&member->bytes)};
    }
}

/* From exactly what the signature covered: its tree, or its bytes. */
static bool form_judge(struct examining *e)
{
    const struct covered *covered = covered_named(e, APPLICATION);
    _cleanup_(cleanup_xml_doc) xmlDoc *parsed = NULL;
    xmlDoc *form = covered && covered->coverage != COVERAGE_NONE ? covered->document : NULL;
    if (!form) {
        const struct package_member *member = package_find(e->package, APPLICATION);
        form = parsed = xml_parse(buffer_bytes(&member->bytes), &e->input->limits->xml,
                                  "form.document", e->checks);
    }
    if (!form)
        return false;
    struct form_input input = {.form = form, .applied_at = e->package->applied_at};
    struct form_attachment *files = memory_allocate((e->package->member_count + 1) * sizeof *files);
    attachments_list(e, files, &input.attachment_count);
    input.attachments = files;
    e->record = form_read(e->procedure, &input, e->checks, &e->findings);
    if (e->record)
        form_term(e->procedure, &input, &e->term);
    free(files);
    return e->record != NULL;
}

/* The first failed check ends it; an undecided one does not, but for the moment of judgement. */
static bool examine_all(struct examining *e)
{
    e->package = package_open(e->input->package, e->input->limits, e->checks);
    if (!e->package || !promise_judge(e) || !city_judge(e) || !moment_judge(e))
        return false;
    procedure_choose(e);
    members_sort(e);
    if (!unsigned_allowed(e) &&
        (!signature_verify(e, e->checks) || !certificate_judge_all(e) || !coverage_judge(e)))
        return false;
    return !e->procedure || procedure_retired(e->procedure) || form_judge(e);
}

static const char *coverage_name(const struct examining *e, const char *member)
{
    static const char *const names[] = {"none", "bytes", "tree"};
    if (strncmp(member, "signature/", 10) == 0)
        return "signature";
    const struct covered *covered = covered_named(e, member);
    return names[covered ? covered->coverage : COVERAGE_NONE];
}

static void report_write(const struct examining *e, struct examination *x)
{
    struct report_evidence evidence = {
        .input = e->input,
        .package = e->package,
        .checks = e->checks,
        .revocation = e->revocation,
        .findings = e->findings,
    };
    if (e->is_signed) {
        evidence.algorithm = e->signature.algorithm;
        evidence.signatures = e->signature.signature_count;
        evidence.certificate = buffer_bytes(&e->signature.certificate);
    }
    char issuer[65];
    if (e->certificate && certificate_issuer_sha256(e->certificate, issuer))
        evidence.issuer_sha256 = issuer;
    size_t count = e->package ? e->package->member_count : 0;
    struct report_coverage *coverage = memory_allocate((count + 1) * sizeof *coverage);
    for (size_t i = 0; i < count; i++)
        coverage[i] = (struct report_coverage){coverage_name(e, e->package->members[i].name),
                                               is_bound(e, e->package->members[i].name)};
    evidence.coverage = coverage;
    _cleanup_(cleanup_json) json_t *report = examination_report(&evidence);
    json_write(report, &x->report);
    free(coverage);
}

static void text_put(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void result_take(struct examining *e, struct examination *x)
{
    static const enum verdict verdicts[] = {
        [TOTAL_PASSED] = VERDICT_ACCEPTED,
        [INDETERMINATE] = VERDICT_HELD,
        [TOTAL_FAILED] = VERDICT_REFUSED,
    };
    x->verdict = verdicts[checks_indication(e->checks)];
    text_put(x->reason, sizeof x->reason, checks_reason(e->checks));
    text_put(x->sub_indication, sizeof x->sub_indication, checks_sub_indication(e->checks));
    if (e->package) {
        text_put(x->procedure_id, sizeof x->procedure_id, e->package->procedure_id);
        text_put(x->form_version, sizeof x->form_version, e->package->form_version);
        x->applied_at = e->package->applied_at;
    }
    /* Whose certificate it is, only when it is the certificate that it says it is. */
    if (e->certificate && x->verdict != VERDICT_REFUSED) {
        text_put(x->ca, sizeof x->ca, e->certificate->ca);
        text_put(x->serial, sizeof x->serial, e->certificate->serial);
        _cleanup_(cleanup_json) json_t *facts = basic_facts_to_json(&e->certificate->facts);
        json_write(facts, &x->facts);
    }
    if (x->verdict == VERDICT_ACCEPTED)
        json_write(e->record, &x->record);
    x->ocsp_used = e->ocsp_used;
    x->term = e->term;
    if (x->verdict != VERDICT_HELD)
        return;
    x->ocsp_certid = e->ocsp_certid;
    e->ocsp_certid = (struct buffer){0};
}

static void examining_free(struct examining *e)
{
    if (e->is_signed)
        signature_result_free(&e->signature);
    certificate_free(e->certificate);
    json_decref(e->revocation);
    buffer_free(&e->ocsp_certid);
    json_decref(e->record);
    json_decref(e->findings);
    free(e->signables);
    free(e->containers);
    package_free(e->package);
    checks_free(e->checks);
}

void examine(const struct examination_input *input, struct examination *ret_examination)
{
    struct examining e = {.input = input, .checks = checks_new(), .suspended = input->suspended};
    struct examination x = {0};
    examine_all(&e);
    result_take(&e, &x);
    report_write(&e, &x);
    evidence_write(input, e.procedure, e.revocation, e.suspended, &x.evidence);
    examining_free(&e);
    *ret_examination = x;
}

void examination_free(struct examination *examination)
{
    buffer_free(&examination->ocsp_certid);
    buffer_free(&examination->report);
    buffer_erase_free(&examination->facts);
    buffer_erase_free(&examination->record);
    buffer_free(&examination->evidence);
    *examination = (struct examination){0};
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"accepted", "refused", "held"};
    return names[verdict];
}
