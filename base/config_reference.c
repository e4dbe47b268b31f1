#include <string.h>

#include "base/cleanup.h"
#include "base/config_internal.h"

/* A bar would end the table's cell. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void write_type(FILE *out, const struct config_key *key)
{
    _cleanup_(cleanup_buffer) struct buffer least = {0}, most = {0};

    if (key->type == CONFIG_CHOICE) {
        fputs("one of: ", out);
        write_cell(out, key->choices);
        return;
    }
    fputs(config_type_name(key->type), out);
    if (key->least == 0 && key->most == 0)
        return;
    config_amount_write(key, key->least, &least);
    config_amount_write(key, key->most, &most);
    fprintf(out, ", %s to %s", buffer_text(&least), buffer_text(&most));
}

static void write_key(FILE *out, const struct config_key *key)
{
    fprintf(out, "| `%s` | ", key->name);
    write_type(out, key);
    fputs(" | ", out);
    if (!key->initial)
        fputs("**must be given**", out);
    else if (*key->initial == 0)
        fputs("(none)", out);
    else
        fprintf(out, "`%s`", key->initial);
    fputs(" | ", out);
    write_cell(out, key->help);
    fputs(" |\n", out);
}

void config_write_reference(FILE *out, const struct config_section *const *sections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_section *section = sections[i];
        fprintf(out, "%s## `[%s%s]`\n\n%s%s\n\n", i ? "\n" : "", section->name,
                section->named ? " NAME" : "", section->help,
                section->required ? " Must be given." : "");
        if (section->key_count == 0)
            continue;
        fputs("| key | value | default | meaning |\n| --- | --- | --- | --- |\n", out);
        for (size_t k = 0; k < section->key_count; k++)
            write_key(out, &section->keys[k]);
    }
}
