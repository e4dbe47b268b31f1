#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/registry_look.h"
#include "intake/registry/drop.h"
#include "intake/registry/import.h"

extern const struct command registry_import_command;

#define QUIET_FOR    (2 * INSTANT_SECOND) /* short imports say nothing but their result */
#define FAULTS_SHOWN 20

struct arguments {
    const char *path, *errors;
    enum feed_kind kind;
    bool full, json;
};

struct work { /* one call */
    const struct arguments *given;
    struct registry_look look;
    struct registry_options options;
};

/* --- progress: a stream that counts what is read through it ----------------------------------- */

struct progress {
    FILE *in;
    int64_t read, size; /* size 0: a pipe, nobody knows */
    int64_t next_at;    /* clock_monotonic */
};

static void tell(void *context, const char *doing)
{
    struct progress *progress = context;
    if (clock_monotonic() >= progress->next_at)
        fprintf(stderr, "uketsuke registry import: %s …\n", doing);
}

static void progress_show(struct progress *progress)
{
    if (clock_monotonic() < progress->next_at)
        return;
    progress->next_at = clock_monotonic() + QUIET_FOR;
    if (progress->size)
        fprintf(stderr, "uketsuke registry import: reading and checking, %" PRId64 " %%\n",
                progress->read * 100 / progress->size);
    else
        fprintf(stderr, "uketsuke registry import: reading and checking, %" PRId64 " KiB\n",
                progress->read / 1024);
}

static ssize_t progress_read(void *cookie, char *data, size_t size)
{
    struct progress *progress = cookie;
    size_t length = fread(data, 1, size, progress->in);
    progress->read += (int64_t)length;
    progress_show(progress);
    if (length == 0) /* what comes takes as long again: each step is told from here on */
        progress->next_at = progress->read > 1024 * 1024 ? 0 : progress->next_at;
    return length == 0 && ferror(progress->in) ? -1 : (ssize_t)length;
}

static int progress_seek(void *cookie, off64_t *offset, int whence)
{
    struct progress *progress = cookie;
    if (fseeko(progress->in, *offset, whence) != 0)
        return -1;
    progress->read = *offset = ftello(progress->in);
    return 0;
}

/* --- what became of it ------------------------------------------------------------------------ */

static void result_json(const char *name, const struct feed *feed,
                        const struct registry_import_result *result)
{
    _cleanup_(cleanup_json) json_t *root =
        json_pack("{s:s s:s s:b s:b s:I s:I s:I s:I s:I s:I s:I}", "feed", name, "kind",
                  feed_kind_name(feed->kind), "full", feed->full, "waiting", result->waiting,
                  "import", (json_int_t)result->import_id, "rows", (json_int_t)result->rows,
                  "added", (json_int_t)result->added, "changed", (json_int_t)result->changed,
                  "removed", (json_int_t)result->removed, "ended", (json_int_t)result->ended,
                  "lifted", (json_int_t)result->lifted);
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
}

static void result_print(const struct feed *feed, const struct registry_import_result *result)
{
    bool links = feed->kind == FEED_LINKS;
    printf("%" PRId64 " %s read: %" PRId64 " added, %" PRId64 " changed, %" PRId64 " removed.\n",
           result->rows,
           links ? text_plural(result->rows, "link", "links")
                 : text_plural(result->rows, "resident", "residents"),
           result->added, result->changed, result->removed);
    if (result->added + result->changed + result->removed)
        puts("Applications whose applicant is unknown are tried again: "
             "uketsuke list --state unmatched");
}

static void wait_print(const struct registry_import_result *result)
{
    printf("Nothing was changed: of %" PRId64 " in force, the feed would remove %" PRId64
           " and end %" PRId64 ", and lift the\nprotection of %" PRId64
           ". If that is right, a second person runs `uketsuke registry approve %" PRId64
           "`;\nthen import the same feed again.\n",
           result->before, result->removed, result->ended, result->lifted, result->import_id);
}

