/* Any bytes as the body of receipts ('r'), outcomes ('o'), a claim's name ('c') or scopes ('s'): a
 * fault with a code of ours, or what was read is what it should be, and reading it again agrees. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "routing/claim.h"
#include "routing/outcomes_parse.h"
#include "routing/receipts_parse.h"
#include "routing/scope.h"
#include "tests/fuzz/fuzz.h"

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_fault(const struct body_fault *fault)
{
    demand(strlen(fault->code) == 5 && strncmp(fault->code, "E000", 4) == 0);
    demand(fault->code[4] >= '1' && fault->code[4] <= '4' && fault->text[0]);
}

static void check_receipts(const json_t *body)
{
    struct receipts receipts = {0};
    struct body_fault fault = {0};
    if (!receipts_parse(body, &receipts, &fault)) {
        check_fault(&fault);
        return;
    }
    demand(receipts.count >= 1 && receipts.count <= RECEIPTS_MOST);
    for (size_t i = 0; i < receipts.count; i++) {
        const struct outbox_receipt *r = &receipts.list[i];
        uint8_t hash[32];
        demand(r->outbox_id > 0 && hex_decode(r->sha256, hash, sizeof hash));
        demand(r->accepted == !r->problems && (!r->claim[0] || uuid_valid(r->claim)));
    }
    receipts_free(&receipts);
}

static void check_outcomes(const json_t *body)
{
    struct outcomes outcomes = {0};
    struct body_fault fault = {0};
    if (!outcomes_parse(body, &outcomes, &fault)) {
        check_fault(&fault);
        return;
    }
    demand(outcomes.count >= 1 && outcomes.count <= OUTCOMES_MOST);
    for (size_t i = 0; i < outcomes.count; i++) {
        const struct outcome *o = &outcomes.list[i];
        demand((o->outbox_id > 0) != (o->receipt_number[0] != '\0'));
        demand(!o->receipt_number[0] || receipt_number_valid(o->receipt_number));
        demand(!o->message || utf8_length(o->message) <= OUTCOMES_MESSAGE_MOST);
        _cleanup_(cleanup_json) json_t *content = json_read(bytes_of_text(o->content));
        demand(json_is_object(content));
    }
    outcomes_free(&outcomes);
}

static void check_text(char kind, const char *text)
{
    struct claim claim;
    routing_scopes scopes;
    char again[SCOPES_TEXT];
    if (kind == 'c' && claim_read(text, &claim))
        demand(claim.first >= 1 && claim.first <= claim.last && uuid_valid(claim.id));
    if (kind == 's' && scopes_parse(text, "029", &scopes)) {
        routing_scopes same;
        demand((scopes & ~SCOPES_ALL) == 0 && scopes_known(text, "029") == scopes);
        demand(scopes_parse(scopes_text(scopes, "029", again), "029", &same) && same == scopes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    _cleanup_(cleanup_text) char *text = text_copy_n((const char *)data + 1, size - 1);
    _cleanup_(cleanup_json) json_t *body =
        json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
    if (body && data[0] == 'r')
        check_receipts(body);
    else if (body && data[0] == 'o')
        check_outcomes(body);
    check_text((char)data[0], text);
    return 0;
}
