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
#include "forms/definition.h"

#define NS              "urn:uketsuke:procedure:1"
#define DEFINITION_MOST (1 << 20) /* bytes of one file of a definition */

struct procedures {
    struct procedure **all; /* ordered by folder */
    size_t count;
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

static bool file_read(const char *path, struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "cannot open %s", path);
    uint8_t *to = buffer_reserve(ret_content, DEFINITION_MOST + 1);
    size_t length = fread(to, 1, DEFINITION_MOST + 1, file);
    if (ferror(file))
        return failure_errno(f, "cannot read %s", path);
    if (length > DEFINITION_MOST)
        return failure_set(f, FAILURE_USAGE, "%s is longer than %d bytes", path, DEFINITION_MOST);
    buffer_commit(ret_content, length);
    return true;
}

xmlDoc *definition_parse(struct procedure *procedure, const char *file, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", procedure->folder, file);
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    char hash[65];
    if (!file_read(path, &content, f))
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

/* The folder's name is the id's, so that one is found by the other: <area>/<procedure>, with
 * @<version> behind it when several versions of a form are in use. */
static bool folder_fits(const struct procedure *procedure, const char *area, const char *name)
{
    _cleanup_(cleanup_text) char *plain = text_format("%s.%s", area, name);
    _cleanup_(cleanup_text) char *versioned =
        text_format("%s@%s", procedure->id, procedure->version);
    return strcmp(plain, procedure->id) == 0 || strcmp(plain, versioned) == 0;
}

static bool head_take(struct procedure *procedure, const xmlNode *root, struct failure *f)
{
    static const char file[] = "procedure.xml";
    const char *id = xml_attribute(root, "id"), *version = xml_attribute(root, "form-version");
    const xmlNode *name = xml_child(root, NS, "name"), *sign = xml_child(root, NS, "signature");
    const char *required = sign ? xml_attribute(sign, "required") : NULL;
    if (!xml_is(root, NS, "procedure") || !definition_attributes(root, "id form-version") || !id ||
        !version)
        return definition_broken(f, procedure->folder, file, xmlGetLineNo(root),
                                 "the root must be procedure of " NS " with id and form-version");
    if (!name || !xml_text(name) || !*xml_text(name))
        return definition_broken(f, procedure->folder, file, xmlGetLineNo(root), "name is needed");
    if (!required || (strcmp(required, "true") != 0 && strcmp(required, "false") != 0))
        return definition_broken(f, procedure->folder, file, xmlGetLineNo(root),
                                 "signature with required=\"true\" or \"false\" is needed");
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node))
        if (node != name && node != sign)
            return definition_broken(f, procedure->folder, file, xmlGetLineNo(node),
                                     "expected one name and one signature, nothing else");
    procedure->id = text_copy(id);
    procedure->version = text_copy(version);
    procedure->name = text_copy(xml_text(name));
    procedure->signature_required = strcmp(required, "true") == 0;
    return true;
}

static bool head_load(struct procedure *procedure, const char *area, const char *name,
                      struct failure *f)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *document = definition_parse(procedure, "procedure.xml", f);
    if (!document || !head_take(procedure, xmlDocGetRootElement(document), f))
        return false;
    return folder_fits(procedure, area, name) ||
           definition_broken(f, procedure->folder, "procedure.xml", 1,
                             "the id %s belongs into another folder", procedure->id);
}

static void procedure_free(struct procedure *procedure)
{
    labels_free(procedure);
    record_free(procedure);
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
        if (!words_contain("procedure.xml form.xsd labels.xml record.xml examples",
                           names.entries[i]->d_name))
            return failure_set(f, FAILURE_USAGE,
                               "%s/%s does not belong to a procedure: take it away", folder,
                               names.entries[i]->d_name);
    return true;
}

static bool procedure_add(struct procedures *procedures, const char *path, const char *area,
                          const char *name, struct failure *f)
{
    struct procedure *procedure = memory_allocate(sizeof *procedure);
    procedures->all =
        memory_resize(procedures->all, (procedures->count + 1) * sizeof *procedures->all);
    procedures->all[procedures->count] = procedure;
    procedure->folder = text_format("%s/%s/%s", path, area, name);
    bool good = contents_known(procedure->folder, f) && head_load(procedure, area, name, f) &&
                outline_load(procedure, f) && labels_load(procedure, f) &&
                record_load(procedure, f);
    sha256_hex(buffer_bytes(&procedure->files), procedure->sha256);
    if (good && procedures_find(procedures, procedure->id, procedure->version))
        good = definition_broken(f, procedure->folder, "procedure.xml", 1,
                                 "another folder has this id and version");
    procedures->count++;
    return good;
}

static bool area_add(struct procedures *procedures, const char *path, const char *area,
                     struct failure *f)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/%s", path, area);
    _cleanup_(cleanup_names) struct names names = {0};
    if (!folder_list(folder, &names, f))
        return false;
    for (int i = 0; i < names.count; i++)
        if (!procedure_add(procedures, path, area, names.entries[i]->d_name, f))
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

void procedures_free(struct procedures *procedures)
{
    for (size_t i = 0; procedures && i < procedures->count; i++)
        procedure_free(procedures->all[i]);
    if (procedures)
        free(procedures->all);
    free(procedures);
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

bool procedure_signature_required(const struct procedure *procedure)
{
    return procedure->signature_required;
}
