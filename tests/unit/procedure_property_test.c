/* Whatever a form says that the procedure takes, its record says, item by item, and no more. From
 * each whole example a walk: a random change that form.xsd allows (a value, an optional part, an
 * entry of a list, lists up to their most), kept when the rules take it, and then compared. What
 * is refused must be so by a rule, never by form.xsd: the description and the schema agree, too.
 * UKETSUKE_TEST_SEED=N repeats a failure. */
#include <dirent.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"
#include "tests/support/form_values.h"
#include "tests/unit/check.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"
#define STEPS      150 /* of the walk from one example */
#define WHOLE      40  /* forms made from nothing but the schema, for each procedure */
#define LIST_MOST  30  /* entries that a list is filled with */
#define FILES_MOST 20

/* What the accepted forms must have had, over all procedures. */
enum sight { LONG_NAME, LONG_ADDRESS, ASTRAL, GAIJI, HALF_KANA, LONG_VOWEL, FULL_LIST, SIGHTS };
static const char *const sight_names[SIGHTS] = {
    "100 characters",  "200 characters", "a kanji beyond the BMP", "a private-use character (外字)",
    "half-width kana", "a long vowel",   "a list of its most"};

struct walk {
    struct random random;
    uint64_t seed;
    const struct procedure *procedure;
    json_t *items;  /* path → its description */
    json_t *record; /* of record.xml */
    xmlDoc *record_xml;
    struct form_input input;
    struct form_attachment files[FILES_MOST];
    size_t taken, refused, step;
    bool seen[SIGHTS];
};

