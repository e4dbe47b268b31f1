#include "intake/console/term.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"

const char *term_shown(const struct holidays *holidays, const struct procedure *procedure,
                       const char *term, const char *due_on, char ret[DAY_TEXT])
{
    return procedure && term && procedure_term_moves(procedure, term)
               ? holiday_moved(holidays, due_on, ret)
               : due_on;
}

static void key_add(struct moving_terms *terms, const struct procedure *procedure, const char *term)
{
    terms->keys = memory_resize(terms->keys, (terms->count + 1) * sizeof *terms->keys);
    terms->keys[terms->count++] =
        text_format("%s %s %s", procedure_id(procedure), procedure_version(procedure), term);
}

void moving_terms_read(const struct procedures *procedures, struct moving_terms *ret_terms)
{
    struct moving_terms terms = {0};
    const char *term;
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const struct procedure *procedure = procedures_at(procedures, i);
        for (size_t k = 0; (term = procedure_term_at(procedure, k)); k++)
            if (procedure_term_moves(procedure, term))
                key_add(&terms, procedure, term);
    }
    *ret_terms = terms;
}

void moving_terms_free(struct moving_terms *terms)
{
    for (size_t i = 0; i < terms->count; i++)
        free(terms->keys[i]);
    free(terms->keys);
    *terms = (struct moving_terms){0};
}

struct term_bound term_bound(const struct holidays *holidays, struct day day)
{
    struct term_bound bound;
    day_text(day, bound.day);
    day_text(holiday_open_until(holidays, day), bound.moving);
    return bound;
}
