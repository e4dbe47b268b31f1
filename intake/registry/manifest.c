#include "intake/registry/manifest.h"

#include <jansson.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"

#define FORMAT "uketsuke-registry-1"
#define SEQUENCE_MOST                                                                              \
    INT64_C(999999999999) /* beyond is no counter, and nothing would follow it                     \
                           */

static bool wrong(struct failure *f, const char *member, const char *what)
{
    return failure_set(f, FAILURE_INPUT, "manifest, %s: %s", member, what);
}

static bool members_known(const json_t *root, struct failure *f)
{
    static const char *const known[] = {"format",  "city_code", "kind",  "load",
                                        "source",  "sequence",  "as_of", "encoding",
                                        "serials", "file",      "rows",  "sha256"};
    const char *name;
    const json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)root, name, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= !strcmp(known[i], name);
        if (!found)
            return failure_set(f, FAILURE_INPUT, "manifest: has a member that is not known");
    }
    return true;
}

/* A text member; `initial` when it is left out, NULL: it must be there. */
static bool text_read(const json_t *root, const char *member, const char *initial,
                      const char **ret_text, struct failure *f)
{
    const json_t *value = json_object_get(root, member);
    if (!value && initial) {
        *ret_text = initial;
        return true;
    }
    if (!json_is_string(value))
        return wrong(f, member, value ? "must be a text" : "is missing");
    *ret_text = json_string_value(value);
    return true;
}

/* 0 or 1: which of the two words it is. */
static bool choice_read(const json_t *root, const char *member, const char *initial,
                        const char *const words[2], int *ret_choice, struct failure *f)
{
    const char *text;
    if (!text_read(root, member, initial, &text, f))
        return false;
    if (strcmp(text, words[0]) && strcmp(text, words[1]))
        return failure_set(f, FAILURE_INPUT, "manifest, %s: must be %s or %s", member, words[0],
                           words[1]);
    *ret_choice = !strcmp(text, words[1]);
    return true;
}

static bool number_read(const json_t *root, const char *member, int64_t least, int64_t most,
                        int64_t *ret_number, struct failure *f)
{
    const json_t *value = json_object_get(root, member);
    if (!json_is_integer(value))
        return wrong(f, member, value ? "must be a whole number" : "is missing");
    *ret_number = json_integer_value(value);
    return (*ret_number >= least && *ret_number <= most) || wrong(f, member, "is out of range");
}

static bool name_valid(const char *text, size_t most, const char *characters)
{
    size_t length = strlen(text);
    return length > 0 && length <= most && strspn(text, characters) == length;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789-"

static bool words_read(const json_t *root, struct feed_manifest *manifest, struct failure *f)
{
    static const char *const kinds[] = {"links", "residents"};
    static const char *const loads[] = {"differential", "full"};
    static const char *const encodings[] = {"utf-8", "cp932"};
    static const char *const bases[] = {"hex", "decimal"};
    int kind, load, encoding, base;
    if (!choice_read(root, "kind", NULL, kinds, &kind, f) ||
        !choice_read(root, "load", NULL, loads, &load, f) ||
        !choice_read(root, "encoding", NULL, encodings, &encoding, f) ||
        !choice_read(root, "serials", "hex", bases, &base, f))
        return false;
    manifest->feed.kind = (enum feed_kind)kind;
    manifest->feed.full = load;
    manifest->feed.encoding = (enum feed_encoding)encoding;
    manifest->feed.decimal_serials = base;
    return true;
}

static bool names_read(const json_t *root, struct feed_manifest *manifest, struct failure *f)
{
    const char *format, *city, *source, *file, *as_of, *sha256;
    if (!text_read(root, "format", NULL, &format, f) ||
        !text_read(root, "city_code", NULL, &city, f) ||
        !text_read(root, "source", "juki", &source, f) ||
        !text_read(root, "file", NULL, &file, f) || !text_read(root, "as_of", NULL, &as_of, f) ||
        !text_read(root, "sha256", NULL, &sha256, f))
        return false;
    if (strcmp(format, FORMAT))
        return wrong(f, "format", "must be " FORMAT);
    if (!dantai_code_valid(city))
        return wrong(f, "city_code", "is no 団体コード");
    if (!name_valid(source, FEED_SOURCE - 1, LOWER))
        return wrong(f, "source", "must be 1 to 20 of a-z, 0-9 and -");
    if (*file == '.' || !name_valid(file, FEED_FILE - 1, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"))
        return wrong(f, "file",
                     "must be the name of a file beside the manifest, of letters, "
                     "digits and . _ -");
    if (!instant_parse(as_of, &manifest->feed.as_of))
        return wrong(f, "as_of", "must be a time as 2026-11-21T03:00:00+09:00");
    if (strlen(sha256) != 64 || !hex_decode(sha256, manifest->feed.sha256, 32))
        return wrong(f, "sha256", "must be 64 hexadecimal digits");
    memcpy(manifest->city_code, city, sizeof manifest->city_code);
    memcpy(manifest->feed.source, source, strlen(source) + 1);
    memcpy(manifest->file, file, strlen(file) + 1);
    return true;
}

bool feed_manifest_parse(struct bytes text, struct feed_manifest *ret_manifest, struct failure *f)
{
    json_error_t why; /* its text may quote: only line and kind are told */
    struct feed_manifest manifest = {.feed.promised = true};
    if (text.length > FEED_MANIFEST_MOST)
        return failure_set(f, FAILURE_LIMIT, "manifest: is longer than 64 KiB");
    _cleanup_(cleanup_json) json_t *root =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &why);
    if (!root && json_error_code(&why) == json_error_duplicate_key)
        return failure_set(f, FAILURE_INPUT, "manifest, line %d: a member stands there twice",
                           why.line);
    if (!root && json_error_code(&why) == json_error_numeric_overflow)
        return failure_set(f, FAILURE_INPUT, "manifest, line %d: a number is out of range",
                           why.line);
    if (!json_is_object(root))
        return failure_set(f, FAILURE_INPUT, "manifest: is not one JSON object in UTF-8");
    if (!members_known(root, f) || !names_read(root, &manifest, f) ||
        !words_read(root, &manifest, f) ||
        !number_read(root, "sequence", 1, SEQUENCE_MOST, &manifest.feed.sequence, f) ||
        !number_read(root, "rows", 0, FEED_ROWS_MOST, &manifest.feed.rows, f))
        return false;
    *ret_manifest = manifest;
    return true;
}
