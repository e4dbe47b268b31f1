/* examples/ of a procedure: whole forms (NAME.xml, NAME.json) and cases (cases.json), which change
 * a whole form. Internal to forms/. */
#ifndef UKETSUKE_FORMS_CASES_H
#define UKETSUKE_FORMS_CASES_H

#include "forms/definition.h"

/* "FILE:LINE: what" of the definition; LINE 0 where there is none. */
void problem_add(json_t *problems, const char *file, long line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Runs all of them; what comes out otherwise than expected is added to `problems`, and so is a rule
 * with an id that no case trips, or that has no case at its edge. */
void examples_check(struct procedure *procedure, json_t *problems);

/* One case of cases.json; false with a sentence when it comes out otherwise. */
bool case_run(struct procedure *procedure, const json_t *one, char ret_why[512]);

#endif
