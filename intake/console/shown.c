#include "intake/console/shown.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

void shown_mark(const struct subject_call *call, const char *atenabango, char ret_mark[SHOWN_MARK])
{
    uint8_t hash[32];
    _cleanup_(cleanup_text) char *what = text_format("%s/%s/%s", call->subject.item.application_id,
                                                     call->caller.session.account.id, atenabango);
    city_key_hash(call->context->role->city_key, "shown", bytes_of_text(what), hash);
    hex_encode(hash, sizeof hash, ret_mark);
}

static bool marked(const struct subject_call *call, const char *atenabango, const char *mark)
{
    char good[SHOWN_MARK];
    shown_mark(call, atenabango, good);
    return mark && strlen(mark) == SHOWN_MARK - 1 && CRYPTO_memcmp(mark, good, SHOWN_MARK) == 0;
}

/* Who was protected when it was decided was shown to few. */
static bool stands_at(const struct subject_call *call, const json_t *place, const char *key,
                      const char *atenabango)
{
    const json_t *resident = json_object_get(place, key);
    const char *number = json_string_value(json_object_get(resident, "atenabango"));
    return number && strcmp(number, atenabango) == 0 &&
           (!json_is_true(json_object_get(resident, "protected")) ||
            subject_may(call, RIGHT_PROTECTED));
}

static bool stands_in(const struct subject_call *call, const json_t *decision,
                      const char *atenabango)
{
    static const char *const lists[] = {"people", "candidates"};
    bool found = stands_at(call, decision, "linked", atenabango);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        const json_t *list = json_object_get(decision, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++)
            found |= stands_at(call, json_array_get(list, i), "resident", atenabango);
    }
    return found;
}

bool shown_before(struct db_tx *tx, const struct subject_call *call, const char *atenabango,
                  const char *mark, bool *ret_shown, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *decision = NULL;
    bool good = marked(call, atenabango, mark);
    if (!good && !application_open_decision(tx, call->context->role->city_key, &call->subject.item,
                                            &decision, f))
        return false;
    *ret_shown = good || (decision && stands_in(call, decision, atenabango));
    return true;
}
