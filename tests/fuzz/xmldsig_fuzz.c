/* An application.xml, a NUL, and a signature file (or none, when the signature is within): what we
 * accept, xmlsec1 has to accept. The seeds' certificates are self-signed, so that one that was
 * altered (which another part of the house refuses) is not held against xmlsec1. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/signature.h"
#include "tests/fuzz/fuzz.h"
#ifdef WITH_XMLSEC
#include "tests/support/oracle.h"
#endif

static void compare(const struct signature_input *input, const struct signature_result *result)
{
#ifdef WITH_XMLSEC
    struct oracle oracle = {0};
    if (X509_verify(result->x509, result->key) == 1 && !oracle_accepts(input, &oracle))
        abort();
    oracle_free(&oracle);
#else
    (void)input, (void)result;
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    struct xml_limits limits = {.size = 1 << 20, .depth = 32, .nodes = 1000};
    struct signable member = {"application.xml", bytes_of(data, length)};
    struct signable file = {"signature/1.xml",
                            end ? bytes_of(end + 1, size - length - 1) : bytes_of("", 0)};
    struct signature_input input = {&member, 1, &file, end ? 1 : 0, "application.xml", &limits};
    struct signature_result result = {0};
    struct checks *checks = checks_new();
    bool accepted = xmldsig_verify(&input, &result, checks);
    if (accepted != (checks_indication(checks) == TOTAL_PASSED))
        abort();
    if (accepted)
        compare(&input, &result);
    signature_result_free(&result);
    checks_free(checks);
    return 0;
}
