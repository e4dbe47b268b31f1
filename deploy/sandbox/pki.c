/* `uketsuke-sandbox pki`: the TLS certificates by which portal, city and business systems know one
 * another in the sandbox. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "deploy/sandbox/sandbox.h"
#include "deploy/sandbox/x509_make.h"

struct tls_party {
    const char *name; /* of the files */
    bool server;
    const char *what;
};

static const struct tls_party tls_parties[] = {
    {"portal", true, "server: the portal"},
    {"routing", true, "server: the pull API of uketsuke"},
    {"city", false, "client: the city, to the portal"},
    {"business-child-allowance", false, "client: the child-allowance system, to the pull API"},
    {"business-health", false, "client: the health system, to the pull API"},
    {"business-registry", false, "client: the resident-registry system, to the pull API"},
};
#define TLS_PARTY_COUNT (sizeof tls_parties / sizeof tls_parties[0])

struct tls_ca {
    X509 *certificate;
    EVP_PKEY *key;
    instant from, to;
};

static bool tls_ca_make(struct tls_ca *ca, struct failure *f)
{
    static const struct name_part parts[] = {
        {"C", "JP"}, {"O", "UKETSUKE-SANDBOX"}, {"CN", "Sandbox TLS CA"}};
    _cleanup_(cleanup_x509_name) X509_NAME *name = name_make(parts, 3, f);
    ca->key = name ? key_make_ec("P-256", f) : NULL;
    if (!ca->key)
        return false;
    struct certificate_order order = {
        .subject = name, .key = ca->key, .from = ca->from, .to = ca->to};
    ca->certificate = certificate_begin(&order, f);
    return ca->certificate &&
           certificate_extend(ca->certificate, NULL, NID_basic_constraints,
                              "critical,CA:TRUE,pathlen:0", f) &&
           certificate_extend(ca->certificate, NULL, NID_key_usage, "critical,keyCertSign,cRLSign",
                              f) &&
           certificate_extend(ca->certificate, NULL, NID_subject_key_identifier, "hash", f) &&
           certificate_finish(ca->certificate, ca->key, f);
}

static X509 *tls_certificate_make(const struct tls_ca *ca, const struct tls_party *party,
                                  EVP_PKEY *key, struct failure *f)
{
    const struct name_part parts[] = {{"C", "JP"}, {"O", "UKETSUKE-SANDBOX"}, {"CN", party->name}};
    _cleanup_(cleanup_x509_name) X509_NAME *name = name_make(parts, 3, f);
    if (!name)
        return NULL;
    struct certificate_order order = {
        .subject = name, .key = key, .issuer = ca->certificate, .from = ca->from, .to = ca->to};
    _cleanup_(cleanup_x509) X509 *made = certificate_begin(&order, f);
    bool done =
        made &&
        certificate_extend(made, ca->certificate, NID_basic_constraints, "critical,CA:FALSE", f) &&
        certificate_extend(made, ca->certificate, NID_key_usage, "critical,digitalSignature", f) &&
        certificate_extend(made, ca->certificate, NID_ext_key_usage,
                           party->server ? "serverAuth" : "clientAuth", f) &&
        certificate_extend(made, ca->certificate, NID_subject_key_identifier, "hash", f) &&
        certificate_extend(made, ca->certificate, NID_authority_key_identifier, "keyid:always",
                           f) &&
        (!party->server || certificate_extend(made, ca->certificate, NID_subject_alt_name,
                                              "DNS:localhost,IP:127.0.0.1,IP:::1", f)) &&
        certificate_finish(made, ca->key, f);
    return done ? TAKE(made) : NULL;
}

static bool tls_party_write(const struct tls_ca *ca, const struct tls_party *party,
                            const char *folder, struct failure *f)
{
    _cleanup_(cleanup_pkey) EVP_PKEY *key = key_make_ec("P-256", f);
    _cleanup_(cleanup_x509) X509 *made = key ? tls_certificate_make(ca, party, key, f) : NULL;
    _cleanup_(cleanup_text) char *pem = text_format("%s.pem", party->name);
    _cleanup_(cleanup_text) char *key_name = text_format("%s.key", party->name);
    _cleanup_(cleanup_text) char *pin_name = text_format("%s.sha256", party->name);
    char pin[66];
    if (!made || !certificate_fingerprint(made, pin, f))
        return false;
    printf("%s  %s.pem  (%s)\n", pin, party->name, party->what);
    memcpy(pin + 64, "\n", 2);
    return certificate_write(folder, pem, &made, 1, f) && key_write(folder, key_name, key, f) &&
           text_write(folder, pin_name, bytes_of_text(pin), f);
}

static bool tls_pki_make(const char *folder, instant now, struct failure *f)
{
    /* A day back, so that a peer whose clock is slow accepts them; 825 days is what TLS clients
     * commonly bear. */
    struct tls_ca ca = {.from = now - INSTANT_DAY, .to = now + 800 * INSTANT_DAY};
    bool done = folder_make(folder, f) && tls_ca_make(&ca, f);
    for (size_t i = 0; done && i < TLS_PARTY_COUNT; i++)
        done = tls_party_write(&ca, &tls_parties[i], folder, f);
    /* The CA last: its file says that the rest is there. */
    done = done && key_write(folder, "ca.key", ca.key, f) &&
           certificate_write(folder, "ca.pem", &ca.certificate, 1, f);
    X509_free(ca.certificate);
    EVP_PKEY_free(ca.key);
    return done;
}

static void pki_help(FILE *out)
{
    fputs("usage: uketsuke-sandbox pki --out DIR [--force]\n\n"
          "Makes the sandbox's TLS certificates: a CA (ca.pem, the only trust of everybody),\n"
          "and NAME.pem, NAME.key (mode 0600) and NAME.sha256 (fingerprint of the DER, as in\n"
          "`peers` of a [destination]) for each NAME:\n\n",
          out);
    for (size_t i = 0; i < TLS_PARTY_COUNT; i++)
        fprintf(out, "  %-26s %s\n", tls_parties[i].name, tls_parties[i].what);
    fputs(
        "\nServers are good for localhost, 127.0.0.1 and ::1. A folder that has a CA stays as it\n"
        "is, unless --force makes everything anew.\n"
        "Exit: 0 done, 1 failed, 2 wrong usage.\n",
        out);
}

int sandbox_pki(int argc, char **argv)
{
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = NULL;
    bool force = false;
    struct failure f = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h')
            return pki_help(stdout), 0;
        if (c == 'o')
            folder = optarg;
        else if (c == 'f')
            force = true;
        else
            return pki_help(stderr), 2;
    }
    if (!folder || optind != argc)
        return pki_help(stderr), 2;
    _cleanup_(cleanup_text) char *ca_path = text_format("%s/ca.pem", folder);
    if (!force && access(ca_path, R_OK) == 0) {
        printf("%s is there already: nothing was changed (--force makes everything anew)\n",
               ca_path);
        return 0;
    }
    if (tls_pki_make(folder, clock_now(), &f)) {
        printf("TLS certificates are in %s; next: uketsuke-sandbox jpki init\n", folder);
        return 0;
    }
    fprintf(stderr, "uketsuke-sandbox pki: %s\n", f.text);
    return 1;
}
