/* A raw.json over a fixed content. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/signature.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct signable member = {"a.pdf", bytes_of_text("%PDF-1.7 what is signed")};
    const struct signable file = {"signature/raw.json", bytes_of(data, size)};
    const struct signature_input input = {
        .signables = &member, .signable_count = 1, .signatures = &file, .signature_count = 1};
    struct signature_result result = {0};
    struct checks *checks = checks_new();
    bool accepted = signature_container_find("raw")->verify(&input, &result, checks);
    if (accepted != (checks_indication(checks) == TOTAL_PASSED) ||
        (accepted && result.covered[0].coverage != COVERAGE_BYTES))
        abort();
    signature_result_free(&result);
    checks_free(checks);
    return 0;
}
