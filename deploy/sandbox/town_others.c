#include "deploy/sandbox/town_others.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define FORM_MOST 65536 /* bytes */
#define NEAR_DAYS 400   /* a day so near to the example's moves with it; others are birth dates */

/* Those whose good example needs no attachment, and whose rules ask for no age or sex. */
static const char *const procedure_ids[] = {
    "health.screening-ticket-reissue",
    "registry.move-out-notice",
    "health.vaccination-voucher-reissue",
    "registry.relocation-reservation",
};
#define OTHER_COUNT (sizeof procedure_ids / sizeof procedure_ids[0])

/* --- reading ---------------------------------------------------------------------------------- */

/* "health.pregnancy-notice" lies in FOLDER/health/pregnancy-notice. */
static char *example_path(const char *folder, const char *id, const char *name)
{
    size_t area = strcspn(id, ".");
    return text_format("%s/%.*s/%s/examples/%s", folder, (int)area, id, id + area + 1, name);
}

static bool text_read(const char *path, char **ret_text, struct failure *f)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return failure_errno(f, "can't read %s", path);
    char *text = memory_allocate(FORM_MOST + 1);
    size_t length = fread(text, 1, FORM_MOST, in);
    fclose(in);
    text[length] = '\0';
    *ret_text = text;
    return true;
}

static bool form_read_other(const char *folder, struct other_form *form, struct failure *f)
{
    _cleanup_(cleanup_text) char *xml = example_path(folder, form->procedure_id, "good.xml");
    _cleanup_(cleanup_text) char *beside = example_path(folder, form->procedure_id, "good.json");
    _cleanup_(cleanup_json) json_t *json = json_load_file(beside, 0, NULL);
    const char *at = json_string_value(json_object_get(json, "applied_at"));
    instant applied_at;
    if (!at || !instant_parse(at, &applied_at))
        return failure_set(f, FAILURE_USAGE, "%s does not say when it was applied", beside);
    form->day = day_of_instant(applied_at);
    return text_read(xml, &form->text, f);
}

bool town_others_read(const char *folder, int64_t percent, struct town_others *ret_others,
                      struct failure *f)
{
    struct town_others others = {.percent = (int)percent};
    if (percent == 0)
        return true;
    if (!folder)
        return failure_set(f, FAILURE_USAGE, "--others needs --procedures FOLDER");
    others.forms = memory_allocate(OTHER_COUNT * sizeof *others.forms);
    for (; others.count < OTHER_COUNT; others.count++) {
        others.forms[others.count] =
            (struct other_form){.procedure_id = procedure_ids[others.count]};
        if (!form_read_other(folder, &others.forms[others.count], f)) {
            town_others_free(&others);
            return false;
        }
    }
    *ret_others = others;
    return true;
}

void town_others_free(struct town_others *others)
{
    for (size_t i = 0; i < others->count; i++)
        free(others->forms[i].text);
    free(others->forms);
    *others = (struct town_others){0};
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool has_attachments(const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->count; i++)
        if (strncmp(parcel->members[i].name, "attachments/", 12) == 0)
            return true;
    return false;
}

void town_others_apply(const struct town_others *others, struct draft *draft)
{
    struct dice dice = dice_make(draft->town->seed ^ 0x07E45, draft->number);
    if (!others->count || draft->kind >= town_kinds + town_kind_good ||
        !dice_chance(&dice, others->percent) || has_attachments(&draft->parcel))
        return;
    draft->other = &others->forms[dice_roll(&dice) % others->count];
    snprintf(draft->parcel.procedure_id, sizeof draft->parcel.procedure_id, "%s",
             draft->other->procedure_id);
}

/* The text of the first <element> from `at` on: where it begins and ends. */
static bool element_find(const char *at, const char *element, const char **ret_text,
                         size_t *ret_length)
{
    _cleanup_(cleanup_text) char *begin = text_format("<%s>", element);
    const char *found = strstr(at, begin);
    if (!found)
        return false;
    *ret_text = found + strlen(begin);
    *ret_length = strcspn(*ret_text, "<");
    return true;
}

struct change { /* a text between tags that becomes another, wherever it stands */
    const char *old, *new;
    size_t old_length;
};

static bool day_move(const char *text, struct day from, long days, struct buffer *xml)
{
    char one[11];
    struct day day;
    snprintf(one, sizeof one, "%.10s", text);
    if (!day_parse(one, &day))
        return false;
    long apart = day_number(day) - day_number(from);
    if (apart > NEAR_DAYS || apart < -NEAR_DAYS)
        return false;
    day = day_add(day, (int)days);
    buffer_format(xml, "%04d-%02d-%02d", day.year, day.month, day.day);
    return true;
}

static void text_write_changed(const struct other_form *form, const char *text, size_t length,
                               const struct change *changes, size_t count, long days,
                               struct buffer *xml)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].old_length == length && memcmp(changes[i].old, text, length) == 0) {
            buffer_append_text(xml, changes[i].new);
            return;
        }
    if (length != 10 || !day_move(text, form->day, days, xml))
        buffer_append(xml, text, length);
}

static size_t changes_make(const char *text, const struct draft *draft, const char *birth_date,
                           struct change changes[5])
{
    const struct person *person = &draft->household.claimant;
    const struct {
        const char *element, *text;
    } facts[] = {{"name", person->name},
                 {"name-kana", person->name_kana},
                 {"birth-date", birth_date},
                 {"address", draft->household.address},
                 {"individual-number", person->individual_number}};
    const char *claimant = strstr(text, "<claimant>");
    const char *end = claimant ? strstr(claimant, "</claimant>") : NULL;
    size_t count = 0;
    for (size_t i = 0; claimant && i < 5; i++) {
        struct change change = {.new = facts[i].text};
        if (element_find(claimant, facts[i].element, &change.old, &change.old_length) &&
            change.old < end)
            changes[count++] = change;
    }
    return count;
}

bool town_others_write(const struct draft *draft, struct buffer *ret_xml)
{
    const struct other_form *form = draft->other;
    if (!form)
        return false;
    const struct person *person = &draft->household.claimant;
    char birth_date[16];
    struct change changes[5];
    snprintf(birth_date, sizeof birth_date, "%04d-%02d-%02d", person->birth_day.year,
             person->birth_day.month, person->birth_day.day);
    size_t count = changes_make(form->text, draft, birth_date, changes);
    long days = day_number(day_of_instant(draft->parcel.applied_at)) - day_number(form->day);
    const char *sex = strstr(form->text, "<sex>"); /* the claimant's: stands first */
    for (const char *at = form->text; *at;) {
        size_t tag = strcspn(at, ">");
        tag += at[tag] == '>';
        buffer_append(ret_xml, at, tag);
        bool is_sex = sex && at + tag == sex + strlen("<sex>");
        at += tag;
        size_t length = strcspn(at, "<");
        if (is_sex)
            buffer_append(ret_xml, &person->sex, 1);
        else
            text_write_changed(form, at, length, changes, count, days, ret_xml);
        at += length;
    }
    return true;
}