static bool faults_write(const struct arguments *given, const struct feed_faults *faults,
                         struct failure *f)
{
    if (!given->errors)
        return true;
    _cleanup_(cleanup_file) FILE *out = fopen(given->errors, "we");
    if (!out)
        return failure_errno(f, "cannot write %s", given->errors);
    for (size_t i = 0; i < faults->kept_count; i++) {
        _cleanup_(cleanup_json) json_t *fault = feed_fault_json(&faults->kept[i]);
        if (json_dumpf(fault, out, JSON_COMPACT) != 0 || fputc('\n', out) == EOF)
            return failure_errno(f, "cannot write %s", given->errors);
    }
    return fflush(out) == 0 || failure_errno(f, "cannot write %s", given->errors);
}

static void faults_print(const struct feed_faults *faults)
{
    for (size_t i = 0; i < faults->kept_count && i < FAULTS_SHOWN; i++) {
        char text[256];
        fprintf(stderr, "  %s\n", feed_fault_text(&faults->kept[i], text));
    }
    if (faults->count > FAULTS_SHOWN)
        fprintf(stderr, "  … %" PRId64 " more; --errors FILE writes the first %d\n",
                faults->count - FAULTS_SHOWN, FEED_FAULTS_MOST);
}

/* --- one feed --------------------------------------------------------------------------------- */

static enum exit_code fail(const char *name, const struct failure *why)
{
    struct failure f = *why;
    failure_prefix(&f, "%s", name);
    return (enum exit_code)command_fail("registry import",
                                        why->kind == FAILURE_INPUT ? EXIT_NO : EXIT_FAILED, &f);
}

static enum exit_code import_stream(struct work *work, const char *name, const struct feed *feed,
                                    FILE *in)
{
    struct registry_import_result result;
    _cleanup_(feed_faults_free) struct feed_faults faults = {0};
    struct failure f = {0}, not_written = {0};
    bool done = registry_import(work->look.db, feed, in, &work->options, &result, &faults, &f);
    if (!faults_write(work->given, &faults, &not_written))
        return fail(name, &not_written);
    if (!done) {
        enum exit_code code = fail(name, &f);
        if (faults.count > 1)
            faults_print(&faults);
        return code;
    }
    if (work->given->json)
        result_json(name, feed, &result);
    else if (result.waiting)
        wait_print(&result);
    else
        result_print(feed, &result);
    return result.waiting ? EXIT_LATER : EXIT_DONE;
}

static enum exit_code import_opened(struct work *work, const char *path, const struct feed *feed,
                                    FILE *opened)
{
    struct stat status;
    struct failure f = {0};
    struct progress progress = {.in = opened, .next_at = clock_monotonic() + QUIET_FOR};
    if (fstat(fileno(progress.in), &status) == 0 && S_ISREG(status.st_mode))
        progress.size = status.st_size;
    _cleanup_(cleanup_file) FILE *in = fopencookie(
        &progress, "r", (cookie_io_functions_t){.read = progress_read, .seek = progress_seek});
    if (!in || setvbuf(in, NULL, _IOFBF, 64 * 1024)) {
        failure_errno(&f, "cannot read it");
        return fail(path, &f);
    }
    work->options.tell = tell;
    work->options.context = &progress;
    return import_stream(work, path, feed, in);
}

static enum exit_code import_file(struct work *work, const char *path, const struct feed *feed)
{
    struct failure f = {0};
    if (!strcmp(path, "-"))
        return import_opened(work, path, feed, stdin);
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (in)
        return import_opened(work, path, feed, in);
    failure_errno(&f, "cannot read it");
    return fail(path, &f);
}

static enum exit_code import_delivery(struct work *work, const struct delivery *delivery)
{
    struct failure f = {0};
    _cleanup_(cleanup_file) FILE *in = NULL;
    _cleanup_(cleanup_text) char *path =
        text_format("%s/%s", delivery->folder, delivery->manifest.file);
    if (!delivery_open(delivery, &in, &f))
        return fail(path, &f);
    return import_opened(work, path, &delivery->manifest.feed, in);
}

/* --- a folder --------------------------------------------------------------------------------- */

