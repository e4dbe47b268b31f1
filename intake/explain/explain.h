/* The report of an examination as a page of plain Japanese, for staff: the conclusion, why, what to
 * do, what was checked and by which data. It tells nothing that the report does not hold. */
#ifndef UKETSUKE_INTAKE_EXPLAIN_EXPLAIN_H
#define UKETSUKE_INTAKE_EXPLAIN_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

/* `report` as in docs/formats/report.md; `title` names the package (a path, a receipt number). */
void explain_page(FILE *out, const char *title, const json_t *report);

#endif
