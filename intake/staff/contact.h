/* 連絡記録: what staff talked about with an applicant, or about one. Written once, never changed;
 * sealed under the application's key. */
#ifndef UKETSUKE_INTAKE_STAFF_CONTACT_H
#define UKETSUKE_INTAKE_STAFF_CONTACT_H

#include "intake/staff/staff.h"

/* How: phone 電話, counter 窓口, letter 郵便, mail メール, inside 庁内, other その他. */
bool contact_way_known(const char *way);

/* `act`: whose, about what, from where; its reason and version do not matter. The words as
 * message_valid (routing/message.h) has them. Leaves an entry in the trail, without the words. */
bool contact_write(struct db_tx *tx, const struct staff_act *act, const char *way,
                   const char *words, struct failure *f);
/* $1 the city, $2 the application. */
extern const struct db_statement contact_select;
/* Its rows as [{"at","by","way","text"}…], the oldest first. New reference; personal. */
bool contact_list(const struct db_rows *rows, const struct city_key *city_key,
                  const char *city_code, const char *application_id, json_t **ret_list,
                  struct failure *f);

#endif
