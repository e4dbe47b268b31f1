/* The request: its path and query decoded strictly and once, its route, and what handlers ask. */
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"
#include "base/text.h"

/* --- from the wire ---------------------------------------------------------------------------- */

struct http_request *http_request_new(struct http_server *server, struct MHD_Connection *mhd,
                                      const char *uri)
{
    struct http_request *request = memory_allocate(sizeof *request);
    request->server = server;
    request->mhd = mhd;
    request->uri = text_copy(uri);
    request->started = clock_monotonic();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->connection = info ? info->socket_context : NULL;
    if (request->connection)
        request->connection->asked = true;
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)request->started;
    snprintf(request->id, sizeof request->id, "%016" PRIx64, number);
    return request;
}

static void pairs_free(struct http_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
}

void http_request_free(struct http_request *request)
{
    if (request->kept && request->release)
        request->release(request->kept);
    for (size_t i = 0; i < request->segment_count; i++)
        free(request->segments[i]);
    pairs_free(request->queries, request->query_count);
    pairs_free(request->fields, request->field_count);
    pairs_free(request->headers, request->header_count);
    if (request->response)
        MHD_destroy_response(request->response);
    buffer_erase_free(&request->body); /* it may have held personal data */
    free(request->uri);
    free(request);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *http_unescape(const char *text, size_t length, bool plus)
{
    _cleanup_(cleanup_text) char *plain = memory_allocate(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        plain[used++] = c;
    }
    return utf8_valid(bytes_of(plain, used)) ? TAKE(plain) : NULL; /* refuses NUL as well */
}

/* "." and ".." never mean anything here, and a handler must not be able to take them for a name. */
static bool is_dots(const char *segment)
{
    return strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;
}

static bool split_path(struct http_request *request, const char *path, size_t length)
{
    const char *end = path + length;
    while (path < end && *path == '/') {
        path++;
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t size = (size_t)((slash ? slash : end) - path);
        if (request->segment_count == HTTP_SEGMENTS_MOST)
            return false;
        char *segment = http_unescape(path, size, false);
        if (!segment)
            return false;
        request->segments[request->segment_count++] = segment;
        if (is_dots(segment))
            return false;
        path += size;
    }
    return path == end;
}

static bool add_pair(struct http_pair *pairs, size_t *count, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;
    if (*count == HTTP_QUERIES_MOST)
        return false;
    struct http_pair *pair = &pairs[(*count)++];
    pair->name = http_unescape(text, name_length, true);
    pair->value =
        equals ? http_unescape(equals + 1, length - name_length - 1, true) : text_copy("");
    if (!pair->name || !pair->value)
        return false;
    for (size_t i = 0; i + 1 < *count; i++)
        if (strcmp(pairs[i].name, pair->name) == 0)
            return false; /* given twice: whoever reads the other one is fooled */
    return true;
}

/* a=b&c=d, each name once. */
static bool split_pairs(struct http_pair *pairs, size_t *count, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "&");
        if (length > 0 && !add_pair(pairs, count, text, length))
            return false;
        text += length;
        if (*text == '&')
            text++;
    }
    return true;
}

/* --- the route -------------------------------------------------------------------------------- */

/* The pattern's segment number `index`, without its slash; NULL when there are fewer. */
static const char *pattern_segment(const char *pattern, size_t index, size_t *ret_length)
{
    for (size_t i = 0; *pattern == '/'; i++) {
        pattern++;
        size_t length = strcspn(pattern, "/");
        if (i == index) {
            *ret_length = length;
            return pattern;
        }
        pattern += length;
    }
    return NULL;
}

static bool is_parameter(const char *segment, size_t length)
{
    return length > 2 && segment[0] == '{' && segment[length - 1] == '}';
}

static bool route_matches(const struct http_route *route, const struct http_request *request)
{
    size_t length;
    for (size_t i = 0; i < request->segment_count; i++) {
        const char *pattern = pattern_segment(route->path, i, &length);
        if (!pattern)
            return false;
        const char *segment = request->segments[i];
        bool same = is_parameter(pattern, length)
                        ? *segment != 0
                        : strlen(segment) == length && memcmp(segment, pattern, length) == 0;
        if (!same)
            return false;
    }
    return !pattern_segment(route->path, request->segment_count, &length);
}

static bool method_matches(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static bool find_route(struct http_request *request)
{
    _cleanup_(cleanup_buffer) struct buffer allowed = {0};
    for (size_t i = 0; i < request->server->route_count; i++) {
        const struct http_route *route = &request->server->routes[i];
        if (!route_matches(route, request))
            continue;
        if (method_matches(route, request->method)) {
            request->route = route;
            return true;
        }
        buffer_format(&allowed, "%s%s", allowed.length ? ", " : "", route->method);
    }
    if (allowed.length == 0) {
        http_reply_error(request, 404, "E0100", "there is nothing at this address");
        return false;
    }
    http_reply_header(request, "Allow", buffer_text(&allowed));
    http_reply_error(request, 405, "E0101", "this address takes %s", buffer_text(&allowed));
    return false;
}

static enum MHD_Result count_length(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    int *count = context;
    (void)kind;
    (void)value;
    if (strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0)
        (*count)++;
    return MHD_YES;
}

/* RFC 9112, 6.3: a body whose length is told twice, or in two ways, may hide another request from
 * one of those that it passes through. */
static bool length_is_told_once(struct http_request *request)
{
    int count = 0;
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_length, &count);
    if (count <= 1)
        return true;
    http_reply_header(request, "Connection", "close");
    http_reply_error(request, 400, "E0002", "the body's length is told more than once");
    return false;
}

