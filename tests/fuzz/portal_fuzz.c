/* Any bytes as the portal's answer: what is taken from a list keeps its promises. The first byte
 * chooses which answer it is. */
#include <stdlib.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "routing/portal_answer.h"
#include "tests/fuzz/fuzz.h"

enum { ENTRIES = 8 };

static void check(const struct portal_entry *entry)
{
    if (!receipt_number_valid(entry->receipt_number) || !dantai_code_valid(entry->city_code) ||
        entry->size < 0 || strlen(entry->sha256) != 64 ||
        !utf8_valid(bytes_of_text(entry->procedure_id)) || !entry->form_version[0])
        abort();
}

static void try_list(const json_t *json, struct failure *f)
{
    struct portal_entry entries[ENTRIES];
    char cursor[PORTAL_CURSOR_SIZE] = "1";
    struct portal_page page = {0};
    if (!portal_answer_list(json, "992011", cursor, entries, ENTRIES, &page, f)) {
        if (f->kind != FAILURE_PEER || strcmp(cursor, "1") != 0 || page.count || page.left_out)
            abort();
        return;
    }
    if (page.count + page.left_out > ENTRIES || strcmp(cursor, "1") == 0 ||
        (page.left_out > 0) != (page.fault != NULL))
        abort();
    for (size_t i = 0; i < page.count; i++)
        check(&entries[i]);
}

static void try_withdrawals(const json_t *json, struct failure *f)
{
    struct portal_withdrawal found[ENTRIES];
    char cursor[PORTAL_CURSOR_SIZE] = "1";
    struct portal_page page = {0};
    if (!portal_answer_withdrawals(json, cursor, found, ENTRIES, &page, f)) {
        if (f->kind != FAILURE_PEER || strcmp(cursor, "1") != 0 || page.count || page.left_out)
            abort();
        return;
    }
    if (page.count + page.left_out > ENTRIES || strcmp(cursor, "1") == 0 ||
        (page.left_out > 0) != (page.fault != NULL))
        abort();
    for (size_t i = 0; i < page.count; i++)
        if (!receipt_number_valid(found[i].receipt_number))
            abort();
}

static void try_login(const json_t *json, struct failure *f)
{
    char *token = NULL;
    instant lasts;
    if (portal_answer_login(json, &token, &lasts, f) && (strpbrk(token, "\r\n ") || lasts <= 0))
        abort();
    free(token);
}

static void try_statuses(const json_t *json, struct failure *f)
{
    static const struct portal_status asked[] = {{"R-1", "取得済"}, {"R-2", "処理中"}};
    bool done[2] = {false, false};
    if (!portal_answer_statuses(json, asked, 2, done, f) && (done[0] || done[1]))
        abort();
}

static void try_range(struct bytes text)
{
    int64_t first, last, total;
    _cleanup_(cleanup_text) char *header = text_copy_n((const char *)text.data, text.length);
    if (portal_content_range(header, &first, &last, &total) &&
        (total < 0 || first > last || (first >= 0 && last >= total)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure f = {0};
    char code[6];
    if (size < 1)
        return 0;
    struct bytes body = bytes_of(data + 1, size - 1);
    _cleanup_(cleanup_json) json_t *json =
        json_loadb((const char *)body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
    if (data[0] == 'L')
        try_list(json, &f);
    else if (data[0] == 'W')
        try_withdrawals(json, &f);
    else if (data[0] == 'T')
        try_login(json, &f);
    else if (data[0] == 'S')
        try_statuses(json, &f);
    else if (data[0] == 'R')
        try_range(body);
    else
        portal_answer_error_code(body, code);
    return 0;
}
