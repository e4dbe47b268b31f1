/* Documents that must not be read, and forms that are not filled in right. Their signatures are
 * over the very bytes, and true. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town_kinds_bad.h"

#define DEEP 10000

void xml_dtd_prepare(struct draft *draft)
{
    draft->by_bytes = true;
    draft->form.prologue = "<!DOCTYPE application [\n  <!ATTLIST name lang CDATA \"ja\">\n]>\n";
}

void xml_external_prepare(struct draft *draft)
{
    draft->by_bytes = true;
    draft->form.prologue =
        "<!DOCTYPE application [\n  <!ENTITY x SYSTEM \"file:///etc/passwd\">\n]>\n";
    draft->form.name = "&x;";
}

void billion_laughs_prepare(struct draft *draft)
{
    struct buffer dtd = {0};
    buffer_append_text(&dtd, "<!DOCTYPE application [\n  <!ENTITY lol0 \"lol\">\n");
    for (int i = 1; i <= 9; i++) {
        buffer_format(&dtd, "  <!ENTITY lol%d \"", i);
        for (int j = 0; j < 10; j++)
            buffer_format(&dtd, "&lol%d;", i - 1);
        buffer_append_text(&dtd, "\">\n");
    }
    buffer_append_text(&dtd, "]>\n");
    draft->owned = text_copy(buffer_text(&dtd));
    buffer_free(&dtd);
    draft->by_bytes = true;
    draft->form.prologue = draft->owned;
    draft->form.name = "&lol9;";
}

void xml_deep_prepare(struct draft *draft)
{
    struct buffer nested = {0};
    for (int i = 0; i < DEEP; i++)
        buffer_append_text(&nested, "<x>");
    for (int i = 0; i < DEEP; i++)
        buffer_append_text(&nested, "</x>");
    draft->owned = text_copy(buffer_text(&nested));
    buffer_free(&nested);
    draft->by_bytes = true;
    draft->form.extra = draft->owned;
}

void xml_encoding_prepare(struct draft *draft)
{
    /* A byte that is never UTF-8; Shift_JIS that says it is UTF-8; a surrogate; an overlong. */
    static const char *const names[] = {"桜野\xFF　花子",
                                        "\x8D\xF7\x96\xEC\x81\x40\x89\xD4\x8E\x71",
                                        "桜\xED\xA0\x80野　花子", "桜\xC0\xAF野　花子"};
    draft->by_bytes = true;
    draft->form.name = names[dice_between(&draft->dice, 0, 3)];
}

void missing_field_prepare(struct draft *draft)
{
    static const char *const fields[] = {"birth-date", "address", "name", "occupation"};
    draft->form.left_out = fields[dice_between(&draft->dice, 0, 3)];
}

void bad_number_prepare(struct draft *draft)
{
    char *number = draft->owned = text_copy(draft->household.claimant.individual_number);
    draft->form.number = number;
    number[11] = (char)('0' + (number[11] - '0' + dice_between(&draft->dice, 1, 9)) % 10);
}
