/* Procedures are data: a folder forms/procedures/<area>/<procedure>/ with
 *   procedure.xml  id, form version, names, whether a signature is required
 *   form.xsd       structure, types, lengths in characters
 *   labels.xml     Japanese labels in the order of the form
 *   record.xml     which items make the record, from where in the form, with which check, and to
 *                  which destinations they may go
 *   examples/      good and bad forms with the expected result beside each: they are the tests
 * docs/formats/procedure.md tells how to write them.
 * A procedure's id is "<area>.<procedure>", e.g. child-allowance.certification-claim. */
#ifndef UKETSUKE_FORMS_PROCEDURE_H
#define UKETSUKE_FORMS_PROCEDURE_H

#include <jansson.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

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
bool procedure_signature_required(const struct procedure *procedure);
/* Japanese, by the item's path in the form ("claimant/birth-date"); NULL when there is none. */
const char *procedure_label(const struct procedure *procedure, const char *item);
/* What a coded value means ("2" of "claimant/sex": 女); NULL when it has no label. */
const char *procedure_value_label(const struct procedure *procedure, const char *item,
                                  const char *value);

/* Everything that a screen needs to have the form filled in or shown (new reference):
 * docs/formats/description.md. */
json_t *procedure_describe(const struct procedure *procedure);

/* Reads a form: schema, item checks, record. Checks "form.…", reasons form-missing-item,
 * form-schema (names the item and line, not what stands there), form-kojinbango (check digit),
 * form-date, form-too-large. The record (new reference) when all passed, else NULL:
 * {"procedure","version","claimant":{"name","name_kana","birth_date","sex","address",…},…}.
 * Every record has "claimant" with at least name, birth_date, sex and address, which is what
 * identification compares. */
json_t *form_read(const struct procedure *procedure, xmlDoc *form, instant applied_at,
                  struct checks *checks);

/* The part of a record that `destination` may have, by record.xml (new reference). */
json_t *record_for(const struct procedure *procedure, const json_t *record,
                   const char *destination);

#endif
