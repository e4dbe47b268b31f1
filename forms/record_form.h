/* A record as the form that it was made from, for who has the record and not the package: to be
 * shown (form_view.h), not to be judged. Elements stand in the order of record.xml, not in that of
 * form.xsd. */
#ifndef UKETSUKE_FORMS_RECORD_FORM_H
#define UKETSUKE_FORMS_RECORD_FORM_H

#include "forms/procedure.h"

/* Never NULL; free with xmlFreeDoc. What the procedure does not know is left out. */
xmlDoc *record_form(const struct procedure *procedure, const json_t *record);
/* Where the member `name` of `object`, a part of the record (this very one, not its like), stands
 * in the form: "children/child[2]/birth-date", as form_view.h names it. NULL: nowhere. */
char *record_item_path(const struct procedure *procedure, const json_t *record,
                       const json_t *object, const char *name);

#endif
