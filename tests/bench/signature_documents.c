/* Documents with an enveloped signature (RSA-2048 with SHA-256, exclusive C14N), for
 * tests/bench/signature.py: forms with as many remarks as it takes to reach each size.
 *
 *   signature_documents FOLDER BYTES…     writes FOLDER/BYTES.xml …, and FOLDER/signer.der */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "tests/support/dsig.h"
#include "tests/support/pki.h"

#define SIGNATURE_NEAR 2900 /* bytes of the signature itself */

static void write_file(const char *folder, const char *name, struct bytes bytes)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    if (!file || fwrite(bytes.data, 1, bytes.length, file) != bytes.length || fflush(file) != 0) {
        perror(path);
        exit(3);
    }
}

static void append_form(struct buffer *document, size_t length)
{
    buffer_append_text(document, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                 "<application xmlns=\"urn:uketsuke:form:bench:1\">\n");
    for (int i = 1; document->length + SIGNATURE_NEAR < length; i++)
        buffer_format(document,
                      "  <remark kind=\"%s\" number=\"%d\">\n    <date>2026-%02d-%02d</date>\n"
                      "    <text>前住所での手続は済んでおります &amp; 添付のとおり</text>\n"
                      "  </remark>\n",
                      i % 3 ? "note" : "change", i, i % 12 + 1, i % 28 + 1);
    buffer_append_text(document, "</application>\n");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("signature_documents: see tests/bench/run signature\n", stderr);
        return 64;
    }
    xml_initialize();
    struct pki_ca ca = pki_ca_make((struct pki_ca_options){0});
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(x509, &der);
    write_file(argv[1], "signer.der", buffer_bytes(&der));
    for (int i = 2; i < argc; i++) {
        _cleanup_(cleanup_buffer) struct buffer document = {0}, is_signed = {0};
        _cleanup_(cleanup_text) char *name = text_format("%s.xml", argv[i]);
        struct dsig dsig = {.key = pki_key(PKI_RSA_2048, 1), .certificate = x509};
        dsig.references[0] =
            (struct dsig_reference){.uri = "",
                                    .transforms = "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)
                                        DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>"};
        append_form(&document, strtoul(argv[i], NULL, 10));
        dsig_enveloped(&dsig, buffer_text(&document), &is_signed);
        write_file(argv[1], name, buffer_bytes(&is_signed));
    }
    pki_ca_free(&ca);
    return 0;
}
