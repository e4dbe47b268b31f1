/* A PrefixList, a line end, and a document: our canonical forms of it and of its elements,
 * inclusive and exclusive, are libxml2's, byte for byte; or neither of us finds one. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/canonical.h"

#define APEXES 12

static const struct xml_limits limits = {.size = 1 << 16, .depth = 256, .nodes = 1000};

static void compare(xmlDoc *tree, const char *prefixes)
{
    struct canonical_method inclusive = {0}, exclusive = canonical_exclusive(prefixes);
    if (!canonical_agrees(tree, &inclusive, APEXES) || !canonical_agrees(tree, &exclusive, APEXES))
        abort();
    canonical_method_free(&exclusive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t line = end ? (size_t)(end - data) : 0;
    struct bytes document = end ? bytes_of(end + 1, size - line - 1) : bytes_of(data, size);
    struct checks *checks = checks_new();
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = xml_parse(document, &limits, "fuzz.xml", checks);
    _cleanup_(cleanup_text) char *prefixes = text_copy_n((const char *)data, line);
    checks_free(checks);
    if (tree)
        compare(tree, prefixes);
    return 0;
}
