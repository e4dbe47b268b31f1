/* POST /api/applications/{receipt}/numbers: the 個人番号 of a form in the clear, for a reason. */
#include "base/cleanup.h"
#include "intake/console/endpoints.h"
#include "intake/console/subject.h"
#include "intake/console/view.h"
#include "intake/staff/staff.h"

struct showing {
    const char *reason;
    json_t *numbers;
};

static bool numbers_work(struct db_tx *tx, struct subject_call *call, void *context,
                         struct failure *f)
{
    struct showing *s = context;
    json_decref(s->numbers);
    s->numbers = view_numbers(&call->subject);
    return subject_note(tx, call, "application.numbers", s->reason, NULL, f);
}

enum http_flow endpoint_numbers(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct showing s = {0};
    if (!subject_begin(context, request, RIGHT_NUMBER, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    s.reason = body ? console_text(request, body, "reason", STAFF_REASON_MOST) : NULL;
    bool done = s.reason && subject_do(&call, numbers_work, &s);
    if (done)
        http_reply_json(request, 200, json_pack("{s:O}", "numbers", s.numbers));
    json_decref(s.numbers);
    return HTTP_DONE;
}
