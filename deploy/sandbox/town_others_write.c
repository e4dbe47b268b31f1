/* An example becomes an application of today: its claimant one of the town, its days moved. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/town_others.h"

#define NEAR_DAYS                                                                                  \
    400 /* a day so near to the example's moves with it; others keep month and day                 \
         */

struct change { /* a text between tags that becomes another, wherever it stands */
    const char *old, *new;
    size_t old_length;
};

struct rewriting {
    const struct draft *draft;
    char birth_date[16];
    struct change changes[5];
    size_t count;
    struct day from, to; /* the day of the example, and today */
    int64_t days;        /* between them, as near days move */
};

bool element_find(const char *at, const char *element, const char **ret_text, size_t *ret_length)
{
    _cleanup_(cleanup_text) char *begin = text_format("<%s>", element);
    const char *found = strstr(at, begin);
    if (!found)
        return false;
    *ret_text = found + strlen(begin);
    *ret_length = strcspn(*ret_text, "<");
    return true;
}

/* Birth dates move by years, so that all are as old as in the example. */
static bool day_move(const struct rewriting *rewriting, const char *text, struct buffer *xml)
{
    char one[11];
    struct day day;
    snprintf(one, sizeof one, "%.10s", text);
    if (!day_parse(one, &day))
        return false;
    int64_t apart = day_number(day) - day_number(rewriting->from);
    if (apart <= NEAR_DAYS && apart >= -NEAR_DAYS)
        day = day_add(day, (int)rewriting->days);
    else
        day.year += rewriting->to.year - rewriting->from.year;
    buffer_format(xml, "%04d-%02d-%02d", day.year, day.month, day.day);
    return true;
}

/* By an even number of months: an allowance is paid every other month. */
static bool month_move(const struct rewriting *rewriting, const char *text, struct buffer *xml)
{
    int year, month, end = 0;
    if (sscanf(text, "%4d-%2d%n", &year, &month, &end) != 2 || end != 7)
        return false;
    int apart = (rewriting->to.year - rewriting->from.year) * 12 + rewriting->to.month -
                rewriting->from.month;
    int months = year * 12 + month - 1 + apart + (apart & 1);
    buffer_format(xml, "%04d-%02d", months / 12, months % 12 + 1);
    return true;
}

static bool year_move(const struct rewriting *rewriting, const char *text, struct buffer *xml)
{
    char year[5];
    snprintf(year, sizeof year, "%04d", rewriting->from.year);
    if (memcmp(text, year, 4) != 0)
        return false;
    buffer_format(xml, "%04d", rewriting->to.year);
    return true;
}

static void text_write_changed(const struct rewriting *rewriting, const char *text, size_t length,
                               struct buffer *xml)
{
    for (size_t i = 0; i < rewriting->count; i++) {
        const struct change *change = &rewriting->changes[i];
        if (change->old_length == length && memcmp(change->old, text, length) == 0) {
            buffer_append_text(xml, change->new);
            return;
        }
    }
    bool moved = (length == 10 && day_move(rewriting, text, xml)) ||
                 (length == 7 && month_move(rewriting, text, xml)) ||
                 (length == 4 && year_move(rewriting, text, xml));
    if (!moved)
        buffer_append(xml, text, length);
}

static void changes_make(const char *text, struct rewriting *rewriting)
{
    const struct household *household = &rewriting->draft->household;
    const struct {
        const char *element, *text;
    } facts[] = {{"name", household->claimant.name},
                 {"name-kana", household->claimant.name_kana},
                 {"birth-date", rewriting->birth_date},
                 {"address", household->address},
                 {"individual-number", household->claimant.individual_number}};
    const char *claimant = strstr(text, "<claimant>"), *end = strstr(text, "</claimant>");
    for (size_t i = 0; claimant && end && i < 5; i++) {
        struct change change = {.new = facts[i].text};
        if (element_find(claimant, facts[i].element, &change.old, &change.old_length) &&
            change.old < end)
            rewriting->changes[rewriting->count++] = change;
    }
}

static void rewriting_make(const struct draft *draft, struct rewriting *ret_rewriting)
{
    const struct other_form *form = draft->other;
    struct day birth_day = draft->household.claimant.birth_day;
    *ret_rewriting = (struct rewriting){
        .draft = draft, .from = form->day, .to = day_of_instant(draft->parcel.applied_at)};
    snprintf(ret_rewriting->birth_date, sizeof ret_rewriting->birth_date, "%04d-%02d-%02d",
             birth_day.year, birth_day.month, birth_day.day);
    struct day same = form->day; /* where months count, days move by years */
    same.year = ret_rewriting->to.year;
    ret_rewriting->days =
        day_number(form->asks_month ? same : ret_rewriting->to) - day_number(form->day);
    changes_make(form->text, ret_rewriting);
}

bool town_others_write(const struct draft *draft, struct buffer *ret_xml)
{
    if (!draft->other)
        return false;
    struct rewriting rewriting;
    rewriting_make(draft, &rewriting);
    const char *sex = strstr(draft->other->text, "<sex>"); /* the claimant's: stands first */
    for (const char *at = draft->other->text; *at;) {
        size_t tag = strcspn(at, ">");
        tag += at[tag] == '>';
        buffer_append(ret_xml, at, tag);
        bool is_sex = sex && at + tag == sex + strlen("<sex>");
        at += tag;
        size_t length = strcspn(at, "<");
        if (is_sex)
            buffer_append(ret_xml, &draft->household.claimant.sex, 1);
        else
            text_write_changed(&rewriting, at, length, ret_xml);
        at += length;
    }
    return true;
}
