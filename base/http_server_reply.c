/* The reply: made by the handler, queued when the handler has come back. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"
#include "base/text.h"

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad request"},    {401, "Not authenticated"},       {403, "Not allowed"},
    {404, "Not found"},      {405, "Method not allowed"},      {409, "Conflict"},
    {413, "Too large"},      {416, "Range not satisfiable"},   {429, "Too many requests"},
    {500, "Internal error"}, {503, "Temporarily unavailable"},
};

static const char *title_of(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
    if (request->header_count == HTTP_HEADERS_MOST)
        return;
    struct http_pair *pair = &request->headers[request->header_count++];
    pair->name = text_copy(name);
    pair->value = text_copy(value);
}

/* --- compression: RFC 9110, section 12.5.3 ------------------------------------------------------
 */

#define COMPRESS_LEAST 1024 /* below, the answer fits in one packet anyway */

/* "gzip" as a word of its own that is not given up by ";q=0". */
static bool takes_gzip(struct http_request *request)
{
    const char *header = http_request_header(request, "Accept-Encoding");
    for (; header && *header; header += strcspn(header, ","), header += *header == ',') {
        header += strspn(header, " \t");
        size_t length = strcspn(header, " \t;,");
        if (length != 4 || strncasecmp(header, "gzip", 4) != 0)
            continue;
        const char *rest = header + length + strspn(header + length, " \t");
        rest += *rest == ';' ? 1 + strspn(rest + 1, " \t") : 0;
        return strncasecmp(rest, "q=0", 3) != 0 ||
               strspn(rest + 3, ".0") != strcspn(rest + 3, " \t,");
    }
    return false;
}

/* The compressed copy (from malloc); NULL when there is no gain. */
static void *gzip(const void *data, size_t size, size_t *ret_size)
{
    z_stream z = {0};
    if (size > UINT32_MAX ||
        deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    uLong room = deflateBound(&z, (uLong)size);
    void *out = memory_allocate(room);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < size;
    *ret_size = z.total_out;
    deflateEnd(&z);
    if (!done)
        free(out);
    return done ? out : NULL;
}

void http_reply_compress(struct http_request *request)
{
    request->compress = takes_gzip(request);
    http_reply_header(request, "Vary", "Accept-Encoding");
}

/* Takes `data` (from malloc). The first reply stands: an error found early is not overwritten. */
static enum http_flow set_reply(struct http_request *request, unsigned status,
                                const char *content_type, void *data, size_t size)
{
    if (request->response) {
        free(data);
        return HTTP_DONE;
    }
    size_t packed_size = 0;
    void *packed =
        request->compress && size >= COMPRESS_LEAST ? gzip(data, size, &packed_size) : NULL;
    if (packed) {
        explicit_bzero(data, size); /* it may hold personal data */
        free(data);
        data = packed;
        size = packed_size;
        http_reply_header(request, "Content-Encoding", "gzip");
    }
    request->response = MHD_create_response_from_buffer(size, data, MHD_RESPMEM_MUST_FREE);
    if (!request->response) {
        free(data);
        return HTTP_DONE;
    }
    request->status = status;
    request->response_size = size;
    if (content_type)
        http_reply_header(request, "Content-Type", content_type);
    return HTTP_DONE;
}

enum http_flow http_reply_json(struct http_request *request, unsigned status, json_t *stolen)
{
    char *text = json_dumps(stolen, JSON_COMPACT);
    json_decref(stolen);
    if (!text)
        return http_reply_error(request, 500, "E0199", "the answer could not be written");
    return set_reply(request, status, "application/json", text, strlen(text));
}

static void *copy(const uint8_t *data, size_t size)
{
    void *own = memory_allocate(size + 1);
    if (size > 0)
        memcpy(own, data, size);
    return own;
}

enum http_flow http_reply_bytes(struct http_request *request, unsigned status,
                                const char *content_type, struct bytes copied)
{
    return set_reply(request, status, content_type, copy(copied.data, copied.length),
                     copied.length);
}

enum http_flow http_reply_buffer(struct http_request *request, unsigned status,
                                 const char *content_type, struct buffer *taken)
{
    buffer_reserve(taken, 1); /* so that there is memory to take */
    struct buffer own = *taken;
    *taken = (struct buffer){0};
    return set_reply(request, status, content_type, own.data, own.length);
}

enum http_flow http_reply_error(struct http_request *request, unsigned status, const char *code,
                                const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_t *json =
        json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s}", "title", title_of(status), "detail", text,
                  "errors", "code", code, "message", text, "request_id", request->id);
    if (!json) /* a text that was cut within a character */
        json = json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s}", "title", title_of(status), "detail", "",
                         "errors", "code", code, "message", "", "request_id", request->id);
    return http_reply_json(request, status, json);
}

