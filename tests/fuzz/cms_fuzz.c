/* A CMS file over a fixed content: what we accept, OpenSSL's own CMS has to accept. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/signature.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct signable member = {"a.pdf", bytes_of_text("%PDF-1.7 what is signed")};
    const struct signable file = {"signature/a.pdf.p7s", bytes_of(data, size)};
    const struct signature_input input = {
        .signables = &member, .signable_count = 1, .signatures = &file, .signature_count = 1};
    struct signature_result result = {0};
    struct checks *checks = checks_new();
    bool accepted = signature_container_find("cms")->verify(&input, &result, checks);
    if (accepted != (checks_indication(checks) == TOTAL_PASSED) ||
        (accepted && !cms_openssl_accepts(file.bytes, member.bytes)))
        abort();
    signature_result_free(&result);
    checks_free(checks);
    return 0;
}
