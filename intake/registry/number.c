#include "intake/registry/number.h"

void registry_number_hash(const struct city_key *city_key, const char *kojinbango,
                          uint8_t ret_hash[NUMBER_HASH_BYTES])
{
    city_key_hash(city_key, "kojinbango", bytes_of_text(kojinbango), ret_hash);
}
