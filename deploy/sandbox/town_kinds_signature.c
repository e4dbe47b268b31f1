/* Signatures and certificates that do not hold. */
#include <string.h>

#include "deploy/sandbox/town_kinds_bad.h"

void unsigned_prepare(struct draft *draft)
{
    draft->style = SIGN_NOT;
}

/* The signature belongs to another application of the same person. */
void other_document_tamper(struct draft *draft)
{
    struct buffer *form = &draft->parcel.members[0].bytes;
    struct form_order other = draft->form;
    struct buffer changed = {0};
    do {
        buffer_clear(&changed);
        other.dice_seed++;
        form_write(&other, &changed);
    } while (bytes_equal(buffer_bytes(&changed), buffer_bytes(form)));
    buffer_free(form);
    *form = changed;
}

void altered_form_prepare(struct draft *draft)
{
    draft->style = dice_chance(&draft->dice, 50) ? SIGN_ENVELOPED : SIGN_DETACHED;
}

/* One digit of the telephone number. */
void altered_form_tamper(struct draft *draft)
{
    static const char element[] = "<phone>0900000";
    struct buffer *form = &draft->parcel.members[0].bytes;
    uint8_t *at = memmem(form->data, form->length, element, sizeof element - 1);
    at[sizeof element - 1] = at[sizeof element - 1] == '9' ? '0' : at[sizeof element - 1] + 1;
}

/* One letter of a comment: it is still a valid PDF. */
void altered_attachment_tamper(struct draft *draft)
{
    uint8_t *pdf = parcel_find(&draft->parcel, "attachments/1.pdf")->bytes.data;
    pdf[20] = pdf[20] == 'A' ? 'B' : 'A';
}

void uncovered_prepare(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/1.pdf");
    draft->attachments_covered = false;
    draft->style = dice_chance(&draft->dice, 50) ? SIGN_ENVELOPED : SIGN_DETACHED;
}

void wrong_key_prepare(struct draft *draft)
{
    size_t i = 0;
    while (draft->town->keys[i] == draft->order.key)
        i++;
    draft->signing_key = draft->town->keys[i];
}

void sha1_prepare(struct draft *draft)
{
    draft->digest = XML_SIGN_SHA1;
}

/* A card of six years ago: its fifth birthday is over. */
void expired_prepare(struct draft *draft)
{
    draft->order.generation = 2;
    draft->order.issued = draft->town->now - dice_between(&draft->dice, 1900, 2400) * INSTANT_DAY;
}

void not_yet_valid_prepare(struct draft *draft)
{
    draft->order.generation = JPKI_GENERATION_LAST;
    draft->order.issued =
        draft->parcel.applied_at + dice_between(&draft->dice, 1, 20) * INSTANT_DAY;
}

void revoked_before_prepare(struct draft *draft)
{
    draft->revoked_at =
        draft->parcel.applied_at - dice_between(&draft->dice, 3600, 9 * 86400) * INSTANT_SECOND;
}

void login_certificate_prepare(struct draft *draft)
{
    draft->order.ca = JPKI_AUTH;
    draft->order.generation = 0; /* has only one */
    draft->order.expires = jpki_fifth_birthday(draft->signer.birth_day, draft->order.issued);
}

void login_usage_prepare(struct draft *draft)
{
    draft->order.login = true;
}

void unknown_issuer_prepare(struct draft *draft)
{
    draft->order.ca = JPKI_FOREIGN;
}
