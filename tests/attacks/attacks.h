/* Makes the corpus of attacks (tests/data/attacks): files, and a table that says of each how to try
 * it and for which reason it must be refused. tests/unit/attacks_test.py tries them all. */
#ifndef UKETSUKE_TESTS_ATTACKS_ATTACKS_H
#define UKETSUKE_TESTS_ATTACKS_ATTACKS_H

#include <stdio.h>

#include "base/bytes.h"
#include "tests/support/pki.h"

struct corpus {
    const char *folder;
    FILE *table;               /* attacks.tsv */
    struct pki_ca ca, next_ca; /* two generations of one name; `next_ca` is not pinned */
};

struct attack {
    const char *name;      /* of its folder */
    int exit;              /* 0 for the honest one that it bends, 1 refused, 2 cannot be told */
    const char *reason;    /* "" for 0 */
    const char *arguments; /* of uketsuke; "{}" is the attack's folder, "{0}" the corpus's */
    const char *what;
};

/* A row of the table. */
void attack_add(struct corpus *corpus, const struct attack *attack);
/* <folder>/<attack>/<file>; "" as attack: for all. */
void attack_file(const struct corpus *corpus, const char *attack, const char *file,
                 struct bytes content);

void make_xml_attacks(struct corpus *corpus);
void make_wrapping_attacks(struct corpus *corpus);
void make_padding_attacks(struct corpus *corpus);
void make_cms_attacks(struct corpus *corpus);
void make_raw_attacks(struct corpus *corpus);

/* The `i`th way to pad badly: from an honest value (RSA of 2048 bits with SHA-256) one by the same
 * key over a block that is padded so. Returns what it tries; NULL when there is no `i`th. */
#define PADDING_KEY_BYTES 256
const char *padding_forge(size_t i, EVP_PKEY *key, struct bytes honest, uint8_t *ret_value);
const char *padding_name(size_t i);
void make_certificate_attacks(struct corpus *corpus);
void make_revocation_attacks(struct corpus *corpus);

/* `text` with the first `from` replaced; dies when it is not there: an attack that does nothing is
 * none. */
void bend(struct buffer *text, const char *from, const char *to);

#endif
