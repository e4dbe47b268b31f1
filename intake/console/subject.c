#include "intake/console/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/sign_in_internal.h"
#include "intake/identify/protection.h"
#include "routing/route.h"

/* The first columns as application_open_examination reads them; the console may not have the
 * serial. Without an examination, or with its key destroyed, they are NULL. */
static const struct db_statement subject_find = {
    "subject_find",
    "SELECT e.report, e.facts, e.record, NULL::text, NULL::text, k.wrapped, a.procedure_id,"
    " a.form_version, a.applied_at, coalesce(i.atenabango, p.atenabango), a.application_id,"
    " a.channel, a.state, a.reason, a.version, nullif(a.due_on, 'infinity')::text, a.due_term,"
    " w.stage "
    "FROM application a LEFT JOIN examination e USING (city_code, application_id)"
    " LEFT JOIN application_key k USING (city_code, application_id)"
    " LEFT JOIN identification i USING (city_code, application_id)"
    " LEFT JOIN identification_proposal p USING (city_code, application_id)"
    " LEFT JOIN work w USING (city_code, application_id) "
    "WHERE a.receipt_number = $1 AND a.city_code = $2 ORDER BY a.channel"};
enum {
    REPORT,
    WRAPPED = 5,
    PROCEDURE,
    FORM_VERSION,
    APPLIED_AT,
    APPLICATION = 10,
    CHANNEL,
    STATE,
    REASON,
    VERSION,
    DUE_ON,
    DUE_TERM,
    WORK_STAGE,
};

/* --- what may be seen ---------------------------------------------------------------------------
 */

static void route_of(const struct config *config, const char *procedure_id,
                     const char **ret_business, const char **ret_department)
{
    struct route route;
    bool found = route_find(config, procedure_id, &route);
    *ret_business = found ? route.business : "";
    *ret_department = found ? route.department : "";
}

void visible_read(const struct config *config, const struct permissions *permissions,
                  const char *business, struct visible *ret_visible)
{
    const struct config_group *group = NULL;
    struct visible visible = {.all =
                                  !business && permission_allows(permissions, RIGHT_SEE, "", "")};
    while ((group = config_next(config, route_config_section.name, group))) {
        const char *id = config_name(group), *of, *department;
        route_of(config, id, &of, &department);
        if ((business && strcmp(business, of) != 0) ||
            !permission_allows(permissions, RIGHT_SEE, of, department))
            continue;
        visible.procedures =
            memory_resize(visible.procedures, (visible.count + 1) * sizeof *visible.procedures);
        visible.procedures[visible.count++] = id;
    }
    *ret_visible = visible;
}

bool visible_may(const struct config *config, const struct permissions *permissions,
                 enum right right, const char *procedure_id)
{
    const char *business, *department;
    route_of(config, procedure_id, &business, &department);
    return permission_allows(permissions, right, business, department);
}

void visible_free(struct visible *visible)
{
    free(visible->procedures);
    *visible = (struct visible){0};
}

bool subject_may(const struct subject_call *call, enum right right)
{
    return permission_allows(&call->caller.permissions, right, call->subject.business,
                             call->subject.department);
}

/* --- finding ------------------------------------------------------------------------------------
 */

static void subject_free(struct subject *subject)
{
    stored_examination_free(&subject->examination);
    *subject = (struct subject){0};
}

