/* A transaction's statements on their way to the server and back. Everything runs in libpq's
 * pipeline mode: what db_send sends is only queued, and the results are read, in order, when
 * somebody needs one. After an error the server skips what is behind it up to the sync point, and
 * the transaction is over. */
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"

#define STEPS_MOST 512 /* results that may wait unread: bounds the memory of a long pipeline */

bool tx_fail(struct db_tx *tx, const PGresult *result, const char *what, struct failure *f)
{
    struct failure why = {0};
    connection_failure(tx->connection, result, what, &why);
    tx->failed = true;
    if (connection_lost(tx->connection, result)) {
        tx->connection->discard = true;
        tx->again = tx->committing ? TX_NOT_AGAIN : TX_LOST;
        if (tx->committing)
            failure_prefix(&why, "the connection broke at COMMIT, so that it is not known whether "
                                 "it happened");
    } else if (why.kind == FAILURE_CONFLICT) {
        tx->again = TX_CONFLICT;
    } else if (strstr(why.text, "[SQLSTATE 0A000]")) {
        tx->connection->discard = true; /* "cached plan must not change": prepare anew */
    }
    return failure_set(f, why.kind, "%s", why.text);
}

static struct pipeline_step *step_add(struct db_tx *tx, const struct db_statement *statement)
{
    if (tx->step_count == tx->step_capacity) {
        tx->step_capacity = tx->step_capacity * 2 + 16;
        tx->steps = memory_resize(tx->steps, tx->step_capacity * sizeof *tx->steps);
    }
    struct pipeline_step *step = &tx->steps[tx->step_count++];
    *step = (struct pipeline_step){.statement = *statement, .expect_rows = -1};
    return step;
}

static bool prepare_once(struct db_tx *tx, const struct db_statement *statement, struct failure *f)
{
    struct db_connection *connection = tx->connection;
    if (connection_prepared(connection, statement))
        return true;
    if (PQsendPrepare(connection->pg, statement->name, statement->sql, 0, NULL) != 1)
        return tx_fail(tx, NULL, statement->name, f);
    step_add(tx, statement)->prepare = true;
    connection_remember(connection, statement);
    return true;
}

bool pipeline_push_control(struct db_tx *tx, const char *sql, struct failure *f)
{
    const struct db_statement statement = {sql, sql};
    if (PQsendQueryParams(tx->connection->pg, sql, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return tx_fail(tx, NULL, sql, f);
    step_add(tx, &statement);
    return true;
}

bool tx_begin(struct db_tx *tx, struct failure *f)
{
    if (tx->failed)
        return failure_set(f, FAILURE_DATABASE, "database: the transaction has failed already");
    if (tx->begun || tx->kind == TX_LOOK)
        return true;
    tx->begun = true;
    return pipeline_push_control(tx, "BEGIN", f) &&
           (tx->kind != TX_RELAXED || pipeline_push_control(tx, TX_ASYNCHRONOUS, f));
}

bool pipeline_push(struct db_tx *tx, const struct db_statement *statement,
                   const struct db_value *values, size_t count, int64_t expect_rows,
                   struct failure *f)
{
    if (!tx_begin(tx, f))
        return false;
    if (tx->step_count >= STEPS_MOST && !pipeline_drain(tx, NULL, f))
        return false;
    if (!prepare_once(tx, statement, f))
        return false;
    struct db_parameters p;
    db_parameters_make(&p, values, count);
    int sent = PQsendQueryPrepared(tx->connection->pg, statement->name, p.count, p.values,
                                   p.lengths, p.formats, 1);
    db_parameters_free(&p);
    if (sent != 1)
        return tx_fail(tx, NULL, statement->name, f);
    step_add(tx, statement)->expect_rows = expect_rows;
    tx->expecting |= expect_rows >= 0;
    return true;
}

static bool step_check(struct db_tx *tx, const struct pipeline_step *step, const PGresult *result,
                       struct failure *f)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return tx_fail(tx, result, step->statement.name, f);
    const char *ended = PQcmdStatus((PGresult *)result);
    if (strcmp(step->statement.name, "COMMIT") == 0 && strcmp(ended, "COMMIT") != 0)
        return failure_set(f, FAILURE_DATABASE, "database: COMMIT ended as %s", ended);
    int64_t rows = strtoll(PQcmdTuples((PGresult *)result), NULL, 10);
    if (step->expect_rows < 0 || rows == step->expect_rows)
        return true;
    tx->failed = true;
    return failure_set(f, FAILURE_CONFLICT,
                       "database (%s): %lld rows instead of %lld: somebody else was faster",
                       step->statement.name, (long long)rows, (long long)step->expect_rows);
}

/* The result of one step and the NULL behind it. NULL when the connection is gone. */
static PGresult *step_result(struct db_tx *tx)
{
    PGresult *result = PQgetResult(tx->connection->pg);
    while (result) {
        PGresult *next = PQgetResult(tx->connection->pg);
        if (!next)
            break;
        PQclear(result); /* only a connection that breaks gives more than one */
        result = next;
    }
    return result;
}

/* *ret_result is what the step does not give to who asked. After a step that was bad (`good` is
 * false) the results are only read. */
static bool step_read(struct db_tx *tx, const struct pipeline_step *step, bool good,
                      PGresult **ret_result, struct failure *f)
{
    _cleanup_(cleanup_result) PGresult *result = step_result(tx);
    if (!result || connection_lost(tx->connection, result))
        return tx_fail(tx, result, step->statement.name, good ? f : NULL);
    bool done = good && step_check(tx, step, result, f);
    if (step->prepare && PQresultStatus(result) != PGRES_COMMAND_OK)
        connection_forget(tx->connection, step->statement.name);
    if (done && step->ret_rows)
        *step->ret_rows = db_rows_make(TAKE(result));
    else if (done)
        *ret_result = TAKE(result);
    return done;
}

/* Reads the results of all steps. The first that is bad decides; those behind it were skipped. */
static bool steps_read(struct db_tx *tx, PGresult **ret_last, struct failure *f)
{
    bool good = true;
    for (size_t i = 0; i < tx->step_count && !tx->connection->discard; i++) {
        _cleanup_(cleanup_result) PGresult *result = NULL;
        good = step_read(tx, &tx->steps[i], good, &result, f);
        if (good && i + 1 == tx->step_count)
            *ret_last = TAKE(result);
    }
    return good;
}

bool pipeline_drain(struct db_tx *tx, PGresult **ret_last, struct failure *f)
{
    PGresult *last = NULL;
    bool synced = PQpipelineSync(tx->connection->pg) == 1;
    bool good = synced ? steps_read(tx, &last, f) : tx_fail(tx, NULL, "send", f);
    tx->step_count = 0;
    tx->expecting = false;
    if (good || !tx->connection->discard) {
        _cleanup_(cleanup_result) PGresult *sync = PQgetResult(tx->connection->pg);
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC && good)
            good = tx_fail(tx, sync, "sync", f);
    }
    if (good && ret_last)
        *ret_last = last;
    else
        PQclear(last);
    return good;
}

