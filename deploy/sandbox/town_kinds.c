/* The kinds of applications, good and bad, and where each must end. A bad one is good but for the
 * one thing that its name says. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town.h"
#include "deploy/sandbox/town_kinds_bad.h"
#include "deploy/sandbox/town_kinds_container.h"
#include "deploy/sandbox/town_kinds_people.h"

/* --- good ------------------------------------------------------------------------------------ */

static void good_prepare(struct draft *draft)
{
    int variety = dice_between(&draft->dice, 0, 3);
    draft->by_bytes = variety == 1;
    if (variety == 2)
        draft_attach_pdf(draft, "application.pdf"); /* 控え: need not be covered */
    if (variety == 3)
        draft->digest = XML_SIGN_SHA512;
}

static void good_enveloped_prepare(struct draft *draft)
{
    draft->style = SIGN_ENVELOPED;
    if (dice_chance(&draft->dice, 50))
        draft_attach_jpeg(draft, "attachments/1.jpg");
}

static void good_attachments_prepare(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/1.pdf");
    draft_attach_jpeg(draft, "attachments/2.jpg");
    draft_attach_png(draft, "attachments/3.png");
    if (dice_chance(&draft->dice, 50))
        draft->style = SIGN_SPLIT;
}

/* Moving house revokes the certificate that signed the application. */
static void revoked_after_prepare(struct draft *draft)
{
    instant applied_at = draft->parcel.applied_at;
    int room = (int)((draft->town->now - applied_at) / INSTANT_SECOND) - 10;
    draft->revoked_at = applied_at + dice_between(&draft->dice, 2, room) * INSTANT_SECOND;
}

/* --- not decided yet -------------------------------------------------------------------------- */

static void unknown_procedure_prepare(struct draft *draft)
{
    snprintf(draft->parcel.procedure_id, sizeof draft->parcel.procedure_id,
             "child-allowance.unheard-of-claim");
}

static void no_crl_prepare(struct draft *draft)
{
    draft->order.partition = jpki_partition_find("mizumori");
}

static void wrong_bytes_prepare(struct draft *draft)
{
    draft->fault = "wrong-bytes";
}

