#include "deploy/sandbox/town_others.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define FORM_MOST     65536 /* bytes */
#define YEARS_YOUNGER 5 /* than the claimant of the example, who may still do what that one may */
#define YEARS_OLDER   15
#define PATTERN       "/*/*/examples/good*.xml"
#define BEHIND_IDS    "/examples/"

/* --- reading ---------------------------------------------------------------------------------- */

static bool file_read(const char *path, char **ret_text, struct failure *f)
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

/* FOLDER/health/pregnancy-notice/examples/good.xml is of health.pregnancy-notice. */
static bool procedure_id_read(const char *path, size_t folder_length, char ret_id[129])
{
    const char *id = path + folder_length + 1;
    const char *end = strstr(id, BEHIND_IDS);
    if (!end || end - id > 128)
        return false;
    snprintf(ret_id, 129, "%.*s", (int)(end - id), id);
    ret_id[strcspn(ret_id, "/")] = '.';
    return true;
}

static bool documents_read(const json_t *attachments, struct other_form *form)
{
    const char *id;
    json_t *count;
    json_object_foreach ((json_t *)attachments, id, count) {
        if (form->document_count == OTHER_DOCUMENTS_MOST || strlen(id) > 63)
            return false;
        struct other_document *document = &form->documents[form->document_count++];
        snprintf(document->id, sizeof document->id, "%s", id);
        document->count = (int)json_integer_value(count);
    }
    return true;
}

/* What comes of it, as the file beside it tells. */
static bool verdict_read(const char *path, struct other_form *form, struct failure *f)
{
    _cleanup_(cleanup_text) char *beside =
        text_format("%.*s.json", (int)(strlen(path) - strlen(".xml")), path);
    _cleanup_(cleanup_json) json_t *json = json_load_file(beside, 0, NULL);
    const char *at = json_string_value(json_object_get(json, "applied_at"));
    instant applied_at;
    if (!at || !instant_parse(at, &applied_at) ||
        !documents_read(json_object_get(json, "attachments"), form))
        return failure_set(f, FAILURE_USAGE, "%s does not say when it was applied with what",
                           beside);
    form->day = day_of_instant(applied_at);
    return true;
}

static bool claimant_read(const char *path, struct other_form *form, struct failure *f)
{
    const char *claimant = strstr(form->text, "<claimant>"), *birth, *sex;
    size_t birth_length, sex_length;
    char text[11];
    if (!claimant || !element_find(claimant, "birth-date", &birth, &birth_length) ||
        !element_find(claimant, "sex", &sex, &sex_length) || sex_length != 1)
        return failure_set(f, FAILURE_USAGE, "%s does not say who applies", path);
    snprintf(text, sizeof text, "%.10s", birth);
    form->sex = *sex;
    return day_parse(text, &form->birth_day) ||
           failure_set(f, FAILURE_USAGE, "%s: its claimant's birth date is none", path);
}

static bool rules_read(const char *path, struct other_form *form, struct failure *f)
{
    const char *end = strstr(path, BEHIND_IDS);
    _cleanup_(cleanup_text) char *rules_path =
        text_format("%.*s/rules.xml", (int)(end - path), path);
    _cleanup_(cleanup_text) char *rules = NULL;
    if (!file_read(rules_path, &rules, f))
        return false;
    form->asks_age = strstr(rules, "claimant/birth-date") != NULL;
    form->asks_sex = strstr(rules, "claimant/sex") != NULL;
    form->asks_month = strstr(rules, "substring($applied-on, 6, 2)") != NULL;
    return true;
}

static bool form_read_other(const char *path, size_t folder_length, struct other_form *form,
                            struct failure *f)
{
    return (procedure_id_read(path, folder_length, form->procedure_id) ||
            failure_set(f, FAILURE_USAGE, "%s is no example of a procedure", path)) &&
           file_read(path, &form->text, f) && verdict_read(path, form, f) &&
           claimant_read(path, form, f) && rules_read(path, form, f);
}

bool town_others_read(const char *folder, int64_t percent, struct town_others *ret_others,
                      struct failure *f)
{
    struct town_others others = {.percent = (int)percent};
    if (percent == 0)
        return true;
    if (!folder)
        return failure_set(f, FAILURE_USAGE, "--others needs --procedures FOLDER");
    _cleanup_(cleanup_text) char *pattern = text_format("%s" PATTERN, folder);
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return failure_set(f, FAILURE_USAGE, "there are no procedures in %s", folder);
    others.forms = memory_allocate(found.gl_pathc * sizeof *others.forms);
    bool done = true;
    while (done && others.count < found.gl_pathc) {
        const char *path = found.gl_pathv[others.count];
        done = form_read_other(path, strlen(folder), &others.forms[others.count++], f);
    }
    globfree(&found);
    if (done)
        *ret_others = others;
    else
        town_others_free(&others);
    return done;
}

void town_others_free(struct town_others *others)
{
    for (size_t i = 0; i < others->count; i++)
        free(others->forms[i].text);
    free(others->forms);
    *others = (struct town_others){0};
}

/* --- choosing --------------------------------------------------------------------------------- */

static bool has_attachments(const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->count; i++)
        if (strncmp(parcel->members[i].name, "attachments/", 12) == 0)
            return true;
    return false;
}

static bool form_fits(const struct other_form *form, const struct draft *draft)
{
    const struct person *person = &draft->household.claimant;
    struct day today = day_of_instant(draft->parcel.applied_at);
    int apart = (today.year - person->birth_day.year) - (form->day.year - form->birth_day.year);
    return (!form->asks_sex || person->sex == form->sex) &&
           (!form->asks_age || (apart >= -YEARS_YOUNGER && apart <= YEARS_OLDER)) &&
           (!form->asks_month || today.month >= form->day.month);
}

static void documents_attach(struct draft *draft)
{
    char name[96];
    for (size_t i = 0; i < draft->other->document_count; i++)
        for (int n = 1; n <= draft->other->documents[i].count; n++) {
            snprintf(name, sizeof name, "attachments/%s-%d.pdf", draft->other->documents[i].id, n);
            draft_attach_pdf(draft, name);
        }
}

void town_others_apply(const struct town_others *others, struct draft *draft)
{
    struct dice dice = dice_make(draft->town->seed ^ 0x07E45, draft->number);
    if (!others->count || draft->kind >= town_kinds + town_kind_good ||
        !dice_chance(&dice, others->percent) || has_attachments(&draft->parcel))
        return;
    /* in turn, so that all of them come */
    for (size_t i = 0; i < others->count && !draft->other; i++) {
        const struct other_form *form = &others->forms[(draft->number + i) % others->count];
        if (form_fits(form, draft))
            draft->other = form;
    }
    if (!draft->other)
        return;
    snprintf(draft->parcel.procedure_id, sizeof draft->parcel.procedure_id, "%s",
             draft->other->procedure_id);
    documents_attach(draft);
}
