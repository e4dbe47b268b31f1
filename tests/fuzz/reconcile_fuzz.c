/* Any bytes as the other side's export: what is taken comes out the same when it is written and
 * read again, and differs from itself in nothing; every fault is short and has a line. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "routing/reconcile.h"
#include "tests/fuzz/fuzz.h"

static void differs(enum reconcile_difference difference, const struct reconcile_item *ours,
                    const struct reconcile_item *theirs, void *context)
{
    (void)difference, (void)ours, (void)theirs, (void)context;
    abort();
}

static void write_again(const struct reconcile_list *list)
{
    _cleanup_(cleanup_buffer) struct buffer csv = {0};
    struct reconcile_list again = {0};
    struct failure f = {0};
    buffer_append_text(&csv, RECONCILE_HEADER "\r\n");
    for (size_t i = 0; i < list->count; i++)
        reconcile_write(&list->at[i], &csv);
    FILE *in = fmemopen(csv.data, csv.length, "r");
    if (!reconcile_read(in, &again, &f) || again.count != list->count)
        abort();
    for (size_t i = 0; i < list->count; i++)
        if (again.at[i].at != list->at[i].at || again.at[i].batch != list->at[i].batch)
            abort();
    reconcile_compare(list, &again, differs, NULL);
    reconcile_list_free(&again);
    fclose(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reconcile_list list = {0};
    struct failure f = {0};
    if (size == 0)
        return 0;
    FILE *in = fmemopen((void *)data, size, "r");
    if (reconcile_read(in, &list, &f))
        write_again(&list);
    else if (f.kind != FAILURE_INPUT || strncmp(f.text, "line ", 5) != 0)
        abort();
    reconcile_list_free(&list);
    fclose(in);
    return 0;
}
