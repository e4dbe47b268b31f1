/* The authorities' files: PEM, keys for their owner only. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "deploy/sandbox/x509_make.h"

bool folder_make(const char *path, struct failure *f)
{
    struct stat status;
    if (mkdir(path, 0755) == 0)
        return true;
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return failure_errno(f, "the folder %s cannot be made", path);
}

static BIO *file_create(const char *folder, const char *name, mode_t mode, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *file = fd < 0 || fchmod(fd, mode) != 0 ? NULL : fdopen(fd, "wb");
    BIO *out = file ? BIO_new_fp(file, BIO_CLOSE) : NULL;
    if (!out) {
        failure_errno(f, "%s cannot be written", path);
        return NULL;
    }
    fd = -1; /* the stream owns it now */
    return out;
}

static BIO *file_read(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    BIO *in = BIO_new_file(path, "rb");
    if (!in)
        failure_set(f, FAILURE_SYSTEM, "%s cannot be read: make it with its init command first",
                    path);
    return in;
}

bool certificate_write(const char *folder, const char *name, X509 *const *certificates,
                       size_t count, struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *out = file_create(folder, name, 0644, f);
    if (!out)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!PEM_write_bio_X509(out, certificates[i]))
            return crypto_failure(f, "a certificate could not be written");
    return BIO_flush(out) == 1 || failure_errno(f, "%s/%s cannot be written", folder, name);
}

bool key_write(const char *folder, const char *name, EVP_PKEY *key, struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *out = file_create(folder, name, 0600, f);
    if (!out)
        return false;
    if (!PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL))
        return crypto_failure(f, "a key could not be written");
    return BIO_flush(out) == 1 || failure_errno(f, "%s/%s cannot be written", folder, name);
}

bool text_write(const char *folder, const char *name, struct bytes text, struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *out = file_create(folder, name, 0644, f);
    size_t written = 0;
    if (!out)
        return false;
    if (text.length && !BIO_write_ex(out, text.data, text.length, &written))
        return failure_errno(f, "%s/%s cannot be written", folder, name);
    return BIO_flush(out) == 1 || failure_errno(f, "%s/%s cannot be written", folder, name);
}

X509 *certificate_load(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *in = file_read(folder, name, f);
    X509 *certificate = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    if (in && !certificate)
        crypto_failure(f, name);
    return certificate;
}

EVP_PKEY *key_load(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *in = file_read(folder, name, f);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
    if (in && !key)
        crypto_failure(f, name);
    return key;
}
