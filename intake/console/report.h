/* 点検: what auditors look through regularly. Each report is a list of lines, made from the audit
 * trail of a period (or, for `accounts`, of what is there now), and is signed off by a person who
 * has looked at exactly that. */
#ifndef UKETSUKE_INTAKE_CONSOLE_REPORT_H
#define UKETSUKE_INTAKE_CONSOLE_REPORT_H

#include <jansson.h>

#include "base/config.h"
#include "base/db.h"

enum report {
    REPORT_AFTER_HOURS,    /* 業務時間外の操作: on open days, outside [console] hours */
    REPORT_HOLIDAY,        /* 休業日の操作 */
    REPORT_FAILED_SIGN_IN, /* サインインの失敗 */
    REPORT_MASS_VIEW,      /* 大量閲覧: more applications in a day than [console] mass-view */
    REPORT_ACCOUNTS, /* 利用者点検: unused, ended, not enrolled, without rights; administrators */
    REPORT_COUNT,
};
const char *report_code(enum report report); /* "after-hours", … as stored */
const char *report_name_ja(enum report report);
bool report_from_code(const char *code, enum report *ret_report);

#define REPORT_DAYS_MOST 92 /* of one period */

struct report_rules {               /* from [console] */
    int64_t hours_begin, hours_end; /* minutes of the day */
    int64_t views_most;
    instant unused_for;
    instant rights_due; /* a right that ends within so long needs a look */
};
/* False with a failure when `hours` is no "08:30-17:15". */
bool report_rules_read(const struct config_group *group, struct report_rules *ret_rules,
                       struct failure *f);
/* What the report looks for, with its bounds, in Japanese (caller frees). */
char *report_rule_ja(enum report report, const struct report_rules *rules);

struct report_period {
    struct day from, to; /* both within */
};
/* Its lines (new reference), and their SHA-256. `reader`: "staff:hanako", whose own looks at the
 * audit trail are left out. */
bool report_make(struct db_tx *tx, const char *city_code, const char *reader, enum report report,
                 const struct report_rules *rules, const struct report_period *period,
                 json_t **ret_lines, uint8_t ret_sha256[32], struct failure *f);

#endif
