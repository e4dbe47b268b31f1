/* A view as a print: PDF, A4, by Pango and cairo. On every page stand the procedure, the receipt
 * number, the applied-at, the purpose of use (利用目的), who printed it and when, and "1 / 3"; the
 * person and the time are drawn across the page as well. The same view, print and fonts give the
 * same bytes. */
#ifndef UKETSUKE_FORMS_FORM_VIEW_PDF_H
#define UKETSUKE_FORMS_FORM_VIEW_PDF_H

#include "base/bytes.h"
#include "base/failure.h"
#include "forms/form_view.h"

struct view_print {
    const char *who; /* Japanese or not: "子育て支援課 試験太郎"; NULL: only the time is printed */
    instant at; /* and the document's date */
};

#define VIEW_PDF_PAGES_MOST 1000

/* Appends the document. FAILURE_SYSTEM: there is no Japanese font, or cairo could not;
 * FAILURE_LIMIT: more pages than VIEW_PDF_PAGES_MOST. Not for several threads at once with one
 * view. */
bool view_pdf_write(const struct view *view, const struct view_print *print, struct buffer *ret_pdf,
                    struct failure *f);

#endif
