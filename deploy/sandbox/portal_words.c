/* The words of the sandbox portal: what the resident reads, and the faults it can be told. */
#include <string.h>

#include "base/text.h"
#include "deploy/sandbox/portal_store.h"

static const char *const state_names[STATE_COUNT] = {
    "未取得", "取得済", "処理中", "受付エラー", "要訂正", "完了", "取下げ",
};

const char *portal_state_name(enum portal_state state)
{
    return state_names[state];
}

bool portal_state_parse(const char *name, enum portal_state *ret_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0) {
            *ret_state = (enum portal_state)i;
            return true;
        }
    return false;
}

bool portal_fault_parse(const char *text, enum portal_fault *ret_fault, int64_t *ret_times)
{
    static const char *const names[] = {
        [FAULT_WRONG_BYTES] = "wrong-bytes",
        [FAULT_STATUS_500] = "status-500",
        [FAULT_EMPTY] = "empty",
        [FAULT_GARBAGE] = "garbage-json",
    };
    size_t length = strcspn(text, ";");
    int64_t times = -1;
    if (text[length] && (strncmp(text + length, ";times=", 7) != 0 ||
                         !number_parse(text + length + 7, 1, 1000000, &times)))
        return false;
    for (size_t i = FAULT_WRONG_BYTES; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
            *ret_fault = (enum portal_fault)i;
            *ret_times = times;
            return true;
        }
    return false;
}
