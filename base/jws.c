#include "base/jws.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

#define TEXT_MOST 8192 /* of what is read */

DEFINE_CLEANUP(cleanup_jwt, jwt_t *, jwt_free)

bool jws_make(const json_t *claims, struct bytes secret, struct buffer *ret_text, struct failure *f)
{
    _cleanup_(cleanup_jwt) jwt_t *jwt = NULL;
    _cleanup_(cleanup_text) char *json = json_dumps(claims, JSON_COMPACT);
    if (!json || jwt_new(&jwt) != 0 || jwt_add_grants_json(jwt, json) != 0 ||
        jwt_set_alg(jwt, JWT_ALG_HS256, secret.data, (int)secret.length) != 0)
        return failure_set(f, FAILURE_INPUT, "these claims can't be signed");
    char *text = jwt_encode_str(jwt);
    if (!text)
        return failure_set(f, FAILURE_SYSTEM, "these claims can't be signed: %s", strerror(errno));
    buffer_append_text(ret_text, text);
    free(text);
    return true;
}

json_t *jws_read(const char *text, struct bytes secret)
{
    if (secret.length == 0 || strnlen(text, TEXT_MOST + 1) > TEXT_MOST)
        return NULL;
    _cleanup_(cleanup_jwt) jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, text, secret.data, (int)secret.length) != 0 ||
        jwt_get_alg(jwt) != JWT_ALG_HS256)
        return NULL;
    char *critical = jwt_get_headers_json(jwt, "crit");
    if (critical) {
        free(critical);
        return NULL;
    }
    char *json = jwt_get_grants_json(jwt, NULL);
    json_t *claims = json ? json_read(bytes_of_text(json)) : NULL;
    free(json);
    return claims;
}
