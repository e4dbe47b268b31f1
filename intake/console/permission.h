/* What an account may do: 事務 × 部署 × 担当者. Pure: rights in, yes or no out. The console asks in
 * one place only, intake/console/request.h. */
#ifndef UKETSUKE_INTAKE_CONSOLE_PERMISSION_H
#define UKETSUKE_INTAKE_CONSOLE_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>

enum right {
    RIGHT_SEE,       /* 閲覧: applications of the business */
    RIGHT_IDENTIFY,  /* 宛名番号入力: propose who the applicant is */
    RIGHT_CONFIRM,   /* 確認: the second person */
    RIGHT_EXAMINE,   /* 形式審査: accept, ask for correction, refuse, hold */
    RIGHT_APPROVE,   /* 承認: release what the route or a flag stops */
    RIGHT_REROUTE,   /* 振替: to another procedure; needed on both */
    RIGHT_NUMBER,    /* 個人番号の表示 */
    RIGHT_PROTECTED, /* 支援措置対象者: named people only */
    RIGHT_PRINT,     /* 印刷 */
    RIGHT_EXPORT,    /* 出力 */
    RIGHT_SUPERIOR,  /* 管理責任者: approves what leaves the house in great number */
    RIGHT_AUDIT,     /* 監査: the trail and its reports */
    RIGHT_ADMIN,     /* 管理: accounts, terminals, holidays, templates */
    RIGHT_COUNT,
};
const char *right_code(enum right right);    /* "see", … as stored */
const char *right_name_ja(enum right right); /* 閲覧 */
bool right_from_code(const char *code, enum right *ret_right);
/* Administration and auditing: limited to a business or department they would be none. */
bool right_whole_city(enum right right);

#define RIGHT_ANY "*" /* every business, every department */

struct permission {
    enum right right;
    char business[161];   /* of the route: [route …] business, or RIGHT_ANY; 40 characters */
    char department[161]; /* of the route, or RIGHT_ANY; 40 characters */
};
struct permissions { /* free with permissions_free; {0}: none */
    struct permission *at;
    size_t count;
};
void permissions_free(struct permissions *permissions);

/* `business` and `department` of what is touched; NULL for what belongs to no business (the
 * administration, the trail): then a permission for any business will do. An application without a
 * route has business "" and is for those who may see all. */
bool permission_allows(const struct permissions *permissions, enum right right,
                       const char *business, const char *department);

#endif
