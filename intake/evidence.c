#include "intake/evidence.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

#define FORMAT   "uketsuke-evidence-1"
#define SOFTWARE "uketsuke " UKETSUKE_VERSION

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *base64_json(struct bytes bytes)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    base64_encode(bytes, &text);
    return json_string(buffer_text(&text));
}

static json_t *trust_json(const struct trust *trust)
{
    json_t *anchors = json_array(), *policies = json_array();
    char text[65];
    for (size_t i = 0; i < trust_count(trust); i++)
        json_array_append_new(anchors, json_string(trust_fingerprint(trust, i, text)));
    for (size_t i = 0; i < trust_policy_count(trust); i++)
        json_array_append_new(policies, json_string(trust_policy_at(trust, i)));
    return json_pack("{s:s, s:o, s:o}", "mode",
                     trust_mode(trust) == TRUST_PRODUCTION ? "production" : "sandbox", "anchors",
                     anchors, "policies", policies);
}

static json_t *limits_json(const struct package_limits *l)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "size", (json_int_t)l->size,
                     "members", (json_int_t)l->members, "member_size", (json_int_t)l->member_size,
                     "total_size", (json_int_t)l->total_size, "ratio", (json_int_t)l->ratio,
                     "xml_size", (json_int_t)l->xml.size, "xml_depth", (json_int_t)l->xml.depth,
                     "xml_nodes", (json_int_t)l->xml.nodes);
}

static json_t *policy_json(const struct revocation_policy *p)
{
    return json_pack("{s:i, s:I, s:i, s:I, s:b, s:b}", "method", p->method, "crl_age_most",
                     (json_int_t)p->crl_age_most, "ocsp_hash", p->ocsp.hash, "ocsp_age_most",
                     (json_int_t)p->ocsp.age_most, "ocsp_nonce_required", p->ocsp.nonce_required,
                     "ocsp_nocheck_dispensed", p->ocsp.nocheck_dispensed);
}

static json_t *ocsp_json(const struct ocsp_answer *ocsp)
{
    return ocsp->asked
               ? json_pack("{s:o, s:o, s:o}", "response", base64_json(ocsp->response), "nonce",
                           base64_json(ocsp->nonce), "trouble", text_or_null(ocsp->trouble))
               : json_null();
}

static json_t *procedure_json(const struct procedure *procedure)
{
    return procedure
               ? json_pack("{s:s, s:s, s:s}", "id", procedure_id(procedure), "version",
                           procedure_version(procedure), "sha256", procedure_sha256(procedure))
               : json_null();
}

void evidence_write(const struct examination_input *input, const struct procedure *procedure,
                    const json_t *revocation, instant suspended, struct buffer *ret_evidence)
{
    _cleanup_(cleanup_json) json_t *json = json_pack(
        "{s:s, s:s, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:O?, s:{s:I, s:I}}", "format",
        FORMAT, "software", SOFTWARE, "examined_at", (json_int_t)input->now, "receipt_number",
        text_or_null(input->receipt_number), "city_code", text_or_null(input->city_code),
        "applied_at", (json_int_t)input->applied_at, "limits", limits_json(input->limits), "trust",
        trust_json(input->trust), "revocation_policy", policy_json(&input->revocation), "ocsp",
        ocsp_json(&input->ocsp), "procedure", procedure_json(procedure), "revocation", revocation,
        "suspended", "before", (json_int_t)input->suspended, "after", (json_int_t)suspended);
    json_write(json, ret_evidence);
}

/* --- reading ---------------------------------------------------------------------------------- */

void evidence_free(struct evidence *evidence)
{
    json_decref(evidence->json);
    buffer_free(&evidence->ocsp_response);
    buffer_free(&evidence->ocsp_nonce);
    *evidence = (struct evidence){0};
}

static bool limits_read(json_t *json, struct package_limits *l)
{
    json_int_t size, members, member_size, total_size, ratio, xml_size, depth, nodes;
    if (json_unpack(json, "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "size", &size, "members",
                    &members, "member_size", &member_size, "total_size", &total_size, "ratio",
                    &ratio, "xml_size", &xml_size, "xml_depth", &depth, "xml_nodes", &nodes) != 0)
        return false;
    *l = (struct package_limits){
        (size_t)size,       (size_t)members, (size_t)member_size,
        (size_t)total_size, (size_t)ratio,   {(size_t)xml_size, (int)depth, (size_t)nodes}};
    return true;
}

static bool policy_read(json_t *json, struct revocation_policy *p)
{
    int method, hash, nonce, nocheck;
    json_int_t crl_age, ocsp_age;
    if (json_unpack(json, "{s:i, s:I, s:i, s:I, s:b, s:b}", "method", &method, "crl_age_most",
                    &crl_age, "ocsp_hash", &hash, "ocsp_age_most", &ocsp_age, "ocsp_nonce_required",
                    &nonce, "ocsp_nocheck_dispensed", &nocheck) != 0)
        return false;
    *p = (struct revocation_policy){
        .method = (enum revocation_method)method,
        .crl_age_most = crl_age,
        .ocsp = {(enum ocsp_hash)hash, ocsp_age, nonce, nocheck},
    };
    return true;
}

