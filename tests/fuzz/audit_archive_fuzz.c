/* The archive of the audit trail: after 'm' a manifest's text, after 'f' a file, after 'e' what
 * stands in a file that is sealed rightly (as by somebody who has the city's key). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/audit_archive_internal.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

#define CONTEXT "992011/2025-03/console"

static struct city_key *key;

static void key_make(void)
{
    char folder[] = "/tmp/uketsuke-fuzz-XXXXXX", path[64];
    struct failure f = {0};
    if (key || !mkdtemp(folder))
        return;
    snprintf(path, sizeof path, "%s/city.key", folder);
    if (!city_key_create(path, &f) || !city_key_load(path, &key, &f))
        abort();
    unlink(path);
    rmdir(folder);
}

static void manifest(const uint8_t *data, size_t size)
{
    char *text = text_copy_n((const char *)data, size);
    static struct audit_month month;
    if (!audit_month_parse(text, &month)) {
        if (!month.count || month.count > AUDIT_CHAINS_MOST || !audit_month_valid(month.month))
            abort();
        for (size_t i = 0; i < month.count; i++)
            if (month.range[i].first < 1 || month.range[i].last < month.range[i].first ||
                strchr(month.range[i].chain, '/'))
                abort();
    }
    free(text);
}

static void entry(const struct audit_seen *seen, void *context)
{
    size_t *count = context;
    if (seen->position < 1 || !seen->entry.action || !seen->entry.actor ||
        seen->hash.length != AUDIT_HASH)
        abort();
    ++*count;
}

static const char *file(FILE *in, size_t *count)
{
    int64_t size;
    uint8_t sha[32];
    const char *damage = NULL;
    struct failure f = {0};
    if (!audit_read(in, key, CONTEXT, entry, count, &size, sha, &damage, &f))
        abort();
    return damage;
}

/* One chunk of these bytes, and the end. */
static void sealed(const uint8_t *data, size_t size)
{
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key own;
    struct failure f = {0};
    struct buffer all = {0}, chunk = {0};
    size_t count = 0;
    if (!application_key_make(key, CONTEXT, &own, wrapped, &f) ||
        !seal(&own, "trail", CONTEXT "/0", bytes_of(data, size), &chunk, &f))
        abort();
    buffer_append_text(&all, "uketsuke-trail 1\n");
    buffer_append(&all, wrapped, sizeof wrapped);
    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_append(&all, &(uint8_t){(uint8_t)(chunk.length >> shift)}, 1);
    buffer_append(&all, chunk.data, chunk.length);
    FILE *in = fmemopen(all.data, all.length, "r");
    const char *damage = file(in, &count);
    if (!damage && !(size == 1 && *data == 'z'))
        abort();
    fclose(in);
    buffer_free(&chunk);
    buffer_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    key_make();
    if (size < 2)
        return 0;
    if (data[0] == 'm')
        manifest(data + 1, size - 1);
    if (data[0] == 'e')
        sealed(data + 1, size - 1);
    if (data[0] == 'f') {
        FILE *in = fmemopen((void *)(data + 1), size - 1, "r");
        if (!file(in, &count) || count)
            abort(); /* nobody guesses the city's key */
        fclose(in);
    }
    return 0;
}
