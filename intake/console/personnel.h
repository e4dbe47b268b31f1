/* 人事データ: a CSV of who works where, and of who moves or leaves, against the console's accounts.
 * Pure: what is wrong with it, what would be proposed, and how the two differ; nothing changes.
 *
 * UTF-8, with the header 利用者名,氏名,部署,異動,前任者. 異動 is empty, 異動 (the account gets the
 * department, and the rights of the account 前任者, or none) or 退職 (it is stopped, without
 * rights). */
#ifndef UKETSUKE_INTAKE_CONSOLE_PERSONNEL_H
#define UKETSUKE_INTAKE_CONSOLE_PERSONNEL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"

#define PERSONNEL_LINES_MOST  5000
#define PERSONNEL_FAULTS_MOST 100 /* that are told */

/* `accounts`: {name: the account as changes tell it (intake/console/change.h)}; `today`:
 * "2026-11-28"; `complete`: who does not stand in the data does not work here.
 * {"faults": [{"line", "text"}…], "changes": [{"subject", "before", "after"}…],
 *  "differences": [{"subject", "what": "absent", "no-account", "name", "department",
 *                   "account": as the account has it, "data": as the data has it}…],
 *  "same": how many accounts are as the data says}. With a fault, nothing may be proposed. New
 * reference. */
json_t *personnel_plan(struct bytes csv, const json_t *accounts, const char *today, bool complete);

#endif
