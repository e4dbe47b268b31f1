/* A package's members and signatures in memory, signed in any of the ways there are. */
#ifndef UKETSUKE_TESTS_SUPPORT_SIGNED_H
#define UKETSUKE_TESTS_SUPPORT_SIGNED_H

#include "signature/signature.h"
#include "tests/support/dsig.h"

#define SIGNED_MEMBERS_MAX 3
#define SIGNED_FILES_MAX   2

struct signed_members {
    struct buffer members[SIGNED_MEMBERS_MAX]; /* application.xml, attachments/1.pdf */
    size_t member_count;
    struct buffer files[SIGNED_FILES_MAX]; /* signature/1.xml … */
    size_t file_count;
};

enum container { DETACHED_BYTES, DETACHED_TREE, ENVELOPED };

struct signing {
    enum container container;
    EVP_PKEY *key;
    X509 *certificate;
    const char *method, *digest, *prefix; /* NULL: as in struct dsig */
    bool inclusive;                       /* C14N of SignedInfo and of trees */
    const char *document;                 /* NULL: SIGNED_DOCUMENT */
    bool leave_attachment;                /* not covered */
};

/* With what C14N has to get right: namespaces, attributes out of order, comments, CDATA,
 * references, white space, Japanese. */
extern const char SIGNED_DOCUMENT[];

void sign_members(const struct signing *how, struct signed_members *ret_members);
void signed_members_free(struct signed_members *members);

struct signed_input { /* the verifier's view of them */
    struct signable signables[SIGNED_MEMBERS_MAX], files[SIGNED_FILES_MAX];
    struct signature_input input;
    struct xml_limits limits;
};
void signed_input_of(const struct signed_members *members, struct signed_input *ret_input);

#endif
