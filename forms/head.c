/* procedure.xml: what the procedure is called, and how it is found. */
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/definition.h"

#define NS        "urn:uketsuke:procedure:1"
#define FILE_NAME "procedure.xml"

#define LIFE_EVENTS "birth child-care moving pregnancy health marriage divorce bereavement other"

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "%s", what);
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

static bool root_take(struct procedure *procedure, const xmlNode *root, struct failure *f)
{
    const char *id = xml_attribute(root, "id"), *version = xml_attribute(root, "form-version");
    const char *status = xml_attribute(root, "status");
    if (!xml_is(root, NS, "procedure") || !definition_attributes(root, "id form-version status") ||
        !id || !version)
        return broken(procedure, root, f,
                      "the root must be procedure of " NS " with id and form-version");
    if (status && strcmp(status, "current") != 0 && strcmp(status, "retired") != 0)
        return broken(procedure, root, f, "status is current or retired");
    procedure->id = text_copy(id);
    procedure->version = text_copy(version);
    procedure->retired = status && strcmp(status, "retired") == 0;
    return true;
}

static bool signature_take(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *required = xml_attribute(node, "required");
    if (!required || (strcmp(required, "true") != 0 && strcmp(required, "false") != 0) ||
        !definition_attributes(node, "required"))
        return broken(procedure, node, f,
                      "signature with required=\"true\" or \"false\" is needed");
    procedure->signature_required = strcmp(required, "true") == 0;
    return true;
}

static bool life_event_take(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *event = xml_text(node);
    if (!event || !words_contain(LIFE_EVENTS, event))
        return broken(procedure, node, f, "a life-event is one of: " LIFE_EVENTS);
    _cleanup_(cleanup_text) char *before = procedure->life_events;
    procedure->life_events = *before ? text_format("%s %s", before, event) : text_copy(event);
    return true;
}

/* Each text once. */
static bool text_take(const struct procedure *procedure, const xmlNode *node, char **to,
                      struct failure *f)
{
    const char *text = xml_text(node);
    if (*to || !text || !*text || !definition_attributes(node, ""))
        return broken(procedure, node, f, "expected one of these, with a text and nothing else");
    *to = text_copy(text);
    return true;
}

static bool entry_take(struct procedure *procedure, const xmlNode *node, bool *signature,
                       struct failure *f)
{
    if (xml_is(node, NS, "name"))
        return text_take(procedure, node, &procedure->name, f);
    if (xml_is(node, NS, "summary"))
        return text_take(procedure, node, &procedure->summary, f);
    if (xml_is(node, NS, "search"))
        return text_take(procedure, node, &procedure->search, f);
    if (xml_is(node, NS, "life-event"))
        return life_event_take(procedure, node, f);
    if (!xml_is(node, NS, "signature") || *signature)
        return broken(procedure, node, f,
                      "expected one name, summary, search and signature, and life-events");
    *signature = true;
    return signature_take(procedure, node, f);
}

static bool head_take(struct procedure *procedure, const xmlNode *root, struct failure *f)
{
    bool signature = false;
    procedure->life_events = text_copy("");
    if (!root_take(procedure, root, f))
        return false;
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node))
        if (!entry_take(procedure, node, &signature, f))
            return false;
    if (!procedure->name || !signature)
        return broken(procedure, root, f, "name and signature are needed");
    procedure->summary = procedure->summary ?: text_copy("");
    procedure->search = procedure->search ?: text_copy("");
    return true;
}

bool head_load(struct procedure *procedure, const char *area, const char *name, struct failure *f)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *document = definition_parse(procedure, FILE_NAME, f);
    if (!document || !head_take(procedure, xmlDocGetRootElement(document), f))
        return false;
    return folder_fits(procedure, area, name) ||
           definition_broken(f, procedure->folder, FILE_NAME, 1,
                             "the id %s belongs into another folder", procedure->id);
}
