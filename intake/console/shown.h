/* Whoever was shown for an application may be proposed as its applicant, and nobody else: a
 * 宛名番号 out of nowhere would look a person up by one fact. Shown are the candidates of its
 * decision; who was found by a search carries a mark, which is good for this clerk and this
 * application. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SHOWN_H
#define UKETSUKE_INTAKE_CONSOLE_SHOWN_H

#include "intake/console/subject.h"

#define SHOWN_MARK 65 /* 64 hexadecimal digits, NUL */

void shown_mark(const struct subject_call *call, const char *atenabango, char ret_mark[SHOWN_MARK]);
/* Within subject_do. `mark`: as the request has it; NULL without. */
bool shown_before(struct db_tx *tx, const struct subject_call *call, const char *atenabango,
                  const char *mark, bool *ret_shown, struct failure *f);

#endif
