/* Which items of a procedure's record may go where: what record.xml says, as a table. */
#ifndef UKETSUKE_FORMS_FIELDS_H
#define UKETSUKE_FORMS_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "forms/procedure.h"

/* [{"item": "claimant.name", "to": ["child-allowance"…], "individual_number": false}…] in the
 * order of record.xml; entries of a list as "children[].name". New reference. */
json_t *procedure_fields(const struct procedure *procedure);
/* Whether `destination` may have any item that is a 個人番号. */
bool procedure_sends_numbers(const struct procedure *procedure, const char *destination);

#endif
