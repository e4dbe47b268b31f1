/* Folding of names and addresses: any bytes; behind a first NUL, marks of substituted characters.
 * What is folded must not fold further. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/identify/fold.h"
#include "tests/fuzz/fuzz.h"

static void must(bool good)
{
    if (!good)
        abort();
}

static void look_at(const char *text, const struct folded *folded)
{
    must(folded->length <= FOLDED_MOST);
    for (size_t i = 0; i < folded->length; i++)
        must(folded->at[i].from < utf8_length(text));
}

static void fold_with_marks(const char *text, const char *marks)
{
    struct folded name;
    struct folded_address address;
    if (fold_name(text, marks, &name))
        look_at(text, &name);
    if (!fold_address(text, marks, &address))
        return;
    look_at(text, &address.text);
    must(address.prefecture <= address.body && address.body <= address.text.length);
}

/* Of what came out longer than what is folded at all, nothing is known: one character may fold to
 * eighteen (U+FDFA), names have at most 100 (reference §3.6). */
static void key_twice(void (*key)(const char *, char *), const char *text)
{
    char once[FOLD_KEY], twice[FOLD_KEY];
    key(text, once);
    key(once, twice);
    must(!strcmp(once, twice) || utf8_length(once) > FOLD_SOURCE_MOST);
}

static void fold_twice(const char *text)
{
    char once[FOLD_KEY], twice[FOLD_KEY];
    struct folded_address address;
    key_twice(fold_name_key, text);
    key_twice(fold_kana_key, text);
    const struct address_parts parts = {"", text, "", "", text};
    fold_address_key(&parts, once);
    /* What comes near the limits is cut off, and need not be cut in the same place again: addresses
     * have at most 470 characters (reference §3.6). */
    if (!fold_address(text, "", &address) || address.text.length > 500)
        return;
    folded_key(address.text.at, address.text.length, once);
    must(fold_address(once, "", &address));
    folded_key(address.text.at, address.text.length, twice);
    must(!strcmp(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_text) char *text = text_copy_n((const char *)data, size);
    size_t length = strlen(text);
    fold_with_marks(text, length < size ? text + length + 1 : "");
    fold_twice(text);
    return 0;
}
