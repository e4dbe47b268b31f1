/* `uketsuke forms render`: a form as staff read it, or as it is printed. */
#include "intake/commands/forms_render.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/form_view_html.h"
#include "forms/form_view_pdf.h"
#include "intake/revocation.h"

#define FORM_MOST       ((size_t)16 << 20) /* bytes; as XML_LIMITS_DEFAULT */
#define ATTACHMENT_MOST ((size_t)64 << 20)
#define STYLESHEET      "form-view.css"

extern const struct command forms_render_command;

/* Everything that is read for one rendering. */
struct rendering {
    const struct render_options *options;
    struct procedures *procedures;
    const struct procedure *procedure;
    xmlDoc *form;
    struct buffer contents[RENDER_ENTRIES_MOST];
    char *names[RENDER_ENTRIES_MOST];
    struct form_attachment attachments[RENDER_ENTRIES_MOST];
    struct view_file files[RENDER_ENTRIES_MOST + 1];
    json_t *record, *findings;
};

static void rendering_free(struct rendering *rendering)
{
    for (size_t i = 0; i < RENDER_ENTRIES_MOST; i++) {
        buffer_erase_free(&rendering->contents[i]);
        free(rendering->names[i]);
    }
    json_decref(rendering->record);
    json_decref(rendering->findings);
    if (rendering->form)
        xmlFreeDoc(rendering->form);
    procedures_free(rendering->procedures);
}

static bool has_folder(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--procedures") == 0 || strncmp(argv[i], "--procedures=", 13) == 0)
            return true;
    return false;
}

static bool form_load(struct rendering *rendering, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer content = {0};
    struct checks *checks = checks_new();
    if (revocation_file_read(rendering->options->file, FORM_MOST, &content, f)) {
        rendering->form = xml_parse(buffer_bytes(&content), &XML_LIMITS_DEFAULT, "form", checks);
        if (!rendering->form)
            failure_set(f, FAILURE_INPUT, "%s: %s", rendering->options->file, checks_text(checks));
    }
    checks_free(checks);
    return rendering->form;
}

static bool attachments_load(struct rendering *rendering, struct failure *f)
{
    for (size_t i = 0; i < rendering->options->attachment_count; i++) {
        const char *text = rendering->options->attachments[i], *equal = strchr(text, '=');
        if (!revocation_file_read(equal + 1, ATTACHMENT_MOST, &rendering->contents[i], f))
            return false;
        rendering->names[i] = text_copy_n(text, (size_t)(equal - text));
        struct bytes content = buffer_bytes(&rendering->contents[i]);
        rendering->attachments[i] = (struct form_attachment){rendering->names[i], content};
        rendering->files[i] = (struct view_file){rendering->names[i], content.length};
    }
    return true;
}

/* Of the id that is asked for: the version that is asked for, else the form's own by its namespace,
 * else the last. Without an id: the form's own. */
static const struct procedure *procedure_choose(const struct rendering *rendering)
{
    const struct render_options *options = rendering->options;
    const xmlNode *root = xmlDocGetRootElement(rendering->form);
    const char *ns = root && root->ns ? (const char *)root->ns->href : "";
    const struct procedure *found = NULL;
    for (size_t i = 0; i < procedures_count(rendering->procedures); i++) {
        const struct procedure *one = procedures_at(rendering->procedures, i);
        _cleanup_(cleanup_text) char *own =
            text_format("urn:uketsuke:form:%s:%s", procedure_id(one), procedure_version(one));
        bool is = strcmp(own, ns) == 0;
        if (options->procedure && strcmp(options->procedure, procedure_id(one)) != 0)
            continue;
        if (options->version ? strcmp(options->version, procedure_version(one)) == 0 : is)
            return one;
        if (options->procedure && !options->version)
            found = one;
    }
    return found;
}

/* What refuses is for staff to see, as what is found is. */
static void refusals_add(const struct checks *checks, json_t *findings)
{
    _cleanup_(cleanup_json) json_t *all = checks_to_json(checks), *front = json_array();
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i), *inputs = json_object_get(one, "inputs");
        const char *message = json_string_value(json_object_get(inputs, "message"));
        const char *item = json_string_value(json_object_get(inputs, "item"));
        const char *result = json_string_value(json_object_get(one, "result"));
        if (message && result && strcmp(result, "passed") != 0)
            json_array_append_new(front, json_pack("{s:s, s:s, s:s}", "severity", "refuse", "item",
                                                   item ? item : "", "message", message));
    }
    json_array_extend(front, findings);
    json_array_clear(findings);
    json_array_extend(findings, front);
}

static void form_judge(struct rendering *rendering)
{
    struct form_input input = {
        .form = rendering->form,
        .applied_at = rendering->options->applied_at,
        .attachments = rendering->attachments,
        .attachment_count = rendering->options->attachment_count,
    };
    struct checks *checks = checks_new();
    rendering->record = form_read(rendering->procedure, &input, checks, &rendering->findings);
    refusals_add(checks, rendering->findings);
    if (checks_indication(checks) != TOTAL_PASSED)
        fprintf(stderr,
                "uketsuke forms render: this form is not accepted (%s: %s); it is shown as "
                "far as it goes\n",
                checks_reason(checks), checks_text(checks));
    checks_free(checks);
}

static struct view *view_make(struct rendering *rendering)
{
    const struct render_options *options = rendering->options;
    if (options->applied_at)
        form_judge(rendering);
    return view_build(rendering->procedure,
                      &(struct view_input){
                          .form = rendering->form,
                          .receipt_number = options->receipt_number,
                          .applied_at = options->applied_at,
                          .record = rendering->record,
                          .findings = rendering->findings,
                          .differences = options->differences,
                          .difference_count = options->difference_count,
                          .files = options->attachment_count ? rendering->files : NULL,
                          .file_count = options->attachment_count,
                          .show_numbers = options->show_numbers,
                      });
}

