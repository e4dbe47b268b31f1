/* Reads an XPath expression along the grammar of XPath 1.0, section 3, with what it selects as
 * elements of form.xsd: it writes prefixes before the names, and finds functions, variables and
 * items that do not exist. Precedence does not matter here; libxml2 compiles what comes out. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forms/xpath.h"

#define NODES_MOST 256

/* What an expression selects: elements of the outline, each once. */
struct nodes {
    const struct outline *items[NODES_MOST];
    size_t count;
    bool unknown; /* no node set */
};

struct reader {
    const struct procedure *procedure;
    const struct outline *context; /* what the whole expression is evaluated at */
    struct outline document;       /* what stands above the root */
    const char *text, *at, *copied;
    struct buffer *out;
    int depth;
    struct xpath_error *error;
};

static bool fault(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fault(struct reader *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->error->text, sizeof r->error->text, format, arguments);
    va_end(arguments);
    return false;
}

/* --- words ------------------------------------------------------------------------------------ */

static void blanks_skip(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

static bool take(struct reader *r, const char *word)
{
    blanks_skip(r);
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Names of elements, functions and variables are ASCII here. */
static size_t name_length(const char *text)
{
    size_t length = 0;
    if (is_letter(*text))
        while (is_letter(text[length]) || is_digit(text[length]) || text[length] == '-' ||
               text[length] == '.')
            length++;
    return length;
}

static bool operator_take(struct reader *r)
{
    static const char *const signs[] = {"|", "+", "-", "*", "!=", "<=", ">=", "<", ">", "="};
    static const char *const words[] = {"or", "and", "div", "mod"};
    blanks_skip(r);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (name_length(r->at) == strlen(words[i]) && take(r, words[i]))
            return true;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (take(r, signs[i]))
            return true;
    return false;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void node_add(struct nodes *nodes, const struct outline *node)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i] == node)
            return;
    if (nodes->count < NODES_MOST)
        nodes->items[nodes->count++] = node;
}

static void nodes_join(struct nodes *to, const struct nodes *from)
{
    for (size_t i = 0; i < from->count; i++)
        node_add(to, from->items[i]);
    to->unknown = to->unknown || from->unknown;
}

static const struct outline *parent_of(const struct reader *r, const struct outline *node)
{
    if (node == &r->document)
        return NULL;
    if (!*node->path)
        return &r->document;
    const char *slash = strrchr(node->path, '/');
    _cleanup_(cleanup_text) char *path =
        text_copy_n(node->path, slash ? (size_t)(slash - node->path) : 0);
    return outline_find(&r->procedure->outline, path);
}

enum axis {
    AXIS_CHILD,
    AXIS_SELF,
    AXIS_PARENT,
    AXIS_ANCESTOR,
    AXIS_ANCESTOR_OR_SELF,
    AXIS_DESCENDANT,
    AXIS_DESCENDANT_OR_SELF,
    AXIS_SIBLING,
};

static void below_add(const struct reader *r, const struct outline *node, bool all,
                      struct nodes *to)
{
    if (node == &r->document) {
        node_add(to, &r->procedure->outline);
        if (all)
            below_add(r, &r->procedure->outline, all, to);
        return;
    }
    for (size_t i = 0; i < node->part_count; i++) {
        node_add(to, &node->parts[i]);
        if (all)
            below_add(r, &node->parts[i], all, to);
    }
}

