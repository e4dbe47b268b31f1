/* A prefix in a bucket of S3-compatible storage: path-style requests, signed by libcurl (AWS
 * Signature Version 4). An object appears whole or not at all, and the server compares the SHA-256
 * that goes with it. */
#include <string.h>

#include "base/checks.h"
#include "base/file_store_internal.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "base/xml.h"

#define SECRET_MOST 1024
#define ANSWER_MOST ((size_t)8 << 20)
#define ERROR_MOST  ((size_t)64 << 10)
#define PAGES_MOST  300 /* of one listing */
#define CODE_MOST   64  /* of an error, as S3 names them: "AccessDenied" */
#define ETAG_MOST   128
#define NAMESPACE   "http://s3.amazonaws.com/doc/2006-03-01/"

static bool host_is_loopback(const char *host)
{
    size_t length = strcspn(host, ":/");
    return (length == 9 && memcmp(host, "127.0.0.1", 9) == 0) ||
           (length == 9 && memcmp(host, "localhost", 9) == 0);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* No user, no query: what is before the first '/' is the host that we judge. */
static bool address_sound(const char *host, const char *path)
{
    return strspn(host, LETTERS ".:-[]") == strcspn(host, "/") && strlen(path) >= 2 &&
           strspn(path, LETTERS "._-/") == strlen(path) && !strstr(path, "//") &&
           !strstr(path, "/.");
}

/* It stands in the header between "Credential=" and "/". An OpenStack Swift has "account:user". */
static bool access_key_sound(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++)
        if (key[i] <= ' ' || key[i] > '~' || key[i] == '/' || key[i] == ',')
            return false;
    return length > 0;
}

static bool secret_read(struct file_store *store, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer secret = {0};
    if (!secret_file_read("S3 secret key", store->options.secret_file, SECRET_MOST, &secret, f))
        return false;
    char *text = (char *)buffer_text(&secret);
    text[strcspn(text, "\r\n")] = '\0';
    store->secret = text_copy(text);
    return true;
}

static bool s3_open(struct file_store *store, struct failure *f)
{
    const struct file_store_options *o = &store->options;
    const char *host = strstr(store->to, "://") + 3;
    bool plain = strncmp(store->to, "http://", 7) == 0;
    if (!address_sound(host, store->path))
        return failure_set(
            f, FAILURE_USAGE,
            "an S3 place is https://host[:port]/bucket[/prefix] of A-Z a-z 0-9 . _ -");
    if (plain && !host_is_loopback(host))
        return failure_set(f, FAILURE_USAGE, "an S3 place on another machine needs https://");
    if (!plain && (!o->ca_file || access(o->ca_file, R_OK) != 0))
        return failure_set(f, FAILURE_USAGE, "an S3 place needs ca-file, a file that we can read");
    if (!o->access_key || !*o->access_key || !o->secret_file || !*o->secret_file || !o->region ||
        !*o->region)
        return failure_set(f, FAILURE_USAGE,
                           "an S3 place needs region, access-key and secret-file");
    if (!access_key_sound(o->access_key))
        return failure_set(f, FAILURE_USAGE, "an access-key has no blank, comma or slash");
    return secret_read(store, f);
}

/* --- a request ----------------------------------------------------------------------------------
 */

/* NULL: no XML that we can read. */
static xmlDoc *answer_parse(struct bytes answer)
{
    struct checks *checks = checks_new();
    struct xml_limits limits = XML_LIMITS_DEFAULT;
    xmlDoc *document = xml_parse(answer, &limits, "answer", checks);
    checks_free(checks);
    return document;
}

static const char *child_text(const xmlNode *node, const char *name)
{
    const xmlNode *child = xml_child(node, NAMESPACE, name);
    if (!child)
        child = xml_child(node, NULL, name);
    return child ? xml_text(child) : NULL;
}

