/* The second factors of an account: one-time codes and WebAuthn credentials. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/account.h"

static const struct db_statement set_totp = {
    "account_set_totp", "UPDATE account SET wrapped = $3, totp = $4, totp_step = $5"
                        " WHERE city_code = $1 AND account_id = $2::uuid"};
static const struct db_statement select_totp = {
    "account_totp", "SELECT wrapped, totp FROM account"
                    " WHERE city_code = $1 AND account_id = $2::uuid AND totp IS NOT NULL"};
static const struct db_statement use_totp = {
    "account_use_totp", "UPDATE account SET totp_step = $3"
                        " WHERE city_code = $1 AND account_id = $2::uuid AND totp_step < $3"};
static const struct db_statement add_credential = {
    "account_add_credential",
    "INSERT INTO account_credential"
    " (city_code, account_id, credential_id, algorithm, public_key, counter, label, created_at)"
    " VALUES ($1, $2::uuid, $3, $4::bigint, $5, $6, $7, $8)"};
static const struct db_statement select_credentials = {
    "account_credentials",
    "SELECT credential_id, algorithm, public_key, counter FROM account_credential"
    " WHERE city_code = $1 AND account_id = $2::uuid ORDER BY created_at LIMIT $3"};
static const struct db_statement use_credential = {
    "account_use_credential",
    "UPDATE account_credential SET counter = $4, used_at = $5"
    " WHERE city_code = $1 AND account_id = $2::uuid AND credential_id = $3"};

#define KEY(account) db_text((account)->city_code), db_text((account)->id)
#define CONTEXT      64

static const char *context_of(const struct account *account, char text[CONTEXT])
{
    snprintf(text, CONTEXT, "account/%s/%s", account->city_code, account->id);
    return text;
}

bool account_set_totp(struct db_tx *tx, const struct city_key *city_key,
                      const struct account *account, const uint8_t secret[TOTP_SECRET],
                      int64_t step, struct failure *f)
{
    char context[CONTEXT];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    context_of(account, context);
    if (!application_key_make(city_key, context, &key, wrapped, f))
        return false;
    bool done = seal(&key, "totp", context, bytes_of(secret, TOTP_SECRET), &sealed, f) &&
                db_execute(tx, &set_totp,
                           DB_VALUES(KEY(account), db_bytes(bytes_of(wrapped, sizeof wrapped)),
                                     db_bytes(buffer_bytes(&sealed)), db_number(step)),
                           NULL, f);
    application_key_erase(&key);
    return done;
}

static bool totp_unseal(const struct city_key *city_key, const char *context,
                        const struct db_rows *rows, uint8_t ret_secret[TOTP_SECRET],
                        struct failure *f)
{
    struct application_key key;
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    if (!application_key_unwrap(city_key, context, db_get_bytes(rows, 0, 0), &key, f))
        return false;
    bool done = unseal(&key, "totp", context, db_get_bytes(rows, 0, 1), &plain, f);
    application_key_erase(&key);
    if (done && plain.length != TOTP_SECRET)
        return failure_set(f, FAILURE_INPUT, "an account's one-time secret has another length");
    if (done)
        memcpy(ret_secret, plain.data, TOTP_SECRET);
    return done;
}

bool account_open_totp(struct db_tx *tx, const struct city_key *city_key,
                       const struct account *account, uint8_t ret_secret[TOTP_SECRET],
                       struct failure *f)
{
    char context[CONTEXT];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_totp, DB_VALUES(KEY(account)), &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_USAGE, "the account has no one-time codes");
    return totp_unseal(city_key, context_of(account, context), rows, ret_secret, f);
}

bool account_use_totp(struct db_tx *tx, const struct account *account, int64_t step,
                      struct failure *f)
{
    return db_send(tx, &use_totp, DB_VALUES(KEY(account), db_number(step)), 1, f);
}

bool account_add_credential(struct db_tx *tx, const struct account *account,
                            const struct webauthn_credential *credential, const char *label,
                            instant now, struct failure *f)
{
    return db_execute(tx, &add_credential,
                      DB_VALUES(KEY(account), db_bytes(buffer_bytes(&credential->id)),
                                db_number(credential->algorithm),
                                db_bytes(buffer_bytes(&credential->key)),
                                db_number(credential->counter), db_text(label), db_instant(now)),
                      NULL, f);
}

static void buffer_take(struct buffer *to, struct bytes from)
{
    buffer_append(to, from.data, from.length);
}

bool account_credentials(struct db_tx *tx, const struct account *account,
                         struct webauthn_credential ret_credentials[WEBAUTHN_CREDENTIAL_MOST],
                         size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_credentials,
                  DB_VALUES(KEY(account), db_number(WEBAUTHN_CREDENTIAL_MOST)), &rows, f))
        return false;
    *ret_count = db_row_count(rows);
    for (size_t row = 0; row < *ret_count; row++) {
        struct webauthn_credential *one = &ret_credentials[row];
        *one = (struct webauthn_credential){.algorithm = (int)db_get_number(rows, row, 1),
                                            .counter = db_get_number(rows, row, 3)};
        buffer_take(&one->id, db_get_bytes(rows, row, 0));
        buffer_take(&one->key, db_get_bytes(rows, row, 2));
    }
    return true;
}

bool account_use_credential(struct db_tx *tx, const struct account *account,
                            const struct webauthn_credential *credential, instant now,
                            struct failure *f)
{
    return db_send(tx, &use_credential,
                   DB_VALUES(KEY(account), db_bytes(buffer_bytes(&credential->id)),
                             db_number(credential->counter), db_instant(now)),
                   1, f);
}
