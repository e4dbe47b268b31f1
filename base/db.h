/* PostgreSQL, and nothing else in the house speaks to it. libpq, prepared statements, transactions.
 *
 * SQL lives beside the C that runs it as a named `struct db_statement`, never concatenated. A
 * statement is prepared on a connection the first time it runs there.
 * Parameters are $1…; their types are inferred by the server. Results come in binary; columns may
 * be smallint, integer, bigint, boolean, text, varchar, char(n), uuid (read as text), bytea,
 * timestamptz: cast anything else in the SQL. Thread-safe: a transaction borrows one connection. */
#ifndef UKETSUKE_BASE_DB_H
#define UKETSUKE_BASE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failure.h"

extern const struct config_section db_config_section; /* [database] */

struct db;
struct db_tx;   /* a transaction under way: one connection, borrowed */
struct db_rows; /* a result; free with db_rows_free */

struct db_statement {
    const char *name; /* unique in the program: "work_claim" */
    const char *sql;
};

/* `role` names the database role's suffix and the application_name: [database] says
 * `connection` (a libpq conninfo string, without user) and `user-prefix`; we connect as
 * <user-prefix><role>. Connects lazily; keeps at most `pool` connections. */
bool db_open(const struct config *config, const char *role, unsigned pool, struct db **ret_db,
             struct failure *f);
/* Connects as [database] owner-user, who owns the tables: `uketsuke db upgrade`. */
bool db_open_owner(const struct config *config, struct db **ret_db, struct failure *f);
/* On connections made from now on, statements find few rows by key, however large the tables: no
 * plan reads a whole table for want of (fresh) statistics. */
void db_plan_by_key(struct db *db);
/* From now on each statement is planned once on a connection, whatever its values: for many short
 * ones, of which planning would be the longer part. Connections that are idle are made anew. */
void db_plan_once(struct db *db);
/* From now on lists that show the first of many rows are read in the order of their index; no plan
 * gathers all that a key finds, to sort it, for want of statistics. Connections that are idle are
 * made anew. */
void db_plan_in_order(struct db *db);
void db_close(struct db *db);
/* One round trip: is the database there? */
bool db_ping(struct db *db, struct failure *f);

/* --- parameters ------------------------------------------------------------------------------- */

struct db_value { /* borrowed until the call returns */
    enum {
        DB_NULL,
        DB_TEXT,
        DB_TEXTS,
        DB_NUMBER,
        DB_NUMBERS,
        DB_BOOLEAN,
        DB_BYTES,
        DB_BYTES_LIST,
        DB_INSTANT,
        DB_INSTANTS,
    } kind;
    const char *text;
    const void *list; /* its elements */
    int64_t number;   /* also boolean, instant, and how many elements */
    struct bytes bytes;
};

static inline struct db_value db_null(void)
{
    return (struct db_value){.kind = DB_NULL};
}
static inline struct db_value db_text(const char *text) /* NULL gives SQL's NULL */
{
    return (struct db_value){.kind = text ? DB_TEXT : DB_NULL, .text = text};
}
/* An array, for set-based statements: unnest($1::text[]), $1::uuid[] …; NULLs may be in it. */
static inline struct db_value db_texts(const char *const *texts, size_t count)
{
    return (struct db_value){.kind = DB_TEXTS, .list = texts, .number = (int64_t)count};
}
/* Arrays of one type, in binary: $1::integer[], $1::bytea[] (data NULL gives SQL's NULL),
 * $1::timestamptz[]. */
static inline struct db_value db_numbers(const int32_t *numbers, size_t count)
{
    return (struct db_value){.kind = DB_NUMBERS, .list = numbers, .number = (int64_t)count};
}
static inline struct db_value db_bytes_list(const struct bytes *list, size_t count)
{
    return (struct db_value){.kind = DB_BYTES_LIST, .list = list, .number = (int64_t)count};
}
static inline struct db_value db_instants(const instant *instants, size_t count)
{
    return (struct db_value){.kind = DB_INSTANTS, .list = instants, .number = (int64_t)count};
}
static inline struct db_value db_number(int64_t number)
{
    return (struct db_value){.kind = DB_NUMBER, .number = number};
}
static inline struct db_value db_boolean(bool value)
{
    return (struct db_value){.kind = DB_BOOLEAN, .number = value};
}
static inline struct db_value db_bytes(struct bytes bytes)
{
    return (struct db_value){.kind = DB_BYTES, .bytes = bytes};
}
static inline struct db_value db_instant(instant at) /* INT64_MAX: infinity; INT64_MIN: -infinity */
{
    return (struct db_value){.kind = DB_INSTANT, .number = at};
}

