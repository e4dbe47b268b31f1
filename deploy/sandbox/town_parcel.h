/* Putting a 申請ZIP together: members, 構成管理情報, ZIP. Says what it is told, true or not. */
#ifndef UKETSUKE_SANDBOX_TOWN_PARCEL_H
#define UKETSUKE_SANDBOX_TOWN_PARCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

struct parcel_member {
    char name[96];
    struct buffer bytes;
    bool unlisted;  /* in the ZIP, not in the manifest */
    bool absent;    /* in the manifest, not in the ZIP */
    bool encrypted; /* AES-256 */
    bool belied;    /* the manifest's hash is another's */
};

struct parcel {
    char receipt_number[65];
    char city_code[7];
    char procedure_id[129];
    char form_version[17];
    char corrects[65]; /* 訂正; "" */
    instant applied_at;
    bool by_agent;
    struct parcel_member *members;
    size_t count, room;
};

/* Takes the content (which is then empty); returns the member, valid until the next addition. */
struct parcel_member *parcel_add(struct parcel *parcel, const char *name, struct buffer *content);
struct parcel_member *parcel_find(const struct parcel *parcel, const char *name);
void parcel_clear(struct parcel *parcel);
/* Milliseconds, JST: as the manifest and the portal's list have it. */
const char *applied_at_text(instant at, char text[INSTANT_TEXT]);
bool parcel_zip(const struct parcel *parcel, struct buffer *ret_zip, struct failure *f);

/* A ZIP of one file. */
bool zip_of(const char *name, struct bytes content, struct buffer *ret_zip, struct failure *f);

#endif