static void axis_add(const struct reader *r, enum axis axis, const struct outline *node,
                     struct nodes *to)
{
    if (axis == AXIS_SELF || axis == AXIS_ANCESTOR_OR_SELF || axis == AXIS_DESCENDANT_OR_SELF)
        node_add(to, node);
    if (axis == AXIS_CHILD || axis == AXIS_DESCENDANT || axis == AXIS_DESCENDANT_OR_SELF)
        below_add(r, node, axis != AXIS_CHILD, to);
    const struct outline *parent = parent_of(r, node);
    if (axis == AXIS_SIBLING && parent)
        below_add(r, parent, false, to);
    bool up = axis == AXIS_PARENT || axis == AXIS_ANCESTOR || axis == AXIS_ANCESTOR_OR_SELF;
    for (; up && parent; parent = axis == AXIS_PARENT ? NULL : parent_of(r, parent))
        node_add(to, parent);
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool expression_read(struct reader *r, const struct nodes *context, struct nodes *ret_nodes);

static bool predicates_read(struct reader *r, const struct nodes *context)
{
    while (take(r, "[")) {
        struct nodes inside = {0};
        if (!expression_read(r, context, &inside))
            return false;
        if (!take(r, "]"))
            return fault(r, "a ] is missing");
    }
    return true;
}

static bool axis_read(struct reader *r, enum axis *ret_axis)
{
    static const struct {
        const char *name;
        enum axis axis;
    } axes[] = {
        {"child", AXIS_CHILD},
        {"self", AXIS_SELF},
        {"parent", AXIS_PARENT},
        {"ancestor", AXIS_ANCESTOR},
        {"ancestor-or-self", AXIS_ANCESTOR_OR_SELF},
        {"descendant", AXIS_DESCENDANT},
        {"descendant-or-self", AXIS_DESCENDANT_OR_SELF},
        {"preceding-sibling", AXIS_SIBLING},
        {"following-sibling", AXIS_SIBLING},
    };
    blanks_skip(r);
    size_t length = name_length(r->at);
    const char *behind = r->at + length + strspn(r->at + length, " \t\r\n");
    if (length == 0 || strncmp(behind, "::", 2) != 0)
        return true;
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (strlen(axes[i].name) == length && strncmp(axes[i].name, r->at, length) == 0) {
            *ret_axis = axes[i].axis;
            r->at = behind + 2;
            return true;
        }
    return fault(r, "the axis %.*s:: is not allowed", (int)length, r->at);
}

static void prefix_put(struct reader *r)
{
    buffer_append(r->out, r->copied, (size_t)(r->at - r->copied));
    buffer_append_text(r->out, XPATH_PREFIX ":");
    r->copied = r->at;
}

/* Those of `found` that have the name under the reader. */
static bool name_read(struct reader *r, const struct nodes *from, const struct nodes *found,
                      struct nodes *ret_nodes)
{
    size_t length = name_length(r->at);
    if (length == 0)
        return fault(r, "expected the name of an item at \"%.24s\"", r->at);
    if (r->at[length] == ':')
        return fault(r, "items are written without prefix: %.*s", (int)length + 1, r->at);
    prefix_put(r);
    for (size_t i = 0; i < found->count; i++)
        if (strncmp(found->items[i]->name, r->at, length) == 0 && !found->items[i]->name[length])
            node_add(ret_nodes, found->items[i]);
    if (ret_nodes->count == 0) {
        const char *path = from->count > 0 ? from->items[0]->path : "";
        return fault(r, "form.xsd has no item %.*s %s%s", (int)length, r->at, *path ? "in " : "",
                     *path ? path : "at the top");
    }
    r->at += length;
    return true;
}

static bool step_read(struct reader *r, const struct nodes *from, struct nodes *ret_nodes)
{
    enum axis axis = AXIS_CHILD;
    struct nodes found = {0};
    blanks_skip(r);
    if (*r->at == '@')
        return fault(r, "a form has no attributes");
    bool parent = take(r, ".."), self = !parent && take(r, ".");
    if (!parent && !self && !axis_read(r, &axis))
        return false;
    if (parent || self)
        axis = parent ? AXIS_PARENT : AXIS_SELF;
    for (size_t i = 0; i < from->count; i++)
        axis_add(r, axis, from->items[i], &found);
    if (parent || self) {
        *ret_nodes = found;
        return found.count > 0 || fault(r, "there is nothing above the form");
    }
    if (take(r, "text()"))
        *ret_nodes = *from;
    else if (take(r, "*") || take(r, "node()"))
        *ret_nodes = found;
    else if (!name_read(r, from, &found, ret_nodes))
        return false;
    return predicates_read(r, ret_nodes);
}

static bool steps_read(struct reader *r, const struct nodes *from, struct nodes *ret_nodes)
{
    struct nodes now = *from;
    for (;;) {
        struct nodes next = {0}, all = {0};
        if (take(r, "/")) { /* the second one of "//" */
            for (size_t i = 0; i < now.count; i++)
                axis_add(r, AXIS_DESCENDANT_OR_SELF, now.items[i], &all);
            now = all;
        }
        if (!step_read(r, &now, &next))
            return false;
        now = next;
        if (!take(r, "/"))
            break;
    }
    *ret_nodes = now;
    return true;
}

/* --- primaries -------------------------------------------------------------------------------- */

static bool literal_skip(struct reader *r)
{
    const char *end = strchr(r->at + 1, *r->at);
    if (!end)
        return fault(r, "a quote is not closed");
    r->at = end + 1;
    return true;
}

static bool variable_read(struct reader *r)
{
    size_t length = name_length(++r->at);
    _cleanup_(cleanup_text) char *name = text_copy_n(r->at, length);
    r->at += length;
    if (strcmp(name, "applied-on") == 0)
        return true;
    for (size_t i = 0; i < r->procedure->setting_count; i++)
        if (strncmp(name, "setting-", 8) == 0 &&
            strcmp(name + 8, r->procedure->settings[i].name) == 0)
            return true;
    return fault(r, "there is no variable $%s: $applied-on, or $setting-NAME of a setting above",
                 name);
}

struct signature {
    const char *name;
    int least, most;
};

static bool function_known(struct reader *r, const char *name, struct signature *ret_signature)
{
    static const struct signature core[] = {
        {"last", 0, 0},
        {"position", 0, 0},
        {"count", 1, 1},
        {"string", 0, 1},
        {"concat", 2, 99},
        {"starts-with", 2, 2},
        {"contains", 2, 2},
        {"substring-before", 2, 2},
        {"substring-after", 2, 2},
        {"substring", 2, 3},
        {"string-length", 0, 1},
        {"normalize-space", 0, 1},
        {"translate", 3, 3},
        {"boolean", 1, 1},
        {"not", 1, 1},
        {"true", 0, 0},
        {"false", 0, 0},
        {"number", 0, 1},
        {"sum", 1, 1},
        {"floor", 1, 1},
        {"ceiling", 1, 1},
        {"round", 1, 1},
    };
    for (size_t i = 0; i < sizeof core / sizeof *core; i++)
        if (strcmp(core[i].name, name) == 0) {
            *ret_signature = core[i];
            return true;
        }
    const struct xpath_function *own =
        strncmp(name, "u:", 2) == 0 ? xpath_function_find(name + 2) : NULL;
    if (!own)
        return fault(r, "there is no function %s()", name);
    *ret_signature = (struct signature){own->name, own->least, own->most};
    return true;
}

/* u:document('ID') must name a document of attachments.xml, which is loaded before the rules. */
static bool document_known(struct reader *r)
{
    blanks_skip(r);
    if (*r->at != '\'' && *r->at != '"')
        return true; /* made up while the rule runs: then there is none of that name */
    const char *end = strchr(r->at + 1, *r->at);
    if (!end)
        return true; /* told where the literal is read */
    _cleanup_(cleanup_text) char *id = text_copy_n(r->at + 1, (size_t)(end - r->at) - 1);
    return document_find(r->procedure, id) || fault(r, "attachments.xml has no document %.40s", id);
}

static bool call_read(struct reader *r, const struct nodes *context, size_t length)
{
    _cleanup_(cleanup_text) char *name = text_copy_n(r->at, length);
    struct signature signature = {0};
    int count = 0;
    if (!function_known(r, name, &signature))
        return false;
    r->at += length;
    take(r, "(");
    if (strcmp(name, "u:document") == 0 && !document_known(r))
        return false;
    if (!take(r, ")")) {
        do {
            struct nodes argument = {0};
            if (!expression_read(r, context, &argument))
                return false;
            count++;
        } while (take(r, ","));
        if (!take(r, ")"))
            return fault(r, "a ) is missing after %s(", name);
    }
    if (count < signature.least || count > signature.most)
        return fault(r, "%s() has %d arguments, not %d", name, signature.least, count);
    return true;
}

/* How long the name of a function is that is called here; 0: none is. */
static size_t call_length(const char *text)
{
    static const char *const kinds[] = {"text", "node", "comment", "processing-instruction"};
    size_t length = name_length(text);
    if (length > 0 && text[length] == ':' && name_length(text + length + 1) > 0)
        length += 1 + name_length(text + length + 1);
    if (length == 0 || text[length + strspn(text + length, " \t\r\n")] != '(')
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == length && strncmp(kinds[i], text, length) == 0)
            return 0;
    return length;
}

