#include "intake/commands/verify_print.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

/* By the beginning of the reason; the first that fits. */
static const struct advice {
    const char *reason, *means, *act;
} advices[] = {
    {"package-too", "The package is beyond a limit of [package].",
     "If honest applications are that large, raise the limit; else nothing."},
    {"package-ratio", "A member inflates so much that it looks like a ZIP bomb.",
     "If honest applications do so, raise [package] ratio; else nothing."},
    {"package-member", "Archive and manifest do not agree on what the package holds.",
     "Compare the bytes with the portal's; if they are the same, the resident applies again."},
    {"package", "The file is not a package of profile pittari-1.",
     "Compare the bytes with the portal's; if they are the same, the resident applies again."},
    {"manifest-city", "The application is for another city.",
     "Tell the portal's operator: it was delivered to the wrong city."},
    {"manifest-applied-at-future", "The moment of application is still to come.",
     "Compare this machine's clock with the portal's; the application is judged again."},
    {"manifest", "The manifest is not what the profile or the portal's list says.",
     "Tell the portal's operator; the manifest is written by the portal."},
    {"xml", "An XML document of the package is one that is never read.",
     "Nothing: no honest application holds this."},
    {"procedure-unknown", "There is no definition of this procedure and form version.",
     "Add its folder to [forms] procedures; the application is judged again."},
    {"signature-missing", "The procedure demands a signature and there is none.",
     "The resident applies again and signs with the My Number card."},
    {"signature-digest", "What was signed is not what is in the package: it was altered.",
     "Compare the bytes with the portal's; if they are the same, the resident applies again."},
    {"signature-coverage", "The form or an attachment is not covered by the signature.",
     "The resident applies again; if it happens often, tell the portal's operator."},
    {"signature", "The signature cannot be accepted.",
     "The resident applies again; if it happens often, tell the portal's operator."},
    {"certificate-revoked", "The signing certificate was revoked before the application.",
     "The resident renews the certificate at the counter and applies again."},
    {"certificate-expired", "The signing certificate had expired at the time of application.",
     "The resident renews the certificate at the counter and applies again."},
    {"certificate-purpose", "This is not a signing certificate (署名用電子証明書).",
     "The resident applies again with the signing certificate (the long PIN)."},
    {"certificate-issuer-unknown", "No trusted root has the name of the certificate's issuer.",
     "If it is a real certificate, look at [trust] anchors; else nothing."},
    {"certificate-untrusted", "The issuer's name is known, but none of its keys signed this.",
     "If a new generation of the root is out, add it to [trust] anchors; else it is a forgery."},
    {"certificate", "The certificate cannot be accepted.",
     "The resident asks at the counter whether the certificate is in order."},
    {"revocation-on-hold", "The signing certificate was suspended at the time of application.",
     "Wait: the next list tells whether the suspension was lifted or the certificate revoked."},
    {"revocation-not-yet", "There is no revocation list yet that was issued after the application.",
     "Wait for the next list; `uketsuke revocation status` shows when it is due."},
    {"revocation-unavailable", "There is no revocation list for the certificate's municipality.",
     "Add its source to [revocation] sources; see `uketsuke revocation status`."},
    {"revocation", "The revocation list is too old to be relied on.",
     "See `uketsuke revocation status` for what hinders the update."},
    {"form", "The form is not filled in as its procedure demands.",
     "The resident corrects the named item and applies again."},
};

static const struct advice *advice_for(const char *reason)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (strncmp(reason, advices[i].reason, strlen(advices[i].reason)) == 0)
            return &advices[i];
    return NULL;
}

void verify_print_json(FILE *out, const char *path, const struct examination *examination)
{
    _cleanup_(cleanup_json) json_t *shown = json_read(buffer_bytes(&examination->report));
    json_object_set_new(shown, "file", json_string(path));
    json_dumpf(shown, out, JSON_SORT_KEYS | JSON_COMPACT);
    fputc('\n', out);
}

static const char *mark_of(const char *result)
{
    return strcmp(result, "passed") == 0 ? "✓" : strcmp(result, "failed") == 0 ? "✗" : "?";
}

static void print_checks(FILE *out, const json_t *checks)
{
    size_t index;
    json_t *check;
    json_array_foreach ((json_t *)checks, index, check) {
        const char *name = json_string_value(json_object_get(check, "check"));
        const char *result = json_string_value(json_object_get(check, "result"));
        const char *text = json_string_value(json_object_get(check, "text"));
        fprintf(out, "  %s %-24s %s\n", mark_of(result), name, text ? text : "");
    }
}

void verify_print_text(FILE *out, const char *path, const struct examination *examination)
{
    static const char *const verdicts[] = {
        [VERDICT_ACCEPTED] = "accepted", [VERDICT_REFUSED] = "REFUSED", [VERDICT_HELD] = "HELD"};
    const struct advice *advice = advice_for(examination->reason);
    fprintf(out, "%s: %s", path, verdicts[examination->verdict]);
    if (*examination->reason)
        fprintf(out, " (%s, %s)", examination->reason, examination->sub_indication);
    fputc('\n', out);
    _cleanup_(cleanup_json) json_t *report = json_read(buffer_bytes(&examination->report));
    print_checks(out, json_object_get(report, "checks"));
    if (examination->verdict != VERDICT_ACCEPTED && advice)
        fprintf(out, "  What it means: %s\n  What to do:    %s\n", advice->means, advice->act);
    fputc('\n', out);
}