static void text_read(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void row_read(const struct subject_call *call, const struct db_rows *rows, size_t row,
                     const char *receipt_number, struct subject *ret)
{
    const struct role *role = call->context->role;
    subject_free(ret);
    snprintf(ret->item.city_code, sizeof ret->item.city_code, "%s", role->city_code);
    snprintf(ret->item.application_id, sizeof ret->item.application_id, "%s",
             db_get_text(rows, row, APPLICATION));
    snprintf(ret->item.receipt_number, sizeof ret->item.receipt_number, "%s", receipt_number);
    snprintf(ret->item.channel, sizeof ret->item.channel, "%s", db_get_text(rows, row, CHANNEL));
    state_from_code(db_get_text(rows, row, STATE), &ret->item.state);
    ret->item.version = (int)db_get_number(rows, row, VERSION);
    text_read(ret->reason, sizeof ret->reason, db_get_text(rows, row, REASON));
    text_read(ret->procedure_id, sizeof ret->procedure_id, db_get_text(rows, row, PROCEDURE));
    text_read(ret->form_version, sizeof ret->form_version, db_get_text(rows, row, FORM_VERSION));
    ret->applied_at = db_get_instant(rows, row, APPLIED_AT);
    text_read(ret->due_on, sizeof ret->due_on, db_get_text(rows, row, DUE_ON));
    text_read(ret->due_term, sizeof ret->due_term, db_get_text(rows, row, DUE_TERM));
    ret->stage = stage_from_code(db_get_text(rows, row, WORK_STAGE));
    route_of(role->config, ret->procedure_id, &ret->business, &ret->department);
    ret->procedure = procedures_find(role->procedures, ret->procedure_id, ret->form_version);
}

struct found { /* free its rows */
    struct db_rows *rows;
    size_t count; /* how many of the rows the caller may see */
    size_t row;   /* the last of them */
    json_t *channels;
};

static void found_free(struct found *found)
{
    if (found->rows)
        db_rows_free(found->rows);
    json_decref(found->channels);
}

/* A receipt number is unique in its channel; where several have it, the query argument channel
 * tells which is meant. */
static bool find(struct db_tx *tx, struct subject_call *call, struct found *ret, struct failure *f)
{
    const char *receipt = http_request_parameter(call->request, "receipt");
    const char *channel = http_request_query(call->request, "channel");
    if (!receipt || !receipt_number_valid(receipt))
        return true;
    if (!db_query(tx, &subject_find,
                  DB_VALUES(db_text(receipt), db_text(call->context->role->city_code)), &ret->rows,
                  f))
        return false;
    ret->channels = json_array();
    for (size_t row = 0; row < db_row_count(ret->rows); row++) {
        const char *business, *department;
        route_of(call->context->role->config, db_get_text(ret->rows, row, PROCEDURE), &business,
                 &department);
        if ((channel && strcmp(channel, db_get_text(ret->rows, row, CHANNEL)) != 0) ||
            !permission_allows(&call->caller.permissions, RIGHT_SEE, business, department))
            continue;
        row_read(call, ret->rows, row, receipt, &call->subject);
        ret->row = row;
        ret->count++;
        json_array_append_new(ret->channels, json_string(db_get_text(ret->rows, row, CHANNEL)));
    }
    return true;
}

/* --- who is protected ---------------------------------------------------------------------------
 */

static bool examination_open(const struct found *found, struct subject_call *call,
                             struct failure *f)
{
    struct subject *subject = &call->subject;
    subject->examined = !db_is_null(found->rows, found->row, REPORT) &&
                        !db_is_null(found->rows, found->row, WRAPPED);
    return !subject->examined ||
           application_open_examination(found->rows, found->row, call->context->role->city_key,
                                        &subject->item, &subject->examination, f);
}

static bool reason_protects(const char *reason)
{
    return strcmp(reason, "protected") == 0 || strcmp(reason, "review-protected") == 0;
}

static bool protection_read(struct db_tx *tx, struct subject_call *call, struct failure *f)
{
    struct subject *subject = &call->subject;
    const struct role *role = call->context->role;
    const struct protection_question question = {.atenabango = subject->examination.atenabango,
                                                 .record = subject->examination.record,
                                                 .facts = subject->examination.facts};
    if (!protection_check(tx, role->city_code, role->city_key, &question, 1, &subject->is_protected,
                          f))
        return false;
    subject->is_protected |= reason_protects(subject->reason);
    return true;
}

/* As subject_find, of many. */
static const struct db_statement subjects_examinations = {
    "subjects_examinations",
    "SELECT e.report, e.facts, e.record, NULL::text, NULL::text, k.wrapped, a.procedure_id,"
    " a.form_version, a.applied_at, coalesce(i.atenabango, p.atenabango), coalesce(a.reason, ''),"
    " a.application_id "
    "FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (id, position)"
    " JOIN application a ON a.city_code = $1 AND a.application_id = wanted.id"
    " LEFT JOIN examination e USING (city_code, application_id)"
    " LEFT JOIN application_key k USING (city_code, application_id)"
    " LEFT JOIN identification i USING (city_code, application_id)"
    " LEFT JOIN identification_proposal p USING (city_code, application_id) "
    "ORDER BY wanted.position"};

static bool row_protected(struct db_tx *tx, const struct role *role, const struct db_rows *rows,
                          size_t row, bool *ret_protected, struct failure *f)
{
    struct work_item item = {0};
    _cleanup_(stored_examination_free) struct stored_examination examination = {0};
    *ret_protected = reason_protects(db_get_text(rows, row, 10));
    if (*ret_protected || db_is_null(rows, row, 0))
        return true;
    snprintf(item.city_code, sizeof item.city_code, "%s", role->city_code);
    snprintf(item.application_id, sizeof item.application_id, "%s", db_get_text(rows, row, 11));
    if (!application_open_examination(rows, row, role->city_key, &item, &examination, f))
        return false;
    const struct protection_question question = {.atenabango = examination.atenabango,
                                                 .record = examination.record,
                                                 .facts = examination.facts};
    return protection_check(tx, role->city_code, role->city_key, &question, 1, ret_protected, f);
}

bool subjects_protected(struct db_tx *tx, const struct role *role, const char *const *ids,
                        size_t count, bool *ret_protected, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &subjects_examinations,
                  DB_VALUES(db_text(role->city_code), db_texts(ids, count)), &rows, f))
        return false;
    if (db_row_count(rows) != count)
        return failure_set(f, FAILURE_CONFLICT, "an application is there no more");
    for (size_t row = 0; row < count; row++)
        if (!row_protected(tx, role, rows, row, &ret_protected[row], f))
            return false;
    return true;
}

