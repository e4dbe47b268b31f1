#include "base/file_store_internal.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "base/text.h"

#define CONNECT_PATIENCE (10 * INSTANT_SECOND)
#define TEMPORARY_END    ".part"

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void initialise(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool open_remote(struct file_store *store, struct failure *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    const char *host = strstr(store->to, "://") + 3;
    store->path = text_copy(host + strcspn(host, "/"));
    store->curl = curl_easy_init();
    return store->curl || failure_set(f, FAILURE_SYSTEM, "no memory for transfers");
}

static const struct file_store_kind *kind_of(const char *to)
{
    if (begins_with(to, "sftp://"))
        return &file_store_sftp;
    if (begins_with(to, "https://") || begins_with(to, "http://"))
        return &file_store_s3;
    return *to == '/' ? &file_store_directory : NULL;
}

bool file_store_open(const struct file_store_options *options, struct file_store **ret_store,
                     struct failure *f)
{
    uint8_t random[8];
    const struct file_store_kind *kind = kind_of(options->to);
    if (!kind)
        return failure_set(f, FAILURE_USAGE,
                           "a place for files is a directory, sftp://…, or https://… for S3");
    if (RAND_bytes(random, sizeof random) != 1)
        return failure_set(f, FAILURE_SYSTEM, "no random bytes");
    struct file_store *store = memory_allocate(sizeof *store);
    store->kind = kind;
    store->options = *options;
    store->to = text_copy(options->to);
    for (size_t n = strlen(store->to); n > 1 && store->to[n - 1] == '/'; n--)
        store->to[n - 1] = '\0';
    hex_encode(random, sizeof random, store->token);
    if ((kind == &file_store_directory || open_remote(store, f)) && kind->open(store, f)) {
        *ret_store = store;
        return true;
    }
    file_store_close(store);
    return false;
}

void file_store_close(struct file_store *store)
{
    if (!store)
        return;
    if (store->curl)
        curl_easy_cleanup(store->curl);
    if (store->secret)
        explicit_bzero(store->secret, strlen(store->secret));
    free(store->secret);
    free(store->path);
    free(store->to);
    free(store);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool part_sound(const char *part, size_t length, bool hidden)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyz0123456789._-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return length > 0 && (hidden || part[0] != '.') && strspn(part, allowed) >= length;
}

static bool name_sound(const char *name)
{
    if (strlen(name) >= FILE_STORE_NAME)
        return false;
    for (const char *at = name;; at++) {
        size_t length = strcspn(at, "/");
        if (!part_sound(at, length, false))
            return false;
        at += length;
        if (!*at)
            return true;
    }
}

static bool check(const char *name, struct failure *f)
{
    return name_sound(name) || failure_set(f, FAILURE_USAGE, "a file's name that we don't use");
}

char *file_store_temporary(const struct file_store *store, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    return text_format("%.*s.%s.%s" TEMPORARY_END, (int)(last - name), name, last, store->token);
}

void file_names_add(struct file_names *names, const char *name)
{
    names->name = memory_resize(names->name, (names->count + 1) * sizeof *names->name);
    names->name[names->count++] = text_copy(name);
}

void file_names_free(struct file_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct file_names){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool temporary(const char *name)
{
    size_t length = strlen(name), end = strlen(TEMPORARY_END);
    return name[0] == '.' && length > end && strcmp(name + length - end, TEMPORARY_END) == 0 &&
           part_sound(name, length, true);
}

/* Keeps those that are wanted. */
static void names_keep(struct file_names *names, bool temporaries)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        char *name = names->name[i];
        if (temporaries ? temporary(name) : name_sound(name)) {
            names->name[kept++] = name;
        } else {
            names->strange += name[0] != '.';
            free(name);
        }
    }
    names->count = kept;
    if (kept > 1)
        qsort(names->name, kept, sizeof *names->name, compare);
}

/* --- the contract ----------------------------------------------------------------------------- */

bool file_store_put(struct file_store *store, const char *name, struct bytes content,
                    struct failure *f)
{
    return check(name, f) && store->kind->put(store, name, content, f);
}

