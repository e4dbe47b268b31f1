/* manifest.xml: any bytes. What is read is within its limits, and no member stands there twice. */
#include <string.h>

#include "base/xml.h"
#include "intake/manifest.h"
#include "tests/fuzz/fuzz.h"

static void check_members(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->member_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(manifest->members[i].name, manifest->members[j].name) == 0)
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct package_limits limits = package_limits_default();
    limits.members = 16;
    xml_initialize();
    struct checks *checks = checks_new();
    struct manifest manifest;
    bool read = manifest_read(bytes_of(data, size), &limits, &manifest, checks);
    if (read == (checks_indication(checks) == TOTAL_FAILED))
        __builtin_trap();
    if (read) {
        if (manifest.member_count > limits.members || strlen(manifest.city_code) != 6)
            __builtin_trap();
        check_members(&manifest);
        manifest_free(&manifest);
    }
    checks_free(checks);
    return 0;
}
