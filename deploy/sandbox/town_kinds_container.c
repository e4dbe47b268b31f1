/* Applications signed with CMS or raw values. Where one cannot be bent it stays good, and does not
 * end as expected.json says. */
#include "deploy/sandbox/town_kinds_container.h"

#include <string.h>

#include "deploy/sandbox/cms_sign.h"
#include "deploy/sandbox/town_container.h"

#define FORM_SIGNATURE "signature/application.xml.p7s"

/* --- good ------------------------------------------------------------------------------------ */

void good_cms_prepare(struct draft *draft)
{
    draft->style = SIGN_CMS;
    if (dice_chance(&draft->dice, 50))
        draft_attach_pdf(draft, "attachments/1.pdf");
}

void good_cms_bare_prepare(struct draft *draft)
{
    good_cms_prepare(draft);
    draft->style = SIGN_CMS_BARE;
}

void good_raw_prepare(struct draft *draft)
{
    draft->style = SIGN_RAW;
    if (dice_chance(&draft->dice, 50))
        draft_attach_png(draft, "attachments/1.png");
}

/* The next card is P-384. */
void good_ecdsa_cms_prepare(struct draft *draft)
{
    good_cms_prepare(draft);
    draft->order.key = draft->town->elliptic_key;
}

void good_ecdsa_raw_prepare(struct draft *draft)
{
    good_raw_prepare(draft);
    draft->order.key = draft->town->elliptic_key;
}

/* --- bad -------------------------------------------------------------------------------------- */

static struct bytes member_bytes(const struct draft *draft, const char *name)
{
    return buffer_bytes(&parcel_find(&draft->parcel, name)->bytes);
}

static void member_replace(struct draft *draft, const char *name, struct buffer *content)
{
    struct buffer *bytes = &parcel_find(&draft->parcel, name)->bytes;
    buffer_free(bytes);
    *bytes = *content;
    *content = (struct buffer){0};
}

/* The attributes as the signature is over them: a SET, RFC 5652 §5.4. */
static void attributes_write(const CMS_SignerInfo *info, struct buffer *ret_set)
{
    _cleanup_(cleanup_buffer) struct buffer all = {0};
    for (int i = 0; i < CMS_signed_get_attr_count(info); i++) {
        X509_ATTRIBUTE *attribute = CMS_signed_get_attr(info, i);
        int length = i2d_X509_ATTRIBUTE(attribute, NULL);
        uint8_t *end = buffer_reserve(&all, (size_t)length);
        i2d_X509_ATTRIBUTE(attribute, &end);
        buffer_commit(&all, (size_t)length);
    }
    int size = ASN1_object_size(1, (int)all.length, V_ASN1_SET);
    uint8_t *head = buffer_reserve(ret_set, (size_t)size);
    ASN1_put_object(&head, 1, (int)all.length, V_ASN1_SET, V_ASN1_UNIVERSAL);
    buffer_commit(ret_set, (size_t)size - all.length);
    buffer_append(ret_set, all.data, all.length);
}

/* What was signed with attributes is handed in without: the same value, over the attributes as the
 * content. RSA makes the same value again, so it is made again. */
void cms_replayed_tamper(struct draft *draft)
{
    const struct cms_signer signer = {draft->signing_key, draft->certificate, 0, NULL};
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer set = {0}, replay = {0};
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms =
        cms_parse(member_bytes(draft, FORM_SIGNATURE), &f);
    if (!cms)
        return;
    attributes_write(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), &set);
    if (!cms_sign(&signer, buffer_bytes(&set), false, &replay, &f))
        return;
    member_replace(draft, "application.xml", &set);
    member_replace(draft, FORM_SIGNATURE, &replay);
}

/* The file holds the certificate of another card of the same CA, with another key. */
void cms_other_certificate_tamper(struct draft *draft)
{
    struct failure f = {0};
    uint64_t serial;
    struct jpki_order order = draft->order;
    order.key = draft->town->elliptic_key;
    _cleanup_(cleanup_buffer) struct buffer swapped = {0};
    _cleanup_(cleanup_x509) X509 *other = jpki_issue(draft->town->jpki, &order, &serial, &f);
    const struct cms_signer signer = {draft->signing_key, draft->certificate,
                                      draft->parcel.applied_at, other};
    if (other && cms_sign(&signer, member_bytes(draft, "application.xml"), true, &swapped, &f))
        member_replace(draft, FORM_SIGNATURE, &swapped);
}

/* XML Signature over the form, CMS over the attachment; both hold. */
void mixed_containers_prepare(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/1.pdf");
    draft->attachments_covered = false;
}

void mixed_containers_tamper(struct draft *draft)
{
    struct failure f = {0};
    draft_sign_cms(draft, "attachments/1.pdf", true, &f);
}

void raw_other_member_prepare(struct draft *draft)
{
    draft->style = SIGN_RAW;
    draft_attach_pdf(draft, "attachments/1.pdf");
    draft_attach_pdf(draft, "attachments/2.pdf");
}

/* The two attachments change places: each has the other's value. */
void raw_other_member_tamper(struct draft *draft)
{
    struct buffer *first = &parcel_find(&draft->parcel, "attachments/1.pdf")->bytes;
    struct buffer *second = &parcel_find(&draft->parcel, "attachments/2.pdf")->bytes;
    struct buffer kept = *first;
    *first = *second;
    *second = kept;
}
