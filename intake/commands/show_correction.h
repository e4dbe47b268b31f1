/* Within `uketsuke show`: what an application corrects, and what took its place (訂正). */
#ifndef UKETSUKE_INTAKE_COMMANDS_SHOW_CORRECTION_H
#define UKETSUKE_INTAKE_COMMANDS_SHOW_CORRECTION_H

#include "base/db.h"

/* For show_correction_print; free the rows. As role operator. */
bool show_correction_find(struct db_tx *tx, const char *city_code, const char *application_id,
                          struct db_rows **ret_rows, struct failure *f);
/* A line for each; none when it has to do with no correction. */
void show_correction_print(const struct db_rows *rows);

#endif