bool file_store_get(struct file_store *store, const char *name, size_t most, bool *ret_found,
                    struct buffer *ret_content, struct failure *f)
{
    return check(name, f) && store->kind->get(store, name, most, ret_found, ret_content, f);
}

static bool list(struct file_store *store, const char *folder, bool temporaries,
                 struct file_names *ret_names, struct failure *f)
{
    struct file_names names = {0};
    if (*folder && !check(folder, f))
        return false;
    bool done = store->kind->list(store, folder, &names, f);
    if (done && names.count > FILE_STORE_MOST)
        done = failure_set(f, FAILURE_LIMIT, "more than %d files in a folder", FILE_STORE_MOST);
    if (!done) {
        file_names_free(&names);
        return false;
    }
    names_keep(&names, temporaries);
    *ret_names = names;
    return true;
}

bool file_store_list(struct file_store *store, const char *folder, struct file_names *ret_names,
                     struct failure *f)
{
    return list(store, folder, false, ret_names, f);
}

bool file_store_move(struct file_store *store, const char *from, const char *to, struct failure *f)
{
    return check(from, f) && check(to, f) && store->kind->move(store, from, to, f);
}

bool file_store_remove(struct file_store *store, const char *name, struct failure *f)
{
    return check(name, f) && store->kind->remove(store, name, f);
}

bool file_store_sweep(struct file_store *store, const char *folder, struct failure *f)
{
    struct file_names names = {0};
    if (!list(store, folder, true, &names, f))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < names.count; i++) {
        _cleanup_(cleanup_text) char *name =
            text_format("%s%s%s", folder, *folder ? "/" : "", names.name[i]);
        done = store->kind->remove(store, name, f);
    }
    file_names_free(&names);
    return done;
}

/* --- over libcurl ----------------------------------------------------------------------------- */

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return process_stopping(); /* a stop must not wait for a peer */
}

static size_t on_nothing(char *data, size_t one, size_t length, void *context)
{
    (void)data, (void)context;
    return one * length;
}

static size_t on_content(char *data, size_t one, size_t length, void *context)
{
    struct file_store_sink *sink = context;
    size_t size = one * length;
    if (size > sink->most - sink->got) {
        sink->full = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buffer_append(sink->content, data, size);
    sink->got += size;
    return size;
}

void file_store_begin(struct file_store *store, const char *url)
{
    CURL *curl = store->curl;
    curl_easy_reset(curl);
    store->detail[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,sftp");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "uketsuke/" UKETSUKE_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_PATIENCE / 1000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(store->options.patience / 1000));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, store->detail);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_nothing);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

void file_store_receive(struct file_store *store, struct file_store_sink *sink)
{
    curl_easy_setopt(store->curl, CURLOPT_WRITEFUNCTION, on_content);
    curl_easy_setopt(store->curl, CURLOPT_WRITEDATA, sink);
}

static enum failure_kind kind_of_code(CURLcode code)
{
    switch (code) {
    case CURLE_QUOTE_ERROR:
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_REMOTE_DISK_FULL:
    case CURLE_REMOTE_FILE_NOT_FOUND:
    case CURLE_LOGIN_DENIED:
    case CURLE_PEER_FAILED_VERIFICATION:
        return FAILURE_PEER;
    case CURLE_WRITE_ERROR:
        return FAILURE_LIMIT;
    default:
        return FAILURE_NETWORK;
    }
}

bool file_store_perform(struct file_store *store, const char *what, CURLcode expected,
                        bool *ret_expected, struct failure *f)
{
    CURLcode code = curl_easy_perform(store->curl);
    if (ret_expected)
        *ret_expected = code != CURLE_OK && code == expected;
    if (code == CURLE_OK || (ret_expected && *ret_expected))
        return true;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return failure_set(f, FAILURE_NETWORK, "%s was given up: we are stopping", what);
    return failure_set(f, kind_of_code(code), "%s: %s", what,
                       *store->detail ? store->detail : curl_easy_strerror(code));
}
