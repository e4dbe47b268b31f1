#include "intake/registry/stream.h"

#include <errno.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "base/cleanup.h"

#define CHUNK     (64 * 1024)
#define CONVERTER "ibm-943_P15A-2003"

struct feed_stream {
    FILE *in, *out;
    EVP_MD_CTX *hash;
    UConverter *from, *to; /* NULL: UTF-8 passes as it is */
    bool begun, marked, ended;
    char raw[CHUNK];
    const char *raw_at, *raw_end;
    UChar pivot[CHUNK];
    UChar *pivot_from, *pivot_to;
};

/* Reads on, and hashes. 0 at the end; -1 when reading failed. */
static ssize_t raw_read(struct feed_stream *stream, char *data, size_t size)
{
    size_t length = fread(data, 1, size, stream->in);
    if (length == 0 && ferror(stream->in))
        return -1;
    EVP_DigestUpdate(stream->hash, data, length);
    if (!stream->begun)
        stream->marked = length >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3);
    stream->begun = true;
    return (ssize_t)length;
}

static bool raw_refill(struct feed_stream *stream)
{
    if (stream->raw_at < stream->raw_end || stream->ended)
        return true;
    ssize_t length = raw_read(stream, stream->raw, sizeof stream->raw);
    if (length < 0)
        return false;
    stream->raw_at = stream->raw;
    stream->raw_end = stream->raw + length;
    stream->ended = length == 0;
    return true;
}

static ssize_t converted_read(struct feed_stream *stream, char *data, size_t size)
{
    char *at = data;
    while (at == data) {
        UErrorCode error = U_ZERO_ERROR;
        if (!raw_refill(stream))
            return -1;
        bool last = stream->ended;
        ucnv_convertEx(stream->to, stream->from, &at, data + size, &stream->raw_at, stream->raw_end,
                       stream->pivot, &stream->pivot_from, &stream->pivot_to, stream->pivot + CHUNK,
                       false, last, &error);
        if (U_FAILURE(error) && error != U_BUFFER_OVERFLOW_ERROR) {
            errno = EILSEQ;
            return -1;
        }
        if (last && error != U_BUFFER_OVERFLOW_ERROR)
            break;
    }
    return at - data;
}

static ssize_t stream_read(void *cookie, char *data, size_t size)
{
    struct feed_stream *stream = cookie;
    return stream->from ? converted_read(stream, data, size) : raw_read(stream, data, size);
}

/* ICU would write U+001A for a single byte; a lost character is U+FFFD, whatever was lost. */
static void lost(const void *context, UConverterToUnicodeArgs *arguments, const char *bytes,
                 int32_t length, UConverterCallbackReason reason, UErrorCode *error)
{
    static const UChar replacement[] = {0xFFFD};
    (void)context;
    (void)bytes;
    (void)length;
    if (reason > UCNV_IRREGULAR)
        return;
    *error = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(arguments, replacement, 1, 0, error);
}

static bool converters_open(struct feed_stream *stream, struct failure *f)
{
    UErrorCode error = U_ZERO_ERROR;
    stream->from = ucnv_open(CONVERTER, &error);
    stream->to = ucnv_open("UTF-8", &error);
    if (U_SUCCESS(error))
        ucnv_setToUCallBack(stream->from, lost, NULL, NULL, NULL, &error);
    stream->pivot_from = stream->pivot_to = stream->pivot;
    return U_SUCCESS(error) || failure_set(f, FAILURE_SYSTEM,
                                           "ICU has no converter " CONVERTER ": install libicu72 "
                                           "as Debian has it");
}

DEFINE_CLEANUP(cleanup_stream, struct feed_stream *, feed_stream_close)

bool feed_stream_open(FILE *in, enum feed_encoding encoding, struct feed_stream **ret_stream,
                      struct failure *f)
{
    _cleanup_(cleanup_stream) struct feed_stream *stream = memory_allocate(sizeof *stream);
    stream->in = in;
    stream->hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(stream->hash, EVP_sha256(), NULL);
    if (encoding == FEED_CP932 && !converters_open(stream, f))
        return false;
    stream->out = fopencookie(stream, "r", (cookie_io_functions_t){.read = stream_read});
    if (!stream->out || setvbuf(stream->out, NULL, _IOFBF, CHUNK))
        return failure_errno(f, "registry feed");
    *ret_stream = TAKE(stream);
    return true;
}

FILE *feed_stream_file(struct feed_stream *stream)
{
    return stream->out;
}

bool feed_stream_marked(const struct feed_stream *stream)
{
    return stream->marked;
}

void feed_stream_sha256(struct feed_stream *stream, uint8_t ret_sha256[32])
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_MD_CTX_copy_ex(hash, stream->hash);
    EVP_DigestFinal_ex(hash, ret_sha256, NULL);
}

void feed_stream_close(struct feed_stream *stream)
{
    if (stream->out)
        fclose(stream->out);
    ucnv_close(stream->from);
    ucnv_close(stream->to);
    EVP_MD_CTX_free(stream->hash);
    free(stream);
}
