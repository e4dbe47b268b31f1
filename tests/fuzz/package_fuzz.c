/* The package: any bytes. Small limits, so that the fuzzer's time goes into paths, not into zeros.
 */
#include "base/xml.h"
#include "intake/package.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct package_limits limits = package_limits_default();
    limits.member_size = 1 << 18;
    limits.total_size = 1 << 20;
    xml_initialize();
    struct checks *checks = checks_new();
    struct package *package = package_open(bytes_of(data, size), &limits, checks);
    if ((package == NULL) != (checks_indication(checks) == TOTAL_FAILED))
        __builtin_trap();
    for (size_t i = 0; package && i < package->member_count; i++)
        if (package_find(package, package->members[i].name) != &package->members[i])
            __builtin_trap();
    package_free(package);
    checks_free(checks);
    return 0;
}
