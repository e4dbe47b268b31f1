/* A form as it is shown: order, words, masks, remarks; and as HTML, whatever stands in it. */
#include "tests/unit/check.h"

#include <glob.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/form_view.h"
#include "forms/form_view_html.h"
#include "forms/record_form.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"
#define CLAIM      "child-allowance.certification-claim"
#define CLAIM_GOOD PROCEDURES "/child-allowance/certification-claim/examples/good.xml"

static struct procedures *procedures;

DEFINE_CLEANUP(cleanup_view, struct view *, view_free)

static int load(void **state)
{
    (void)state;
    struct failure f = {0};
    return procedures_load(PROCEDURES, &procedures, &f) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    procedures_free(procedures);
    return 0;
}

static char *file_text(const char *path)
{
    char *text = memory_allocate(1 << 20);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    fclose(file);
    return text;
}

static xmlDoc *xml_of(const char *text)
{
    struct checks *checks = checks_new();
    xmlDoc *form = xml_parse(bytes_of_text(text), &XML_LIMITS_DEFAULT, "form", checks);
    checks_free(checks);
    assert_non_null(form);
    return form;
}

static const struct procedure *procedure_of(const xmlDoc *form)
{
    const char *ns = (const char *)xmlDocGetRootElement(form)->ns->href;
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const struct procedure *one = procedures_at(procedures, i);
        _cleanup_(cleanup_text) char *own =
            text_format("urn:uketsuke:form:%s:%s", procedure_id(one), procedure_version(one));
        if (strcmp(own, ns) == 0)
            return one;
    }
    return NULL;
}

static const struct procedure *claim(void)
{
    return procedures_find(procedures, CLAIM, "1");
}

/* good.xml with each `from` changed into `to`. */
static xmlDoc *claim_form(const char *from, const char *to)
{
    _cleanup_(cleanup_text) char *text = file_text(CLAIM_GOOD);
    struct buffer changed = {0};
    const char *at = text, *next;
    while (*from && (next = strstr(at, from))) {
        buffer_append(&changed, at, (size_t)(next - at));
        buffer_append_text(&changed, to);
        at = next + strlen(from);
    }
    buffer_append_text(&changed, at);
    xmlDoc *form = xml_of(buffer_text(&changed));
    buffer_free(&changed);
    return form;
}

static const struct view_entry *entry_at(const struct view *view, const char *path)
{
    const struct view_entry *found = NULL;
    for (size_t i = 0; i < view->entry_count; i++)
        if (strcmp(view->entries[i].path, path) == 0) {
            assert_null(found); /* once */
            found = &view->entries[i];
        }
    assert_non_null(found);
    return found;
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

static void html_make(const struct view *view, struct buffer *html)
{
    view_html_page(view, "form-view.css", html);
    buffer_text(html);
}

/* --- every procedure -------------------------------------------------------------------------- */

/* The labels of labels.xml, and each value; nothing that checks a number is told. */
static void leaf_check(const struct view *view, const struct procedure *procedure,
                       const xmlNode *node, const char *plain, const char *path)
{
    const struct view_entry *entry = entry_at(view, path);
    const char *text = xml_text(node), *label = procedure_label(procedure, plain);
    const char *value = procedure_value_label(procedure, plain, text);
    assert_false(entry->heading);
    assert_non_null(label);
    assert_string_equal(entry->label, label);
    if (entry->masked)
        assert_null(strstr(entry->text, text));
    else if (value)
        assert_string_equal(entry->text, value);
    else if (!entry->also)
        assert_string_equal(entry->text, text);
    else
        assert_string_equal(entry->also, text); /* a day */
}

static bool repeats(const xmlNode *node)
{
    /* what may repeat, in all procedures, stands under an element of its own or at the top */
    for (const xmlNode *other = xml_first(node->parent); other; other = xml_next(other))
        if (other != node && xmlStrEqual(other->name, node->name))
            return true;
    return false;
}

static size_t leaves_check(const struct view *view, const struct procedure *procedure,
                           const xmlNode *around, const char *plain, const char *path)
{
    size_t count = 0, number = 0;
    const xmlNode *before = NULL;
    for (const xmlNode *node = xml_first(around); node; before = node, node = xml_next(node)) {
        const char *name = (const char *)node->name, *slash = *plain ? "/" : "";
        number = before && xmlStrEqual(before->name, node->name) ? number + 1 : 1;
        _cleanup_(cleanup_text) char *own_plain = text_format("%s%s%s", plain, slash, name);
        _cleanup_(cleanup_text) char *numbered =
            text_format("%s%s%s[%zu]", path, slash, name, number);
        _cleanup_(cleanup_text) char *single = text_format("%s%s%s", path, slash, name);
        bool list = repeats(node);
        for (size_t i = 0; i < view->entry_count && !list; i++) /* a list of one */
            list = strncmp(view->entries[i].path, numbered, strlen(numbered)) == 0;
        const char *own = list ? numbered : single;
        if (xml_first(node)) {
            count += leaves_check(view, procedure, node, own_plain, own);
            continue;
        }
        leaf_check(view, procedure, node, own_plain, own);
        count++;
    }
    return count;
}

static size_t rows_of_form(const struct view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->entry_count; i++)
        count += !view->entries[i].heading && *view->entries[i].path;
    return count;
}

