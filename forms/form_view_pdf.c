/* Blocks are laid out first, so that the number of pages is known, and then drawn. Pango breaks
 * lines and chooses fonts, cairo writes the document; here is only where the blocks go. */
#include "forms/form_view_pdf.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/era.h"

/* In points (1/72 inch). A4: ISO 216. */
#define PAGE_WIDTH  595.276
#define PAGE_HEIGHT 841.89
#define SIDE        48.0
#define EDGE        36.0 /* above the head, below the foot */
#define WIDTH       (PAGE_WIDTH - 2 * SIDE)
#define LABEL_WIDTH 150.0
#define VALUE_LEFT  (LABEL_WIDTH + 10)
#define GAP         10.0 /* between head, body and foot */
#define PADDING     3.5  /* above and below what stands in a row */

#define FONTS "IPAexGothic, IPAmjMincho, Noto Sans CJK JP, sans-serif"

/* What is taller than a third of a page may be torn apart, between lines. */
#define LINES_TOGETHER 16

DEFINE_CLEANUP(cleanup_surface, cairo_surface_t *, cairo_surface_destroy)
DEFINE_CLEANUP(cleanup_object, void *, g_object_unref)
DEFINE_CLEANUP(cleanup_font, PangoFontDescription *, pango_font_description_free)
DEFINE_CLEANUP(cleanup_attributes, PangoAttrList *, pango_attr_list_unref)

enum block_kind { BLOCK_TITLE, BLOCK_HEADING, BLOCK_ROW, BLOCK_TEXT };

/* Stands on one page. */
struct block {
    enum block_kind kind;
    int level;
    PangoLayout *label; /* NULL: none; owned */
    PangoLayout *value; /* owned (a reference) */
    int first, count;   /* lines of value */
    bool begins, ends;  /* a row, which may be torn apart */
    double height;
    size_t page;
};

struct sheet {
    cairo_t *cairo;
    const struct view *view;
    const struct view_print *print;
    struct block *blocks;
    size_t block_count, page_count;
    PangoLayout *head_left, *head_right, *purpose, *printed;
    double top, bottom; /* of the body */
};

static void sheet_free(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->block_count; i++) {
        g_clear_object(&sheet->blocks[i].label);
        g_clear_object(&sheet->blocks[i].value);
    }
    free(sheet->blocks);
    g_clear_object(&sheet->head_left);
    g_clear_object(&sheet->head_right);
    g_clear_object(&sheet->purpose);
    g_clear_object(&sheet->printed);
}

/* --- text ------------------------------------------------------------------------------------- */

static PangoLayout *layout_make(cairo_t *cairo, double size, bool bold, double width,
                                const char *text)
{
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    _cleanup_(cleanup_font) PangoFontDescription *font = pango_font_description_from_string(FONTS);
    pango_font_description_set_size(font, (int)(size * PANGO_SCALE));
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_width(layout, width > 0 ? (int)(width * PANGO_SCALE) : -1);
    pango_layout_set_auto_dir(layout, FALSE);
    pango_layout_set_spacing(layout, (int)(1.5 * PANGO_SCALE));
    pango_layout_set_text(layout, text, -1);
    return layout;
}

