#include "intake/console/permission.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *code, *name_ja;
} rights[RIGHT_COUNT] = {
    [RIGHT_SEE] = {"see", "閲覧"},
    [RIGHT_IDENTIFY] = {"identify", "宛名番号入力"},
    [RIGHT_CONFIRM] = {"confirm", "確認"},
    [RIGHT_EXAMINE] = {"examine", "形式審査"},
    [RIGHT_APPROVE] = {"approve", "承認"},
    [RIGHT_REROUTE] = {"reroute", "振替"},
    [RIGHT_NUMBER] = {"number", "個人番号の表示"},
    [RIGHT_PROTECTED] = {"protected", "支援措置対象者の取扱い"},
    [RIGHT_PRINT] = {"print", "印刷"},
    [RIGHT_EXPORT] = {"export", "出力"},
    [RIGHT_SUPERIOR] = {"superior", "管理責任者（大量の出力の承認）"},
    [RIGHT_AUDIT] = {"audit", "監査"},
    [RIGHT_ADMIN] = {"admin", "管理"},
};

const char *right_code(enum right right)
{
    return rights[right].code;
}

const char *right_name_ja(enum right right)
{
    return rights[right].name_ja;
}

bool right_from_code(const char *code, enum right *ret_right)
{
    for (enum right right = 0; right < RIGHT_COUNT; right++)
        if (strcmp(rights[right].code, code) == 0) {
            *ret_right = right;
            return true;
        }
    return false;
}

bool right_whole_city(enum right right)
{
    return right == RIGHT_ADMIN || right == RIGHT_AUDIT;
}

void permissions_free(struct permissions *permissions)
{
    free(permissions->at);
    *permissions = (struct permissions){0};
}

static bool covers(const char *allowed, const char *wanted)
{
    return !wanted || strcmp(allowed, RIGHT_ANY) == 0 || strcmp(allowed, wanted) == 0;
}

bool permission_allows(const struct permissions *permissions, enum right right,
                       const char *business, const char *department)
{
    if (right_whole_city(right))
        business = department = RIGHT_ANY;
    for (size_t i = 0; i < permissions->count; i++) {
        const struct permission *one = &permissions->at[i];
        if (one->right == right && covers(one->business, business) &&
            covers(one->department, department))
            return true;
    }
    return false;
}
