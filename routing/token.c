#include "routing/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement assertion_remember = {
    "token_assertion_remember",
    "INSERT INTO token_assertion (city_code, client_id, jti, expires_at) "
    "VALUES ($1, $2, $3, $4::timestamptz) ON CONFLICT DO NOTHING"};
static const struct db_statement token_keep = {
    "token_keep", "INSERT INTO token (city_code, token, destination, client_id, peer, scopes,"
                  " issued_at, expires_at, secret) "
                  "VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz, $9)"};
/* A little at a time; well after their end: the clocks of our machines differ. */
static const struct db_statement assertions_forget = {
    "token_assertions_forget",
    "DELETE FROM token_assertion WHERE ctid = ANY (ARRAY("
    " SELECT ctid FROM token_assertion WHERE expires_at < now() - interval '1 hour'"
    " LIMIT 20))"};
static const struct db_statement tokens_forget = {
    "tokens_forget", "DELETE FROM token WHERE ctid = ANY (ARRAY("
                     " SELECT ctid FROM token WHERE expires_at < now() - interval '1 hour'"
                     " LIMIT 20))"};
static const struct db_statement token_select = {
    "token_select", "SELECT destination, client_id, peer, scopes, issued_at, expires_at, secret "
                    "FROM token WHERE city_code = $1 AND token = $2"};

/* RFC 4648 §5, without padding. */
static const char *base64url(struct bytes data, char *text, size_t size)
{
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    base64_encode(data, &plain);
    snprintf(text, size, "%s", buffer_text(&plain));
    text[strcspn(text, "=")] = '\0';
    for (char *p = text; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    return text;
}

const char *thumbprint_text(const char *peer, char text[44])
{
    uint8_t hash[32] = {0};
    hex_decode(peer, hash, sizeof hash);
    return base64url(bytes_of(hash, sizeof hash), text, 44);
}

static bool make_text(char ret_text[TOKEN_TEXT], struct failure *f)
{
    uint8_t random[32];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return failure_errno(f, "can't get random bytes");
    base64url(bytes_of(random, sizeof random), ret_text, TOKEN_TEXT);
    explicit_bzero(random, sizeof random);
    return true;
}

static bool keep(struct db_tx *tx, const struct token_request *r, const char *text,
                 struct failure *f)
{
    uint8_t hash[32];
    char scopes[SCOPES_TEXT];
    const struct token *t = &r->token;
    sha256(bytes_of_text(text), hash);
    return db_send(tx, &token_keep,
                   DB_VALUES(db_text(r->city_code), db_bytes(bytes_of(hash, sizeof hash)),
                             db_text(t->destination), db_text(t->client_id), db_text(t->peer),
                             db_text(scopes_text(t->scopes, r->business_id, scopes)),
                             db_instant(t->issued_at), db_instant(t->expires_at),
                             db_bytes(bytes_of(t->secret, sizeof t->secret))),
                   1, f) &&
           db_send(tx, &assertions_forget, DB_NO_VALUES, -1, f) &&
           db_send(tx, &tokens_forget, DB_NO_VALUES, -1, f);
}

bool token_issue(struct db_tx *tx, const struct token_request *request, bool *ret_replayed,
                 char ret_text[TOKEN_TEXT], struct failure *f)
{
    uint8_t jti[32];
    int64_t remembered = 0;
    sha256(bytes_of_text(request->jti), jti);
    if (!db_execute(tx, &assertion_remember,
                    DB_VALUES(db_text(request->city_code), db_text(request->token.client_id),
                              db_bytes(bytes_of(jti, sizeof jti)),
                              db_instant(request->assertion_expires_at)),
                    &remembered, f))
        return false;
    *ret_replayed = remembered == 0;
    return *ret_replayed || (make_text(ret_text, f) && keep(tx, request, ret_text, f));
}

static void copy(char *to, size_t size, const struct db_rows *rows, int column)
{
    snprintf(to, size, "%s", db_get_text(rows, 0, column));
}

bool token_find(struct db_tx *tx, const char *city_code, const char *business_id, const char *text,
                bool *ret_found, struct token *ret_token, struct failure *f)
{
    uint8_t hash[32];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    sha256(bytes_of_text(text), hash);
    if (!db_query(tx, &token_select,
                  DB_VALUES(db_text(city_code), db_bytes(bytes_of(hash, sizeof hash))), &rows, f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (!*ret_found)
        return true;
    struct token token = {.scopes = scopes_known(db_get_text(rows, 0, 3), business_id),
                          .issued_at = db_get_instant(rows, 0, 4),
                          .expires_at = db_get_instant(rows, 0, 5)};
    copy(token.destination, sizeof token.destination, rows, 0);
    copy(token.client_id, sizeof token.client_id, rows, 1);
    copy(token.peer, sizeof token.peer, rows, 2);
    struct bytes secret = db_get_bytes(rows, 0, 6);
    if (secret.length == sizeof token.secret)
        memcpy(token.secret, secret.data, secret.length);
    *ret_token = token;
    return true;
}