static double layout_height(PangoLayout *layout)
{
    int height;
    pango_layout_get_size(layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

static double layout_width(PangoLayout *layout)
{
    int width;
    pango_layout_get_size(layout, &width, NULL);
    return (double)width / PANGO_SCALE;
}

static void layout_show(cairo_t *cairo, PangoLayout *layout, double x, double y)
{
    cairo_move_to(cairo, x, y);
    pango_cairo_show_layout(cairo, layout);
}

static void bold_from(PangoAttrList *attributes, size_t start, size_t end)
{
    PangoAttribute *bold = pango_attr_weight_new(PANGO_WEIGHT_BOLD);
    bold->start_index = (guint)start;
    bold->end_index = (guint)end;
    pango_attr_list_insert(attributes, bold);
}

static void remarks_append(struct buffer *text, PangoAttrList *attributes,
                           const struct view_remarks *remarks)
{
    for (size_t i = 0; i < remarks->count; i++) {
        if (text->length > 0)
            buffer_append_text(text, "\n");
        size_t start = text->length;
        buffer_format(text, "【%s】", view_mark_text(remarks->items[i].mark));
        bold_from(attributes, start, text->length);
        buffer_append_text(text, remarks->items[i].text);
    }
}

/* --- blocks ----------------------------------------------------------------------------------- */

static struct block *block_add(struct sheet *sheet, enum block_kind kind, PangoLayout *label,
                               PangoLayout *value)
{
    sheet->blocks = memory_resize(sheet->blocks, (sheet->block_count + 1) * sizeof *sheet->blocks);
    struct block *block = &sheet->blocks[sheet->block_count++];
    *block = (struct block){.kind = kind,
                            .label = label,
                            .value = value,
                            .count = pango_layout_get_line_count(value),
                            .begins = true,
                            .ends = true,
                            .height = layout_height(value)};
    return block;
}

/* Where the lines `first` and `first + count` begin, in Pango's units. */
static void lines_range(PangoLayout *layout, int first, int count, int *ret_from, int *ret_to)
{
    PangoLayoutIter *at = pango_layout_get_iter(layout);
    int line = 0, from = 0, to = 0, y0, y1;
    do {
        pango_layout_iter_get_line_yrange(at, &y0, &y1);
        if (line == first)
            from = y0;
        if (line < first + count)
            to = y1;
        line++;
    } while (pango_layout_iter_next_line(at));
    pango_layout_iter_free(at);
    *ret_from = from;
    *ret_to = to;
}

/* One block, or several of LINES_TOGETHER lines when it is long. */
static void row_add(struct sheet *sheet, PangoLayout *label, PangoLayout *value, int level)
{
    int lines = pango_layout_get_line_count(value);
    for (int first = 0; first < lines; first += LINES_TOGETHER) {
        int count = lines - first < LINES_TOGETHER ? lines - first : LINES_TOGETHER, from, to;
        struct block *block = block_add(sheet, label ? BLOCK_ROW : BLOCK_TEXT,
                                        first == 0 ? label : NULL, g_object_ref(value));
        lines_range(value, first, count, &from, &to);
        block->kind = label ? BLOCK_ROW : BLOCK_TEXT;
        block->level = level;
        block->first = first;
        block->count = count;
        block->begins = first == 0;
        block->ends = first + count == lines;
        block->height = (double)(to - from) / PANGO_SCALE;
        if (block->label && layout_height(block->label) > block->height)
            block->height = layout_height(block->label);
        block->height += PADDING * (block->begins + block->ends);
    }
    g_object_unref(value);
}

static void fact_block_add(struct sheet *sheet, const char *label, const char *text)
{
    row_add(sheet, layout_make(sheet->cairo, 9.5, true, LABEL_WIDTH, label),
            layout_make(sheet->cairo, 9.5, false, WIDTH - VALUE_LEFT, text), 0);
}

static void remarks_block_add(struct sheet *sheet, const struct view_remarks *remarks)
{
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    _cleanup_(cleanup_attributes) PangoAttrList *attributes = pango_attr_list_new();
    if (remarks->count == 0)
        return;
    remarks_append(&text, attributes, remarks);
    PangoLayout *layout = layout_make(sheet->cairo, 9.5, false, WIDTH, buffer_text(&text));
    pango_layout_set_attributes(layout, attributes);
    row_add(sheet, NULL, layout, 0);
}

static void row_block_add(struct sheet *sheet, const struct view_entry *entry)
{
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    _cleanup_(cleanup_attributes) PangoAttrList *attributes = pango_attr_list_new();
    buffer_append_text(&text, entry->text);
    if (entry->also)
        buffer_format(&text, "　（%s）", entry->also);
    remarks_append(&text, attributes, &entry->remarks);
    PangoLayout *value =
        layout_make(sheet->cairo, 10, false, WIDTH - VALUE_LEFT, buffer_text(&text));
    pango_layout_set_attributes(value, attributes);
    row_add(sheet, layout_make(sheet->cairo, 9.5, true, LABEL_WIDTH - 6, entry->label), value, 1);
}

static void heading_block_add(struct sheet *sheet, const struct view_entry *entry)
{
    bool group = entry->level == 1;
    struct block *block =
        block_add(sheet, BLOCK_HEADING, NULL,
                  layout_make(sheet->cairo, group ? 12 : 10.5, true, WIDTH - 8, entry->label));
    block->level = entry->level;
    block->height = *entry->label ? block->height + (group ? 16 : 10) : 10;
    remarks_block_add(sheet, &entry->remarks);
}

static void blocks_make(struct sheet *sheet)
{
    const struct view *view = sheet->view;
    block_add(sheet, BLOCK_TITLE, NULL, layout_make(sheet->cairo, 15, true, WIDTH, view->title))
        ->height += 8;
    for (size_t i = 0; i < view->fact_count; i++)
        fact_block_add(sheet, view->facts[i].label, view->facts[i].text);
    remarks_block_add(sheet, &view->remarks);
    for (size_t i = 0; i < view->entry_count; i++)
        if (view->entries[i].heading)
            heading_block_add(sheet, &view->entries[i]);
        else
            row_block_add(sheet, &view->entries[i]);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* From a heading on: up to the first row below it, none of which may stand alone. */
static double height_together(const struct sheet *sheet, size_t i)
{
    double height = 0;
    while (i < sheet->block_count && sheet->blocks[i].kind == BLOCK_HEADING)
        height += sheet->blocks[i++].height;
    return height + (i < sheet->block_count ? sheet->blocks[i].height : 0);
}

static bool blocks_place(struct sheet *sheet, struct failure *f)
{
    double room = sheet->bottom - sheet->top, used = 0;
    bool after_heading = false;
    for (size_t i = 0; i < sheet->block_count; i++) {
        struct block *block = &sheet->blocks[i];
        double together = after_heading ? block->height : height_together(sheet, i);
        if (used > 0 && used + (together < room ? together : block->height) > room) {
            sheet->page_count++;
            used = 0;
        }
        block->page = sheet->page_count;
        used += block->height;
        after_heading = block->kind == BLOCK_HEADING;
    }
    if (++sheet->page_count > VIEW_PDF_PAGES_MOST)
        return failure_set(f, FAILURE_LIMIT, "the print would have %zu pages; at most %d",
                           sheet->page_count, VIEW_PDF_PAGES_MOST);
    return true;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void line_draw(cairo_t *cairo, double y, double from, double to)
{
    cairo_save(cairo);
    cairo_set_line_width(cairo, 0.4);
    cairo_set_source_rgb(cairo, 0.55, 0.55, 0.55);
    cairo_move_to(cairo, from, y);
    cairo_line_to(cairo, to, y);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void lines_draw(cairo_t *cairo, const struct block *block, double x, double y)
{
    int from, to, line = 0;
    lines_range(block->value, block->first, block->count, &from, &to);
    PangoLayoutIter *at = pango_layout_get_iter(block->value);
    do {
        if (line >= block->first && line < block->first + block->count) {
            int baseline = pango_layout_iter_get_baseline(at);
            cairo_move_to(cairo, x, y + (double)(baseline - from) / PANGO_SCALE);
            pango_cairo_show_layout_line(cairo, pango_layout_iter_get_line_readonly(at));
        }
        line++;
    } while (pango_layout_iter_next_line(at));
    pango_layout_iter_free(at);
}

static void heading_draw(cairo_t *cairo, const struct block *block, double y)
{
    double height = layout_height(block->value), top = y + block->height - height - 4;
    if (!*pango_layout_get_text(block->value))
        return;
    if (block->level == 1) {
        cairo_rectangle(cairo, SIDE, top, 3, height);
        cairo_fill(cairo);
    }
    layout_show(cairo, block->value, SIDE + (block->level == 1 ? 8 : 0), top);
}

static void block_draw(cairo_t *cairo, const struct block *block, double y)
{
    double inner = y + (block->begins ? PADDING : 0);
    switch (block->kind) {
    case BLOCK_TITLE:
        layout_show(cairo, block->value, SIDE, y);
        break;
    case BLOCK_HEADING:
        heading_draw(cairo, block, y);
        break;
    case BLOCK_TEXT:
        lines_draw(cairo, block, SIDE, inner);
        break;
    case BLOCK_ROW:
        if (block->begins)
            line_draw(cairo, y, SIDE, SIDE + WIDTH);
        if (block->label)
            layout_show(cairo, block->label, SIDE + 2, inner);
        lines_draw(cairo, block, SIDE + VALUE_LEFT, inner);
        if (block->ends)
            line_draw(cairo, y + block->height, SIDE, SIDE + WIDTH);
        break;
    }
}

/* Across the page, behind what stands there: large, and as long as the page is wide. */
static void watermark_draw(const struct sheet *sheet)
{
    cairo_t *cairo = sheet->cairo;
    PangoLayout *layout = layout_make(cairo, 30, true, 0, pango_layout_get_text(sheet->printed));
    double width = layout_width(layout), scale = WIDTH * 1.1 / width;
    scale = scale > 1.5 ? 1.5 : scale;
    cairo_save(cairo);
    cairo_set_source_rgb(cairo, 0.88, 0.88, 0.88);
    cairo_translate(cairo, PAGE_WIDTH / 2, PAGE_HEIGHT / 2);
    cairo_rotate(cairo, -G_PI / 5);
    cairo_scale(cairo, scale, scale);
    layout_show(cairo, layout, -width / 2, -layout_height(layout) / 2);
    cairo_restore(cairo);
    g_object_unref(layout);
}

static void frame_draw(const struct sheet *sheet, size_t page)
{
    cairo_t *cairo = sheet->cairo;
    _cleanup_(cleanup_text) char *number = text_format("%zu / %zu", page + 1, sheet->page_count);
    PangoLayout *numbered = layout_make(cairo, 8, false, 0, number);
    double y = sheet->bottom + GAP;
    layout_show(cairo, sheet->head_left, SIDE, EDGE);
    layout_show(cairo, sheet->head_right, SIDE + WIDTH - layout_width(sheet->head_right), EDGE);
    line_draw(cairo, sheet->top - GAP + 2, SIDE, SIDE + WIDTH);
    line_draw(cairo, y - 2, SIDE, SIDE + WIDTH);
    if (sheet->purpose) {
        layout_show(cairo, sheet->purpose, SIDE, y);
        y += layout_height(sheet->purpose) + PADDING;
    }
    layout_show(cairo, sheet->printed, SIDE, y);
    layout_show(cairo, numbered, SIDE + WIDTH - layout_width(numbered), y);
    g_object_unref(numbered);
}

static void pages_draw(const struct sheet *sheet)
{
    size_t i = 0;
    for (size_t page = 0; page < sheet->page_count; page++) {
        double y = sheet->top;
        watermark_draw(sheet);
        frame_draw(sheet, page);
        for (; i < sheet->block_count && sheet->blocks[i].page == page; i++) {
            block_draw(sheet->cairo, &sheet->blocks[i], y);
            y += sheet->blocks[i].height;
        }
        cairo_show_page(sheet->cairo);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

/* "印刷：WHO 2026-11-28 09:00" */
static char *printed_text(const struct view_print *print)
{
    char at[INSTANT_TEXT];
    instant_text_jst(print->at, at);
    return text_format("印刷：%s%s%.10s %.5s", print->who ? print->who : "", print->who ? "　" : "",
                       at, at + 11);
}

static void frame_make(struct sheet *sheet)
{
    const struct view *view = sheet->view;
    cairo_t *cairo = sheet->cairo;
    _cleanup_(cleanup_text) char *printed = printed_text(sheet->print);
    _cleanup_(cleanup_text) char *right =
        text_format("%s%s%s%s%s", view->receipt_number ? "受付番号 " : "",
                    view->receipt_number ? view->receipt_number : "",
                    view->receipt_number && view->applied_at ? "\n" : "",
                    view->applied_at ? "申請日時 " : "", view->applied_at ? view->applied_at : "");
    _cleanup_(cleanup_text) char *purpose =
        view->purpose ? text_format("利用目的：%s", view->purpose) : NULL;
    sheet->head_right = layout_make(cairo, 8, false, 0, right);
    double left_width = WIDTH - layout_width(sheet->head_right) - 12;
    sheet->head_left = layout_make(cairo, 8, false, left_width, view->title);
    sheet->purpose = purpose ? layout_make(cairo, 7.5, false, WIDTH, purpose) : NULL;
    sheet->printed = layout_make(cairo, 8, false, WIDTH - 60, printed);
    double left_height = layout_height(sheet->head_left);
    double right_height = layout_height(sheet->head_right);
    sheet->top = EDGE + (left_height > right_height ? left_height : right_height) + GAP;
    sheet->bottom = PAGE_HEIGHT - EDGE - layout_height(sheet->printed) - GAP -
                    (sheet->purpose ? layout_height(sheet->purpose) + PADDING : 0);
}

static bool font_there(cairo_t *cairo, struct failure *f)
{
    _cleanup_(cleanup_font) PangoFontDescription *wanted =
        pango_font_description_from_string(FONTS " 10");
    _cleanup_(cleanup_object) void *context = pango_cairo_create_context(cairo);
    _cleanup_(cleanup_object) void *fonts =
        pango_context_load_fontset(context, wanted, pango_language_from_string("ja"));
    _cleanup_(cleanup_object) void *font = fonts ? pango_fontset_get_font(fonts, 0x4EE4) : NULL;
    if (font && pango_font_has_char(font, 0x4EE4)) /* 令 */
        return true;
    return failure_set(f, FAILURE_SYSTEM,
                       "there is no Japanese font to print with: deploy/install run (or the Debian "
                       "package fonts-ipaexfont-gothic)");
}

static bool document_draw(cairo_t *cairo, const struct view *view, const struct view_print *print,
                          struct failure *f)
{
    _cleanup_(sheet_free) struct sheet sheet = {.cairo = cairo, .view = view, .print = print};
    if (!font_there(cairo, f))
        return false;
    frame_make(&sheet);
    blocks_make(&sheet);
    if (!blocks_place(&sheet, f))
        return false;
    pages_draw(&sheet);
    return true;
}

static cairo_status_t bytes_take(void *to, const unsigned char *data, unsigned length)
{
    buffer_append(to, data, length);
    return CAIRO_STATUS_SUCCESS;
}

static void document_describe(cairo_surface_t *surface, const struct view *view, instant at)
{
    char text[INSTANT_TEXT], seconds[INSTANT_TEXT];
    instant_text_jst(at, text);
    snprintf(seconds, sizeof seconds, "%.19s+09:00", text);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, view->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "uketsuke");
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, seconds);
}

bool view_pdf_write(const struct view *view, const struct view_print *print, struct buffer *ret_pdf,
                    struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer pdf = {0};
    _cleanup_(cleanup_surface) cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(bytes_take, &pdf, PAGE_WIDTH, PAGE_HEIGHT);
    document_describe(surface, view, print->at);
    cairo_t *cairo = cairo_create(surface);
    bool drawn = document_draw(cairo, view, print, f);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    if (drawn && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    if (!drawn)
        return false;
    if (status != CAIRO_STATUS_SUCCESS)
        return failure_set(f, FAILURE_SYSTEM, "cairo: %s", cairo_status_to_string(status));
    buffer_append(ret_pdf, pdf.data, pdf.length);
    return true;
}
