/* 形式チェック: what can be seen from the form alone. Whether the application is right is the
 * city's to say. Each message says which item, what is wrong, what to do. */
#include <libxml/xmlregexp.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/contact.h"
#include "base/text.h"
#include "deploy/sandbox/portal_site.h"

struct checking {
    const json_t *conditions, *values;
    json_t *errors;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void wrong(struct checking *c, const char *path, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void wrong(struct checking *c, const char *path, const char *code, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    json_array_append_new(
        c->errors, json_pack("{s:s, s:s, s:s}", "path", path, "code", code, "message", message));
}

/* Does a condition that holds demand (or, `forbid`, forbid) the item? */
static bool demanded(const struct checking *c, const json_t *item, const char *path, bool forbid)
{
    json_t *condition;
    size_t i;
    json_array_foreach ((json_t *)c->conditions, i, condition)
        if (json_is_true(json_object_get(condition, "forbid")) == forbid &&
            strcmp(text_of(condition, "item"), text_of(item, "path")) == 0 &&
            site_condition_holds(condition, c->values, path))
            return true;
    return false;
}

static bool is_required(const struct checking *c, const json_t *item, const char *path)
{
    return json_is_true(json_object_get(item, "required")) || demanded(c, item, path, false);
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool pattern_fits(const char *pattern, const char *text)
{
    xmlRegexp *regexp = xmlRegexpCompile((const xmlChar *)pattern);
    bool fits = !regexp || xmlRegexpExec(regexp, (const xmlChar *)text) == 1;
    xmlRegFreeRegexp(regexp);
    return fits;
}

static bool patterns_fit(const json_t *item, const char *text)
{
    const json_t *patterns = json_object_get(item, "patterns");
    bool fits = json_array_size(patterns) == 0;
    for (size_t i = 0; i < json_array_size(patterns) && !fits; i++)
        fits = pattern_fits(json_string_value(json_array_get(patterns, i)), text);
    return fits;
}

/* What to do, as far as the pattern is one of the usual kinds. */
static void pattern_wrong(struct checking *c, const json_t *item, const char *path)
{
    const char *label = text_of(item, "label");
    const char *pattern = json_string_value(json_array_get(json_object_get(item, "patterns"), 0));
    int least, most, end = 0;
    if (sscanf(pattern, "[0-9]{%d}%n", &most, &end) == 1 && end && !pattern[end])
        wrong(c, path, "characters", "%sは、半角数字%d桁で入力してください（ハイフンは不要です）。",
              label, most);
    else if (sscanf(pattern, "[0-9]{%d,%d}%n", &least, &most, &end) == 2 && end && !pattern[end])
        wrong(c, path, "characters",
              "%sは、半角数字%d桁から%d桁で入力してください（ハイフンは不要です）。", label, least,
              most);
    else if (strstr(pattern, "ァ"))
        wrong(c, path, "characters",
              "%sは、全角カタカナで入力してください。姓と名の間は全角の空白を入れてください。",
              label);
    else
        wrong(c, path, "characters",
              "%sに使えない文字が含まれています。半角の空白、絵文字、改行などがないかご確認ください"
              "。",
              label);
}

static void text_check(struct checking *c, const json_t *item, const char *path, const char *text)
{
    const json_t *most = json_object_get(item, "max_length");
    const json_t *least = json_object_get(item, "min_length");
    size_t length = utf8_length(text);
    if (most && (json_int_t)length > json_integer_value(most))
        wrong(c, path, "length", "%sは、%lld文字以内で入力してください（いまは%zu文字です）。",
              text_of(item, "label"), (long long)json_integer_value(most), length);
    else if (least && (json_int_t)length < json_integer_value(least))
        wrong(c, path, "length", "%sは、%lld文字以上で入力してください（いまは%zu文字です）。",
              text_of(item, "label"), (long long)json_integer_value(least), length);
    else if (!patterns_fit(item, text))
        pattern_wrong(c, item, path);
}

static void integer_check(struct checking *c, const json_t *item, const char *path,
                          const char *text)
{
    const json_t *least = json_object_get(item, "least"), *most = json_object_get(item, "largest");
    int64_t number, from = least ? json_integer_value(least) : 0,
                    to = most ? json_integer_value(most) : 999999999;
    if (!number_parse(text, from, to, &number) || !patterns_fit(item, text))
        wrong(c, path, "number", "%sは、%lldから%lldまでの半角数字で入力してください。",
              text_of(item, "label"), (long long)from, (long long)to);
}

static void date_check(struct checking *c, const json_t *item, const char *path, const char *text)
{
    struct day day;
    if (!day_parse(text, &day))
        wrong(c, path, "date", "%sは、実在する日付を年・月・日で入力してください。",
              text_of(item, "label"));
    else if (json_is_true(json_object_get(item, "not_after_today")) &&
             day_compare(day, day_of_instant(clock_now())) > 0)
        wrong(c, path, "date", "%sは、今日以前の日付を入力してください。", text_of(item, "label"));
}

static void choice_check(struct checking *c, const json_t *item, const char *path, const char *text)
{
    json_t *choice;
    size_t i;
    json_array_foreach (json_object_get(item, "choices"), i, choice)
        if (strcmp(text_of(choice, "value"), text) == 0)
            return;
    wrong(c, path, "choice", "%sを選択し直してください。", text_of(item, "label"));
}

/* --- check digits ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*good)(const char *text);
    const char *what; /* to do, behind "…の番号に誤りがあります。" */
} digits[] = {
    {"kojinbango", kojinbango_valid, "カードや通知書で、12桁の番号をもう一度ご確認ください。"},
    {"juminhyokodo", juminhyo_code_valid, "11桁の番号をもう一度ご確認ください。"},
    {"hojinbango", hojin_bango_valid, "13桁の番号をもう一度ご確認ください。"},
    {"dantaikodo", dantai_code_valid, "6桁の番号をもう一度ご確認ください。"},
    {"postal-code", postal_code_valid, "郵便番号は7桁です。"},
    {"phone", phone_valid, "0から始まる10桁か11桁の番号を、市外局番から入力してください。"},
    {"bank-account", account_number_valid,
     "通帳やキャッシュカードの7桁の番号をご確認ください（7桁に満たないときは、前に0を付けます）。"},
};

static void digits_check(struct checking *c, const json_t *item, const char *path, const char *text)
{
    const char *check = text_of(item, "check");
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
        if (strcmp(digits[i].name, check) == 0 && !digits[i].good(text))
            wrong(c, path, "check-digit", "%sに誤りがあります。%s", text_of(item, "label"),
                  digits[i].what);
}

/* --- items ------------------------------------------------------------------------------------ */

static void leaf_check(struct checking *c, const json_t *item, const char *path, const char *text)
{
    const char *kind = text_of(item, "kind");
    size_t before = json_array_size(c->errors);
    bool chosen = json_object_get(item, "choices") != NULL;
    if (!text || !*text) {
        if (is_required(c, item, path))
            wrong(c, path, "required", "%sを%sしてください。", text_of(item, "label"),
                  chosen ? "選択" : "入力");
        return;
    }
    if (chosen)
        choice_check(c, item, path, text);
    else if (strcmp(kind, "date") == 0)
        date_check(c, item, path, text);
    else if (strcmp(kind, "integer") == 0)
        integer_check(c, item, path, text);
    else
        text_check(c, item, path, text);
    if (json_array_size(c->errors) == before)
        digits_check(c, item, path, text);
}

static void items_check(struct checking *c, const json_t *items, const json_t *values,
                        const char *around);

static void list_check(struct checking *c, const json_t *item, const char *path,
                       const json_t *entries)
{
    size_t count = json_array_size(entries);
    json_int_t most = json_integer_value(json_object_get(item, "most"));
    if (count == 0 && is_required(c, item, path))
        wrong(c, path, "required", "%sを1件以上追加してください。", text_of(item, "label"));
    if ((json_int_t)count > most)
        wrong(c, path, "count", "%sは、%lld件までです。", text_of(item, "label"), (long long)most);
    for (size_t i = 0; i < count; i++) {
        _cleanup_(cleanup_text) char *inside = text_format("%s[%zu]/", path, i + 1);
        items_check(c, json_object_get(item, "parts"), json_array_get(entries, i), inside);
    }
}

static void item_check(struct checking *c, const json_t *item, const char *path,
                       const json_t *value)
{
    const char *kind = text_of(item, "kind");
    if (strcmp(kind, "list") == 0) {
        list_check(c, item, path, value);
    } else if (strcmp(kind, "group") == 0) {
        _cleanup_(cleanup_text) char *inside = text_format("%s/", path);
        if (value || is_required(c, item, path))
            items_check(c, json_object_get(item, "parts"), value, inside);
    } else {
        leaf_check(c, item, path, json_string_value(value));
    }
}

static void items_check(struct checking *c, const json_t *items, const json_t *values,
                        const char *around)
{
    json_t *item;
    size_t i;
    json_array_foreach ((json_t *)items, i, item) {
        const char *name = text_of(item, "name");
        _cleanup_(cleanup_text) char *path = text_format("%s%s", around, name);
        if (!demanded(c, item, path, true))
            item_check(c, item, path, json_object_get(values, name));
    }
}

static void documents_check(struct checking *c, const json_t *documents, const json_t *files)
{
    json_t *document, *file;
    size_t i, k;
    json_array_foreach ((json_t *)documents, i, document) {
        bool sent = false;
        json_array_foreach ((json_t *)files, k, file)
            sent |= strcmp(text_of(file, "document"), text_of(document, "id")) == 0;
        _cleanup_(cleanup_text) char *path = text_format("documents/%s", text_of(document, "id"));
        /* Whether it is needed "when" something holds is the city's to say. */
        if (!sent && json_is_true(json_object_get(document, "required")) &&
            !json_is_true(json_object_get(document, "conditional")))
            wrong(c, path, "required", "%sを添付してください。", text_of(document, "label"));
    }
}

json_t *site_form_check(const json_t *service, const json_t *draft)
{
    struct checking c = {json_object_get(service, "conditions"), json_object_get(draft, "values"),
                         json_array()};
    json_t *group;
    size_t i;
    json_array_foreach (json_object_get(service, "groups"), i, group)
        items_check(&c, json_object_get(group, "items"), c.values, "");
    documents_check(&c, json_object_get(service, "documents"), json_object_get(draft, "files"));
    return c.errors;
}
