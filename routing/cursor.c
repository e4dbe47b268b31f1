#include "routing/cursor.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SEAL_BYTES 10 /* of the HMAC */

const char *cursor_text(const struct routing_context *context, const char *destination, int64_t id,
                        char text[CURSOR_TEXT])
{
    uint8_t hash[32];
    char what[128], seal[2 * SEAL_BYTES + 1];
    snprintf(what, sizeof what, "%s/%s/%" PRId64, context->options.city_code, destination, id);
    city_key_hash(context->options.city_key, "cursor", bytes_of_text(what), hash);
    if (id == 0)
        snprintf(text, CURSOR_TEXT, "0");
    else
        snprintf(text, CURSOR_TEXT, "%" PRId64 "-%s", id, hex_encode(hash, SEAL_BYTES, seal));
    return text;
}

static bool is_of(const struct routing_context *context, const char *destination, const char *text,
                  int64_t *ret_id)
{
    int64_t id;
    char digits[CURSOR_TEXT], expected[CURSOR_TEXT];
    size_t length = strlen(text);
    if (length >= CURSOR_TEXT)
        return false;
    snprintf(digits, sizeof digits, "%.*s", (int)strcspn(text, "-"), text);
    if (!number_parse(digits, 0, INT64_MAX, &id))
        return false;
    cursor_text(context, destination, id, expected);
    if (strlen(expected) != length || CRYPTO_memcmp(expected, text, length) != 0)
        return false;
    *ret_id = id;
    return true;
}

static bool is_of_another(const struct routing_context *context, const char *text)
{
    int64_t id;
    const struct config_group *group = NULL;
    while ((group = config_next(context->options.config, "destination", group)))
        if (is_of(context, config_name(group), text, &id))
            return true;
    return false;
}

bool cursor_read(const struct routing_context *context, struct http_request *request,
                 const char *destination, int64_t *ret_id)
{
    const char *text = http_request_query(request, "after");
    if (!text) {
        *ret_id = 0;
        return true;
    }
    if (is_of(context, destination, text, ret_id))
        return true;
    routing_refuse(context, request,
                   is_of_another(context, text) ? "cursor-foreign" : "cursor-invalid", 400, "E0002",
                   "after must be 0, or what a list of yours gave as next.");
    return false;
}
