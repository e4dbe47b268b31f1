/* The states of an application and the transitions between them: one table (state.c), the same in
 * the database (schema/), which enforces it too. */
#ifndef UKETSUKE_INTAKE_STATE_H
#define UKETSUKE_INTAKE_STATE_H

#include <stdbool.h>

enum state {
    STATE_ANNOUNCED,  /* 到着通知   in the portal's list, not yet stored */
    STATE_COLLECTED,  /* 取得済     stored, sealed, original bytes untouched */
    STATE_VERIFIED,   /* 検証済     signature, certificate, revocation and form are good */
    STATE_IDENTIFIED, /* 申請者特定済 has a 宛名番号 */
    STATE_REVIEW,     /* 審査待ち   waits for staff before it goes on, or was rejected by its
                         destination; the table `review` says what for */
    STATE_ROUTED,     /* 連携待ち   in the outbox of its destination */
    STATE_RECEIVED,   /* 連携済     the business system sent its receipt */
    STATE_COMPLETED,  /* 完了       the business system reported the outcome */
    STATE_REJECTED,   /* 却下       the business system's outcome is no */
    STATE_HELD, /* 保留       can't be told now; reason and time of the next try are recorded */
    STATE_UNMATCHED,  /* 申請者未特定 waits for staff, or for the next registry feed */
    STATE_CORRECTION, /* 要訂正     waits for the resident to send it again, corrected */
    STATE_SUPERSEDED, /* 訂正済     a corrected one took its place */
    STATE_WITHDRAWN,  /* 取下げ     the resident took it back */
    STATE_REFUSED,    /* 受付不可   bad, and will stay bad */
    STATE_COUNT,
};

/* Which worker takes it next: the `stage` column of the table work. */
enum stage { STAGE_NONE, STAGE_COLLECT, STAGE_EXAMINE, STAGE_IDENTIFY, STAGE_ROUTE };

const char *state_code(enum state state);    /* "announced" */
const char *state_name_ja(enum state state); /* "到着通知" */
bool state_from_code(const char *code, enum state *ret_state);
bool state_allowed(enum state from, enum state to);
bool state_final(enum state state);           /* no way out: completed, refused, … */
const char *stage_code(enum stage stage);     /* "collect"; "" for none */
enum stage stage_from_code(const char *code); /* NULL, "", or of a newer version: STAGE_NONE */

#endif
