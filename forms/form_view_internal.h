/* Between the sources of form_view.h. */
#ifndef UKETSUKE_FORMS_FORM_VIEW_INTERNAL_H
#define UKETSUKE_FORMS_FORM_VIEW_INTERNAL_H

#include "forms/form_view.h"

/* What a view is made with. */
struct viewing {
    const struct procedure *procedure;
    const struct view_input *input;
    struct view *view;
    const char **secrets; /* what must not be seen; borrowed from the form */
    size_t secret_count;
    size_t shown; /* elements of the form with text that stand in the view */
};

/* A new text that is safe to show: secrets masked, what is not seen written out. */
char *view_text(const struct viewing *viewing, const char *text);
/* Adds the remark VIEW_CHARACTERS when the text has characters of private use. */
void view_characters(struct view_remarks *remarks, const char *text);
void view_remark_add(struct view_remarks *remarks, enum view_mark mark, char *text /* taken */);

/* The entry is empty but for `path`, `label` and `text`, which are copied as view_text does. */
struct view_entry *view_row_add(struct viewing *viewing, const char *path, const char *label,
                                const char *text);
struct view_entry *view_heading_add(struct viewing *viewing, int level, const char *path,
                                    const char *label);

/* Differences and findings, to the entries that they name (form_view_remarks.c). */
void view_remarks_place(struct viewing *viewing);

#endif
