/* A view as HTML for staff: a fragment to stand in a page, or a page. No script, no style, no
 * outside request: it stands under `Content-Security-Policy: default-src 'self'`. Every text is
 * escaped, and stands in <bdi>. Classes (docs/rendering.md) begin with "form-view";
 * forms/form_view.css has the looks. An item's element has data-item="PATH". */
#ifndef UKETSUKE_FORMS_FORM_VIEW_HTML_H
#define UKETSUKE_FORMS_FORM_VIEW_HTML_H

#include "base/bytes.h"
#include "forms/form_view.h"

/* Appends <article class="form-view">…</article>. Its title is a heading of level `heading` (1 to
 * 4); groups and entries are one and two below, never beyond 6. */
void view_html_write(const struct view *view, int heading, struct buffer *html);

/* Appends a whole document with the fragment, whose style sheet is `stylesheet`. */
void view_html_page(const struct view *view, const char *stylesheet, struct buffer *html);

/* Appends the text with & < > " ' escaped, for content and for attributes in quotes. */
void html_escape(const char *text, struct buffer *html);

#endif
