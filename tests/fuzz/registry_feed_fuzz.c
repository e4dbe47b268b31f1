/* Any bytes as a registry feed: the first byte says which kind and encoding, or that it is a
 * manifest. What is taken is what COPY may be given, and every fault is short and has a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"
#include "intake/registry/feed.h"
#include "intake/registry/manifest.h"
#include "intake/registry/stream.h"
#include "tests/fuzz/fuzz.h"

#define MANIFEST 'm'

static const struct city_key *city_key(void)
{
    static struct city_key *key;
    char folder[] = "/tmp/uketsuke-fuzz.XXXXXX", path[64];
    if (key)
        return key;
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/city.key", folder);
    if (!city_key_create(path, NULL) || !city_key_load(path, &key, NULL))
        abort();
    remove(path);
    remove(folder);
    return key;
}

static void manifest(struct bytes text)
{
    struct feed_manifest found;
    struct failure f = {0};
    if (!feed_manifest_parse(text, &found, &f)) {
        if (f.kind != FAILURE_INPUT && f.kind != FAILURE_LIMIT)
            abort();
        return;
    }
    if (found.feed.sequence < 1 || found.feed.rows < 0 || strchr(found.file, '/') ||
        *found.file == '.')
        abort();
}

static void fields_check(const char *const *fields, size_t count)
{
    if (count == 0 || count > FEED_FIELDS_MOST)
        abort();
    for (size_t i = 0; i < count; i++)
        if (fields[i] && !utf8_valid(bytes_of_text(fields[i])))
            abort();
}

static void rows_read(struct csv_reader *reader, struct feed_row *row, enum feed_kind kind,
                      struct feed_faults *faults)
{
    static struct csv_record record;
    struct feed_header header;
    struct failure f = {0};
    const char *const *fields;
    size_t items, count;
    bool end = false;
    const struct feed_item *table = feed_items(kind, &items);
    if (!csv_next(reader, &record, &end, &f) || end ||
        !feed_header_read(table, items, &record, &header, faults))
        return;
    while (csv_next(reader, &record, &end, &f) && !end) {
        int64_t before = faults->count;
        if (feed_row_read(row, &header, &record, &fields, &count, faults, &f))
            fields_check(fields, count);
        else if (faults->count == before)
            abort();
    }
}

static void feed_read(const struct feed *feed, const uint8_t *data, size_t size)
{
    static const struct application_key number_key;
    const struct feed_sealing sealing = {"992011", city_key(), &number_key, true};
    struct feed_faults faults = {0};
    struct feed_stream *stream;
    FILE *in = fmemopen((void *)data, size, "r");
    if (!in || !feed_stream_open(in, feed->encoding, &stream, NULL))
        abort();
    struct csv_reader *reader = csv_open(feed_stream_file(stream));
    struct feed_row *row = feed_row_make(feed, &sealing);
    rows_read(reader, row, feed->kind, &faults);
    for (size_t i = 0; i < faults.kept_count; i++)
        if (faults.kept[i].line < 1)
            abort();
    feed_row_free(row);
    csv_close(reader);
    feed_stream_close(stream);
    fclose(in);
    feed_faults_free(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) /* fmemopen refuses nothing at all */
        return 0;
    const struct feed feed = {
        .kind = data[0] & 1 ? FEED_RESIDENTS : FEED_LINKS,
        .encoding = data[0] & 2 ? FEED_CP932 : FEED_UTF8,
        .decimal_serials = data[0] & 4,
        .full = data[0] & 8,
    };
    if (data[0] == MANIFEST)
        manifest(bytes_of(data + 1, size - 1));
    else
        feed_read(&feed, data + 1, size - 1);
    return 0;
}