bool http_request_route(struct http_request *request, const char *method)
{
    request->method = method;
    if (!length_is_told_once(request))
        return false;
    size_t path_length = strcspn(request->uri, "?");
    const char *query = request->uri + path_length;
    if (!split_path(request, request->uri, path_length) ||
        !split_pairs(request->queries, &request->query_count, *query ? query + 1 : query)) {
        http_reply_error(request, 400, "E0002", "the address is not written as it should be");
        return false;
    }
    return find_route(request);
}

/* --- what handlers ask ------------------------------------------------------------------------ */

http_handler *http_request_handler(const struct http_request *request)
{
    return request->route->handle;
}

const char *http_request_id(const struct http_request *request)
{
    return request->id;
}

const char *http_request_parameter(const struct http_request *request, const char *name)
{
    size_t length;
    for (size_t i = 0; i < request->segment_count; i++) {
        const char *pattern = pattern_segment(request->route->path, i, &length);
        if (pattern && is_parameter(pattern, length) && strlen(name) == length - 2 &&
            memcmp(pattern + 1, name, length - 2) == 0)
            return request->segments[i];
    }
    return NULL;
}

static const char *pair_find(const struct http_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return pairs[i].value;
    return NULL;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return pair_find(request->queries, request->query_count, name);
}

bool http_request_form(struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");
    struct bytes body = buffer_bytes(&request->body);
    static const char form[] = "application/x-www-form-urlencoded";
    size_t length = sizeof form - 1;
    bool is_form = type && strncasecmp(type, form, length) == 0 &&
                   (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
    if (is_form && !memchr(body.data ? (const void *)body.data : "", 0, body.length) &&
        split_pairs(request->fields, &request->field_count, buffer_text(&request->body)))
        return true;
    http_reply_error(request, 400, "E0002", "the body is not %s", form);
    return false;
}

const char *http_request_field(const struct http_request *request, const char *name)
{
    return pair_find(request->fields, request->field_count, name);
}

bool http_request_query_number(struct http_request *request, const char *name, int64_t least,
                               int64_t most, int64_t initial, int64_t *ret_number)
{
    const char *text = http_request_query(request, name);
    if (!text)
        *ret_number = initial;
    else if (!number_parse_exact(text, least, most, ret_number)) {
        http_reply_error(request, 400, "E0002", "%s is a number from %" PRId64 " to %" PRId64, name,
                         least, most);
        return false;
    }
    return true;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

bool http_request_changes(const struct http_request *request)
{
    return strcmp(request->method, "GET") != 0 && !http_request_head(request);
}

bool http_request_head(const struct http_request *request)
{
    return strcmp(request->method, "HEAD") == 0;
}

struct bytes http_request_body(const struct http_request *request)
{
    return buffer_bytes(&request->body);
}

json_t *http_request_json(struct http_request *request)
{
    json_error_t error;
    if (!request->body.length) {
        http_reply_error(request, 400, "E0001", "the body is empty; JSON is required");
        return NULL;
    }
    json_t *json = json_loadb((const char *)request->body.data, request->body.length,
                              JSON_REJECT_DUPLICATES, &error);
    /* jansson's text quotes what came: only the place may be said. */
    if (!json)
        http_reply_error(request, 400, "E0002", "the body is not JSON: line %d, column %d",
                         error.line, error.column);
    return json;
}

const char *http_request_peer(const struct http_request *request)
{
    struct http_connection *connection = request->connection;
    if (!connection || !request->server->client_certificates)
        return NULL;
    const union MHD_ConnectionInfo *info =
        connection->peer[0]
            ? NULL
            : MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info)
        http_tls_peer(info->tls_session, connection->peer);
    return connection->peer[0] ? connection->peer : NULL;
}

struct http_server *http_request_server(const struct http_request *request)
{
    return request->server;
}

const char *http_request_address(const struct http_request *request)
{
    return request->connection ? request->connection->address : "";
}

void http_request_keep(struct http_request *request, void *state, void (*release)(void *))
{
    if (request->kept && request->release && request->kept != state)
        request->release(request->kept);
    request->kept = state;
    request->release = release;
}

void *http_request_kept(const struct http_request *request)
{
    return request->kept;
}

enum http_flow http_request_wait(struct http_request *request, instant patience)
{
    request->patience = patience;
    return HTTP_WAIT;
}

enum http_flow http_request_wait_for(struct http_request *request, instant patience,
                                     const void *topic)
{
    request->topic = topic;
    return http_request_wait(request, patience);
}

bool http_request_resumed(const struct http_request *request)
{
    return request->wait_until != 0;
}

bool http_request_expired(const struct http_request *request)
{
    return request->expired;
}
