/* An application as the console shows it: the parts of GET /api/applications/{receipt}. Each is a
 * new reference, or null. */
#ifndef UKETSUKE_INTAKE_CONSOLE_VIEW_H
#define UKETSUKE_INTAKE_CONSOLE_VIEW_H

#include "intake/console/subject.h"
#include "intake/registry/resident.h"

json_t *view_facts(const struct subject *subject);
json_t *view_verification(const struct subject *subject);
json_t *view_findings(const struct subject *subject);
json_t *view_attachments(const struct subject *subject);
/* What the caller may do with it in its state. */
json_t *view_may(const struct subject_call *call);

/* Those that are read from the database. */
bool view_decision(struct db_tx *tx, const struct subject_call *call, json_t **ret_decision,
                   struct failure *f);
bool view_proposal(struct db_tx *tx, const struct subject *subject, json_t **ret_proposal,
                   struct failure *f);
bool view_review(struct db_tx *tx, const struct subject *subject, json_t **ret_review,
                 struct failure *f);
bool view_messages(struct db_tx *tx, const struct subject_call *call, json_t **ret_messages,
                   struct failure *f);
bool view_history(struct db_tx *tx, const struct subject *subject, json_t **ret_history,
                  struct failure *f);

/* The name under which an attachment is shown: its document's, never one that the sender chose. */
char *attachment_name(const struct subject *subject, const char *member);
/* By the ending of its name: the examiner saw to it that its content is the same. */
const char *attachment_type(const char *dot); /* NULL: no ending */
#define ATTACHMENTS "attachments/"            /* members of the package */

/* A resident for a screen: {"atenabango","status","protected","name",…}; of who is protected, only
 * that, unless `all`. */
json_t *resident_view(const struct resident *resident, bool all);

#endif
