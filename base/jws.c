#include "base/jws.h"

#include <jose/b64.h>
#include <jose/jws.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

static const char *const SECRET_ALGORITHMS[] = {"HS256", NULL};
static const char *const PUBLIC_ALGORITHMS[] = {"RS256", "PS256", "ES256", NULL};

/* --- libjose ----------------------------------------------------------------------------------
 */

/* It would write what is wrong to standard error. */
static void say_nothing(void *context, const char *file, int line, uint64_t error,
                        const char *format, va_list arguments)
{
    (void)context, (void)file, (void)line, (void)error, (void)format, (void)arguments;
}

static jose_cfg_t *quiet(void)
{
    jose_cfg_t *cfg = jose_cfg();
    if (cfg)
        jose_cfg_set_err_func(cfg, say_nothing, NULL);
    return cfg;
}

static bool signed_by(const json_t *parts, const json_t *key)
{
    jose_cfg_auto_t *cfg = quiet();
    return jose_jws_ver(cfg, parts, NULL, key, false);
}

static bool sign(json_t *parts, json_t *header, const json_t *key)
{
    jose_cfg_auto_t *cfg = quiet();
    return jose_jws_sig(cfg, parts, header, key);
}

/* --- the compact form -------------------------------------------------------------------------
 */

struct jws {
    json_t *parts;  /* {"protected", "payload", "signature"}: the flattened form (§7.2.2) */
    json_t *header; /* what is protected */
};

static void cleanup_jws(struct jws *jws)
{
    json_decref(jws->parts);
    json_decref(jws->header);
}

/* One algorithm of those; and nothing that we would have to understand. */
static bool header_good(const json_t *header, const char *const *algorithms)
{
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    while (algorithm && *algorithms && strcmp(*algorithms, algorithm) != 0)
        algorithms++;
    return algorithm && *algorithms && !json_object_get(header, "crit");
}

static bool jws_parse(const char *text, const char *const *algorithms, struct jws *ret_jws)
{
    if (strnlen(text, JWS_MOST + 1) > JWS_MOST)
        return false;
    const char *payload = strchr(text, '.');
    const char *signature = payload ? strchr(payload + 1, '.') : NULL;
    if (!signature || strchr(signature + 1, '.'))
        return false;
    ret_jws->parts =
        json_pack("{s:s%, s:s%, s:s}", "protected", text, (size_t)(payload - text), "payload",
                  payload + 1, (size_t)(signature - payload - 1), "signature", signature + 1);
    ret_jws->header = jose_b64_dec_load(json_object_get(ret_jws->parts, "protected"));
    return header_good(ret_jws->header, algorithms);
}

static json_t *claims_of(const struct jws *jws)
{
    json_t *claims = jose_b64_dec_load(json_object_get(jws->parts, "payload"));
    if (json_is_object(claims))
        return claims;
    json_decref(claims);
    return NULL;
}

/* --- by a secret ------------------------------------------------------------------------------
 */

static json_t *key_of(struct bytes secret)
{
    return json_pack("{s:s, s:o}", "kty", "oct", "k", jose_b64_enc(secret.data, secret.length));
}

bool jws_make(const json_t *claims, struct bytes secret, struct buffer *ret_text, struct failure *f)
{
    _cleanup_(cleanup_text) char *json = json_dumps(claims, JSON_COMPACT);
    _cleanup_(cleanup_json) json_t *key = key_of(secret);
    _cleanup_(cleanup_json) json_t *jws =
        json ? json_pack("{s:o}", "payload", jose_b64_enc(json, strlen(json))) : NULL;
    _cleanup_(cleanup_json) json_t *header =
        json_pack("{s:{s:s, s:s}}", "protected", "alg", "HS256", "typ", "JWT");
    if (!jws || !sign(jws, header, key))
        return failure_set(f, FAILURE_INPUT, "these claims can't be signed");
    buffer_format(ret_text, "%s.%s.%s", json_string_value(json_object_get(jws, "protected")),
                  json_string_value(json_object_get(jws, "payload")),
                  json_string_value(json_object_get(jws, "signature")));
    return true;
}

json_t *jws_read(const char *text, struct bytes secret)
{
    _cleanup_(cleanup_jws) struct jws jws = {0};
    _cleanup_(cleanup_json) json_t *key = key_of(secret);
    return jws_parse(text, SECRET_ALGORITHMS, &jws) && signed_by(jws.parts, key) ? claims_of(&jws)
                                                                                 : NULL;
}

/* --- by a public key --------------------------------------------------------------------------
 */

/* A secret among the keys of a public set would be none. */
static bool key_may_sign(const json_t *key)
{
    const char *type = json_string_value(json_object_get(key, "kty"));
    const char *use = json_string_value(json_object_get(key, "use"));
    return type && strcmp(type, "oct") != 0 && (!use || strcmp(use, "sig") == 0);
}

static bool key_called(const json_t *key, const json_t *name)
{
    return !name || json_equal(json_object_get(key, "kid"), name);
}

json_t *jws_read_public(const char *text, const json_t *key_set, bool *ret_unknown)
{
    _cleanup_(cleanup_jws) struct jws jws = {0};
    size_t i;
    const json_t *key;
    *ret_unknown = false;
    if (!jws_parse(text, PUBLIC_ALGORITHMS, &jws))
        return NULL;
    const json_t *name = json_object_get(jws.header, "kid");
    *ret_unknown = true;
    json_array_foreach (json_object_get(key_set, "keys"), i, key) {
        if (!key_may_sign(key) || !key_called(key, name))
            continue;
        *ret_unknown = false;
        if (signed_by(jws.parts, key))
            return claims_of(&jws);
    }
    return NULL;
}
