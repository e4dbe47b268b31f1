#include "routing/assertion.h"

#include <string.h>

#define JTI_MOST 256 /* bytes */

static bool wrong(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

static bool says(const json_t *claims, const char *key, const char *expected)
{
    const char *text = json_string_value(json_object_get(claims, key));
    return text && strcmp(text, expected) == 0;
}

static bool audience_good(const json_t *aud, const char *audience)
{
    const char *text = json_string_value(aud);
    if (text)
        return strcmp(text, audience) == 0;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        text = json_string_value(json_array_get(aud, i));
        if (text && strcmp(text, audience) == 0)
            return true;
    }
    return false;
}

/* NumericDate (RFC 7519 §2) in whole or broken seconds; false when it is none. */
static bool read_date(const json_t *claims, const char *key, instant *ret_at)
{
    const json_t *value = json_object_get(claims, key);
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0 && seconds < 1e11))
        return false;
    *ret_at = (instant)(seconds * INSTANT_SECOND);
    return true;
}

static bool times_good(const json_t *claims, const struct assertion_rule *rule,
                       instant *ret_expires_at, const char **ret_why)
{
    instant at;
    if (!read_date(claims, "exp", ret_expires_at))
        return wrong(ret_why, "assertion-no-expiry");
    if (*ret_expires_at <= rule->now)
        return wrong(ret_why, "assertion-expired");
    if (*ret_expires_at > rule->now + rule->life_most + ASSERTION_SKEW)
        return wrong(ret_why, "assertion-too-long");
    static const char *const begins[] = {"nbf", "iat"};
    for (size_t i = 0; i < 2; i++)
        if (json_object_get(claims, begins[i]) &&
            (!read_date(claims, begins[i], &at) || at > rule->now + ASSERTION_SKEW))
            return wrong(ret_why, "assertion-not-yet");
    return true;
}

bool assertion_check(const json_t *claims, const struct assertion_rule *rule, const char **ret_jti,
                     instant *ret_expires_at, const char **ret_why)
{
    const char *jti = json_string_value(json_object_get(claims, "jti"));
    instant expires_at = 0;
    if (!says(claims, "iss", rule->client_id) || !says(claims, "sub", rule->client_id))
        return wrong(ret_why, "assertion-issuer");
    if (!audience_good(json_object_get(claims, "aud"), rule->audience))
        return wrong(ret_why, "assertion-audience");
    if (!times_good(claims, rule, &expires_at, ret_why))
        return false;
    if (!jti || *jti == '\0' || strlen(jti) > JTI_MOST)
        return wrong(ret_why, "assertion-no-jti");
    *ret_jti = jti;
    *ret_expires_at = expires_at;
    return true;
}
