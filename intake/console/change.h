/* What administrators change (schema 0019): users with their rights, terminals, holidays, message
 * templates. One person proposes, another confirms; the database itself applies the change, and
 * refuses one person for two. Each step is an entry of the audit trail. Used by the console's
 * administration and by the commands `uketsuke user` and `uketsuke terminal`. */
#ifndef UKETSUKE_INTAKE_CONSOLE_CHANGE_H
#define UKETSUKE_INTAKE_CONSOLE_CHANGE_H

#include <jansson.h>

#include "intake/console/administer.h"

enum change_kind {
    CHANGE_ACCOUNT,   /* subject: name. {"display_name", "department", "kind", "valid_from",
                         "valid_to" (its last day), "disabled", "rights": [{"business",
                         "department", "right", "until" (its last day; may be left out)}…]} */
    CHANGE_ENROLMENT, /* name. {"enrolled": false}: a new one-time code, when confirmed */
    CHANGE_UNLOCK,    /* name. {"locked": false}: after too many wrong passwords */
    CHANGE_TERMINAL,  /* label. {"department", "also": [departments that share it, "*" for all],
                         "peer", "address"}: one of the last two is null */
    CHANGE_MEDIUM,    /* 管理番号. {"department" ("*": all), "description"} */
    CHANGE_HOLIDAY,   /* "2026-11-20". {"name"} */
    CHANGE_TEMPLATE,  /* title. {"business", "text"} */
    CHANGE_KIND_COUNT,
};
const char *change_kind_code(enum change_kind kind);    /* "account", … as stored */
const char *change_kind_name_ja(enum change_kind kind); /* 利用者 */
bool change_kind_from_code(const char *code, enum change_kind *ret_kind);

#define CHANGE_SUBJECT_MOST  60   /* characters */
#define CHANGE_REASON_MOST   500  /* characters */
#define CHANGE_TEMPLATE_MOST 2000 /* characters */
#define CHANGE_RIGHTS_MOST   200  /* rights of one account */
#define CHANGE_SHARED_MOST   50   /* departments that share a terminal */

/* What is wrong with it, in Japanese, for who proposes; NULL: nothing. `after` as above, or NULL:
 * taken away, which accounts are not (they are disabled). Pure. */
const char *change_fault(enum change_kind kind, const char *subject, const json_t *after);

/* Two rights as above, but for when they end. */
bool change_same_right(const json_t *one, const json_t *other);

/* As it is now (new reference); NULL when there is no such thing. */
bool change_current(struct db_tx *tx, const char *city_code, enum change_kind kind,
                    const char *subject, json_t **ret_current, struct failure *f);

struct change_draft {
    enum change_kind kind;
    const char *subject;
    const json_t *seen;  /* as the person saw it; NULL: not there */
    const json_t *after; /* checked with change_fault; NULL: taken away */
    const char *reason;
    const char *batch;        /* a UUID: what is confirmed together; NULL */
    const char *effective_on; /* "2027-04-01": not before that day; NULL: when confirmed */
};

enum change_outcome {
    CHANGE_WAITS,     /* proposed */
    CHANGE_SAME,      /* changes nothing: not proposed */
    CHANGE_MEANWHILE, /* it is not any more as it was seen: not proposed */
    CHANGE_BUSY,      /* another change of it waits already: not proposed */
    CHANGE_EFFECTIVE, /* confirmed: in force */
    CHANGE_CONFIRMED, /* in force on its day, if it is then still as it was seen (due.h) */
    CHANGE_REJECTED,
    CHANGE_WITHDRAWN,   /* rejected by who proposed it */
    CHANGE_CANCELLED,   /* it was confirmed for a day to come, and is not wanted any more */
    CHANGE_STALE,       /* it changed since it was proposed: void from now on */
    CHANGE_GONE,        /* no such change waits */
    CHANGE_SAME_PERSON, /* who proposed it cannot confirm it */
    CHANGE_OWN,         /* about who would confirm or cancel it */
    CHANGE_PROPOSER,    /* who proposed it may do so no more: it can be rejected */
    CHANGE_IN_USE,      /* the terminal's certificate or address is another's */
};
const char *change_outcome_ja(enum change_outcome outcome); /* a sentence */

/* One's own change that waits is replaced. */
bool change_propose(struct db_tx *tx, const struct administrator *who,
                    const struct change_draft *draft, enum change_outcome *ret_outcome,
                    int64_t *ret_id, struct failure *f);

struct change_waiting { /* free with change_waiting_free */
    int64_t id;         /* 0: none waits */
    enum change_kind kind;
    char subject[4 * CHANGE_SUBJECT_MOST + 1];
    json_t *before, *after; /* NULL as in the draft */
    char proposed_by[64];
};
void change_waiting_free(struct change_waiting *change);
bool change_waiting(struct db_tx *tx, const char *city_code, enum change_kind kind,
                    const char *subject, struct change_waiting *ret_change, struct failure *f);

enum change_answer {
    CHANGE_AGREE,  /* as the second person */
    CHANGE_REJECT, /* or who proposed it takes it back */
    CHANGE_CANCEL, /* of what was confirmed for a day to come: one person, whoever it is not about
                    */
};
/* Of a new account, and of an enrolment, a one-time code is made: *ret_code is "" otherwise. `why`:
 * NULL for nothing said. */
bool change_settle(struct db_tx *tx, const struct administrator *who, int64_t id,
                   enum change_answer answer, const char *why, enum change_outcome *ret_outcome,
                   char ret_code[ENROLMENT_CODE], struct failure *f);

/* All of a batch that are still to be answered so, or none: false, with a failure of no kind and
 * *ret_subject ("" else), when one of them is not settled so; nothing is to be written then.
 * CHANGE_GONE: there is none. */
bool change_settle_batch(struct db_tx *tx, const struct administrator *who, const char *batch,
                         enum change_answer answer, const char *why,
                         enum change_outcome *ret_outcome,
                         char ret_subject[4 * CHANGE_SUBJECT_MOST + 1], struct failure *f);
/* Whether that was done that was asked for. */
bool change_settled(enum change_outcome outcome);

/* The first administrator of all time, by who logged in to the server, of a name that no account
 * has; the first terminal, while there is none. *ret_done false: it is not. */
bool change_first(struct db_tx *tx, const struct administrator *who, enum change_kind kind,
                  const char *subject, const json_t *after, bool *ret_done, struct failure *f);

#endif
