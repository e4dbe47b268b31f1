/* Any bytes as a file of receipts ('c' CSV, 'j' JSON): a fault in words, or a body of POST
 * /routing/v1/receipts whose parts are taken or refused like any other; what CSV says is told in
 * full, as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/files_internal.h"
#include "routing/receipts_parse.h"
#include "tests/fuzz/fuzz.h"

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_receipt(const json_t *receipt)
{
    static const char *const keys[] = {"id", "sha256", "result", "problems"};
    size_t known = 0;
    demand(json_is_object(receipt));
    for (size_t i = 0; i < 4; i++)
        known += json_object_get(receipt, keys[i]) != NULL;
    demand(known == json_object_size(receipt)); /* nothing that no column says */
}

/* As many at a time as one request may have. */
static void check_parts(const json_t *body)
{
    for (size_t first = 0; first < json_array_size(body); first += RECEIPTS_MOST) {
        _cleanup_(cleanup_json) json_t *part = json_array();
        struct receipts receipts = {0};
        struct body_fault fault = {0};
        for (size_t i = first; i < json_array_size(body) && i < first + RECEIPTS_MOST; i++)
            json_array_append(part, json_array_get(body, i));
        if (!receipts_parse(part, &receipts, &fault)) {
            demand(fault.text[0] && utf8_valid(bytes_of_text(fault.text)));
            continue;
        }
        demand(receipts.count == json_array_size(part));
        receipts_free(&receipts);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char fault[200] = "";
    json_t *body = NULL;
    if (size == 0 || (data[0] != 'c' && data[0] != 'j'))
        return 0;
    const char *name = data[0] == 'c' ? "receipts.csv" : "receipts.json";
    if (!files_receipts_read(name, bytes_of(data + 1, size - 1), &body, fault, sizeof fault)) {
        demand(!body && fault[0] && strlen(fault) < sizeof fault - 1);
        demand(utf8_valid(bytes_of_text(fault)));
        return 0;
    }
    demand(json_array_size(body) > 0 && !fault[0]);
    for (size_t i = 0; data[0] == 'c' && i < json_array_size(body); i++)
        check_receipt(json_array_get(body, i));
    check_parts(body);
    json_decref(body);
    return 0;
}
