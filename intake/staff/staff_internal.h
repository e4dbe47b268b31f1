/* Shared by the files of intake/staff/ only. */
#ifndef UKETSUKE_INTAKE_STAFF_STAFF_INTERNAL_H
#define UKETSUKE_INTAKE_STAFF_STAFF_INTERNAL_H

#include "intake/staff/staff.h"

struct seen { /* the application, locked until the transaction ends */
    enum state state;
    char reason[64];
    char channel[33];
    char procedure_id[129];
    int version;
    enum stage stage; /* of its work; STAGE_NONE without */
    instant due_at;
};

#define STATE_SET(state) (1u << (state))
#define REJECTED         "rejected-by-destination"

/* Reads and locks the application. *ret_go false: the answer says why nothing may be done: it is
 * not there, is another version than was seen, or its state is none of `states`. */
bool staff_begin(struct db_tx *tx, const struct staff_act *act, unsigned states,
                 struct seen *ret_seen, struct staff_answer *answer, bool *ret_go,
                 struct failure *f);
/* Nothing is done; true. `why_ja`: a sentence, or "" where the state says it. */
bool staff_answer_no(struct staff_answer *answer, enum staff_result result, const char *why_ja,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

struct staff_move {
    enum state to;
    const char *code; /* application.reason; NULL */
    enum stage next;
    instant due_at;
    int64_t message_id;
};
/* Moves what was seen; ends a hold by staff; notes `action` with the person's reason. */
bool staff_move(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                const char *action, const struct staff_move *move, struct staff_answer *answer,
                struct failure *f);
/* The audit entry alone, of what moves nothing. `detail`: JSON or NULL; nothing personal. */
bool staff_note(struct db_tx *tx, const struct staff_act *act, const char *action,
                const char *detail, struct failure *f);

#endif
