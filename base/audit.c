/* Appending to the audit trail. */
#include "base/audit.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_internal.h"
#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"

static const struct config_key keys[] = {
    {"signing-key", CONFIG_PATH, "", 0, 0, NULL,
     "Ed25519 private key (PEM) that signs checkpoints; made by `uketsuke audit key create`. Only "
     "the account that runs `uketsuke checkpoint` may read it."},
    {"public-key", CONFIG_PATHS, "", 0, 0, NULL,
     "Public keys by which `uketsuke audit verify` knows checkpoints: the present one, and those "
     "of before. Keep a copy, and the last checkpoint, outside of this machine."},
    {"checkpoint-interval", CONFIG_DURATION, "1h", 60 * INSTANT_SECOND, 31 * INSTANT_DAY, NULL,
     "How often the role checkpoint signs the trail; `uketsuke status` warns after twice that."},
    {"online", CONFIG_DURATION, "730d", 365 * INSTANT_DAY, 3650 * INSTANT_DAY, NULL,
     "How long entries stay in the database, where the console searches them; `uketsuke audit "
     "archive` takes whole months that are older. The annual report and the comparison of rights "
     "know what is online."},
};

const struct config_section audit_config_section = {
    .name = "audit",
    .help = "The audit trail: who did what, provably.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

/* Makes the chain where it is new, and locks it until the transaction ends. */
static const struct db_statement audit_head = {"audit_head", "SELECT at, head FROM audit_head($1)"};
/* The trigger on audit_entry moves the head, and refuses what does not follow it. */
static const struct db_statement audit_insert = {
    "audit_insert",
    "INSERT INTO audit_entry (chain, at, position, action, actor, terminal, city_code,"
    " application_id, reason, detail, previous, hash) "
    "SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],"
    " $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bytea[])"};

static void hash_field(EVP_MD_CTX *ctx, const void *data, size_t length)
{
    uint32_t prefix = htobe32(data ? (uint32_t)length : UINT32_MAX);
    EVP_DigestUpdate(ctx, &prefix, sizeof prefix);
    if (data)
        EVP_DigestUpdate(ctx, data, length);
}

static void hash_text(EVP_MD_CTX *ctx, const char *text)
{
    hash_field(ctx, text, text ? strlen(text) : 0);
}

void audit_hash(const struct audit_link *link, const struct audit_entry *entry,
                uint8_t ret_hash[AUDIT_HASH])
{
    char position[24], at[INSTANT_TEXT];
    const char *const texts[] = {entry->action,    entry->actor,          entry->terminal,
                                 entry->city_code, entry->application_id, entry->reason,
                                 entry->detail};
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, openssl_sha256(), NULL) != 1)
        abort(); /* no memory, or no SHA-256: nothing can be proved any more */
    snprintf(position, sizeof position, "%" PRId64, link->position);
    hash_text(ctx, link->chain);
    hash_text(ctx, position);
    hash_field(ctx, link->previous, AUDIT_HASH);
    hash_text(ctx, instant_text_jst(link->at, at));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        hash_text(ctx, texts[i]);
    EVP_DigestFinal_ex(ctx, ret_hash, NULL);
}

/* A batch as columns, for one INSERT. */
#define HASH_TEXT (2 + 2 * AUDIT_HASH + 1) /* "\x", digits, NUL */

struct columns {
    const char **position, **action, **actor, **terminal, **city_code, **application_id, **reason,
        **detail, **previous, **hash;
    const char **all; /* one allocation for the ten */
    char (*positions)[24];
    char (*hashes)[HASH_TEXT]; /* of the head, then of each entry */
};

static void columns_make(struct columns *ret, size_t count)
{
    ret->all = memory_allocate(10 * count * sizeof *ret->all);
    const char ***columns[] = {
        &ret->position,       &ret->action, &ret->actor,  &ret->terminal, &ret->city_code,
        &ret->application_id, &ret->reason, &ret->detail, &ret->previous, &ret->hash};
    for (size_t i = 0; i < 10; i++)
        *columns[i] = ret->all + i * count;
    ret->positions = memory_allocate(count * sizeof *ret->positions);
    ret->hashes = memory_allocate((count + 1) * sizeof *ret->hashes);
}

static void columns_free(struct columns *columns)
{
    free(columns->all);
    free(columns->positions);
    free(columns->hashes);
}

static void hash_write(const uint8_t hash[AUDIT_HASH], char text[HASH_TEXT])
{
    memcpy(text, "\\x", 2);
    hex_encode(hash, AUDIT_HASH, text + 2);
}

/* hash: of the entry before; becomes that of this one. */
static void columns_fill(struct columns *c, size_t i, struct audit_link link,
                         const struct audit_entry *entry, uint8_t hash[AUDIT_HASH])
{
    link.previous = hash;
    audit_hash(&link, entry, hash);
    snprintf(c->positions[i], sizeof c->positions[i], "%" PRId64, link.position);
    hash_write(hash, c->hashes[i + 1]);
    c->position[i] = c->positions[i];
    c->action[i] = entry->action;
    c->actor[i] = entry->actor;
    c->terminal[i] = entry->terminal;
    c->city_code[i] = entry->city_code;
    c->application_id[i] = entry->application_id;
    c->reason[i] = entry->reason;
    c->detail[i] = entry->detail;
    c->previous[i] = c->hashes[i];
    c->hash[i] = c->hashes[i + 1];
}

/* As many rows as there are positions, or the trigger refuses them: nothing has to be read before
 * COMMIT, so that the chain is locked for one round trip less. */
static bool columns_send(struct db_tx *tx, const char *chain, instant at, const struct columns *c,
                         size_t n, struct failure *f)
{
    return db_send(
        tx, &audit_insert,
        DB_VALUES(db_text(chain), db_instant(at), db_texts(c->position, n), db_texts(c->action, n),
                  db_texts(c->actor, n), db_texts(c->terminal, n), db_texts(c->city_code, n),
                  db_texts(c->application_id, n), db_texts(c->reason, n), db_texts(c->detail, n),
                  db_texts(c->previous, n), db_texts(c->hash, n)),
        -1, f);
}

static bool head_read(struct db_tx *tx, const char *chain, int64_t *ret_position,
                      uint8_t ret_hash[AUDIT_HASH], struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &audit_head, DB_VALUES(db_text(chain)), &rows, f))
        return false;
    struct bytes hash = db_get_bytes(rows, 0, 1);
    if (hash.length != AUDIT_HASH)
        return failure_set(f, FAILURE_DATABASE,
                           "the head of audit chain %s is damaged: run `uketsuke audit verify`",
                           chain);
    *ret_position = db_get_number(rows, 0, 0);
    memcpy(ret_hash, hash.data, AUDIT_HASH);
    return true;
}

bool audit_append(struct db_tx *tx, const char *chain, const struct audit_entry *entries,
                  size_t count, struct failure *f)
{
    int64_t position = 0;
    uint8_t hash[AUDIT_HASH];
    if (count == 0)
        return true;
    if (!db_flush_late(tx, f) || !head_read(tx, chain, &position, hash, f))
        return false;
    instant at = clock_now(); /* behind the lock: a chain's times follow its positions */
    struct columns columns;
    columns_make(&columns, count);
    hash_write(hash, columns.hashes[0]);
    for (size_t i = 0; i < count; i++) {
        struct audit_link link = {.chain = chain, .position = ++position, .at = at};
        columns_fill(&columns, i, link, &entries[i], hash);
    }
    bool done = columns_send(tx, chain, at, &columns, count, f);
    columns_free(&columns);
    return done;
}
