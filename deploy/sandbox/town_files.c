#include "deploy/sandbox/town_files.h"

#include <string.h>
#include <zlib.h>

static void number_write(struct buffer *out, uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number};
    buffer_append(out, bytes, sizeof bytes);
}

static void letters_write(struct dice *dice, size_t count, struct buffer *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
    uint8_t *end = buffer_reserve(out, count);
    for (size_t i = 0; i < count; i++)
        end[i] = (uint8_t)alphabet[dice_roll(dice) % 64];
    buffer_commit(out, count);
}

void pdf_write(struct dice *dice, const char *ascii_text, struct buffer *ret_pdf)
{
    static const char *const objects[] = {
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        ("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R\n"
         "   /Resources << /Font << /F1 4 0 R >> >> >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    };
    size_t offsets[5], begin = ret_pdf->length;
    buffer_append_text(ret_pdf, "%PDF-1.4\n%");
    letters_write(dice, (size_t)dice_between(dice, 200, 4000), ret_pdf);
    buffer_append_text(ret_pdf, "\n");
    for (int i = 0; i < 4; i++) {
        offsets[i] = ret_pdf->length - begin;
        buffer_format(ret_pdf, "%d 0 obj\n%s\nendobj\n", i + 1, objects[i]);
    }
    offsets[4] = ret_pdf->length - begin;
    static const char text_begin[] = "BT /F1 18 Tf 72 770 Td (", text_end[] = ") Tj ET";
    buffer_format(ret_pdf, "5 0 obj\n<< /Length %zu >>\nstream\n%s%s%s\nendstream\nendobj\n",
                  sizeof text_begin - 1 + strlen(ascii_text) + sizeof text_end - 1, text_begin,
                  ascii_text, text_end);
    size_t table = ret_pdf->length - begin;
    buffer_append_text(ret_pdf, "xref\n0 6\n0000000000 65535 f \n");
    for (int i = 0; i < 5; i++)
        buffer_format(ret_pdf, "%010zu 00000 n \n", offsets[i]);
    buffer_format(ret_pdf, "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", table);
}

void jpeg_write(struct dice *dice, struct buffer *ret_jpeg)
{
    static const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F',
                                   0,    1,    1,    0,    0, 1,  0,   1,   0,   0};
    static const uint8_t frame[] = {
        0xFF, 0xC0, 0, 11, 8,    0, 8,    0, 8,  1, 1,    0x11, 0, /* 8×8, one component */
        0xFF, 0xC4, 0, 20, 0x00, 1, 0,    0, 0,  0, 0,    0,    0,
        0,    0,    0, 0,  0,    0, 0,    0, 0, /* DC: no change */
        0xFF, 0xC4, 0, 20, 0x10, 1, 0,    0, 0,  0, 0,    0,    0,
        0,    0,    0, 0,  0,    0, 0,    0, 0, /* AC: the end */
        0xFF, 0xDA, 0, 8,  1,    1, 0x00, 0, 63, 0, 0x3F, 0xFF, 0xD9};
    static const uint8_t table_head[] = {0xFF, 0xDB, 0, 67, 0};
    uint8_t ones[64];
    int comment = dice_between(dice, 500, 12000);
    const uint8_t comment_head[] = {0xFF, 0xFE, (uint8_t)((comment + 2) >> 8),
                                    (uint8_t)(comment + 2)};
    memset(ones, 1, sizeof ones);
    buffer_append(ret_jpeg, head, sizeof head);
    buffer_append(ret_jpeg, comment_head, sizeof comment_head);
    letters_write(dice, (size_t)comment, ret_jpeg);
    buffer_append(ret_jpeg, table_head, sizeof table_head);
    buffer_append(ret_jpeg, ones, sizeof ones);
    buffer_append(ret_jpeg, frame, sizeof frame);
}

static void chunk_write(struct buffer *png, const char *type, struct bytes content)
{
    number_write(png, (uint32_t)content.length);
    size_t begin = png->length;
    buffer_append_text(png, type);
    if (content.length)
        buffer_append(png, content.data, content.length);
    number_write(png, (uint32_t)crc32(0, png->data + begin, (uInt)(png->length - begin)));
}

void png_write(struct dice *dice, struct buffer *ret_png)
{
    static const uint8_t magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    static const uint8_t header[] = {0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0}; /* 1×1, 8-bit grey */
    const uint8_t line[] = {0, (uint8_t)dice_between(dice, 0, 255)};
    uint8_t packed[64];
    uLongf length = sizeof packed;
    struct buffer text = {0};
    buffer_append(&text, "Comment", 8);
    letters_write(dice, (size_t)dice_between(dice, 100, 2000), &text);
    compress(packed, &length, line, sizeof line);
    buffer_append(ret_png, magic, sizeof magic);
    chunk_write(ret_png, "IHDR", bytes_of(header, sizeof header));
    chunk_write(ret_png, "tEXt", buffer_bytes(&text));
    chunk_write(ret_png, "IDAT", bytes_of(packed, length));
    chunk_write(ret_png, "IEND", bytes_of(NULL, 0));
    buffer_free(&text);
}
