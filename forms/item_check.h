/* The checks of single items that record.xml can name, beyond what a schema can say. */
#ifndef UKETSUKE_FORMS_ITEM_CHECK_H
#define UKETSUKE_FORMS_ITEM_CHECK_H

#include <stdbool.h>

struct item_check {
    const char *name;   /* check="kojinbango" */
    const char *reason; /* "form-kojinbango" */
    const char *what;   /* in English, for the report */
    bool (*good)(const char *text);
};

const struct item_check *item_check_find(const char *name); /* NULL when there is none */

#endif
