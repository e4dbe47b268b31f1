#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/http_client_internal.h"
#include "base/process.h"

enum { ANSWER_INITIAL = 1024 * 1024, HEADERS_MOST = 64 * 1024 /* bytes of an answer's header */ };

/* --- open ------------------------------------------------------------------------------------- */

/* Plain HTTP stays within the machine. */
static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);
        if (strncmp(url, hosts[i], length) == 0 && strchr(":/", url[length]))
            return true;
    }
    return false;
}

static bool check(const struct http_client_options *options, struct failure *f)
{
    const char *url = options->base_url;
    bool tls = strncmp(url, "https://", 8) == 0;
    bool plain = options->plain ? strncmp(url, "http://", 7) == 0 : is_loopback(url);
    if (strchr(url, '@') || (!tls && !plain))
        return failure_set(f, FAILURE_USAGE, "the URL %s must begin with https://%s",
                           strchr(url, '@') ? "with a user name" : url,
                           options->plain ? " or http://" : " (http:// on this machine only)");
    if (tls && !options->ca_file)
        return failure_set(f, FAILURE_USAGE, "%s needs the CA certificate to trust", url);
    if (!options->certificate != !options->key)
        return failure_set(f, FAILURE_USAGE, "a client certificate and its key go together");
    const char *const files[] = {options->ca_file, options->certificate, options->key};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && access(files[i], R_OK) != 0)
            return failure_errno(f, "can't read %s", files[i]);
    return true;
}

static void initialise(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *data, size_t one, size_t length, void *context);
static size_t on_header(char *data, size_t one, size_t length, void *context);

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return process_stopping(); /* a stop must not wait for a peer */
}

static void set_options(CURL *curl, const struct http_client_options *options)
{
    instant connect = options->connect_patience ? options->connect_patience : 10 * INSTANT_SECOND;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "uketsuke/" UKETSUKE_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / 1000));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, options->certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, options->key);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

bool http_client_open(const struct http_client_options *options, struct http_client **ret_client,
                      struct failure *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    if (!check(options, f))
        return false;
    CURL *curl = curl_easy_init();
    if (!curl)
        return failure_set(f, FAILURE_SYSTEM, "no memory for an HTTP client");
    struct http_client *client = memory_allocate(sizeof *client);
    client->curl = curl;
    client->base_url = text_copy(options->base_url);
    client->patience = options->patience ? options->patience : 30 * INSTANT_SECOND;
    set_options(curl, options);
    *ret_client = client;
    return true;
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_multi_cleanup(client->many); /* of NULL too */
    free(client->base_url);
    free(client);
}

/* --- one call --------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    length *= one;
    size_t room = transfer->most - transfer->got;
    size_t taken = length < room ? length : room;
    buffer_append(&transfer->answer->body, data, taken);
    transfer->got += taken;
    transfer->too_long = length > room;
    return transfer->too_long ? CURL_WRITEFUNC_ERROR : length;
}

/* `value` gets the header's value when the line is that header; a longer one is left out. */
static void take_header(const char *line, size_t length, const char *name, char *value, size_t room)
{
    size_t skip = strlen(name);
    if (length <= skip || strncasecmp(line, name, skip) != 0)
        return;
    while (skip < length && (line[skip] == ' ' || line[skip] == '\t'))
        skip++;
    while (length > skip && strchr(" \t\r\n", line[length - 1]))
        length--;
    if (length - skip >= room)
        return;
    memcpy(value, line + skip, length - skip);
    value[length - skip] = 0;
}

static void forget_headers(struct http_answer *answer)
{
    answer->content_type[0] = answer->etag[0] = answer->content_range[0] = 0;
}

static size_t on_header(char *data, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    struct http_answer *answer = transfer->answer;
    length *= one;
    transfer->header_bytes += length;
    if (transfer->header_bytes > HEADERS_MOST) {
        transfer->too_long = true;
        return 0;
    }
    if (length > 5 && memcmp(data, "HTTP/", 5) == 0) /* after a 100 Continue it begins again */
        forget_headers(answer);
    take_header(data, length, "Content-Type:", answer->content_type, sizeof answer->content_type);
    take_header(data, length, "ETag:", answer->etag, sizeof answer->etag);
    take_header(data, length, "Content-Range:", answer->content_range,
                sizeof answer->content_range);
    return length;
}

