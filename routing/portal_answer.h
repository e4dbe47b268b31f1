/* What the portal answers, read as hostile: wrong types, nonsense, too much. Apart from the
 * network, so that it can be fuzzed. */
#ifndef UKETSUKE_ROUTING_PORTAL_ANSWER_H
#define UKETSUKE_ROUTING_PORTAL_ANSWER_H

#include <jansson.h>

#include "routing/portal.h"

enum { PORTAL_CURSOR_SIZE = 129, PORTAL_TOKEN_MOST = 512 /* characters */ };

/* All: FAILURE_PEER that says what is wrong, without quoting what came. */

/* One page. Entries that are not what they should be are left out. */
struct portal_page {
    size_t count;    /* entries taken: all of the city, no receipt number twice */
    size_t left_out; /* entries that could not be */
    const char
        *fault; /* which member of the first of those was wrong, or "listed twice"; a literal */
};
/* At most `most` entries; `cursor` is the one that was asked with, and becomes the next. */
bool portal_answer_list(const json_t *answer, const char *city_code,
                        char cursor[PORTAL_CURSOR_SIZE], struct portal_entry *ret_entries,
                        size_t most, struct portal_page *ret_page, struct failure *f);
/* The same of withdrawals: one that can't be read keeps back no other resident's. */
bool portal_answer_withdrawals(const json_t *answer, char cursor[PORTAL_CURSOR_SIZE],
                               struct portal_withdrawal *ret_withdrawals, size_t most,
                               struct portal_page *ret_page, struct failure *f);
/* The new token (free it) and how long it lasts. */
bool portal_answer_login(const json_t *answer, char **ret_token, instant *ret_lasts,
                         struct failure *f);
/* Which of `statuses` were registered. */
bool portal_answer_statuses(const json_t *answer, const struct portal_status *statuses,
                            size_t count, bool *ret_done, struct failure *f);
/* "E0199" from an error answer, or "" where there is none. */
void portal_answer_error_code(struct bytes body, char ret_code[6]);
/* "bytes 0-9/100" and, with 416, "bytes *" "/100": first is -1 then. */
bool portal_content_range(const char *header, int64_t *ret_first, int64_t *ret_last,
                          int64_t *ret_total);

#endif