static bool html_has(const struct buffer *html, const char *text)
{
    _cleanup_(cleanup_buffer) struct buffer escaped = {0};
    html_escape(text, &escaped);
    return strstr((const char *)html->data, buffer_text(&escaped));
}

static void example_check(const char *path, size_t *ret_masked)
{
    _cleanup_(cleanup_text) char *text = file_text(path);
    _cleanup_(cleanup_xml_doc) xmlDoc *form = xml_of(text);
    const struct procedure *procedure = procedure_of(form);
    assert_non_null(procedure);
    _cleanup_(cleanup_view) struct view *view =
        view_build(procedure, &(struct view_input){.form = form});
    _cleanup_(cleanup_buffer) struct buffer html = {0};
    const xmlNode *root = xmlDocGetRootElement(form);
    assert_int_equal(leaves_check(view, procedure, root, "", ""), rows_of_form(view));
    assert_int_equal(view->remarks.count, 0);
    html_make(view, &html);
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct view_entry *entry = &view->entries[i];
        assert_true(html_has(&html, entry->label));
        assert_true(!entry->text || html_has(&html, entry->text));
        *ret_masked += entry->masked;
        if (i > 0 && entry->heading && entry[-1].heading) /* nothing is said twice */
            assert_string_not_equal(entry->label, entry[-1].label);
    }
}

