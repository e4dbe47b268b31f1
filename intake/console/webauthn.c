#include "intake/console/webauthn.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

enum { FLAG_PRESENT = 0x01, FLAG_VERIFIED = 0x04 };

static void cleanup_cred(fido_cred_t **cred)
{
    fido_cred_free(cred);
}

static void cleanup_assert(fido_assert_t **assertion)
{
    fido_assert_free(assertion);
}

void webauthn_credential_free(struct webauthn_credential *credential)
{
    buffer_free(&credential->id);
    buffer_free(&credential->key);
}

/* --- base64url -------------------------------------------------------------------------------- */

bool base64url_decode(const char *text, size_t most, struct buffer *ret_data)
{
    size_t length = strlen(text);
    if (length > (most + 2) / 3 * 4 || length % 4 == 1 ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != length)
        return false;
    _cleanup_(cleanup_buffer) struct buffer plain = {0}, data = {0};
    for (size_t i = 0; i < length; i++) {
        char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        buffer_append(&plain, &c, 1);
    }
    buffer_append(&plain, "==", (4 - length % 4) % 4);
    if (!base64_decode(buffer_bytes(&plain), &data) || data.length > most)
        return false;
    buffer_append(ret_data, data.data, data.length);
    return true;
}

void base64url_encode(struct bytes data, struct buffer *ret_text)
{
    size_t begin = ret_text->length;
    base64_encode(data, ret_text);
    while (ret_text->length > begin && ret_text->data[ret_text->length - 1] == '=')
        ret_text->length--;
    for (size_t i = begin; i < ret_text->length; i++)
        if (ret_text->data[i] == '+')
            ret_text->data[i] = '-';
        else if (ret_text->data[i] == '/')
            ret_text->data[i] = '_';
}

/* --- what both ceremonies check (§7.1, §7.2) -------------------------------------------------- */

static bool refused(struct failure *f, const char *what)
{
    return failure_set(f, FAILURE_INPUT, "WebAuthn: %s", what);
}

static bool is_text(const json_t *json, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text && strcmp(text, wanted) == 0;
}

static bool client_data_good(const struct webauthn_party *party, struct bytes client_data,
                             const char *type, struct failure *f)
{
    if (client_data.length > WEBAUTHN_CLIENT_MOST)
        return refused(f, "clientDataJSON is too long");
    _cleanup_(cleanup_json) json_t *json = json_read(client_data);
    _cleanup_(cleanup_buffer) struct buffer challenge = {0};
    const char *text = json_string_value(json_object_get(json, "challenge"));
    if (!is_text(json, "type", type))
        return refused(f, "clientDataJSON is of another ceremony");
    if (!text || !base64url_decode(text, WEBAUTHN_CHALLENGE, &challenge) ||
        challenge.length != WEBAUTHN_CHALLENGE ||
        CRYPTO_memcmp(challenge.data, party->challenge, WEBAUTHN_CHALLENGE) != 0)
        return refused(f, "the challenge is another one");
    if (!is_text(json, "origin", party->origin) ||
        json_is_true(json_object_get(json, "crossOrigin")))
        return refused(f, "the page is another one");
    return true;
}

/* authenticatorData (§6.1): 32 bytes hash of the party's id, flags, counter. */
static bool authenticator_data_good(const struct webauthn_party *party, struct bytes data,
                                    struct failure *f)
{
    uint8_t hash[32];
    if (data.length < 37 || data.length > WEBAUTHN_DATA_MOST)
        return refused(f, "authenticatorData has no such length");
    sha256(bytes_of_text(party->id), hash);
    if (memcmp(data.data, hash, sizeof hash) != 0)
        return refused(f, "the credential is for another site");
    if (!(data.data[32] & FLAG_PRESENT) || !(data.data[32] & FLAG_VERIFIED))
        return refused(f, "the user was not verified");
    return true;
}

/* --- the ceremonies --------------------------------------------------------------------------- */

