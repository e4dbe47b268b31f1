#include "signature/crl_stream.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"
#include "signature/crl_element.h"
#include "signature/der.h"
#include "signature/pem_stream.h"

#define WINDOW (4 * CRL_ELEMENT_MOST) /* what is held of the list at a time */
#define PREFIX 32                     /* of what is signed, up to its algorithm */

/* Which element stands next. */
enum part {
    PART_OUTER,
    PART_TBS,
    PART_VERSION,
    PART_ALGORITHM,
    PART_ISSUER,
    PART_THIS_UPDATE,
    PART_NEXT_UPDATE,
    PART_LIST,
    PART_ENTRY,
    PART_EXTENSIONS,
    PART_OUTER_ALGORITHM,
    PART_SIGNATURE,
    PART_END,
};

/* Positions are octets of the DER, from its beginning. */
struct crl_stream {
    const struct trust *trust;
    crl_sink *sink;
    void *context;

    enum part part;
    uint8_t window[WINDOW];
    size_t begin, length; /* of the window: what is not consumed yet, and its end */
    uint64_t position;    /* of window[begin] */
    uint64_t end, tbs_end, list_end;

    enum { FORM_UNKNOWN, FORM_DER, FORM_PEM } form;
    struct pem_stream pem;
    struct buffer decoded; /* of one piece of PEM */

    /* Of what is signed, tbsCertList, up to the place `tbs_hashed` of the window. */
    EVP_MD_CTX *tbs_hash;  /* with the digest of the signature */
    EVP_MD_CTX *name_hash; /* SHA-256, the list's name; NULL: that is the same digest */
    size_t tbs_hashed;
    uint8_t prefix[PREFIX]; /* … what stands before we know with what to hash */
    size_t prefix_length;
    const struct signature_algorithm *algorithm; /* NULL until then */

    X509_NAME *issuer;
    ASN1_OCTET_STRING *key_id;
    struct buffer signature;
    struct crl_facts facts;
};

struct crl_stream *crl_stream_new(const struct trust *trust, crl_sink *sink, void *context)
{
    struct crl_stream *stream = memory_allocate(sizeof *stream);
    stream->trust = trust;
    stream->sink = sink;
    stream->context = context;
    stream->pem.label = "X509 CRL";
    return stream;
}

void crl_stream_free(struct crl_stream *stream)
{
    if (!stream)
        return;
    EVP_MD_CTX_free(stream->tbs_hash);
    EVP_MD_CTX_free(stream->name_hash);
    X509_NAME_free(stream->issuer);
    ASN1_OCTET_STRING_free(stream->key_id);
    buffer_free(&stream->signature);
    buffer_free(&stream->decoded);
    free(stream);
}

static EVP_MD_CTX *hash_new(const EVP_MD *digest)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || !EVP_DigestInit_ex(hash, digest, NULL))
        abort();
    return hash;
}

static void hash_update(const struct crl_stream *stream, const void *data, size_t length)
{
    if (!EVP_DigestUpdate(stream->tbs_hash, data, length) ||
        (stream->name_hash && !EVP_DigestUpdate(stream->name_hash, data, length)))
        abort();
}

/* --- the window ------------------------------------------------------------------------------- */

enum step {
    STEP_DONE, /* something was consumed, or the part changed */
    STEP_MORE, /* the window does not hold enough yet */
    STEP_BAD,  /* *f says why */
};

static enum step bad(struct failure *f, const char *what)
{
    failure_set(f, FAILURE_INPUT, "the revocation list %s", what);
    return STEP_BAD;
}

static bool in_tbs(const struct crl_stream *stream)
{
    return stream->part > PART_OUTER && stream->part < PART_OUTER_ALGORITHM;
}

static void tbs_hash_consumed(struct crl_stream *stream)
{
    if (!in_tbs(stream) || !stream->algorithm)
        return;
    hash_update(stream, stream->window + stream->tbs_hashed, stream->begin - stream->tbs_hashed);
    stream->tbs_hashed = stream->begin;
}

static void consume(struct crl_stream *stream, size_t size)
{
    if (in_tbs(stream) && !stream->algorithm) {
        memcpy(stream->prefix + stream->prefix_length, stream->window + stream->begin, size);
        stream->prefix_length += size;
    }
    stream->begin += size;
    stream->position += size;
}