bool tx_leave_pipeline(struct db_tx *tx, struct failure *f)
{
    if (!tx_begin(tx, f) || !pipeline_drain(tx, NULL, f))
        return false;
    return PQexitPipelineMode(tx->connection->pg) == 1 || tx_fail(tx, NULL, "pipeline mode", f);
}

bool tx_enter_pipeline(struct db_tx *tx, struct failure *f)
{
    return PQenterPipelineMode(tx->connection->pg) == 1 || tx_fail(tx, NULL, "pipeline mode", f);
}

bool tx_script(struct db_tx *tx, const char *what, const char *sql, struct failure *f)
{
    if (!tx_leave_pipeline(tx, f))
        return false;
    _cleanup_(cleanup_result) PGresult *result = PQexec(tx->connection->pg, sql);
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good)
        tx_fail(tx, result, what, f);
    return tx_enter_pipeline(tx, good ? f : NULL) && good;
}

bool db_query(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
              size_t count, struct db_rows **ret_rows, struct failure *f)
{
    PGresult *result = NULL;
    if (!pipeline_push(tx, statement, values, count, -1, f) || !pipeline_drain(tx, &result, f))
        return false;
    *ret_rows = db_rows_make(result);
    return true;
}

void pipeline_forget(struct db_tx *tx)
{
    for (size_t i = 0; i < tx->step_count; i++)
        tx->steps[i].ret_rows = NULL;
}

/* Nothing is written there any more: neither by who reads what is still on its way, … */
static void questions_forget(struct db_tx *tx, const struct db_question *questions, size_t count)
{
    pipeline_forget(tx);
    for (size_t i = 0; i < count; i++) { /* … nor half of what was asked for */
        if (*questions[i].ret_rows)
            db_rows_free(*questions[i].ret_rows);
        *questions[i].ret_rows = NULL;
    }
}

static bool question_push(struct db_tx *tx, const struct db_statement *statement,
                          const struct db_value *values, size_t count, struct db_rows **ret_rows,
                          struct failure *f)
{
    if (!pipeline_push(tx, statement, values, count, -1, f))
        return false;
    tx->steps[tx->step_count - 1].ret_rows = ret_rows;
    return true;
}

/* Sends off what libpq, and PostgreSQL, would keep until somebody waits. */
bool db_ask(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
            size_t count, struct db_rows **ret_rows, struct failure *f)
{
    *ret_rows = NULL;
    if (!question_push(tx, statement, values, count, ret_rows, f))
        return false;
    return (PQsendFlushRequest(tx->connection->pg) == 1 && PQflush(tx->connection->pg) >= 0) ||
           tx_fail(tx, NULL, statement->name, f);
}

bool db_wait_for(struct db_tx *tx, struct db_rows **ret_rows, struct failure *f)
{
    size_t last = 0, read = 0;
    bool good = true;
    while (last < tx->step_count && tx->steps[last].ret_rows != ret_rows)
        last++;
    if (last == tx->step_count)
        return true; /* another waited already */
    for (; good && read <= last; read++) {
        _cleanup_(cleanup_result) PGresult *result = NULL;
        good = step_read(tx, &tx->steps[read], true, &result, f);
    }
    tx->step_count -= read;
    memmove(tx->steps, tx->steps + read, tx->step_count * sizeof *tx->steps);
    return good;
}

bool db_wait(struct db_tx *tx, struct failure *f)
{
    return pipeline_drain(tx, NULL, f);
}

bool db_query_all(struct db_tx *tx, const struct db_question *questions, size_t count,
                  struct failure *f)
{
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        const struct db_question *q = &questions[i];
        good = question_push(tx, q->statement, q->values, q->count, q->ret_rows, f);
    }
    if (good && pipeline_drain(tx, NULL, f))
        return true;
    questions_forget(tx, questions, count);
    return false;
}

bool db_execute(struct db_tx *tx, const struct db_statement *statement,
                const struct db_value *values, size_t count, int64_t *ret_affected,
                struct failure *f)
{
    _cleanup_(cleanup_result) PGresult *result = NULL;
    if (!pipeline_push(tx, statement, values, count, -1, f) || !pipeline_drain(tx, &result, f))
        return false;
    if (ret_affected)
        *ret_affected = strtoll(PQcmdTuples(result), NULL, 10);
    return true;
}

bool db_send(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
             size_t count, int64_t expect_rows, struct failure *f)
{
    return pipeline_push(tx, statement, values, count, expect_rows, f);
}
