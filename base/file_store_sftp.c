/* A folder on an SFTP server, by libcurl (libssh2). Quoted commands take absolute paths; names have
 * no character that would need quoting (base/file_store.c). */
#include <string.h>

#include "base/file_store_internal.h"

static bool sftp_open(struct file_store *store, struct failure *f)
{
    const struct file_store_options *o = &store->options;
    const char *host = store->to + strlen("sftp://");
    if (!memchr(host, '@', strcspn(host, "/")) || memchr(host, ':', strcspn(host, "@")))
        return failure_set(f, FAILURE_USAGE,
                           "an SFTP place is sftp://user@host[:port]/path, without a password");
    if (strcspn(store->path, " \"'\\?#%") != strlen(store->path) || !*store->path)
        return failure_set(f, FAILURE_USAGE,
                           "the path of an SFTP place is absolute and has none of "
                           "blank, quote, backslash, ? # %%");
    if (!o->key_file || !*o->key_file || !o->host_key || !*o->host_key)
        return failure_set(f, FAILURE_USAGE, "an SFTP place needs key-file and host-key");
    if (access(o->key_file, R_OK) != 0)
        return failure_errno(f, "can't read %s", o->key_file);
    return true;
}

static void begin(struct file_store *store, const char *name)
{
    _cleanup_(cleanup_text) char *url = text_format("%s/%s", store->to, name);
    const char *pinned = store->options.host_key;
    if (strncmp(pinned, "SHA256:", 7) == 0)
        pinned += 7;
    file_store_begin(store, url);
    curl_easy_setopt(store->curl, CURLOPT_SSH_AUTH_TYPES, (long)CURLSSH_AUTH_PUBLICKEY);
    curl_easy_setopt(store->curl, CURLOPT_SSH_PRIVATE_KEYFILE, store->options.key_file);
    curl_easy_setopt(store->curl, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, pinned);
}

static struct curl_slist *command(struct curl_slist *list, const struct file_store *store,
                                  const char *verb, const char *name, const char *other)
{
    _cleanup_(cleanup_text) char *text =
        other ? text_format("%s \"%s/%s\" \"%s/%s\"", verb, store->path, name, store->path, other)
              : text_format("%s \"%s/%s\"", verb, store->path, name);
    return curl_slist_append(list, text);
}

struct source {
    struct bytes rest;
};

static size_t on_upload(char *data, size_t one, size_t length, void *context)
{
    struct source *source = context;
    size_t n = one * length < source->rest.length ? one * length : source->rest.length;
    memcpy(data, source->rest.data, n);
    source->rest.data += n;
    source->rest.length -= n;
    return n;
}

/* SSH_FXP_RENAME does not replace: what has the name goes first ('*': it may not be there). The
 * writer of a batch has made sure that nobody relies on it: the done-marker comes last. */
static bool sftp_put(struct file_store *store, const char *name, struct bytes content,
                     struct failure *f)
{
    _cleanup_(cleanup_text) char *temporary = file_store_temporary(store, name);
    _cleanup_(cleanup_text) char *what = text_format("put %s", name);
    _cleanup_(cleanup_curl_list) struct curl_slist *after = NULL;
    struct source source = {content};
    begin(store, temporary);
    after = command(after, store, "*rm", name, NULL);
    after = command(after, store, "rename", temporary, name);
    curl_easy_setopt(store->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(store->curl, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(store->curl, CURLOPT_READDATA, &source);
    curl_easy_setopt(store->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)content.length);
    curl_easy_setopt(store->curl, CURLOPT_FTP_CREATE_MISSING_DIRS, 1L);
    curl_easy_setopt(store->curl, CURLOPT_POSTQUOTE, after);
    return file_store_perform(store, what, CURLE_OK, NULL, f);
}

static bool sftp_get(struct file_store *store, const char *name, size_t most, bool *ret_found,
                     struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("get %s", name);
    struct file_store_sink sink = {ret_content, most, false, 0};
    bool missing = false;
    begin(store, name);
    file_store_receive(store, &sink);
    if (!file_store_perform(store, what, CURLE_REMOTE_FILE_NOT_FOUND, &missing, f))
        return sink.full ? failure_set(f, FAILURE_LIMIT, "%s is longer than the %zu bytes allowed",
                                       name, most)
                         : false;
    *ret_found = !missing;
    return true;
}

/* An entry of a listing as the server writes it ("-rw-r--r-- 1 u g 5 Nov 28 12:00 name"): only
 * files are looked at. Our names have no blanks. */
static void read_listing(struct buffer *text, struct file_names *names)
{
    char *rest = (char *)buffer_text(text), *save = NULL;
    for (char *line = strtok_r(rest, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        const char *name = strrchr(line, ' ');
        if (line[0] == '-' && name && names->count <= FILE_STORE_MOST)
            file_names_add(names, name + 1);
    }
}

static bool sftp_list(struct file_store *store, const char *folder, struct file_names *names,
                      struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s%s", folder, *folder ? "/" : "");
    _cleanup_(cleanup_text) char *what = text_format("list %s", *folder ? folder : "the place");
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    struct file_store_sink sink = {&text, (size_t)FILE_STORE_MOST * 512, false, 0};
    bool missing = false;
    begin(store, path);
    file_store_receive(store, &sink);
    if (!file_store_perform(store, what, CURLE_REMOTE_FILE_NOT_FOUND, &missing, f))
        return false;
    if (!missing)
        read_listing(&text, names);
    return true;
}

static bool run_commands(struct file_store *store, struct curl_slist *commands, const char *what,
                         struct failure *f)
{
    begin(store, "");
    curl_easy_setopt(store->curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(store->curl, CURLOPT_QUOTE, commands);
    return file_store_perform(store, what, CURLE_OK, NULL, f);
}

static bool sftp_move(struct file_store *store, const char *from, const char *to, struct failure *f)
{
    _cleanup_(cleanup_curl_list) struct curl_slist *commands = NULL;
    _cleanup_(cleanup_text) char *what = text_format("move %s", from);
    for (const char *slash = strchr(to, '/'); slash; slash = strchr(slash + 1, '/')) {
        _cleanup_(cleanup_text) char *folder = text_copy_n(to, (size_t)(slash - to));
        commands = command(commands, store, "*mkdir", folder, NULL);
    }
    commands = command(commands, store, "*rm", to, NULL);
    commands = command(commands, store, "rename", from, to);
    return run_commands(store, commands, what, f);
}

static bool sftp_remove(struct file_store *store, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *what = text_format("remove %s", name);
    _cleanup_(cleanup_curl_list) struct curl_slist *commands =
        command(NULL, store, "*rm", name, NULL);
    return run_commands(store, commands, what, f);
}

const struct file_store_kind file_store_sftp = {
    .open = sftp_open,
    .put = sftp_put,
    .get = sftp_get,
    .list = sftp_list,
    .move = sftp_move,
    .remove = sftp_remove,
};
