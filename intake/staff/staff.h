/* What staff decide about an application: one function for each act, for the command line and the
 * console. Each runs in the caller's transaction, as database role `console`, moves the application
 * only as the person saw it, and leaves an entry in the audit chain "console" with the person's
 * reason and terminal.
 *
 * What can't be done is an answer, not a failure: somebody was quicker, the state does not allow
 * it, it takes another person. Then nothing was changed, and the caller may commit all the same. */
#ifndef UKETSUKE_INTAKE_STAFF_STAFF_H
#define UKETSUKE_INTAKE_STAFF_STAFF_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"
#include "base/seal.h"
#include "intake/state.h"

extern const struct config_section staff_config_section; /* [staff] */

#define STAFF_CHAIN       "console"
#define STAFF_REASON_MOST 500 /* characters */

struct staff_act {
    const struct config *config;
    const struct city_key *city_key; /* seals messages; NULL where there is none to send */
    const char *city_code, *application_id;
    const char *who;      /* "staff:<account>", a-z 0-9 . - _ @ \ only */
    const char *terminal; /* may be NULL */
    const char *reason;   /* in the person's words, 1 to STAFF_REASON_MOST characters */
    const char *words;    /* more of them, of staff_identify_propose: kept sealed, and not in the
                             trail; as long at the most; may be NULL */
    int version;          /* of the application as the person saw it */
    bool superior;        /* the person is a 管理責任者 for it (right `superior`) */
};

enum staff_result {
    STAFF_DONE,
    STAFF_ONE_MORE,     /* noted; another person has to agree, too */
    STAFF_STALE,        /* it changed since: `changes` tells how */
    STAFF_NOT_NOW,      /* its state does not allow it */
    STAFF_SAME_PERSON,  /* another person has to do it */
    STAFF_SUPERIOR,     /* a 管理責任者 has to do it */
    STAFF_NOT_POSSIBLE, /* what is asked for does not exist, or is not allowed */
    STAFF_RESULT_COUNT,
};
const char *staff_result_name(enum staff_result result); /* "done", "one-more", … */

struct staff_answer {
    enum staff_result result;
    char state[32];  /* as it is now … */
    char reason[64]; /* "" for none */
    int version;
    /* When stale: [{"version","at","from","to","reason","actor"}…] since the version seen. Owned
     * by the answer. */
    json_t *changes;
    char why[160];      /* one English sentence when not done, "" else */
    const char *why_ja; /* the same for pages; "" where the state says it */
};
void staff_answer_free(struct staff_answer *answer);

/* Whether an application as it stands allows an act, whoever does it: for what a screen offers. The
 * acts ask the same. `reason` "": none; `stage`: of its work. */
bool staff_may_approve(enum state state, const char *reason);
bool staff_may_resend(enum state state, const char *reason, enum stage stage);
bool staff_may_reroute(enum state state, enum stage stage);

/* --- review ----------------------------------------------------------------------------------- */

/* Agrees to the release of exactly what is in review. With as many people as that demands (two for
 * protected residents; the route's checkers, and after them who approves, a 管理責任者 if the route
 * says so; never who identified the applicant or chose the destination) it goes on to be handed
 * over. */
bool staff_approve(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                   struct failure *f);
/* The same for one of several at once: only what nobody has to look at, so neither a finding, nor
 * somebody protected, nor what was rejected. */
bool staff_approve_plain(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f);

/* --- the applicant ---------------------------------------------------------------------------- */

/* Of an unmatched application: this is the applicant. Waits for the confirmation of another
 * person; no feed settles it meanwhile. A second proposal takes the place of the first. */
bool staff_identify_propose(struct db_tx *tx, const struct staff_act *act, const char *atenabango,
                            struct staff_answer *ret_answer, struct failure *f);
/* As another person: yes, this is the one. `atenabango` NULL: the one that was proposed, as the
 * person saw it in this version. */
bool staff_identify_confirm(struct db_tx *tx, const struct staff_act *act, const char *atenabango,
                            struct staff_answer *ret_answer, struct failure *f);
/* Takes a proposal back (who made it), or says no to it (another person). */
bool staff_identify_drop(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f);

/* Takes back who the applicant is, as long as no business system has it or may have (what one
 * rejected may be put right): it waits for people again, and no feed ever settles it on the same
 * resident. Approvals from before are void. */
bool staff_identify_undo(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f);

/* --- the end, or the resident's turn ---------------------------------------------------------- */

/* `message` (routing/message.h) tells the resident what to correct. */
bool staff_correction_ask(struct db_tx *tx, const struct staff_act *act, const char *message,
                          struct staff_answer *ret_answer, struct failure *f);
/* `message` may be NULL. */
bool staff_refuse(struct db_tx *tx, const struct staff_act *act, const char *message,
                  struct staff_answer *ret_answer, struct failure *f);
/* In the resident's name. What waits for a destination, or is there already, is settled by the
 * role routing (intake/withdrawal.h) a moment later. */
bool staff_withdraw(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                    struct failure *f);

/* --- later, again, elsewhere ------------------------------------------------------------------ */

/* Puts off what waits for staff, or is held, until then (in the future). */
bool staff_hold_until(struct db_tx *tx, const struct staff_act *act, instant until,
                      struct staff_answer *ret_answer, struct failure *f);
/* Tries again at once: what is held; what waits for a destination or the portal; what a
 * destination rejected, or received already and is to get again. */
bool staff_resend(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                  struct failure *f);
/* Of what is held or in review: to be handed over to `destination` instead, which the route of its
 * procedure must lead to or name among its alternatives. Elsewhere than the route leads it goes
 * only when another person approves it. */
bool staff_reroute(struct db_tx *tx, const struct staff_act *act, const char *destination,
                   struct staff_answer *ret_answer, struct failure *f);

#endif
