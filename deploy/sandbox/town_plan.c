#include "deploy/sandbox/town_plan.h"

#include <string.h>

/* In the order of the table: those that end well first, so that a count is split in two. */
struct chosen {
    const struct kind *fine[TOWN_KINDS_MOST], *faulty[TOWN_KINDS_MOST];
    size_t fine_count, faulty_count;
};

static bool kind_is_good(const struct kind *kind)
{
    return kind < town_kinds + town_kind_good;
}

static void kind_choose(struct chosen *chosen, const struct kind *kind)
{
    if (kind_is_good(kind))
        chosen->fine[chosen->fine_count++] = kind;
    else
        chosen->faulty[chosen->faulty_count++] = kind;
}

static bool list_choose(const char *list, struct chosen *chosen, struct failure *f)
{
    do {
        size_t length = strcspn(list, ",");
        const struct kind *kind = town_kind_find(list, length);
        if (!kind)
            return failure_set(f, FAILURE_USAGE, "there is no kind %.*s: see town --help",
                               (int)(length < 40 ? length : 40), list);
        for (size_t i = 0; i < chosen->fine_count + chosen->faulty_count; i++)
            if (kind ==
                (i < chosen->fine_count ? chosen->fine[i] : chosen->faulty[i - chosen->fine_count]))
                return failure_set(f, FAILURE_USAGE, "the kind %s is listed twice", kind->name);
        kind_choose(chosen, kind);
        list += length + (list[length] == ',');
    } while (*list);
    return true;
}

static bool kinds_choose(const char *list, struct chosen *chosen, struct failure *f)
{
    bool all = strcmp(list, "all") == 0;
    if (!all && strcmp(list, "good") != 0)
        return list_choose(list, chosen, f);
    for (size_t i = 0; i < town_kind_count; i++)
        if (all || kind_is_good(&town_kinds[i]))
            kind_choose(chosen, &town_kinds[i]);
    return true;
}

/* How many of each faulty kind there are beside `count` good ones. */
static size_t faulty_each(const struct chosen *chosen, size_t count, int64_t share)
{
    if (!chosen->faulty_count)
        return 0;
    if (!chosen->fine_count)
        return (count + chosen->faulty_count - 1) / chosen->faulty_count;
    if (share < 0)
        return 1;
    size_t wanted = count * (size_t)share / (size_t)(100 - share);
    size_t each = (wanted + chosen->faulty_count / 2) / chosen->faulty_count;
    return each ? each : 1;
}

static void plan_shuffle(struct town_plan *plan, uint64_t seed)
{
    struct dice dice = dice_make(seed, UINT32_MAX);
    for (size_t i = plan->count; i > 1; i--) {
        size_t j = dice_roll(&dice) % i;
        const struct kind *kind = plan->kinds[i - 1];
        plan->kinds[i - 1] = plan->kinds[j];
        plan->kinds[j] = kind;
    }
}

bool town_plan_make(const struct town_options *options, struct town_plan *ret_plan,
                    struct failure *f)
{
    struct chosen chosen = {0};
    if (!kinds_choose(options->kinds, &chosen, f))
        return false;
    size_t good = chosen.fine_count ? (size_t)options->count : 0;
    size_t each = faulty_each(&chosen, (size_t)options->count, options->bad_share);
    struct town_plan plan = {0};
    plan.kinds = memory_allocate((good + each * chosen.faulty_count + 1) * sizeof *plan.kinds);
    for (size_t i = 0; i < good; i++)
        plan.kinds[plan.count++] = chosen.fine[i % chosen.fine_count];
    for (size_t i = 0; i < each * chosen.faulty_count; i++)
        plan.kinds[plan.count++] = chosen.faulty[i % chosen.faulty_count];
    plan_shuffle(&plan, (uint64_t)options->seed);
    *ret_plan = plan;
    return true;
}

void town_plan_free(struct town_plan *plan)
{
    free(plan->kinds);
    *plan = (struct town_plan){0};
}
