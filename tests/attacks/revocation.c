/* Revocation data that says what it may not say: by others, about others, of another time. The
 * certificate it is about was revoked before the application, and the attacker wants it to pass;
 * nothing here may let it pass, and nothing may make a verdict of what proves nothing. */
#include <string.h>

#include "base/cleanup.h"
#include "tests/attacks/attacks.h"
#include "tests/support/ocsp.h"

#define SERIAL  "0badcafe"
#define APPLIED "2026-06-01T09:00:00+09:00"
#define CHECK                                                                                      \
    "certificate check --json --at " APPLIED                                                       \
    " --now 2026-06-02T12:00:00+09:00 --policy " PKI_POLICY                                        \
    " --trust {0}/root.der {0}/revoked.der "
#define BY_LIST CHECK "--crl {}/list.crl"
#define BY_OCSP CHECK "--ocsp {}/response.der"

static instant moment(const char *text)
{
    instant at = 0;
    if (!instant_parse(text, &at))
        abort();
    return at;
}

#define BEFORE moment("2026-05-01T00:00:00Z")
#define FRESH  moment("2026-06-02T00:00:00Z")
#define NEXT   moment("2026-06-03T00:00:00Z")

/* --- lists ------------------------------------------------------------------------------------ */

static void list_add(struct corpus *corpus, const struct pki_ca *ca, const char *name, int code,
                     const char *reason, const struct pki_crl *crl, const char *what)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_crl_make(ca, crl, &der);
    attack_file(corpus, name, "list.crl", buffer_bytes(&der));
    attack_add(corpus, &(struct attack){name, code, reason, BY_LIST, what});
}

static struct pki_crl fresh_list(void)
{
    return (struct pki_crl){.number = 7, .from = FRESH, .to = NEXT};
}

static void lists_make(struct corpus *corpus)
{
    struct pki_crl truth = fresh_list();
    truth.revoked[0].serial = SERIAL;
    truth.revoked[0].date = BEFORE;
    list_add(corpus, &corpus->ca, "crl-revoked", 1, "certificate-revoked", &truth,
             "nothing: the list that tells the truth");
    struct pki_crl empty = fresh_list();
    list_add(corpus, &corpus->next_ca, "crl-other-generation", 3, "", &empty,
             "a list under the CA's name, signed with a key that is not pinned");
    empty.city = PKI_OTHER_CITY;
    list_add(corpus, &corpus->ca, "crl-other-partition", 2, "revocation-unavailable", &empty,
             "the list of another municipality");
    struct pki_crl early = fresh_list();
    early.from = moment("2026-05-31T00:00:00Z");
    list_add(corpus, &corpus->ca, "crl-before-application", 2, "revocation-not-yet", &early,
             "a list from before the application, which cannot know");
    struct pki_crl attributes = fresh_list();
    attributes.idp = "critical,onlyAA:TRUE";
    list_add(corpus, &corpus->ca, "crl-attribute-certificates", 3, "", &attributes,
             "a list of attribute certificates only");
    struct pki_crl sha1 = fresh_list();
    sha1.digest = "SHA1";
    list_add(corpus, &corpus->ca, "crl-sha1", 3, "", &sha1, "a list signed over SHA-1");
}

/* One bit of an honest list. */
static void altered_list(struct corpus *corpus)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct pki_crl truth = fresh_list();
    truth.revoked[0].serial = SERIAL;
    truth.revoked[0].date = BEFORE;
    pki_crl_make(&corpus->ca, &truth, &der);
    uint8_t *serial = memmem(der.data, der.length, "\x0b\xad\xca\xfe", 4);
    if (!serial)
        abort();
    serial[3] ^= 1;
    attack_file(corpus, "crl-altered", "list.crl", buffer_bytes(&der));
    attack_add(corpus, &(struct attack){"crl-altered", 3, "", BY_LIST,
                                        "the list with another serial number in it"});
    attack_file(corpus, "crl-truncated", "list.crl", bytes_of(der.data, der.length / 2));
    attack_add(corpus, &(struct attack){"crl-truncated", 3, "", BY_LIST, "half of a list"});
}

/* --- responses -------------------------------------------------------------------------------- */

static void response_add(struct corpus *corpus, const char *name, int code, const char *reason,
                         const struct pki_ocsp *order, const char *what)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_ocsp_make(order, &der);
    attack_file(corpus, name, "response.der", buffer_bytes(&der));
    attack_add(corpus, &(struct attack){name, code, reason, BY_OCSP, what});
}

static void responses_make(struct corpus *corpus, X509 *about)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 6);
    _cleanup_(cleanup_x509) X509 *responder = pki_responder(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_x509) X509 *foreign =
        pki_responder(&corpus->next_ca, key, &(struct pki_end){.serial = "33"});
    _cleanup_(cleanup_x509) X509 *resident =
        pki_issue(&corpus->ca, key, &(struct pki_end){.serial = "44"});
    const struct pki_ocsp good = {.about = about,
                                  .issuer = corpus->ca.certificate,
                                  .this_update = FRESH,
                                  .next_update = NEXT,
                                  .signer = responder,
                                  .key = key};
    struct pki_ocsp order = good;
    order.status = V_OCSP_CERTSTATUS_REVOKED;
    order.revoked = BEFORE;
    response_add(corpus, "ocsp-revoked", 1, "certificate-revoked", &order,
                 "nothing: the response that tells the truth");
    order = good;
    order.signer = foreign;
    response_add(corpus, "ocsp-foreign-responder", 2, "ocsp-responder", &order,
                 "\"good\", by the responder of a CA that is not trusted");
    order.signer = resident;
    response_add(corpus, "ocsp-resident-as-responder", 2, "ocsp-responder", &order,
                 "\"good\", signed with a resident's card");
    order = good;
    order.forger = pki_key(PKI_RSA_2048, 7);
    response_add(corpus, "ocsp-forged", 2, "ocsp-signature", &order,
                 "\"good\", in the responder's name, with another key");
    order = good;
    order.about = resident;
    response_add(corpus, "ocsp-of-another", 2, "ocsp-not-asked", &order,
                 "\"good\", said of another certificate: not taken for an answer about this one");
    order = good;
    order.this_update = BEFORE - INSTANT_DAY;
    order.next_update = moment("2099-01-01T00:00:00Z");
    response_add(corpus, "ocsp-replayed", 2, "ocsp-stale", &order,
                 "\"good\", from before the revocation, kept for later");
    order = good;
    order.error = OCSP_RESPONSE_STATUS_TRYLATER;
    response_add(corpus, "ocsp-unsigned-error", 3, "", &order, "an error, which nobody signs");
}

void make_revocation_attacks(struct corpus *corpus)
{
    _cleanup_(cleanup_x509) X509 *revoked =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_2048, 2), &(struct pki_end){.serial = SERIAL});
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(revoked, &der);
    attack_file(corpus, "", "revoked.der", buffer_bytes(&der));
    lists_make(corpus);
    altered_list(corpus);
    responses_make(corpus, revoked);
}
