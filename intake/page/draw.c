#include "intake/page/draw.h"

#include <cairo.h>
#include <poppler.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_surface, cairo_surface_t *, cairo_surface_destroy)
DEFINE_CLEANUP(cleanup_cairo, cairo_t *, cairo_destroy)
DEFINE_CLEANUP(cleanup_object, void *, g_object_unref)
DEFINE_CLEANUP(cleanup_gbytes, GBytes *, g_bytes_unref)

/* --- the picture --------------------------------------------------------------------------------
 */

static cairo_status_t png_take(void *context, const unsigned char *data, unsigned length)
{
    struct page *page = context;
    if (page->png.length + length > PAGE_PICTURE_MOST)
        return CAIRO_STATUS_WRITE_ERROR;
    buffer_append(&page->png, data, length);
    return CAIRO_STATUS_SUCCESS;
}

static void picture_write(cairo_surface_t *surface, struct page *page)
{
    bool drawn = cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS &&
                 cairo_surface_write_to_png_stream(surface, png_take, page) == CAIRO_STATUS_SUCCESS;
    page->outcome = drawn ? PAGE_DRAWN : PAGE_BROKEN;
    page->w = (uint32_t)cairo_image_surface_get_width(surface);
    page->h = (uint32_t)cairo_image_surface_get_height(surface);
}

/* How much smaller (or larger, of a PDF) it has to be; 0 for what has no size. */
static double scale_of(double w, double h, uint32_t width, bool enlarge)
{
    if (!(w >= 1 && h >= 1 && w < 1e7 && h < 1e7))
        return 0;
    double scale = width / w;
    if (h * scale > PAGE_WIDTH_MOST)
        scale = PAGE_WIDTH_MOST / h;
    return scale > 1 && !enlarge ? 1 : scale;
}

static cairo_surface_t *paper_make(double w, double h, double scale, cairo_t **ret_cairo)
{
    int wide = (int)(w * scale + 0.5), high = (int)(h * scale + 0.5);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, wide > 0 ? wide : 1, high > 0 ? high : 1);
    *ret_cairo = cairo_create(surface);
    cairo_set_source_rgb(*ret_cairo, 1, 1, 1);
    cairo_paint(*ret_cairo);
    cairo_scale(*ret_cairo, scale, scale);
    return surface;
}

/* An image is drawn anew on white paper: nothing that came with it goes along. */
static void image_draw(cairo_surface_t *image, uint32_t width, struct page *page)
{
    double w = cairo_image_surface_get_width(image), h = cairo_image_surface_get_height(image);
    double scale = scale_of(w, h, width, false);
    page->outcome = PAGE_BROKEN;
    if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS || scale == 0)
        return;
    _cleanup_(cleanup_cairo) cairo_t *cairo = NULL;
    _cleanup_(cleanup_surface) cairo_surface_t *paper = paper_make(w, h, scale, &cairo);
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_paint(cairo);
    picture_write(paper, page);
}

/* --- PDF ----------------------------------------------------------------------------------------
 */

static void pdf_page_draw(PopplerDocument *document, uint32_t number, uint32_t width,
                          struct page *page)
{
    double w = 0, h = 0;
    _cleanup_(cleanup_object) void *leaf = poppler_document_get_page(document, (int)number - 1);
    if (!leaf)
        return;
    poppler_page_get_size(leaf, &w, &h);
    double scale = scale_of(w, h, width, true);
    if (scale == 0)
        return;
    _cleanup_(cleanup_cairo) cairo_t *cairo = NULL;
    _cleanup_(cleanup_surface) cairo_surface_t *paper = paper_make(w, h, scale, &cairo);
    poppler_page_render(leaf, cairo);
    picture_write(paper, page);
}