/* What the record says is shown as what the form says. */
static void test_a_record_is_shown_as_its_form(void **state)
{
    (void)state;
    size_t compared = 0;
    glob_t files;
    assert_int_equal(glob(PROCEDURES "/*/*/examples/good*.xml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        _cleanup_(cleanup_text) char *text = file_text(files.gl_pathv[i]);
        _cleanup_(cleanup_xml_doc) xmlDoc *form = xml_of(text);
        _cleanup_(cleanup_json) json_t *findings = NULL, *record = NULL;
        _cleanup_(cleanup_buffer) struct buffer one = {0}, two = {0};
        struct form_input input = {.form = form};
        struct checks *checks = checks_new();
        assert_true(instant_parse("2026-11-21T09:00:00+09:00", &input.applied_at));
        record = form_read(procedure_of(form), &input, checks, &findings);
        checks_free(checks);
        if (!record) /* wants an attachment, or another day */
            continue;
        _cleanup_(cleanup_xml_doc) xmlDoc *again = record_form(procedure_of(form), record);
        _cleanup_(cleanup_view) struct view *of_form =
            view_build(procedure_of(form), &(struct view_input){.form = form});
        _cleanup_(cleanup_view) struct view *of_record =
            view_build(procedure_of(form), &(struct view_input){.form = again});
        view_html_write(of_form, 1, &one);
        view_html_write(of_record, 1, &two);
        assert_string_equal(buffer_text(&one), buffer_text(&two));
        compared++;
    }
    globfree(&files);
    assert_true(compared > 15);
}

static void test_every_procedure(void **state)
{
    (void)state;
    size_t masked = 0;
    glob_t files;
    assert_int_equal(glob(PROCEDURES "/*/*/examples/good*.xml", 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= procedures_count(procedures));
    for (size_t i = 0; i < files.gl_pathc; i++)
        example_check(files.gl_pathv[i], &masked);
    globfree(&files);
    assert_true(masked > 0);
}

/* --- what is shown ---------------------------------------------------------------------------- */

static void test_words(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    instant applied_at;
    assert_true(instant_parse("2026-11-21T09:05:00+09:00", &applied_at));
    _cleanup_(cleanup_view) struct view *view = view_build(
        claim(),
        &(struct view_input){.form = form, .receipt_number = "R-1", .applied_at = applied_at});
    const struct view_entry *born = entry_at(view, "claimant/birth-date");
    assert_string_equal(born->text, "平成4年4月1日");
    assert_string_equal(born->also, "1992-04-01");
    assert_string_equal(entry_at(view, "claimant/sex")->text, "女");
    assert_string_equal(entry_at(view, "children/child[2]")->label, "児童 2");
    assert_true(entry_at(view, "children/child[2]")->heading);
    assert_string_equal(view->applied_at, "令和8年11月21日 9時5分（2026-11-21 09:05）");
    assert_string_equal(view->facts[0].text, "R-1");
    assert_non_null(view->purpose);
    assert_non_null(view->basis);
}

static void test_order_is_that_of_the_labels(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    assert_true(view->entries[0].heading);
    assert_int_equal(view->entries[0].level, 1);
    assert_string_equal(view->entries[0].path, "claimant");
    assert_string_equal(view->entries[1].path, "claimant/name");
    assert_true(entry_at(view, "spouse/name") < entry_at(view, "children/child[1]/name"));
    assert_true(entry_at(view, "children/child[1]/name") <
                entry_at(view, "children/child[2]/name"));
}

/* --- numbers ---------------------------------------------------------------------------------- */

#define NUMBER "123456789018"

static void test_numbers_are_masked_everywhere(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("本町一丁目", "本町" NUMBER "番");
    _cleanup_(cleanup_json) json_t *findings =
        json_pack("[{s:s, s:s, s:s}]", "severity", "note", "item", "claimant/name", "message",
                  "番号" NUMBER "です");
    struct view_difference difference = {"claimant/address", NUMBER};
    struct view_file file = {"attachments/" NUMBER ".pdf", 1};
    struct view_input input = {.form = form,
                               .receipt_number = NUMBER,
                               .findings = findings,
                               .differences = &difference,
                               .difference_count = 1,
                               .files = &file,
                               .file_count = 1};
    for (int shown = 0; shown < 2; shown++) {
        input.show_numbers = shown;
        _cleanup_(cleanup_view) struct view *view = view_build(claim(), &input);
        _cleanup_(cleanup_buffer) struct buffer html = {0};
        const struct view_entry *number = entry_at(view, "claimant/individual-number");
        html_make(view, &html);
        assert_int_equal(number->masked, !shown);
        assert_string_equal(number->text, shown ? NUMBER : "************");
        if (shown)
            assert_true(times((const char *)html.data, NUMBER) >= 6);
        else
            assert_int_equal(times((const char *)html.data, NUMBER), 0);
    }
}

static void test_a_mask_does_not_tell_the_length(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form(NUMBER, "12345");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    assert_string_equal(entry_at(view, "claimant/individual-number")->text, "************");
}

/* --- hostile texts ---------------------------------------------------------------------------- */

static void shown_as(const char *written, const char *text, const char *html_text)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("桜野　花子", written);
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    _cleanup_(cleanup_buffer) struct buffer html = {0};
    assert_string_equal(entry_at(view, "claimant/name")->text, text);
    html_make(view, &html);
    if (!strstr((const char *)html.data, html_text))
        fail_msg("%s is not in the page", html_text);
    assert_null(strstr((const char *)html.data, "<script"));
    assert_null(strstr((const char *)html.data, "<img"));
    assert_null(strstr((const char *)html.data, "style="));
}

static void test_hostile_texts(void **state)
{
    (void)state;
    shown_as("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>",
             ">&lt;script&gt;alert(1)&lt;/script&gt;<");
    shown_as("\" onload='x' &lt;img src=x&gt; &amp;amp;", "\" onload='x' <img src=x> &amp;",
             ">&quot; onload=&#39;x&#39; &lt;img src=x&gt; &amp;amp;<");
    shown_as("甲\u202e乙\u2066丙\u200b", "甲[U+202E]乙[U+2066]丙[U+200B]",
             ">甲[U+202E]乙[U+2066]丙[U+200B]<");
    shown_as("甲&#x85;&#xD;乙&#x2028;\U000E0001", "甲[U+0085][U+000D]乙[U+2028][U+E0001]",
             ">甲[U+0085][U+000D]乙[U+2028][U+E0001]<");
    shown_as("甲&#9;乙\n丙", "甲 乙\n丙", ">甲 乙\n丙<");
    shown_as("辻\U000E0101󠄁 𠮟 \u8fbb\ufe00", "辻\U000E0101󠄁 𠮟 \u8fbb\ufe00",
             "辻\U000E0101󠄁 𠮟 \u8fbb\ufe00");
}

static void test_private_characters_are_remarked(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form =
        claim_form("桜野　花子", "\U00100000\ue000\U0010fffd子");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    const struct view_entry *name = entry_at(view, "claimant/name");
    assert_string_equal(name->text, "\U00100000\ue000\U0010fffd子");
    assert_int_equal(name->remarks.count, 1);
    assert_int_equal(name->remarks.items[0].mark, VIEW_CHARACTERS);
    assert_non_null(strstr(name->remarks.items[0].text, "U+100000、U+E000、U+10FFFD "));
}

static void test_hostile_names_of_files_and_notes(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    struct view_file file = {"attachments/\"><script>.pdf", 1};
    struct view_difference difference = {"\"><script>", "\xff<b>"};
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form,
                                                 .differences = &difference,
                                                 .difference_count = 1,
                                                 .files = &file,
                                                 .file_count = 1});
    _cleanup_(cleanup_buffer) struct buffer html = {0};
    html_make(view, &html);
    assert_null(strstr((const char *)html.data, "<script"));
    assert_non_null(strstr((const char *)html.data, "\xef\xbf\xbd&lt;b&gt;"));
    assert_non_null(
        strstr((const char *)html.data, "data-item=\"attachments/&quot;&gt;&lt;script&gt;.pdf\""));
}