/* What stands in the folder and was taken in before is no fault: it may lie there. */
static enum exit_code import_folder(struct work *work, const char *folder)
{
    struct failure f = {0};
    size_t imported = 0;
    _cleanup_(deliveries_free) struct deliveries found = {0};
    if (!deliveries_find(folder, work->options.city_code, &found, &f))
        return (enum exit_code)command_fail("registry import", EXIT_NO, &f);
    for (size_t i = 0; i < found.count; i++) {
        const struct feed *feed = &found.at[i].manifest.feed;
        int64_t last;
        if (!registry_last_sequence(work->look.db, work->options.city_code, feed, &last, &f))
            return (enum exit_code)command_fail("registry import", EXIT_FAILED, &f);
        if (feed->sequence <= last)
            continue;
        enum exit_code code = import_delivery(work, &found.at[i]);
        if (code != EXIT_DONE)
            return code;
        imported++;
    }
    if (!work->given->json)
        printf("%zu of %zu %s imported; the others were before.\n", imported, found.count,
               text_plural((int64_t)found.count, "delivery", "deliveries"));
    return EXIT_DONE;
}

static enum exit_code import_path(struct work *work, const char *path)
{
    struct stat status;
    struct failure f = {0};
    size_t length = strlen(path);
    if (strcmp(path, "-") && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return import_folder(work, path);
    if (length > 5 && !strcmp(path + length - 5, ".json")) {
        _cleanup_(delivery_free) struct delivery delivery = {0};
        return delivery_read(path, work->options.city_code, &delivery, &f)
                   ? import_delivery(work, &delivery)
                   : fail(path, &f);
    }
    const struct feed feed = {.kind = work->given->kind,
                              .full = work->given->full,
                              .source = "juki",
                              .as_of = clock_now()};
    return import_file(work, path, &feed);
}

static void work_close(struct work *work)
{
    registry_look_close(&work->look);
}

/* --- the command ------------------------------------------------------------------------------ */

static bool arguments_read(int argc, char **argv, struct arguments *ret_given)
{
    struct arguments given = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--full"))
            given.full = true;
        else if (!strcmp(argv[i], "--json"))
            given.json = true;
        else if (!strcmp(argv[i], "--errors") && i + 1 < argc)
            given.errors = argv[++i];
        else if (!strcmp(argv[i], "--kind") && i + 1 < argc) {
            if (!feed_kind_parse(argv[++i], &given.kind))
                return false;
        } else if ((argv[i][0] == '-' && argv[i][1]) || given.path)
            return false;
        else
            given.path = argv[i];
    }
    *ret_given = given;
    return given.path != NULL;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct arguments given;
    if (!arguments_read(argc, argv, &given))
        return command_usage(&registry_import_command,
                             "takes one PATH, and --kind, --full, --errors FILE, --json");
    _cleanup_(work_close) struct work work = {.given = &given};
    if (!registry_look_open(config, true, &work.look, &f))
        return command_fail("registry import", EXIT_FAILED, &f);
    work.options =
        registry_options_read(config, work.look.city_code, work.look.city_key, work.look.actor);
    return import_path(&work, given.path);
}

const struct command registry_import_command = {
    .name = "registry import",
    .summary = "Take in residents and serial links from the resident registry",
    .usage =
        "Usage: uketsuke registry import PATH [--kind links|residents] [--full]\n"
        "                                [--errors FILE] [--json] [--config FILE]\n"
        "\n"
        "PATH is the drop folder (all that is complete and new in it, in order), a manifest\n"
        "NAME.json in it, or a CSV file in UTF-8 without manifest (- for standard input), whose\n"
        "header line names the items (docs/formats/registry-feed.md):\n"
        "\n"
        "  ca,serial,kind,atenabango,valid_from,valid_to\n"
        "  sign,067C6A21,card,000000000012345,2024-04-01T00:00:00+09:00,\n"
        "\n"
        "  --kind       of a CSV without manifest: links (番号紐付情報; so without it) or "
        "residents\n"
        "  --full       of a CSV without manifest: it replaces all; else rows are added or "
        "changed\n"
        "  --errors     writes what is wrong with the feed to FILE, a JSON object a line\n"
        "  --json       prints the result as a JSON object a line\n"
        "\n"
        "The feed is checked whole before anything changes. Faults are named by line, item and\n"
        "code (E0001 required, E0002 characters, E0003 length, E0004 combination).\n"
        "Applications whose applicant was unknown are tried again at once.\n"
        "Exit code 0 when done, 1 when the feed is faulty, 2 when it would take away so\n"
        "much that a second person must approve it, 3 when we could not.\n"
        "\n"
        "Example: uketsuke registry import /var/lib/uketsuke/registry\n",
    .needs_config = true,
    .run = run,
};
