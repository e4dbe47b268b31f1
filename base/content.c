#include "base/content.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The cross-reference stands within the last bytes; readers look in 1024 (ISO 32000-1, H.3). */
#define PDF_END 1024

static bool at(struct bytes file, size_t offset, const void *what, size_t length)
{
    return offset <= file.length && file.length - offset >= length &&
           memcmp(file.data + offset, what, length) == 0;
}

/* --- PDF -------------------------------------------------------------------------------------- */

/* The last place of `word` in the file's end; NULL. */
static const uint8_t *last_of(struct bytes file, const char *word)
{
    size_t length = strlen(word);
    size_t first = file.length > PDF_END ? file.length - PDF_END : 0;
    for (size_t i = file.length; i-- > first;)
        if (at(file, i, word, length))
            return file.data + i;
    return NULL;
}

static bool is_pdf(struct bytes file)
{
    static const char start[] = "startxref";
    if (!at(file, 0, "%PDF-", 5) || file.length < 8 || !isdigit(file.data[5]) ||
        file.data[6] != '.' || !isdigit(file.data[7]))
        return false;
    const uint8_t *end = last_of(file, "%%EOF"), *from = last_of(file, start);
    if (!end || !from || from >= end)
        return false;
    size_t offset = 0, digits = 0;
    const uint8_t *p = from + sizeof start - 1;
    while (p < end && isspace(*p))
        p++;
    for (; p < end && isdigit(*p) && digits < 12; p++, digits++)
        offset = offset * 10 + (size_t)(*p - '0');
    while (offset < file.length && isspace(file.data[offset]))
        offset++;
    return digits > 0 && file.data + offset < from &&
           (at(file, offset, "xref", 4) || isdigit(file.data[offset]));
}

/* --- JPEG ------------------------------------------------------------------------------------- */

static bool is_frame(uint8_t marker) /* SOF0 … SOF15 without DHT, JPG, DAC */
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static bool ends_behind(struct bytes file, size_t offset)
{
    for (size_t i = file.length; i-- > offset + 1;)
        if (file.data[i] == 0xD9 && file.data[i - 1] == 0xFF)
            return true;
    return false;
}

static bool is_jpeg(struct bytes file)
{
    size_t offset = 2;
    bool frame = false;
    if (!at(file, 0, "\xFF\xD8\xFF", 3))
        return false;
    while (file.length - offset >= 4 && file.data[offset] == 0xFF) {
        uint8_t marker = file.data[offset + 1];
        if (marker == 0xFF) { /* fill */
            offset++;
            continue;
        }
        size_t length = (size_t)file.data[offset + 2] << 8 | file.data[offset + 3];
        if (length < 2 || length > file.length - offset - 2)
            return false;
        offset += 2 + length;
        frame = frame || is_frame(marker);
        if (marker == 0xDA) /* SOS */
            return frame && ends_behind(file, offset);
    }
    return false;
}

/* --- PNG -------------------------------------------------------------------------------------- */

static size_t big(const uint8_t *four)
{
    return (size_t)four[0] << 24 | (size_t)four[1] << 16 | (size_t)four[2] << 8 | four[3];
}

static bool is_png(struct bytes file)
{
    size_t offset = 8;
    bool data = false;
    if (!at(file, 0, "\x89PNG\r\n\x1A\n", 8) || !at(file, 8, "\0\0\0\x0DIHDR", 8))
        return false;
    while (file.length - offset >= 12) {
        size_t length = big(file.data + offset);
        const uint8_t *type = file.data + offset + 4;
        if (length > file.length - offset - 12)
            return false;
        offset += 12 + length;
        data = data || memcmp(type, "IDAT", 4) == 0;
        if (memcmp(type, "IEND", 4) == 0)
            return data && length == 0 && offset == file.length;
    }
    return false;
}

enum content content_of(struct bytes file)
{
    return is_pdf(file)    ? CONTENT_PDF
           : is_jpeg(file) ? CONTENT_JPEG
           : is_png(file)  ? CONTENT_PNG
                           : CONTENT_OTHER;
}

const char *content_name(enum content content)
{
    static const char *const names[] = {"", "pdf", "jpeg", "png"};
    return names[content];
}

bool content_fits_name(enum content content, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || content == CONTENT_OTHER)
        return false;
    return strcasecmp(dot + 1, content_name(content)) == 0 ||
           (content == CONTENT_JPEG && strcasecmp(dot, ".jpg") == 0);
}
