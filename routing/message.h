/* What staff, or a business system, write to the resident. Sealed under the application's key
 * (purpose "message"); it goes to the portal with a status (outbox.message_id), and stays here. */
#ifndef UKETSUKE_ROUTING_MESSAGE_H
#define UKETSUKE_ROUTING_MESSAGE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/db.h"
#include "base/seal.h"

#define MESSAGE_MOST 2000 /* characters, as the portal takes them */

/* 1 to MESSAGE_MOST characters of UTF-8; line feeds, but no other control characters. */
bool message_valid(const char *text);
/* Keeps it, written by `who`; *ret_id for outbox_entry.message_id. */
bool message_write(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                   const char *application_id, const char *who, const char *status,
                   const char *text, int64_t *ret_id, struct failure *f);
/* Appends the text, which is personal: erase it. Nothing when it is forgotten: the application's
 * key is destroyed. FAILURE_INPUT when it can't be read: the trouble of this application alone. */
bool message_read(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                  const char *application_id, int64_t id, struct buffer *text, struct failure *f);

/* What people wrote about an application, under its key, each kind for a purpose of its own. */
bool words_seal(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                const char *application_id, const char *purpose, const char *text,
                struct buffer *ret_sealed, struct failure *f);
/* Appends the text, which is personal: erase it. `wrapped`: the application's key. */
bool words_unseal(const struct city_key *city_key, const char *city_code,
                  const char *application_id, const char *purpose, struct bytes wrapped,
                  struct bytes sealed, struct buffer *text, struct failure *f);

#endif
