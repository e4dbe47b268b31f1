#include "routing/portal_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"

static const int64_t size_most = (int64_t)1 << 40; /* bytes; the real limit is the package's */
static const int64_t token_lasts_most = 86400;     /* seconds */

/* Text without surprises: visible ASCII, so that it may stand in a header, a URL or the log. */
static bool plain(const char *text, size_t least, size_t most)
{
    size_t length = 0;
    for (; text[length]; length++)
        if (length == most || text[length] <= ' ' || text[length] > '~')
            return false;
    return length >= least;
}

/* Copies the member's text into `room` bytes; false when it is no text or too long. */
static bool take_text(const json_t *object, const char *name, char *ret_text, size_t room)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value) || json_string_length(value) >= room)
        return false;
    memcpy(ret_text, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool take_number(const json_t *object, const char *name, int64_t least, int64_t most,
                        int64_t *ret_number)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return false;
    *ret_number = json_integer_value(value);
    return true;
}

static const json_t *result_of(const json_t *answer)
{
    return json_object_get(answer, "result"); /* NULL when the answer is no object */
}

/* --- login ------------------------------------------------------------------------------------ */

bool portal_answer_login(const json_t *answer, char **ret_token, instant *ret_lasts,
                         struct failure *f)
{
    const json_t *result = result_of(answer);
    char token[PORTAL_TOKEN_MOST + 1];
    int64_t seconds;
    bool good = take_text(result, "token", token, sizeof token) &&
                plain(token, 1, PORTAL_TOKEN_MOST) &&
                take_number(result, "expires_in", 1, token_lasts_most, &seconds);
    if (good) {
        *ret_token = text_copy(token);
        *ret_lasts = seconds * INSTANT_SECOND;
    }
    explicit_bzero(token, sizeof token);
    return good || failure_set(f, FAILURE_PEER,
                               "the portal's answer to the login has no usable token, expires_in");
}

/* --- the list --------------------------------------------------------------------------------- */

static bool name_valid(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return text[0] && text[strspn(text, allowed)] == 0;
}

static bool take_applied_at(const json_t *object, instant *ret_at)
{
    char text[INSTANT_TEXT + 8];
    return take_text(object, "applied_at", text, sizeof text) && instant_parse(text, ret_at);
}

/* NULL, or the member that is not what it should be. */
static const char *take_entry(const json_t *object, const char *city_code,
                              struct portal_entry *ret_entry)
{
    struct portal_entry e = {0};
    uint8_t hash[32];
    if (!take_text(object, "receipt_number", e.receipt_number, sizeof e.receipt_number) ||
        !receipt_number_valid(e.receipt_number))
        return "receipt_number";
    if (!take_text(object, "city_code", e.city_code, sizeof e.city_code) ||
        !dantai_code_valid(e.city_code) || strcmp(e.city_code, city_code) != 0)
        return "city_code";
    if (!take_text(object, "procedure_id", e.procedure_id, sizeof e.procedure_id) ||
        !name_valid(e.procedure_id))
        return "procedure_id";
    if (!take_text(object, "form_version", e.form_version, sizeof e.form_version) ||
        !name_valid(e.form_version))
        return "form_version";
    if (!take_applied_at(object, &e.applied_at))
        return "applied_at";
    if (!take_number(object, "size", 0, size_most, &e.size))
        return "size";
    if (!take_text(object, "sha256", e.sha256, sizeof e.sha256) ||
        !hex_decode(e.sha256, hash, sizeof hash))
        return "sha256";
    if (json_object_get(object, "corrects") &&
        (!take_text(object, "corrects", e.corrects, sizeof e.corrects) ||
         !receipt_number_valid(e.corrects)))
        return "corrects";
    const char *status = json_string_value(json_object_get(object, "status"));
    e.withdrawn = status && strcmp(status, PORTAL_WITHDRAWN) == 0;
    hex_encode(hash, sizeof hash, e.sha256); /* in lower case */
    *ret_entry = e;
    return NULL;
}

static bool listed_before(const struct portal_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].receipt_number, entries[count].receipt_number) == 0)
            return true;
    return false;
}

static bool take_entries(const json_t *list, const char *city_code, struct portal_entry *entries,
                         size_t most, struct portal_page *page, struct failure *f)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list))
        return failure_set(f, FAILURE_PEER, "the portal's list has no result.applications");
    if (count > most)
        return failure_set(f, FAILURE_PEER, "the portal's list has %zu entries, %zu were asked for",
                           count, most);
    for (size_t i = 0; i < count; i++) {
        const char *fault = take_entry(json_array_get(list, i), city_code, &entries[page->count]);
        if (!fault && listed_before(entries, page->count))
            fault = "listed twice";
        page->fault = page->fault ? page->fault : fault;
        page->count += !fault;
        page->left_out += fault != NULL;
    }
    return true;
}

/* A cursor that stands still would be followed for ever. */
static bool take_cursor(const json_t *result, const char *asked, char next[PORTAL_CURSOR_SIZE])
{
    const json_t *value = json_object_get(result, "next_cursor");
    next[0] = 0;
    if (!value || json_is_null(value))
        return true;
    return take_text(result, "next_cursor", next, PORTAL_CURSOR_SIZE) &&
           plain(next, 0, PORTAL_CURSOR_SIZE - 1) && (!next[0] || strcmp(next, asked) != 0);
}

