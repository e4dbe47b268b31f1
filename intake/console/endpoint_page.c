/* GET /api/applications/{receipt}/attachments/{index}/pages/{page}: one page of an attached file as
 * a picture (intake/page/page.h). Nothing that the resident's file holds reaches the browser but
 * pixels. How many pages there are stands in the header Uketsuke-Pages. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/endpoints.h"
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

static void page_reply(struct http_request *request, struct bytes file, uint32_t number,
                       uint32_t width)
{
    struct page page = {0};
    struct failure f = {0};
    char pages[16];
    if (!page_draw(file, number, width, &page, &f)) {
        console_reply_failure(request, &f);
        return;
    }
    snprintf(pages, sizeof pages, "%u", page.pages);
    http_reply_header(request, "Uketsuke-Pages", pages);
    if (page.outcome == PAGE_DRAWN)
        http_reply_bytes(request, 200, "image/png", buffer_bytes(&page.png));
    else
        reply_none(request, page.outcome);
    page_free(&page);
}

enum http_flow endpoint_page(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct attachment_fetch fetch = {.index = attachment_index(request)};
    const char *text = http_request_parameter(request, "page");
    int64_t number, width;
    if (!subject_begin(context, request, RIGHT_SEE, &call))
        return HTTP_DONE;
    if (!text || !number_parse(text, 1, PAGE_NUMBER_MOST, &number)) {
        number = 1;
        fetch.index = 10000; /* there is none */
    }
    fetch.page = (uint32_t)number;
    if (http_request_query_number(request, "width", 100, PAGE_WIDTH_MOST, WIDTH_USUAL, &width) &&
        subject_do(&call, attachment_fetch_work, &fetch)) {
        if (fetch.found)
            page_reply(request, buffer_bytes(&fetch.file), fetch.page, (uint32_t)width);
        else
            http_reply_error(request, 404, "E0100", "この添付書類はありません。");
    }
    buffer_erase_free(&fetch.file);
    return HTTP_DONE;
}
