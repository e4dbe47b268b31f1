/* uketsuke-page: draws one page of an attached file behind walls (page.h). The console starts it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/text.h"
#include "intake/page/draw.h"
#include "intake/page/lock.h"

#define FILE_MOST (256u << 20) /* bytes; a package has less */

static bool file_read(struct buffer *ret_file)
{
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer_reserve(ret_file, 1 << 20), 1 << 20);
        if (n == 0)
            return ret_file->length > 0;
        if ((n < 0 && errno != EINTR) || ret_file->length > FILE_MOST)
            return false;
        buffer_commit(ret_file, n > 0 ? (size_t)n : 0);
    }
}

static bool write_all(const void *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t n = write(STDOUT_FILENO, (const char *)data + sent, length - sent);
        if (n < 0 && errno != EINTR)
            return false;
        sent += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void draw(struct bytes file, uint32_t number, uint32_t width, struct page *page)
{
    switch (content_of(file)) {
    case CONTENT_PDF:
        draw_pdf(file, number, width, page);
        break;
    case CONTENT_JPEG:
        draw_jpeg(file, number, width, page);
        break;
    case CONTENT_PNG:
        draw_png(file, number, width, page);
        break;
    default:
        page->outcome = PAGE_KIND;
    }
    if (page->outcome != PAGE_DRAWN)
        buffer_clear(&page->png);
}

int main(int argc, char **argv)
{
    int64_t number, width;
    struct buffer file = {0};
    struct page page = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 3 || !number_parse(argv[1], 1, PAGE_NUMBER_MOST, &number) ||
        !number_parse(argv[2], 16, PAGE_WIDTH_MOST, &width) || !file_read(&file))
        _exit(64);
    draw_warm_up();
    if (!page_lock())
        _exit(PAGE_EXIT_NO_WALLS);
    draw(buffer_bytes(&file), (uint32_t)number, (uint32_t)width, &page);
    const struct page_head head = {PAGE_MAGIC, page.outcome, page.pages,
                                   page.w,     page.h,       (uint32_t)page.png.length};
    _exit(write_all(&head, sizeof head) && write_all(page.png.data, page.png.length) ? 0 : 74);
}
