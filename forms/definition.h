/* What a procedure's folder says, in memory. Internal to forms/. */
#ifndef UKETSUKE_FORMS_DEFINITION_H
#define UKETSUKE_FORMS_DEFINITION_H

#include <libxml/xmlschemas.h>
#include <libxml/xpath.h>

#include "base/bytes.h"
#include "forms/procedure.h"

/* One element of the form as form.xsd has it. */
struct outline {
    char *name;
    char *path; /* from the root, "children/child/name"; "" for the root */
    bool leaf;  /* has text, no elements */
    bool required;
    int64_t most; /* how often it may stand in a row */
    long line;    /* of form.xsd */
    struct outline *parts;
    size_t part_count;
};

enum map_kind { MAP_OBJECT, MAP_LIST, MAP_ITEM };
enum map_type { MAP_TEXT, MAP_INTEGER, MAP_BOOLEAN };

struct item_check;

/* One entry of record.xml. */
struct map {
    enum map_kind kind;
    enum map_type type;
    char *name; /* in the record */
    char *from; /* path in the form, relative to the entry around it */
    char *to;   /* destinations that may have it, separated by blanks; inherited */
    const struct item_check *check; /* NULL: none */
    bool not_after_applied_at;
    long line;
    struct map *parts;
    size_t part_count;
};

/* `item` must (or must not) be there when the item `when` is `is`: require and forbid. */
struct rule {
    char *id; /* NULL: none */
    char *item, *when, *is;
    size_t around; /* bytes of both paths that lead to the element that repeats, and is the same */
    bool forbids;
    long line;
};

enum severity { SEVERITY_REFUSE, SEVERITY_REVIEW, SEVERITY_NOTE };
extern const char *const severity_names[3];

/* <rule>: an XPath expression that must be true for each element `around`. */
struct test {
    char *id;
    enum severity severity;
    char *around; /* path from the root; "" for the root itself */
    char *item;   /* relative to around; "" for that itself */
    xmlXPathCompExpr *expression;
    char *message;
    long line;
};

/* <value>: what is computed from the form, and how, as strings. */
struct computed {
    char *name, *label, *to;
    xmlXPathCompExpr *select, *how;
    long line;
};

/* <term>: the day by which something has to be done about an application. */
struct term {
    char *name, *label;
    xmlXPathCompExpr *select;
    bool by_law; /* it asks u:term-end */
    long line;
};

/* <setting>: what a city may choose; a variable $setting-NAME. */
struct setting {
    char *name, *values /* NULL: any */, *initial, *value, *help;
};

/* What files of one kind may be attached. */
struct document {
    char *id, *label, *help; /* id NULL: <other> */
    char *formats;           /* "pdf jpeg png" */
    bool required;
    xmlXPathCompExpr *when; /* required only when true; NULL: always */
    int64_t most;
    int64_t size_most; /* bytes of one file */
    long line;
};

struct label {
    char *path;
    char *value; /* of an enumeration; NULL: the item itself */
    char *text;
    char *help; /* NULL: none */
    long line;
};

/* A heading over top-level items that stand in a row. */
struct group {
    char *items; /* separated by blanks */
    char *text;
};

struct procedure {
    char *folder;        /* as given to procedures_load, for failures */
    struct buffer files; /* their names and SHA-256, as they are read, … */
    char sha256[65];     /* … and the SHA-256 of that */
    char *id, *version, *name, *namespace;
    char *summary, *search, *life_events; /* "" when there are none; separated by blanks */
    char *purpose, *basis;                /* 利用目的, 根拠法令; NULL when not given */
    bool signature_required, retired;
    xmlDoc *xsd; /* stays with the schema that was made from it */
    xmlSchema *schema;
    struct outline outline;
    struct label *labels;
    size_t label_count;
    struct group *groups;
    size_t group_count;
    struct map record; /* an object without a name */
    struct rule *rules;
    size_t rule_count;
    struct test *tests;
    size_t test_count;
    struct computed *computed;
    size_t computed_count;
    struct term *terms;
    size_t term_count;
    struct setting *settings;
    size_t setting_count;
    struct document *documents; /* <other> is the last */
    size_t document_count;
    int64_t attachments_most;
    bool closed_days_move; /* a term that ends on a closed day ends on the next open one */
    struct description *description; /* what procedure_describe has made */
};

