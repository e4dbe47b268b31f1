#include "forms/procedure.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/cases.h"
#include "forms/definition.h"

#define DEFINITION_MOST (1 << 20) /* bytes of one file of a definition */

struct procedures {
    struct procedure **all; /* ordered by folder */
    size_t count;
    json_t *problems; /* of procedures_check, which goes on after a fault; else NULL */
};

bool definition_broken(struct failure *f, const char *folder, const char *file, long line,
                       const char *format, ...)
{
    char text[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return failure_set(f, FAILURE_USAGE, "%s/%s:%ld: %s", folder, file, line, text);
}

bool definition_file_read(const char *path, struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "cannot open %s", path);
    struct stat status;
    if (fstat(fileno(file), &status) < 0)
        return failure_errno(f, "cannot read %s", path);
    /* one byte more than there are tells its end; room for the most would cost more than to read */
    size_t most = status.st_size < DEFINITION_MOST ? (size_t)status.st_size : DEFINITION_MOST;
    setvbuf(file, NULL, _IONBF, 0);
    size_t length = fread(buffer_reserve(ret_content, most + 1), 1, most + 1, file);
    if (ferror(file))
        return failure_errno(f, "cannot read %s", path);
    if (length > DEFINITION_MOST)
        return failure_set(f, FAILURE_USAGE, "%s is longer than %d bytes", path, DEFINITION_MOST);
    if (length > most)
        return failure_set(f, FAILURE_USAGE, "%s grew while it was read: try again", path);
    buffer_commit(ret_content, length);
    return true;
}

xmlDoc *definition_parse(struct procedure *procedure, const char *file, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", procedure->folder, file);
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    char hash[65];
    if (!definition_file_read(path, &content, f))
        return NULL;
    sha256_hex(buffer_bytes(&content), hash);
    buffer_format(&procedure->files, "%s %s\n", file, hash);
    struct checks *checks = checks_new();
    xmlDoc *document = xml_parse(buffer_bytes(&content), &XML_LIMITS_DEFAULT, file, checks);
    if (!document)
        failure_set(f, FAILURE_USAGE, "%s: %s", path, checks_text(checks));
    checks_free(checks);
    return document;
}

bool words_contain(const char *words, const char *word)
{
    size_t length = strlen(word);
    while (*words) {
        words += strspn(words, " ");
        size_t word_length = strcspn(words, " ");
        if (word_length == length && length > 0 && strncmp(words, word, length) == 0)
            return true;
        words += word_length;
    }
    return false;
}

bool definition_attributes(const xmlNode *node, const char *allowed)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (attribute->ns || !words_contain(allowed, (const char *)attribute->name))
            return false;
    return true;
}

static void procedure_free(struct procedure *procedure)
{
    labels_free(procedure);
    record_free(procedure);
    rules_free(procedure);
    attachments_free(procedure);
    outline_free(&procedure->outline);
    if (procedure->schema)
        xmlSchemaFree(procedure->schema);
    if (procedure->xsd)
        xmlFreeDoc(procedure->xsd);
    free(procedure->folder);
    buffer_free(&procedure->files);
    free(procedure->id);
    free(procedure->version);
    free(procedure->name);
    free(procedure->namespace);
    free(procedure->summary);
    free(procedure->search);
    free(procedure->life_events);
    free(procedure->purpose);
    free(procedure->basis);
    description_free(procedure->description);
    free(procedure);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

struct names {
    struct dirent **entries;
    int count;
};

static void cleanup_names(struct names *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->entries[i]);
    free(names->entries);
}

/* In one order everywhere: alphasort compares by locale, versionsort does not. */
static bool folder_list(const char *path, struct names *ret_names, struct failure *f)
{
    struct dirent **entries;
    int count = scandir(path, &entries, visible, versionsort);
    if (count < 0)
        return failure_errno(f, "cannot read the folder %s", path);
    *ret_names = (struct names){entries, count};
    return true;
}

