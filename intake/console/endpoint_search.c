/* POST /api/applications/{receipt}/search: residents by at least two facts, for an application that
 * waits for its applicant (intake/identify/search.h). */
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/endpoints.h"
#include "intake/console/shown.h"
#include "intake/console/sign_in_internal.h"
#include "intake/console/view.h"
#include "intake/identify/search.h"

struct searching {
    struct search search;
    bool allowed;
    struct failure why; /* when not */
    json_t *answer;
};

static json_t *answer_json(const struct subject_call *call, const struct search_answer *answer)
{
    bool all = subject_may(call, RIGHT_PROTECTED);
    struct facts facts;
    json_t *candidates = json_array();
    facts_read(call->subject.examination.facts, &facts);
    _cleanup_(cleanup_known) struct known *certificate = known_of(&facts);
    for (size_t i = 0; i < answer->count; i++) {
        const struct resident *resident = answer->at[i].resident;
        char mark[SHOWN_MARK];
        json_t *one = candidate_json(&answer->at[i]);
        json_object_set_new(one, "resident", resident_view(resident, all));
        if (all || !resident->is_protected) {
            shown_mark(call, resident->atenabango, mark);
            json_object_set_new(one, "mark", json_string(mark));
            candidate_beside(one, certificate, resident);
        } else {
            candidate_hide(one);
        }
        json_array_append_new(candidates, one);
    }
    return json_pack("{s:o, s:I}", "candidates", candidates, "left_out",
                     (json_int_t)answer->left_out);
}

/* What may not be asked is an answer. */
static bool search_work(struct db_tx *tx, struct subject_call *call, void *context,
                        struct failure *f)
{
    struct searching *s = context;
    struct search_answer answer = {0};
    s->search.city_code = call->subject.item.city_code;
    s->search.receipt_number = call->subject.item.receipt_number;
    s->search.actor = call->caller.actor;
    s->search.terminal = call->caller.terminal_text;
    s->search.chain = CONSOLE_CHAIN;
    s->search.protected_too = subject_may(call, RIGHT_PROTECTED);
    json_decref(s->answer);
    s->answer = NULL;
    s->why = (struct failure){0};
    s->allowed = search_run(tx, &s->search, &answer, &s->why);
    if (s->allowed)
        s->answer = answer_json(call, &answer);
    search_answer_free(&answer);
    if (!s->allowed && s->why.kind != FAILURE_USAGE)
        *f = s->why;
    return s->allowed || s->why.kind == FAILURE_USAGE;
}

/* A fact that is not asked by is left out, null or "". False after replying. */
static bool fact_read(struct http_request *request, const json_t *body, const char *key,
                      const char **ret_fact)
{
    const json_t *value = json_object_get(body, key);
    *ret_fact = NULL;
    if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)))
        return true;
    *ret_fact = console_text(request, body, key, 200);
    return *ret_fact != NULL;
}

enum http_flow endpoint_search(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct searching s = {0};
    if (!subject_begin(context, request, RIGHT_IDENTIFY, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !fact_read(request, body, "name", &s.search.name) ||
        !fact_read(request, body, "birth_date", &s.search.birth_date) ||
        !fact_read(request, body, "address", &s.search.address) ||
        !(s.search.reason = console_text(request, body, "reason", SEARCH_REASON_MOST)) ||
        !subject_do(&call, search_work, &s))
        return HTTP_DONE;
    if (s.allowed)
        return http_reply_json(request, 200, s.answer);
    return http_reply_error(request, 400, "E0004",
                            "氏名（2文字以上）、生年月日（年月日）、住所（番地まで）のうち"
                            "2つ以上で、申請者未特定の申請についてだけ検索できます。");
}
