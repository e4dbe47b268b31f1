/* What a careful business system looks at before it takes an item. */
#include <stdio.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

#define DEPTH_MOST 16  /* of a record */
#define NAME_MOST  100 /* characters: 氏名 */

static void add_problem(json_t *problems, const char *code, const char *item, const char *message)
{
    if (json_array_size(problems) < 20) /* as many as a receipt may name */
        json_array_append_new(
            problems, json_pack("{s:s, s:s, s:s}", "code", code, "item", item, "message", message));
}

static bool is_city_code(const char *text)
{
    return dantai_code_valid(text);
}

static bool is_instant(const char *text)
{
    instant at;
    return instant_parse(text, &at);
}

static bool is_day(const char *text)
{
    struct day day;
    return day_parse(text, &day);
}

static bool is_atenabango(const char *text)
{
    size_t length = strspn(text, "0123456789");
    return length >= 1 && length <= 15 && text[length] == '\0';
}

static bool is_hash(const char *text)
{
    uint8_t hash[32];
    return strlen(text) == 64 && hex_decode(text, hash, sizeof hash);
}

static bool is_text(const char *text)
{
    return text[0] != '\0';
}

static bool is_passed(const char *text)
{
    return strcmp(text, "TOTAL-PASSED") == 0;
}

struct required {
    const char *first, *second, *third; /* the path; NULL where it ends */
    bool (*valid)(const char *text);
};

static const struct required required_items[] = {
    {"city_code", NULL, NULL, is_city_code},
    {"receipt_number", NULL, NULL, receipt_number_valid},
    {"procedure", "id", NULL, is_text},
    {"procedure", "form_version", NULL, is_text},
    {"applied_at", NULL, NULL, is_instant},
    {"atenabango", NULL, NULL, is_atenabango},
    {"legal_basis", NULL, NULL, is_text},
    {"record", "claimant", "name", is_text},
    {"record", "claimant", "birth_date", is_day},
    {"record", "claimant", "address", is_text},
    {"verification", "indication", NULL, is_passed},
    {"verification", "judged_at", NULL, is_instant},
    {"package_sha256", NULL, NULL, is_hash},
};

static void check_required(const json_t *item, const struct required *required, json_t *problems)
{
    const json_t *value = json_object_get(item, required->first);
    if (required->second)
        value = json_object_get(value, required->second);
    if (required->third)
        value = json_object_get(value, required->third);
    char path[128];
    snprintf(path, sizeof path, "%s%s%s%s%s", required->first, required->second ? "." : "",
             required->second ? required->second : "", required->third ? "." : "",
             required->third ? required->third : "");
    if (!json_string_value(value))
        add_problem(problems, "E0001", path, "the item is missing or not a text");
    else if (!required->valid(json_string_value(value)))
        add_problem(problems, "E0002", path, "the value is not what it must be");
}

/* Every 個人番号 in the record has its right check digit. */
static void check_numbers(const json_t *value, int depth, json_t *problems)
{
    const char *key;
    json_t *child;
    size_t i;
    if (depth > DEPTH_MOST) {
        add_problem(problems, "E0003", "record", "the record is nested too deep");
        return;
    }
    json_array_foreach ((json_t *)value, i, child)
        check_numbers(child, depth + 1, problems);
    json_object_foreach ((json_t *)value, key, child) {
        const char *text = json_string_value(child);
        if (strcmp(key, "individual_number") != 0)
            check_numbers(child, depth + 1, problems);
        else if (!json_is_null(child) && (!text || !kojinbango_valid(text)))
            add_problem(problems, "E0002", "individual_number", "the check digit does not hold");
    }
}

/* 取下げ: of an application that was handed over before. */
static const struct required notice_items[] = {
    {"city_code", NULL, NULL, is_city_code},
    {"receipt_number", NULL, NULL, receipt_number_valid},
    {"withdrawn_at", NULL, NULL, is_instant},
};

static void check_items(const json_t *item, bool notice, json_t *problems)
{
    const struct required *required = notice ? notice_items : required_items;
    size_t count = notice ? sizeof notice_items / sizeof notice_items[0]
                          : sizeof required_items / sizeof required_items[0];
    for (size_t i = 0; i < count; i++)
        check_required(item, &required[i], problems);
    const char *name = business_claimant(item, "name");
    if (name && utf8_length(name) > NAME_MOST)
        add_problem(problems, "E0003", "record.claimant.name", "the name is too long");
    check_numbers(json_object_get(item, "record"), 0, problems);
}

const char *business_claimant(const json_t *item, const char *name)
{
    const json_t *record = json_object_get(item, "record");
    return json_string_value(json_object_get(json_object_get(record, "claimant"), name));
}

void business_check(const json_t *item, struct business_item *ret_item, json_t *problems)
{
    if (!json_is_object(item)) {
        add_problem(problems, "E0002", "item", "the item is not a JSON object");
        return;
    }
    const char *notice = json_string_value(json_object_get(item, "notice"));
    ret_item->notice = notice && strcmp(notice, "withdrawn") == 0;
    check_items(item, ret_item->notice, problems);
    const char *receipt_number = json_string_value(json_object_get(item, "receipt_number"));
    if (receipt_number && receipt_number_valid(receipt_number))
        snprintf(ret_item->receipt_number, sizeof ret_item->receipt_number, "%s", receipt_number);
}

void business_check_resident(enum business_agreement agreement, json_t *problems)
{
    if (agreement == NOBODY)
        add_problem(problems, "E0004", "atenabango", "no such resident in our copy");
    if (agreement == OTHER_NAME)
        add_problem(problems, "E0004", "record.claimant.name", "our copy has another name");
    if (agreement == OTHER_BIRTH_DATE)
        add_problem(problems, "E0004", "record.claimant.birth_date",
                    "our copy has another birth date");
}
