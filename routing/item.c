#include "routing/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* The verdict alone: indication and the time it was judged at. The evidence stays with us. */
static json_t *verification(const json_t *report)
{
    return json_pack("{s:O?, s:O?}", "indication", json_object_get(report, "indication"),
                     "judged_at", json_object_get(report, "judged_at"));
}

void item_build(const struct item_source *source, struct buffer *ret_json, uint8_t ret_sha256[32])
{
    char applied_at[INSTANT_TEXT];
    instant_text_jst(source->applied_at, applied_at);
    /* Strings that are not UTF-8 would make this NULL; all of them have passed our own checks. */
    _cleanup_(cleanup_json) json_t *item = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:O, s:o, s:s, s:s*}", "city_code",
        source->city_code, "receipt_number", source->receipt_number, "procedure", "id",
        source->procedure_id, "form_version", source->form_version, "applied_at", applied_at,
        "atenabango", source->atenabango, "legal_basis", source->route->legal_basis, "record",
        source->record, "verification", verification(source->report), "package_sha256",
        source->package_sha256, "corrects", source->corrects);
    char *text = json_dumps(item, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        abort();
    struct bytes bytes = bytes_of_text(text);
    sha256(bytes, ret_sha256);
    buffer_append(ret_json, bytes.data, bytes.length);
    explicit_bzero(text, bytes.length); /* may hold 個人番号 */
    free(text);
}
