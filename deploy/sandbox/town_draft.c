/* From a household to a 申請ZIP. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town.h"
#include "deploy/sandbox/town_container.h"
#include "deploy/sandbox/town_files.h"
#include "deploy/sandbox/town_others.h"

void draft_attach_pdf(struct draft *draft, const char *name)
{
    struct buffer bytes = {0};
    pdf_write(&draft->dice, "Made-up attachment of a made-up town", &bytes);
    parcel_add(&draft->parcel, name, &bytes);
}

void draft_attach_jpeg(struct draft *draft, const char *name)
{
    struct buffer bytes = {0};
    jpeg_write(&draft->dice, &bytes);
    parcel_add(&draft->parcel, name, &bytes);
}

void draft_attach_png(struct draft *draft, const char *name)
{
    struct buffer bytes = {0};
    png_write(&draft->dice, &bytes);
    parcel_add(&draft->parcel, name, &bytes);
}

/* At the counter, in its hours, so many days ago. */
static instant issue_time(struct dice *dice, instant now, int days_least, int days_most)
{
    struct day day = day_add(day_of_instant(now), -dice_between(dice, days_least, days_most));
    return day_start(day) + dice_between(dice, 9 * 3600, 17 * 3600) * INSTANT_SECOND;
}

static void certificate_plan(struct draft *draft)
{
    bool second = dice_chance(&draft->dice, 30);
    draft->order = (struct jpki_order){
        .ca = JPKI_SIGN,
        .generation = second ? 2 : 3,
        .partition = draft->town->city,
        .facts = &draft->facts,
        .key = draft->town->keys[dice_roll(&draft->dice) % draft->town->key_count],
        .issued = second ? issue_time(&draft->dice, draft->town->now, 1130, 1400)
                         : issue_time(&draft->dice, draft->town->now, 10, 1000),
    };
}

static void parcel_plan(struct draft *draft, instant applied_at)
{
    struct parcel *parcel = &draft->parcel;
    struct buffer empty = {0};
    snprintf(parcel->receipt_number, sizeof parcel->receipt_number, "%s%08u", draft->town->prefix,
             draft->number + 1);
    snprintf(parcel->city_code, sizeof parcel->city_code, "%s", draft->town->city->city_code);
    snprintf(parcel->procedure_id, sizeof parcel->procedure_id, "%s", TOWN_PROCEDURE);
    snprintf(parcel->form_version, sizeof parcel->form_version, "1");
    parcel->applied_at = applied_at;
    parcel_add(parcel, "application.xml", &empty); /* written later, stands first */
}

static void draft_plan(struct draft *draft, instant applied_at)
{
    household_make(draft->town->seed, draft->number, draft->town->city->city, draft->town->now,
                   &draft->household);
    draft->dice = dice_make(draft->town->seed ^ 0xA11CA7E, draft->number);
    draft->signer = draft->household.claimant;
    draft->registered = true;
    draft->attachments_covered = true;
    draft->fault = "";
    draft->form = (struct form_order){.household = &draft->household,
                                      .applied_at = applied_at,
                                      .dice_seed = draft->town->seed ^ draft->number};
    snprintf(draft->fact_address, sizeof draft->fact_address, "%s", draft->household.address);
    certificate_plan(draft);
    parcel_plan(draft, applied_at);
}

static X509 *draft_certify(struct draft *draft, struct failure *f)
{
    struct jpki *jpki = draft->town->jpki;
    draft->facts = (struct jpki_facts){
        .name = draft->fact_name[0] ? draft->fact_name : draft->signer.name,
        .sex = draft->signer.sex,
        .birth_day = draft->signer.birth_day,
        .address = draft->fact_address,
        .name_substituted = draft->fact_substituted[0] ? draft->fact_substituted : NULL};
    if (draft->order.ca == JPKI_FOREIGN) { /* takes the serial number of a genuine one */
        struct jpki_order genuine = draft->order;
        genuine.ca = JPKI_SIGN;
        genuine.generation = JPKI_GENERATION_LAST;
        X509 *made = jpki_issue(jpki, &genuine, &draft->order.serial, f);
        if (!made)
            return NULL;
        X509_free(made);
    }
    _cleanup_(cleanup_x509) X509 *made = jpki_issue(jpki, &draft->order, &draft->serial, f);
    if (!made)
        return NULL;
    if (draft->revoked_at) {
        static const int reasons[] = {CRL_REASON_UNSPECIFIED, CRL_REASON_KEY_COMPROMISE,
                                      CRL_REASON_AFFILIATION_CHANGED,
                                      CRL_REASON_CESSATION_OF_OPERATION};
        if (!jpki_revoke(jpki, JPKI_SIGN, draft->serial, draft->revoked_at,
                         reasons[dice_between(&draft->dice, 0, 3)], f))
            return NULL;
    }
    return TAKE(made);
}

