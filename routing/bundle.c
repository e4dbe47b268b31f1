#include "routing/bundle.h"

#include <zip.h>

static bool zip_failed(zip_t *zip, struct failure *f)
{
    return failure_set(f, FAILURE_SYSTEM, "can't write a bundle: %s", zip_strerror(zip));
}

/* Times would make each bundle another one: all are the beginning of ZIP's time. */
static bool add(zip_t *zip, const char *name, struct bytes content, bool packed, struct failure *f)
{
    zip_source_t *source = zip_source_buffer(zip, content.data, content.length, 0);
    zip_int64_t index = source ? zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
        zip_source_free(source);
        return zip_failed(zip, f);
    }
    if (zip_set_file_compression(zip, (zip_uint64_t)index, packed ? ZIP_CM_STORE : ZIP_CM_DEFLATE,
                                 0) != 0 ||
        zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 0x0021, 0) != 0)
        return zip_failed(zip, f);
    return true;
}

static bool add_all(zip_t *zip, const struct bundle *bundle, struct failure *f)
{
    return add(zip, "item.json", bundle->item, false, f) &&
           add(zip, "report.json", bundle->report, false, f) &&
           add(zip, "package.zip", bundle->package, true, f);
}

static bool read_back(zip_source_t *out, struct buffer *ret_zip, struct failure *f)
{
    zip_stat_t stat;
    if (zip_source_stat(out, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE) ||
        zip_source_open(out) != 0)
        return failure_set(f, FAILURE_SYSTEM, "can't read a bundle back");
    uint8_t *room = buffer_reserve(ret_zip, stat.size);
    zip_int64_t read = zip_source_read(out, room, stat.size);
    zip_source_close(out);
    if (read < 0 || (zip_uint64_t)read != stat.size)
        return failure_set(f, FAILURE_SYSTEM, "can't read a bundle back");
    buffer_commit(ret_zip, (size_t)read);
    return true;
}

bool bundle_write(const struct bundle *bundle, struct buffer *ret_zip, struct failure *f)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *zip = out ? zip_open_from_source(out, ZIP_TRUNCATE, &error) : NULL;
    if (!zip) {
        zip_source_free(out);
        return failure_set(f, FAILURE_SYSTEM, "can't make a bundle: %s",
                           zip_error_strerror(&error));
    }
    zip_source_keep(out); /* closing gives our own reference back */
    bool done = add_all(zip, bundle, f);
    if (done && zip_close(zip) != 0)
        done = zip_failed(zip, f);
    if (!done)
        zip_discard(zip);
    done = done && read_back(out, ret_zip, f);
    zip_source_free(out);
    return done;
}