void draw_pdf(struct bytes file, uint32_t number, uint32_t width, struct page *page)
{
    GError *error = NULL;
    _cleanup_(cleanup_gbytes) GBytes *bytes = g_bytes_new_static(file.data, file.length);
    _cleanup_(cleanup_object) void *document = poppler_document_new_from_bytes(bytes, NULL, &error);
    page->outcome = PAGE_BROKEN;
    if (!document) {
        if (g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
            page->outcome = PAGE_LOCKED;
        g_clear_error(&error);
        return;
    }
    int pages = poppler_document_get_n_pages(document);
    page->pages = pages > 0 ? (uint32_t)pages : 0;
    if (number > page->pages || number > PAGE_NUMBER_MOST)
        page->outcome = PAGE_NONE;
    else
        pdf_page_draw(document, number, width, page);
}

/* --- JPEG ---------------------------------------------------------------------------------------
 */

struct jpeg_trouble {
    struct jpeg_error_mgr manager; /* first: libjpeg hands out a pointer to it */
    jmp_buf out;
};

static void jpeg_give_up(j_common_ptr info)
{
    longjmp(((struct jpeg_trouble *)info->err)->out, 1);
}

static void jpeg_say_nothing(j_common_ptr info)
{
    (void)info;
}

static bool jpeg_begin(struct jpeg_decompress_struct *info, struct bytes file)
{
    jpeg_create_decompress(info);
    jpeg_mem_src(info, file.data, file.length);
    if (jpeg_read_header(info, TRUE) != JPEG_HEADER_OK ||
        (uint64_t)info->image_width * info->image_height > PAGE_PIXELS_MOST)
        return false;
    info->out_color_space = JCS_EXT_BGRX; /* CAIRO_FORMAT_RGB24 on a little-endian machine */
    return jpeg_start_decompress(info);
}

static void jpeg_rows(struct jpeg_decompress_struct *info, cairo_surface_t *image)
{
    unsigned char *pixels = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = pixels + info->output_scanline * stride;
        jpeg_read_scanlines(info, &row, 1);
    }
    cairo_surface_mark_dirty(image);
}

void draw_jpeg(struct bytes file, uint32_t number, uint32_t width, struct page *page)
{
    struct jpeg_decompress_struct info = {0};
    struct jpeg_trouble trouble;
    cairo_surface_t *volatile image = NULL;
    page->pages = 1;
    page->outcome = number == 1 ? PAGE_BROKEN : PAGE_NONE;
    if (number != 1)
        return;
    info.err = jpeg_std_error(&trouble.manager);
    trouble.manager.error_exit = jpeg_give_up;
    trouble.manager.output_message = jpeg_say_nothing;
    if (setjmp(trouble.out) == 0 && jpeg_begin(&info, file)) {
        image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)info.output_width,
                                           (int)info.output_height);
        if (cairo_surface_status(image) == CAIRO_STATUS_SUCCESS) {
            jpeg_rows(&info, image);
            image_draw(image, width, page);
        }
    }
    if (image)
        cairo_surface_destroy(image);
    jpeg_destroy_decompress(&info);
}

/* --- PNG ----------------------------------------------------------------------------------------
 */

static cairo_status_t png_give(void *context, unsigned char *to, unsigned length)
{
    struct bytes *left = context;
    if (left->length < length)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, left->data, length);
    *left = bytes_of(left->data + length, left->length - length);
    return CAIRO_STATUS_SUCCESS;
}

static uint32_t big_get(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

void draw_png(struct bytes file, uint32_t number, uint32_t width, struct page *page)
{
    page->pages = 1;
    page->outcome = number == 1 ? PAGE_BROKEN : PAGE_NONE;
    /* width and height stand at a fixed place (ISO 15948, 11.2.2) */
    if (number != 1 || file.length < 24 ||
        (uint64_t)big_get(file.data + 16) * big_get(file.data + 20) > PAGE_PIXELS_MOST)
        return;
    _cleanup_(cleanup_surface) cairo_surface_t *image =
        cairo_image_surface_create_from_png_stream(png_give, &file);
    image_draw(image, width, page);
}

/* --- before the walls ---------------------------------------------------------------------------
 */

/* Fontconfig reads its settings, and cairo finds a font. */
void draw_warm_up(void)
{
    _cleanup_(cleanup_cairo) cairo_t *cairo = NULL;
    _cleanup_(cleanup_surface) cairo_surface_t *paper = paper_make(8, 8, 1, &cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_move_to(cairo, 0, 8);
    cairo_show_text(cairo, "あ");
    cairo_surface_flush(paper);
}
