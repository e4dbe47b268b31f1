/* The one place that turns a receipt number into an application and asks whether this caller may
 * have it. An application outside one's rights does not exist: 404, as for a number that nobody
 * has. One that concerns a protected resident (支援措置, 不開示) is for RIGHT_PROTECTED: 403. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SUBJECT_H
#define UKETSUKE_INTAKE_CONSOLE_SUBJECT_H

#include "forms/procedure.h"
#include "intake/application.h"
#include "intake/console/request.h"

struct subject { /* an application as it is now */
    struct work_item item;
    char reason[64]; /* "" for none */
    char procedure_id[129], form_version[17];
    instant applied_at;
    enum stage stage;                    /* of its work; STAGE_NONE without */
    char due_on[DAY_TEXT], due_term[65]; /* "" without a term */
    const char *business, *department;   /* of its route; "" without one. The configuration's */
    const struct procedure *procedure;   /* NULL when not known */
    bool examined;
    struct stored_examination examination; /* when examined; its record is NULL unless accepted */
    bool is_protected;
};

struct subject_call { /* one request about one application; begin, do, end */
    const struct console_context *context;
    struct http_request *request;
    struct console_caller caller;
    enum right right; /* demanded besides RIGHT_SEE; RIGHT_SEE: none */
    enum right also;  /* and this one; RIGHT_SEE: none. To be set before subject_do */
    struct subject subject;
};
/* False after replying. */
bool subject_begin(const struct console_context *context, struct http_request *request,
                   enum right right, struct subject_call *ret_call);
void subject_end(struct subject_call *call);

/* Runs in the transaction in which the rights were asked; it may run again. Whatever it hands out
 * it sets anew. */
typedef bool subject_work(struct db_tx *tx, struct subject_call *call, void *context,
                          struct failure *f);
/* False after replying: 404, 403, or that it failed. */
bool subject_do(struct subject_call *call, subject_work *work, void *context);

/* Nothing but that the caller may have it. */
subject_work subject_known;

/* Besides SEE, on this application; for what a screen offers. */
bool subject_may(const struct subject_call *call, enum right right);
/* An entry of the audit trail (chain "console") about the application; append it last. `reason`,
 * `detail`: NULL for none. */
bool subject_note(struct db_tx *tx, const struct subject_call *call, const char *action,
                  const char *reason, const char *detail, struct failure *f);

/* Which of the applications are, or were when they were looked at, of protected residents; for
 * lists that tell more of an application than that there is one. */
bool subjects_protected(struct db_tx *tx, const struct role *role, const char *const *ids,
                        size_t count, bool *ret_protected, struct failure *f);

/* Which procedures' applications a caller may see, of `business` (NULL: any). */
struct visible { /* free with visible_free */
    bool all;    /* those without a route, too */
    const char **procedures;
    size_t count;
};
void visible_read(const struct config *config, const struct permissions *permissions,
                  const char *business, struct visible *ret_visible);
/* Whether they have `right` on what belongs to this procedure. */
bool visible_may(const struct config *config, const struct permissions *permissions,
                 enum right right, const char *procedure_id);
void visible_free(struct visible *visible);

#endif