#define BROKEN(walk, ...)                                                                          \
    do {                                                                                           \
        print_message("seed %" PRIu64 ", step %zu, %s: ", (walk)->seed, (walk)->step,              \
                      (walk)->procedure->id);                                                      \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

/* --- making forms ----------------------------------------------------------------------------- */

static xmlNode *element_make(struct walk *walk, const struct outline *outline, const xmlNs *ns)
{
    xmlNode *node = xmlNewNode((xmlNs *)ns, (const xmlChar *)outline->name);
    if (outline->leaf) {
        const json_t *item = json_object_get(walk->items, outline->path);
        struct day today = day_of_instant(walk->input.applied_at);
        _cleanup_(cleanup_text) char *value = value_make(&walk->random, item, today);
        xmlNodeAddContent(node, (const xmlChar *)value);
    }
    for (size_t i = 0; i < outline->part_count; i++) {
        const struct outline *part = &outline->parts[i];
        uint64_t most = part->most < 4 ? (uint64_t)part->most : 4;
        uint64_t count = part->required ? 1 + random_below(&walk->random, most)
                                        : random_below(&walk->random, most + 1);
        while (count-- > 0)
            xmlAddChild(node, element_make(walk, part, ns));
    }
    return node;
}

static int64_t parts_count(const struct walk *walk, const xmlNode *node, const char *name)
{
    int64_t count = 0;
    for (const xmlNode *part = xml_first(node); part; part = xml_next(part))
        count += xml_is(part, walk->procedure->namespace, name);
    return count;
}

static void part_add(struct walk *walk, xmlNode *node, const struct outline *outline, size_t index)
{
    xmlNode *before = NULL, *part = element_make(walk, &outline->parts[index], node->ns);
    for (xmlNode *other = xml_first(node); other && !before; other = xml_next(other))
        for (size_t i = index + 1; i < outline->part_count && !before; i++)
            before =
                xml_is(other, walk->procedure->namespace, outline->parts[i].name) ? other : NULL;
    if (before)
        xmlAddPrevSibling(before, part);
    else
        xmlAddChild(node, part);
}

static void part_remove(const struct walk *walk, xmlNode *node, const char *name)
{
    xmlNode *part = xml_child(node, walk->procedure->namespace, name);
    xmlUnlinkNode(part);
    xmlFreeNode(part);
}

/* One more or one less of a part that may be there or not, or may repeat. */
static void part_change(struct walk *walk, xmlNode *node, const struct outline *outline)
{
    size_t index = random_below(&walk->random, outline->part_count);
    const struct outline *part = &outline->parts[index];
    int64_t count = parts_count(walk, node, part->name);
    if (part->most > 1 && random_below(&walk->random, 4) == 0) {
        for (; count < part->most && count < LIST_MOST; count++)
            part_add(walk, node, outline, index);
    } else if (count < part->most && (count == 0 || random_below(&walk->random, 2))) {
        part_add(walk, node, outline, index);
    } else if (count > (part->required ? 1 : 0)) {
        part_remove(walk, node, part->name);
    } else {
        part_remove(walk, node, part->name); /* another in its place */
        part_add(walk, node, outline, index);
    }
}

/* Down a random way, to a change somewhere. */
static void form_change(struct walk *walk, xmlNode *node, const struct outline *outline)
{
    xmlNode *parts[200];
    size_t count = 0;
    for (xmlNode *part = xml_first(node); part && count < 200; part = xml_next(part))
        parts[count++] = part;
    xmlNode *part = count > 0 ? parts[random_below(&walk->random, count)] : NULL;
    const struct outline *known = part ? outline_part(outline, (const char *)part->name) : NULL;
    if (known && !known->leaf && random_below(&walk->random, 8) > 0)
        form_change(walk, part, known);
    else
        part_change(walk, node, outline);
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool same_value(const char *type, const json_t *value, const char *text)
{
    int64_t number;
    if (type && strcmp(type, "integer") == 0)
        return json_is_integer(value) && number_parse(text, INT64_MIN, INT64_MAX, &number) &&
               json_integer_value(value) == number;
    if (type && strcmp(type, "boolean") == 0)
        return json_is_boolean(value) && json_is_true(value) == (strcmp(text, "true") == 0);
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static void object_compare(const struct walk *walk, const xmlNode *entries, const json_t *object,
                           size_t others, xmlNode *node);

static void list_compare(const struct walk *walk, const xmlNode *entry, const json_t *list,
                         xmlNode *first)
{
    size_t index = 0;
    for (xmlNode *node = first; node; node = xml_next(node))
        if (xml_is(node, walk->procedure->namespace, (const char *)first->name))
            object_compare(walk, entry, json_array_get(list, index++), 0, node);
    if (json_array_size(list) != index)
        BROKEN(walk, "a list has %zu entries, not %zu", json_array_size(list), index);
}

/* Every entry of record.xml against the form; what is compared is marked there. `others`: keys of
 * the object that are not of the form. */
static void object_compare(const struct walk *walk, const xmlNode *entries, const json_t *object,
                           size_t others, xmlNode *node)
{
    for (const xmlNode *entry = xml_first(entries); entry; entry = xml_next(entry)) {
        const char *name = xml_attribute(entry, "name");
        xmlNode *source = form_at(walk->procedure, node, xml_attribute(entry, "from"));
        const json_t *value = json_object_get(object, name);
        if (!source != !value)
            BROKEN(walk, "%s is in the form or in the record, not in both", name);
        if (!source)
            continue;
        others++;
        if (strcmp((const char *)entry->name, "object") == 0)
            object_compare(walk, entry, value, 0, source);
        else if (strcmp((const char *)entry->name, "list") == 0)
            list_compare(walk, entry, value, source);
        else if (!same_value(xml_attribute(entry, "type"), value, xml_text(source)))
            BROKEN(walk, "%s is not as in the form: \"%s\"", name, xml_text(source));
        source->_private = (void *)entry;
    }
    if (json_object_size(object) != others)
        BROKEN(walk, "an object of the record has %zu entries, not %zu", json_object_size(object),
               others);
}

static void sights_note(struct walk *walk, const xmlNode *leaf)
{
    const char *text = xml_text(leaf);
    size_t length = utf8_length(text);
    walk->seen[LONG_NAME] = walk->seen[LONG_NAME] || length == 100;
    walk->seen[LONG_ADDRESS] = walk->seen[LONG_ADDRESS] || length == 200;
    walk->seen[LONG_VOWEL] = walk->seen[LONG_VOWEL] || strstr(text, "ー");
    walk->seen[ASTRAL] = walk->seen[ASTRAL] || strstr(text, "\xF0\xA0");
    walk->seen[GAIJI] = walk->seen[GAIJI] || strstr(text, "\xF4\x80");
    walk->seen[HALF_KANA] = walk->seen[HALF_KANA] || strstr(text, "\xEF\xBD\xB1");
}

static void leaves_compared(struct walk *walk, const xmlNode *node, const struct outline *outline)
{
    for (size_t i = 0; i < outline->part_count; i++) {
        const struct outline *part = &outline->parts[i];
        if (part->most > 1 && parts_count(walk, node, part->name) == part->most)
            walk->seen[FULL_LIST] = true;
    }
    for (const xmlNode *part = xml_first(node); part; part = xml_next(part)) {
        const struct outline *known = outline_part(outline, (const char *)part->name);
        if (!known->leaf)
            leaves_compared(walk, part, known);
        else if (!part->_private)
            BROKEN(walk, "%s is in no part of the record", known->path);
        else
            sights_note(walk, part);
    }
}

/* As it comes out of the sealed store: from its JSON text. */
static void record_compare(struct walk *walk, xmlDoc *form, const json_t *record)
{
    _cleanup_(cleanup_text) char *text = json_dumps(record, JSON_COMPACT);
    _cleanup_(cleanup_json) json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!read || !json_equal(read, record))
        BROKEN(walk, "the record does not survive JSON");
    size_t others = json_object_get(record, "computed") ? 3 : 2; /* procedure, version */
    xmlNode *root = xmlDocGetRootElement(form);
    object_compare(walk, xmlDocGetRootElement(walk->record_xml), read, others, root);
    leaves_compared(walk, root, &walk->procedure->outline);
}

/* --- the walk --------------------------------------------------------------------------------- */

/* Through its bytes; whether the procedure takes it. */
static bool form_taken(struct walk *walk, xmlDoc *form)
{
    xmlChar *text;
    int length;
    xmlDocDumpMemoryEnc(form, &text, &length, "UTF-8");
    struct checks *checks = checks_new();
    struct bytes bytes = bytes_of(text, (size_t)length);
    _cleanup_(cleanup_xml_doc) xmlDoc *read = xml_parse(bytes, &XML_LIMITS_DEFAULT, "form", checks);
    _cleanup_(cleanup_json) json_t *findings = NULL, *record = NULL;
    walk->input.form = read;
    if (read)
        record = form_read(walk->procedure, &walk->input, checks, &findings);
    const char *reason = checks_reason(checks);
    if (!record &&
        (!read || strcmp(reason, "form-schema") == 0 || strcmp(reason, "form-too-large") == 0 ||
         checks_indication(checks) == INDETERMINATE))
        BROKEN(walk, "refused by its schema: %s\n%s", checks_text(checks), (const char *)text);
    checks_free(checks);
    if (record)
        record_compare(walk, read, record);
    xmlFree(text);
    return record != NULL;
}

static void walk_from(struct walk *walk, xmlDoc *start)
{
    xmlDoc *form = xmlCopyDoc(start, 1);
    walk->step = 0;
    if (!form_taken(walk, form))
        BROKEN(walk, "the example is not taken");
    for (walk->step = 1; walk->step <= STEPS; walk->step++) {
        xmlDoc *changed = xmlCopyDoc(form, 1);
        form_change(walk, xmlDocGetRootElement(changed), &walk->procedure->outline);
        bool taken = form_taken(walk, changed);
        walk->taken += taken;
        walk->refused += !taken;
        xmlFreeDoc(taken ? form : changed);
        form = taken ? changed : form;
    }
    xmlFreeDoc(form);
}

/* Without regard for the rules, so most are refused by one. */
static size_t whole_forms(struct walk *walk)
{
    size_t taken = 0;
    for (walk->step = 0; walk->step < WHOLE; walk->step++) {
        _cleanup_(cleanup_xml_doc) xmlDoc *form = xmlNewDoc((const xmlChar *)"1.0");
        xmlNode *root = element_make(walk, &walk->procedure->outline, NULL);
        xmlNewNs(root, (const xmlChar *)walk->procedure->namespace, NULL);
        xmlDocSetRootElement(form, root);
        taken += form_taken(walk, form);
    }
    return taken;
}

/* --- a procedure ------------------------------------------------------------------------------ */

static void items_note(json_t *items, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        json_object_set(items, json_string_value(json_object_get(item, "path")), item);
        items_note(items, json_object_get(item, "parts"));
    }
}

static json_t *items_of(const struct procedure *procedure)
{
    _cleanup_(cleanup_json) json_t *described = procedure_describe(procedure);
    json_t *items = json_object(), *group;
    size_t i;
    json_array_foreach (json_object_get(described, "groups"), i, group)
        items_note(items, json_object_get(group, "items"));
    return items;
}

static xmlDoc *document_read(const char *folder, const char *file)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, file);
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct failure f = {0};
    assert_true(definition_file_read(path, &content, &f));
    struct checks *checks = checks_new();
    xmlDoc *document = xml_parse(buffer_bytes(&content), &XML_LIMITS_DEFAULT, file, checks);
    assert_non_null(document);
    checks_free(checks);
    return document;
}