/* Signs application.xml and attachments, as `with_form` and `with_attachments` say, and gives the
 * ds:Signature. */
static bool signature_make(struct draft *draft, const X509 *certificate, bool with_form,
                           bool with_attachments, struct buffer *ret_signature, struct failure *f)
{
    const struct parcel *parcel = &draft->parcel;
    struct xml_sign_reference *references =
        memory_allocate((parcel->count + 1) * sizeof *references);
    size_t count = 0;
    for (size_t i = 0; i < parcel->count; i++) {
        bool form = i == 0;
        bool attachment = strncmp(parcel->members[i].name, "attachments/", 12) == 0;
        if (!(form ? with_form : attachment && with_attachments))
            continue;
        struct xml_sign_reference *reference = &references[count++];
        reference->uri = parcel->members[i].name;
        reference->content = buffer_bytes(&parcel->members[i].bytes);
        if (form && draft->style == SIGN_ENVELOPED) {
            reference->uri = "";
            reference->transform = XML_SIGN_ENVELOPED;
        } else if (form && !draft->by_bytes) {
            reference->transform = XML_SIGN_C14N;
        }
    }
    bool done = xml_sign(references, count, draft->digest, draft->signing_key, certificate,
                         ret_signature, f);
    free(references);
    return done;
}

static void signature_envelope(struct buffer *form, struct bytes signature)
{
    static const char end[] = "</application>\n";
    form->length -= sizeof end - 1;
    buffer_append(form, signature.data, signature.length);
    buffer_append_text(form, end);
}

static bool signature_file(struct draft *draft, const X509 *certificate, const char *name,
                           bool with_form, bool with_attachments, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer file = {0};
    buffer_append_text(&file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    if (!signature_make(draft, certificate, with_form, with_attachments, &file, f))
        return false;
    buffer_append_text(&file, "\n");
    parcel_add(&draft->parcel, name, &file);
    return true;
}

static bool draft_sign(struct draft *draft, struct failure *f)
{
    const X509 *certificate = draft->certificate;
    bool covered = draft->attachments_covered;
    if (!draft->signing_key)
        draft->signing_key = draft->order.key;
    if (draft->style == SIGN_NOT)
        return true;
    if (draft->style == SIGN_CMS || draft->style == SIGN_CMS_BARE || draft->style == SIGN_RAW)
        return draft_sign_container(draft, f);
    if (draft->style == SIGN_SPLIT)
        return signature_file(draft, certificate, "signature/1.xml", true, false, f) &&
               signature_file(draft, certificate, "signature/2.xml", false, true, f);
    if (draft->style == SIGN_DETACHED)
        return signature_file(draft, certificate, "signature/1.xml", true, covered, f);
    _cleanup_(cleanup_buffer) struct buffer signature = {0};
    if (!signature_make(draft, certificate, true, covered, &signature, f))
        return false;
    signature_envelope(&draft->parcel.members[0].bytes, buffer_bytes(&signature));
    return true;
}

bool draft_make(struct town *town, const struct kind *kind, uint32_t number, instant applied_at,
                struct draft *ret_draft, struct buffer *ret_zip, struct failure *f)
{
    struct draft *draft = ret_draft;
    *draft = (struct draft){.town = town, .kind = kind, .number = number};
    draft_plan(draft, applied_at);
    if (kind->prepare)
        kind->prepare(draft);
    _cleanup_(cleanup_x509) X509 *certificate = draft_certify(draft, f);
    if (!certificate)
        return false;
    if (town->others)
        town_others_apply(town->others, draft);
    if (!town_others_write(draft, &draft->parcel.members[0].bytes))
        form_write(&draft->form, &draft->parcel.members[0].bytes);
    draft->certificate = certificate;
    if (!draft_sign(draft, f))
        return false;
    if (kind->tamper)
        kind->tamper(draft);
    if (!parcel_zip(&draft->parcel, ret_zip, f))
        return false;
    if (kind->spoil)
        kind->spoil(draft, ret_zip);
    return true;
}

void draft_clear(struct draft *draft)
{
    parcel_clear(&draft->parcel);
    free(draft->owned);
    draft->owned = NULL;
}
