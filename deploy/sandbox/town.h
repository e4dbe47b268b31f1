/* The made-up town: residents whose applications, good and bad, wait at the portal. */
#ifndef UKETSUKE_SANDBOX_TOWN_H
#define UKETSUKE_SANDBOX_TOWN_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/sandbox/jpki.h"
#include "deploy/sandbox/town_form.h"
#include "deploy/sandbox/town_parcel.h"
#include "deploy/sandbox/town_people.h"
#include "deploy/sandbox/xml_sign.h"

#define TOWN_PROCEDURE "child-allowance.certification-claim"

struct town {
    uint64_t seed;
    instant now;
    const struct jpki_partition *city, *neighbour;
    const char *prefix; /* of the receipt numbers */
    struct jpki *jpki;
    EVP_PKEY **keys; /* shared by the residents' cards: making one takes long */
    size_t key_count;
    const struct town_others *others; /* NULL: none */
    EVP_PKEY *elliptic_key;           /* P-384, for all who have the next card */
};

/* One application on its way from a household to a ZIP. A kind changes it at three places. */
struct draft {
    const struct town *town;
    const struct kind *kind;
    uint32_t number; /* of the household, from 0 */
    struct dice dice;
    struct household household;
    struct person signer; /* the claimant, or an agent */

    struct jpki_order order; /* the signer's certificate */
    struct jpki_facts facts;
    char fact_name[PERSON_NAME], fact_address[TOWN_ADDRESS];
    char fact_substituted[PERSON_NAME]; /* '0' or '1' for each character of fact_name; "" */
    instant revoked_at;                 /* 0: never */
    uint64_t serial;

    bool registered; /* the registry feed knows the household */
    enum {
        LINK_CARD,
        LINK_PHONE,
        LINK_RENEWED, /* the card has another serial number since */
        LINK_TWICE,   /* the serial number is somebody else's, too */
        LINK_NONE,
    } link;

    struct form_order form;
    const struct other_form *other; /* of another procedure; NULL */
    char *owned;                    /* what `form` points at, if it had to be made */
    enum {
        SIGN_DETACHED,
        SIGN_SPLIT,
        SIGN_ENVELOPED,
        SIGN_CMS,
        SIGN_CMS_BARE,
        SIGN_RAW,
        SIGN_NOT
    } style;
    bool by_bytes; /* application.xml is referenced without C14N */
    bool attachments_covered;
    enum xml_sign_digest digest;
    EVP_PKEY *signing_key; /* the certificate's, if all is right */
    X509 *certificate;     /* borrowed, while the ZIP is made */

    struct parcel parcel; /* its members: application.xml first */
    const char *fault;    /* X-Sandbox-Fault for the portal; "" */
};

struct kind {
    const char *name;
    const char *state, *reason;           /* where it ends: state's code, reason or "" */
    void (*prepare)(struct draft *draft); /* before anything is made */
    void (*tamper)(struct draft *draft);  /* behind the signature */
    void (*spoil)(struct draft *draft, struct buffer *zip); /* the finished ZIP */
};

#define TOWN_KINDS_MOST 96
extern const struct kind town_kinds[];
extern const size_t town_kind_count;
extern const size_t town_kind_good; /* the first so many are good through and through */
const struct kind *town_kind_find(const char *name, size_t length); /* NULL */

/* A household, its application and what the kind makes of it. */
bool draft_make(struct town *town, const struct kind *kind, uint32_t number, instant applied_at,
                struct draft *ret_draft, struct buffer *ret_zip, struct failure *f);
void draft_clear(struct draft *draft);
/* Attachments: "attachments/1.pdf", …; what a kind adds before the signature is covered. */
void draft_attach_pdf(struct draft *draft, const char *name);
void draft_attach_jpeg(struct draft *draft, const char *name);
void draft_attach_png(struct draft *draft, const char *name);

struct town_options {
    const char *folder, *jpki_folder, *kinds, *city_code, *prefix, *procedures;
    int64_t others;                       /* percent */
    int64_t seed, count, keys, bad_share; /* bad_share -1: one of each */
    instant now;
};
bool town_make(const struct town_options *options, struct failure *f);  /* town_make.c */
bool town_cards(const struct town_options *options, struct failure *f); /* town_cards.c */

struct submit_options {
    const char *folder, *portal, *only;
    double rate; /* applications a second; 0: as fast as it goes */
};
bool town_submit(const struct submit_options *options, struct failure *f); /* town_submit.c */

#endif
