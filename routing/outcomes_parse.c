/* One wrong outcome refuses the request, and nothing of it is taken. */
#include "routing/outcomes_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* By the item's id, or by the receipt number: one of them. */
static bool read_which(const json_t *from, struct outcome *to, struct body_fault *fault)
{
    const char *receipt_number;
    bool by_id = json_object_get(from, "id"), by_number = json_object_get(from, "receipt_number");
    if (by_id && by_number)
        return body_fault_set(fault, "E0004", "id and receipt_number exclude each other");
    if (!by_number)
        return body_id(from, "id", &to->outbox_id, fault);
    if (!body_text(from, "receipt_number", 64, false, &receipt_number, fault))
        return false;
    if (!receipt_number_valid(receipt_number))
        return body_fault_set(fault, "E0002", "receipt_number is not one");
    snprintf(to->receipt_number, sizeof to->receipt_number, "%s", receipt_number);
    return true;
}

static bool read_kind(const json_t *from, struct outcome *to, struct body_fault *fault)
{
    const char *name;
    if (!body_text(from, "outcome", 32, false, &name, fault))
        return false;
    if (outcome_kind_from_name(name, &to->kind))
        return true;
    return body_fault_set(fault, "E0002", "outcome must be completed, rejected or incomplete");
}

/* Who is told that something is wrong must be told what. */
static bool check_combination(const struct outcome *to, size_t reasons, struct body_fault *fault)
{
    if (to->kind == OUTCOME_COMPLETED && reasons > 0)
        return body_fault_set(fault, "E0004", "reasons belong to rejected and incomplete");
    if (to->kind != OUTCOME_COMPLETED && reasons == 0)
        return body_fault_set(fault, "E0004", "rejected and incomplete need at least one reason");
    if (to->kind == OUTCOME_INCOMPLETE && !to->message)
        return body_fault_set(fault, "E0004", "incomplete needs a message for the resident");
    return true;
}

static bool read_outcome(const json_t *from, struct outcome *to, char **ret_content,
                         struct body_fault *fault)
{
    _cleanup_(cleanup_json) json_t *reasons = NULL;
    if (!read_which(from, to, fault) || !read_kind(from, to, fault) ||
        !body_problems(from, "reasons", &reasons, fault))
        return false;
    if (json_object_get(from, "message") &&
        !body_text(from, "message", OUTCOMES_MESSAGE_MOST, true, &to->message, fault))
        return false;
    if (!check_combination(to, json_array_size(reasons), fault))
        return false;
    _cleanup_(cleanup_json) json_t *content =
        json_pack("{s:s*, s:O}", "message", to->message, "reasons", reasons);
    *ret_content = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
    to->content = *ret_content;
    return *ret_content || body_fault_set(fault, "E0002", "message or reasons can't be written");
}

static bool read_all(const json_t *body, struct outcomes *outcomes, struct body_fault *fault)
{
    for (size_t i = 0; i < outcomes->count; i++) {
        struct body_fault one = {0};
        if (!read_outcome(json_array_get(body, i), &outcomes->list[i], &outcomes->contents[i],
                          &one))
            return body_fault_set(fault, one.code, "Outcome %zu: %s.", i + 1, one.text);
    }
    return true;
}

bool outcomes_parse(const json_t *body, struct outcomes *ret_outcomes, struct body_fault *fault)
{
    size_t count = json_array_size(body);
    if (count == 0)
        return body_fault_set(fault, "E0001", "The body must be an array of outcomes.");
    if (count > OUTCOMES_MOST)
        return body_fault_set(fault, "E0003", "At most %d outcomes a request.", OUTCOMES_MOST);
    struct outcomes outcomes = {memory_allocate(count * sizeof *outcomes.list),
                                memory_allocate(count * sizeof *outcomes.contents), count};
    if (read_all(body, &outcomes, fault)) {
        *ret_outcomes = outcomes;
        return true;
    }
    outcomes_free(&outcomes);
    return false;
}

void outcomes_free(struct outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->count; i++)
        if (outcomes->contents[i]) {
            explicit_bzero(outcomes->contents[i], strlen(outcomes->contents[i]));
            free(outcomes->contents[i]);
        }
    free(outcomes->contents);
    free(outcomes->list);
    *outcomes = (struct outcomes){0};
}
