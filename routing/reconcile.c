#include "routing/reconcile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

const char *reconcile_answer_name(enum reconcile_answer answer)
{
    static const char *const names[] = {[RECONCILE_YES] = "yes",
                                        [RECONCILE_NO] = "no",
                                        [RECONCILE_WAITING] = "waiting",
                                        [RECONCILE_NONE] = "none"};
    return names[answer];
}

bool reconcile_add(struct reconcile_list *list, const struct reconcile_item *item,
                   struct failure *f)
{
    if (list->count == RECONCILE_ITEMS_MOST)
        return failure_set(f, FAILURE_LIMIT, "more than %d items: take a shorter period",
                           RECONCILE_ITEMS_MOST);
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 1024;
        list->at = memory_resize(list->at, list->room * sizeof *list->at);
    }
    list->at[list->count++] = *item;
    return true;
}

void reconcile_list_free(struct reconcile_list *list)
{
    free(list->at);
    *list = (struct reconcile_list){0};
}

void reconcile_write(const struct reconcile_item *item, struct buffer *csv)
{
    char at[INSTANT_TEXT];
    buffer_format(csv, "%" PRId64 ",", item->id);
    csv_quote(item->receipt_number, csv);
    buffer_format(csv, ",%s,%s,%s,%s,", item->notice ? "notice" : "application", item->sha256,
                  instant_text_jst(item->at, at), item->batch ? "files" : "pull");
    if (item->batch)
        buffer_format(csv, "%" PRId64, item->batch);
    buffer_format(csv, ",%s,%" PRId64 "\r\n", reconcile_answer_name(item->accepted),
                  item->receipts);
}

struct comparing {
    reconcile_told *told;
    void *context;
    size_t count;
};

static void tell(struct comparing *c, enum reconcile_difference difference,
                 const struct reconcile_item *ours, const struct reconcile_item *theirs)
{
    c->count++;
    c->told(difference, ours, theirs, c->context);
}

static void compare_item(struct comparing *c, const struct reconcile_item *ours,
                         const struct reconcile_item *theirs)
{
    if (*ours->sha256 && *theirs->sha256 && strcmp(ours->sha256, theirs->sha256) != 0)
        tell(c, RECONCILE_OTHER_HASH, ours, theirs);
    if (ours->accepted != theirs->accepted)
        tell(c, RECONCILE_OTHER_ANSWER, ours, theirs);
}

size_t reconcile_compare(const struct reconcile_list *ours, const struct reconcile_list *theirs,
                         reconcile_told *told, void *context)
{
    struct comparing c = {told, context, 0};
    size_t i = 0, j = 0;
    while (i < ours->count || j < theirs->count) {
        const struct reconcile_item *a = i < ours->count ? &ours->at[i] : NULL,
                                    *b = j < theirs->count ? &theirs->at[j] : NULL;
        if (a && b && a->id == b->id)
            compare_item(&c, a, b);
        else if (a && (!b || a->id < b->id))
            b = NULL;
        else
            a = NULL;
        if (!a)
            tell(&c, RECONCILE_MISSING_HERE, NULL, b);
        if (!b && !a->outside)
            tell(&c, RECONCILE_MISSING_THERE, a, NULL);
        i += a != NULL;
        j += b != NULL;
    }
    return c.count;
}
