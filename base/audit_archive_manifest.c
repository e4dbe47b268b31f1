/* The manifest of a month: what its files hold, and where they stand in the chains; signed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"
#include "base/text.h"

#define RANGE_MEMBERS    8
#define MANIFEST_MEMBERS 5

void audit_month_free(struct audit_month *month)
{
    free(TAKE(month->text));
}

bool audit_month_valid(const char *month)
{
    char day[DAY_TEXT];
    struct day first;
    if (strlen(month) != AUDIT_MONTH - 1)
        return false;
    snprintf(day, sizeof day, "%s-01", month);
    return day_parse(day, &first);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static json_t *range_json(const struct audit_range *r)
{
    char previous[65], hash[65], sha[65];
    hex_encode(r->previous, AUDIT_HASH, previous);
    hex_encode(r->hash, AUDIT_HASH, hash);
    hex_encode(r->sha256, sizeof r->sha256, sha);
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:s}", "chain", r->chain, "first",
                     (json_int_t)r->first, "last", (json_int_t)r->last, "count",
                     (json_int_t)(r->last - r->first + 1), "previous", previous, "hash", hash,
                     "size", (json_int_t)r->size, "sha256", sha);
}

bool audit_month_sign(struct audit_month *month, const char *city_code, EVP_PKEY *key,
                      const char *key_id, struct failure *f)
{
    json_t *chains = json_array();
    for (size_t i = 0; i < month->count; i++)
        json_array_append_new(chains, range_json(&month->range[i]));
    _cleanup_(cleanup_json) json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "city", city_code, "month", month->month, "before",
                  month->before, "key", key_id, "chains", chains);
    _cleanup_(cleanup_text) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!text)
        return failure_set(f, FAILURE_SYSTEM, "the manifest cannot be written as JSON");
    if (!audit_sign(key, text, month->signature, f))
        return false;
    snprintf(month->key_id, sizeof month->key_id, "%s", key_id);
    sha256_hex(bytes_of_text(text), month->text_hash);
    month->text = TAKE(text);
    return true;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool chain_name(const char *name)
{
    size_t length = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") : 0;
    return length && !name[length] && length < AUDIT_CHAIN;
}

static bool hash_member(const json_t *json, const char *name, uint8_t ret_hash[32])
{
    const char *hex = json_string_value(json_object_get(json, name));
    return hex && strlen(hex) == 64 && hex_decode(hex, ret_hash, 32);
}

static bool range_read(const json_t *json, struct audit_range *ret)
{
    const char *chain = json_string_value(json_object_get(json, "chain"));
    ret->first = json_integer_value(json_object_get(json, "first"));
    ret->last = json_integer_value(json_object_get(json, "last"));
    ret->size = json_integer_value(json_object_get(json, "size"));
    int64_t count = json_integer_value(json_object_get(json, "count"));
    if (!chain_name(chain) || ret->first < 1 || ret->last < ret->first || ret->size < 1 ||
        count < 1 || ret->last - ret->first != count - 1)
        return false;
    snprintf(ret->chain, sizeof ret->chain, "%s", chain);
    return hash_member(json, "previous", ret->previous) && hash_member(json, "hash", ret->hash) &&
           hash_member(json, "sha256", ret->sha256) && json_object_size(json) == RANGE_MEMBERS;
}

static bool ranges_read(const json_t *chains, struct audit_month *ret)
{
    size_t count = json_array_size(chains);
    if (count == 0 || count > AUDIT_CHAINS_MOST)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!range_read(json_array_get(chains, i), &ret->range[i]) ||
            (i && strcmp(ret->range[i - 1].chain, ret->range[i].chain) >= 0))
            return false;
    ret->count = count;
    return true;
}

const char *audit_month_parse(const char *text, struct audit_month *ret_month)
{
    _cleanup_(cleanup_json) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *month = json_string_value(json_object_get(json, "month"));
    const char *before = json_string_value(json_object_get(json, "before"));
    const char *key = json_string_value(json_object_get(json, "key"));
    uint8_t hash[32];
    struct audit_month read = {0};
    if (!month || !audit_month_valid(month) || !before || !key || strlen(key) != 64 ||
        (*before && (strlen(before) != 64 || !hex_decode(before, hash, 32))) ||
        !json_is_string(json_object_get(json, "city")) ||
        !ranges_read(json_object_get(json, "chains"), &read) ||
        json_object_size(json) != MANIFEST_MEMBERS)
        return "the manifest is signed, but is none";
    snprintf(read.month, sizeof read.month, "%s", month);
    snprintf(read.before, sizeof read.before, "%s", before);
    snprintf(read.key_id, sizeof read.key_id, "%s", key);
    *ret_month = read;
    return NULL;
}

static bool signed_by_one_of(const struct audit_keys *keys, const char *text,
                             struct bytes signature)
{
    for (size_t i = 0; i < keys->count; i++)
        if (audit_signature_good(keys, keys->id[i], text, signature))
            return true;
    return false;
}

const char *audit_month_read(const struct audit_keys *keys, const char *text,
                             struct bytes signature, struct audit_month *ret_month)
{
    if (signature.length != AUDIT_SIGNATURE || !signed_by_one_of(keys, text, signature))
        return "the manifest's signature is wrong, or by a key that [audit] public-key does not "
               "name";
    const char *wrong = audit_month_parse(text, ret_month);
    if (wrong)
        return wrong;
    memcpy(ret_month->signature, signature.data, AUDIT_SIGNATURE);
    sha256_hex(bytes_of_text(text), ret_month->text_hash);
    ret_month->text = text_copy(text);
    return NULL;
}