/* --- a request ----------------------------------------------------------------------------------
 */

bool subject_begin(const struct console_context *context, struct http_request *request,
                   enum right right, struct subject_call *ret_call)
{
    *ret_call = (struct subject_call){.context = context, .request = request, .right = right};
    return console_admit(context, request, NEED_SESSION, &ret_call->caller);
}

void subject_end(struct subject_call *call)
{
    console_caller_free(&call->caller);
    subject_free(&call->subject);
}

struct doing {
    struct subject_call *call;
    subject_work *work;
    void *context;
    size_t found;
    json_t *channels; /* of those found */
    bool lacks, hidden;
    enum right lacking;
};

static void doing_end(struct doing *d)
{
    json_decref(d->channels);
}

static bool doing_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct doing *d = context;
    _cleanup_(found_free) struct found found = {0};
    d->lacks = d->hidden = false;
    bool asked = find(tx, d->call, &found, f);
    d->found = found.count;
    json_decref(d->channels);
    d->channels = TAKE(found.channels);
    if (!asked || d->found != 1)
        return asked;
    d->lacking = subject_may(d->call, d->call->right) ? d->call->also : d->call->right;
    d->lacks = !subject_may(d->call, d->lacking);
    if (d->lacks)
        return true;
    if (!examination_open(&found, d->call, f) || !protection_read(tx, d->call, f))
        return false;
    d->hidden = d->call->subject.is_protected && !subject_may(d->call, RIGHT_PROTECTED);
    return d->hidden ? subject_note(tx, d->call, "application.hidden", NULL, NULL, f)
                     : d->work(tx, d->call, d->context, f);
}

static bool reply_refused(const struct doing *d)
{
    struct http_request *request = d->call->request;
    if (d->found == 0)
        http_reply_error(request, 404, "E0100", "この受付番号の申請はありません。");
    else if (d->found > 1)
        console_reply_conflict(request, json_pack("{s:O}", "channels", d->channels),
                               "同じ受付番号の申請が複数あります。受付経路を指定してください。");
    else if (d->lacks)
        http_reply_error(request, 403, "E0104", "「%s」の権限がありません。",
                         right_name_ja(d->lacking));
    else
        http_reply_error(request, 403, "E0104",
                         "支援措置等の対象者に関する申請です。取扱いを認められた職員だけが"
                         "扱えます。");
    return false;
}

bool subject_do(struct subject_call *call, subject_work *work, void *context)
{
    struct failure f = {0};
    _cleanup_(doing_end) struct doing d = {.call = call, .work = work, .context = context};
    if (!db_transaction(call->context->role->db, doing_work, &d, &f)) {
        console_reply_failure(call->request, &f);
        return false;
    }
    return (d.found == 1 && !d.lacks && !d.hidden) || reply_refused(&d);
}

bool subject_known(struct db_tx *tx, struct subject_call *call, void *context, struct failure *f)
{
    (void)tx, (void)call, (void)context, (void)f;
    return true;
}

bool subject_note(struct db_tx *tx, const struct subject_call *call, const char *action,
                  const char *reason, const char *detail, struct failure *f)
{
    const struct audit_entry entry = {.action = action,
                                      .actor = call->caller.actor,
                                      .terminal = call->caller.terminal_text,
                                      .city_code = call->subject.item.city_code,
                                      .application_id = call->subject.item.application_id,
                                      .reason = reason,
                                      .detail = detail};
    return audit_append(tx, CONSOLE_CHAIN, &entry, 1, f);
}
