/* 期限: when a term ends as people are told it. One that closed days move is stored moved by those
 * of the law alone; the city's own (closed.h) move it here, in what is shown and in what is asked
 * for, and no other term is moved anywhere. */
#ifndef UKETSUKE_INTAKE_CONSOLE_TERM_H
#define UKETSUKE_INTAKE_CONSOLE_TERM_H

#include "forms/procedure.h"
#include "intake/console/holiday.h"

/* The day to show of what is stored, YYYY-MM-DD; "infinity" and what is no day stay as they are. */
const char *term_shown(const struct holidays *holidays, const struct procedure *procedure,
                       const char *term, const char *due_on, char ret[DAY_TEXT]);

/* What is asked of the database: the term of `a`, an application, ends by a day, as it is shown,
 * when it is stored to end by the bound's `moving`, or when it ends by the day itself and
 * TERM_STAYS. */
struct term_bound {
    char day[DAY_TEXT], moving[DAY_TEXT]; /* moving: not behind day */
};
struct term_bound term_bound(const struct holidays *holidays, struct day day);

/* No closed day moves it; `keys`: a parameter, the moving_terms. (It reads what no index holds.) */
#define TERM_STAYS(keys)                                                                           \
    "(a.procedure_id || ' ' || a.form_version || ' ' || a.due_term) <> ALL(" keys "::text[])"
struct moving_terms { /* free with moving_terms_free */
    char **keys;
    size_t count;
};
void moving_terms_read(const struct procedures *procedures, struct moving_terms *ret_terms);
void moving_terms_free(struct moving_terms *terms);

#endif
