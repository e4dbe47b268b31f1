/* What may be proposed: pure. The database has the same bounds; here they are told in words. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "intake/console/change.h"

#define BUSINESS_MOST 40 /* characters; of a department, too */

static const char *text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    return text && json_string_length(value) == strlen(text) ? text : NULL;
}

static bool text_within(const char *text, size_t most)
{
    return text && *text && utf8_length(text) <= most;
}

/* No line ends or other control characters, which would break lists and logs. */
static bool line_within(const char *text, size_t most)
{
    if (!text_within(text, most))
        return false;
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return true;
}

static bool members_exactly(const json_t *object, size_t count)
{
    return json_is_object(object) && json_object_size(object) == count;
}

/* --- the kinds -------------------------------------------------------------------------------- */

static bool right_valid(const json_t *right)
{
    enum right code;
    const char *name = text_of(right, "right"), *business = text_of(right, "business"),
               *department = text_of(right, "department");
    const json_t *until = json_object_get(right, "until");
    struct day day;
    return members_exactly(right, until ? 4 : 3) &&
           (!until || (text_of(right, "until") && day_parse(text_of(right, "until"), &day))) &&
           name && right_from_code(name, &code) && line_within(business, BUSINESS_MOST) &&
           line_within(department, BUSINESS_MOST) &&
           (!right_whole_city(code) ||
            (strcmp(business, RIGHT_ANY) == 0 && strcmp(department, RIGHT_ANY) == 0));
}

bool change_same_right(const json_t *one, const json_t *other)
{
    return strcmp(text_of(one, "right"), text_of(other, "right")) == 0 &&
           strcmp(text_of(one, "business"), text_of(other, "business")) == 0 &&
           strcmp(text_of(one, "department"), text_of(other, "department")) == 0;
}

static bool told_before(const json_t *rights, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (change_same_right(json_array_get(rights, i), json_array_get(rights, at)))
            return true;
    return false;
}

static bool rights_valid(const json_t *rights)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(rights) || json_array_size(rights) > CHANGE_RIGHTS_MOST)
        return false;
    json_array_foreach (rights, i, one)
        if (!right_valid(one) || told_before(rights, i))
            return false;
    return true;
}

static bool kind_valid(const char *code)
{
    for (enum account_kind kind = 0; code && kind < ACCOUNT_KIND_COUNT; kind++)
        if (strcmp(code, account_kind_code(kind)) == 0)
            return true;
    return false;
}

static const char *account_fault(const char *subject, const json_t *after)
{
    struct day from, to;
    const char *valid_from = text_of(after, "valid_from"), *valid_to = text_of(after, "valid_to");
    if (!account_name_valid(subject))
        return "利用者名は、英小文字・数字・「.」・「-"
               "」で3〜32文字にしてください（先頭は英数字）。";
    if (!members_exactly(after, 7) || !kind_valid(text_of(after, "kind")) ||
        !json_is_boolean(json_object_get(after, "disabled")))
        return "利用者の項目が正しくありません。";
    if (!line_within(text_of(after, "display_name"), 60))
        return "氏名は1〜60文字で入力してください。";
    if (!line_within(text_of(after, "department"), 40))
        return "部署は1〜40文字で入力してください。";
    if (!valid_from || !valid_to || !day_parse(valid_from, &from) || !day_parse(valid_to, &to) ||
        day_compare(from, to) > 0)
        return "有効期間の開始日と終了日を正しく入力してください。";
    if (!rights_valid(json_object_get(after, "rights")))
        return "権限の事務・部署・種類を正しく入力してください（200件まで）。";
    return NULL;
}

static bool departments_valid(const json_t *departments)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(departments) || json_array_size(departments) > CHANGE_SHARED_MOST)
        return false;
    json_array_foreach (departments, i, one)
        if (!line_within(json_string_value(one), BUSINESS_MOST))
            return false;
    return true;
}

static const char *terminal_fault(const json_t *after)
{
    uint8_t hash[32];
    struct in6_addr address;
    const char *peer = text_of(after, "peer"), *ip = text_of(after, "address");
    if (!after)
        return NULL;
    if (!members_exactly(after, 4) || !line_within(text_of(after, "department"), 40) ||
        !departments_valid(json_object_get(after, "also")))
        return "部署は1〜40文字で入力してください（ほかに使う部署は50まで）。";
    if (!peer == !ip)
        return "端末は、クライアント証明書かIPアドレスのどちらか一方で登録してください。";
    if (peer && (strlen(peer) != 64 || !hex_decode(peer, hash, sizeof hash)))
        return "証明書のSHA-256は、16進数64桁で入力してください。";
    if (ip && inet_pton(AF_INET, ip, &address) != 1 && inet_pton(AF_INET6, ip, &address) != 1)
        return "IPアドレスを正しく入力してください。";
    return NULL;
}

static const char *holiday_fault(const char *subject, const json_t *after)
{
    struct day day;
    if (!day_parse(subject, &day) || day.year < 2000 || day.year > 2099)
        return "日付を正しく入力してください。";
    if (after && (!members_exactly(after, 1) || !line_within(text_of(after, "name"), 60)))
        return "休日の名称は1〜60文字で入力してください。";
    return NULL;
}

static const char *medium_fault(const json_t *after)
{
    if (!after)
        return NULL;
    if (!members_exactly(after, 2) || !line_within(text_of(after, "department"), BUSINESS_MOST))
        return "部署は1〜40文字で入力してください。";
    if (!line_within(text_of(after, "description"), 100))
        return "媒体の説明は1〜100文字で入力してください。";
    return NULL;
}

static const char *template_fault(const json_t *after)
{
    if (!after)
        return NULL;
    if (!members_exactly(after, 2) || !line_within(text_of(after, "business"), BUSINESS_MOST))
        return "事務を正しく入力してください。";
    if (!text_within(text_of(after, "text"), CHANGE_TEMPLATE_MOST))
        return "本文は1〜2000文字で入力してください。";
    return NULL;
}

static bool only_false(const json_t *after, const char *key)
{
    return members_exactly(after, 1) && json_is_false(json_object_get(after, key));
}

const char *change_fault(enum change_kind kind, const char *subject, const json_t *after)
{
    if (!line_within(subject, CHANGE_SUBJECT_MOST))
        return "名称は1〜60文字で入力してください。";
    switch (kind) {
    case CHANGE_ACCOUNT:
        return account_fault(subject, after);
    case CHANGE_TERMINAL:
        return terminal_fault(after);
    case CHANGE_MEDIUM:
        return medium_fault(after);
    case CHANGE_HOLIDAY:
        return holiday_fault(subject, after);
    case CHANGE_TEMPLATE:
        return template_fault(after);
    case CHANGE_ENROLMENT:
        return only_false(after, "enrolled") ? NULL : "再登録の内容が正しくありません。";
    case CHANGE_UNLOCK:
        return only_false(after, "locked") ? NULL : "ロック解除の内容が正しくありません。";
    case CHANGE_KIND_COUNT:
        break;
    }
    return "そのような種類の変更はありません。";
}
