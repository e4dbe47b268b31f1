/* Drawing, within the walls: each appends a PNG, or says why not. */
#ifndef UKETSUKE_INTAKE_PAGE_DRAW_H
#define UKETSUKE_INTAKE_PAGE_DRAW_H

#include "intake/page/page.h"

void draw_pdf(struct bytes file, uint32_t number, uint32_t width, struct page *page);
void draw_jpeg(struct bytes file, uint32_t number, uint32_t width, struct page *page);
void draw_png(struct bytes file, uint32_t number, uint32_t width, struct page *page);
/* What libraries read at their first use, before the walls stand. */
void draw_warm_up(void);

#endif