/* The list of parameters as two arguments: DB_VALUES(db_text(a), db_number(b)). */
#define DB_VALUES(...)                                                                             \
    ((struct db_value[]){__VA_ARGS__}),                                                            \
        (sizeof((struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value))
#define DB_NO_VALUES NULL, 0

/* --- transactions ----------------------------------------------------------------------------- */

typedef bool db_work(struct db_tx *tx, void *context, struct failure *f);

/* BEGIN, work, COMMIT; rolled back when work returns false. Read committed. Run again (at most 8
 * times, with jitter) on a serialization failure or deadlock, and (for as long as [database]
 * patience) on a connection that broke before COMMIT was sent, so work must have no effect outside
 * the database, and must set what it hands out anew each time. A connection that breaks while
 * COMMIT is on its way leaves open whether it happened: FAILURE_NETWORK, and never run again here.
 * Not to be nested: the inner one would wait for a connection that the outer one holds. */
bool db_transaction(struct db *db, db_work *work, void *context, struct failure *f);
/* The same with synchronous_commit off: for what may be forgotten in a crash (a claim's lease). */
bool db_transaction_relaxed(struct db *db, db_work *work, void *context, struct failure *f);
/* For a lock that others wait for: this transaction lets go of it at COMMIT, before that is on
 * disk, and db_transaction returns when it is. So those who wait for each other share a flush. What
 * others see in between is on disk before they can commit anything themselves. */
bool db_flush_late(struct db_tx *tx, struct failure *f);
/* All that this transaction does is undone at its end, when work has returned true, too. */
void db_undo(struct db_tx *tx);

/* Statements whose results are waited for together: one round trip, however many. */
struct db_question {
    const struct db_statement *statement;
    const struct db_value *values;
    size_t count;
    struct db_rows **ret_rows; /* NULL before, and after a failure */
};
#define DB_QUESTIONS(...)                                                                          \
    ((struct db_question[]){__VA_ARGS__}),                                                         \
        (sizeof((struct db_question[]){__VA_ARGS__}) / sizeof(struct db_question))
bool db_query_all(struct db_tx *tx, const struct db_question *questions, size_t count,
                  struct failure *f);
/* The same for statements that only read, and belong to no other: without BEGIN and COMMIT, run
 * again as db_transaction says. */
bool db_look(struct db *db, const struct db_question *questions, size_t count, struct failure *f);

/* Asks without waiting: the server works on it already when this returns. *ret_rows is NULL, and is
 * set by the next call that waits (db_wait, db_query …), before which it must not go. */
bool db_ask(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
            size_t count, struct db_rows **ret_rows, struct failure *f);
/* Waits until this is there; what was asked behind it may still be on its way. */
bool db_wait_for(struct db_tx *tx, struct db_rows **ret_rows, struct failure *f);
/* Waits for all that is on its way. */
bool db_wait(struct db_tx *tx, struct failure *f);

/* Runs a statement and waits for its result. */
bool db_query(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
              size_t count, struct db_rows **ret_rows, struct failure *f);
/* For statements without a result; *ret_affected may be NULL. */
bool db_execute(struct db_tx *tx, const struct db_statement *statement,
                const struct db_value *values, size_t count, int64_t *ret_affected,
                struct failure *f);
/* Sends without waiting (pipeline mode). An error shows at the next db_query, db_execute or at
 * commit; `expect_rows` is the number of rows it must affect (-1: any), else the transaction fails
 * with FAILURE_CONFLICT. */
bool db_send(struct db_tx *tx, const struct db_statement *statement, const struct db_value *values,
             size_t count, int64_t expect_rows, struct failure *f);

/* --- results ---------------------------------------------------------------------------------- */

size_t db_row_count(const struct db_rows *rows);
/* Columns by number from 0, in the order of the SELECT. A wrong type or column is a bug: aborts. */
bool db_is_null(const struct db_rows *rows, size_t row, int column);
const char *db_get_text(const struct db_rows *rows, size_t row, int column); /* borrowed; NULL */
int64_t db_get_number(const struct db_rows *rows, size_t row, int column);   /* 0 when null */
bool db_get_boolean(const struct db_rows *rows, size_t row, int column);
struct bytes db_get_bytes(const struct db_rows *rows, size_t row, int column); /* borrowed */
instant db_get_instant(const struct db_rows *rows, size_t row, int column);    /* 0 when null */
void db_rows_free(struct db_rows *rows);
static inline void cleanup_db_rows(struct db_rows **rows)
{
    if (*rows)
        db_rows_free(*rows);
}

/* --- bulk load -------------------------------------------------------------------------------- */

struct db_copy;
/* COPY … FROM STDIN in text format; `statement->sql` is the COPY command. */
bool db_copy_begin(struct db_tx *tx, const struct db_statement *statement,
                   struct db_copy **ret_copy, struct failure *f);
bool db_copy_row(struct db_copy *copy, const char *const *fields, size_t count, struct failure *f);
bool db_copy_end(struct db_copy *copy, int64_t *ret_rows, struct failure *f); /* frees, always */

/* --- wake-ups --------------------------------------------------------------------------------- */

struct db_listener;
/* LISTEN on `channels` (literals, e.g. "work_examine") with a connection of its own, which is
 * opened again when it breaks: while it is down, waits just take their whole patience. */
bool db_listen(struct db *db, const char *const *channels, size_t count,
               struct db_listener **ret_listener, struct failure *f);
/* The same, and which[i] tells whether channel i was notified (all, after the connection broke).
 */
bool db_listener_wait_which(struct db_listener *listener, instant patience, bool *ret_which);
/* True when a notification came; false after `patience` or when a stop was asked for. */
bool db_listener_wait(struct db_listener *listener, instant patience);
void db_listener_close(struct db_listener *listener);

/* --- schema ----------------------------------------------------------------------------------- */

struct db_migration {
    int number; /* 1, 2, 3 … without gaps */
    const char *name;
    const char *sql;
};

/* Applies what is missing, in order, each in its own transaction, under an advisory lock, kept in
 * the table schema_version. Refuses a database that is newer than we are. */
bool db_schema_upgrade(struct db *db, const struct db_migration *migrations, size_t count,
                       int *ret_from, int *ret_to, struct failure *f);
/* A failure that says `uketsuke db upgrade` when the database is older, or that the program is
 * older than the database. */
bool db_schema_check(struct db *db, int expected, struct failure *f);

#endif
