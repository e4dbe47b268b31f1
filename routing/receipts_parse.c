/* The body of POST /routing/v1/receipts, read strictly: one wrong receipt refuses the request, and
 * nothing of it is taken. Error texts say which receipt and which item, never what stands there. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/receipts_parse.h"

struct fault {
    const char *code, *text;
};

static bool fault_set(struct fault *fault, const char *code, const char *text)
{
    *fault = (struct fault){code, text};
    return false;
}

static bool read_id(const json_t *receipt, int64_t *ret_id, struct fault *fault)
{
    const char *id = json_string_value(json_object_get(receipt, "id"));
    if (!id)
        return fault_set(fault, "E0001", "id is required, as a string");
    if (!number_parse(id, 1, INT64_MAX, ret_id))
        return fault_set(fault, "E0002", "id must be the item's decimal id");
    return true;
}

static bool read_hash(const json_t *receipt, char ret_sha256[65], struct fault *fault)
{
    const char *text = json_string_value(json_object_get(receipt, "sha256"));
    uint8_t hash[32];
    if (!text)
        return fault_set(fault, "E0001", "sha256 is required, as a string");
    if (strlen(text) != 64)
        return fault_set(fault, "E0003", "sha256 must be 64 hexadecimal digits");
    if (!hex_decode(text, hash, sizeof hash))
        return fault_set(fault, "E0002", "sha256 must be 64 hexadecimal digits");
    hex_encode(hash, sizeof hash, ret_sha256);
    return true;
}

static bool read_result(const json_t *receipt, bool *ret_accepted, struct fault *fault)
{
    const char *text = json_string_value(json_object_get(receipt, "result"));
    if (!text)
        return fault_set(fault, "E0001", "result is required, as a string");
    *ret_accepted = strcmp(text, "accepted") == 0;
    if (!*ret_accepted && strcmp(text, "rejected") != 0)
        return fault_set(fault, "E0002", "result must be accepted or rejected");
    return true;
}

/* Copies one text of a problem; *length counts characters. */
static bool copy_problem_text(const json_t *problem, const char *key, size_t most, json_t *copy,
                              struct fault *fault)
{
    const char *text = json_string_value(json_object_get(problem, key));
    if (!text)
        return fault_set(fault, "E0001", "a problem needs code, item and message, as strings");
    if (utf8_length(text) > most)
        return fault_set(fault, "E0003",
                         "a problem's code has at most 64, item 128, message 500 characters");
    json_object_set_new(copy, key, json_string(text));
    return true;
}

static bool copy_problem(const json_t *problem, json_t *list, struct fault *fault)
{
    json_t *copy = json_object();
    json_array_append_new(list, copy);
    return copy_problem_text(problem, "code", 64, copy, fault) &&
           copy_problem_text(problem, "item", 128, copy, fault) &&
           copy_problem_text(problem, "message", 500, copy, fault);
}

/* *ret_problems comes back NULL for an accepted item. */
static bool read_problems(const json_t *receipt, bool accepted, char **ret_problems,
                          struct fault *fault)
{
    const json_t *problems = json_object_get(receipt, "problems");
    if (problems && !json_is_array(problems))
        return fault_set(fault, "E0002", "problems must be an array");
    size_t count = json_array_size(problems);
    if (accepted != (count == 0))
        return fault_set(fault, "E0004", "problems belong to rejected, which needs at least one");
    if (count > ROUTING_PROBLEMS_MOST)
        return fault_set(fault, "E0003", "a receipt has at most 20 problems");
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (!copy_problem(json_array_get(problems, i), list, fault))
            return false;
    *ret_problems = count ? json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    return true;
}

static bool read_receipt(const json_t *from, struct outbox_receipt *to, char **ret_problems,
                         struct fault *fault)
{
    bool read = read_id(from, &to->outbox_id, fault) && read_hash(from, to->sha256, fault) &&
                read_result(from, &to->accepted, fault) &&
                read_problems(from, to->accepted, ret_problems, fault);
    to->problems = read ? *ret_problems : NULL;
    return read;
}

bool receipts_parse(struct http_request *request, const json_t *body, struct receipts *ret_receipts)
{
    size_t count = json_array_size(body);
    if (!json_is_array(body) || count == 0)
        http_reply_error(request, 400, "E0001", "The body must be an array of receipts.");
    else if (count > ROUTING_RECEIPTS_MOST)
        http_reply_error(request, 400, "E0003", "At most %d receipts a request.",
                         ROUTING_RECEIPTS_MOST);
    if (count == 0 || count > ROUTING_RECEIPTS_MOST)
        return false;
    struct receipts receipts = {memory_allocate(count * sizeof *receipts.list),
                                memory_allocate(count * sizeof *receipts.problems), count};
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++)
        if (!read_receipt(json_array_get(body, i), &receipts.list[i], &receipts.problems[i],
                          &fault)) {
            http_reply_error(request, 400, fault.code, "Receipt %zu: %s.", i + 1, fault.text);
            receipts_free(&receipts);
            return false;
        }
    *ret_receipts = receipts;
    return true;
}

void receipts_free(struct receipts *receipts)
{
    for (size_t i = 0; i < receipts->count; i++)
        free(receipts->problems[i]);
    free(receipts->problems);
    free(receipts->list);
    *receipts = (struct receipts){0};
}
