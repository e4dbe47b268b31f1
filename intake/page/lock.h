/* The walls around the drawing of a page. Called with one thread. */
#ifndef UKETSUKE_INTAKE_PAGE_LOCK_H
#define UKETSUKE_INTAKE_PAGE_LOCK_H

#include <stdbool.h>

/* From here on: what is on descriptors 0 and 1, memory up to PAGE_MEMORY_MOST, PAGE_CPU_MOST
 * seconds; of files only fonts and what poppler knows of scripts, read-only, and none at all where
 * the kernel has no Landlock. No network, no programs, no processes, no threads. False: it cannot
 * be done, and nothing may be drawn. */
bool page_lock(void);

#endif
