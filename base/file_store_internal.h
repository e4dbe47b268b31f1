/* Within base/file_store*.c: the kinds of places. */
#ifndef UKETSUKE_BASE_FILE_STORE_INTERNAL_H
#define UKETSUKE_BASE_FILE_STORE_INTERNAL_H

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/file_store.h"

DEFINE_CLEANUP(cleanup_curl_list, struct curl_slist *, curl_slist_free_all)

struct file_store_kind { /* as the functions of base/file_store.h; names are checked already */
    bool (*open)(struct file_store *store, struct failure *f);
    bool (*put)(struct file_store *, const char *name, struct bytes, struct failure *);
    bool (*get)(struct file_store *, const char *name, size_t most, bool *ret_found,
                struct buffer *, struct failure *);
    /* With those that begin with '.', unsorted. */
    bool (*list)(struct file_store *, const char *folder, struct file_names *, struct failure *);
    bool (*move)(struct file_store *, const char *from, const char *to, struct failure *);
    bool (*remove)(struct file_store *, const char *name, struct failure *);
};

extern const struct file_store_kind file_store_directory, file_store_sftp, file_store_s3;

struct file_store {
    const struct file_store_kind *kind;
    struct file_store_options options;
    char *to;       /* without '/' at the end */
    char *path;     /* of a URL, behind the host: "/home/city" or "/bucket/prefix" */
    char *secret;   /* S3: erased at the end */
    CURL *curl;     /* NULL for a directory */
    char token[17]; /* in temporary names: whose they are */
    char detail[CURL_ERROR_SIZE];
    bool told; /* a callback set the failure already */
};

/* ".NAME.TOKEN.part" in the folder of `name`; the caller frees. */
char *file_store_temporary(const struct file_store *store, const char *name);
void file_names_add(struct file_names *names, const char *name);

/* --- over libcurl ----------------------------------------------------------------------------- */

/* Resets the handle and sets what every transfer has. */
void file_store_begin(struct file_store *store, const char *url);
struct file_store_sink {
    struct buffer *content;
    size_t most;
    bool full;
    size_t got;
};
void file_store_receive(struct file_store *store, struct file_store_sink *sink);
/* Runs it; a failure that says what it was (`what`: "put b1/x.csv"), unless it is `expected`:
 * then *ret_expected is true. */
bool file_store_perform(struct file_store *store, const char *what, CURLcode expected,
                        bool *ret_expected, struct failure *f);

#endif
