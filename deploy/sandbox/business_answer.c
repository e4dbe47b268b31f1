/* What the made-up business system says: receipts for what it stored, outcomes of what it decided.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

#define ANSWERS_MOST 500

struct answers { /* results of one call, side by side with what was sent */
    char ids[ANSWERS_MOST][24];
    const char *id[ANSWERS_MOST], *result[ANSWERS_MOST];
    size_t count;
};

static json_t *receipt_json(const struct db_rows *rows, size_t i)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, db_get_number(rows, i, 0));
    const char *problems = db_get_text(rows, i, 2);
    json_t *receipt = json_pack("{s:s, s:s, s:s}", "id", id, "sha256", db_get_text(rows, i, 1),
                                "result", problems ? "rejected" : "accepted");
    if (problems)
        json_object_set_new(receipt, "problems", json_loads(problems, 0, NULL));
    return receipt;
}

static json_t *outcome_json(const struct db_rows *rows, size_t i)
{
    return business_outcome(db_get_number(rows, i, 0), db_get_text(rows, i, 2),
                            db_get_boolean(rows, i, 3), db_get_text(rows, i, 1));
}

/* What stays due: `claimed`, until another consumer's claim ends. */
static bool read_results(const json_t *answer, const struct db_rows *rows, struct answers *ret,
                         struct failure *f)
{
    const json_t *results = json_object_get(answer, "results");
    if (json_array_size(results) != db_row_count(rows))
        return failure_set(f, FAILURE_PEER, "not everything we sent was answered");
    for (size_t i = 0; i < json_array_size(results); i++) {
        const char *result =
            json_string_value(json_object_get(json_array_get(results, i), "result"));
        if (!result)
            return failure_set(f, FAILURE_PEER, "an answer to what we sent has no result");
        if (strcmp(result, "claimed") == 0)
            continue;
        if (strcmp(result, "taken") != 0 && strcmp(result, "repeated") != 0)
            log_warning("answer.refused", log_number("id", db_get_number(rows, i, 0)),
                        log_text("result", result));
        snprintf(ret->ids[ret->count], sizeof ret->ids[0], "%" PRId64, db_get_number(rows, i, 0));
        ret->id[ret->count] = ret->ids[ret->count];
        ret->result[ret->count++] = result;
    }
    return true;
}

struct channel { /* receipts or outcomes */
    const char *path;
    bool (*due)(struct business_store *store, int64_t after, struct db_rows **ret_rows,
                struct failure *f);
    json_t *(*to_json)(const struct db_rows *rows, size_t i);
    bool (*note)(struct business_store *store, const char *const *ids, const char *const *results,
                 size_t count, struct failure *f);
};

static bool send_rows(struct business *b, const struct channel *channel, const struct db_rows *rows,
                      struct failure *f)
{
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_array_append_new(list, channel->to_json(rows, i));
    _cleanup_(cleanup_text) char *text = json_dumps(list, JSON_COMPACT);
    _cleanup_(cleanup_json) json_t *answer =
        business_call(b, "POST", channel->path, bytes_of_text(text), f);
    if (!answer)
        return false;
    struct answers *answers = memory_allocate(sizeof *answers);
    bool done = read_results(answer, rows, answers, f) &&
                channel->note(&b->store, answers->id, answers->result, answers->count, f);
    free(answers);
    return done;
}

static bool send_all(struct business *b, const struct channel *channel, struct failure *f)
{
    for (int64_t after = 0;;) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!channel->due(&b->store, after, &rows, f))
            return false;
        if (db_row_count(rows) == 0)
            return true;
        after = db_get_number(rows, db_row_count(rows) - 1, 0);
        if (!send_rows(b, channel, rows, f))
            return false;
    }
}

bool business_answer(struct business *b, struct failure *f)
{
    static const struct channel receipts = {"/routing/v1/receipts", business_store_receipts,
                                            receipt_json, business_store_receipted};
    static const struct channel outcomes = {"/routing/v1/outcomes", business_store_outcomes,
                                            outcome_json, business_store_told};
    return send_all(b, &receipts, f) && send_all(b, &outcomes, f);
}
