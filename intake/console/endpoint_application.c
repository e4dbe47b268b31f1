/* GET /api/applications/{receipt}: all that staff need to decide. 個人番号 are masked; each view is
 * an entry in the audit trail. */
#include "base/cleanup.h"
#include "intake/console/closed.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"
#include "intake/console/view.h"
#include "intake/explain/lines.h"

static json_t *head_view(const struct subject *subject, const struct holidays *holidays)
{
    char moved[DAY_TEXT];
    const char *due_on =
        term_shown(holidays, subject->procedure, subject->due_term, subject->due_on, moved);
    const char *reason = *subject->reason ? subject->reason : NULL;
    const char *term =
        subject->procedure ? procedure_term_label(subject->procedure, subject->due_term) : NULL;
    const char *name =
        subject->procedure ? procedure_name(subject->procedure) : subject->procedure_id;
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s?, s:s?, s:o, s:s?, s:s?, s:s, s:s,"
        " s:{s:s, s:s, s:s}}",
        "receipt_number", subject->item.receipt_number, "channel", subject->item.channel, "version",
        subject->item.version, "state", state_code(subject->item.state), "state_name",
        state_name_ja(subject->item.state), "reason", reason, "reason_ja", explain_reason(reason),
        "applied_at", console_time(subject->applied_at), "due_on", *due_on ? due_on : NULL,
        "due_term", term, "business", subject->business, "department", subject->department,
        "procedure", "id", subject->procedure_id, "version", subject->form_version, "name", name);
}

struct viewing {
    struct holidays holidays;
    json_t *view;
};

static void viewing_end(struct viewing *viewing)
{
    holidays_free(&viewing->holidays);
    json_decref(viewing->view);
}

static bool view_work(struct db_tx *tx, struct subject_call *call, void *context, struct failure *f)
{
    struct viewing *v = context;
    const struct subject *subject = &call->subject;
    json_decref(v->view);
    v->view = head_view(subject, &v->holidays);
    json_object_set_new(v->view, "findings", view_findings(subject));
    json_object_set_new(v->view, "facts", view_facts(subject));
    json_object_set_new(v->view, "claimed", view_claimed(subject));
    json_object_set_new(v->view, "verification", view_verification(subject));
    json_object_set_new(v->view, "attachments", view_attachments(subject));
    json_object_set_new(v->view, "may", view_may(call));
    json_object_set_new(v->view, "destinations", view_destinations(call));
    return view_stored(tx, call, v->view, f) &&
           subject_note(tx, call, "application.view", NULL, NULL, f);
}

enum http_flow endpoint_application(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    _cleanup_(viewing_end) struct viewing v = {0};
    const struct console_context *console = context;
    struct failure f = {0};
    if (!subject_begin(context, request, RIGHT_SEE, &call))
        return HTTP_DONE;
    if (!closed_read(console->closed, &v.holidays, &f))
        return console_reply_failure(request, &f);
    if (!subject_do(&call, view_work, &v))
        return HTTP_DONE;
    return names_reply(context, request, 200, TAKE(v.view));
}
