/* The walk: the definition says in which order, the form what. */
#include "forms/form_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/era.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"
#include "forms/form_view_internal.h"

DEFINE_CLEANUP(cleanup_view, struct view *, view_free)

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* --- the view --------------------------------------------------------------------------------- */

static struct view_entry *entry_add(struct viewing *viewing, const char *path, const char *label)
{
    struct view *view = viewing->view;
    view->entries = memory_resize(view->entries, (view->entry_count + 1) * sizeof *view->entries);
    struct view_entry *entry = &view->entries[view->entry_count++];
    *entry = (struct view_entry){.path = text_copy(path), .label = view_text(viewing, label)};
    return entry;
}

struct view_entry *view_row_add(struct viewing *viewing, const char *path, const char *label,
                                const char *text)
{
    struct view_entry *entry = entry_add(viewing, path, label);
    entry->text = view_text(viewing, text);
    return entry;
}

struct view_entry *view_heading_add(struct viewing *viewing, int level, const char *path,
                                    const char *label)
{
    struct view_entry *entry = entry_add(viewing, path, label);
    entry->heading = true;
    entry->level = level;
    return entry;
}

static void text_erase(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void remarks_free(struct view_remarks *remarks)
{
    for (size_t i = 0; i < remarks->count; i++)
        text_erase(remarks->items[i].text);
    free(remarks->items);
}

void view_free(struct view *view)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        struct view_entry *entry = &view->entries[i];
        text_erase(entry->path);
        text_erase(entry->label);
        text_erase(entry->text);
        text_erase(entry->also);
        remarks_free(&entry->remarks);
    }
    free(view->entries);
    remarks_free(&view->remarks);
    for (size_t i = 0; i < view->fact_count; i++)
        text_erase(view->facts[i].text);
    text_erase(view->title);
    text_erase(view->receipt_number);
    text_erase(view->applied_at);
    text_erase(view->purpose);
    text_erase(view->basis);
    free(view);
}

/* --- values ----------------------------------------------------------------------------------- */

/* The mask says how long such a number is, not how long what stands there is. */
static const char *mask_of(const json_t *item)
{
    const char *check = member(item, "check");
    if (strcmp(check, "kojinbango") == 0)
        return "************";
    return strcmp(check, "juminhyokodo") == 0 ? "***********" : NULL;
}

static void day_row_add(struct viewing *viewing, const char *path, const char *label,
                        const char *text)
{
    struct day day;
    char era[ERA_TEXT];
    if (!day_parse(text, &day)) {
        view_row_add(viewing, path, label, text);
        return;
    }
    view_row_add(viewing, path, label, era_day_text(day, era))->also = text_copy(text);
}

static const char *choice_label(const struct viewing *viewing, const json_t *item, const char *text)
{
    const char *label = procedure_value_label(viewing->procedure, member(item, "path"), text);
    if (label || strcmp(member(item, "kind"), "boolean") != 0)
        return label ? label : text;
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return yes ? "はい" : strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ? "いいえ" : text;
}

static void leaf_add(struct viewing *viewing, const json_t *item, const xmlNode *node)
{
    const char *text = xml_text(node), *label = member(item, "label");
    _cleanup_(cleanup_text) char *path = form_path(viewing->procedure, node);
    const char *mask = mask_of(item);
    if (!text)
        return; /* elements where text should be: told by unknown_tell */
    viewing->shown += *text != '\0';
    if (mask && !viewing->input->show_numbers && *text) {
        struct view_entry *entry = view_row_add(viewing, path, label, mask);
        entry->also = text_copy("非表示");
        entry->number = entry->masked = true;
    } else if (strcmp(member(item, "kind"), "date") == 0) {
        day_row_add(viewing, path, label, text);
    } else {
        struct view_entry *entry =
            view_row_add(viewing, path, label, choice_label(viewing, item, text));
        entry->number = mask && *text;
        view_characters(&entry->remarks, text);
    }
}

/* --- the walk --------------------------------------------------------------------------------- */

static void parts_add(struct viewing *viewing, const json_t *items, const xmlNode *around,
                      int level);

/* The next element of the item's name at or behind `node`; NULL. */
static const xmlNode *element_from(const struct viewing *viewing, const json_t *item,
                                   const xmlNode *node)
{
    while (node && !xml_is(node, viewing->procedure->namespace, member(item, "name")))
        node = xml_next(node);
    return node;
}

