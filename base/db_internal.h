/* What the db*.c files share; nobody else includes this. */
#ifndef UKETSUKE_BASE_DB_INTERNAL_H
#define UKETSUKE_BASE_DB_INTERNAL_H

#include <libpq-fe.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/db.h"

#define DB_VALUES_MAX 64

/* Object ids of PostgreSQL's own types (pg_type.dat); they never change. */
enum type_oid {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_BPCHAR = 1042,
    TYPE_VARCHAR = 1043,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_UUID = 2950,
};

/* 2000-01-01T00:00:00Z, from which PostgreSQL counts. */
#define POSTGRES_EPOCH (INT64_C(946684800) * INSTANT_SECOND)

struct db {
    char *conninfo; /* of [database] connection, without user */
    char *user;     /* "" lets libpq choose */
    char *application;
    unsigned pool;
    int connect_timeout; /* seconds */
    char statement_timeout[24];
    bool by_key;      /* db_plan_by_key */
    bool plan_once;   /* db_plan_once */
    bool in_order;    /* db_plan_in_order */
    instant patience; /* how long a database that is away is waited for */
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    struct db_connection **idle;
    size_t idle_count;
    size_t open; /* idle and borrowed */
};

struct db_connection {
    PGconn *pg;
    struct db_statement *prepared;
    size_t prepared_count, prepared_capacity;
    bool discard; /* nothing good can be expected of it any more */
};

/* db_connection.c */
bool connection_open(struct db *db, struct db_connection **ret_connection, struct failure *f);
void connection_close(struct db_connection *connection);
bool connection_alive(struct db_connection *connection);
bool connection_prepared(const struct db_connection *connection,
                         const struct db_statement *statement);
void connection_remember(struct db_connection *connection, const struct db_statement *statement);
void connection_forget(struct db_connection *connection, const char *name);
/* Kind and text of what libpq says; `result` may be NULL. Never quotes values. */
bool connection_failure(const struct db_connection *connection, const PGresult *result,
                        const char *what, struct failure *f);
bool connection_lost(const struct db_connection *connection, const PGresult *result);

/* db.c */
bool db_borrow(struct db *db, struct db_connection **ret_connection, struct failure *f);
void db_give_back(struct db *db, struct db_connection *connection);

/* db_pipeline.c: a transaction's statements on their way. */
enum tx_again { TX_NOT_AGAIN, TX_CONFLICT, TX_LOST };
enum tx_kind {
    TX_DURABLE,
    TX_RELAXED, /* db_transaction_relaxed */
    TX_LOOK,    /* reads, without BEGIN and COMMIT */
};

struct pipeline_step { /* sent, result not yet read */
    struct db_statement statement;
    bool prepare; /* else: run */
    int64_t expect_rows;
    struct db_rows **ret_rows; /* where its result goes; NULL: to who drains, if it is the last */
};

struct db_tx {
    struct db_connection *connection;
    struct pipeline_step *steps;
    size_t step_count, step_capacity;
    enum tx_kind kind;
    bool late; /* flushed behind COMMIT */
    bool undo; /* rolled back, whatever comes */
    bool begun;
    bool committing; /* from here on a lost connection leaves the outcome open */
    bool failed;     /* nothing more can run in this transaction */
    bool expecting;  /* a step on its way must be looked at before the commit is sent */
    enum tx_again again;
};

bool pipeline_push(struct db_tx *tx, const struct db_statement *statement,
                   const struct db_value *values, size_t count, int64_t expect_rows,
                   struct failure *f);
/* What is still on its way is of interest to nobody. */
void pipeline_forget(struct db_tx *tx);
/* A control statement (BEGIN, COMMIT, ROLLBACK), not prepared. */
bool pipeline_push_control(struct db_tx *tx, const char *sql, struct failure *f);
/* Waits for all that is on its way; *ret_last (may be NULL) is the result of the last step. */
bool pipeline_drain(struct db_tx *tx, PGresult **ret_last, struct failure *f);
#define TX_ASYNCHRONOUS "SET LOCAL synchronous_commit = off"
/* BEGIN, if it was not sent yet; false when the transaction has failed already. */
bool tx_begin(struct db_tx *tx, struct failure *f);
/* Notes that a step failed: the transaction is over, perhaps to be run again. Returns false. */
bool tx_fail(struct db_tx *tx, const PGresult *result, const char *what, struct failure *f);
/* For what can't be pipelined (COPY, scripts): drains and leaves pipeline mode, and back. */
bool tx_leave_pipeline(struct db_tx *tx, struct failure *f);
bool tx_enter_pipeline(struct db_tx *tx, struct failure *f);
/* Several statements in one text, without parameters: a migration. */
bool tx_script(struct db_tx *tx, const char *what, const char *sql, struct failure *f);

/* db_value.c: parameters as libpq wants them; free with db_parameters_free. */
struct db_parameters {
    const char *values[DB_VALUES_MAX];
    int lengths[DB_VALUES_MAX];
    int formats[DB_VALUES_MAX];
    char scratch[DB_VALUES_MAX][40];
    char *owned[DB_VALUES_MAX];
    int count;
};
void db_parameters_make(struct db_parameters *ret, const struct db_value *values, size_t count);
void db_parameters_free(struct db_parameters *parameters);

/* db_rows.c */
struct db_rows *db_rows_make(PGresult *stolen);

static inline void cleanup_result(PGresult **result)
{
    PQclear(*result);
}

#endif
