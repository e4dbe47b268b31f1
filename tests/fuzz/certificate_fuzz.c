/* Any bytes as a certificate: judged, never believed, and its facts are consistent where the check
 * of the facts passed. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "signature/certificate.h"
#include "signature/facts.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

static void check_facts(const struct basic_facts *facts)
{
    struct bytes name = bytes_of_text(facts->name), address = bytes_of_text(facts->address);
    if (!utf8_valid(name) || !utf8_valid(address) || name.length == 0 || address.length == 0 ||
        strlen(facts->name_substituted) != utf8_length(facts->name) ||
        strlen(facts->address_substituted) != utf8_length(facts->address) ||
        !strchr("1239", facts->sex))
        abort();
    json_decref(basic_facts_to_json(facts));
}

static struct trust *trust;

static void free_trust(void)
{
    trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!trust) {
        struct pki_ca ca = pki_ca_make((struct pki_ca_options){.kind = PKI_EC_P256});
        trust = trust_of(&ca.certificate, 1);
        pki_ca_free(&ca);
        atexit(free_trust);
    }
    struct checks *checks = checks_new();
    struct certificate *certificate =
        certificate_read(bytes_of(data, size), trust, 1795219200 * INSTANT_SECOND, checks);
    if (checks_indication(checks) != TOTAL_FAILED)
        abort(); /* nobody has the anchor's key */
    if (certificate && certificate->facts.name[0])
        check_facts(&certificate->facts);
    certificate_free(certificate);
    checks_free(checks);
    return 0;
}