static const xmlNode *element_first(const struct viewing *viewing, const json_t *item,
                                    const xmlNode *around)
{
    return element_from(viewing, item, xml_first(around));
}

/* Each entry of a list has a heading with its number. A group has one, unless `bare`. */
static void elements_add(struct viewing *viewing, const json_t *item, const xmlNode *around,
                         int level, bool bare)
{
    const json_t *parts = json_object_get(item, "parts");
    bool list = strcmp(member(item, "kind"), "list") == 0;
    size_t number = 0;
    for (const xmlNode *node = element_first(viewing, item, around); node;
         node = element_from(viewing, item, xml_next(node))) {
        number++;
        if (!parts) {
            leaf_add(viewing, item, node);
            continue;
        }
        const char *label = member(item, "label");
        _cleanup_(cleanup_text) char *path = form_path(viewing->procedure, node);
        _cleanup_(cleanup_text) char *numbered =
            list ? text_format("%s %zu", *label ? label : member(item, "name"), number)
                 : text_copy(label);
        if (!bare || list)
            view_heading_add(viewing, level, path, numbered);
        parts_add(viewing, parts, node, level + (!bare || list));
    }
}

static void parts_add(struct viewing *viewing, const json_t *items, const xmlNode *around,
                      int level)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        elements_add(viewing, item, around, level, !*member(item, "label"));
    }
}

static bool group_present(const struct viewing *viewing, const json_t *items, const xmlNode *root)
{
    for (size_t i = 0; i < json_array_size(items); i++)
        if (element_first(viewing, json_array_get(items, i), root))
            return true;
    return false;
}

/* A group that is named as its first item, which has parts, is the heading of that item, too. */
static char *group_path(const struct viewing *viewing, const json_t *first, const xmlNode *root)
{
    const xmlNode *node = element_first(viewing, first, root);
    if (!json_object_get(first, "parts"))
        return text_copy("");
    if (strcmp(member(first, "kind"), "list") == 0)
        return text_copy(member(first, "path"));
    return node ? form_path(viewing->procedure, node) : text_copy("");
}

/* A heading of its own for a single item with text would say the same word twice: such items stand
 * together under an empty heading. */
static void group_add(struct viewing *viewing, const json_t *group, const xmlNode *root,
                      bool *loose)
{
    const json_t *items = json_object_get(group, "items"), *first = json_array_get(items, 0);
    bool same = strcmp(member(group, "label"), member(first, "label")) == 0;
    bool alone = same && json_array_size(items) == 1 && !json_object_get(first, "parts");
    if (!group_present(viewing, items, root))
        return;
    if (!alone) {
        _cleanup_(cleanup_text) char *path =
            same ? group_path(viewing, first, root) : text_copy("");
        view_heading_add(viewing, 1, path, member(group, "label"));
    } else if (!*loose) {
        view_heading_add(viewing, 1, "", "");
    }
    *loose = alone;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        elements_add(viewing, item, root, 2, (i == 0 && same) || !*member(item, "label"));
    }
}

/* --- what must not be seen, what cannot be shown ---------------------------------------------- */

/* The numbers of the form, so that they are masked wherever they stand. */
static void secrets_collect(struct viewing *viewing, const json_t *items, const xmlNode *around)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        for (const xmlNode *node = element_first(viewing, item, around); node;
             node = element_from(viewing, item, xml_next(node))) {
            secrets_collect(viewing, json_object_get(item, "parts"), node);
            const char *text = mask_of(item) ? xml_text(node) : NULL;
            if (!text || !*text)
                continue;
            viewing->secrets = memory_resize(viewing->secrets, (viewing->secret_count + 1) *
                                                                   sizeof *viewing->secrets);
            viewing->secrets[viewing->secret_count++] = text;
        }
    }
}

static size_t texts_count(const xmlNode *node) /* no deeper than xml_parse lets it be */
{
    const xmlNode *part = xml_first(node);
    const char *text = part ? NULL : xml_text(node);
    size_t count = text && *text;
    for (; part; part = xml_next(part))
        count += texts_count(part);
    return count;
}

static void unknown_tell(struct viewing *viewing, const xmlNode *root)
{
    size_t all = root ? texts_count(root) : 0;
    if (all > viewing->shown)
        view_remark_add(
            &viewing->view->remarks, VIEW_UNKNOWN,
            text_format("様式の定義にない項目が%zu件あります。ここには表示していません。",
                        all - viewing->shown));
}

/* --- besides the form ------------------------------------------------------------------------- */

