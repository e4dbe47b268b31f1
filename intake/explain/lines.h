/* The checks of a report as lines of plain Japanese, for the console. */
#ifndef UKETSUKE_INTAKE_EXPLAIN_LINES_H
#define UKETSUKE_INTAKE_EXPLAIN_LINES_H

#include <jansson.h>

/* [{"check", "result", "text"}] in the order of the checks; one of a row of passed checks that have
 * the same words is enough. New reference. */
json_t *explain_lines(const json_t *report);
/* What a reason means, for staff; NULL when nothing is written about it. */
const char *explain_reason(const char *reason);

#endif
