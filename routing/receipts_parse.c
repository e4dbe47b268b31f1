/* The body of POST /routing/v1/receipts, read strictly: one wrong receipt refuses the request, and
 * nothing of it is taken. Error texts say which receipt and which item, never what stands there. */
#include "routing/receipts_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/claim.h"

static bool read_hash(const json_t *receipt, char ret_sha256[65], struct body_fault *fault)
{
    const char *text;
    uint8_t hash[32];
    if (!body_text(receipt, "sha256", 64, false, &text, fault))
        return false;
    if (strlen(text) != 64)
        return body_fault_set(fault, "E0003", "sha256 must be 64 hexadecimal digits");
    if (!hex_decode(text, hash, sizeof hash))
        return body_fault_set(fault, "E0002", "sha256 must be 64 hexadecimal digits");
    hex_encode(hash, sizeof hash, ret_sha256);
    return true;
}

static bool read_result(const json_t *receipt, bool *ret_accepted, struct body_fault *fault)
{
    const char *text;
    if (!body_text(receipt, "result", 32, false, &text, fault))
        return false;
    *ret_accepted = strcmp(text, "accepted") == 0;
    return *ret_accepted || strcmp(text, "rejected") == 0 ||
           body_fault_set(fault, "E0002", "result must be accepted or rejected");
}

/* The claim under which the item was got; "" without. */
static bool read_claim(const json_t *receipt, char ret_claim[37], struct body_fault *fault)
{
    const char *text;
    struct claim claim;
    ret_claim[0] = '\0';
    if (!json_object_get(receipt, "claim"))
        return true;
    if (!body_text(receipt, "claim", CLAIM_TEXT - 1, false, &text, fault))
        return false;
    if (!claim_read(text, &claim))
        return body_fault_set(fault, "E0002", "claim is not one");
    snprintf(ret_claim, 37, "%s", claim.id);
    return true;
}

/* *ret_problems comes back NULL for an accepted item. */
static bool read_problems(const json_t *receipt, bool accepted, char **ret_problems,
                          struct body_fault *fault)
{
    _cleanup_(cleanup_json) json_t *problems = NULL;
    if (!body_problems(receipt, "problems", &problems, fault))
        return false;
    size_t count = json_array_size(problems);
    if (accepted != (count == 0))
        return body_fault_set(fault, "E0004",
                              "problems belong to rejected, which needs at least one");
    *ret_problems = count ? json_dumps(problems, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    return true;
}

static bool read_receipt(const json_t *from, struct outbox_receipt *to, char **ret_problems,
                         struct body_fault *fault)
{
    bool read = body_id(from, "id", &to->outbox_id, fault) && read_hash(from, to->sha256, fault) &&
                read_result(from, &to->accepted, fault) && read_claim(from, to->claim, fault) &&
                read_problems(from, to->accepted, ret_problems, fault);
    to->problems = read ? *ret_problems : NULL;
    return read;
}

static bool read_all(const json_t *body, struct receipts *receipts, struct body_fault *fault)
{
    for (size_t i = 0; i < receipts->count; i++) {
        struct body_fault one = {0};
        if (!read_receipt(json_array_get(body, i), &receipts->list[i], &receipts->problems[i],
                          &one))
            return body_fault_set(fault, one.code, "Receipt %zu: %s.", i + 1, one.text);
    }
    return true;
}

bool receipts_parse(const json_t *body, struct receipts *ret_receipts, struct body_fault *fault)
{
    size_t count = json_array_size(body);
    if (count == 0)
        return body_fault_set(fault, "E0001", "The body must be an array of receipts.");
    if (count > RECEIPTS_MOST)
        return body_fault_set(fault, "E0003", "At most %d receipts a request.", RECEIPTS_MOST);
    struct receipts receipts = {memory_allocate(count * sizeof *receipts.list),
                                memory_allocate(count * sizeof *receipts.problems), count};
    if (read_all(body, &receipts, fault)) {
        *ret_receipts = receipts;
        return true;
    }
    receipts_free(&receipts);
    return false;
}

void receipts_free(struct receipts *receipts)
{
    for (size_t i = 0; i < receipts->count; i++)
        free(receipts->problems[i]);
    free(receipts->problems);
    free(receipts->list);
    *receipts = (struct receipts){0};
}