/* A stray file is a definition that nobody reads: say so, instead of passing over it. */
static bool contents_known(const char *folder, struct failure *f)
{
    _cleanup_(cleanup_names) struct names names = {0};
    if (!folder_list(folder, &names, f))
        return false;
    for (int i = 0; i < names.count; i++)
        if (!words_contain("procedure.xml form.xsd labels.xml record.xml rules.xml "
                           "attachments.xml examples README.md",
                           names.entries[i]->d_name))
            return failure_set(f, FAILURE_USAGE,
                               "%s/%s does not belong to a procedure: take it away", folder,
                               names.entries[i]->d_name);
    return true;
}

/* A city's choices are part of what judged a form. */
static void settings_fingerprint(struct procedure *procedure)
{
    _cleanup_(cleanup_buffer) struct buffer all = {0};
    buffer_append(&all, procedure->files.data, procedure->files.length);
    for (size_t i = 0; i < procedure->setting_count; i++)
        if (strcmp(procedure->settings[i].value, procedure->settings[i].initial) != 0)
            buffer_format(&all, "setting %s %s\n", procedure->settings[i].name,
                          procedure->settings[i].value);
    if (!procedure->closed_days_move)
        buffer_append_text(&all, "closed-days kept\n");
    sha256_hex(buffer_bytes(&all), procedure->sha256);
}

static bool procedure_add(struct procedures *procedures, const char *path, const char *area,
                          const char *name, struct failure *f)
{
    struct procedure *procedure = memory_allocate(sizeof *procedure);
    procedures->all =
        memory_resize(procedures->all, (procedures->count + 1) * sizeof *procedures->all);
    procedures->all[procedures->count] = procedure;
    procedure->folder = text_format("%s/%s/%s", path, area, name);
    procedure->description = description_new();
    bool good = contents_known(procedure->folder, f) && head_load(procedure, area, name, f) &&
                outline_load(procedure, f) && labels_load(procedure, f) &&
                record_load(procedure, f) && attachments_load(procedure, f) &&
                rules_load(procedure, f);
    procedure->closed_days_move = true;
    settings_fingerprint(procedure);
    if (good && procedures_find(procedures, procedure->id, procedure->version))
        good = definition_broken(f, procedure->folder, "procedure.xml", 1,
                                 "another folder has this id and version");
    procedures->count++;
    return good;
}

/* The folder is left out, and what is wrong noted; false when it ends the loading instead. */
static bool fault_note(struct procedures *procedures, struct failure *f)
{
    if (!procedures->problems)
        return false;
    struct procedure *broken = procedures->all[--procedures->count];
    json_t *list = json_array();
    const char *text = f->text;
    size_t folder = strlen(broken->folder);
    char file[64] = "";
    long line = 0;
    if (strncmp(text, broken->folder, folder) == 0 &&
        sscanf(text + folder, "/%63[^:]:%ld: ", file, &line) == 2)
        text = strstr(text + folder, ": ") + 2;
    problem_add(list, file, line, "%s", text);
    json_array_append_new(procedures->problems,
                          json_pack("{s:s, s:n, s:n, s:o}", "folder", broken->folder, "procedure",
                                    "version", "problems", list));
    procedure_free(broken);
    *f = (struct failure){0};
    return true;
}

static bool area_add(struct procedures *procedures, const char *path, const char *area,
                     struct failure *f)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/%s", path, area);
    _cleanup_(cleanup_names) struct names names = {0};
    if (!folder_list(folder, &names, f))
        return false;
    for (int i = 0; i < names.count; i++)
        if (!procedure_add(procedures, path, area, names.entries[i]->d_name, f) &&
            !fault_note(procedures, f))
            return false;
    return true;
}

bool procedures_load(const char *path, struct procedures **ret_procedures, struct failure *f)
{
    xml_initialize();
    _cleanup_(cleanup_names) struct names names = {0};
    if (!folder_list(path, &names, f))
        return false;
    struct procedures *procedures = memory_allocate(sizeof *procedures);
    for (int i = 0; i < names.count; i++)
        if (!area_add(procedures, path, names.entries[i]->d_name, f)) {
            procedures_free(procedures);
            return false;
        }
    *ret_procedures = procedures;
    return true;
}