static bool view_write(const struct render_options *options, const struct view *view,
                       struct buffer *out, struct failure *f)
{
    struct view_print print = {options->who, options->printed_at ?: clock_now()};
    if (options->form == RENDER_PDF)
        return view_pdf_write(view, &print, out, f);
    if (options->fragment)
        view_html_write(view, 2, out);
    else
        view_html_page(view, options->stylesheet ?: STYLESHEET, out);
    return true;
}

/* What a resident wrote is nobody else's: the file is its owner's only. */
static bool out_write(const char *path, struct bytes content, struct failure *f)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : STDOUT_FILENO;
    if (fd < 0)
        return failure_errno(f, "cannot write %s", path);
    FILE *file = path ? fdopen(fd, "w") : stdout;
    bool good = fwrite(content.data, 1, content.length, file) == content.length;
    good = (path ? fclose(file) : fflush(file)) == 0 && good;
    return good || failure_errno(f, "cannot write %s", path ? path : "to standard output");
}

static int render(const struct config *config, const struct render_options *options)
{
    _cleanup_(rendering_free) struct rendering rendering = {.options = options};
    _cleanup_(cleanup_secret_buffer) struct buffer out = {0};
    struct failure f = {0};
    const char *folder =
        options->folder ?: config_text(config_group(config, "forms"), "procedures");
    if (!procedures_load(folder, &rendering.procedures, &f))
        return command_fail(forms_render_command.name, EXIT_FAILED, &f);
    if (!form_load(&rendering, &f) || !attachments_load(&rendering, &f))
        return command_fail(forms_render_command.name,
                            f.kind == FAILURE_INPUT ? EXIT_NO : EXIT_FAILED, &f);
    rendering.procedure = procedure_choose(&rendering);
    if (!rendering.procedure) {
        failure_set(&f, FAILURE_USAGE, "there is no procedure of that id and version below %s",
                    folder);
        return command_fail(forms_render_command.name, EXIT_NO, &f);
    }
    struct view *view = view_make(&rendering);
    bool good =
        view_write(options, view, &out, &f) && out_write(options->out, buffer_bytes(&out), &f);
    view_free(view);
    return good ? EXIT_DONE : command_fail(forms_render_command.name, EXIT_FAILED, &f);
}

static int run(const struct config *config, int argc, char **argv)
{
    _cleanup_(render_options_free) struct render_options options = {0};
    const char *wrong;
    if (!render_options_read(argc, argv, &options, &wrong))
        return command_usage(&forms_render_command, "%s", wrong);
    if (options.form == RENDER_PDF && !options.out && isatty(STDOUT_FILENO))
        return command_usage(&forms_render_command, "a PDF is nothing for a terminal: --out FILE");
    return render(config, &options);
}

const struct command forms_render_command = {
    .name = "forms render",
    .summary = "Show a form as staff read it (HTML), or print it (PDF)",
    .usage =
        "Usage: uketsuke forms render FORM.xml [--procedure ID [--version V]] [--html|--pdf]\n"
        "                             [--out FILE] [OPTIONS]\n"
        "\n"
        "Shows a form (the application.xml of a package) with the labels, groups and order of its\n"
        "procedure: choices in words, days as 令和8年11月28日 with the ISO date beside them, and\n"
        "個人番号 and 住民票コード as asterisks. docs/rendering.md tells more.\n"
        "\n"
        "  --procedure ID         the procedure; without it, the one that the form's namespace "
        "names\n"
        "  --version V            of that procedure; without it the form's own, else the last\n"
        "  --procedures FOLDER    in place of [forms] procedures; no configuration is needed then\n"
        "  --html                 a page (default, unless FILE ends with .pdf)\n"
        "  --fragment             only its <article>, to stand in another page\n"
        "  --stylesheet HREF      of the page; default form-view.css, which is installed in\n"
        "                         /usr/share/uketsuke (in the sources: forms/form_view.css)\n"
        "  --pdf                  a print: A4, 利用目的 and page number on every page\n"
        "  --watermark TEXT       who prints it; stands across every page with the time\n"
        "  --printed-at TIME      that time (RFC 3339), and the PDF's own date; default now. With "
        "it\n"
        "                         and the same fonts, the same call gives the same bytes\n"
        "  --out FILE             written there, readable by its owner only; default standard "
        "output\n"
        "  --receipt-number N     受付番号, shown\n"
        "  --applied-at TIME      申請日時, shown; the form is also judged as of then: what its "
        "rules\n"
        "                         find stands beside the items, and what they compute is shown\n"
        "  --attachment NAME=FILE listed, and known to the rules; NAME as in the package\n"
        "                         (attachments/ID-1.pdf). May be repeated\n"
        "  --difference ITEM=NOTE marks an item as other than in the registry: "
        "claimant/address=…,\n"
        "                         children/child[2]/name=…. May be repeated\n"
        "  --show-numbers         個人番号 and 住民票コード in digits: only for who has the right "
        "to\n"
        "                         see them\n"
        "\n"
        "Exit code: 0 written (also of a form that is not accepted; why, on standard error), 1 it "
        "is\n"
        "no XML, or of no such procedure, 3 failure, 64 wrong usage.\n"
        "\n"
        "Example:\n"
        "  uketsuke forms render application.xml --applied-at 2026-11-21T09:00:00+09:00 \\\n"
        "      --pdf --watermark '子育て支援課 試験太郎' --out application.pdf\n",
    .needs_config = true,
    .stands_alone = has_folder,
    .run = run,
};
