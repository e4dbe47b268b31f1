/* What comes of the examination. */
#include "intake/console/view.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "intake/console/endpoints.h"
#include "intake/console/output.h"
#include "intake/explain/lines.h"
#include "intake/identify/people.h"
#include "intake/staff/staff.h"
#include "routing/route.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_t *view_facts(const struct subject *subject)
{
    const json_t *facts = subject->examination.facts;
    if (!json_is_object(facts))
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", text_of(facts, "name"), "kana",
                     "", "birth_date", text_of(facts, "birth_date"), "sex", text_of(facts, "sex"),
                     "address", text_of(facts, "address"), "name_substituted",
                     text_of(facts, "name_substituted"), "address_substituted",
                     text_of(facts, "address_substituted"));
}

json_t *view_claimed(const struct subject *subject)
{
    struct people people;
    people_read(subject->examination.record, NULL, &people);
    const struct facts *facts = people.count ? &people.at[0].facts : NULL;
    if (!facts || (!*facts->name && !*facts->birth_date))
        return json_null();
    const char sex[2] = {facts->sex, '\0'};
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", facts->name, "kana", facts->kana,
                     "birth_date", facts->birth_date, "sex", sex, "address", facts->address);
}

json_t *view_verification(const struct subject *subject)
{
    const json_t *report = subject->examination.report;
    if (!subject->examined)
        return json_null();
    return json_pack("{s:s, s:s, s:o}", "indication", text_of(report, "indication"),
                     "sub_indication", text_of(report, "sub_indication"), "lines",
                     explain_lines(report));
}

json_t *view_findings(const struct subject *subject)
{
    json_t *findings = json_object_get(subject->examination.report, "findings");
    return findings && json_is_array(findings) ? json_incref(findings) : json_array();
}

/* --- attachments --------------------------------------------------------------------------------
 */

char *attachment_name(const struct subject *subject, const char *member)
{
    const char *own = member + strlen(ATTACHMENTS), *dot = strrchr(own, '.');
    const char *label =
        subject->procedure ? document_label_of_file(subject->procedure, member) : NULL;
    const char *dash = label ? strrchr(own, '-') : NULL;
    size_t length = dash && dot && dot > dash ? (size_t)(dot - dash - 1) : 0;
    return text_format("%s%s%.*s", label ? label : "添付書類", length ? " " : "", (int)length,
                       dash ? dash + 1 : "");
}

const char *attachment_type(const char *dot)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".pdf", "application/pdf"},
                 {".png", "image/png"},
                 {".jpg", "image/jpeg"},
                 {".jpeg", "image/jpeg"}};
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* As the report tells them: nothing is unpacked for a list. Only what was accepted is shown: those
 * bytes were taken apart by the examiner before. */
json_t *view_attachments(const struct subject *subject)
{
    const json_t *coverage = json_object_get(subject->examination.report, "coverage");
    json_t *list = json_array();
    for (size_t i = 0; subject->examination.record && i < json_array_size(coverage); i++) {
        const json_t *member = json_array_get(coverage, i);
        const char *name = text_of(member, "member"), *dot = strrchr(name, '.');
        if (strncmp(name, ATTACHMENTS, strlen(ATTACHMENTS)) != 0)
            continue;
        _cleanup_(cleanup_text) char *shown = attachment_name(subject, name);
        json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:O}", "index", (json_int_t)i,
                                              "name", shown, "type", attachment_type(dot), "size",
                                              json_object_get(member, "size")));
    }
    return list;
}

/* --- what may be done ---------------------------------------------------------------------------
 */

#define SET(state) (1u << (state))

json_t *view_may(const struct subject_call *call)
{
    const struct subject *subject = &call->subject;
    enum state state = subject->item.state;
    const unsigned waits = SET(STATE_REVIEW) | SET(STATE_UNMATCHED) | SET(STATE_HELD);
    const unsigned there = SET(STATE_ROUTED) | SET(STATE_RECEIVED);
    const struct {
        const char *name;
        enum right right;
        unsigned states;
    } acts[] = {
        {"identify", RIGHT_IDENTIFY, SET(STATE_UNMATCHED)},
        {"confirm", RIGHT_CONFIRM, SET(STATE_UNMATCHED)},
        {"undo", RIGHT_IDENTIFY, SET(STATE_REVIEW) | SET(STATE_HELD) | SET(STATE_IDENTIFIED)},
        {"contact", RIGHT_EXAMINE, ~0u},
        {"approve", RIGHT_APPROVE, staff_may_approve(state, subject->reason) ? ~0u : 0},
        {"correct", RIGHT_EXAMINE, waits},
        {"refuse", RIGHT_EXAMINE, waits | SET(STATE_CORRECTION)},
        {"hold", RIGHT_EXAMINE, waits},
        {"withdraw", RIGHT_EXAMINE,
         waits | there | SET(STATE_CORRECTION) | SET(STATE_COLLECTED) | SET(STATE_VERIFIED) |
             SET(STATE_IDENTIFIED)},
        {"resend", RIGHT_EXAMINE,
         staff_may_resend(state, subject->reason, subject->stage) ? ~0u : 0},
        {"number", RIGHT_NUMBER, ~0u},
        {"protected", RIGHT_PROTECTED, ~0u},
    };
    json_t *may = json_array();
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (acts[i].states & SET(state) && subject_may(call, acts[i].right))
            json_array_append_new(may, json_string(acts[i].name));
    if (subject_may(call, RIGHT_PRINT) &&
        output_available(call->context, &call->caller, OUTPUT_PRINT))
        json_array_append_new(may, json_string("print"));
    if (subject_may(call, RIGHT_EXPORT) && subject_may(call, RIGHT_NUMBER) &&
        output_available(call->context, &call->caller, OUTPUT_EXPORT))
        json_array_append_new(may, json_string("export"));
    return may;
}

/* --- elsewhere ----------------------------------------------------------------------------------
 */

/* The right to reroute is asked for where it comes from and where it goes: of some procedure whose
 * applications go there. */
bool view_destination_allowed(const struct subject_call *call, const char *destination)
{
    const struct config *config = call->context->role->config;
    const struct config_group *group = NULL;
    struct route route;
    if (!subject_may(call, RIGHT_REROUTE) ||
        !route_find(config, call->subject.procedure_id, &route) ||
        !route_alternative(config, &route, destination))
        return false;
    while ((group = config_next(config, route_config_section.name, group)))
        if (route_find(config, config_name(group), &route) &&
            strcmp(route.destination, destination) == 0 &&
            permission_allows(&call->caller.permissions, RIGHT_REROUTE, route.business,
                              route.department))
            return true;
    return false;
}

json_t *view_destinations(const struct subject_call *call)
{
    const struct config *config = call->context->role->config;
    const struct config_group *group = NULL;
    json_t *list = json_array();
    if (!staff_may_reroute(call->subject.item.state, call->subject.stage))
        return list;
    while ((group = config_next(config, destination_config_section.name, group)))
        if (view_destination_allowed(call, config_name(group)))
            json_array_append_new(list, json_pack("{s:s, s:s}", "destination", config_name(group),
                                                  "name", config_text(group, "name")));
    return list;
}
