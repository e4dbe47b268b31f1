/* Runs a fuzz target over every file of a folder, without libFuzzer. */
#include <dirent.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static bool replay(const char *folder, const char *name)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    size_t got;

    if (!file) {
        perror(path);
        return false;
    }
    while ((got = fread(buffer_reserve(&content, 65536), 1, 65536, file)) > 0)
        buffer_commit(&content, got);
    /* A copy of just the right size: a sanitizer then sees the first byte read too far. */
    uint8_t *exact = memory_allocate(content.length);
    memcpy(exact, content.data, content.length);
    LLVMFuzzerTestOneInput(exact, content.length);
    free(exact);
    return true;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    size_t count = 0;

    if (!folder) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        if (!replay(argv[1], entry->d_name))
            return 1;
        count++;
    }
    closedir(folder);
    printf("%zu seeds\n", count);
    return count > 0 ? 0 : 1; /* a target without seeds has lost its folder */
}
