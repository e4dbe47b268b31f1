/* What of a status needs attention, and what to do about it: one sentence each, for somebody who
 * was woken up by it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "intake/status.h"

#define HOUR            (3600 * INSTANT_SECOND)
#define PORTAL_PATIENCE HOUR        /* we push to the portal */
#define PULL_PATIENCE   INSTANT_DAY /* business systems come by themselves, often by night */

struct judging {
    const struct config *config;
    instant now;
    json_t *problems;
};

static void __attribute__((format(printf, 3, 4)))
problem(struct judging *j, const char *next, const char *format, ...)
{
    va_list arguments;
    char *what = NULL;
    va_start(arguments, format);
    int length = vasprintf(&what, format, arguments);
    va_end(arguments);
    if (length >= 0)
        json_array_append_new(j->problems, json_pack("{s:s, s:s}", "what", what, "next", next));
    free(length >= 0 ? what : NULL);
}

static instant time_of(const json_t *object, const char *name)
{
    instant at = 0;
    const char *text = json_string_value(json_object_get(object, name));
    return text && instant_parse(text, &at) ? at : 0;
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *applications(int64_t n, const char *one, const char *many, char text[64])
{
    snprintf(text, 64, "%" PRId64 " %s %s", n, text_plural(n, "application", "applications"),
             text_plural(n, one, many));
    return text;
}

static void judge_work(struct judging *j, const json_t *work)
{
    const char *stage = text_of(work, "stage");
    char text[64];
    const char *role = strcmp(stage, "route") == 0 ? "routing" : stage;
    _cleanup_(cleanup_text) char *restart =
        text_format("Is the role running? `systemctl status uketsuke@%s` and its log: "
                    "`journalctl -u uketsuke@%s`.",
                    role, role);
    _cleanup_(cleanup_text) char *look = text_format(
        "Look at the role's log (`journalctl -u uketsuke@%s`) for what fails; it is tried again by "
        "itself.",
        role);
    if (number_of(work, "overdue"))
        problem(j, restart, "%s for %s, and nobody does it.",
                applications(number_of(work, "overdue"), "waits", "wait", text), stage);
    if (number_of(work, "failing"))
        problem(j, look, "%s again and again at %s (%s).",
                applications(number_of(work, "failing"), "fails", "fail", text), stage,
                *text_of(work, "note") ? text_of(work, "note") : "no note");
}

static void judge_outbox(struct judging *j, const json_t *outbox)
{
    const char *destination = text_of(outbox, "destination");
    bool portal = strcmp(destination, "portal") == 0;
    int64_t count = number_of(outbox, "count");
    instant age = j->now - time_of(outbox, "oldest");
    char span[DURATION_TEXT];
    duration_text(age, span);
    if (age <= (portal ? PORTAL_PATIENCE : PULL_PATIENCE))
        return;
    if (portal)
        problem(j,
                "Can the portal be reached? `journalctl -u uketsuke@report`; residents see an old "
                "status until then.",
                "%" PRId64 " %s not taken by the portal, the oldest for %s (%s).", count,
                text_plural(count, "status was", "statuses were"), span,
                *text_of(outbox, "last_error") ? text_of(outbox, "last_error") : "never tried");
    else
        problem(j,
                "Call the department that runs this system: nothing is lost, it waits until it is "
                "fetched.",
                "%" PRId64 " %s for %s and %s not fetched, the oldest for %s.", count,
                text_plural(count, "item waits", "items wait"), destination,
                text_plural(count, "is", "are"), span);
}

static const char *held_next(const char *reason)
{
    static const struct {
        const char *prefix, *next;
    } known[] = {
        {"revocation-",
         "See `uketsuke revocation status`: which revocation list is old or missing; "
         "`uketsuke revocation update` fetches them now."},
        {"download-", "Ask the portal's operator: it delivers other bytes than its list promises. "
                      "`uketsuke show RECEIPT` tells when."},
        {"procedure-unknown", "Add the procedure's folder under [forms] procedures, or ask the "
                              "portal why it sends this procedure here."},
        {"route-missing", "Add a [route PROCEDURE-ID] section to the configuration and restart "
                          "the role routing."},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(reason, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].next;
    return "See which they are: `uketsuke list --state held`, then `uketsuke show RECEIPT`.";
}

/* Unmatched ones and those in review are staff's daily work; held ones wait for something that we
 * can mend. */
static void judge_reason(struct judging *j, const json_t *reason)
{
    char text[64], span[DURATION_TEXT];
    if (strcmp(text_of(reason, "reason"), "rejected-by-destination") == 0)
        problem(j,
                "A business system can't take it: `uketsuke show RECEIPT` tells which item and "
                "why; settle it with its department.",
                "%s: %s, the oldest for %s.",
                applications(number_of(reason, "count"), "waits", "wait", text),
                text_of(reason, "reason"), duration_text(j->now - time_of(reason, "oldest"), span));
    if (strcmp(text_of(reason, "state"), "held") == 0)
        problem(j, held_next(text_of(reason, "reason")), "%s held: %s, the oldest for %s.",
                applications(number_of(reason, "count"), "is", "are", text),
                text_of(reason, "reason"), duration_text(j->now - time_of(reason, "oldest"), span));
}

/* Only what waits for staff: the outbox, and what is held, are judged above. */
static void judge_escalation(struct judging *j, const json_t *escalation)
{
    const char *what = text_of(escalation, "what");
    char text[64], span[DURATION_TEXT];
    if (strcmp(what, "review") == 0 || strcmp(what, "unmatched") == 0)
        problem(j, "Ask the department: `uketsuke routing report` tells who was told.",
                "%s for staff for too long (%s), the oldest for %s.",
                applications(number_of(escalation, "count"), "waits", "wait", text), what,
                duration_text(j->now - time_of(escalation, "oldest"), span));
}

static void judge_audit(struct judging *j, const json_t *audit)
{
    const struct config_group *group = config_group(j->config, "audit");
    instant checkpoint = time_of(audit, "checkpoint"), since = time_of(audit, "since");
    instant from = checkpoint ? checkpoint : since;
    char span[DURATION_TEXT];
    if (!from || j->now - from <= 2 * config_duration(group, "checkpoint-interval"))
        return;
    problem(j,
            *config_text(group, "signing-key")
                ? "Is the role running? `systemctl status uketsuke@checkpoint`. By hand: "
                  "`uketsuke audit checkpoint`."
                : "Make a key (`uketsuke audit key create`), name it in [audit], and run "
                  "the role checkpoint.",
            "The audit trail has not been signed for %s.", duration_text(j->now - from, span));
}

static void judge_revocation(struct judging *j, const json_t *revocation)
{
    static const char next[] = "See `uketsuke revocation status` and `journalctl -u "
                               "uketsuke@revocation`; until then applications are held, not lost.";
    int64_t lists = number_of(revocation, "lists"), late = number_of(revocation, "late"),
            unusable = number_of(revocation, "unusable");
    if (lists == 0)
        problem(j, next, "There is no revocation list at all: nothing can be verified.");
    else if (unusable > 0)
        problem(j, next,
                "Of %" PRId64 " %s %" PRId64 " can't be used any more: too old, or damaged.", lists,
                text_plural(lists, "revocation list", "revocation lists"), unusable);
    else if (late > 0)
        problem(j, next, "Of %" PRId64 " %s %" PRId64 " should have been followed by a newer one.",
                lists, text_plural(lists, "revocation list", "revocation lists"), late);
}

static void judge_each(struct judging *j, const json_t *list,
                       void (*judge)(struct judging *j, const json_t *row))
{
    for (size_t i = 0; i < json_array_size(list); i++)
        judge(j, json_array_get(list, i));
}

void status_judge(json_t *status, const struct config *config)
{
    struct judging j = {config, time_of(status, "at"), json_array()};
    json_t *revocation = json_object_get(status, "revocation");
    char text[64];
    if (number_of(status, "stuck"))
        problem(&j, "This must not happen: report it, with the output of `uketsuke status --json`.",
                "%s in no queue and would wait for ever.",
                applications(number_of(status, "stuck"), "is", "are", text));
    judge_each(&j, json_object_get(status, "work"), judge_work);
    judge_each(&j, json_object_get(status, "outbox"), judge_outbox);
    judge_each(&j, json_object_get(status, "reasons"), judge_reason);
    judge_each(&j, json_object_get(status, "escalations"), judge_escalation);
    if (revocation)
        judge_revocation(&j, revocation);
    judge_audit(&j, json_object_get(status, "audit"));
    json_object_set_new(status, "problems", j.problems);
}