static void files_detach(struct walk *walk)
{
    for (size_t i = 0; i < walk->input.attachment_count; i++)
        free((char *)walk->files[i].name);
    walk->input.attachment_count = 0;
}

static void files_attach(struct walk *walk, const json_t *wanted)
{
    static const char pdf[] = "%PDF-1.7\nxref\nstartxref\n9\n%%EOF\n";
    const char *id;
    json_t *count;
    walk->input.attachments = walk->files;
    walk->input.attachment_count = 0;
    json_object_foreach ((json_t *)wanted, id, count)
        for (int i = 1; i <= (int)json_integer_value(count); i++) {
            assert_true(walk->input.attachment_count < FILES_MOST);
            walk->files[walk->input.attachment_count++] = (struct form_attachment){
                text_format("attachments/%s-%d.pdf", id, i), bytes_of(pdf, sizeof pdf - 1)};
        }
}

static void example_walk(struct walk *walk, const char *folder, const char *name)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s.json", folder, name);
    _cleanup_(cleanup_text) char *file = text_format("%s.xml", name);
    _cleanup_(cleanup_json) json_t *expected = json_load_file(path, 0, NULL);
    if (!json_object_get(expected, "record"))
        return;
    const char *time = json_string_value(json_object_get(expected, "applied_at"));
    assert_true(instant_parse(time, &walk->input.applied_at));
    files_attach(walk, json_object_get(expected, "attachments"));
    _cleanup_(cleanup_xml_doc) xmlDoc *form = document_read(folder, file);
    walk_from(walk, form);
    files_detach(walk);
}

