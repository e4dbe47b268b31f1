/* Text for those who don't read UTF-8. Nothing is ever replaced: what the encoding can't say is
 * told, and nothing comes out. */
#ifndef UKETSUKE_BASE_CHARSET_H
#define UKETSUKE_BASE_CHARSET_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"

/* Appends `text` (valid UTF-8) in CP932 (Windows-31J, code page 932 as Microsoft has it). *ret_said
 * false, and nothing appended, when it has a character that does not come back from there as the
 * same one: 𠮷, and 〜 (U+301C), which would come back as ～ (U+FF5E). A failure only when the
 * system lacks the conversion. */
bool charset_cp932(struct bytes text, bool *ret_said, struct buffer *ret_encoded,
                   struct failure *f);

#endif