/* Makes room behind what is not consumed yet. */
static void window_shift(struct crl_stream *stream)
{
    tbs_hash_consumed(stream);
    stream->length -= stream->begin;
    memmove(stream->window, stream->window + stream->begin, stream->length);
    stream->begin = stream->tbs_hashed = 0;
}

/* The header of the next element, which must end at position `end` at the latest. */
static enum step header_next(const struct crl_stream *stream, uint64_t end,
                             struct der_header *ret_header)
{
    const struct bytes rest =
        bytes_of(stream->window + stream->begin, stream->length - stream->begin);
    switch (der_header_read(rest, ret_header)) {
    case DER_WHOLE:
        return ret_header->size + ret_header->length <= end - stream->position ? STEP_DONE
                                                                               : STEP_BAD;
    case DER_PARTIAL:
        return rest.length < end - stream->position ? STEP_MORE : STEP_BAD;
    default:
        return STEP_BAD;
    }
}

/* Consumes the header of a SEQUENCE whose content comes element by element. */
static enum step sequence_open(struct crl_stream *stream, uint64_t end, uint64_t *ret_end)
{
    struct der_header header;
    enum step step = header_next(stream, end, &header);
    if (step != STEP_DONE)
        return step;
    if (header.tag != DER_SEQUENCE)
        return STEP_BAD;
    *ret_end = stream->position + header.size + header.length;
    consume(stream, header.size);
    return STEP_DONE;
}

struct element {
    uint8_t tag;
    struct bytes content, whole; /* in the window */
};

/* The next element when it is there whole. Not consumed. */
static enum step element_next(const struct crl_stream *stream, uint64_t end,
                              struct element *ret_element)
{
    struct der_header header;
    enum step step = header_next(stream, end, &header);
    if (step != STEP_DONE)
        return step;
    if (header.size + header.length > CRL_ELEMENT_MOST)
        return STEP_BAD;
    if (header.size + header.length > stream->length - stream->begin)
        return STEP_MORE;
    const uint8_t *at = stream->window + stream->begin;
    *ret_element = (struct element){
        header.tag,
        bytes_of(at + header.size, (size_t)header.length),
        bytes_of(at, header.size + (size_t)header.length),
    };
    return STEP_DONE;
}

/* --- what is signed --------------------------------------------------------------------------- */

static enum step take_outer(struct crl_stream *stream, struct failure *f)
{
    enum step step = sequence_open(stream, UINT64_MAX, &stream->end);
    stream->part += step == STEP_DONE;
    return step == STEP_BAD ? bad(f, "is not one in DER or PEM") : step;
}

static enum step take_tbs(struct crl_stream *stream, struct failure *f)
{
    enum step step = sequence_open(stream, stream->end, &stream->tbs_end);
    stream->part += step == STEP_DONE;
    return step == STEP_BAD ? bad(f, "is not one in DER or PEM") : step;
}

static enum step take_version(struct crl_stream *stream, const struct element *element,
                              struct failure *f)
{
    static const uint8_t version_2[] = {DER_INTEGER, 1, 1};
    if (!bytes_equal(element->whole, bytes_of(version_2, sizeof version_2)))
        return bad(f, "is not of version 2");
    consume(stream, element->whole.length);
    return STEP_DONE;
}

static enum step take_algorithm(struct crl_stream *stream, const struct element *element,
                                struct failure *f)
{
    const struct signature_algorithm *algorithm = signature_algorithm_of_der(element->whole);
    if (!algorithm)
        return bad(f, "is signed with an algorithm that is not allowed");
    consume(stream, element->whole.length);
    stream->algorithm = algorithm;
    stream->tbs_hashed = stream->begin;
    stream->tbs_hash = hash_new(digest_md(algorithm->digest));
    if (algorithm->digest != DIGEST_SHA256)
        stream->name_hash = hash_new(openssl_sha256());
    hash_update(stream, stream->prefix, stream->prefix_length);
    return STEP_DONE;
}

static enum step take_issuer(struct crl_stream *stream, const struct element *element,
                             struct failure *f)
{
    const uint8_t *at = element->whole.data;
    if (element->tag == DER_SEQUENCE && der_strict(element->whole))
        stream->issuer = d2i_X509_NAME(NULL, &at, (long)element->whole.length);
    ERR_clear_error();
    if (!stream->issuer || at != element->whole.data + element->whole.length)
        return bad(f, "has an issuer's name that is malformed");
    /* Known before the millions that follow. */
    if (!trust_name_known(stream->trust, stream->issuer))
        return bad(f, "is of an issuer that is none of the trust anchors");
    consume(stream, element->whole.length);
    return STEP_DONE;
}

