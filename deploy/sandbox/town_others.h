/* Applications of every procedure: the good examples of the procedures' folders, with the town's
 * residents as claimants, and days, months and years as far from today as the example's were. */
#ifndef UKETSUKE_SANDBOX_TOWN_OTHERS_H
#define UKETSUKE_SANDBOX_TOWN_OTHERS_H

#include "deploy/sandbox/town.h"

#define OTHER_DOCUMENTS_MOST 8

struct other_document {
    char id[64]; /* as attachments.xml has it */
    int count;
};

struct other_form {
    char procedure_id[129];
    char *text;     /* examples/good….xml */
    struct day day; /* that it was written for */
    struct other_document documents[OTHER_DOCUMENTS_MOST];
    size_t document_count;
    struct day birth_day; /* of its claimant */
    char sex;
    bool asks_age, asks_sex, asks_month; /* its rules do: not everybody may apply, or not always */
};

struct town_others {
    struct other_form *forms;
    size_t count;
    int percent; /* of the good applications */
};

/* `folder`: of the procedures. Nothing is read when percent is 0. */
bool town_others_read(const char *folder, int64_t percent, struct town_others *ret_others,
                      struct failure *f);
void town_others_free(struct town_others *others);
/* Makes `draft` one of them that its claimant may apply for today, with its documents; or leaves it
 * as it is. After the kind's prepare. */
void town_others_apply(const struct town_others *others, struct draft *draft);
/* Writes application.xml, when it is one of them. */
bool town_others_write(const struct draft *draft, struct buffer *ret_xml);

/* The text of the first <element> from `at` on: where it begins and ends. */
bool element_find(const char *at, const char *element, const char **ret_text, size_t *ret_length);

#endif
