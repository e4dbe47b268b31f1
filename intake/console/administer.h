/* Accounts, rights and terminals: proposed by one person, in force when another has approved. Used
 * by the commands `uketsuke user` and `uketsuke terminal`, and by the console's administration.
 * Each is an entry in the audit trail (chain `chain`), and says in *ret_moved whether there was
 * anything to do: an approval of what is not proposed, or by the same person, moves nothing. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ADMINISTER_H
#define UKETSUKE_INTAKE_CONSOLE_ADMINISTER_H

#include "intake/console/account.h"

#define ENROLMENT_CODE 27 /* 26 characters of Base32 (130 bits), NUL */

struct administrator { /* who acts */
    const char *city_code;
    const char *by;       /* "staff:hanako", "login:root" */
    const char *terminal; /* may be NULL */
    const char *chain;
};

struct account_draft {
    const char *name, *display_name, *department;
    enum account_kind kind;
    instant valid_from, valid_to;
    bool first; /* the first administrator: approved at once, FAILURE_USAGE if there is one already
                 */
};
bool account_propose(struct db_tx *tx, const struct administrator *who,
                     const struct account_draft *draft, struct failure *f);
bool account_approve(struct db_tx *tx, const struct administrator *who, const char *name,
                     bool *ret_moved, struct failure *f);
bool account_disable(struct db_tx *tx, const struct administrator *who, const char *name,
                     bool *ret_moved, struct failure *f);
/* A new one-time code, good until `until`. Takes password and second factors away, and ends the
 * sessions: also for who lost a key. */
bool account_issue_code(struct db_tx *tx, const struct administrator *who, const char *name,
                        instant until, char ret_code[ENROLMENT_CODE], bool *ret_moved,
                        struct failure *f);

/* `first`: of the first administrator, in force at once. */
bool right_propose(struct db_tx *tx, const struct administrator *who, const char *name,
                   enum right right, const char *business, const char *department, bool first,
                   struct failure *f);
bool right_approve(struct db_tx *tx, const struct administrator *who, const char *name,
                   enum right right, const char *business, const char *department, bool *ret_moved,
                   struct failure *f);
bool right_withdraw(struct db_tx *tx, const struct administrator *who, const char *name,
                    enum right right, const char *business, const char *department, bool *ret_moved,
                    struct failure *f);

struct terminal_draft {
    const char *label, *department;
    const char *peer;    /* SHA-256 of its certificate, 64 hexadecimal digits; or NULL */
    const char *address; /* or NULL: one of the two */
    bool first;          /* in force at once, while there is none */
};
bool terminal_propose(struct db_tx *tx, const struct administrator *who,
                      const struct terminal_draft *draft, struct failure *f);
bool terminal_approve(struct db_tx *tx, const struct administrator *who, const char *label,
                      bool *ret_moved, struct failure *f);
bool terminal_retire(struct db_tx *tx, const struct administrator *who, const char *label,
                     bool *ret_moved, struct failure *f);

#endif
