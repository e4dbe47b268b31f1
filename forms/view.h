/* A record as a screen shows it: headings and rows in the order of the labels, values in words. */
#ifndef UKETSUKE_FORMS_VIEW_H
#define UKETSUKE_FORMS_VIEW_H

#include "forms/procedure.h"

#define VIEW_MASK "************" /* stands for every 個人番号 and 住民票コード */

/* [{"label", "rows": [{"path", "label", "value", "masked"}]}], without what the form left out.
 * What is masked stands in no row, not in another item either. "path" as in findings
 * ("children/child[2]/birth-date"). New reference. */
json_t *record_view(const struct procedure *procedure, const json_t *record);
/* What record_view masks: [{"path", "label", "value"}]. New reference; personal, as the other. */
json_t *record_numbers(const struct procedure *procedure, const json_t *record);

#endif
