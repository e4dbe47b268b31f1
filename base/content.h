/* What a file is by its content: the structure is walked, not only its first bytes. Nothing is
 * decoded. */
#ifndef UKETSUKE_BASE_CONTENT_H
#define UKETSUKE_BASE_CONTENT_H

#include "base/bytes.h"

/* Bytes behind the end of a JPEG, and up to 1024 behind that of a PDF, are accepted: telephones put
 * moving pictures behind a photograph's end and printers pad documents, and who sends one must not
 * be refused for it. They are signed with the rest, no reader of the format looks at them, and
 * what a file is told to be is what its first bytes say, so that no second kind can hide there. */
enum content { CONTENT_OTHER, CONTENT_PDF, CONTENT_JPEG, CONTENT_PNG };

/* PDF (ISO 32000): header, and an end that leads to a cross-reference. JPEG (ITU T.81): segments up
 * to a scan, with a frame before it and an end of image behind. PNG: chunks that fill the file,
 * IHDR first, IDAT between, IEND last. */
enum content content_of(struct bytes file);

/* "pdf", "jpeg", "png", as attachments.xml names them; "" for what is none of them. */
const char *content_name(enum content content);
/* Whether the name ends as such files' names do (".pdf"; ".jpg", ".jpeg"; ".png"). */
bool content_fits_name(enum content content, const char *name);

#endif