/* --- unchanged: RFC 9110, section 13.1.2 --------------------------------------------------------
 */

/* One of the entity tags, "*", or none of it. Tags are compared weakly: W/ says nothing. */
static bool tag_listed(const char *header, const char *quoted)
{
    while (header && *header) {
        header += strspn(header, " \t,");
        if (*header == '*')
            return true;
        header += strncmp(header, "W/", 2) == 0 ? 2 : 0;
        size_t length = strcspn(header, ",");
        while (length > 0 && (header[length - 1] == ' ' || header[length - 1] == '\t'))
            length--;
        if (length == strlen(quoted) && strncmp(header, quoted, length) == 0)
            return true;
        header += strcspn(header, ",");
    }
    return false;
}

bool http_reply_unchanged(struct http_request *request, const char *etag)
{
    char quoted[160];
    snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    http_reply_header(request, "ETag", quoted);
    if (!tag_listed(http_request_header(request, "If-None-Match"), quoted))
        return false;
    set_reply(request, 304, NULL, memory_allocate(1), 0);
    return true;
}

/* --- ranges: RFC 9110, section 14 ------------------------------------------------------------- */

enum range { RANGE_NONE, RANGE_GOOD, RANGE_BEYOND };

/* Digits up to `stop`; a number too big to count is as good as the biggest. */
static const char *read_position(const char *text, uint64_t *ret_position, bool *ret_given)
{
    uint64_t position = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        position =
            position > UINT64_MAX / 20 ? UINT64_MAX / 2 : position * 10 + (uint64_t)(*digit - '0');
    *ret_given = digit != text;
    *ret_position = position;
    return digit;
}

/* What is not one well-formed range of bytes is ignored, as the RFC has it: the whole is sent. */
static enum range parse_range(const char *header, size_t size, size_t *ret_first,
                              size_t *ret_length)
{
    uint64_t first, last;
    bool has_first, has_last;
    if (!header || strncmp(header, "bytes=", 6) != 0)
        return RANGE_NONE;
    const char *rest = read_position(header + 6, &first, &has_first);
    if (*rest != '-')
        return RANGE_NONE;
    rest = read_position(rest + 1, &last, &has_last);
    if (*rest || (!has_first && !has_last) || (has_first && has_last && last < first))
        return RANGE_NONE;
    if (!has_first) { /* the last `last` bytes */
        if (last == 0 || size == 0)
            return RANGE_BEYOND;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (first >= size) {
        return RANGE_BEYOND;
    } else if (!has_last || last >= size) {
        last = size - 1;
    }
    *ret_first = (size_t)first;
    *ret_length = (size_t)(last - first + 1);
    return RANGE_GOOD;
}

enum http_flow http_reply_range(struct http_request *request, const char *content_type,
                                const char *etag, struct bytes copied)
{
    char quoted[160], text[96];
    snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    http_reply_header(request, "Accept-Ranges", "bytes");
    if (http_reply_unchanged(request, etag))
        return HTTP_DONE;
    const char *header = NULL;
    const char *if_range = http_request_header(request, "If-Range");
    if (strcmp(request->method, "GET") == 0 && (!if_range || strcmp(if_range, quoted) == 0))
        header = http_request_header(request, "Range");
    size_t first = 0, length = copied.length;
    enum range range = parse_range(header, copied.length, &first, &length);
    if (range == RANGE_NONE)
        return http_reply_bytes(request, 200, content_type, copied);
    if (range == RANGE_BEYOND) {
        snprintf(text, sizeof text, "bytes */%zu", copied.length);
        http_reply_header(request, "Content-Range", text);
        return http_reply_error(request, 416, "E0002", "the range begins behind the end");
    }
    snprintf(text, sizeof text, "bytes %zu-%zu/%zu", first, first + length - 1, copied.length);
    http_reply_header(request, "Content-Range", text);
    return http_reply_bytes(request, 206, content_type, bytes_of(copied.data + first, length));
}

/* --- out -------------------------------------------------------------------------------------- */

enum MHD_Result http_reply_queue(struct http_request *request)
{
    if (!request->response)
        http_reply_error(request, 500, "E0199", "no answer was made");
    struct MHD_Response *response = request->response;
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "X-Request-Id", request->id);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < request->header_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    if (request->connection)
        http_connection_hurry(request->connection, request->response_size);
    return MHD_queue_response(request->mhd, request->status, response);
}
