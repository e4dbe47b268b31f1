#include "intake/ocsp_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct place {
    uint8_t key[32]; /* SHA-256 of the certID: issuer and serial number */
    struct buffer response;
    uint8_t nonce[OCSP_NONCE_BYTES];
    size_t nonce_length;
    struct ocsp_span span;
};

struct ocsp_cache {
    struct place places[OCSP_CACHE_PLACES];
};

struct ocsp_cache *ocsp_cache_new(void)
{
    return memory_allocate(sizeof(struct ocsp_cache));
}

void ocsp_cache_free(struct ocsp_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < OCSP_CACHE_PLACES; i++)
        buffer_free(&cache->places[i].response);
    free(cache);
}

static size_t place_of(struct bytes certid, uint8_t ret_key[32])
{
    uint32_t number;
    sha256(certid, ret_key);
    memcpy(&number, ret_key, sizeof number);
    return number % OCSP_CACHE_PLACES;
}

void ocsp_cache_put(struct ocsp_cache *cache, struct bytes certid, struct bytes response,
                    struct bytes nonce, struct ocsp_span span)
{
    uint8_t key[32];
    struct place *place = &cache->places[place_of(certid, key)];
    if (response.length > OCSP_CACHE_RESPONSE_MAX || nonce.length > sizeof place->nonce)
        return;
    memcpy(place->key, key, sizeof key);
    buffer_clear(&place->response);
    buffer_append(&place->response, response.data, response.length);
    if (nonce.length)
        memcpy(place->nonce, nonce.data, nonce.length);
    place->nonce_length = nonce.length;
    place->span = span;
}

bool ocsp_cache_find(const struct ocsp_cache *cache, struct bytes certid, instant applied_at,
                     instant now, instant age_most, struct bytes *ret_response,
                     struct bytes *ret_nonce)
{
    uint8_t key[32];
    const struct place *place = &cache->places[place_of(certid, key)];
    if (place->response.length == 0 || memcmp(place->key, key, sizeof key) != 0 ||
        place->span.this_update <= applied_at || place->span.next_update < now ||
        now - place->span.this_update > age_most)
        return false;
    *ret_response = buffer_bytes(&place->response);
    *ret_nonce = bytes_of(place->nonce, place->nonce_length);
    return true;
}
