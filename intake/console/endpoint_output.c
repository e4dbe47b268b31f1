/* What leaves the house (output.h):
 * POST /api/applications/{receipt}/print                        the form as PDF, at once
 * POST /api/applications/{receipt}/export                       asks for the package as a file;
 *      the package holds 個人番号, so that all about it takes that right, too
 * POST /api/applications/{receipt}/outputs/{number}/approve     the second person agrees
 * POST /api/applications/{receipt}/outputs/{number}/password    who asked for it sees the password
 * GET  /api/applications/{receipt}/outputs/{number}/file        … and fetches the file
 * POST /api/applications/{receipt}/outputs/{number}/dispose     the paper or the medium is gone */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/form_view_pdf.h"
#include "forms/record_form.h"
#include "intake/console/endpoints.h"
#include "intake/console/once.h"
#include "intake/console/output.h"
#include "intake/console/view.h"
#include "intake/staff/staff.h"

/* Reason, and what else an order says. False after replying. */
static bool order_read(struct http_request *request, const json_t *body, struct output_order *order)
{
    order->with_numbers = json_is_true(json_object_get(body, "numbers"));
    order->reason = console_text(request, body, "reason", STAFF_REASON_MOST);
    if (!order->reason || order->kind == OUTPUT_PRINT)
        return order->reason;
    order->recipient = console_text(request, body, "recipient", 100);
    order->medium = order->recipient ? console_text(request, body, "medium", 60) : NULL;
    return order->medium;
}

#define OVER "期限が過ぎたか、処理が終わっています。"

/* --- print --------------------------------------------------------------------------------------
 */

struct printing {
    struct output_order order;
    bool may, readable;
};

static bool print_work(struct db_tx *tx, struct subject_call *call, void *context,
                       struct failure *f)
{
    struct printing *p = context;
    p->may = !p->order.with_numbers || subject_may(call, RIGHT_NUMBER);
    p->readable = call->subject.procedure && call->subject.examination.record;
    return !p->may || !p->readable || output_ask(tx, call, &p->order, f);
}

/* Across every page: who, where, and the number in the book. */
static bool pdf_make(const struct subject_call *call, const struct printing *p,
                     struct buffer *ret_pdf, struct failure *f)
{
    const struct subject *subject = &call->subject;
    const struct account *account = &call->caller.session.account;
    _cleanup_(cleanup_xml_doc) xmlDoc *form =
        record_form(subject->procedure, subject->examination.record);
    _cleanup_(cleanup_text) char *who =
        text_format("%s %s　%s　印刷番号%" PRId64, account->department, account->display_name,
                    call->caller.terminal.label, p->order.number);
    const struct view_input input = {
        .form = form,
        .receipt_number = subject->item.receipt_number,
        .applied_at = subject->applied_at,
        .record = subject->examination.record,
        .findings = json_object_get(subject->examination.report, "findings"),
        .show_numbers = p->order.with_numbers,
    };
    struct view *view = view_build(subject->procedure, &input);
    bool done =
        view_pdf_write(view, &(struct view_print){.who = who, .at = clock_now()}, ret_pdf, f);
    view_free(view);
    return done;
}

static enum http_flow print_reply(struct subject_call *call, const struct printing *p)
{
    struct failure f = {0};
    char disposition[128];
    _cleanup_(cleanup_secret_buffer) struct buffer pdf = {0};
    if (!p->may)
        return http_reply_error(call->request, 403, "E0104", "「%s」の権限がありません。",
                                right_name_ja(RIGHT_NUMBER));
    if (!p->readable)
        return http_reply_error(call->request, 409, "E0105",
                                "様式を読めていないため、印刷できません。");
    if (p->order.other)
        return once_reply_other(call->request);
    if (p->order.over)
        return http_reply_error(call->request, 410, "E0105", "%s", OVER);
    if (!pdf_make(call, p, &pdf, &f))
        return console_reply_failure(call->request, &f);
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s-print-%" PRId64 ".pdf\"",
             call->subject.item.receipt_number, p->order.number);
    http_reply_header(call->request, "Content-Disposition", disposition);
    http_reply_header(call->request, "Content-Security-Policy", "sandbox; default-src 'none'");
    return http_reply_bytes(call->request, 200, "application/pdf", buffer_bytes(&pdf));
}

