/* A city with one application that is identified and up for hand-over, on a test database: what the
 * tests of hand-over, staff, withdrawal and the escalation clock stand on. One a test program. */
#ifndef UKETSUKE_TESTS_SUPPORT_TOWN_HALL_H
#define UKETSUKE_TESTS_SUPPORT_TOWN_HALL_H

#include "intake/command.h"
#include "intake/staff/staff.h"
#include "tests/support/applications.h"

struct town_hall {
    struct test_database database;
    struct role routing;      /* as the role routing */
    struct db *console;       /* as staff */
    struct staff_answer last; /* of the last act */
};
extern struct town_hall hall;

/* Where its applications go; what follows it goes on in that section. */
#define HALL_ROUTE                                                                                 \
    "[route child-allowance.certification-claim]\ndestination = child-allowance\n"                 \
    "legal-basis = 番号法第9条第1項\nindividual-number = yes\n"
/* What a rule found: something for a person to look at, or nothing that holds it up. */
#define HALL_REVIEW "[{\"rule\":\"r\",\"severity\":\"review\",\"item\":\"a\",\"message\":\"m\"}]"
#define HALL_NOTE   "[{\"rule\":\"r\",\"severity\":\"note\",\"item\":\"a\",\"message\":\"m\"}]"

/* `more`: HALL_ROUTE, and what stands behind it; or another configuration. */
void hall_make(const char *more);
void hall_drop(void);
void hall_clear(void);
/* Application n: verified, identified as 宛名番号 "17", with a report of `findings` (JSON array)
 * and a record; its work is due for hand-over. `corrects`: receipt number, or NULL. */
void hall_application(int n, const char *findings, const char *corrects);
/* The portal's list says that application n corrects another than its package says. */
void hall_list_says(int n, const char *corrects);
/* One step of the hand-over worker. */
void hall_hand_over(void);
/* "review review-route" and the like must be what application n is. */
void hall_must_be(int n, const char *state_and_reason);
long long hall_count(const char *from); /* rows of "SELECT count(*) FROM …" */

/* What `who` does about application n, as it is now (version 0) or as it was seen. */
typedef bool hall_act(struct db_tx *tx, const struct staff_act *act, const void *what,
                      struct staff_answer *answer, struct failure *f);
enum staff_result hall_do(const char *who, int n, int version, hall_act *act, const void *what);
/* False when it fails. */
bool hall_try(const char *who, int n, hall_act *act, const void *what);
/* Acts that say nothing but themselves: staff_approve, staff_resend, staff_identify_undo. */
hall_act hall_approve, hall_resend, hall_undo;

#endif
