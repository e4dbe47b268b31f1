/* The pages: index.html and what stands beside it. Read when the console starts, so that no path of
 * a request ever reaches the file system. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/endpoints.h"

#define FILES_MOST 64
#define FILE_MOST  (4 << 20) /* bytes */

struct site_file {
    char *name;
    const char *type;
    struct buffer content;
    char etag[65];
};

struct console_site {
    struct site_file files[FILES_MOST];
    size_t count;
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".woff2", "font/woff2"},
        {".png", "image/png"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t length = strlen(name), end = strlen(types[i].end);
        if (length > end && strcmp(name + length - end, types[i].end) == 0)
            return types[i].type;
    }
    return NULL;
}

static bool file_read(const char *folder, struct site_file *file, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, file->name);
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in)
        return failure_errno(f, "cannot open %s", path);
    uint8_t *to = buffer_reserve(&file->content, FILE_MOST + 1);
    size_t length = fread(to, 1, FILE_MOST + 1, in);
    if (ferror(in))
        return failure_errno(f, "cannot read %s", path);
    if (length > FILE_MOST)
        return failure_set(f, FAILURE_LIMIT, "%s is longer than %d bytes", path, FILE_MOST);
    buffer_commit(&file->content, length);
    sha256_hex(buffer_bytes(&file->content), file->etag);
    return true;
}

static bool file_add(struct console_site *site, const char *folder, const char *name,
                     struct failure *f)
{
    const char *type = type_of(name);
    if (!type || name[0] == '.')
        return true;
    if (site->count == FILES_MOST)
        return failure_set(f, FAILURE_LIMIT, "%s holds more than %d files", folder, FILES_MOST);
    struct site_file *file = &site->files[site->count++];
    *file = (struct site_file){.name = text_copy(name), .type = type};
    return file_read(folder, file, f);
}

static const struct site_file *file_find(const struct console_site *site, const char *name)
{
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(site->files[i].name, name) == 0)
            return &site->files[i];
    return NULL;
}

bool console_site_load(const char *folder, struct console_site **ret_site, struct failure *f)
{
    DIR *directory = opendir(folder);
    if (!directory)
        return failure_errno(f, "cannot open [console] site %s", folder);
    struct console_site *site = memory_allocate(sizeof *site);
    const struct dirent *entry;
    bool done = true;
    while (done && (entry = readdir(directory)))
        done = file_add(site, folder, entry->d_name, f);
    closedir(directory);
    if (done && !file_find(site, "index.html"))
        done = failure_set(f, FAILURE_USAGE, "[console] site %s has no index.html", folder);
    if (!done) {
        console_site_free(site);
        return false;
    }
    *ret_site = site;
    return true;
}

void console_site_free(struct console_site *site)
{
    for (size_t i = 0; site && i < site->count; i++) {
        free(site->files[i].name);
        buffer_free(&site->files[i].content);
    }
    free(site);
}

/* Nothing personal is in them, but a browser asks each time whether they changed. */
static enum http_flow reply(struct http_request *request, const struct site_file *file)
{
    console_headers(request);
    if (!file)
        return http_reply_error(request, 404, "E0100", "そのようなページはありません。");
    return http_reply_range(request, file->type, file->etag, buffer_bytes(&file->content));
}

enum http_flow endpoint_site_index(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    return reply(request, file_find(console->site, "index.html"));
}

enum http_flow endpoint_site_file(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    return reply(request, file_find(console->site, http_request_parameter(request, "file")));
}
