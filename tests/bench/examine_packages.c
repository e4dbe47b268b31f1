/* Packages of a size, of the sandbox's make: FOLDER/attachment.zip has an attachment of 1 MB (as
 * hard to deflate as a photograph), FOLDER/form.zip a form of 100 KB, in which elements `remark`
 * follow those of the procedure.
 *
 *   examine_packages JPKI FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/town.h"
#include "deploy/sandbox/x509_make.h"

#define ATTACHMENT_BYTES (1 << 20)
#define REMARKS          600

static void attachment_prepare(struct draft *draft)
{
    struct buffer bytes = {0};
    buffer_append_text(&bytes, "%PDF-1.7\n");
    while (bytes.length < ATTACHMENT_BYTES) {
        uint64_t noise = dice_roll(&draft->dice);
        buffer_append(&bytes, &noise, sizeof noise);
    }
    size_t table = bytes.length;
    buffer_format(&bytes, "xref\nstartxref\n%zu\n%%%%EOF\n", table);
    parcel_add(&draft->parcel, "attachments/1.pdf", &bytes);
}

static void form_prepare(struct draft *draft)
{
    struct buffer extra = {0};
    for (int i = 0; i < REMARKS; i++)
        buffer_format(&extra,
                      "  <remark>\n    <number>%d</number>\n    <date>2026-11-%02d</date>\n"
                      "    <text>桜野市に住んでいます。こどもは%d人です。</text>\n  </remark>\n",
                      i, i % 28 + 1, i % 9);
    draft->owned = text_copy(buffer_text(&extra));
    buffer_free(&extra);
    draft->form.extra = draft->owned;
}

static bool package_write(struct town *town, const struct kind *kind, const char *folder,
                          struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s.zip", folder, kind->name);
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    struct draft draft;
    bool made = draft_make(town, kind, 0, town->now - 600 * INSTANT_SECOND, &draft, &zip, f);
    draft_clear(&draft);
    _cleanup_(cleanup_file) FILE *file = made ? fopen(path, "we") : NULL;
    if (!made)
        return false;
    return (file && fwrite(zip.data, 1, zip.length, file) == zip.length && fflush(file) == 0) ||
           failure_errno(f, "%s cannot be written", path);
}

int main(int argc, char **argv)
{
    static const struct kind kinds[] = {{.name = "attachment", .prepare = attachment_prepare},
                                        {.name = "form", .prepare = form_prepare}};
    struct failure f = {0};
    if (argc != 3) {
        fputs("examine_packages: see tests/bench/run examine\n", stderr);
        return 64;
    }
    EVP_PKEY *key = key_make_rsa(&f);
    struct town town = {.seed = 5,
                        .now = clock_now(),
                        .city = jpki_partition_find("sakurano"),
                        .prefix = "bench-",
                        .keys = &key,
                        .key_count = 1};
    bool done = key && town.city && jpki_open(argv[1], true, &town.jpki, &f);
    for (size_t i = 0; done && i < sizeof kinds / sizeof *kinds; i++)
        done = package_write(&town, &kinds[i], argv[2], &f);
    if (!done)
        fprintf(stderr, "examine_packages: %s\n", f.text);
    jpki_close(town.jpki);
    EVP_PKEY_free(key);
    return done ? 0 : 3;
}