static enum step take_update(struct crl_stream *stream, const struct element *element,
                             struct failure *f)
{
    struct crl_facts *facts = &stream->facts;
    bool next = stream->part == PART_NEXT_UPDATE;
    if (!der_time(element->tag, element->content, next ? &facts->next_update : &facts->this_update))
        return bad(f, next ? "has no nextUpdate" : "has no thisUpdate");
    if (next && facts->next_update <= facts->this_update)
        return bad(f, "has a nextUpdate that is not after its thisUpdate");
    consume(stream, element->whole.length);
    return STEP_DONE;
}

/* RFC 5280 §5.1.2.6 leaves the list out when it would be empty; an empty one means the same. */
static enum step take_list(struct crl_stream *stream, struct failure *f)
{
    struct der_header header = {0};
    enum step step = STEP_DONE;
    stream->list_end = stream->position;
    if (stream->position < stream->tbs_end)
        step = header_next(stream, stream->tbs_end, &header);
    if (step == STEP_DONE && header.tag == DER_SEQUENCE)
        step = sequence_open(stream, stream->tbs_end, &stream->list_end);
    stream->part += step == STEP_DONE;
    return step == STEP_BAD ? bad(f, "has a list of entries that is malformed") : step;
}

static enum step bad_entry(const struct crl_stream *stream, const char *wrong, struct failure *f)
{
    failure_set(f, FAILURE_INPUT, "entry %llu of the revocation list %s",
                (unsigned long long)stream->facts.entries + 1, wrong);
    return STEP_BAD;
}

static enum step take_entry(struct crl_stream *stream, struct failure *f)
{
    struct element element;
    struct crl_entry entry;
    if (stream->position == stream->list_end) {
        stream->part++;
        return STEP_DONE;
    }
    enum step step = element_next(stream, stream->list_end, &element);
    if (step == STEP_MORE)
        return step;
    const char *wrong = step == STEP_BAD || element.tag != DER_SEQUENCE
                            ? "is malformed"
                            : crl_entry_read(element.content, &entry);
    if (wrong)
        return bad_entry(stream, wrong, f);
    if (stream->sink && !stream->sink(stream->context, &entry, f))
        return STEP_BAD;
    stream->facts.entries++;
    consume(stream, element.whole.length);
    return STEP_DONE;
}

static enum step take_extensions(struct crl_stream *stream, const struct element *element,
                                 struct failure *f)
{
    struct bytes content = element->content, list;
    if (element->tag != DER_EXPLICIT_0 || !der_take(&content, DER_SEQUENCE, &list) ||
        content.length != 0)
        return bad(f, "has extensions that are malformed");
    const char *wrong = crl_extensions_read(list, &stream->facts, &stream->key_id);
    if (wrong)
        return bad(f, wrong);
    consume(stream, element->whole.length);
    if (stream->position != stream->tbs_end)
        return bad(f, "has something behind its extensions");
    tbs_hash_consumed(stream);
    return STEP_DONE;
}

/* --- what signs it ---------------------------------------------------------------------------- */

static enum step take_outer_algorithm(struct crl_stream *stream, const struct element *element,
                                      struct failure *f)
{
    if (signature_algorithm_of_der(element->whole) != stream->algorithm)
        return bad(f, "names one algorithm inside and another outside");
    consume(stream, element->whole.length);
    return STEP_DONE;
}

static enum step take_signature(struct crl_stream *stream, const struct element *element,
                                struct failure *f)
{
    const struct bytes content = element->content;
    if (element->tag != DER_BIT_STRING || content.length < 2 || content.data[0] != 0)
        return bad(f, "has a signature that is malformed");
    buffer_append(&stream->signature, content.data + 1, content.length - 1);
    consume(stream, element->whole.length);
    if (stream->position != stream->end)
        return bad(f, "has something behind its signature");
    return STEP_DONE;
}

/* --- feeding ---------------------------------------------------------------------------------- */

typedef enum step take_element(struct crl_stream *stream, const struct element *element,
                               struct failure *f);