bool portal_answer_list(const json_t *answer, const char *city_code,
                        char cursor[PORTAL_CURSOR_SIZE], struct portal_entry *ret_entries,
                        size_t most, struct portal_page *ret_page, struct failure *f)
{
    const json_t *result = result_of(answer);
    const json_t *list = json_object_get(result, "applications");
    char next[PORTAL_CURSOR_SIZE];
    struct portal_page page = {0};
    struct portal_entry *entries = memory_allocate(most * sizeof *entries);
    bool good = take_entries(list, city_code, entries, most, &page, f) &&
                (take_cursor(result, cursor, next) ||
                 failure_set(f, FAILURE_PEER, "the portal's list: next_cursor is not valid"));
    if (good) {
        *ret_page = page;
        memcpy(ret_entries, entries, page.count * sizeof *entries);
        memcpy(cursor, next, sizeof next);
    }
    free(entries);
    return good;
}

/* --- withdrawals ------------------------------------------------------------------------------ */

/* NULL, or the member that is not what it should be. */
static const char *take_withdrawal(const json_t *object, struct portal_withdrawal *ret)
{
    char text[INSTANT_TEXT + 8];
    if (!take_text(object, "receipt_number", ret->receipt_number, sizeof ret->receipt_number) ||
        !receipt_number_valid(ret->receipt_number))
        return "receipt_number";
    return take_text(object, "withdrawn_at", text, sizeof text) && instant_parse(text, &ret->at)
               ? NULL
               : "withdrawn_at";
}

bool portal_answer_withdrawals(const json_t *answer, char cursor[PORTAL_CURSOR_SIZE],
                               struct portal_withdrawal *ret_withdrawals, size_t most,
                               struct portal_page *ret_page, struct failure *f)
{
    const json_t *result = result_of(answer);
    const json_t *list = json_object_get(result, "withdrawals");
    char next[PORTAL_CURSOR_SIZE];
    struct portal_page page = {0};
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > most || !take_cursor(result, cursor, next))
        return failure_set(f, FAILURE_PEER, "the portal's list of withdrawals is not valid");
    for (size_t i = 0; i < count; i++) {
        const char *fault = take_withdrawal(json_array_get(list, i), &ret_withdrawals[page.count]);
        page.fault = page.fault ? page.fault : fault;
        page.count += !fault;
        page.left_out += fault != NULL;
    }
    memcpy(cursor, next, sizeof next);
    *ret_page = page;
    return true;
}

/* --- statuses --------------------------------------------------------------------------------- */

static bool take_status(const json_t *object, const struct portal_status *asked, bool *ret_done)
{
    const json_t *receipt = json_object_get(object, "receipt_number");
    const json_t *registered = json_object_get(object, "registered");
    if (!json_is_string(receipt) || !json_is_boolean(registered) ||
        strcmp(json_string_value(receipt), asked->receipt_number) != 0)
        return false;
    *ret_done = json_is_true(registered);
    return true;
}

bool portal_answer_statuses(const json_t *answer, const struct portal_status *statuses,
                            size_t count, bool *ret_done, struct failure *f)
{
    const json_t *list = json_object_get(result_of(answer), "statuses");
    bool *done = memory_allocate(count * sizeof *done);
    bool good = json_array_size(list) == count;
    for (size_t i = 0; good && i < count; i++)
        good = take_status(json_array_get(list, i), &statuses[i], &done[i]);
    if (good)
        memcpy(ret_done, done, count * sizeof *done);
    free(done);
    return good ||
           failure_set(f, FAILURE_PEER,
                       "the portal's answer does not say which of %zu statuses it took", count);
}

/* --- the rest --------------------------------------------------------------------------------- */

void portal_answer_error_code(struct bytes body, char ret_code[6])
{
    _cleanup_(cleanup_json) json_t *json =
        json_loadb((const char *)body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    char code[6];
    bool good =
        take_text(first, "code", code, sizeof code) && code[0] == 'E' && digits_only(code + 1, 4);
    memcpy(ret_code, good ? code : "", good ? sizeof code : 1);
}

bool portal_content_range(const char *header, int64_t *ret_first, int64_t *ret_last,
                          int64_t *ret_total)
{
    int64_t first = -1, last = -1, total = -1;
    int end = 0;
    if (strlen(header) > 60 || strspn(header, "bytes */-0123456789") != strlen(header))
        return false;
    if (sscanf(header, "bytes */%15" SCNd64 "%n", &total, &end) == 1 && !header[end] &&
        total >= 0) {
        *ret_first = *ret_last = -1;
        *ret_total = total;
        return true;
    }
    end = 0;
    if (sscanf(header, "bytes %15" SCNd64 "-%15" SCNd64 "/%15" SCNd64 "%n", &first, &last, &total,
               &end) != 3 ||
        header[end] || first < 0 || last < first || total <= last)
        return false;
    *ret_first = first;
    *ret_last = last;
    *ret_total = total;
    return true;
}
