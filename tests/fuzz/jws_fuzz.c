/* Any text as a signed one: what is believed is an object, and was signed by who may. */
#include <stdlib.h>

#include "base/jws.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static json_t *key_set(void)
{
    static json_t *keys;
    if (!keys)
        keys = json_load_file(SOURCE_ROOT "/tests/data/jws/keys.json", 0, NULL);
    return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes secret = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32};
    bool unknown;
    char *text = text_copy_n((const char *)data, size);
    json_t *by_secret = jws_read(text, secret);
    json_t *by_key = jws_read_public(text, key_set(), &unknown);
    if ((by_secret && by_key) || (by_key && (unknown || !json_is_object(by_key))))
        abort();
    json_decref(by_secret);
    json_decref(by_key);
    free(text);
    return 0;
}