/* --- remarks ---------------------------------------------------------------------------------- */

static void test_remarks_stand_beside_their_items(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    static const struct view_difference differences[] = {
        {"claimant/address", "住民記録では 乙"},
        {"children/child[2]/name", "梅子"},
        {"children/child[1]/overseas", "国外"}, /* not in the form, or not in the definition */
        {"claimant/nothing", "無"},
        {"nothing", "なし"},
    };
    _cleanup_(cleanup_json) json_t *findings =
        json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s}]", "severity", "review", "item",
                  "claimant/address", "message", "見てください", "severity", "refuse", "item",
                  "children/child[2]", "message", "直してください", "severity", "note", "message",
                  "参考まで");
    _cleanup_(cleanup_view) struct view *view = view_build(
        claim(),
        &(struct view_input){
            .form = form, .findings = findings, .differences = differences, .difference_count = 5});
    _cleanup_(cleanup_buffer) struct buffer html = {0};
    const struct view_remarks *address = &entry_at(view, "claimant/address")->remarks;
    assert_int_equal(address->count, 2);
    assert_int_equal(address->items[0].mark, VIEW_DIFFERENCE);
    assert_int_equal(address->items[1].mark, VIEW_REVIEW);
    assert_string_equal(entry_at(view, "children/child[2]/name")->remarks.items[0].text, "梅子");
    assert_int_equal(entry_at(view, "children/child[2]")->remarks.items[0].mark, VIEW_REFUSE);
    assert_int_equal(entry_at(view, "children/child[1]")->remarks.count, 1);
    assert_string_equal(entry_at(view, "claimant")->remarks.items[0].text, "無");
    assert_int_equal(view->remarks.count, 2); /* "nothing", and the note on the whole form */
    html_make(view, &html);
    assert_non_null(strstr((const char *)html.data, "相違</bdi></strong>")); /* not colour alone */
    assert_non_null(strstr((const char *)html.data, "data-item=\"children/child[2]/name\""));
}

static void test_an_item_that_is_not_there_is_named(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("<phone>09000000000</phone>", "");
    struct view_difference difference = {"claimant/phone", "登録あり"};
    _cleanup_(cleanup_view) struct view *view = view_build(
        claim(),
        &(struct view_input){.form = form, .differences = &difference, .difference_count = 1});
    assert_string_equal(entry_at(view, "claimant")->remarks.items[0].text, "電話番号：登録あり");
}

/* --- forms that do not fit -------------------------------------------------------------------- */

static void test_what_the_definition_does_not_know_is_counted(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form =
        claim_form("<claimant>", "<claimant><more>x</more><more>y</more>");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    assert_int_equal(view->remarks.count, 1);
    assert_int_equal(view->remarks.items[0].mark, VIEW_UNKNOWN);
    assert_non_null(strstr(view->remarks.items[0].text, "2件"));
}

static void test_another_form_shows_nothing(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = xml_of("<application><a>x</a></application>");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    assert_int_equal(view->entry_count, 0);
    assert_int_equal(view->remarks.items[0].mark, VIEW_UNKNOWN);
}

static void test_a_day_that_is_none_is_shown_as_written(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("1992-04-01", "1992-02-30");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    assert_string_equal(entry_at(view, "claimant/birth-date")->text, "1992-02-30");
    assert_null(entry_at(view, "claimant/birth-date")->also);
}