bool webauthn_register(const struct webauthn_party *party, struct bytes client_data,
                       struct bytes authenticator_data, struct webauthn_credential *ret_credential,
                       struct failure *f)
{
    static const int algorithms[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};
    if (!client_data_good(party, client_data, "webauthn.create", f) ||
        !authenticator_data_good(party, authenticator_data, f))
        return false;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        _cleanup_(cleanup_cred) fido_cred_t *cred = fido_cred_new();
        if (!cred || fido_cred_set_type(cred, algorithms[i]) != FIDO_OK ||
            fido_cred_set_authdata_raw(cred, authenticator_data.data, authenticator_data.length) !=
                FIDO_OK)
            continue;
        size_t id = fido_cred_id_len(cred), key = fido_cred_pubkey_len(cred);
        if (id < 16 || id > WEBAUTHN_ID_MOST || key == 0 || key > WEBAUTHN_KEY_MOST)
            break;
        *ret_credential = (struct webauthn_credential){.algorithm = algorithms[i],
                                                       .counter = fido_cred_sigcount(cred)};
        buffer_append(&ret_credential->id, fido_cred_id_ptr(cred), id);
        buffer_append(&ret_credential->key, fido_cred_pubkey_ptr(cred), key);
        return true;
    }
    return refused(f, "authenticatorData holds no credential of an algorithm that is taken");
}

static bool signature_good(const fido_assert_t *assertion,
                           const struct webauthn_credential *credential)
{
    int code = FIDO_ERR_INTERNAL;
    if (credential->algorithm == COSE_ES256) {
        es256_pk_t *key = es256_pk_new();
        if (key && es256_pk_from_ptr(key, credential->key.data, credential->key.length) == FIDO_OK)
            code = fido_assert_verify(assertion, 0, COSE_ES256, key);
        es256_pk_free(&key);
    } else if (credential->algorithm == COSE_EDDSA) {
        eddsa_pk_t *key = eddsa_pk_new();
        if (key && eddsa_pk_from_ptr(key, credential->key.data, credential->key.length) == FIDO_OK)
            code = fido_assert_verify(assertion, 0, COSE_EDDSA, key);
        eddsa_pk_free(&key);
    } else if (credential->algorithm == COSE_RS256) {
        rs256_pk_t *key = rs256_pk_new();
        if (key && rs256_pk_from_ptr(key, credential->key.data, credential->key.length) == FIDO_OK)
            code = fido_assert_verify(assertion, 0, COSE_RS256, key);
        rs256_pk_free(&key);
    }
    return code == FIDO_OK;
}

bool webauthn_assert(const struct webauthn_party *party, struct webauthn_credential *credential,
                     struct bytes client_data, struct bytes authenticator_data,
                     struct bytes signature, struct failure *f)
{
    uint8_t hash[32];
    if (!client_data_good(party, client_data, "webauthn.get", f) ||
        !authenticator_data_good(party, authenticator_data, f))
        return false;
    sha256(client_data, hash);
    _cleanup_(cleanup_assert) fido_assert_t *assertion = fido_assert_new();
    if (!assertion || fido_assert_set_count(assertion, 1) != FIDO_OK ||
        fido_assert_set_clientdata_hash(assertion, hash, sizeof hash) != FIDO_OK ||
        fido_assert_set_rp(assertion, party->id) != FIDO_OK ||
        fido_assert_set_up(assertion, FIDO_OPT_TRUE) != FIDO_OK ||
        fido_assert_set_uv(assertion, FIDO_OPT_TRUE) != FIDO_OK ||
        fido_assert_set_authdata_raw(assertion, 0, authenticator_data.data,
                                     authenticator_data.length) != FIDO_OK ||
        fido_assert_set_sig(assertion, 0, signature.data, signature.length) != FIDO_OK)
        return refused(f, "the assertion cannot be read");
    if (!signature_good(assertion, credential))
        return refused(f, "the signature does not hold");
    int64_t counter = fido_assert_sigcount(assertion, 0);
    if ((counter != 0 || credential->counter != 0) && counter <= credential->counter)
        return refused(f, "the counter did not grow: a copy of the key?");
    credential->counter = counter;
    return true;
}