/* What S3 calls the error ("SignatureDoesNotMatch"); "" when the answer does not say. */
static void read_error(struct bytes answer, char ret_code[CODE_MOST])
{
    xmlDoc *document = answer_parse(answer);
    const char *code = document ? child_text(xmlDocGetRootElement(document), "Code") : NULL;
    bool sound = code && strlen(code) < CODE_MOST && strspn(code, LETTERS) == strlen(code);
    strcpy(ret_code, sound ? code : "");
    if (document)
        xmlFreeDoc(document);
}

struct call {
    const char *method, *what;
    const char *url;
    struct bytes body;
    const char *copy_of; /* PUT: "/bucket/key", whose bytes the storage takes for the body's */
    bool may_miss;       /* then status 404 is no failure */
    const char *etag;    /* only while the object is this: else status 412, which is no failure */
    struct file_store_sink sink;
    long status;
    char ret_etag[ETAG_MOST]; /* of the answer; "" without */
};

static bool judge(const struct call *call, struct failure *f)
{
    char code[CODE_MOST];
    if (call->status / 100 == 2)
        return true;
    read_error(buffer_bytes(call->sink.content), code);
    if (call->status == 404 && (!call->may_miss || strcmp(code, "NoSuchBucket") == 0))
        return failure_set(f, FAILURE_PEER, "%s: the storage has no such bucket", call->what);
    if (call->status == 404 || (call->etag && call->status == 412))
        return true;
    return failure_set(f, call->status >= 500 ? FAILURE_NETWORK : FAILURE_PEER,
                       "%s: the storage answers with HTTP status %ld%s%s", call->what, call->status,
                       *code ? ", " : "", code);
}

static struct curl_slist *header(struct curl_slist *headers, const char *name, const char *value)
{
    _cleanup_(cleanup_text) char *line = text_format("%s: %s", name, value);
    return curl_slist_append(headers, line);
}

/* Every header is there with a value: libcurl before 8.3 signs those that are named only to be left
 * out, too (curl issue 11664). */
static struct curl_slist *headers_of(const struct call *call)
{
    _cleanup_(cleanup_buffer) struct buffer digest = {0};
    uint8_t hash[32];
    char hex[65];
    sha256(call->body, hash);
    hex_encode(hash, sizeof hash, hex);
    base64_encode(bytes_of(hash, sizeof hash), &digest);
    struct curl_slist *headers = header(NULL, "x-amz-content-sha256", hex);
    if (call->etag)
        headers = header(headers, "If-Match", call->etag);
    if (strcmp(call->method, "PUT") != 0)
        return headers;
    headers = call->copy_of ? header(headers, "x-amz-copy-source", call->copy_of)
                            : header(headers, "x-amz-checksum-sha256", buffer_text(&digest));
    return header(headers, "Content-Type", "application/octet-stream");
}

