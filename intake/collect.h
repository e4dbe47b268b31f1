/* Collecting (申請データ取り込み): what the portal lists is announced once for each (city, channel,
 * receipt number); what is announced is downloaded, compared with the size and SHA-256 that the
 * list promised, sealed and stored. Only after that commit is the portal told 取得済 (by way of the
 * outbox, intake/decide.h).
 *
 * Bytes that differ from the promise are kept as evidence and asked for again with back-off; after
 * [work] download-tries the application is held as download-mismatch, and still asked for every
 * [work] retry-held: when the promised bytes come after all, it goes on. A transfer that breaks is
 * resumed while it makes progress, then tried again with back-off for as long as it takes: that is
 * a failure, not a verdict. An application larger than [package] size is held as
 * download-too-large. None of them stops the others. */
#ifndef UKETSUKE_INTAKE_COLLECT_H
#define UKETSUKE_INTAKE_COLLECT_H

#include "base/process.h"
#include "intake/command.h"

struct collector;

/* One portal for each [channel]; connects when it is needed. `role` stays the caller's. */
bool collector_open(struct role *role, struct collector **ret_collector, struct failure *f);
void collector_close(struct collector *collector);
/* What was stored already and is here no more, after a restore: the next step of each channel also
 * lists what applied at `since` or later and has come to no end at the portal. What is here is not
 * taken twice. */
void collector_since(struct collector *collector, instant since);
/* Every channel is listed at the next step, whatever its interval. */
void collector_poll_now(struct collector *collector);

/* For work_loop_run; context: the collector. Lists the channels that are due, then downloads one
 * batch. */
enum work_result collect_step(void *context, struct failure *f);

#endif
