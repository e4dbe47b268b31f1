/* The files of a package against attachments.xml. */
#include <string.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/text.h"
#include "forms/definition.h"

#define CHECK          "form.attachments"
#define FORMAT_FAILURE "FORMAT_FAILURE"
#define FOLDER         "attachments/"

/* "ID-1.pdf" */
static bool name_of(const struct document *document, const char *name)
{
    size_t length = document->id ? strlen(document->id) : 0;
    if (length == 0 || strncmp(name, document->id, length) != 0 || name[length] != '-')
        return false;
    size_t digits = strspn(name + length + 1, "0123456789");
    return digits > 0 && name[length + 1 + digits] == '.' && !strchr(name + length, '/');
}

const struct document *document_of_file(const struct procedure *procedure, const char *name)
{
    const struct document *other = NULL;
    if (strncmp(name, FOLDER, strlen(FOLDER)) != 0)
        return NULL;
    for (size_t i = 0; i < procedure->document_count; i++) {
        if (name_of(&procedure->documents[i], name + strlen(FOLDER)))
            return &procedure->documents[i];
        if (!procedure->documents[i].id)
            other = &procedure->documents[i];
    }
    return other;
}

const char *document_label_of_file(const struct procedure *procedure, const char *name)
{
    const struct document *document = document_of_file(procedure, name);
    return document ? document->label : NULL;
}

size_t document_files(const struct procedure *procedure, const struct form_input *input,
                      const struct document *document)
{
    size_t count = 0;
    for (size_t i = 0; i < input->attachment_count; i++)
        count += document_of_file(procedure, input->attachments[i].name) == document;
    return count;
}

static const char *label_of(const struct document *document)
{
    return document && document->id ? document->label : "その他の添付書類";
}

/* No name of a file is told: an applicant may have chosen it. */
static bool fails(struct checks *checks, const struct document *document, const char *reason,
                  const char *what, const char *message)
{
    const char *id = document && document->id ? document->id : "(other)";
    checks_input(checks, "item", FOLDER "%s", id);
    checks_input(checks, "message", "%s：%s", label_of(document), message);
    return checks_fail(checks, CHECK, FORMAT_FAILURE, reason, "item " FOLDER "%s: %s", id, what);
}

static bool file_holds(const struct document *document, const struct form_attachment *file,
                       struct checks *checks)
{
    enum content content = content_of(file->content);
    if (file->content.length > (size_t)document->size_most)
        return fails(checks, document, "attachment-too-large", "a file is too large",
                     "ファイルが大きすぎます。小さくして付け直してください。");
    if (!words_contain(document->formats, content_name(content)))
        return fails(checks, document, "attachment-format",
                     "a file is of a format that is not allowed, by its content",
                     "使えない形式のファイルか、壊れたファイルです。付け直してください。");
    return content_fits_name(content, file->name) ||
           fails(checks, document, "attachment-format", "a file's name tells another format",
                 "ファイルの名前と中身の形式が合っていません。付け直してください。");
}

static bool files_hold(const struct procedure *procedure, const struct form_input *input,
                       struct checks *checks)
{
    for (size_t i = 0; i < input->attachment_count; i++) {
        const struct document *document = document_of_file(procedure, input->attachments[i].name);
        if (!document)
            return fails(checks, NULL, "attachment-unknown",
                         "the procedure has no place for one of the files",
                         "この手続では付けられません。取り除いてください。");
        if (!file_holds(document, &input->attachments[i], checks))
            return false;
    }
    return true;
}

static bool document_holds(const struct procedure *procedure, struct evaluation *evaluation,
                           const struct document *document, const struct form_input *input,
                           xmlNode *root, struct checks *checks)
{
    size_t count = document_files(procedure, input, document);
    bool required = document->required;
    if (count > (size_t)document->most)
        return fails(checks, document, "attachment-too-many", "more files than allowed",
                     "ファイルの数が多すぎます。減らして付け直してください。");
    if (count > 0 || !required)
        return true;
    if (document->when && !evaluation_test(evaluation, document->when, root, &required))
        return checks_undecided(checks, CHECK, "SIGNATURE_POLICY_NOT_AVAILABLE", "form-rule-broken",
                                "attachments.xml:%ld: when cannot be evaluated", document->line);
    return !required || fails(checks, document, "attachment-missing", "is missing",
                              "必要な書類です。付けてください。");
}

bool attachments_hold(const struct procedure *procedure, struct evaluation *evaluation,
                      const struct form_input *input, xmlNode *root, struct checks *checks)
{
    if (!files_hold(procedure, input, checks))
        return false;
    if (procedure->document_count > 0 &&
        input->attachment_count > (size_t)procedure->attachments_most)
        return fails(checks, NULL, "attachment-too-many", "more files than allowed in all",
                     "添付書類の合計の数が多すぎます。減らしてください。");
    bool all = true;
    for (size_t i = 0; i < procedure->document_count; i++)
        all =
            document_holds(procedure, evaluation, &procedure->documents[i], input, root, checks) &&
            all;
    if (all)
        checks_pass(checks, CHECK, "%zu files, each as its document wants it",
                    input->attachment_count);
    return all;
}
