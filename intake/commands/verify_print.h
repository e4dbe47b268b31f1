/* How `uketsuke verify` shows an examination. */
#ifndef UKETSUKE_INTAKE_COMMANDS_VERIFY_PRINT_H
#define UKETSUKE_INTAKE_COMMANDS_VERIFY_PRINT_H

#include <stdio.h>

#include "intake/examine.h"

/* One line: the report, with the package's path as "file". */
void verify_print_json(FILE *out, const char *path, const struct examination *examination);
/* One line a check, the deciding reason, what it means, what to do. */
void verify_print_text(FILE *out, const char *path, const struct examination *examination);
/* A page of plain Japanese, for staff. */
void verify_print_page(FILE *out, const char *path, const struct examination *examination);

#endif
