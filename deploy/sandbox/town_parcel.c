#include "deploy/sandbox/town_parcel.h"

#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/cleanup.h"
#include "base/text.h"

struct parcel_member *parcel_add(struct parcel *parcel, const char *name, struct buffer *content)
{
    if (parcel->count == parcel->room) {
        parcel->room = parcel->room ? 2 * parcel->room : 8;
        parcel->members = memory_resize(parcel->members, parcel->room * sizeof *parcel->members);
    }
    struct parcel_member *member = &parcel->members[parcel->count++];
    *member = (struct parcel_member){.bytes = *content};
    snprintf(member->name, sizeof member->name, "%s", name);
    *content = (struct buffer){0};
    return member;
}

struct parcel_member *parcel_find(const struct parcel *parcel, const char *name)
{
    for (size_t i = 0; i < parcel->count; i++)
        if (strcmp(parcel->members[i].name, name) == 0)
            return &parcel->members[i];
    return NULL;
}

void parcel_clear(struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->count; i++)
        buffer_free(&parcel->members[i].bytes);
    free(parcel->members);
    *parcel = (struct parcel){0};
}

const char *applied_at_text(instant at, char text[INSTANT_TEXT])
{
    char whole[INSTANT_TEXT]; /* 2026-11-21T09:00:00.123456+09:00 */
    instant_text_jst(at, whole);
    snprintf(text, INSTANT_TEXT, "%.23s+09:00", whole);
    return text;
}

static void manifest_write(const struct parcel *parcel, struct buffer *xml)
{
    char at[INSTANT_TEXT], hash[65];
    bool corrects = parcel->corrects[0] != '\0';
    buffer_format(xml,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<manifest xmlns=\"urn:uketsuke:pittari-1:manifest\" version=\"1\"%s%s%s>\n"
                  "  <receipt-number>%s</receipt-number>\n  <city-code>%s</city-code>\n"
                  "  <procedure id=\"%s\" form-version=\"%s\"/>\n"
                  "  <applied-at>%s</applied-at>\n"
                  "  <applicant-role>%s</applicant-role>\n  <members>\n",
                  corrects ? " corrects=\"" : "", parcel->corrects, corrects ? "\"" : "",
                  parcel->receipt_number, parcel->city_code, parcel->procedure_id,
                  parcel->form_version, applied_at_text(parcel->applied_at, at),
                  parcel->by_agent ? "agent" : "self");
    for (size_t i = 0; i < parcel->count; i++) {
        const struct parcel_member *member = &parcel->members[i];
        if (member->unlisted)
            continue;
        sha256_hex(member->belied ? bytes_of_text(member->name) : buffer_bytes(&member->bytes),
                   hash);
        buffer_format(xml, "    <member name=\"%s\" size=\"%zu\" sha256=\"%s\"/>\n", member->name,
                      member->bytes.length, hash);
    }
    buffer_append_text(xml, "  </members>\n</manifest>\n");
}

static bool zip_failure(struct failure *f, zip_t *archive)
{
    return failure_set(f, FAILURE_SYSTEM, "a package could not be put together: %s",
                       zip_strerror(archive));
}

static bool zip_put(zip_t *archive, const char *name, struct bytes content, bool encrypted,
                    instant at, struct failure *f)
{
    zip_source_t *source = zip_source_buffer(archive, content.data, content.length, 0);
    zip_int64_t index = source ? zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
        zip_source_free(source);
        return zip_failure(f, archive);
    }
    zip_uint64_t place = (zip_uint64_t)index;
    if (zip_file_set_mtime(archive, place, (time_t)(at / INSTANT_SECOND), 0) != 0 ||
        (encrypted && zip_file_set_encryption(archive, place, ZIP_EM_AES_256, "sakura") != 0))
        return zip_failure(f, archive);
    return true;
}

static bool source_read(zip_source_t *source, struct buffer *ret_zip, struct failure *f)
{
    zip_stat_t stat;
    if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
        return failure_set(f, FAILURE_SYSTEM, "a package could not be read back");
    uint8_t *end = buffer_reserve(ret_zip, (size_t)stat.size);
    zip_int64_t length = zip_source_read(source, end, stat.size);
    zip_source_close(source);
    if (length != (zip_int64_t)stat.size)
        return failure_set(f, FAILURE_SYSTEM, "a package could not be read back whole");
    buffer_commit(ret_zip, (size_t)length);
    return true;
}

/* Runs `fill` on a new archive in memory. */
static bool zip_build(bool (*fill)(zip_t *archive, const void *what, struct failure *f),
                      const void *what, struct buffer *ret_zip, struct failure *f)
{
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *archive = source ? zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, NULL) : NULL;
    if (!archive) {
        zip_source_free(source);
        return failure_set(f, FAILURE_SYSTEM, "a package could not be begun");
    }
    zip_source_keep(source);
    bool done = fill(archive, what, f) && (zip_close(archive) == 0 || zip_failure(f, archive));
    if (!done)
        zip_discard(archive);
    done = done && source_read(source, ret_zip, f);
    zip_source_free(source);
    return done;
}

struct parcel_filling {
    const struct parcel *parcel;
    struct bytes manifest;
};

static bool parcel_fill(zip_t *archive, const void *what, struct failure *f)
{
    const struct parcel_filling *filling = what;
    const struct parcel *parcel = filling->parcel;
    if (!zip_put(archive, "manifest.xml", filling->manifest, false, parcel->applied_at, f))
        return false;
    for (size_t i = 0; i < parcel->count; i++) {
        const struct parcel_member *member = &parcel->members[i];
        if (!member->absent && !zip_put(archive, member->name, buffer_bytes(&member->bytes),
                                        member->encrypted, parcel->applied_at, f))
            return false;
    }
    return true;
}

bool parcel_zip(const struct parcel *parcel, struct buffer *ret_zip, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer manifest = {0};
    manifest_write(parcel, &manifest);
    struct parcel_filling filling = {parcel, buffer_bytes(&manifest)};
    return zip_build(parcel_fill, &filling, ret_zip, f);
}

struct single_filling {
    const char *name;
    struct bytes content;
};

static bool single_fill(zip_t *archive, const void *what, struct failure *f)
{
    const struct single_filling *filling = what;
    return zip_put(archive, filling->name, filling->content, false, 0, f);
}

bool zip_of(const char *name, struct bytes content, struct buffer *ret_zip, struct failure *f)
{
    struct single_filling filling = {name, content};
    return zip_build(single_fill, &filling, ret_zip, f);
}
