/* Small, valid attachments. The same dice make the same bytes. */
#ifndef UKETSUKE_SANDBOX_TOWN_FILES_H
#define UKETSUKE_SANDBOX_TOWN_FILES_H

#include "base/bytes.h"
#include "deploy/sandbox/town_people.h"

void pdf_write(struct dice *dice, const char *ascii_text, struct buffer *ret_pdf);
void jpeg_write(struct dice *dice, struct buffer *ret_jpeg); /* 8×8, grey, with a long comment */
void png_write(struct dice *dice, struct buffer *ret_png);   /* 1×1, grey, with a text chunk */

#endif
