#include "intake/state.h"

#include <stddef.h>
#include <string.h>

#define BIT(state) (1u << (state))

/* What people may do with whatever waits for them. */
#define BY_STAFF (BIT(STATE_CORRECTION) | BIT(STATE_REFUSED) | BIT(STATE_WITHDRAWN))

/* The table: intake/schema/ says the same (tests/unit/schema_test.c compares them). */
static const struct {
    const char *code;
    const char *name_ja;
    unsigned next; /* states that may follow */
} states[STATE_COUNT] = {
    [STATE_ANNOUNCED] = {"announced", "到着通知",
                         BIT(STATE_COLLECTED) | BIT(STATE_HELD) | BIT(STATE_WITHDRAWN)},
    [STATE_COLLECTED] = {"collected", "取得済",
                         BIT(STATE_VERIFIED) | BIT(STATE_REFUSED) | BIT(STATE_HELD) |
                             BIT(STATE_WITHDRAWN)},
    [STATE_VERIFIED] = {"verified", "検証済",
                        BIT(STATE_IDENTIFIED) | BIT(STATE_UNMATCHED) | BIT(STATE_HELD) |
                            BIT(STATE_WITHDRAWN)},
    [STATE_IDENTIFIED] = {"identified", "申請者特定済",
                          BIT(STATE_ROUTED) | BIT(STATE_HELD) | BIT(STATE_REVIEW) |
                              BIT(STATE_UNMATCHED) | BIT(STATE_WITHDRAWN)},
    [STATE_REVIEW] = {"review", "審査待ち",
                      BIT(STATE_IDENTIFIED) | BIT(STATE_REVIEW) | BIT(STATE_UNMATCHED) | BY_STAFF},
    [STATE_ROUTED] = {"routed", "連携待ち",
                      BIT(STATE_RECEIVED) | BIT(STATE_HELD) | BIT(STATE_REVIEW) |
                          BIT(STATE_WITHDRAWN)},
    [STATE_RECEIVED] = {"received", "連携済",
                        BIT(STATE_COMPLETED) | BIT(STATE_REJECTED) | BIT(STATE_CORRECTION) |
                            BIT(STATE_REVIEW)},
    [STATE_COMPLETED] = {"completed", "完了", 0},
    [STATE_REJECTED] = {"rejected", "却下", 0},
    [STATE_HELD] = {"held", "保留",
                    BIT(STATE_COLLECTED) | BIT(STATE_VERIFIED) | BIT(STATE_IDENTIFIED) |
                        BIT(STATE_UNMATCHED) | BIT(STATE_ROUTED) | BIT(STATE_HELD) |
                        BIT(STATE_REVIEW) | BY_STAFF},
    [STATE_UNMATCHED] = {"unmatched", "申請者未特定",
                         BIT(STATE_IDENTIFIED) | BIT(STATE_UNMATCHED) | BY_STAFF},
    [STATE_CORRECTION] = {"correction", "要訂正",
                          BIT(STATE_SUPERSEDED) | BIT(STATE_WITHDRAWN) | BIT(STATE_REFUSED) |
                              BIT(STATE_COMPLETED) | BIT(STATE_REJECTED)},
    [STATE_SUPERSEDED] = {"superseded", "訂正済", 0},
    [STATE_WITHDRAWN] = {"withdrawn", "取下げ", 0},
    [STATE_REFUSED] = {"refused", "受付不可", 0},
};

static const char *const stage_codes[] = {
    [STAGE_NONE] = "",           [STAGE_COLLECT] = "collect",
    [STAGE_EXAMINE] = "examine", [STAGE_IDENTIFY] = "identify",
    [STAGE_ROUTE] = "route",
};

const char *state_code(enum state state)
{
    return states[state].code;
}

const char *state_name_ja(enum state state)
{
    return states[state].name_ja;
}

bool state_from_code(const char *code, enum state *ret_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        if (strcmp(states[i].code, code) == 0) {
            *ret_state = (enum state)i;
            return true;
        }
    }
    return false;
}

bool state_allowed(enum state from, enum state to)
{
    return from < STATE_COUNT && to < STATE_COUNT && (states[from].next & BIT(to));
}

bool state_final(enum state state)
{
    return states[state].next == 0;
}

const char *stage_code(enum stage stage)
{
    return stage_codes[stage];
}

enum stage stage_from_code(const char *code)
{
    for (enum stage stage = STAGE_COLLECT; code && stage <= STAGE_ROUTE; stage++)
        if (strcmp(stage_codes[stage], code) == 0)
            return stage;
    return STAGE_NONE;
}
