#include "intake/commands/signature_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "intake/revocation.h"
#include "signature/pem_stream.h"

#define FILE_MOST  ((size_t)256 << 20)
#define WHOLE_NAME "document"
#define DSIG_NS    "http://www.w3.org/2000/09/xmldsig#"

static bool contents_read(const struct signature_paths *paths, struct signature_files *files,
                          struct failure *f)
{
    const struct option_list *list = &paths->contents;
    for (size_t i = 0; i < list->count; i++) {
        const char *split = strchr(list->items[i], '=');
        files->names[i] = text_copy_n(list->items[i], (size_t)(split - list->items[i]));
        if (!revocation_file_read(split + 1, FILE_MOST, &files->contents[i], f))
            return false;
        files->signables[i] =
            (struct signable){files->names[i], buffer_bytes(&files->contents[i]), NULL};
    }
    return true;
}

/* PEM or DER. */
static bool certificate_load(const struct signature_paths *paths, struct signature_files *files,
                             struct failure *f)
{
    static const char begin[] = "-----BEGIN";
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct pem_stream pem = {.label = "CERTIFICATE"};
    if (!revocation_file_read(paths->certificate, FILE_MOST, &content, f))
        return false;
    if (content.length < sizeof begin || memcmp(content.data, begin, sizeof begin - 1) != 0)
        buffer_append(&files->certificate, content.data, content.length);
    else if (!pem_stream_feed(&pem, buffer_bytes(&content), &files->certificate) ||
             !pem_stream_end(&pem))
        return failure_set(f, FAILURE_INPUT, "%s is not one certificate in PEM",
                           paths->certificate);
    return true;
}

/* An XML file whose root is no ds:Signature is a document with its signature within. */
static bool is_enveloped(const struct signature_files *files)
{
    struct checks *trial = checks_new();
    _cleanup_(cleanup_xml_doc) xmlDoc *document =
        xml_parse(buffer_bytes(&files->signature), &files->limits, "signature.form", trial);
    checks_free(trial);
    return document && !xml_is(xmlDocGetRootElement(document), DSIG_NS, "Signature");
}

static void input_make(const struct signature_paths *paths, struct signature_files *files)
{
    size_t count = paths->contents.count;
    struct bytes signature = buffer_bytes(&files->signature);
    bool xml = strcmp(paths->container->name, "xmldsig") == 0;
    files->input = (struct signature_input){
        .signables = files->signables,
        .signable_count = count,
        .xml_limits = &files->limits,
        .applied_at = paths->at,
        .certificate = buffer_bytes(&files->certificate),
    };
    if (xml && is_enveloped(files)) {
        files->signables[count] = (struct signable){WHOLE_NAME, signature, NULL};
        files->input.signable_count++;
        files->input.enveloped = WHOLE_NAME;
        return;
    }
    files->file_name = text_format("signature/%s.p7s", count ? files->names[0] : "");
    files->file = (struct signable){files->file_name, signature, NULL};
    files->input.signatures = &files->file;
    files->input.signature_count = 1;
}

bool signature_files_read(const struct signature_paths *paths, struct signature_files *files,
                          struct failure *f)
{
    files->limits = XML_LIMITS_DEFAULT;
    if (!revocation_file_read(paths->signature, FILE_MOST, &files->signature, f) ||
        !contents_read(paths, files, f) ||
        (paths->certificate && !certificate_load(paths, files, f)))
        return false;
    input_make(paths, files);
    return true;
}

void signature_files_free(struct signature_files *files)
{
    for (size_t i = 0; i < SIGNATURE_CONTENTS_MOST; i++) {
        buffer_erase_free(&files->contents[i]);
        free(files->names[i]);
    }
    buffer_erase_free(&files->signature);
    buffer_free(&files->certificate);
    free(files->file_name);
}
