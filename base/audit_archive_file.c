/* One sealed file of the archive: a magic line, the file's key wrapped by the city's, then chunks.
 * A chunk is a 4-byte big-endian length and what seal() made of it, bound to its place in the file;
 * its first byte is 'e' (entries, a line of JSON each) or 'z' (the end, after which nothing
 * follows). docs/formats/audit-archive.md */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"

#define MAGIC        "uketsuke-trail 1\n"
#define MAGIC_LENGTH (sizeof MAGIC - 1)
#define PURPOSE      "trail"
#define CHUNK        (256u << 10) /* plain bytes after which one is written */

static const char *chunk_context(const char *file, int64_t index, char text[AUDIT_PATH])
{
    snprintf(text, AUDIT_PATH, "%s/%" PRId64, file, index);
    return text;
}

/* --- writing -----------------------------------------------------------------------------------
 */

struct audit_writer {
    FILE *out;
    const char *context;
    struct application_key key;
    EVP_MD_CTX *digest;
    struct buffer plain;
    int64_t index, size;
};

void audit_writer_free(struct audit_writer *w)
{
    if (!w)
        return;
    application_key_erase(&w->key);
    EVP_MD_CTX_free(w->digest);
    buffer_erase_free(&w->plain);
    free(w);
}
DEFINE_CLEANUP(cleanup_writer, struct audit_writer *, audit_writer_free)

static bool put(struct audit_writer *w, const void *data, size_t length, struct failure *f)
{
    w->size += (int64_t)length;
    EVP_DigestUpdate(w->digest, data, length);
    return fwrite(data, 1, length, w->out) == length ||
           failure_errno(f, "cannot write the archive of the audit trail");
}

bool audit_writer_open(FILE *out, const struct city_key *key, const char *context,
                       struct audit_writer **ret_writer, struct failure *f)
{
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    _cleanup_(cleanup_writer) struct audit_writer *w = memory_allocate(sizeof *w);
    w->out = out;
    w->context = context;
    w->digest = EVP_MD_CTX_new();
    if (!w->digest || EVP_DigestInit_ex(w->digest, openssl_sha256(), NULL) != 1)
        return failure_set(f, FAILURE_SYSTEM, "OpenSSL has no SHA-256");
    if (!application_key_make(key, context, &w->key, wrapped, f) ||
        !put(w, MAGIC, MAGIC_LENGTH, f) || !put(w, wrapped, sizeof wrapped, f))
        return false;
    buffer_append_text(&w->plain, "e");
    *ret_writer = TAKE(w);
    return true;
}

static bool chunk_put(struct audit_writer *w, struct failure *f)
{
    char context[AUDIT_PATH];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    if (!seal(&w->key, PURPOSE, chunk_context(w->context, w->index++, context),
              buffer_bytes(&w->plain), &sealed, f))
        return false;
    buffer_clear(&w->plain);
    if (sealed.length > AUDIT_CHUNK_MOST)
        return failure_set(f, FAILURE_LIMIT, "an entry of the audit trail is longer than %u bytes",
                           AUDIT_CHUNK_MOST);
    uint32_t length = htobe32((uint32_t)sealed.length);
    return put(w, &length, sizeof length, f) && put(w, sealed.data, sealed.length, f);
}

static json_t *entry_json(const struct audit_seen *seen)
{
    char at[INSTANT_TEXT], hash[2 * AUDIT_HASH + 1];
    const struct audit_entry *e = &seen->entry;
    hex_encode(seen->hash.data, AUDIT_HASH, hash);
    return json_pack("{s:I, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s}", "position",
                     (json_int_t)seen->position, "at", instant_text_jst(seen->at, at), "action",
                     e->action, "actor", e->actor, "terminal", e->terminal, "city", e->city_code,
                     "application", e->application_id, "reason", e->reason, "detail", e->detail,
                     "hash", hash);
}

bool audit_writer_add(struct audit_writer *w, const struct audit_seen *seen, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *json = entry_json(seen);
    _cleanup_(cleanup_text) char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!line)
        return failure_set(f, FAILURE_DATABASE, "entry %" PRId64 " cannot be written as JSON",
                           seen->position);
    /* An entry that is long has a chunk of its own, so that a chunk's limit is an entry's. */
    if (w->plain.length > 1 && w->plain.length + strlen(line) > CHUNK) {
        if (!chunk_put(w, f))
            return false;
        buffer_append_text(&w->plain, "e");
    }
    buffer_append_text(&w->plain, line);
    buffer_append_text(&w->plain, "\n");
    return true;
}

bool audit_writer_end(struct audit_writer *w, int64_t *ret_size, uint8_t ret_sha256[32],
                      struct failure *f)
{
    if (w->plain.length > 1 && !chunk_put(w, f))
        return false;
    buffer_clear(&w->plain);
    buffer_append_text(&w->plain, "z");
    if (!chunk_put(w, f))
        return false;
    if (fflush(w->out) != 0 || fsync(fileno(w->out)) != 0)
        return failure_errno(f, "cannot flush the archive of the audit trail to disk");
    EVP_DigestFinal_ex(w->digest, ret_sha256, NULL);
    *ret_size = w->size;
    return true;
}

/* --- reading -----------------------------------------------------------------------------------
 */

struct reading {
    FILE *in;
    const char *context;
    struct application_key key;
    EVP_MD_CTX *digest;
    struct buffer sealed, plain;
    int64_t index, size;
    void (*each)(const struct audit_seen *seen, void *to);
    void *to;
};

