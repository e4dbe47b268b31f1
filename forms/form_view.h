/* One form as a person reads it: what stands in it, in the order of the definition's labels, as a
 * flat list of headings and rows. Pure: the same inputs give the same view. form_view_html.h and
 * form_view_pdf.h show it. docs/rendering.md.
 *
 * A 個人番号 and a 住民票コード (check="kojinbango", "juminhyokodo" of record.xml) is masked unless
 * it is asked for: then its digits stand nowhere in the view, not in another item, a finding or a
 * note either. Who asks for it has to have the right, and leaves an entry in the audit trail; that
 * is the caller's business.
 *
 * Texts are UTF-8, not escaped for any output. What is not seen, or turns around what is seen
 * (controls, format characters such as U+202E), is written as "[U+202E]"; only line breaks stay.
 * Variation selectors stay, so do characters of private use (外字), with a remark. */
#ifndef UKETSUKE_FORMS_FORM_VIEW_H
#define UKETSUKE_FORMS_FORM_VIEW_H

#include "forms/procedure.h"

struct view_difference {
    const char *item; /* as form_read names items: "claimant/address", "children/child[2]/name" */
    const char *note; /* Japanese, for staff: "住民記録では 本町一丁目2-3" */
};

struct view_file {    /* an attachment */
    const char *name; /* in the package: "attachments/ID-1.pdf" */
    size_t size;      /* bytes */
};

struct view_input {             /* all borrowed, for the call only */
    xmlDoc *form;               /* the application's, or record_form.h's of a record; one that does
                                   not fit form.xsd is shown as far as it does */
    const char *receipt_number; /* NULL: not shown */
    instant applied_at;         /* 0: not shown */
    const json_t *record;       /* of form_read, for what was computed; NULL: nothing computed */
    const json_t *findings;     /* as of form_read; "severity" may be "refuse", too; NULL: none */
    const struct view_difference *differences; /* from the registry */
    size_t difference_count;
    const struct view_file *files; /* NULL: attachments are not spoken of; else "none" when none */
    size_t file_count;
    bool show_numbers;
};

enum view_mark {
    VIEW_DIFFERENCE, /* 相違: differs from the registry */
    VIEW_REFUSE,     /* 不備: a rule refuses */
    VIEW_REVIEW,     /* 要確認: a rule asks for review */
    VIEW_NOTE,       /* 参考: a rule notes */
    VIEW_CHARACTERS, /* 外字: characters that a screen or printer may not have */
    VIEW_UNKNOWN,    /* 定義外: stands in the form, not in the definition */
};
#define VIEW_MARKS 6
const char *view_mark_text(enum view_mark mark); /* Japanese, two to three characters */

struct view_remark {
    enum view_mark mark;
    char *text; /* for an item that is not shown, begins with the item's label */
};

struct view_remarks {
    struct view_remark *items;
    size_t count;
};

struct view_entry {
    bool heading; /* of what follows, to the next heading of its level or above; else a row */
    int level;    /* of a heading: 1 a group, 2 and more within it */
    char *path;   /* as form_read names it; "" when it is no item of the form */
    char *label;  /* "" only of a heading: what follows belongs under no heading */
    char *text;   /* of a row; a choice's label, a day as 令和8年11月28日, "はい", … */
    char *also;   /* beside it: the day as 2026-11-28, "非表示", how it was computed; NULL */
    bool number;  /* a 個人番号 or 住民票コード, */
    bool masked;  /* which is not shown */
    struct view_remarks remarks;
};

struct view_fact { /* about the application: 受付番号, 申請日時, 様式, 利用目的, 根拠法令 */
    const char *label;
    char *text;
};
#define VIEW_FACTS_MOST 5

struct view {
    char *title;                                         /* the procedure's name */
    char *receipt_number, *applied_at, *purpose, *basis; /* NULL when there is none */
    struct view_fact facts[VIEW_FACTS_MOST]; /* those that there are, as they are shown */
    size_t fact_count;
    struct view_remarks remarks; /* on the form as a whole */
    struct view_entry *entries;
    size_t entry_count;
};

/* Never NULL; free with view_free. No remark is lost: what names an item that is not shown goes to
 * the nearest heading around it, else to the form as a whole. */
struct view *view_build(const struct procedure *procedure, const struct view_input *input);
void view_free(struct view *view); /* overwrites what it says first */

#endif