static bool primary_read(struct reader *r, const struct nodes *context, bool *ret_found,
                         struct nodes *ret_nodes)
{
    size_t call = call_length(r->at);
    bool number = is_digit(*r->at) || (*r->at == '.' && is_digit(r->at[1]));
    *ret_found = true;
    ret_nodes->unknown = true;
    if (*r->at == '(') {
        r->at++;
        *ret_nodes = (struct nodes){0};
        return expression_read(r, context, ret_nodes) &&
               (take(r, ")") || fault(r, "a ) is missing"));
    }
    if (*r->at == '\'' || *r->at == '"')
        return literal_skip(r);
    if (*r->at == '$')
        return variable_read(r);
    if (call > 0)
        return call_read(r, context, call);
    if (number) {
        r->at += strspn(r->at, "0123456789.");
        return true;
    }
    *ret_found = ret_nodes->unknown = false;
    return true;
}

static bool path_read(struct reader *r, const struct nodes *context, struct nodes *ret_nodes)
{
    bool primary;
    blanks_skip(r);
    if (!*r->at)
        return fault(r, "the expression ends too early");
    if (!primary_read(r, context, &primary, ret_nodes))
        return false;
    if (primary) {
        struct nodes from = *ret_nodes;
        if (!predicates_read(r, &from))
            return false;
        if (!take(r, "/"))
            return true;
        return from.unknown ? fault(r, "a / stands behind what is no item")
                            : steps_read(r, &from, ret_nodes);
    }
    struct nodes from = *context;
    if (take(r, "/")) {
        from = (struct nodes){.items = {&r->document}, .count = 1};
        blanks_skip(r);
        if (!*r->at || strchr(")],=<>|+", *r->at)) {
            *ret_nodes = from;
            return true;
        }
    }
    return steps_read(r, &from, ret_nodes);
}

