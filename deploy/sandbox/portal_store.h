/* The sandbox portal's memory: packages as files, everything else as a journal of lines of JSON.
 *
 * DIR/packages/<receipt number>.zip and DIR/journal.jsonl. A package is on disk, whole, before its
 * line is in the journal; what the journal does not name has not arrived. The index in memory is
 * made from the journal at start. */
#ifndef UKETSUKE_SANDBOX_PORTAL_STORE_H
#define UKETSUKE_SANDBOX_PORTAL_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

/* 申請処理状況, as the resident sees it */
enum portal_state {
    STATE_WAITING,    /* 未取得 */
    STATE_COLLECTED,  /* 取得済 */
    STATE_PROCESSING, /* 処理中 */
    STATE_REFUSED,    /* 受付エラー */
    STATE_CORRECTION, /* 要訂正 */
    STATE_COMPLETED,  /* 完了 */
    STATE_WITHDRAWN,  /* 取下げ */
    STATE_COUNT,
};
const char *portal_state_name(enum portal_state state);
bool portal_state_parse(const char *name, enum portal_state *ret_state);

/* How downloads of one application misbehave: "wrong-bytes", "status-500;times=2". */
enum portal_fault { FAULT_NONE, FAULT_WRONG_BYTES, FAULT_STATUS_500, FAULT_EMPTY, FAULT_GARBAGE };
bool portal_fault_parse(const char *text, enum portal_fault *ret_fault, int64_t *ret_times);

struct portal_arrival {
    char receipt_number[65], city_code[7], procedure_id[129], form_version[17];
    char corrects[65];     /* the receipt number that it takes the place of; "" */
    char corrected_by[65]; /* set by the store: of what took its place last; "" */
    char applied_at[INSTANT_TEXT];
    char sha256[65];
    int64_t size;
    enum portal_fault fault;
    int64_t fault_times; /* left; -1: always. Begins again when the portal does */
    char fault_text[64];
    struct {
        enum portal_state state;
        char at[INSTANT_TEXT];
        const char *message; /* what the city tells the resident, the store's own; NULL */
    } history[STATE_COUNT];  /* each state at most once */
    size_t history_count;
    char withdrawn_at[INSTANT_TEXT]; /* the resident asked for it; "" */
    bool withdrawal_answered;        /* the city said what became of that */
};

#define PORTAL_MESSAGE_MOST 2000 /* characters of a message for the resident */

struct portal_store;

bool portal_store_open(const char *folder, struct portal_store **ret_store, struct failure *f);
void portal_store_close(struct portal_store *store);

enum portal_put { PUT_NEW, PUT_SAME, PUT_OTHER, PUT_FAILED };
/* Sets size, sha256 and history; PUT_OTHER: the receipt number is taken by another package. */
enum portal_put portal_store_put(struct portal_store *store, struct portal_arrival *arrival,
                                 struct bytes package, struct failure *f);

/* Copies; false when it is unknown. */
bool portal_store_find(struct portal_store *store, const char *receipt_number,
                       struct portal_arrival *ret_arrival);
bool portal_store_read(struct portal_store *store, const struct portal_arrival *arrival,
                       struct buffer *ret_package, struct failure *f);
/* The fault that this download shall have; counts. */
enum portal_fault portal_store_fault(struct portal_store *store, const char *receipt_number);

/* From the `from`th arrival on, up to `most` that match; copies. `city_code` NULL: any; `state`
 * STATE_COUNT: any; STATE_WAITING: also what was withdrawn before the city collected it and has
 * not answered. ret_next: where to go on; 0: at the end. */
size_t portal_store_list(struct portal_store *store, const char *city_code, enum portal_state state,
                         size_t from, size_t most, struct portal_arrival *ret_arrivals,
                         size_t *ret_next);

struct portal_change {
    const char *receipt_number;
    enum portal_state state;
    const char *message; /* for the resident; NULL */
    bool known;          /* set: the receipt number exists */
    bool added;          /* set: it was news */
    bool appended;       /* set: … and a state that it never had */
};
/* All in one write to the journal. A state that the application has had stays where it stands; what
 * the resident withdrew only ends (完了, 受付エラー, 取下げ): these answer the withdrawal. */
bool portal_store_change(struct portal_store *store, struct portal_change *changes, size_t count,
                         struct failure *f);

enum portal_withdraw { WITHDRAW_DONE, WITHDRAW_UNKNOWN, WITHDRAW_LATE, WITHDRAW_FAILED };
/* The resident takes the application back: 取下げ. Again: done. Late: it has ended. */
enum portal_withdraw portal_store_withdraw(struct portal_store *store, const char *receipt_number,
                                           struct failure *f);
/* As portal_store_list, of the withdrawals that the city has not answered, oldest first. */
size_t portal_store_withdrawals(struct portal_store *store, const char *city_code, size_t from,
                                size_t most, struct portal_arrival *ret_arrivals, size_t *ret_next);

#endif
