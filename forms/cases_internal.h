/* Between the sources of cases.h. */
#ifndef UKETSUKE_FORMS_CASES_INTERNAL_H
#define UKETSUKE_FORMS_CASES_INTERNAL_H

#include "forms/cases.h"

#define WHY 512 /* bytes of a sentence */

/* "copy", "set", "remove", in this order; false with a sentence. */
bool case_change(const struct procedure *procedure, xmlDoc *form, const json_t *one, char *ret_why);
/* The smallest file of the first of the formats that this knows. */
struct bytes case_file(const char *formats, const char **ret_ending);

#endif
