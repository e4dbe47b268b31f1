/* What a procedure's folder says, in memory. Internal to forms/. */
#ifndef UKETSUKE_FORMS_DEFINITION_H
#define UKETSUKE_FORMS_DEFINITION_H

#include <libxml/xmlschemas.h>

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
    struct map *parts;
    size_t part_count;
};

/* `item` must (or must not) be there when the item `when` is `is`. */
struct rule {
    char *item, *when, *is;
    bool forbids;
};

struct label {
    char *path;
    char *value; /* of an enumeration; NULL: the item itself */
    char *text;
};

struct procedure {
    char *folder;        /* as given to procedures_load, for failures */
    struct buffer files; /* their names and SHA-256, as they are read, … */
    char sha256[65];     /* … and the SHA-256 of that */
    char *id, *version, *name, *namespace;
    bool signature_required;
    xmlDoc *xsd; /* stays with the schema that was made from it */
    xmlSchema *schema;
    struct outline outline;
    struct label *labels;
    size_t label_count;
    struct map record; /* an object without a name */
    struct rule *rules;
    size_t rule_count;
};

/* A document of the folder, which becomes part of the definition's fingerprint; the caller frees.
 * The failure names file and line. */
xmlDoc *definition_parse(struct procedure *procedure, const char *file, struct failure *f);
/* "FOLDER/FILE:LINE: …", FAILURE_USAGE; returns false. */
bool definition_broken(struct failure *f, const char *folder, const char *file, long line,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* True when the element has only the attributes of `allowed` (separated by blanks). */
bool definition_attributes(const xmlNode *node, const char *allowed);
bool words_contain(const char *words, const char *word);

bool outline_load(struct procedure *procedure, struct failure *f);
void outline_free(struct outline *outline);
/* By relative path; NULL when there is none. */
const struct outline *outline_find(const struct outline *outline, const char *path);
const struct outline *outline_part(const struct outline *outline, const char *name);

bool labels_load(struct procedure *procedure, struct failure *f);
void labels_free(struct procedure *procedure);

bool record_load(struct procedure *procedure, struct failure *f);
void record_free(struct procedure *procedure);
/* Item checks, rules, then the record (new reference); NULL when a check failed. */
json_t *record_build(const struct procedure *procedure, xmlDoc *form, instant applied_at,
                     struct checks *checks);

/* Schema and structure: check "form.schema". */
bool schema_validate(const struct procedure *procedure, xmlDoc *form, struct checks *checks);

/* The element at a relative path, the first where it repeats; NULL. */
xmlNode *form_at(const struct procedure *procedure, xmlNode *from, const char *path);
/* "children/child[2]/name" for an element that the outline knows; else the nearest one around it.
 * Only names that stand in form.xsd: what an applicant wrote is never quoted. */
char *form_path(const struct procedure *procedure, const xmlNode *node);

#endif