/* The parts that are one element each. */
static const struct {
    take_element *take;
    const char *malformed;
} elements[] = {
    [PART_VERSION] = {take_version, "is not of version 2"},
    [PART_ALGORITHM] = {take_algorithm, "is signed with an algorithm that is not allowed"},
    [PART_ISSUER] = {take_issuer, "has an issuer's name that is malformed"},
    [PART_THIS_UPDATE] = {take_update, "has no thisUpdate"},
    [PART_NEXT_UPDATE] = {take_update, "has no nextUpdate"},
    [PART_EXTENSIONS] = {take_extensions, "has no number (crlNumber): it has no extensions"},
    [PART_OUTER_ALGORITHM] = {take_outer_algorithm, "has no algorithm beside its signature"},
    [PART_SIGNATURE] = {take_signature, "has a signature that is malformed"},
};

static enum step take_next(struct crl_stream *stream, struct failure *f)
{
    struct element element;
    bool signed_part = in_tbs(stream);
    enum step step = element_next(stream, signed_part ? stream->tbs_end : stream->end, &element);
    if (step == STEP_BAD)
        return bad(f, elements[stream->part].malformed);
    if (step == STEP_DONE)
        step = elements[stream->part].take(stream, &element, f);
    stream->part += step == STEP_DONE;
    return step;
}

static enum step take(struct crl_stream *stream, struct failure *f)
{
    switch (stream->part) {
    case PART_ENTRY:
        return take_entry(stream, f);
    case PART_OUTER:
        return take_outer(stream, f);
    case PART_TBS:
        return take_tbs(stream, f);
    case PART_LIST:
        return take_list(stream, f);
    case PART_END:
        return stream->begin < stream->length ? bad(f, "is not one alone: something follows it")
                                              : STEP_MORE;
    default:
        return take_next(stream, f);
    }
}

static bool feed_der(struct crl_stream *stream, struct bytes der, struct failure *f)
{
    while (der.length > 0) {
        window_shift(stream);
        size_t room = WINDOW - stream->length, size = der.length < room ? der.length : room;
        memcpy(stream->window + stream->length, der.data, size);
        stream->length += size;
        der = bytes_of(der.data + size, der.length - size);
        enum step step;
        while ((step = take(stream, f)) == STEP_DONE)
            ;
        if (step == STEP_BAD)
            return false;
    }
    return true;
}

bool crl_stream_feed(struct crl_stream *stream, struct bytes piece, struct failure *f)
{
    if (piece.length == 0)
        return true;
    if (stream->form == FORM_UNKNOWN)
        stream->form = piece.data[0] == '-' ? FORM_PEM : FORM_DER;
    if (stream->form == FORM_DER)
        return feed_der(stream, piece, f);
    buffer_clear(&stream->decoded);
    if (!pem_stream_feed(&stream->pem, piece, &stream->decoded))
        return failure_set(f, FAILURE_INPUT, "the revocation list is not one in DER or PEM");
    return feed_der(stream, buffer_bytes(&stream->decoded), f);
}

static bool signature_holds(struct crl_stream *stream)
{
    uint8_t hash[DIGEST_MAX], name[32], fingerprint[32];
    if (!EVP_DigestFinal_ex(stream->tbs_hash, hash, NULL) ||
        (stream->name_hash && !EVP_DigestFinal_ex(stream->name_hash, name, NULL)))
        abort();
    hex_encode(stream->name_hash ? name : hash, sizeof name, stream->facts.tbs_sha256);
    const struct list_signature signature = {
        .issuer = stream->issuer,
        .key_id = stream->key_id,
        .algorithm = stream->algorithm,
        .hash = hash,
        .value = buffer_bytes(&stream->signature),
    };
    X509 *anchor = trust_list_issuer(stream->trust, &signature);
    if (!anchor || !X509_digest(anchor, openssl_sha256(), fingerprint, NULL))
        return false;
    hex_encode(fingerprint, sizeof fingerprint, stream->facts.issuer_sha256);
    return true;
}

bool crl_stream_end(struct crl_stream *stream, struct crl_facts *ret_facts, struct failure *f)
{
    if (stream->form == FORM_PEM && !pem_stream_end(&stream->pem))
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list is not whole: its PEM has no end");
    if (stream->part != PART_END)
        return failure_set(f, FAILURE_INPUT, "the revocation list is not whole: it breaks off");
    if (!signature_holds(stream))
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list is not signed by a trust anchor that may");
    *ret_facts = stream->facts;
    return true;
}
