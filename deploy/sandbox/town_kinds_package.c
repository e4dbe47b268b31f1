/* Packages that are no packages. Signed and listed as if all were well, wherever that can be. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town_files.h"
#include "deploy/sandbox/town_kinds_bad.h"

#define BOMB_MEMBER  (16u << 20) /* inflated; about 16 KiB in the ZIP */
#define BOMB_MEMBERS 3
#define MANY_MEMBERS 1500

void one_pdf_prepare(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/1.pdf");
}

void truncated_zip_spoil(struct draft *draft, struct buffer *zip)
{
    (void)draft;
    zip->length = zip->length * 3 / 5;
}

void zip_bomb_prepare(struct draft *draft)
{
    for (int i = 1; i <= BOMB_MEMBERS; i++) {
        char name[32];
        struct buffer zeros = {0};
        snprintf(name, sizeof name, "attachments/%d.pdf", i);
        memset(buffer_reserve(&zeros, BOMB_MEMBER), 0, BOMB_MEMBER);
        buffer_commit(&zeros, BOMB_MEMBER);
        memcpy(zeros.data, "%PDF-1.4\n", 9);
        parcel_add(&draft->parcel, name, &zeros);
    }
}

void nested_archive_prepare(struct draft *draft)
{
    struct buffer inner = {0}, outer = {0};
    struct failure f = {0};
    pdf_write(&draft->dice, "Inside of an archive", &inner);
    if (zip_of("1.pdf", buffer_bytes(&inner), &outer, &f)) /* with or without its own name */
        parcel_add(&draft->parcel,
                   dice_chance(&draft->dice, 50) ? "attachments/1.zip" : "attachments/1.pdf",
                   &outer);
    buffer_free(&inner);
}

static void text_member_add(struct draft *draft, const char *name, const char *text)
{
    struct buffer bytes = {0};
    buffer_append_text(&bytes, text);
    parcel_add(&draft->parcel, name, &bytes);
}

void path_traversal_tamper(struct draft *draft)
{
    text_member_add(draft, "../../../../etc/cron.d/uketsuke", "* * * * * root true\n");
}

void encrypted_tamper(struct draft *draft)
{
    parcel_find(&draft->parcel, "attachments/1.pdf")->encrypted = true;
}

/* libzip refuses to write a name twice: one of the two gets it afterwards. */
void duplicate_tamper(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/#.pdf");
    parcel_find(&draft->parcel, "attachments/#.pdf")->unlisted = true;
}

void duplicate_spoil(struct draft *draft, struct buffer *zip)
{
    static const char name[] = "attachments/#.pdf";
    (void)draft;
    for (size_t i = 0; i + sizeof name - 1 <= zip->length; i++)
        if (memcmp(zip->data + i, name, sizeof name - 1) == 0)
            zip->data[i + 12] = '1';
}

void too_many_tamper(struct draft *draft)
{
    for (int i = 0; i < MANY_MEMBERS; i++) {
        char name[48];
        snprintf(name, sizeof name, "attachments/%04d.pdf", i);
        text_member_add(draft, name, "%PDF-1.4\n");
    }
}

void missing_tamper(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/2.pdf");
    parcel_find(&draft->parcel, "attachments/2.pdf")->absent = true;
}

void extra_tamper(struct draft *draft)
{
    draft_attach_pdf(draft, "attachments/9.pdf");
    parcel_find(&draft->parcel, "attachments/9.pdf")->unlisted = true;
}

void hash_tamper(struct draft *draft)
{
    parcel_find(&draft->parcel,
                dice_chance(&draft->dice, 50) ? "application.xml" : "attachments/1.pdf")
        ->belied = true;
}

/* The portal lists it for one city, the manifest names its neighbour. */
void wrong_city_prepare(struct draft *draft)
{
    snprintf(draft->parcel.city_code, sizeof draft->parcel.city_code, "%s",
             draft->town->neighbour->city_code);
}
