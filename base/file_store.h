/* Places where files are put for others and taken from them: a directory, a folder on an SFTP
 * server, a prefix in a bucket of S3-compatible storage. One contract for all:
 *
 * - file_store_put is all or nothing: the bytes go to a temporary name beside it (".NAME.….part")
 *   and are renamed when they are complete and, in a directory, flushed to disk; S3 has that of its
 *   own, with a checksum that the server compares. What was there under the name is replaced.
 * - A name is the path below the place: parts of [A-Za-z0-9._-] with '/' between, none of which
 *   begins with '.'. Folders are made where they are missing.
 * - In a directory nothing below the place is followed that is a link.
 *
 * Of SFTP the server's key is pinned, ours is a key file; over S3, TLS with the CA that is named.
 * Not thread-safe. Failures: FAILURE_NETWORK not reached or broken off, FAILURE_PEER refused or
 * nonsense, FAILURE_SYSTEM our own disk, FAILURE_USAGE what the configuration says is impossible.
 */
#ifndef UKETSUKE_BASE_FILE_STORE_H
#define UKETSUKE_BASE_FILE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

#define FILE_STORE_NAME 256    /* of a name, NUL included */
#define FILE_STORE_MOST 100000 /* names of one list; of more, FAILURE_LIMIT */

struct file_store;

/* Borrowed until file_store_close, but for `to`; what does not belong to the kind of place is
 * ignored. */
struct file_store_options {
    const char *to; /* "/path", "sftp://user@host[:port]/path", "https://host[:port]/bucket[/…]";
                       "http://" only to a loopback address */
    instant patience;     /* of one transfer */
    const char *key_file; /* SFTP: our private key (OpenSSH or PEM), Ed25519 or ECDSA */
    const char *host_key; /* SFTP: SHA-256 of the server's key in Base64, as ssh-keygen -l has it */
    const char *ca_file;  /* S3 */
    const char *region;   /* S3 */
    const char *access_key;  /* S3 */
    const char *secret_file; /* S3: nobody but its owner may read it */
};

bool file_store_open(const struct file_store_options *options, struct file_store **ret_store,
                     struct failure *f);
void file_store_close(struct file_store *store);

bool file_store_put(struct file_store *store, const char *name, struct bytes content,
                    struct failure *f);
/* *ret_found false: there is no such file. Longer than `most` bytes: FAILURE_LIMIT. */
bool file_store_get(struct file_store *store, const char *name, size_t most, bool *ret_found,
                    struct buffer *ret_content, struct failure *f);

struct file_names { /* free with file_names_free; {0} to begin */
    char **name;
    size_t count;
    size_t strange; /* others, whose names we don't use */
};
/* Names of the files in a folder ("" for the place itself), without those that begin with '.' and
 * without folders, sorted by their bytes. A folder that is not there is empty. */
bool file_store_list(struct file_store *store, const char *folder, struct file_names *ret_names,
                     struct failure *f);
void file_names_free(struct file_names *names);

/* Replaces what has the new name. S3 copies, and removes only what was there before: what is put
 * under the old name meanwhile stays, unless the storage ignores the condition (OpenStack Swift
 * does, with DELETE): there it is lost. */
bool file_store_move(struct file_store *store, const char *from, const char *to, struct failure *f);
/* What is not there needs no removing. */
bool file_store_remove(struct file_store *store, const char *name, struct failure *f);
/* Removes what an end in the middle of file_store_put left in a folder. */
bool file_store_sweep(struct file_store *store, const char *folder, struct failure *f);

#endif
