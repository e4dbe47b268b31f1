/* A made-up JPKI: a signing CA of three generations under one name, a user-authentication CA, CRLs
 * partitioned by municipality, an OCSP responder. The profile is that of the reference (§1.1 to
 * §1.6); names say UKETSUKE-SANDBOX, never JPKI, wherever they say O.
 *
 * The folder: sign-1, sign-2, sign-3, auth, foreign (.pem and .key: CAs), ocsp-2, ocsp-3
 * (responders), sign-anchors.pem and .pins (what a verifier trusts), ledger.csv (what was issued
 * and revoked, append-only), crl-number. */
#ifndef UKETSUKE_SANDBOX_JPKI_H
#define UKETSUKE_SANDBOX_JPKI_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/failure.h"
#include "deploy/sandbox/x509_make.h"

/* The first generation has expired and is kept to judge the past; 2 and 3 issue and revoke. */
#define JPKI_GENERATION_FIRST 1
#define JPKI_GENERATION_LIVE  2
#define JPKI_GENERATION_LAST  3

enum jpki_ca {
    JPKI_SIGN,
    JPKI_AUTH,
    JPKI_FOREIGN, /* the third generation's name, serial number and key id, another key */
};

struct jpki_partition {      /* a municipality */
    const char *key;         /* of the CRL's name: "sakurano" */
    const char *city_code;   /* 団体コード */
    const char *city_romaji; /* L and distribution point */
    const char *city;        /* 市名 */
    bool published;          /* its CRLs are */
};
extern const struct jpki_partition jpki_partitions[];
extern const size_t jpki_partition_count;
const struct jpki_partition *jpki_partition_find(const char *key); /* NULL when unknown */
/* C=JP, O=UKETSUKE-SANDBOX, …, CN=Sakurano-shi CRLDP */
X509_NAME *jpki_partition_name(const struct jpki_partition *partition, bool auth,
                               struct failure *f);

struct jpki_authority {
    X509 *certificate;
    EVP_PKEY *key;
};

struct jpki_entry { /* of the ledger */
    uint64_t serial;
    enum jpki_ca ca;
    unsigned generation;
    const struct jpki_partition *partition;
    instant revoked_at; /* 0: good */
    int reason;         /* CRLReason, RFC 5280 §5.3.1 */
};

struct jpki {
    char *folder;
    struct jpki_authority sign[JPKI_GENERATION_LAST + 1]; /* by generation; [0] is empty */
    struct jpki_authority auth;
    struct jpki_authority foreign;
    struct jpki_entry *entries; /* what the ledger said when it was read, and what came since */
    size_t entry_count, entry_room;
    struct buffer pending; /* lines that the file does not have yet */
    int lock;              /* file descriptor; -1: opened for reading */
};

bool jpki_init(const char *folder, instant now, struct failure *f);
/* `issuing`: takes the lock of the ledger, waiting for it, until jpki_close. */
bool jpki_open(const char *folder, bool issuing, struct jpki **ret_jpki, struct failure *f);
void jpki_close(struct jpki *jpki);

/* The ledger: jpki_ledger.c. */
bool jpki_ledger_read(struct jpki *jpki, struct failure *f); /* again, whole */
bool jpki_ledger_save(struct jpki *jpki, struct failure *f); /* appends what is new */
uint64_t jpki_serial_next(const struct jpki *jpki, enum jpki_ca ca, unsigned generation);
void jpki_ledger_add(struct jpki *jpki, const struct jpki_entry *entry);
bool jpki_revoke(struct jpki *jpki, enum jpki_ca ca, uint64_t serial, instant at, int reason,
                 struct failure *f);
const struct jpki_entry *jpki_entry_find(const struct jpki *jpki, enum jpki_ca ca, uint64_t serial);

struct jpki_facts {       /* 基本4情報 */
    const char *name;     /* 氏 U+3000 名 */
    char sex;             /* '1' 男, '2' 女 */
    struct day birth_day; /* Gregorian; the certificate says the era too */
    const char *address;
    /* '0' or '1' for each character of the name: which are substitutes; NULL: none */
    const char *name_substituted;
};

struct jpki_order {
    enum jpki_ca ca;
    unsigned generation; /* for JPKI_SIGN */
    const struct jpki_partition *partition;
    const struct jpki_facts *facts; /* not for JPKI_AUTH */
    EVP_PKEY *key;                  /* the card's */
    instant issued;
    instant expires; /* 0: the end of the fifth birthday after `issued` */
    uint64_t serial; /* 0: the next one, kept in the ledger */
    bool login;      /* with JPKI_SIGN: the usage and policy of a login certificate */
};
X509 *jpki_issue(struct jpki *jpki, const struct jpki_order *order, uint64_t *ret_serial,
                 struct failure *f);
instant jpki_fifth_birthday(struct day birth_day, instant issued); /* 23:59:59 JST */

/* The lists that are published: partition by partition, the last generation as "sakurano.crl", the
 * one before as "sakurano-2.crl". */
struct jpki_list {
    char file[64];
    const struct jpki_partition *partition;
    unsigned generation;
};
#define JPKI_LISTS_MAX 16
size_t jpki_lists(struct jpki_list ret_lists[JPKI_LISTS_MAX]);

/* A CRL as DER, with the next crlNumber. */
bool jpki_crl_make(const struct jpki *jpki, const struct jpki_partition *partition,
                   unsigned generation, instant now, struct buffer *ret_der, struct failure *f);

/* RFC 6960. Answers every request: errors are responses too. */
struct jpki_responder;

/* How it misbehaves, for those who test a client: each is a path of its own, /ocsp/NAME. */
struct jpki_manner {
    const char *name;
    int error;      /* this OCSPResponseStatus, whatever is asked; 0: none */
    instant away;   /* thisUpdate so far from now */
    bool unknown;   /* knows nobody */
    bool suspended; /* says certificateHold of everybody, since a year ago */
    bool other;     /* speaks of the next serial number */
    bool foreign;   /* signs as the CA with the name of ours and another key */
    bool forged;    /* names its own certificate, and signs with another key */
    enum { NONCE_GIVEN, NONCE_WRONG, NONCE_NONE } nonce;
};
extern const struct jpki_manner jpki_manners[];
extern const size_t jpki_manner_count;

bool jpki_responder_open(const struct jpki *jpki, struct jpki_responder **ret_responder,
                         struct failure *f);
void jpki_responder_close(struct jpki_responder *responder);
/* `manner` NULL: it behaves well. */
bool jpki_responder_answer(const struct jpki_responder *responder, const struct jpki *jpki,
                           const struct jpki_manner *manner, struct bytes request, instant now,
                           struct buffer *ret_der, struct failure *f);

/* `jpki serve`: until a stop is asked for. */
bool jpki_serve(const char *folder, const char *address, instant interval, struct failure *f);

#endif
