#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "intake/commands/forms_render.h"

static const struct option long_options[] = {{"procedures", required_argument, NULL, 'P'},
                                             {"procedure", required_argument, NULL, 'p'},
                                             {"version", required_argument, NULL, 'v'},
                                             {"html", no_argument, NULL, 'h'},
                                             {"pdf", no_argument, NULL, 'd'},
                                             {"out", required_argument, NULL, 'o'},
                                             {"fragment", no_argument, NULL, 'f'},
                                             {"stylesheet", required_argument, NULL, 's'},
                                             {"show-numbers", no_argument, NULL, 'n'},
                                             {"watermark", required_argument, NULL, 'w'},
                                             {"printed-at", required_argument, NULL, 't'},
                                             {"receipt-number", required_argument, NULL, 'r'},
                                             {"applied-at", required_argument, NULL, 'a'},
                                             {"difference", required_argument, NULL, 'x'},
                                             {"attachment", required_argument, NULL, 'm'},
                                             {0}};

/* ITEM=NOTE */
static const char *difference_take(struct render_options *options, const char *text)
{
    const char *equal = strchr(text, '=');
    size_t i = options->difference_count;
    if (!equal || equal == text)
        return "--difference wants ITEM=NOTE";
    if (i == RENDER_ENTRIES_MOST)
        return "at most 64 differences";
    options->owned[i] = text_copy_n(text, (size_t)(equal - text));
    options->differences[i] = (struct view_difference){options->owned[i], equal + 1};
    options->difference_count++;
    return NULL;
}

static const char *attachment_take(struct render_options *options, const char *text)
{
    const char *equal = strchr(text, '=');
    if (!equal || equal == text || !equal[1])
        return "--attachment wants NAME=FILE";
    if (options->attachment_count == RENDER_ENTRIES_MOST)
        return "at most 64 attachments";
    options->attachments[options->attachment_count++] = text;
    return NULL;
}

static const char *form_take(struct render_options *options, enum render_form form)
{
    if (options->form != RENDER_UNSAID && options->form != form)
        return "--html or --pdf, not both";
    options->form = form;
    return NULL;
}

static const char *option_take(struct render_options *options, int c)
{
    switch (c) {
    case 'P':
        options->folder = optarg;
        return NULL;
    case 'p':
        options->procedure = optarg;
        return NULL;
    case 'v':
        options->version = optarg;
        return NULL;
    case 'h':
        return form_take(options, RENDER_HTML);
    case 'd':
        return form_take(options, RENDER_PDF);
    case 'o':
        options->out = optarg;
        return NULL;
    case 'f':
        options->fragment = true;
        return NULL;
    case 's':
        options->stylesheet = optarg;
        return NULL;
    case 'n':
        options->show_numbers = true;
        return NULL;
    case 'w':
        options->who = optarg;
        return NULL;
    case 't':
        return instant_parse(optarg, &options->printed_at) ? NULL
                                                           : "--printed-at is no RFC 3339 time";
    case 'r':
        options->receipt_number = optarg;
        return receipt_number_valid(optarg) ? NULL : "--receipt-number is none";
    case 'a':
        return instant_parse(optarg, &options->applied_at) ? NULL
                                                           : "--applied-at is no RFC 3339 time";
    case 'x':
        return difference_take(options, optarg);
    case 'm':
        return attachment_take(options, optarg);
    default:
        return "no such option";
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *together(struct render_options *options)
{
    if (options->form == RENDER_UNSAID)
        options->form = options->out && ends_with(options->out, ".pdf") ? RENDER_PDF : RENDER_HTML;
    if (options->form == RENDER_HTML && (options->who || options->printed_at))
        return "--watermark and --printed-at go with --pdf";
    if (options->form == RENDER_PDF && (options->fragment || options->stylesheet))
        return "--fragment and --stylesheet go with --html";
    if (options->version && !options->procedure)
        return "--version goes with --procedure";
    return options->file ? NULL : "one FORM.xml";
}

bool render_options_read(int argc, char **argv, struct render_options *options,
                         const char **ret_wrong)
{
    const char *wrong = NULL;
    optind = 0;
    for (int c; !wrong && (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
        wrong = option_take(options, c);
    options->file = optind + 1 == argc ? argv[optind] : NULL;
    if (!wrong)
        wrong = together(options);
    if (wrong)
        *ret_wrong = wrong;
    return !wrong;
}

void render_options_free(struct render_options *options)
{
    for (size_t i = 0; i < options->difference_count; i++)
        free(options->owned[i]);
}
