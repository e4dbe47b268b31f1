/* Within the console's API: a request about the administration or the audit, which belongs to no
 * application. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ADMIN_H
#define UKETSUKE_INTAKE_CONSOLE_ADMIN_H

#include "intake/console/administer.h"
#include "intake/console/request.h"

struct admin_call { /* begin, do, end */
    const struct console_context *context;
    struct http_request *request;
    struct console_caller caller;
    struct administrator who; /* as the caller */
};
/* False after replying: not signed in, or without `right`. */
bool admin_begin(const struct console_context *context, struct http_request *request,
                 enum right right, struct admin_call *ret_call);
/* False after replying that it failed; `work` may run again, as db_transaction says. */
bool admin_do(struct admin_call *call, db_work *work, void *context);
void admin_end(struct admin_call *call);

/* For statements whose only column is a JSON array or object as text: $1 is the city, $2 `argument`
 * (not passed when NULL). New reference. */
bool admin_json(struct db_tx *tx, const struct admin_call *call,
                const struct db_statement *statement, const char *argument, json_t **ret_json,
                struct failure *f);

#endif