static void read_etag(struct file_store *store, char ret_etag[ETAG_MOST])
{
    struct curl_header *found = NULL;
    bool there = curl_easy_header(store->curl, "ETag", 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
    bool fits = there && strlen(found->value) < ETAG_MOST; /* a part of one would match nothing */
    snprintf(ret_etag, ETAG_MOST, "%s", fits ? found->value : "");
}

static bool s3_call(struct file_store *store, struct call *call, struct failure *f)
{
    _cleanup_(cleanup_curl_list) struct curl_slist *headers = headers_of(call);
    _cleanup_(cleanup_text) char *scheme = text_format("aws:amz:%s:s3", store->options.region);
    file_store_begin(store, call->url);
    if (strcmp(call->method, "PUT") == 0) {
        curl_easy_setopt(store->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
        curl_easy_setopt(store->curl, CURLOPT_POSTFIELDS,
                         call->body.length ? (const char *)call->body.data : "");
    }
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(store->curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(store->curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(store->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(store->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(store->curl, CURLOPT_AWS_SIGV4, scheme);
    curl_easy_setopt(store->curl, CURLOPT_USERNAME, store->options.access_key);
    curl_easy_setopt(store->curl, CURLOPT_PASSWORD, store->secret);
    curl_easy_setopt(store->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(store->curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(store->curl, CURLOPT_CAINFO, store->options.ca_file);
    file_store_receive(store, &call->sink);
    if (!file_store_perform(store, call->what, CURLE_OK, NULL, f))
        return false;
    curl_easy_getinfo(store->curl, CURLINFO_RESPONSE_CODE, &call->status);
    read_etag(store, call->ret_etag);
    return judge(call, f);
}

static bool s3_put(struct file_store *store, const char *name, struct bytes content,
                   struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("put %s", name);
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, name);
    _cleanup_(cleanup_buffer) struct buffer answer = {0};
    struct call call = {.method = "PUT",
                        .what = what,
                        .url = url,
                        .body = content,
                        .sink = {&answer, ANSWER_MOST, false, 0}};
    return s3_call(store, &call, f);
}

static bool s3_get(struct file_store *store, const char *name, size_t most, bool *ret_found,
                   struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("get %s", name);
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, name);
    size_t room = most < ERROR_MOST ? ERROR_MOST : most; /* an error has more to say */
    struct call call = {.method = "GET",
                        .what = what,
                        .url = url,
                        .may_miss = true,
                        .sink = {ret_content, room, false, 0}};
    bool done = s3_call(store, &call, f);
    if (call.sink.full || (done && call.status != 404 && call.sink.got > most))
        return failure_set(f, FAILURE_LIMIT, "%s is longer than the %zu bytes allowed", name, most);
    if (!done)
        return false;
    *ret_found = call.status != 404;
    if (!*ret_found)
        buffer_clear(ret_content);
    return true;
}

/* `etag` may be NULL: whatever it is. */
static bool remove_if(struct file_store *store, const char *name, const char *etag,
                      struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("remove %s", name);
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, name);
    _cleanup_(cleanup_buffer) struct buffer answer = {0};
    struct call call = {.method = "DELETE",
                        .what = what,
                        .url = url,
                        .may_miss = true,
                        .etag = etag,
                        .sink = {&answer, ANSWER_MOST, false, 0}};
    return s3_call(store, &call, f);
}

static bool s3_remove(struct file_store *store, const char *name, struct failure *f)
{
    return remove_if(store, name, NULL, f);
}

/* A copy that fails late is told under status 200. */
static bool was_copied(struct bytes answer)
{
    xmlDoc *document = answer_parse(answer);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    bool copied = root && strcmp((const char *)root->name, "CopyObjectResult") == 0;
    if (document)
        xmlFreeDoc(document);
    return copied;
}

static bool look_at(struct file_store *store, const char *name, const char *what,
                    char ret_etag[ETAG_MOST], struct failure *f)
{
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, name);
    _cleanup_(cleanup_buffer) struct buffer answer = {0};
    struct call call = {.method = "HEAD",
                        .what = what,
                        .url = url,
                        .may_miss = true,
                        .sink = {&answer, ANSWER_MOST, false, 0}};
    if (!s3_call(store, &call, f))
        return false;
    memcpy(ret_etag, call.ret_etag, ETAG_MOST);
    return call.status != 404 || failure_set(f, FAILURE_PEER, "%s: it is not there", what);
}

/* Within the storage: of any size, and nothing comes by here. */
static bool copy(struct file_store *store, const char *from, const char *to, const char *what,
                 struct failure *f)
{
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, to);
    _cleanup_(cleanup_text) char *source = text_format("%s/%s", store->path, from);
    _cleanup_(cleanup_buffer) struct buffer answer = {0};
    struct call call = {.method = "PUT",
                        .what = what,
                        .url = url,
                        .copy_of = source,
                        .may_miss = true,
                        .sink = {&answer, ANSWER_MOST, false, 0}};
    if (!s3_call(store, &call, f))
        return false;
    if (call.status == 404)
        return failure_set(f, FAILURE_PEER, "%s: it is not there", what);
    return was_copied(buffer_bytes(&answer)) ||
           failure_set(f, FAILURE_PEER, "%s: the storage does not say that it copied it", what);
}

/* What is removed is what was there before the copy: what came under the old name since then stays,
 * at most to be moved once more, where the storage knows the condition (DeleteObject, If-Match).
 * A condition on the copy would go unsigned: libcurl 7.88 sorts x-amz-copy-source-if-match wrong.
 */
static bool s3_move(struct file_store *store, const char *from, const char *to, struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("move %s", from);
    char etag[ETAG_MOST];
    return look_at(store, from, what, etag, f) && copy(store, from, to, what, f) &&
           remove_if(store, from, *etag ? etag : NULL, f);
}

/* --- listing ---------------------------------------------------------------------------------- */

/* ListObjectsV2; parameters stand in the order in which they are signed. */
static char *list_url(const struct file_store *store, const char *prefix, const char *next)
{
    const char *bucket_end = strchr(store->path + 1, '/');
    size_t rest = bucket_end ? strlen(bucket_end) : 0;
    char *escaped = curl_easy_escape(store->curl, prefix, 0);
    char *token = next ? curl_easy_escape(store->curl, next, 0) : NULL;
    char *url =
        text_format("%.*s?%s%s%sdelimiter=%%2F&encoding-type=url&list-type=2&prefix=%s",
                    (int)(strlen(store->to) - rest), store->to, token ? "continuation-token=" : "",
                    token ? token : "", token ? "&" : "", escaped);
    curl_free(escaped);
    curl_free(token);
    return url;
}

/* A key below the prefix; it may have any characters, which XML could not say: `encoded` as in a
 * URL. */
static void add_key(struct file_store *store, const char *key, bool encoded, const char *prefix,
                    struct file_names *names)
{
    int length = 0;
    size_t skip = strlen(prefix);
    char *plain = encoded ? curl_easy_unescape(store->curl, key, 0, &length) : NULL;
    const char *name = encoded ? plain : key;
    if (name && (!encoded || strlen(name) == (size_t)length) && strncmp(name, prefix, skip) == 0 &&
        name[skip] && names->count <= FILE_STORE_MOST)
        file_names_add(names, name + skip);
    curl_free(plain);
}

static bool read_page(struct file_store *store, struct bytes page, const char *prefix,
                      struct file_names *names, char **ret_next, struct failure *f)
{
    xmlDoc *document = answer_parse(page);
    if (!document)
        return failure_set(f, FAILURE_PEER, "the storage's listing is no XML that we can read");
    const xmlNode *root = xmlDocGetRootElement(document);
    const char *encoding = child_text(root, "EncodingType");
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node)) {
        const char *key =
            strcmp((const char *)node->name, "Contents") == 0 ? child_text(node, "Key") : NULL;
        if (key)
            add_key(store, key, encoding && strcmp(encoding, "url") == 0, prefix, names);
    }
    *ret_next = text_copy(child_text(root, "NextContinuationToken"));
    xmlFreeDoc(document);
    return true;
}

static bool s3_list(struct file_store *store, const char *folder, struct file_names *names,
                    struct failure *f)
{
    const char *inside = strchr(store->path + 1, '/');
    _cleanup_(cleanup_text) char *prefix = text_format(
        "%s%s%s%s", inside ? inside + 1 : "", inside ? "/" : "", folder, *folder ? "/" : "");
    _cleanup_(cleanup_text) char *next = NULL;
    int pages = 0;
    do {
        _cleanup_(cleanup_text) char *url = list_url(store, prefix, next), *following = NULL;
        _cleanup_(cleanup_buffer) struct buffer page = {0};
        struct call call = {.method = "GET",
                            .what = "list the bucket",
                            .url = url,
                            .sink = {&page, ANSWER_MOST, false, 0}};
        if (!s3_call(store, &call, f) ||
            !read_page(store, buffer_bytes(&page), prefix, names, &following, f))
            return false;
        if ((next && following && strcmp(next, following) == 0) || ++pages > PAGES_MOST)
            return failure_set(f, FAILURE_PEER, "the storage's listing does not end");
        free(next);
        next = TAKE(following);
    } while (next && names->count <= FILE_STORE_MOST);
    return true;
}

const struct file_store_kind file_store_s3 = {
    .open = s3_open,
    .put = s3_put,
    .get = s3_get,
    .list = s3_list,
    .move = s3_move,
    .remove = s3_remove,
};
