#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/files_internal.h"

static const struct config_key files_keys[] = {
    {.name = "to",
     .type = CONFIG_PATHS,
     .help =
         "The place: a directory, sftp://user@host[:port]/path, or https://host/bucket[/prefix] "
         "for S3-compatible storage."},
    {.name = "receipts-from",
     .type = CONFIG_PATHS,
     .initial = "",
     .help = "The place of receipts, with the same keys; empty: the folder receipts of `to`."},
    {.name = "encoding",
     .type = CONFIG_CHOICE,
     .initial = "utf-8",
     .choices = "utf-8 utf-8-bom cp932",
     .help = "Of CSV. An application with a character that it can't say is kept, never changed."},
    {.name = "line-end",
     .type = CONFIG_CHOICE,
     .initial = "crlf",
     .choices = "crlf lf",
     .help = "Of the lines of CSV."},
    {.name = "interval",
     .type = CONFIG_DURATION,
     .initial = "1h",
     .least = INSTANT_SECOND / 10,
     .most = 7 * INSTANT_DAY,
     .help = "Between two batches; a batch that is full is followed at once."},
    {.name = "batch",
     .type = CONFIG_NUMBER,
     .initial = "500",
     .least = 1,
     .most = FILES_BATCH_MOST,
     .help = "Items of one batch at most."},
    {.name = "receipts-interval",
     .type = CONFIG_DURATION,
     .initial = "5min",
     .least = INSTANT_SECOND / 10,
     .most = INSTANT_DAY,
     .help = "Between two looks for receipts."},
    {.name = "attachments",
     .type = CONFIG_BOOLEAN,
     .initial = "yes",
     .help =
         "Whether attachments go out beside the CSV. The original 申請ZIP and the report do when "
         "[destination NAME] package says so."},
    {.name = "patience",
     .type = CONFIG_DURATION,
     .initial = "5min",
     .least = INSTANT_SECOND,
     .most = 60 * 60 * INSTANT_SECOND,
     .help = "Of the transfer of one file."},
    {.name = "retry-most",
     .type = CONFIG_DURATION,
     .initial = "1h",
     .least = INSTANT_SECOND / 10,
     .most = INSTANT_DAY,
     .help = "The longest wait before a batch that could not be written is tried again."},
    {.name = "key-file",
     .type = CONFIG_PATH,
     .initial = "",
     .help =
         "SFTP: our private key, Ed25519 or ECDSA (servers refuse the RSA signatures of libssh2 "
         "1.10)."},
    {.name = "host-key",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "SFTP: SHA-256 of the server's key as ssh-keygen -l prints it, SHA256:…"},
    {.name = "ca-file", .type = CONFIG_PATH, .initial = "", .help = "S3: the CA to trust, PEM."},
    {.name = "region", .type = CONFIG_TEXT, .initial = "", .help = "S3: what is signed for."},
    {.name = "access-key", .type = CONFIG_TEXT, .initial = "", .help = "S3."},
    {.name = "secret-file",
     .type = CONFIG_PATH,
     .initial = "",
     .help = "S3: file with the secret key, that nobody but its owner may read."},
};

const struct config_section files_config_section = {
    .name = "files",
    .named = true,
    .help = "One for each destination that gets files (docs/formats/hand-over-files.md), named as "
            "its [destination NAME].",
    .keys = files_keys,
    .key_count = sizeof files_keys / sizeof files_keys[0],
};

/* Of `to`, or of receipts: receipts-from, else the folder receipts of `to`. Without '/' at the end;
 * the caller frees. */
static char *place_of(const struct config_group *group, bool receipts)
{
    bool own = receipts && config_list_length(group, "receipts-from");
    const char *place = config_list_item(group, own ? "receipts-from" : "to", 0);
    size_t length = strlen(place);
    while (length > 1 && place[length - 1] == '/')
        length--;
    return text_format("%.*s%s", (int)length, place, receipts && !own ? "/receipts" : "");
}

static bool same_place(const struct config_group *a, const struct config_group *b, bool receipts)
{
    _cleanup_(cleanup_text) char *first = place_of(a, receipts), *second = place_of(b, receipts);
    return strcmp(first, second) == 0;
}

/* One would read what is the other's, and take its receipts. */
static bool places_differ(const struct config *config, const struct config_group *group,
                          struct failure *f)
{
    const struct config_group *other = NULL;
    while ((other = config_next(config, "files", other)) && other != group)
        if (same_place(group, other, false) || same_place(group, other, true))
            return failure_set(f, FAILURE_USAGE,
                               "[files %s] and [files %s]: each destination needs a place of its "
                               "own",
                               config_name(other), config_name(group));
    return true;
}

bool files_check(const struct config *config, struct failure *f)
{
    const struct config_group *group = NULL;
    while ((group = config_next(config, "files", group))) {
        const char *name = config_name(group);
        if (!config_find(config, "destination", name))
            return failure_set(f, FAILURE_USAGE, "[files %s] has no [destination %s]", name, name);
        if (config_list_length(group, "to") != 1 || config_list_length(group, "receipts-from") > 1)
            return failure_set(f, FAILURE_USAGE,
                               "[files %s]: `to` is one place, and so is receipts-from", name);
        if (!places_differ(config, group, f))
            return false;
    }
    return true;
}

bool files_store_open(const struct config_group *group, const char *to,
                      struct file_store **ret_store, struct failure *f)
{
    const struct file_store_options options = {
        .to = to,
        .patience = config_duration(group, "patience"),
        .key_file = config_text(group, "key-file"),
        .host_key = config_text(group, "host-key"),
        .ca_file = config_text(group, "ca-file"),
        .region = config_text(group, "region"),
        .access_key = config_text(group, "access-key"),
        .secret_file = config_text(group, "secret-file"),
    };
    return file_store_open(&options, ret_store, f) ||
           failure_prefix(f, "[files %s]", config_name(group));
}
