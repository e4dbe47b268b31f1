#include "intake/commands/ocsp_files.h"

#include <string.h>

#include "intake/revocation.h"

static bool response_load(const char *path, struct buffer *ret_response, struct failure *f)
{
    if (!revocation_file_read(path, OCSP_RESPONSE_MAX, ret_response, f))
        return false;
    const char *error = ocsp_response_error(buffer_bytes(ret_response));
    if (error && strcmp(error, "ocsp-malformed") == 0)
        return failure_set(f, FAILURE_INPUT, "%s is not an OCSP response in DER", path);
    if (error)
        return failure_set(f, FAILURE_INPUT, "%s holds only an error of the responder (%s)", path,
                           error);
    return true;
}

bool ocsp_files_load(char *const *paths, size_t count, struct ocsp_files *ret_files,
                     struct failure *f)
{
    struct ocsp_files files = {0};
    if (count > OCSP_FILES_MAX)
        return failure_set(f, FAILURE_LIMIT, "more than %d OCSP responses", OCSP_FILES_MAX);
    for (; files.count < count; files.count++)
        if (!response_load(paths[files.count], &files.responses[files.count], f)) {
            files.count++;
            ocsp_files_free(&files);
            return false;
        }
    *ret_files = files;
    return true;
}

void ocsp_files_free(struct ocsp_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        buffer_free(&files->responses[i]);
    files->count = 0;
}

struct ocsp_answer ocsp_files_answer(const struct ocsp_files *files, struct bytes certid)
{
    for (size_t i = 0; i < files->count; i++) {
        struct bytes response = buffer_bytes(&files->responses[i]);
        if (ocsp_response_concerns(response, certid))
            return (struct ocsp_answer){.asked = true, .response = response};
    }
    return (struct ocsp_answer){.asked = true, .trouble = "ocsp-not-asked"};
}