bool procedures_check(const char *path, json_t **ret_procedures, struct failure *f)
{
    xml_initialize();
    _cleanup_(cleanup_names) struct names names = {0};
    if (!folder_list(path, &names, f))
        return false;
    struct procedures *procedures = memory_allocate(sizeof *procedures);
    procedures->problems = json_array();
    bool good = true;
    for (int i = 0; i < names.count && good; i++)
        good = area_add(procedures, path, names.entries[i]->d_name, f);
    for (size_t i = 0; i < procedures->count && good; i++) {
        struct procedure *procedure = procedures->all[i];
        json_t *problems = json_array();
        procedure_check(procedure, problems);
        json_array_append_new(procedures->problems,
                              json_pack("{s:s, s:s, s:s, s:o}", "folder", procedure->folder,
                                        "procedure", procedure->id, "version", procedure->version,
                                        "problems", problems));
    }
    if (good)
        *ret_procedures = json_incref(procedures->problems);
    json_decref(procedures->problems);
    procedures_free(procedures);
    return good;
}

void procedures_free(struct procedures *procedures)
{
    for (size_t i = 0; procedures && i < procedures->count; i++)
        procedure_free(procedures->all[i]);
    if (procedures)
        free(procedures->all);
    free(procedures);
}

static bool setting_take(struct procedure *procedure, const char *name, const char *value)
{
    for (size_t i = 0; i < procedure->setting_count; i++) {
        struct setting *setting = &procedure->settings[i];
        if (strcmp(setting->name, name) != 0)
            continue;
        if (setting->values && !words_contain(setting->values, value))
            return false;
        free(setting->value);
        setting->value = text_copy(value);
        settings_fingerprint(procedure);
        return true;
    }
    return false;
}

bool procedures_set(struct procedures *procedures, const char *id, const char *setting,
                    const char *value, struct failure *f)
{
    bool known = false, taken = false;
    for (size_t i = 0; i < procedures->count; i++) {
        bool own = strcmp(procedures->all[i]->id, id) == 0;
        known = known || own;
        taken = (own && setting_take(procedures->all[i], setting, value)) || taken;
    }
    if (taken)
        return true;
    return known ? failure_set(f, FAILURE_USAGE,
                               "the procedure %s has no setting %s with the value \"%.64s\"; its "
                               "rules.xml tells which there are",
                               id, setting, value)
                 : failure_set(f, FAILURE_USAGE, "there is no procedure %s", id);
}

void procedures_closed_days_move(struct procedures *procedures, bool move)
{
    for (size_t i = 0; i < procedures->count; i++) {
        procedures->all[i]->closed_days_move = move;
        settings_fingerprint(procedures->all[i]);
    }
}

size_t procedures_count(const struct procedures *procedures)
{
    return procedures->count;
}

const struct procedure *procedures_at(const struct procedures *procedures, size_t index)
{
    return procedures->all[index];
}

const struct procedure *procedures_find(const struct procedures *procedures, const char *id,
                                        const char *form_version)
{
    for (size_t i = 0; i < procedures->count; i++)
        if (strcmp(procedures->all[i]->id, id) == 0 &&
            strcmp(procedures->all[i]->version, form_version) == 0)
            return procedures->all[i];
    return NULL;
}

const char *procedure_id(const struct procedure *procedure)
{
    return procedure->id;
}

const char *procedure_version(const struct procedure *procedure)
{
    return procedure->version;
}

const char *procedure_sha256(const struct procedure *procedure)
{
    return procedure->sha256;
}

const char *procedure_name(const struct procedure *procedure)
{
    return procedure->name;
}

bool procedure_retired(const struct procedure *procedure)
{
    return procedure->retired;
}

bool procedure_signature_required(const struct procedure *procedure)
{
    return procedure->signature_required;
}