enum http_flow endpoint_print(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct printing p = {.order = {.kind = OUTPUT_PRINT}};
    struct once_key key;
    if (!subject_begin(context, request, RIGHT_PRINT, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !once_key(request, body, &key) || !order_read(request, body, &p.order))
        return HTTP_DONE;
    p.order.key = *key.key ? key.key : NULL;
    if (subject_do(&call, subject_known, NULL) &&
        output_admit(context, request, &call.caller, OUTPUT_PRINT) &&
        subject_do(&call, print_work, &p))
        print_reply(&call, &p);
    return HTTP_DONE;
}

/* --- a file -------------------------------------------------------------------------------------
 */

static bool export_work(struct db_tx *tx, struct subject_call *call, void *context,
                        struct failure *f)
{
    return output_ask(tx, call, context, f);
}

static const char no_medium[] = "この媒体は、登録されていないか、自分の部署のものではありません。"
                                "登録された媒体を選んでください。";

static enum http_flow export_reply(struct http_request *request, const struct output_order *order)
{
    if (order->other)
        return once_reply_other(request);
    if (order->unregistered)
        return http_reply_error(request, 403, "E0104", no_medium);
    return http_reply_json(
        request, 200,
        json_pack("{s:I, s:b}", "number", (json_int_t)order->number, "many", order->many));
}

enum http_flow endpoint_export(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    /* the package is what the resident sent: the numbers are in it */
    struct output_order order = {.kind = OUTPUT_EXPORT};
    struct once_key key;
    if (!subject_begin(context, request, RIGHT_EXPORT, &call))
        return HTTP_DONE;
    call.also = RIGHT_NUMBER;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !once_key(request, body, &key) || !order_read(request, body, &order))
        return HTTP_DONE;
    order.with_numbers = true;
    order.key = *key.key ? key.key : NULL;
    if (subject_do(&call, subject_known, NULL) &&
        output_admit(context, request, &call.caller, OUTPUT_EXPORT) &&
        subject_do(&call, export_work, &order))
        export_reply(request, &order);
    return HTTP_DONE;
}

/* --- one entry of the book ----------------------------------------------------------------------
 */

struct handling {
    int64_t number;
    const char *how;
    enum output_answer answer;
    char password[ENVELOPE_PASSWORD];
    instant until;
    struct buffer file;
};

static void handling_end(struct handling *h)
{
    explicit_bzero(h->password, sizeof h->password);
    buffer_free(&h->file);
}

static int64_t number_of(const struct http_request *request)
{
    const char *text = http_request_parameter(request, "number");
    int64_t number;
    return text && number_parse(text, 1, INT64_MAX, &number) ? number : 0; /* there is none */
}

/* True when it was done; else after replying. */
static bool handled(struct http_request *request, const struct handling *h)
{
    static const struct {
        int status;
        const char *code, *text;
    } words[] = {
        [OUTPUT_UNKNOWN] = {404, "E0100", "この授受番号の記録はありません。"},
        [OUTPUT_OWN] = {409, "E0105", "申請した人とは別の職員が承認してください。"},
        [OUTPUT_OTHERS] = {403, "E0104",
                           "出力を申請した本人だけができます。廃棄の記録は、印刷や出力の"
                           "権限を持つ本人か承認者が行います。"},
        [OUTPUT_MANY] = {403, "E0104",
                         "短い間に多くの申請が出力されるため、管理責任者が承認してください。"},
        [OUTPUT_MEDIUM] = {403, "E0104", no_medium},
        [OUTPUT_NOT_YET] = {409, "E0105", "まだ承認されていません。"},
        [OUTPUT_OVER] = {410, "E0105", OVER},
    };
    if (h->answer == OUTPUT_DONE)
        return true;
    http_reply_error(request, words[h->answer].status, words[h->answer].code, "%s",
                     words[h->answer].text);
    return false;
}

