/* attacks_make FOLDER: writes the corpus anew, with keys of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "tests/attacks/attacks.h"

static void die(const char *what)
{
    fprintf(stderr, "attacks_make: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void folder_make(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        die(path);
}

void attack_file(const struct corpus *corpus, const char *attack, const char *file,
                 struct bytes content)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/%s", corpus->folder, attack);
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, file);
    folder_make(folder);
    FILE *out = fopen(path, "we");
    if (!out || fwrite(content.data, 1, content.length, out) != content.length || fclose(out) != 0)
        die(path);
}

void attack_add(struct corpus *corpus, const struct attack *attack)
{
    fprintf(corpus->table, "%s\t%d\t%s\t%s\t%s\n", attack->name, attack->exit, attack->reason,
            attack->arguments, attack->what);
}

void bend(struct buffer *text, const char *from, const char *to)
{
    struct buffer bent = {0};
    const uint8_t *at = memmem(text->data, text->length, from, strlen(from));
    if (!at) {
        fprintf(stderr, "attacks_make: %s is not there\n", from);
        abort();
    }
    size_t before = (size_t)(at - text->data), behind = before + strlen(from);
    buffer_append(&bent, text->data, before);
    buffer_append_text(&bent, to);
    buffer_append(&bent, text->data + behind, text->length - behind);
    buffer_free(text);
    *text = bent;
}

static void anchors_write(const struct corpus *corpus)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(corpus->ca.certificate, &der);
    attack_file(corpus, "", "root.der", buffer_bytes(&der));
    attack_file(corpus, "", "attachment.pdf", bytes_of_text("%PDF-1.7 an attachment\n"));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: attacks_make FOLDER\n", stderr);
        return 64;
    }
    folder_make(argv[1]);
    struct corpus corpus = {
        .folder = argv[1],
        .ca = pki_ca_make((struct pki_ca_options){0}),
        .next_ca = pki_ca_make((struct pki_ca_options){.number = 1}),
    };
    _cleanup_(cleanup_text) char *table = text_format("%s/attacks.tsv", argv[1]);
    corpus.table = fopen(table, "we");
    if (!corpus.table)
        die(table);
    fputs("# name\texit\treason\targuments\twhat it tries\n", corpus.table);
    anchors_write(&corpus);
    make_xml_attacks(&corpus);
    make_wrapping_attacks(&corpus);
    make_padding_attacks(&corpus);
    make_cms_attacks(&corpus);
    make_raw_attacks(&corpus);
    make_certificate_attacks(&corpus);
    make_revocation_attacks(&corpus);
    pki_ca_free(&corpus.ca);
    pki_ca_free(&corpus.next_ca);
    return fclose(corpus.table) == 0 ? 0 : 1;
}
