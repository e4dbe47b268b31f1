#include "intake/examine_report.h"

#include "base/text.h"

#define FORMAT   "uketsuke-examination-1"
#define PROFILE  "pittari-1"
#define SOFTWARE "uketsuke " UKETSUKE_VERSION

static json_t *time_json(instant at)
{
    char text[INSTANT_TEXT];
    return json_string(instant_text_jst(at, text));
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *hash_json(struct bytes content)
{
    char text[65];
    sha256_hex(content, text);
    return json_string(text);
}

static json_t *application_json(const struct package *package)
{
    if (!package)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s*}", "receipt_number",
                     package->receipt_number, "city_code", package->city_code, "procedure",
                     package->procedure_id, "form_version", package->form_version, "applied_at",
                     time_json(package->applied_at), "applicant_role",
                     package->by_agent ? "agent" : "self", "corrects",
                     *package->corrects ? package->corrects : NULL);
}

static json_t *evidence_json(const struct report_evidence *e)
{
    bool has_certificate = e->certificate.length > 0;
    return json_pack(
        "{s:o, s:I, s:o, s:I, s:o, s:o, s:O}", "package_sha256", hash_json(e->input->package),
        "package_size", (json_int_t)e->input->package.length, "algorithm",
        text_or_null(e->algorithm), "signatures", (json_int_t)e->signatures, "certificate_sha256",
        has_certificate ? hash_json(e->certificate) : json_null(), "issuer_sha256",
        text_or_null(e->issuer_sha256), "revocation", e->revocation ? e->revocation : json_null());
}

static json_t *coverage_json(const struct report_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; e->package && i < e->package->member_count; i++) {
        const struct package_member *member = &e->package->members[i];
        char hash[65];
        hex_encode(member->sha256, sizeof member->sha256, hash);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s, s:b}", "member", member->name,
                                              "size", (json_int_t)member->bytes.length, "sha256",
                                              hash, "coverage", e->coverage[i].coverage, "together",
                                              e->coverage[i].together));
    }
    return list;
}

static const char *verdict_of(const struct checks *checks)
{
    switch (checks_indication(checks)) {
    case TOTAL_PASSED:
        return verdict_name(VERDICT_ACCEPTED);
    case INDETERMINATE:
        return verdict_name(VERDICT_HELD);
    case TOTAL_FAILED:
    default:
        return verdict_name(VERDICT_REFUSED);
    }
}

/* From where judged_at came: the portal's list or who asked said it before, and the manifest says
 * the same; or the manifest alone. */
static const char *judged_at_source(const struct report_evidence *e)
{
    return !e->package ? NULL : e->input->applied_at != 0 ? "promise" : "manifest";
}

json_t *examination_report(const struct report_evidence *e)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "format",
        FORMAT, "software", SOFTWARE, "profile", PROFILE, "verdict", verdict_of(e->checks),
        "indication", indication_name(checks_indication(e->checks)), "sub_indication",
        text_or_null(checks_sub_indication(e->checks)), "reason",
        text_or_null(checks_reason(e->checks)), "judged_at",
        e->package ? time_json(e->package->applied_at) : json_null(), "judged_at_source",
        text_or_null(judged_at_source(e)), "examined_at", time_json(e->input->now), "application",
        application_json(e->package), "evidence", evidence_json(e), "coverage", coverage_json(e),
        "checks", checks_to_json(e->checks), "findings",
        e->findings ? json_deep_copy(e->findings) : json_array());
}