static void reading_end(struct reading *r)
{
    application_key_erase(&r->key);
    EVP_MD_CTX_free(r->digest);
    buffer_free(&r->sealed);
    buffer_erase_free(&r->plain);
}

static bool take(struct reading *r, void *data, size_t length)
{
    size_t got = fread(data, 1, length, r->in);
    r->size += (int64_t)got;
    EVP_DigestUpdate(r->digest, data, got);
    return got == length;
}

/* A member that may be missing, but is nothing else than text. */
static bool text_member(const json_t *json, const char *name, const char **ret_text, size_t *known)
{
    const json_t *value = json_object_get(json, name);
    *ret_text = json_string_value(value);
    *known += value != NULL;
    return !value || *ret_text;
}

static bool entry_read(const json_t *json, struct audit_seen *ret, uint8_t hash[AUDIT_HASH])
{
    struct audit_entry *e = &ret->entry;
    const char *at = json_string_value(json_object_get(json, "at"));
    const char *hex = json_string_value(json_object_get(json, "hash"));
    char again[INSTANT_TEXT];
    size_t known = 3;
    ret->position = json_integer_value(json_object_get(json, "position"));
    bool good = text_member(json, "action", &e->action, &known) &&
                text_member(json, "actor", &e->actor, &known) &&
                text_member(json, "terminal", &e->terminal, &known) &&
                text_member(json, "city", &e->city_code, &known) &&
                text_member(json, "application", &e->application_id, &known) &&
                text_member(json, "reason", &e->reason, &known) &&
                text_member(json, "detail", &e->detail, &known);
    if (!good || !e->action || !e->actor || !at || !instant_parse(at, &ret->at) ||
        strcmp(instant_text_jst(ret->at, again), at) != 0 || !hex ||
        strlen(hex) != 2 * AUDIT_HASH || !hex_decode(hex, hash, AUDIT_HASH))
        return false;
    ret->hash = bytes_of(hash, AUDIT_HASH);
    return ret->position > 0 && json_object_size(json) == known;
}

static bool line_read(struct reading *r, const char *line, size_t length)
{
    struct audit_seen seen = {0};
    uint8_t hash[AUDIT_HASH];
    _cleanup_(cleanup_json) json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json || !entry_read(json, &seen, hash))
        return false;
    r->each(&seen, r->to);
    return true;
}

static const char *lines_read(struct reading *r)
{
    const char *at = (const char *)r->plain.data + 1, *end = at + r->plain.length - 1;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline || !line_read(r, at, (size_t)(newline - at)))
            return "what was sealed is no entry of an audit trail";
        at = newline + 1;
    }
    return NULL;
}

/* *ret_last: it was the end. */
static const char *chunk_read(struct reading *r, bool *ret_last)
{
    uint32_t length;
    char context[AUDIT_PATH];
    struct failure why = {0};
    if (!take(r, &length, sizeof length))
        return "the file ends too early";
    length = be32toh(length);
    if (length < SEAL_OVERHEAD + 1 || length > AUDIT_CHUNK_MOST)
        return "a length in the file is none that we write";
    buffer_clear(&r->sealed);
    buffer_clear(&r->plain);
    if (!take(r, buffer_reserve(&r->sealed, length), length))
        return "the file ends too early";
    buffer_commit(&r->sealed, length);
    if (!unseal(&r->key, PURPOSE, chunk_context(r->context, r->index++, context),
                buffer_bytes(&r->sealed), &r->plain, &why))
        return "a part of the file is altered, or belongs elsewhere";
    *ret_last = r->plain.data[0] == 'z' && r->plain.length == 1;
    if (*ret_last)
        return fgetc(r->in) == EOF ? NULL : "something follows the end of the file";
    return r->plain.data[0] == 'e' ? lines_read(r) : "what was sealed is no part of a trail";
}

static const char *file_read(struct reading *r, const struct city_key *key)
{
    uint8_t magic[MAGIC_LENGTH], wrapped[SEAL_WRAPPED_LENGTH];
    struct failure why = {0};
    const char *damage = NULL;
    if (!take(r, magic, sizeof magic) || memcmp(magic, MAGIC, sizeof magic) != 0)
        return "the file is no archive of an audit trail";
    if (!take(r, wrapped, sizeof wrapped))
        return "the file ends too early";
    if (!application_key_unwrap(key, r->context, bytes_of(wrapped, sizeof wrapped), &r->key, &why))
        return "the file belongs elsewhere, or to another city's key";
    for (bool last = false; !last && !damage;)
        damage = chunk_read(r, &last);
    return damage;
}

bool audit_read(FILE *in, const struct city_key *key, const char *context,
                void (*each)(const struct audit_seen *seen, void *to), void *to, int64_t *ret_size,
                uint8_t ret_sha256[32], const char **ret_damage, struct failure *f)
{
    _cleanup_(reading_end) struct reading r = {
        .in = in, .context = context, .each = each, .to = to, .digest = EVP_MD_CTX_new()};
    if (!r.digest || EVP_DigestInit_ex(r.digest, openssl_sha256(), NULL) != 1)
        return failure_set(f, FAILURE_SYSTEM, "OpenSSL has no SHA-256");
    const char *damage = file_read(&r, key);
    if (ferror(in))
        return failure_errno(f, "cannot read the archive of the audit trail");
    EVP_DigestFinal_ex(r.digest, ret_sha256, NULL);
    *ret_size = r.size;
    *ret_damage = damage;
    return true;
}
