#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/commands/routing_period.h"

extern const struct command routing_export_command;

static bool list_write(const struct reconcile_list *list, FILE *out)
{
    _cleanup_(cleanup_buffer) struct buffer row = {0};
    buffer_append_text(&row, RECONCILE_HEADER "\r\n");
    for (size_t i = 0; i <= list->count; i++) {
        if (fwrite(row.data, 1, row.length, out) != row.length)
            return false;
        buffer_clear(&row);
        if (i < list->count)
            reconcile_write(&list->at[i], &row);
    }
    return true;
}

static bool export_write(const struct reconcile_list *list, const char *path, struct failure *f)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640) : STDOUT_FILENO;
    if (fd < 0)
        return failure_errno(f, "cannot write %s", path);
    FILE *out = path ? fdopen(fd, "w") : stdout;
    bool good = list_write(list, out);
    good = (path ? fclose(out) : fflush(out)) == 0 && good;
    return good || failure_errno(f, "cannot write %s", path ? path : "to standard output");
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct routing_period period = {0};
    struct reconcile_list list = {0};
    const char *wrong = routing_period_read(argc, argv, &period);
    if (wrong || period.file)
        return command_usage(&routing_export_command, "%s", wrong ?: "takes no file but --out");
    bool done = routing_period_look(config, &period, NULL, &list, &f) &&
                export_write(&list, period.out, &f);
    reconcile_list_free(&list);
    return done ? EXIT_DONE : command_fail(routing_export_command.name, EXIT_FAILED, &f);
}

const struct command routing_export_command = {
    .name = "routing export",
    .summary = "Export what was handed over to a destination in a period, with hashes, as CSV",
    .usage =
        "Usage: uketsuke routing export --destination NAME --from DAY --to DAY [--out FILE]\n"
        "                               [--config FILE]\n"
        "\n"
        "One row an item, ordered by id:\n"
        "    " RECONCILE_HEADER "\n"
        "Handed over is what was pulled and receipted (when its receipt was taken), and what lies\n"
        "in a batch that was written. accepted: yes, no, waiting (no answer yet), none (taken "
        "back\n"
        "before an answer came). Days are of Japan; --to belongs to the period. Nothing personal.\n"
        "At most 1,000,000 items. Compare with the other side's: uketsuke routing reconcile.\n"
        "\n"
        "Exit code 0, or 3 when the database could not be asked or the file not be written.\n"
        "\n"
        "Example: uketsuke routing export --destination child-allowance --from 2026-11-01 \\\n"
        "             --to 2026-11-30 --out 2026-11.csv\n",
    .needs_config = true,
    .run = run,
};