static void computed_rows_add(struct viewing *viewing)
{
    const struct procedure *procedure = viewing->procedure;
    const json_t *all = json_object_get(viewing->input->record, "computed");
    bool first = true;
    for (size_t i = 0; i < procedure->computed_count; i++) {
        const struct computed *computed = &procedure->computed[i];
        const json_t *one = json_object_get(all, computed->name);
        if (!one)
            continue;
        if (first)
            view_heading_add(viewing, 1, "", "算出値");
        first = false;
        struct view_entry *entry = view_row_add(viewing, "", computed->label, member(one, "value"));
        entry->also = *member(one, "how") ? view_text(viewing, member(one, "how")) : NULL;
    }
}

static char *size_text(size_t size)
{
    if (size < 1024)
        return text_format("%zu バイト", size);
    if (size < 1024 * 1024)
        return text_format("%zu KB", (size + 1023) / 1024);
    return text_format("%zu.%zu MB", size >> 20, (size & ((1 << 20) - 1)) * 10 >> 20);
}

static void files_add(struct viewing *viewing)
{
    const struct view_input *input = viewing->input;
    if (!input->files)
        return;
    view_heading_add(viewing, 1, "attachments", "添付書類");
    if (input->file_count == 0)
        view_row_add(viewing, "", "添付書類", "なし");
    for (size_t i = 0; i < input->file_count; i++) {
        const struct view_file *file = &input->files[i];
        const struct document *document = document_of_file(viewing->procedure, file->name);
        const char *label = document && document->id ? document->label : "その他の書類";
        const char *slash = strchr(file->name, '/');
        _cleanup_(cleanup_text) char *path = view_text(viewing, file->name);
        struct view_entry *entry =
            view_row_add(viewing, path, label, slash ? slash + 1 : file->name);
        entry->also = size_text(file->size);
    }
}

/* 令和8年11月28日 9時0分（2026-11-28 09:00） */
static char *applied_at_text(instant at)
{
    char era[ERA_TEXT], iso[INSTANT_TEXT];
    instant_text_jst(at, iso);
    return text_format("%s %d時%d分（%.10s %.5s）", era_day_text(day_of_instant(at), era),
                       atoi(iso + 11), atoi(iso + 14), iso, iso + 11);
}

static void fact_add(struct view *view, const char *label, const char *text)
{
    if (text)
        view->facts[view->fact_count++] = (struct view_fact){label, text_copy(text)};
}

static void head_make(struct viewing *viewing)
{
    const struct procedure *procedure = viewing->procedure;
    const struct view_input *input = viewing->input;
    struct view *view = viewing->view;
    _cleanup_(cleanup_text) char *form =
        text_format("%s 第%s版", procedure->id, procedure->version);
    view->title = text_copy(procedure->name);
    view->receipt_number = input->receipt_number ? view_text(viewing, input->receipt_number) : NULL;
    view->applied_at = input->applied_at ? applied_at_text(input->applied_at) : NULL;
    view->purpose = text_copy(procedure->purpose);
    view->basis = text_copy(procedure->basis);
    fact_add(view, "受付番号", view->receipt_number);
    fact_add(view, "申請日時", view->applied_at);
    fact_add(view, "様式", form);
    fact_add(view, "利用目的", view->purpose);
    fact_add(view, "根拠法令", view->basis);
}

struct view *view_build(const struct procedure *procedure, const struct view_input *input)
{
    _cleanup_(cleanup_view) struct view *view = memory_allocate(sizeof *view);
    _cleanup_(cleanup_json) json_t *description = procedure_describe(procedure);
    const json_t *groups = json_object_get(description, "groups");
    struct viewing viewing = {.procedure = procedure, .input = input, .view = view};
    const xmlNode *root = xmlDocGetRootElement(input->form);
    if (root && !xml_is(root, procedure->namespace, procedure->outline.name))
        root = NULL; /* another form */
    for (size_t i = 0; root && !input->show_numbers && i < json_array_size(groups); i++)
        secrets_collect(&viewing, json_object_get(json_array_get(groups, i), "items"), root);
    head_make(&viewing);
    bool loose = false;
    for (size_t i = 0; root && i < json_array_size(groups); i++)
        group_add(&viewing, json_array_get(groups, i), root, &loose);
    unknown_tell(&viewing, xmlDocGetRootElement(input->form));
    computed_rows_add(&viewing);
    files_add(&viewing);
    view_remarks_place(&viewing);
    free(viewing.secrets);
    return TAKE(view);
}
