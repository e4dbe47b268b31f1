#include "forms/form_view_html.h"

#include <string.h>

#define HEADING_MOST 6

void html_escape(const char *text, struct buffer *html)
{
    for (; *text; text++) {
        size_t plain = strcspn(text, "&<>\"'");
        buffer_append(html, text, plain);
        text += plain;
        if (!*text)
            return;
        buffer_append_text(html, *text == '&'   ? "&amp;"
                                 : *text == '<' ? "&lt;"
                                 : *text == '>' ? "&gt;"
                                 : *text == '"' ? "&quot;"
                                                : "&#39;");
    }
}

/* <bdi> keeps the direction of a text within itself. */
static void text_write(struct buffer *html, const char *element, const char *class,
                       const char *text)
{
    buffer_format(html, "<%s class=\"form-view-%s\"><bdi>", element, class);
    html_escape(text, html);
    buffer_format(html, "</bdi></%s>", element);
}

static void remarks_write(struct buffer *html, const struct view_remarks *remarks)
{
    static const char *const classes[VIEW_MARKS] = {"difference", "refuse",     "review",
                                                    "note",       "characters", "unknown"};
    if (remarks->count == 0)
        return;
    buffer_append_text(html, "<ul class=\"form-view-remarks\">");
    for (size_t i = 0; i < remarks->count; i++) {
        const struct view_remark *remark = &remarks->items[i];
        buffer_format(html, "<li class=\"form-view-remark form-view-%s\">", classes[remark->mark]);
        text_write(html, "strong", "mark", view_mark_text(remark->mark));
        buffer_append_text(html, " ");
        text_write(html, "span", "remark-text", remark->text);
        buffer_append_text(html, "</li>");
    }
    buffer_append_text(html, "</ul>");
}

static void item_attribute_write(struct buffer *html, const char *path)
{
    if (!*path)
        return;
    buffer_append_text(html, " data-item=\"");
    html_escape(path, html);
    buffer_append_text(html, "\"");
}

static void row_write(struct buffer *html, const struct view_entry *entry)
{
    buffer_format(html, "<tr class=\"form-view-row%s%s\"", entry->masked ? " form-view-masked" : "",
                  entry->remarks.count ? " form-view-remarked" : "");
    item_attribute_write(html, entry->path);
    buffer_append_text(html, "><th scope=\"row\" class=\"form-view-label\"><bdi>");
    html_escape(entry->label, html);
    buffer_append_text(html, "</bdi></th><td class=\"form-view-value\">");
    text_write(html, "span", "text", entry->text);
    if (entry->also) {
        buffer_append_text(html, " ");
        text_write(html, "span", "also", entry->also);
    }
    remarks_write(html, &entry->remarks);
    buffer_append_text(html, "</td></tr>\n");
}

/* What is open of the entries written so far. */
struct writing {
    struct buffer *html;
    int heading;
    bool section, table;
};

static void table_close(struct writing *writing)
{
    if (writing->table)
        buffer_append_text(writing->html, "</tbody></table>\n");
    writing->table = false;
}

static void section_close(struct writing *writing)
{
    table_close(writing);
    if (writing->section)
        buffer_append_text(writing->html, "</section>\n");
    writing->section = false;
}

static void heading_write(struct writing *writing, const struct view_entry *entry)
{
    int level = writing->heading + entry->level;
    level = level > HEADING_MOST ? HEADING_MOST : level;
    table_close(writing);
    if (entry->level == 1) {
        section_close(writing);
        buffer_append_text(writing->html, "<section class=\"form-view-group\">\n");
        writing->section = true;
    }
    if (*entry->label) {
        buffer_format(writing->html, "<h%d class=\"form-view-heading\"", level);
        item_attribute_write(writing->html, entry->path);
        buffer_append_text(writing->html, "><bdi>");
        html_escape(entry->label, writing->html);
        buffer_format(writing->html, "</bdi></h%d>\n", level);
    }
    remarks_write(writing->html, &entry->remarks);
}

static void entry_write(struct writing *writing, const struct view_entry *entry)
{
    if (entry->heading) {
        heading_write(writing, entry);
        return;
    }
    if (!writing->table)
        buffer_append_text(writing->html, "<table class=\"form-view-table\"><tbody>\n");
    writing->table = true;
    row_write(writing->html, entry);
}

static void head_write(const struct view *view, int heading, struct buffer *html)
{
    buffer_format(html, "<header class=\"form-view-head\">\n<h%d class=\"form-view-title\"><bdi>",
                  heading);
    html_escape(view->title, html);
    buffer_format(html, "</bdi></h%d>\n<dl class=\"form-view-facts\">\n", heading);
    for (size_t i = 0; i < view->fact_count; i++) {
        buffer_append_text(html, "<div class=\"form-view-fact\">");
        text_write(html, "dt", "label", view->facts[i].label);
        text_write(html, "dd", "value", view->facts[i].text);
        buffer_append_text(html, "</div>\n");
    }
    buffer_append_text(html, "</dl>\n");
    remarks_write(html, &view->remarks);
    buffer_append_text(html, "</header>\n");
}

void view_html_write(const struct view *view, int heading, struct buffer *html)
{
    struct writing writing = {.html = html, .heading = heading};
    buffer_append_text(html, "<article class=\"form-view\" lang=\"ja\">\n");
    head_write(view, heading, html);
    for (size_t i = 0; i < view->entry_count; i++)
        entry_write(&writing, &view->entries[i]);
    section_close(&writing);
    buffer_append_text(html, "</article>\n");
}

void view_html_page(const struct view *view, const char *stylesheet, struct buffer *html)
{
    buffer_append_text(html, "<!DOCTYPE html>\n<html lang=\"ja\">\n<head>\n"
                             "<meta charset=\"utf-8\">\n"
                             "<meta name=\"viewport\" content=\"width=device-width\">\n"
                             "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_escape(view->title, html);
    buffer_append_text(html, "</title>\n<link rel=\"stylesheet\" href=\"");
    html_escape(stylesheet, html);
    buffer_append_text(html, "\">\n</head>\n<body>\n<main>\n");
    view_html_write(view, 1, html);
    buffer_append_text(html, "</main>\n</body>\n</html>\n");
}
