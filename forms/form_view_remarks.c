/* Differences and findings stand beside what they are about. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forms/form_view_internal.h"

const char *view_mark_text(enum view_mark mark)
{
    static const char *const texts[VIEW_MARKS] = {"相違", "不備", "要確認",
                                                  "参考", "外字", "定義外"};
    return texts[mark];
}

void view_remark_add(struct view_remarks *remarks, enum view_mark mark, char *text)
{
    remarks->items = memory_resize(remarks->items, (remarks->count + 1) * sizeof *remarks->items);
    remarks->items[remarks->count++] = (struct view_remark){mark, text};
}

static struct view_entry *entry_find(const struct view *view, const char *path)
{
    for (size_t i = 0; *path && i < view->entry_count; i++)
        if (strcmp(view->entries[i].path, path) == 0)
            return &view->entries[i];
    return NULL;
}

/* Removes the last step; false when there was but one. */
static bool path_shorten(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return slash;
}

/* "children/child[2]/name" as labels.xml has it: "children/child/name". */
static char *path_plain(const char *path)
{
    char *plain = text_copy(path), *to = plain;
    for (const char *from = path; *from; from++) {
        if (*from == '[')
            from += strcspn(from, "]");
        if (!*from)
            break;
        if (*from != ']')
            *to++ = *from;
    }
    *to = '\0';
    return plain;
}

static void remark_place(struct viewing *viewing, enum view_mark mark, const char *item,
                         const char *text)
{
    _cleanup_(cleanup_text) char *path = text_copy(item ? item : "");
    _cleanup_(cleanup_text) char *plain = path_plain(path);
    struct view_entry *entry = entry_find(viewing->view, path);
    const char *label = entry ? NULL : procedure_label(viewing->procedure, plain);
    while (!entry && path_shorten(path))
        entry = entry_find(viewing->view, path);
    _cleanup_(cleanup_text) char *whole =
        text_format("%s%s%s", label ? label : "", label ? "：" : "", text ? text : "");
    view_remark_add(entry ? &entry->remarks : &viewing->view->remarks, mark,
                    view_text(viewing, whole));
}

static enum view_mark mark_of(const char *severity)
{
    if (severity && strcmp(severity, "refuse") == 0)
        return VIEW_REFUSE;
    return severity && strcmp(severity, "note") == 0 ? VIEW_NOTE : VIEW_REVIEW;
}

static const char *member(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

void view_remarks_place(struct viewing *viewing)
{
    const struct view_input *input = viewing->input;
    for (size_t i = 0; i < input->difference_count; i++)
        remark_place(viewing, VIEW_DIFFERENCE, input->differences[i].item,
                     input->differences[i].note);
    for (size_t i = 0; i < json_array_size(input->findings); i++) {
        const json_t *finding = json_array_get(input->findings, i);
        remark_place(viewing, mark_of(member(finding, "severity")), member(finding, "item"),
                     member(finding, "message"));
    }
}