/* --- besides the form ------------------------------------------------------------------------- */

static void test_attachments_and_computed_values(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    struct view_file files[] = {{"attachments/separate-living-1.pdf", 1536},
                                {"attachments/else.png", 3 << 20}};
    _cleanup_(cleanup_json) json_t *record = json_pack(
        "{s:{s:{s:s, s:s}}}", "computed", "start_month", "value", "2026-12", "how", "翌月から");
    struct view_input input = {.form = form, .record = record, .files = files, .file_count = 2};
    _cleanup_(cleanup_view) struct view *view = view_build(claim(), &input);
    const struct view_entry *file = entry_at(view, "attachments/separate-living-1.pdf");
    assert_string_equal(file->text, "separate-living-1.pdf");
    assert_string_equal(file->also, "2 KB");
    assert_string_not_equal(file->label, "その他の書類");
    assert_string_equal(entry_at(view, "attachments/else.png")->also, "3.0 MB");
    bool computed = false;
    for (size_t i = 0; i < view->entry_count; i++)
        computed |= view->entries[i].text && strcmp(view->entries[i].text, "2026-12") == 0 &&
                    strcmp(view->entries[i].also, "翌月から") == 0;
    assert_true(computed);
    input.file_count = 0;
    _cleanup_(cleanup_view) struct view *none = view_build(claim(), &input);
    assert_string_equal(none->entries[none->entry_count - 1].text, "なし");
}

static void test_html_is_balanced_and_deterministic(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *form = claim_form("", "");
    _cleanup_(cleanup_view) struct view *view =
        view_build(claim(), &(struct view_input){.form = form});
    _cleanup_(cleanup_buffer) struct buffer one = {0}, two = {0};
    view_html_write(view, 4, &one);
    view_html_write(view, 4, &two);
    assert_true(bytes_equal(buffer_bytes(&one), buffer_bytes(&two)));
    const char *html = buffer_text(&one);
    assert_null(strstr(html, "<h7"));
    assert_int_equal(times(html, "<section"), times(html, "</section>"));
    assert_int_equal(times(html, "<table"), times(html, "</table>"));
    assert_int_equal(times(html, "<h1"), 0);
    _cleanup_(cleanup_xml_doc) xmlDoc *parsed = xml_of(html); /* well-formed, as XML is */
    assert_string_equal((const char *)xmlDocGetRootElement(parsed)->name, "article");
}

static void test_items_of_a_record_are_found_in_the_form(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *example = json_load_file(
        PROCEDURES "/child-allowance/certification-claim/examples/good.json", 0, NULL);
    const json_t *record = json_object_get(example, "record");
    const json_t *children = json_object_get(record, "children");
    size_t last = json_array_size(children);
    assert_in_range(last, 1, 20);
    _cleanup_(cleanup_text) char *name =
        record_item_path(claim(), record, json_object_get(record, "claimant"), "name_kana");
    _cleanup_(cleanup_text) char *birth =
        record_item_path(claim(), record, json_array_get(children, last - 1), "birth_date");
    _cleanup_(cleanup_text) char *expected = text_format("children/child[%zu]/birth-date", last);
    assert_string_equal(name, "claimant/name-kana");
    assert_string_equal(birth, expected);
    assert_null(record_item_path(claim(), record, json_array_get(children, 0), "sex"));
    _cleanup_(cleanup_json) json_t *like = json_deep_copy(json_object_get(record, "claimant"));
    assert_null(record_item_path(claim(), record, like, "name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_procedure),
        cmocka_unit_test(test_a_record_is_shown_as_its_form),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_order_is_that_of_the_labels),
        cmocka_unit_test(test_numbers_are_masked_everywhere),
        cmocka_unit_test(test_a_mask_does_not_tell_the_length),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_private_characters_are_remarked),
        cmocka_unit_test(test_hostile_names_of_files_and_notes),
        cmocka_unit_test(test_remarks_stand_beside_their_items),
        cmocka_unit_test(test_an_item_that_is_not_there_is_named),
        cmocka_unit_test(test_what_the_definition_does_not_know_is_counted),
        cmocka_unit_test(test_another_form_shows_nothing),
        cmocka_unit_test(test_a_day_that_is_none_is_shown_as_written),
        cmocka_unit_test(test_attachments_and_computed_values),
        cmocka_unit_test(test_html_is_balanced_and_deterministic),
        cmocka_unit_test(test_items_of_a_record_are_found_in_the_form),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