struct description *description_new(void);
void description_free(struct description *description);

/* A file of a definition, whole; it has a limit. */
bool definition_file_read(const char *path, struct buffer *ret_content, struct failure *f);
/* What loading does not see; appends to `problems`. */
void procedure_check(struct procedure *procedure, json_t *problems);

/* A document of the folder, which becomes part of the definition's fingerprint; the caller frees.
 * The failure names file and line. */
xmlDoc *definition_parse(struct procedure *procedure, const char *file, struct failure *f);
/* "FOLDER/FILE:LINE: …", FAILURE_USAGE; returns false. */
bool definition_broken(struct failure *f, const char *folder, const char *file, long line,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* True when the element has only the attributes of `allowed` (separated by blanks). */
bool definition_attributes(const xmlNode *node, const char *allowed);
bool words_contain(const char *words, const char *word);

/* procedure.xml. */
bool head_load(struct procedure *procedure, const char *area, const char *name, struct failure *f);

bool outline_load(struct procedure *procedure, struct failure *f);
void outline_free(struct outline *outline);
/* By relative path; NULL when there is none. */
const struct outline *outline_find(const struct outline *outline, const char *path);
const struct outline *outline_part(const struct outline *outline, const char *name);

bool labels_load(struct procedure *procedure, struct failure *f);
void labels_free(struct procedure *procedure);

bool record_load(struct procedure *procedure, struct failure *f);
void record_free(struct procedure *procedure);
/* Item checks, then the record (new reference); NULL when a check failed. */
json_t *record_build(const struct procedure *procedure, xmlDoc *form, instant applied_at,
                     struct checks *checks);

/* rules.xml; after labels and record. */
bool rules_load(struct procedure *procedure, struct failure *f);
void rules_free(struct procedure *procedure);
/* attachments.xml; after rules. */
bool attachments_load(struct procedure *procedure, struct failure *f);
void attachments_free(struct procedure *procedure);
const struct document *document_find(const struct procedure *procedure, const char *id);
/* The document that a file belongs to by its name ("attachments/ID-1.pdf"); <other>'s when no
 * document claims it; NULL when there is no place for it. */
const struct document *document_of_file(const struct procedure *procedure, const char *name);
size_t document_files(const struct procedure *procedure, const struct form_input *input,
                      const struct document *document);

/* One form under evaluation: what variables and functions know. */
/* By the procedure's setting closed-days, else as procedures_closed_days_move said. */
bool closed_days_move(const struct procedure *procedure);
struct evaluation;
struct evaluation *evaluation_begin(const struct procedure *procedure,
                                    const struct form_input *input);
void evaluation_end(struct evaluation *evaluation);
/* False: it could not be evaluated (limit of operations, or a bug of the definition). */
bool evaluation_test(struct evaluation *evaluation, xmlXPathCompExpr *expression, xmlNode *at,
                     bool *ret_holds);
bool evaluation_text(struct evaluation *evaluation, xmlXPathCompExpr *expression, xmlNode *at,
                     char **ret_text);
unsigned long evaluation_operations(const struct evaluation *evaluation);

/* require and forbid: check "form.items", as the record's own. */
bool conditions_hold(const struct procedure *procedure, xmlNode *root, struct checks *checks);
/* Check "form.rules"; findings are appended. False when one refuses or could not be evaluated. */
bool tests_hold(const struct procedure *procedure, struct evaluation *evaluation, xmlNode *root,
                struct checks *checks, json_t *findings);
/* "computed" of the record. */
bool computed_add(const struct procedure *procedure, struct evaluation *evaluation, xmlNode *root,
                  struct checks *checks, json_t *record);
/* Check "form.attachments". */
bool attachments_hold(const struct procedure *procedure, struct evaluation *evaluation,
                      const struct form_input *input, xmlNode *root, struct checks *checks);

/* Schema and structure: check "form.schema". */
bool schema_validate(const struct procedure *procedure, xmlDoc *form, struct checks *checks);

/* The element at a relative path, the first where it repeats; NULL. */
xmlNode *form_at(const struct procedure *procedure, xmlNode *from, const char *path);
/* "children/child[2]/name" for an element that the outline knows; else the nearest one around it.
 * Only names that stand in form.xsd: what an applicant wrote is never quoted. */
char *form_path(const struct procedure *procedure, const xmlNode *node);

#endif
