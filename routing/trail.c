#include "routing/trail.h"

#include <inttypes.h>

#include "base/cleanup.h"

static void append_item(struct buffer *detail, const struct trail_item *item)
{
    buffer_format(detail, "[\"%" PRId64 "\",\"%s\"", item->id, item->application_id);
    if (item->result)
        buffer_format(detail, ",\"%s\"", item->result);
    if (item->state)
        buffer_format(detail, ",\"%s\"", item->state);
    buffer_append_text(detail, "]");
}

static void write_detail(struct buffer *detail, const struct trail_item *items, size_t count)
{
    int64_t first = items[0].id, last = items[0].id;
    for (size_t i = 1; i < count; i++) {
        first = items[i].id < first ? items[i].id : first;
        last = items[i].id > last ? items[i].id : last;
    }
    buffer_format(detail, "{\"first\":\"%" PRId64 "\",\"last\":\"%" PRId64 "\",\"items\":[", first,
                  last);
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(detail, i ? "," : "");
        append_item(detail, &items[i]);
    }
    buffer_append_text(detail, "]}");
}

bool trail_append(struct db_tx *tx, const struct routing_context *context,
                  const struct routing_caller *caller, const char *action, const char *reason,
                  const struct trail_item *items, size_t count, struct failure *f)
{
    for (size_t done = 0; done < count; done += TRAIL_MOST) {
        _cleanup_(cleanup_buffer) struct buffer detail = {0};
        size_t rest = count - done;
        write_detail(&detail, items + done, rest < TRAIL_MOST ? rest : TRAIL_MOST);
        const struct audit_entry entry = {.action = action,
                                          .actor = caller->actor,
                                          .terminal = caller->terminal,
                                          .city_code = context->options.city_code,
                                          .reason = reason,
                                          .detail = buffer_text(&detail)};
        if (!audit_append(tx, ROUTING_CHAIN, &entry, 1, f))
            return false;
    }
    return true;
}
