/* POST /api/applications/{receipt}/contact: 連絡記録, added and never changed. They stand in the
 * application's "contacts". With a key (once.h) a note is added once. */
#include <stdio.h>

#include "base/cleanup.h"
#include "intake/console/endpoints.h"
#include "intake/console/once.h"
#include "intake/console/subject.h"
#include "intake/staff/contact.h"
#include "routing/message.h"

struct noting {
    const char *way, *text;
    struct once_key key;
    enum once once;
};

static bool contact_work(struct db_tx *tx, struct subject_call *call, void *context,
                         struct failure *f)
{
    struct noting *n = context;
    const struct role *role = call->context->role;
    const struct staff_act act = {.city_key = role->city_key,
                                  .city_code = role->city_code,
                                  .application_id = call->subject.item.application_id,
                                  .who = call->caller.actor,
                                  .terminal = call->caller.terminal_text};
    struct staff_answer answer = {.result = STAFF_DONE, .version = call->subject.item.version};
    snprintf(answer.state, sizeof answer.state, "%s", state_code(call->subject.item.state));
    if (!once_begin(tx, call, &n->key, "contact", &n->once, &answer, f))
        return false;
    return n->once != ONCE_GO ||
           (once_end(tx, call, &n->key, &answer, f) && contact_write(tx, &act, n->way, n->text, f));
}

static bool noting_read(struct http_request *request, const json_t *body, struct noting *n)
{
    n->way = console_text(request, body, "way", 16);
    n->text = n->way ? console_text(request, body, "text", MESSAGE_MOST) : NULL;
    if (!n->text)
        return false;
    if (contact_way_known(n->way) && message_valid(n->text))
        return true;
    http_reply_error(request, 400, "E0002",
                     "way is none of ours, or the text has characters that can't be seen");
    return false;
}

enum http_flow endpoint_contact(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct noting n = {0};
    if (!subject_begin(context, request, RIGHT_EXAMINE, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !once_key(request, body, &n.key) || !noting_read(request, body, &n) ||
        !subject_do(&call, contact_work, &n))
        return HTTP_DONE;
    if (n.once == ONCE_OTHER)
        return once_reply_other(request);
    return http_reply_json(request, 200, json_pack("{s:b}", "done", true));
}
