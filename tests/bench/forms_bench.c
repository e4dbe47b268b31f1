/* forms_bench FOLDER FORM read|validate|load COUNT: what tests/bench/forms.py measures.
 *   validate: parse FORM and validate it by its schema, COUNT times: libxml2 alone
 *   read:     parse it and read it by its procedure, COUNT times
 *   load:     load all procedures of FOLDER, COUNT times; prints how many there are */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"

static bool validate(const struct procedure *procedure, struct bytes bytes)
{
    xmlDoc *form = xmlReadMemory((const char *)bytes.data, (int)bytes.length, "form", NULL, 0);
    xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(procedure->schema);
    bool good = xmlSchemaValidateDoc(context, form) == 0;
    xmlSchemaFreeValidCtxt(context);
    xmlFreeDoc(form);
    return good;
}

static bool read_form(const struct procedure *procedure, struct bytes bytes)
{
    struct checks *checks = checks_new();
    struct form_input input = {.applied_at = 1795651200 * INSTANT_SECOND};
    _cleanup_(cleanup_json) json_t *findings = NULL, *record = NULL;
    input.form = xml_parse(bytes, &XML_LIMITS_DEFAULT, "form.document", checks);
    record = input.form ? form_read(procedure, &input, checks, &findings) : NULL;
    if (!record)
        fprintf(stderr, "forms_bench: %s\n", checks_text(checks));
    checks_free(checks);
    xmlFreeDoc(input.form);
    return record;
}

/* By the namespace of its root. */
static const struct procedure *procedure_of(const struct procedures *procedures, struct bytes bytes)
{
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const char *namespace = procedures_at(procedures, i)->namespace;
        if (memmem(bytes.data, bytes.length, namespace, strlen(namespace)))
            return procedures_at(procedures, i);
    }
    return NULL;
}

static int load_all(const char *folder, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct procedures *procedures;
        struct failure f = {0};
        if (!procedures_load(folder, &procedures, &f)) {
            fprintf(stderr, "forms_bench: %s\n", f.text);
            return 3;
        }
        printf("%zu\n", procedures_count(procedures));
        procedures_free(procedures);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int64_t count;
    struct procedures *procedures;
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer form = {0};
    if (argc != 5 || !number_parse(argv[4], 1, 1000000, &count))
        return 64;
    xml_initialize();
    if (strcmp(argv[3], "load") == 0)
        return load_all(argv[1], count);
    if (!procedures_load(argv[1], &procedures, &f) || !definition_file_read(argv[2], &form, &f)) {
        fprintf(stderr, "forms_bench: %s\n", f.text);
        return 3;
    }
    const struct procedure *procedure = procedure_of(procedures, buffer_bytes(&form));
    bool good = procedure;
    bool whole = strcmp(argv[3], "read") == 0;
    for (int64_t i = 0; i < count && good; i++)
        good = whole ? read_form(procedure, buffer_bytes(&form))
                     : validate(procedure, buffer_bytes(&form));
    procedures_free(procedures);
    return good ? 0 : 1;
}
