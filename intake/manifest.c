#include "intake/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/package_directory.h"

#define NS             "urn:uketsuke:pittari-1:manifest"
#define FORMAT_FAILURE "FORMAT_FAILURE"

/* `what` is one of our own words: what stands in the manifest is never quoted. */
static bool malformed(struct checks *checks, const xmlNode *node, const char *what)
{
    return checks_fail(checks, "manifest.structure", FORMAT_FAILURE, "manifest-malformed",
                       "manifest.xml, line %ld: %s", node ? xmlGetLineNo(node) : 0L, what);
}

static bool identifier_valid(const char *text, size_t most)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789.-");
    return length > 0 && length <= most && !text[length];
}

/* The next element must be `name` with text only; NULL when it is not. Steps on. */
static const char *take_text(const xmlNode **node, const char *name)
{
    if (!*node || !xml_is(*node, NS, name) || (*node)->properties)
        return NULL;
    const char *text = xml_text(*node);
    *node = xml_next(*node);
    return text;
}

static size_t attribute_count(const xmlNode *node)
{
    size_t count = 0;
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        count++;
    return count;
}

static bool procedure_read(const xmlNode *node, struct manifest *manifest)
{
    if (!node || !xml_is(node, NS, "procedure") || node->children || attribute_count(node) != 2)
        return false;
    const char *id = xml_attribute(node, "id"), *version = xml_attribute(node, "form-version");
    if (!id || !version || !identifier_valid(id, sizeof manifest->procedure_id - 1) ||
        !identifier_valid(version, sizeof manifest->form_version - 1))
        return false;
    strncpy(manifest->procedure_id, id, sizeof manifest->procedure_id - 1);
    strncpy(manifest->form_version, version, sizeof manifest->form_version - 1);
    return true;
}

static bool head_read(const xmlNode **node, struct manifest *manifest, struct checks *checks)
{
    const xmlNode *at = *node;
    const char *text = take_text(node, "receipt-number");
    if (!text || !receipt_number_valid(text))
        return malformed(checks, at, "a receipt-number of 1 to 64 letters, digits and '-'");
    strncpy(manifest->receipt_number, text, sizeof manifest->receipt_number - 1);
    at = *node;
    text = take_text(node, "city-code");
    if (!text || !dantai_code_valid(text))
        return malformed(checks, at, "a city-code of 6 digits with its check digit");
    strncpy(manifest->city_code, text, sizeof manifest->city_code - 1);
    at = *node;
    if (!procedure_read(at, manifest))
        return malformed(checks, at, "a procedure with id and form-version");
    *node = at = xml_next(at);
    text = take_text(node, "applied-at");
    if (!text || !instant_parse(text, &manifest->applied_at))
        return malformed(checks, at, "an applied-at with date, time and offset");
    at = *node;
    text = take_text(node, "applicant-role");
    if (!text || (strcmp(text, "self") != 0 && strcmp(text, "agent") != 0))
        return malformed(checks, at, "an applicant-role: self or agent");
    manifest->by_agent = strcmp(text, "agent") == 0;
    return true;
}

static bool member_read(const xmlNode *node, const struct package_limits *limits,
                        struct manifest_member *ret_member, struct checks *checks)
{
    const char *name = xml_attribute(node, "name"), *size = xml_attribute(node, "size");
    const char *hash = xml_attribute(node, "sha256");
    int64_t number;
    if (!xml_is(node, NS, "member") || node->children || attribute_count(node) != 3 || !name ||
        !size || !hash)
        return malformed(checks, node, "a member with name, size and sha256");
    if (!package_name_valid(name, strlen(name)))
        return malformed(checks, node, "a member's name that is a plain relative path");
    if (!number_parse(size, 0, (int64_t)limits->member_size, &number))
        return malformed(checks, node, "a member's size in bytes, within the limit");
    if (!hex_decode(hash, ret_member->sha256, sizeof ret_member->sha256))
        return malformed(checks, node, "a member's sha256 of 64 hexadecimal digits");
    strncpy(ret_member->name, name, sizeof ret_member->name - 1);
    ret_member->size = (size_t)number;
    return true;
}

static int member_compare(const void *a, const void *b)
{
    const struct manifest_member *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static bool members_unique(const struct manifest *manifest)
{
    const struct manifest_member **sorted =
        memory_allocate((manifest->member_count + 1) * sizeof *sorted);
    for (size_t i = 0; i < manifest->member_count; i++)
        sorted[i] = &manifest->members[i];
    qsort(sorted, manifest->member_count, sizeof *sorted, member_compare);
    bool unique = true;
    for (size_t i = 1; i < manifest->member_count && unique; i++)
        unique = member_compare(&sorted[i - 1], &sorted[i]) != 0;
    free(sorted);
    return unique;
}

static bool members_read(const xmlNode *list, const struct package_limits *limits,
                         struct manifest *manifest, struct checks *checks)
{
    size_t count = 0;
    for (const xmlNode *node = xml_first(list); node; node = xml_next(node))
        count++;
    if (count >= limits->members) /* manifest.xml itself is a member too */
        return checks_fail(checks, "manifest.structure", FORMAT_FAILURE, "package-too-many-members",
                           "the manifest lists %zu members", count);
    manifest->members = memory_allocate((count + 1) * sizeof *manifest->members);
    for (const xmlNode *node = xml_first(list); node; node = xml_next(node)) {
        if (!member_read(node, limits, &manifest->members[manifest->member_count], checks))
            return false;
        manifest->member_count++;
    }
    return members_unique(manifest) ||
           checks_fail(checks, "manifest.structure", FORMAT_FAILURE, "package-duplicate-member",
                       "the manifest lists a member twice");
}

static bool corrects_read(const xmlNode *root, struct manifest *manifest)
{
    const char *corrects = xml_attribute(root, "corrects");
    if (attribute_count(root) != (corrects ? 2 : 1) ||
        (corrects && !receipt_number_valid(corrects)))
        return false;
    if (corrects)
        strncpy(manifest->corrects, corrects, sizeof manifest->corrects - 1);
    return true;
}

static bool document_read(xmlDoc *document, const struct package_limits *limits,
                          struct manifest *manifest, struct checks *checks)
{
    const xmlNode *root = xmlDocGetRootElement(document);
    const char *version = xml_attribute(root, "version");
    if (!xml_is(root, NS, "manifest") || !version || strcmp(version, "1") != 0)
        return malformed(checks, root, "a root element manifest of version 1");
    if (!corrects_read(root, manifest))
        return malformed(checks, root, "of attributes version, and corrects with a receipt number");
    const xmlNode *node = xml_first(root);
    if (!head_read(&node, manifest, checks))
        return false;
    if (!node || !xml_is(node, NS, "members") || node->properties || xml_next(node))
        return malformed(checks, node, "members as the last element");
    return members_read(node, limits, manifest, checks);
}

bool manifest_read(struct bytes xml, const struct package_limits *limits,
                   struct manifest *ret_manifest, struct checks *checks)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *document =
        xml_parse(xml, &limits->xml, "manifest.xml", checks);
    if (!document)
        return false;
    struct manifest manifest = {0};
    if (!document_read(document, limits, &manifest, checks)) {
        manifest_free(&manifest);
        return false;
    }
    checks_input(checks, "members", "%zu", manifest.member_count);
    checks_pass(checks, "manifest.structure", "as the profile has it");
    *ret_manifest = manifest;
    return true;
}

void manifest_free(struct manifest *manifest)
{
    free(manifest->members);
    *manifest = (struct manifest){0};
}
