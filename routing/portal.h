/* The portal's 電子申請等情報受取 style API as its client sees it (docs/api/portal.yaml): log in,
 * list, get, register status. One object a process; logs in again when the token has run out. */
#ifndef UKETSUKE_ROUTING_PORTAL_H
#define UKETSUKE_ROUTING_PORTAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failure.h"

extern const struct config_section channel_config_section; /* [channel NAME] url, TLS files, … */

struct portal;

/* `channel` names the section; a portal is opened without a connection being made. */
bool portal_open(const struct config *config, const char *channel, struct portal **ret_portal,
                 struct failure *f);
void portal_close(struct portal *portal);

struct portal_entry { /* 申請データ一覧 */
    char receipt_number[65];
    char city_code[7];
    char procedure_id[129];
    char form_version[17];
    instant applied_at;
    int64_t size;
    char sha256[65];
    char corrects[65]; /* 訂正: receipt number of what it takes the place of; "" */
    bool withdrawn;    /* its resident took it back before we collected it */
};

#define PORTAL_NOT_COLLECTED "未取得"
#define PORTAL_WITHDRAWN     "取下げ"

/* One page of what has this status now, in the order of arrival; of what is not collected, also
 * what was withdrawn since, as long as that is not answered. `cursor` in and out: "" to begin;
 * comes back "" after the last page. An entry that is not what it should be, that stands there
 * twice or is another city's is left out, logged and counted: one bad application never stops the
 * others.
 */
bool portal_list(struct portal *portal, const char *status, char cursor[129],
                 struct portal_entry *ret_entries, size_t most, size_t *ret_count,
                 size_t *ret_left_out, struct failure *f);

struct portal_withdrawal { /* 取下げ一覧 */
    char receipt_number[65];
    instant at;
};
/* One page of what residents took back, and is not answered yet; `cursor`, and entries that are not
 * what they should be, as with portal_list. */
bool portal_list_withdrawals(struct portal *portal, char cursor[129],
                             struct portal_withdrawal *ret_withdrawals, size_t most,
                             size_t *ret_count, struct failure *f);

/* Downloads into `body`, resuming after what is already there (Range). At most `most` bytes; of a
 * longer one FAILURE_LIMIT and its beginning. What came before the transfer broke is kept. True
 * when the transfer is complete by the portal's own account; the caller compares hash and size. */
bool portal_get(struct portal *portal, const char *receipt_number, size_t most, struct buffer *body,
                struct failure *f);

struct portal_status {
    const char *receipt_number;
    const char *status;  /* 取得済, 処理中, 受付エラー, 要訂正, 完了, 取下げ */
    const char *message; /* for the resident; NULL */
};
/* Registers in order; idempotent. ret_done[i] tells which the portal took. */
bool portal_register(struct portal *portal, const struct portal_status *statuses, size_t count,
                     bool *ret_done, struct failure *f);

#endif
