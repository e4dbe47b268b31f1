#include "intake/revocation.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "intake/examine.h"

#define MINUTE (60 * INSTANT_SECOND)

static const struct config_key revocation_keys[] = {
    {"directory", CONFIG_PATH, "/var/lib/uketsuke/crl",
     .help = "Folder of the indexes of the revocation lists."},
    {"interval", CONFIG_DURATION, "1h", INSTANT_SECOND, INSTANT_DAY,
     .help = "Between two looks at the sources."},
    {"retry", CONFIG_DURATION, "5min", INSTANT_SECOND / 10, INSTANT_DAY,
     .help = "Until the next look when a source failed."},
    {"patience", CONFIG_DURATION, "5min", INSTANT_SECOND, 60 * MINUTE,
     .help = "How long one source may take."},
    {"ca", CONFIG_PATH, "", .help = "PEM file: the CA of sources with https and ldaps."},
    {"size-most", CONFIG_SIZE, "1G", 1 << 10, (int64_t)4 << 30, .help = "Largest list."},
    {"archive-keep", CONFIG_DURATION, "400d", INSTANT_DAY, 4000 * INSTANT_DAY,
     .help = "How long an index that is no more in use is kept in the folder's archive, so that "
             "what was judged by it can be judged again."},
    {"age-most", CONFIG_DURATION, "3d", MINUTE, 365 * INSTANT_DAY,
     .help = "A list past its nextUpdate is still used while its thisUpdate is not older than "
             "this; beyond it, applications are held."},
    {"method", CONFIG_CHOICE, "ocsp-then-crl", .choices = "ocsp-then-crl crl-only ocsp-only",
     .help = "What tells whether a certificate is revoked. ocsp-then-crl: the responder, and the "
             "lists where it gives no answer that can be used; without ocsp-url the same as "
             "crl-only."},
    {"ocsp-url", CONFIG_LIST, "",
     .help = "OCSP responders, http or https, at most 4: the next one is asked for what the one "
             "before did not answer. What certificates name is never asked."},
    {"ocsp-hash", CONFIG_CHOICE, "sha256", .choices = "sha256 sha1",
     .help = "How requests name the issuer; sha1 for responders that know nothing else."},
    {"ocsp-nonce", CONFIG_CHOICE, "when-given", .choices = "required when-given none",
     .help = "Requests carry a nonce (but for none), and a response with another one is never "
             "used. required: nor is one without."},
    {"ocsp-nocheck", CONFIG_BOOLEAN, "yes",
     .help = "A responder's certificate must have id-pkix-ocsp-nocheck; no: one without is "
             "believed as well. Its own revocation is not looked up in either case."},
    {"ocsp-age-most", CONFIG_DURATION, "1d", MINUTE, 365 * INSTANT_DAY,
     .help = "An older response (by its thisUpdate) is not used, whatever its nextUpdate says."},
    {"ocsp-timeout", CONFIG_DURATION, "5s", INSTANT_SECOND / 10, MINUTE,
     .help = "How long the applications of one batch wait for one responder, all together."},
    {"ocsp-parallel", CONFIG_NUMBER, "8", 1, 64, .help = "Requests under way at one time."},
    {"ocsp-failures-most", CONFIG_NUMBER, "5", 1, 1000,
     .help = "After so many failures in a row a responder is left alone …"},
    {"ocsp-rest", CONFIG_DURATION, "1min", INSTANT_SECOND / 10, INSTANT_DAY,
     .help = "… for so long; then one request tries whether it is back."},
};
const struct config_section revocation_config_section = {
    "revocation",
    .help = "Revocation of signing certificates, by list (CRL提供方式) and by query "
            "(OCSPレスポンダ方式).",
    .keys = revocation_keys, .key_count = sizeof revocation_keys / sizeof *revocation_keys};

static const struct config_key list_keys[] = {
    {"sources", CONFIG_PATHS, NULL,
     .help = "Where the list comes from: paths, or URLs of http, https, ldap and ldaps (RFC 4516: "
             "`ldap://host/DN?certificateRevocationList;binary`). The first that gives a good list "
             "is enough."},
    {"partition", CONFIG_TEXT, "",
     .help = "Name of the partition (issuingDistributionPoint) that the list must be of, as "
             "`uketsuke revocation status` shows it; without it, whatever it is of at first."},
    {"issuer", CONFIG_TEXT, "",
     .help = "SHA-256 of the root (one of [trust] pins) that must have signed it; without it, "
             "whichever did at first."},
};
const struct config_section revocation_list_config_section = {
    "revocation-list", .named = true,
    .help = "A revocation list: of one partition (municipality) and one generation of the CA. The "
            "name, of a-z, 0-9 and -, is that of its index file.",
    .keys = list_keys, .key_count = sizeof list_keys / sizeof *list_keys};

bool revocation_file_read(const char *path, size_t most, struct buffer *ret_content,
                          struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    uint8_t block[65536];
    size_t length;
    if (!file)
        return failure_errno(f, "cannot open %s", path);
    while ((length = fread(block, 1, sizeof block, file)) > 0) {
        if (ret_content->length + length > most)
            return failure_set(f, FAILURE_LIMIT, "%s is longer than %zu bytes", path, most);
        buffer_append(ret_content, block, length);
    }
    return !ferror(file) || failure_errno(f, "cannot read %s", path);
}
