/* Reading a form: schema, items, rules, attachments, then what is computed. */
#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/definition.h"

static json_t *form_judge(const struct procedure *procedure, const struct form_input *input,
                          struct evaluation *evaluation, struct checks *checks, json_t *findings)
{
    xmlNode *root = xmlDocGetRootElement(input->form);
    _cleanup_(cleanup_json) json_t *record =
        record_build(procedure, input->form, input->applied_at, checks);
    if (!record)
        return NULL;
    bool good = tests_hold(procedure, evaluation, root, checks, findings);
    good = attachments_hold(procedure, evaluation, input, root, checks) && good;
    if (!good || !computed_add(procedure, evaluation, root, checks, record))
        return NULL;
    return TAKE(record);
}

json_t *form_read(const struct procedure *procedure, const struct form_input *input,
                  struct checks *checks, json_t **ret_findings)
{
    *ret_findings = json_array();
    if (!schema_validate(procedure, input->form, checks))
        return NULL;
    struct evaluation *evaluation = evaluation_begin(procedure, input);
    json_t *record = form_judge(procedure, input, evaluation, checks, *ret_findings);
    evaluation_end(evaluation);
    return record;
}