static void procedure_walk(struct walk *walk)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/examples", walk->procedure->folder);
    _cleanup_(cleanup_xml_doc) xmlDoc *record =
        document_read(walk->procedure->folder, "record.xml");
    _cleanup_(cleanup_json) json_t *items = items_of(walk->procedure);
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, versionsort);
    assert_true(count > 0);
    walk->record_xml = record;
    walk->items = items;
    walk->taken = walk->refused = 0;
    for (int i = 0; i < count; i++) {
        char *dot = strstr(entries[i]->d_name, ".xml");
        if (dot)
            *dot = 0;
        if (dot)
            example_walk(walk, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    size_t whole = whole_forms(walk);
    print_message("%s: of %zu changes %zu taken; of %d forms from the schema alone, %zu\n",
                  walk->procedure->id, walk->taken + walk->refused, walk->taken, WHOLE, whole);
    assert_true(walk->taken >= 2 * walk->refused / 3);
}

static void test_identity(void **state)
{
    (void)state;
    struct failure f = {0};
    struct procedures *procedures;
    const char *seed = getenv("UKETSUKE_TEST_SEED");
    static struct walk walk;
    walk.seed = seed ? strtoull(seed, NULL, 10) : 20261128;
    walk.random.state = walk.seed;
    if (!procedures_load(PROCEDURES, &procedures, &f))
        fail_msg("%s", f.text);
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        walk.procedure = procedures_at(procedures, i);
        procedure_walk(&walk);
    }
    for (size_t i = 0; i < SIGHTS; i++)
        if (!walk.seen[i])
            fail_msg("no form that was taken had %s", sight_names[i]);
    procedures_free(procedures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_identity)};
    return cmocka_run_group_tests_name("procedure_property", tests, NULL, NULL);
}