const struct kind town_kinds[] = {
    {"good", "received", "", good_prepare},
    {"good-enveloped", "received", "", good_enveloped_prepare},
    {"good-attachments", "received", "", good_attachments_prepare},
    {"good-cms", "received", "", good_cms_prepare},
    {"good-cms-bare", "received", "", good_cms_bare_prepare},
    {"good-raw", "received", "", good_raw_prepare},
    {"good-ecdsa-cms", "received", "", good_ecdsa_cms_prepare},
    {"good-ecdsa-raw", "received", "", good_ecdsa_raw_prepare},
    {"revoked-after", "received", "", revoked_after_prepare},
    /* whose it is: told in another way, but certain */
    {"former-surname", "received", "", former_surname_prepare},
    {"common-name", "received", "", common_name_prepare},
    {"variant-kanji", "received", "", variant_kanji_prepare},
    {"substituted", "received", "", substituted_prepare},
    {"renewed-card", "received", "", renewed_card_prepare},
    {"phone", "received", "", phone_prepare},
    /* … and not certain */
    {"unlinked", "unmatched", "serial-unknown", unlinked_prepare},
    {"facts-differ", "unmatched", "facts-differ", facts_differ_prepare},
    {"married", "unmatched", "facts-differ", married_prepare},
    {"moved", "unmatched", "facts-differ", moved_prepare},
    {"agent", "unmatched", "agent", agent_prepare},
    {"protected", "unmatched", "protected", protected_prepare},
    {"not-resident", "unmatched", "not-resident", not_resident_prepare},
    {"number-mismatch", "unmatched", "number-mismatch", number_mismatch_prepare},
    {"resident-unknown", "unmatched", "resident-unknown", resident_unknown_prepare},
    {"many-links", "unmatched", "many-links", many_links_prepare},
    {"proposed", "unmatched", "proposed-by-facts", proposed_prepare},
    {"no-candidate", "unmatched", "no-candidate", no_candidate_prepare},
    {"twins", "unmatched", "many-candidates", twins_prepare},
    /* we can't yet */
    {"unknown-procedure", "held", "procedure-unknown", unknown_procedure_prepare},
    {"no-crl", "held", "revocation-unavailable", no_crl_prepare},
    {"wrong-bytes", "held", "download-mismatch", wrong_bytes_prepare},
    /* the package */
    {"truncated-zip", "refused", "package-not-zip", NULL, NULL, truncated_zip_spoil},
    {"zip-bomb", "refused", "package-ratio", zip_bomb_prepare},
    {"nested-archive", "refused", "package-nested-archive", nested_archive_prepare},
    {"path-traversal", "refused", "package-path", NULL, path_traversal_tamper},
    {"encrypted-member", "refused", "package-encrypted", one_pdf_prepare, encrypted_tamper},
    {"duplicate-member", "refused", "package-duplicate-member", one_pdf_prepare, duplicate_tamper,
     duplicate_spoil},
    {"too-many-members", "refused", "package-too-many-members", NULL, too_many_tamper},
    {"member-missing", "refused", "package-member-missing", NULL, missing_tamper},
    {"member-extra", "refused", "package-member-extra", NULL, extra_tamper},
    {"member-hash", "refused", "package-member-hash", one_pdf_prepare, hash_tamper},
    {"wrong-city", "refused", "manifest-city", wrong_city_prepare},
    /* the documents */
    {"xml-dtd", "refused", "xml-dtd", xml_dtd_prepare},
    {"xml-external-entity", "refused", "xml-dtd", xml_external_prepare},
    {"billion-laughs", "refused", "xml-dtd", billion_laughs_prepare},
    {"xml-deep", "refused", "xml-too-deep", xml_deep_prepare},
    {"xml-encoding", "refused", "xml-encoding", xml_encoding_prepare},
    {"missing-field", "refused", "form-missing-item", missing_field_prepare},
    {"bad-kojinbango", "refused", "form-kojinbango", bad_number_prepare},
    /* the signature */
    {"unsigned", "refused", "signature-missing", unsigned_prepare},
    {"other-document", "refused", "signature-digest", NULL, other_document_tamper},
    {"altered-form", "refused", "signature-digest", altered_form_prepare, altered_form_tamper},
    {"altered-attachment", "refused", "signature-digest", one_pdf_prepare,
     altered_attachment_tamper},
    {"attachment-uncovered", "refused", "signature-coverage", uncovered_prepare},
    {"wrong-key", "refused", "signature-value", wrong_key_prepare},
    {"sha1", "refused", "signature-algorithm", sha1_prepare},
    /* other containers of signatures */
    {"cms-altered", "refused", "signature-digest", good_cms_prepare, altered_form_tamper},
    {"cms-attributes-replayed", "refused", "signature-attributes", good_cms_prepare,
     cms_replayed_tamper},
    {"cms-other-certificate", "refused", "signature-certificates", good_cms_prepare,
     cms_other_certificate_tamper},
    {"mixed-containers", "refused", "signature-container", mixed_containers_prepare,
     mixed_containers_tamper},
    {"raw-other-member", "refused", "signature-value", raw_other_member_prepare,
     raw_other_member_tamper},
    /* the certificate */
    {"expired", "refused", "certificate-expired", expired_prepare},
    {"not-yet-valid", "refused", "certificate-not-yet-valid", not_yet_valid_prepare},
    {"revoked-before", "refused", "certificate-revoked", revoked_before_prepare},
    {"login-certificate", "refused", "certificate-issuer-unknown", login_certificate_prepare},
    {"login-usage", "refused", "certificate-purpose", login_usage_prepare},
    {"unknown-issuer", "refused", "certificate-untrusted", unknown_issuer_prepare},
};
static_assert(sizeof town_kinds / sizeof *town_kinds <= TOWN_KINDS_MOST, "room for all kinds");
const size_t town_kind_count = sizeof town_kinds / sizeof *town_kinds;
const size_t town_kind_good = 8;

const struct kind *town_kind_find(const char *name, size_t length)
{
    for (size_t i = 0; i < town_kind_count; i++)
        if (strlen(town_kinds[i].name) == length && memcmp(town_kinds[i].name, name, length) == 0)
            return &town_kinds[i];
    return NULL;
}