static void set_body(CURL *curl, const struct http_call *call)
{
    bool get = strcmp(call->method, "GET") == 0;
    bool head = strcmp(call->method, "HEAD") == 0;
    curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L);
    if (get || head) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, get ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                     call->body.length ? (const char *)call->body.data : "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

static struct curl_slist *header_list(const struct http_call *call)
{
    struct curl_slist *list = NULL;
    if (call->content_type) {
        _cleanup_(cleanup_text) char *line = text_format("Content-Type: %s", call->content_type);
        list = curl_slist_append(list, line);
    }
    for (size_t i = 0; call->headers && call->headers[i]; i++)
        list = curl_slist_append(list, call->headers[i]);
    return list;
}

static bool tell(const struct http_client *client, const struct transfer *transfer, CURLcode code,
                 const char *detail, struct failure *f)
{
    if (transfer->too_long)
        return failure_set(f, FAILURE_LIMIT, "%s sent more than the %zu bytes that are allowed",
                           client->base_url, transfer->most);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return failure_set(f, FAILURE_NETWORK, "the call to %s was given up: we are stopping",
                           client->base_url);
    if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE)
        return failure_set(f, FAILURE_USAGE, "the TLS files for %s are not usable: %s",
                           client->base_url, detail);
    const char *hint = "";
    if (code == CURLE_GOT_NOTHING)
        hint = " (a server that does not accept our client certificate may do so)";
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        hint = " (is its certificate under the CA that the configuration names?)";
    return failure_set(f, FAILURE_NETWORK, "%s: %s%s", client->base_url, detail, hint);
}

void transfer_begin(const struct http_client *client, CURL *curl, const struct http_call *call,
                    instant patience, struct http_answer *answer, struct transfer *ret_transfer)
{
    _cleanup_(cleanup_text) char *url = text_format("%s%s", client->base_url, call->path);
    *ret_transfer = (struct transfer){
        .answer = answer,
        .most = call->answer_most ? call->answer_most : ANSWER_INITIAL,
        .headers = header_list(call),
    };
    answer->status = 0;
    forget_headers(answer);
    set_body(curl, call);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, ret_transfer->headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(patience / 1000));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, ret_transfer->detail);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret_transfer);
}

bool transfer_end(const struct http_client *client, CURL *curl, struct transfer *transfer,
                  CURLcode code, struct failure *f)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer->status = (unsigned)status;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(transfer->headers);
    if (code == CURLE_OK)
        return true;
    const char *detail = transfer->detail[0] ? transfer->detail : curl_easy_strerror(code);
    return tell(client, transfer, code, detail, f);
}

bool http_client_call(struct http_client *client, const struct http_call *call,
                      struct http_answer *answer, struct failure *f)
{
    struct transfer transfer;
    instant patience = call->patience ? call->patience : client->patience;
    transfer_begin(client, client->curl, call, patience, answer, &transfer);
    return transfer_end(client, client->curl, &transfer, curl_easy_perform(client->curl), f);
}

/* --- the answer ------------------------------------------------------------------------------- */

void http_answer_free(struct http_answer *answer)
{
    buffer_erase_free(&answer->body); /* it may have held personal data */
    *answer = (struct http_answer){0};
}

json_t *http_answer_json(const struct http_answer *answer, struct failure *f)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)answer->body.data, answer->body.length,
                              JSON_REJECT_DUPLICATES, &error);
    /* What came is not quoted: it may be anything. */
    if (!json)
        failure_set(f, FAILURE_PEER,
                    "the answer (status %u, %zu bytes) is not JSON: line %d, column %d",
                    answer->status, answer->body.length, error.line, error.column);
    return json;
}

char *http_escape(const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct buffer out = {0};
    for (; *text; text++)
        if (strchr(plain, *text))
            buffer_append(&out, text, 1);
        else
            buffer_format(&out, "%%%02X", (unsigned)(unsigned char)*text);
    char *escaped = text_copy(buffer_text(&out));
    buffer_free(&out);
    return escaped;
}