static bool expression_read(struct reader *r, const struct nodes *context, struct nodes *ret_nodes)
{
    if (r->depth++ == XPATH_DEPTH)
        return fault(r, "more than %d levels of ( and [", XPATH_DEPTH);
    do {
        struct nodes nodes = {0};
        while (take(r, "-"))
            ;
        if (!path_read(r, context, &nodes))
            return false;
        nodes_join(ret_nodes, &nodes);
    } while (operator_take(r));
    r->depth--;
    return true;
}

bool xpath_read(const struct procedure *procedure, const struct outline *context, const char *text,
                struct buffer *ret_text, struct xpath_error *ret_error)
{
    struct reader r = {
        .procedure = procedure,
        .document = {.name = (char *)"", .path = (char *)""},
        .text = text,
        .at = text,
        .copied = text,
        .out = ret_text,
        .error = ret_error,
    };
    struct nodes start = {.items = {context}, .count = 1}, found = {0};
    if (strlen(text) > XPATH_TEXT_MOST)
        return fault(&r, "the expression is longer than %d bytes", XPATH_TEXT_MOST);
    if (!expression_read(&r, &start, &found))
        return false;
    blanks_skip(&r);
    if (*r.at)
        return fault(&r, "cannot be read from \"%.24s\" on", r.at);
    buffer_append_text(ret_text, r.copied);
    return true;
}

xmlXPathCompExpr *xpath_compile(const struct procedure *procedure, const struct outline *context,
                                const char *text, struct xpath_error *ret_error)
{
    _cleanup_(cleanup_buffer) struct buffer prefixed = {0};
    if (!xpath_read(procedure, context, text, &prefixed, ret_error))
        return NULL;
    xmlXPathCompExpr *expression = xmlXPathCompile((const xmlChar *)buffer_text(&prefixed));
    if (!expression)
        snprintf(ret_error->text, sizeof ret_error->text, "is not XPath 1.0");
    return expression;
}
