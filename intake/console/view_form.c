/* The form for a screen: what forms/form_view.h makes of the record, as JSON. */
#include "forms/form_view.h"

#include "base/cleanup.h"
#include "forms/record_form.h"
#include "intake/console/view.h"

DEFINE_CLEANUP(cleanup_view, struct view *, view_free)

static bool readable(const struct subject *subject)
{
    return subject->procedure && subject->examination.record;
}

static json_t *remarks_json(const struct view_remarks *remarks)
{
    json_t *list = json_array();
    for (size_t i = 0; i < remarks->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "mark",
                                              view_mark_text(remarks->items[i].mark), "text",
                                              remarks->items[i].text));
    return list;
}

/* A heading within a group is a row with a level. */
static json_t *row_json(const struct view_entry *entry)
{
    return entry->heading
               ? json_pack("{s:s, s:s, s:i, s:o}", "path", entry->path, "label", entry->label,
                           "level", entry->level, "remarks", remarks_json(&entry->remarks))
               : json_pack("{s:s, s:s, s:s, s:s?, s:b, s:o}", "path", entry->path, "label",
                           entry->label, "value", entry->text, "also", entry->also, "masked",
                           entry->masked, "remarks", remarks_json(&entry->remarks));
}

static json_t *groups_json(const struct view *view)
{
    json_t *groups = json_array(), *rows = NULL;
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct view_entry *entry = &view->entries[i];
        if (!rows || (entry->heading && entry->level == 1)) {
            rows = json_array();
            json_array_append_new(groups, json_pack("{s:s, s:o, s:o}", "label",
                                                    entry->heading ? entry->label : "", "remarks",
                                                    remarks_json(&entry->remarks), "rows", rows));
        }
        if (!entry->heading || entry->level > 1)
            json_array_append_new(rows, row_json(entry));
    }
    return groups;
}

json_t *view_form(const struct subject *subject, const struct view_difference *differences,
                  size_t difference_count)
{
    if (!readable(subject))
        return json_null();
    _cleanup_(cleanup_xml_doc) xmlDoc *form =
        record_form(subject->procedure, subject->examination.record);
    const struct view_input input = {
        .form = form,
        .record = subject->examination.record,
        .findings = json_object_get(subject->examination.report, "findings"),
        .differences = differences,
        .difference_count = difference_count,
    };
    _cleanup_(cleanup_view) struct view *view = view_build(subject->procedure, &input);
    return json_pack("{s:o, s:o}", "groups", groups_json(view), "remarks",
                     remarks_json(&view->remarks));
}

json_t *view_numbers(const struct subject *subject)
{
    json_t *numbers = json_array();
    if (!readable(subject))
        return numbers;
    _cleanup_(cleanup_xml_doc) xmlDoc *form =
        record_form(subject->procedure, subject->examination.record);
    _cleanup_(cleanup_view) struct view *view =
        view_build(subject->procedure, &(struct view_input){.form = form, .show_numbers = true});
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct view_entry *entry = &view->entries[i];
        if (entry->number)
            json_array_append_new(numbers, json_pack("{s:s, s:s, s:s}", "path", entry->path,
                                                     "label", entry->label, "value", entry->text));
    }
    return numbers;
}
