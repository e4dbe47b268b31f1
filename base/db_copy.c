/* COPY … FROM STDIN, outside of pipeline mode, where libpq does not allow it. */
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"

#define COPY_CHUNK (64 * 1024)

struct db_copy {
    struct db_tx *tx;
    const char *name;
    struct buffer rows; /* not yet handed to libpq */
};

bool db_copy_begin(struct db_tx *tx, const struct db_statement *statement,
                   struct db_copy **ret_copy, struct failure *f)
{
    if (!tx_leave_pipeline(tx, f))
        return false;
    _cleanup_(cleanup_result) PGresult *result = PQexec(tx->connection->pg, statement->sql);
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        tx_fail(tx, result, statement->name, f);
        tx_enter_pipeline(tx, NULL);
        return false;
    }
    struct db_copy *copy = memory_allocate(sizeof *copy);
    copy->tx = tx;
    copy->name = statement->name;
    *ret_copy = copy;
    return true;
}

/* PostgreSQL, COPY, "Text Format": what would be taken for a delimiter goes behind a backslash. */
static void field_append(struct buffer *b, const char *field)
{
    if (!field) {
        buffer_append_text(b, "\\N");
        return;
    }
    for (const char *p = field; *p; p++) {
        size_t plain = strcspn(p, "\\\t\n\r");
        buffer_append(b, p, plain);
        p += plain;
        if (!*p)
            return;
        const char escaped[2] = {'\\', *p == '\t' ? 't' : *p == '\n' ? 'n' : *p == '\r' ? 'r' : *p};
        buffer_append(b, escaped, 2);
    }
}

static bool copy_flush(struct db_copy *copy, struct failure *f)
{
    if (copy->tx->failed)
        return failure_set(f, FAILURE_DATABASE, "database (%s): has failed already", copy->name);
    int sent = PQputCopyData(copy->tx->connection->pg, (const char *)copy->rows.data,
                             (int)copy->rows.length);
    buffer_clear(&copy->rows);
    return sent == 1 || tx_fail(copy->tx, NULL, copy->name, f);
}

bool db_copy_row(struct db_copy *copy, const char *const *fields, size_t count, struct failure *f)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_append_text(&copy->rows, "\t");
        field_append(&copy->rows, fields[i]);
    }
    buffer_append_text(&copy->rows, "\n");
    return copy->rows.length < COPY_CHUNK || copy_flush(copy, f);
}

static bool copy_finish(struct db_copy *copy, int64_t *ret_rows, struct failure *f)
{
    PGconn *pg = copy->tx->connection->pg;
    if (copy->rows.length && !copy_flush(copy, f))
        return false;
    if (PQputCopyEnd(pg, NULL) != 1)
        return tx_fail(copy->tx, NULL, copy->name, f);
    _cleanup_(cleanup_result) PGresult *result = PQgetResult(pg);
    for (PGresult *more = PQgetResult(pg); more; more = PQgetResult(pg))
        PQclear(more);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return tx_fail(copy->tx, result, copy->name, f);
    if (ret_rows)
        *ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
    return true;
}

bool db_copy_end(struct db_copy *copy, int64_t *ret_rows, struct failure *f)
{
    struct db_tx *tx = copy->tx;
    int64_t rows = 0;
    bool done = copy_finish(copy, &rows, f);
    buffer_free(&copy->rows);
    free(copy);
    if (!tx_enter_pipeline(tx, done ? f : NULL) || !done)
        return false;
    if (ret_rows)
        *ret_rows = rows;
    return true;
}