static bool ocsp_read(const json_t *json, struct evidence *e)
{
    if (json_is_null(json))
        return true;
    const char *response = json_string_value(json_object_get(json, "response"));
    const char *nonce = json_string_value(json_object_get(json, "nonce"));
    if (!response || !nonce || !base64_decode(bytes_of_text(response), &e->ocsp_response) ||
        !base64_decode(bytes_of_text(nonce), &e->ocsp_nonce))
        return false;
    e->input.ocsp = (struct ocsp_answer){
        .asked = true,
        .response = buffer_bytes(&e->ocsp_response),
        .nonce = buffer_bytes(&e->ocsp_nonce),
        .trouble = json_string_value(json_object_get(json, "trouble")),
    };
    return true;
}

static bool fields_read(struct evidence *e)
{
    json_int_t now, applied_at, suspended = 0; /* which evidence of 0.1 did not have */
    if (json_unpack(e->json, "{s:s, s:I, s:I, s?{s:I}}", "software", &e->software, "examined_at",
                    &now, "applied_at", &applied_at, "suspended", "before", &suspended) != 0 ||
        !limits_read(json_object_get(e->json, "limits"), &e->limits) ||
        !policy_read(json_object_get(e->json, "revocation_policy"), &e->input.revocation) ||
        !ocsp_read(json_object_get(e->json, "ocsp"), e))
        return false;
    e->input.now = now;
    e->input.applied_at = applied_at;
    e->input.suspended = suspended;
    e->input.receipt_number = json_string_value(json_object_get(e->json, "receipt_number"));
    e->input.city_code = json_string_value(json_object_get(e->json, "city_code"));
    e->index_sha256 =
        json_string_value(json_object_get(json_object_get(e->json, "revocation"), "index_sha256"));
    return true;
}

bool evidence_read(struct bytes text, struct evidence *ret_evidence, struct failure *f)
{
    struct evidence e = {.json = json_read(text)};
    const char *format = json_string_value(json_object_get(e.json, "format"));
    if (!format || strcmp(format, FORMAT) != 0 || !fields_read(&e)) {
        evidence_free(&e);
        return failure_set(f, FAILURE_INPUT, "the stored evidence is not " FORMAT);
    }
    *ret_evidence = e;
    return true;
}

instant evidence_suspended(struct bytes text)
{
    _cleanup_(cleanup_json) json_t *json = json_read(text);
    return json_integer_value(json_object_get(json_object_get(json, "suspended"), "after"));
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool contains(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        if (strcmp(json_string_value(item) ?: "", text) == 0)
            return true;
    return false;
}

static void say(json_t *differences, char *text)
{
    json_array_append_new(differences, json_string(text));
    free(text);
}

/* What stands in the one list and not in the other. */
static void lists_compare(const json_t *from, const json_t *in, const char *format,
                          json_t *differences)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)from, i, item)
        if (!contains(in, json_string_value(item) ?: ""))
            say(differences, text_format(format, json_string_value(item)));
}

static void trust_compare(const json_t *then, const struct trust *trust, json_t *differences)
{
    _cleanup_(cleanup_json) json_t *now = trust_json(trust);
    static const struct {
        const char *key, *gone, *added;
    } lists[] = {
        {"anchors", "the anchor %s is no longer configured", "the anchor %s was not configured"},
        {"policies", "the policy %s is no longer accepted", "the policy %s was not accepted"}};
    for (size_t i = 0; i < 2; i++) {
        const json_t *a = json_object_get(then, lists[i].key),
                     *b = json_object_get(now, lists[i].key);
        lists_compare(a, b, lists[i].gone, differences);
        lists_compare(b, a, lists[i].added, differences);
    }
    if (!json_equal(json_object_get(then, "mode"), json_object_get(now, "mode")))
        say(differences, text_copy("[trust] mode is another"));
}

static void procedure_compare(const json_t *then, const struct procedures *procedures,
                              json_t *differences)
{
    const char *id = json_string_value(json_object_get(then, "id"));
    const char *version = json_string_value(json_object_get(then, "version"));
    const char *sha256 = json_string_value(json_object_get(then, "sha256"));
    const struct procedure *now = id && version ? procedures_find(procedures, id, version) : NULL;
    if (json_is_null(then))
        return;
    if (!now)
        say(differences, text_format("the procedure %s version %s is no longer defined", id ?: "",
                                     version ?: ""));
    else if (strcmp(procedure_sha256(now), sha256 ?: "") != 0)
        say(differences, text_format("the definition of %s version %s was %s, and is now %s", id,
                                     version, sha256 ?: "", procedure_sha256(now)));
}

json_t *evidence_differences(const struct evidence *evidence, const struct trust *trust,
                             const struct procedures *procedures)
{
    json_t *differences = json_array();
    if (strcmp(evidence->software, SOFTWARE) != 0)
        say(differences, text_format("%s examined it, this is %s", evidence->software, SOFTWARE));
    trust_compare(json_object_get(evidence->json, "trust"), trust, differences);
    procedure_compare(json_object_get(evidence->json, "procedure"), procedures, differences);
    return differences;
}
