/* GET /api/applications/{receipt}/attachments/{index}/pages/{page}: one page of an attached file as
 * a picture (intake/page/page.h). Nothing that the resident's file holds reaches the browser but
 * pixels. How many pages there are stands in the header Uketsuke-Pages. It is drawn
 * beside the threads that answer, of which none waits for it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/endpoints.h"
#include "intake/console/slow.h"
#include "intake/console/view.h"
#include "intake/page/page.h"

#define WIDTH_USUAL 1200 /* pixels */

static void reply_none(struct http_request *request, enum page_outcome outcome)
{
    static const struct {
        int status;
        const char *code, *text;
    } words[] = {
        [PAGE_NONE] = {404, "E0100", "このページはありません。"},
        [PAGE_KIND] = {415, "E0002",
                       "この種類のファイルは画面に表示できません。ファイルとして取り出すには、"
                       "出力の申請が要ります。"},
        [PAGE_LOCKED] = {422, "E0002", "パスワードの付いたPDFのため、表示できません。"},
        [PAGE_BROKEN] = {422, "E0002", "壊れているか大きすぎるため、表示できません。"},
        [PAGE_LIMIT] = {422, "E0002",
                        "表示に時間やメモリーがかかりすぎるため、中止しました。ファイルに"
                        "おかしなところがあるかもしれません。"},
    };
    http_reply_error(request, words[outcome].status, words[outcome].code, "%s",
                     words[outcome].text);
}

/* --- beside the threads that answer -------------------------------------------------------------
 */

struct drawing { /* kept by its request, which waits for it */
    struct slow *slow;
    unsigned place;
    struct http_server *server;
    pthread_t thread;
    bool started;
    atomic_bool over;
    struct buffer file;
    uint32_t number, width;
    bool drawn;
    struct page page;
    struct failure failure;
};

/* At the request's end; when the server stops, that may be before it is drawn. */
static void drawing_free(void *context)
{
    struct drawing *drawing = context;
    if (drawing->started)
        pthread_join(drawing->thread, NULL);
    else
        slow_end(drawing->slow, drawing->place);
    buffer_erase_free(&drawing->file);
    page_free(&drawing->page);
    free(drawing);
}

static void *draw(void *context)
{
    struct drawing *drawing = context;
    drawing->drawn = page_draw(buffer_bytes(&drawing->file), drawing->number, drawing->width,
                               &drawing->page, &drawing->failure);
    slow_end(drawing->slow, drawing->place);
    struct http_server *server = drawing->server;
    atomic_store(&drawing->over, true);
    http_server_wake_topic(server, drawing);
    return NULL;
}

/* NULL: there is no place for it now. */
static struct drawing *drawing_new(const struct console_context *context,
                                   const struct console_caller *caller)
{
    unsigned place;
    if (!slow_begin(context->slow, caller->session.token, &place))
        return NULL;
    struct drawing *drawing = memory_allocate(sizeof *drawing);
    drawing->slow = context->slow;
    drawing->place = place;
    return drawing;
}

/* The worker itself ends at PAGE_WALL_MOST. */
static enum http_flow wait(struct http_request *request, struct drawing *drawing)
{
    return http_request_wait_for(request, PAGE_WALL_MOST + 10 * INSTANT_SECOND, drawing);
}

static enum http_flow drawing_start(struct http_request *request, struct drawing *drawing)
{
    struct failure f = {0};
    drawing->server = http_request_server(request);
    http_request_keep(request, drawing, drawing_free);
    int error = pthread_create(&drawing->thread, NULL, draw, drawing);
    drawing->started = error == 0;
    if (drawing->started)
        return wait(request, drawing);
    failure_set(&f, FAILURE_SYSTEM, "can't make a thread to draw a page: %s", strerror(error));
    return console_reply_failure(request, &f);
}

static enum http_flow drawing_reply(struct http_request *request, const struct drawing *drawing)
{
    char pages[16];
    if (!drawing->drawn)
        return console_reply_failure(request, &drawing->failure);
    snprintf(pages, sizeof pages, "%u", drawing->page.pages);
    http_reply_header(request, "Uketsuke-Pages", pages);
    if (drawing->page.outcome == PAGE_DRAWN)
        http_reply_bytes(request, 200, "image/png", buffer_bytes(&drawing->page.png));
    else
        reply_none(request, drawing->page.outcome);
    return HTTP_DONE;
}

/* --- the request --------------------------------------------------------------------------------
 */

/* False after replying. */
static bool page_read(struct http_request *request, struct attachment_fetch *fetch,
                      int64_t *ret_width)
{
    const char *text = http_request_parameter(request, "page");
    int64_t number;
    fetch->index = attachment_index(request);
    if (!text || !number_parse(text, 1, PAGE_NUMBER_MOST, &number)) {
        number = 1;
        fetch->index = 10000; /* there is none */
    }
    fetch->page = (uint32_t)number;
    return http_request_query_number(request, "width", 100, PAGE_WIDTH_MOST, WIDTH_USUAL,
                                     ret_width);
}

/* Nothing is read, nor written into the trail, of what there is no place for. */
static enum http_flow page_ask(struct http_request *request, struct subject_call *call)
{
    struct attachment_fetch fetch = {0};
    int64_t width;
    if (!page_read(request, &fetch, &width))
        return HTTP_DONE;
    struct drawing *drawing = drawing_new(call->context, &call->caller);
    if (!drawing)
        return slow_reply_busy(request);
    bool may = subject_do(call, attachment_fetch_work, &fetch);
    if (may && fetch.found) {
        drawing->file = fetch.file;
        drawing->number = fetch.page;
        drawing->width = (uint32_t)width;
        return drawing_start(request, drawing);
    }
    if (may)
        http_reply_error(request, 404, "E0100", "この添付書類はありません。");
    buffer_erase_free(&fetch.file);
    drawing_free(drawing);
    return HTTP_DONE;
}

enum http_flow endpoint_page(struct http_request *request, void *context)
{
    struct drawing *drawing = http_request_kept(request);
    if (drawing)
        return atomic_load(&drawing->over) ? drawing_reply(request, drawing)
                                           : wait(request, drawing);
    _cleanup_(subject_end) struct subject_call call = {0};
    if (!subject_begin(context, request, RIGHT_SEE, &call))
        return HTTP_DONE;
    return page_ask(request, &call);
}
