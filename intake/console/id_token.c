#include "intake/console/id_token.h"

#include <string.h>

static const char *text_of(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));
    return text ? text : "";
}

/* Seconds since 1970, whole or not (RFC 7519 §2); 0 when it is none, which is long ago. */
static instant time_of(const json_t *claims, const char *name)
{
    double seconds = json_number_value(json_object_get(claims, name));
    return seconds > 0 && seconds < 1e11 ? (instant)(seconds * INSTANT_SECOND) : 0;
}

/* Made for us: alone, or among others when we are the one who asked (azp). */
static bool is_for(const json_t *claims, const char *client_id)
{
    const json_t *audience = json_object_get(claims, "aud"), *one;
    const json_t *party = json_object_get(claims, "azp");
    bool named = strcmp(text_of(claims, "aud"), client_id) == 0;
    size_t i;
    json_array_foreach (audience, i, one) {
        const char *text = json_string_value(one);
        named = named || (text && strcmp(text, client_id) == 0);
    }
    return named && (party ? strcmp(text_of(claims, "azp"), client_id) == 0
                           : json_array_size(audience) <= 1);
}

static bool between(instant at, instant first, instant last)
{
    return at >= first - ID_TOKEN_SKEW && at <= last + ID_TOKEN_SKEW;
}

static bool class_good(const json_t *claims, const struct id_token_rule *rule)
{
    for (size_t i = 0; i < rule->class_count; i++)
        if (strcmp(text_of(claims, "acr"), rule->classes[i]) == 0)
            return true;
    return rule->class_count == 0;
}

bool id_token_check(const json_t *claims, const struct id_token_rule *rule, const char **ret_name,
                    const char **ret_why)
{
    const instant now = rule->now;
    *ret_name = text_of(claims, rule->claim);
    if (strcmp(text_of(claims, "iss"), rule->issuer) != 0)
        *ret_why = "id-token-issuer";
    else if (!is_for(claims, rule->client_id))
        *ret_why = "id-token-audience";
    else if (strcmp(text_of(claims, "nonce"), rule->nonce) != 0)
        *ret_why = "id-token-nonce";
    else if (time_of(claims, "exp") <= now - ID_TOKEN_SKEW)
        *ret_why = "id-token-expired";
    else if (!between(time_of(claims, "iat"), now - rule->age, now) ||
             !between(time_of(claims, "auth_time"), now - rule->age, now))
        *ret_why = "id-token-too-old";
    else if (!class_good(claims, rule))
        *ret_why = "id-token-class";
    else if (!**ret_name)
        *ret_why = "id-token-nobody";
    else
        return true;
    return false;
}
