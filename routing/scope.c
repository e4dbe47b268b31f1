#include "routing/scope.h"

#include <stdio.h>
#include <string.h>

static const char *const names[SCOPE_COUNT] = {
    [SCOPE_ITEMS_READ] = "items/v1:Read",
    [SCOPE_CONTENT_READ] = "items/v1/content:Read",
    [SCOPE_PACKAGES_READ] = "packages/v1:Read",
    [SCOPE_BUNDLES_READ] = "bundles/v1:Read",
    [SCOPE_BATCHES_READ] = "batches/v1:Read",
    [SCOPE_CLAIMS_CREATE] = "claims/v1:Create",
    [SCOPE_CLAIMS_UPDATE] = "claims/v1:Update",
    [SCOPE_CLAIMS_DELETE] = "claims/v1:Delete",
    [SCOPE_RECEIPTS_CREATE] = "receipts/v1:Create",
    [SCOPE_OUTCOMES_CREATE] = "outcomes/v1:Create",
    [SCOPE_REDELIVERIES_CREATE] = "redeliveries/v1:Create",
    [SCOPE_TOKENS_READ] = "tokens/v1:Read",
};

const char *scopes_text(routing_scopes scopes, const char *business_id, char text[SCOPES_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < SCOPE_COUNT && used < SCOPES_TEXT; i++)
        if (scopes & (1u << i))
            used += (size_t)snprintf(text + used, SCOPES_TEXT - used, "%s%s:%s", used ? " " : "",
                                     business_id, names[i]);
    return text;
}

/* 0 when it is none of ours. */
static routing_scopes scope_of(const char *word, size_t length, const char *business_id)
{
    size_t prefix = strlen(business_id);
    if (length <= prefix || strncmp(word, business_id, prefix) != 0 || word[prefix] != ':')
        return 0;
    word += prefix + 1;
    length -= prefix + 1;
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (strlen(names[i]) == length && strncmp(word, names[i], length) == 0)
            return 1u << i;
    return 0;
}

static routing_scopes read_all(const char *text, const char *business_id, bool *ret_all_known)
{
    routing_scopes scopes = 0;
    *ret_all_known = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        routing_scopes one = scope_of(text, length, business_id);
        *ret_all_known = *ret_all_known && one;
        scopes |= one;
        text += length;
        if (*text == ' ' && *++text == '\0')
            *ret_all_known = false;
    }
    return scopes;
}

bool scopes_parse(const char *text, const char *business_id, routing_scopes *ret_scopes)
{
    bool all_known;
    routing_scopes scopes = read_all(text, business_id, &all_known);
    if (all_known)
        *ret_scopes = scopes;
    return all_known;
}

routing_scopes scopes_known(const char *text, const char *business_id)
{
    bool all_known;
    return read_all(text, business_id, &all_known);
}
