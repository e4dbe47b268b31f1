/* One page of an attached file as a picture, made where it can do no harm: what a resident attached
 * may be built to break whoever draws it. A process of its own (the program uketsuke-page, beside
 * uketsuke) gets the file, gives up all that it may do but compute and read fonts, and draws.
 * Nothing of the file but its pixels reaches the screen: no script, no link, no metadata.
 *
 * PDF (poppler), JPEG and PNG. Nothing else is drawn, SVG least of all. */
#ifndef UKETSUKE_INTAKE_PAGE_PAGE_H
#define UKETSUKE_INTAKE_PAGE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

/* The limits of one page; the worker is ended at any of them. */
#define PAGE_MEMORY_MOST  (768u << 20) /* bytes of address space */
#define PAGE_CPU_MOST     10           /* seconds of the processor */
#define PAGE_WALL_MOST    (20 * INSTANT_SECOND)
#define PAGE_PIXELS_MOST  (40u << 20) /* of an image as it is attached */
#define PAGE_WIDTH_MOST   2400        /* pixels of what is drawn, either way */
#define PAGE_NUMBER_MOST  500         /* pages of a PDF that are shown */
#define PAGE_PICTURE_MOST (32u << 20) /* bytes of the PNG */

enum page_outcome {
    PAGE_DRAWN,
    PAGE_NONE,   /* there is no such page */
    PAGE_KIND,   /* no kind of file that is drawn */
    PAGE_LOCKED, /* a PDF that asks for a password */
    PAGE_BROKEN, /* it cannot be read, or is too large */
    PAGE_LIMIT,  /* drawing it took too much time or memory, or tried what is forbidden */
};

struct page {
    enum page_outcome outcome;
    uint32_t pages;    /* of the file, where it is known */
    struct buffer png; /* when drawn; personal: page_free overwrites it */
    uint32_t w, h;     /* pixels */
};
void page_free(struct page *page);

/* Draws page `number` (1 and up) of `file`, `width` pixels wide at the most. A failure is ours: the
 * worker does not start. Waits; many threads may ask at once. */
bool page_draw(struct bytes file, uint32_t number, uint32_t width, struct page *ret_page,
               struct failure *f);

/* --- between the two programs ------------------------------------------------------------------
 */

#define PAGE_PROGRAM "uketsuke-page"
/* Descriptor 0 is the file, 1 takes the answer; the arguments are number and width. The answer:
 * this head in the machine's own order, then the PNG. An answer that is shorter or longer is none.
 */
struct page_head {
    uint32_t magic, outcome, pages, w, h, length;
};
#define PAGE_MAGIC         0x75706731u
#define PAGE_EXIT_NO_WALLS 71 /* it could not be locked in, and drew nothing */

#endif
