/* What `uketsuke forms render` was asked for. */
#ifndef UKETSUKE_INTAKE_COMMANDS_FORMS_RENDER_H
#define UKETSUKE_INTAKE_COMMANDS_FORMS_RENDER_H

#include "forms/form_view.h"
#include "intake/command.h"

#define RENDER_ENTRIES_MOST 64 /* --difference, --attachment */

enum render_form { RENDER_UNSAID, RENDER_HTML, RENDER_PDF };

struct render_options { /* borrowed from the arguments, but for what is owned */
    const char *file, *folder, *procedure, *version, *out, *stylesheet, *who, *receipt_number;
    enum render_form form;
    bool fragment, show_numbers;
    instant applied_at, printed_at;
    struct view_difference differences[RENDER_ENTRIES_MOST];
    const char *attachments[RENDER_ENTRIES_MOST]; /* NAME=FILE */
    size_t difference_count, attachment_count;
    char *owned[RENDER_ENTRIES_MOST]; /* the items of the differences */
};

/* False with a sentence for command_usage. Free in either case. */
bool render_options_read(int argc, char **argv, struct render_options *options,
                         const char **ret_wrong);
void render_options_free(struct render_options *options);

#endif