static bool approve_work(struct db_tx *tx, struct subject_call *call, void *context,
                         struct failure *f)
{
    struct handling *h = context;
    return output_approve(tx, call, h->number, &h->answer, f);
}

static bool password_work(struct db_tx *tx, struct subject_call *call, void *context,
                          struct failure *f)
{
    struct handling *h = context;
    return output_open(tx, call, h->number, false, h->password, &h->until, &h->answer, f);
}

static bool file_work(struct db_tx *tx, struct subject_call *call, void *context, struct failure *f)
{
    struct handling *h = context;
    _cleanup_(cleanup_secret_buffer) struct buffer package = {0};
    buffer_clear(&h->file);
    if (!output_open(tx, call, h->number, true, h->password, &h->until, &h->answer, f))
        return false;
    return h->answer != OUTPUT_DONE ||
           (package_read(tx, call, &package, f) &&
            envelope_seal(buffer_bytes(&package), h->password, &h->file, f) &&
            output_taken(tx, call, h->number, buffer_bytes(&h->file), f));
}

static bool dispose_work(struct db_tx *tx, struct subject_call *call, void *context,
                         struct failure *f)
{
    struct handling *h = context;
    return output_dispose(tx, call, h->number, h->how, &h->answer, f);
}

/* What all about a file takes: the right, that to 個人番号, and where it is had (`here`), a
 * terminal of [console] export-terminals. False after replying. */
static bool handle(struct http_request *request, void *context, enum right right, bool here,
                   subject_work *work, struct subject_call *call, struct handling *h)
{
    h->number = number_of(request);
    if (!subject_begin(context, request, right, call))
        return false;
    call->also = RIGHT_NUMBER;
    return (!here || (subject_do(call, subject_known, NULL) &&
                      output_admit(context, request, &call->caller, OUTPUT_EXPORT))) &&
           subject_do(call, work, h) && handled(request, h);
}

enum http_flow endpoint_output_approve(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    _cleanup_(handling_end) struct handling h = {0};
    if (handle(request, context, RIGHT_APPROVE, false, approve_work, &call, &h))
        http_reply_json(request, 200, json_pack("{s:b}", "done", true));
    return HTTP_DONE;
}

enum http_flow endpoint_output_password(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    _cleanup_(handling_end) struct handling h = {0};
    if (handle(request, context, RIGHT_EXPORT, true, password_work, &call, &h))
        http_reply_json(
            request, 200,
            json_pack("{s:s, s:o}", "password", h.password, "until", console_time(h.until)));
    return HTTP_DONE;
}

static enum http_flow file_reply(struct subject_call *call, const struct handling *h)
{
    char disposition[128];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s-%" PRId64 ".zip.p7m\"",
             call->subject.item.receipt_number, h->number);
    http_reply_header(call->request, "Content-Disposition", disposition);
    http_reply_header(call->request, "Content-Security-Policy", "sandbox; default-src 'none'");
    return http_reply_bytes(call->request, 200, "application/pkcs7-mime", buffer_bytes(&h->file));
}

enum http_flow endpoint_output_file(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    _cleanup_(handling_end) struct handling h = {0};
    if (handle(request, context, RIGHT_EXPORT, true, file_work, &call, &h))
        file_reply(&call, &h);
    return HTTP_DONE;
}

enum http_flow endpoint_output_dispose(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    _cleanup_(handling_end) struct handling h = {.number = number_of(request)};
    if (!subject_begin(context, request, RIGHT_SEE, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    h.how = body ? console_text(request, body, "how", 100) : NULL;
    if (h.how && subject_do(&call, dispose_work, &h) && handled(request, &h))
        http_reply_json(request, 200, json_pack("{s:b}", "done", true));
    return HTTP_DONE;
}
