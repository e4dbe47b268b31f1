/* Hand-over by files (docs/formats/hand-over-files.md): what waits for a destination that has a
 * [files NAME] goes out in batches, to a directory, over SFTP or to S3-compatible storage; receipts
 * come back the same way.
 *
 * What makes a batch is committed before anything of it is written, so an end at any moment loses
 * nothing and puts nothing into two batches; a batch made again is the same bytes. One writer at a
 * time for each destination, by a lease in the database; batches go out in their order. */
#ifndef UKETSUKE_ROUTING_FILES_H
#define UKETSUKE_ROUTING_FILES_H

#include "base/file_store.h"
#include "base/process.h"
#include "forms/procedure.h"
#include "routing/server.h"

extern const struct config_section files_config_section; /* [files NAME] */

#define FILES_BATCH_MOST    5000       /* items */
#define FILES_RECEIPTS_MOST (16 << 20) /* bytes of a file of receipts */

struct files_member { /* a file of a 申請ZIP */
    const char *name; /* "attachments/birth-certificate-1.pdf" */
    struct bytes content;
};
typedef bool files_member_take(void *context, const struct files_member *member, struct failure *f);

struct files_options { /* all borrowed */
    struct routing_options routing;
    const struct procedures *procedures;
    /* Calls `take` for each attachment of a package, in the package's order. */
    bool (*unpack)(struct bytes package, const struct config *config, files_member_take *take,
                   void *context, struct failure *f);
};

/* Every [files NAME] belongs to a destination and is sound. */
bool files_check(const struct config *config, struct failure *f);
/* For work_loop_run; context: struct files_options. Each destination in turn: receipts that came,
 * a batch that waits to be written, or a new one that is due. A place that can't be reached makes
 * its batch wait (count, last attempt and reason in file_batch), and is no failure of the step. */
enum work_result files_step(void *context, struct failure *f);
/* The batch again, into `directory`: the same bytes. FAILURE_USAGE when there is no such batch,
 * FAILURE_INPUT when what it was made of is kept no more, or came out otherwise. */
bool files_batch_again(const struct files_options *options, int64_t batch_id, const char *directory,
                       struct failure *f);

#endif
