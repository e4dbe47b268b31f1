/* Procedures are data: a folder forms/procedures/<area>/<procedure>/ with
 *   procedure.xml    id, form version, names, whether a signature is required
 *   form.xsd         structure, types, lengths in characters
 *   labels.xml       Japanese labels in the order of display, groups, purpose of use, legal basis
 *   record.xml       which items make the record, from where in the form, with which check, and to
 *                    which destinations they may go
 *   rules.xml        what must hold between items, what is computed, what a city may set
 *   attachments.xml  which documents may or must be attached
 *   examples/        forms and cases with the expected result: they are the tests
 * docs/formats/procedure.md tells how to write them.
 * A procedure's id is "<area>.<procedure>", e.g. child-allowance.certification-claim. */
#ifndef UKETSUKE_FORMS_PROCEDURE_H
#define UKETSUKE_FORMS_PROCEDURE_H

#include <jansson.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "base/failure.h"

struct procedure;
struct procedures; /* read-only after loading */

/* All procedures below `path`. A broken definition is a failure that names file and line. */
bool procedures_load(const char *path, struct procedures **ret_procedures, struct failure *f);
void procedures_free(struct procedures *procedures);
size_t procedures_count(const struct procedures *procedures);
const struct procedure *procedures_at(const struct procedures *procedures, size_t index);
/* NULL when unknown. */
const struct procedure *procedures_find(const struct procedures *procedures, const char *id,
                                        const char *form_version);

const char *procedure_id(const struct procedure *procedure);
const char *procedure_version(const struct procedure *procedure);
/* Of its files, examples aside: another definition has another. 64 hexadecimal digits. */
const char *procedure_sha256(const struct procedure *procedure);
const char *procedure_name(const struct procedure *procedure); /* Japanese, official */
/* Applications of this version are taken in no more; those that are there are still read. */
bool procedure_retired(const struct procedure *procedure);
bool procedure_signature_required(const struct procedure *procedure);
/* Japanese, by the item's path in the form ("claimant/birth-date"); NULL when there is none. */
const char *procedure_label(const struct procedure *procedure, const char *item);
/* What a coded value means ("2" of "claimant/sex": 女); NULL when it has no label. */
const char *procedure_value_label(const struct procedure *procedure, const char *item,
                                  const char *value);

/* What a term of rules.xml is called ("fifteen-days": 15日特例); NULL when there is none. */
const char *procedure_term_label(const struct procedure *procedure, const char *name);
/* The names of its terms, in their order; NULL past the last. */
const char *procedure_term_at(const struct procedure *procedure, size_t index);
/* Whether that term, when it ends on a closed day, ends on the next open one: what u:term-end
 * makes, where closed days move terms. The law's have moved it; a city's own (schema 0019) are not
 * known here. */
bool procedure_term_moves(const struct procedure *procedure, const char *name);
/* What the document is called that a file belongs to by its name ("attachments/ID-1.pdf"); NULL. */
const char *document_label_of_file(const struct procedure *procedure, const char *name);

/* Everything that a screen needs to have the form filled in or shown: docs/formats/description.md.
 * A new reference to what all share: not to be changed. Made when it is first asked for, by any
 * thread, and kept. */
json_t *procedure_describe(const struct procedure *procedure);

/* `uketsuke forms check`: loads all procedures below `path`, one by one, looks for what loading
 * does not see, and runs their examples. *ret_procedures (new reference): [{"folder", "procedure",
 * "version" (null when it cannot be loaded), "problems": [{"file","line","problem"}]}]. */
bool procedures_check(const char *path, json_t **ret_procedures, struct failure *f);

/* What a city chose for a procedure's setting (rules.xml), before anything is read with it; the
 * definition's fingerprint tells it. FAILURE_USAGE when there is no such procedure, setting or
 * value; all versions of the procedure get it. */
bool procedures_set(struct procedures *procedures, const char *id, const char *setting,
                    const char *value, struct failure *f);
/* Whether a term that ends on a closed day (forms/days.h) ends on the next open one; so it is
 * unless this says otherwise. A procedure's own setting "closed-days" (moved, kept) goes first. */
void procedures_closed_days_move(struct procedures *procedures, bool move);

struct form_attachment {
    const char *name; /* in the package: "attachments/ID-1.pdf" */
    struct bytes content;
};

struct form_input {
    xmlDoc *form;
    instant applied_at;
    const struct form_attachment *attachments;
    size_t attachment_count;
};

/* Reads a form. Checks, each only when those before it passed:
 *   form.schema       form-missing-item, form-schema (names the item and line, not what stands
 *                     there), form-too-large
 *   form.items        form-missing-item and form-rule (require and forbid), form-date,
 *                     form-kojinbango … (item_check.h)
 *   form.rules        form-rule, one for each rule that refuses, with the inputs rule, item and
 *                     message (Japanese); undecided form-rule-broken when a rule could not be
 *                     evaluated
 *   form.attachments  attachment-missing, attachment-unknown, attachment-too-many,
 *                     attachment-too-large, attachment-format
 * The record (new reference) when all passed, else NULL:
 * {"procedure","version","claimant":{"name","name_kana","birth_date","sex","address",…},…,
 *  "computed":{"start_month":{"value","how"}}}.
 * Every record has "claimant" with at least name, birth_date, sex and address, which is what
 * identification compares.
 * *ret_findings (new reference, always an array): what rules of severity review and note found,
 * [{"rule","severity","item","message"}…] in the order of the rules; at most
 * FORM_FINDINGS_MOST for each rule. */
#define FORM_FINDINGS_MOST 20
json_t *form_read(const struct procedure *procedure, const struct form_input *input,
                  struct checks *checks, json_t **ret_findings);

struct form_term {
    char name[65]; /* as in rules.xml */
    char on[11];   /* "2026-11-25" */
};
/* By when something has to be done about an application: of the procedure's terms (rules.xml) the
 * first to end on or after the day of application. The form has to be one that form_read read.
 * False: there is none. */
bool form_term(const struct procedure *procedure, const struct form_input *input,
               struct form_term *ret_term);

/* The part of a record that `destination` may have, by record.xml (new reference). */
json_t *record_for(const struct procedure *procedure, const json_t *record,
                   const char *destination);

#endif
