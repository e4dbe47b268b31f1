/* Shared by the files application*.c only. */
#ifndef UKETSUKE_INTAKE_APPLICATION_INTERNAL_H
#define UKETSUKE_INTAKE_APPLICATION_INTERNAL_H

#include "intake/application.h"

/* What seals are bound to: "<city code>/<application id>". */
#define APPLICATION_CONTEXT 64
const char *application_context(const struct work_item *item, char text[APPLICATION_CONTEXT]);

void application_copy_text(char *to, size_t size, const char *text); /* NULL gives "" */
bool application_not_stored(const struct work_item *item, const char *what, struct failure *f);
bool application_key_open(const struct city_key *city, const struct work_item *item,
                          const struct wrapped_key *wrapped, struct application_key *ret_key,
                          struct failure *f);
bool wrapped_key_read(const struct db_rows *rows, size_t row, int column,
                      const struct work_item *item, struct wrapped_key *ret_key, struct failure *f);

#endif
