#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/registry/import.h"
#include "intake/schema.h"

extern const struct command registry_import_command;

#define QUIET_FOR (2 * INSTANT_SECOND) /* short imports say nothing but their result */

#define MUCH (1024 * 1024) /* bytes, from which merging takes its time, too */

struct arguments {
    const char *file;
    bool full;
};

/* --- progress: a stream that counts what is read through it ----------------------------------- */

struct progress {
    FILE *in;
    int64_t read, size; /* size 0: a pipe, nobody knows */
    int64_t next_at;    /* clock_monotonic */
    bool shown;
};

static void progress_show(struct progress *progress, bool end)
{
    bool long_merge = end && progress->read >= MUCH;
    if (clock_monotonic() < progress->next_at && !(end && progress->shown) && !long_merge)
        return;
    progress->next_at = clock_monotonic() + QUIET_FOR;
    progress->shown = true;
    if (end)
        fputs("uketsuke registry import: read and checked; merging …\n", stderr);
    else if (progress->size)
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
    progress_show(progress, length == 0);
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

/* --- the command ------------------------------------------------------------------------------ */

static void result_print(const struct registry_import_result *result, bool full)
{
    printf("%" PRId64 " %s read: %" PRId64 " added, %" PRId64 " changed", result->rows,
           text_plural(result->rows, "link", "links"), result->added, result->changed);
    if (full)
        printf(", %" PRId64 " removed", result->removed);
    printf(".\n%" PRId64 " %s whose applicant was unknown %s tried again.\n", result->woken,
           text_plural(result->woken, "application", "applications"),
           text_plural(result->woken, "is", "are"));
    if (result->woken)
        puts("See what became of them: uketsuke list --state unmatched");
}

static bool import(const struct config *config, FILE *in, bool full, struct failure *f)
{
    struct db *db;
    struct registry_import_result result;
    const char *city_code = settings_city_code(config, f);
    if (!city_code || !db_open(config, "registry", 1, &db, f))
        return false;
    bool done = db_schema_check(db, (int)schema_migration_count, f) &&
                registry_import(db, city_code, in, full, "role:registry", &result, f);
    db_close(db);
    if (done)
        result_print(&result, full);
    return done;
}

static bool import_file(const struct config *config, const struct arguments *given,
                        struct failure *f)
{
    struct stat status;
    bool is_pipe = !strcmp(given->file, "-");
    _cleanup_(cleanup_file) FILE *opened = is_pipe ? NULL : fopen(given->file, "re");
    if (!is_pipe && !opened)
        return failure_errno(f, "cannot read %s", given->file);
    struct progress progress = {.in = is_pipe ? stdin : opened,
                                .next_at = clock_monotonic() + QUIET_FOR};
    if (fstat(fileno(progress.in), &status) == 0 && S_ISREG(status.st_mode))
        progress.size = status.st_size;
    _cleanup_(cleanup_file) FILE *in = fopencookie(
        &progress, "r", (cookie_io_functions_t){.read = progress_read, .seek = progress_seek});
    if (!in)
        return failure_errno(f, "cannot read %s", given->file);
    return import(config, in, given->full, f) || failure_prefix(f, "%s", given->file);
}

static bool arguments_read(int argc, char **argv, struct arguments *ret_given)
{
    struct arguments given = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--full"))
            given.full = true;
        else if ((argv[i][0] == '-' && argv[i][1]) || given.file)
            return false;
        else
            given.file = argv[i];
    }
    *ret_given = given;
    return given.file != NULL;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct arguments given;
    if (!arguments_read(argc, argv, &given))
        return command_usage(&registry_import_command, "takes one FILE, and --full");
    if (import_file(config, &given, &f))
        return EXIT_DONE;
    return command_fail("registry import", f.kind == FAILURE_INPUT ? EXIT_NO : EXIT_FAILED, &f);
}

const struct command registry_import_command = {
    .name = "registry import",
    .summary = "Take in serial links from the resident registry (番号紐付情報)",
    .usage =
        "Usage: uketsuke registry import FILE [--full] [--config FILE]\n"
        "\n"
        "FILE (- for standard input) is CSV in UTF-8 with a header line:\n"
        "\n"
        "  ca,serial,kind,atenabango,valid_from,valid_to\n"
        "  sign,067C6A21,card,000000000012345,2024-04-01T00:00:00+09:00,\n"
        "\n"
        "  ca           sign or auth: whose counter the serial number belongs to\n"
        "  serial       hexadecimal, 1 to 40 digits\n"
        "  kind         card or phone\n"
        "  atenabango   宛名番号, 1 to 15 half-width letters and digits\n"
        "  valid_from, valid_to   RFC 3339, or empty: open\n"
        "\n"
        "  --full       replaces all links of the city; without it, rows are added, or change\n"
        "               the link of the same ca, serial and atenabango\n"
        "\n"
        "The file is checked whole before anything changes. The first fault is named by line,\n"
        "item and code (E0001 required, E0002 characters, E0003 length, E0004 combination).\n"
        "Applications whose applicant was unknown are tried again at once.\n"
        "Exit code 0 when done, 1 when the file is faulty, 3 when we could not.\n"
        "\n"
        "Example: uketsuke registry import links-20261121.csv\n",
    .needs_config = true,
    .run = run,
};
