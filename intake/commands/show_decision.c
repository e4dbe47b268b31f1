#include "intake/commands/show_decision.h"

#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/application.h"
#include "intake/command.h"
#include "intake/schema.h"

#define ROLE "identify" /* the account that may see decisions */

struct deciding {
    const struct city_key *city_key;
    struct work_item item;
    const char *actor;
    json_t *decision;
};

/* --- printing --------------------------------------------------------------------------------- */

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

/* "name surname-differs, birth_date same, …"; nothing when the facts were not compared. */
static void print_facts(const char *title, const json_t *facts)
{
    const char *key, *separator = "";
    json_t *how;
    if (!json_is_object(facts))
        return;
    printf("    %-26s ", title);
    json_object_foreach ((json_t *)facts, key, how) {
        printf("%s%s %s", separator, key, json_is_string(how) ? json_string_value(how) : "?");
        separator = ", ";
    }
    putchar('\n');
}

static void print_people(const json_t *people)
{
    size_t i;
    json_t *person;
    printf("    %-26s ", "people of the form");
    json_array_foreach (people, i, person) {
        printf("%s%s", i ? ", " : "", word(person, "role"));
        if (strcmp(word(person, "role"), "children") == 0)
            printf(" %" JSON_INTEGER_FORMAT,
                   json_integer_value(json_object_get(person, "index")) + 1);
        printf(" by %s", word(person, "found"));
    }
    putchar('\n');
}

static void print_decision(const json_t *decision)
{
    const json_t *candidates = json_object_get(decision, "candidates");
    const json_t *people = json_object_get(decision, "people"); /* the claimant first */
    const json_t *best = json_array_get(candidates, 0);
    const char *reason = word(decision, "reason");
    printf("  decision       %s\n", *reason ? reason : "identified by the serial number");
    printf("    %-26s %s\n", "resident of the link",
           json_is_object(json_object_get(decision, "linked")) ? "one" : "none, or several");
    print_facts("certificate and form", json_object_get(decision, "certificate_form"));
    print_facts("certificate and registry", json_object_get(decision, "certificate_registry"));
    print_facts("form and registry", json_object_get(json_array_get(people, 0), "facts"));
    print_people(people);
    if (!best)
        return;
    printf("    %-26s %zu, the best with %" JSON_INTEGER_FORMAT " points%s\n", "candidates",
           json_array_size(candidates), json_integer_value(json_object_get(best, "score")),
           json_is_true(json_object_get(best, "all_four")) ? " and all four facts" : "");
}

/* --- opening ---------------------------------------------------------------------------------- */

/* What can't be remembered, is not shown. */
static bool decision_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct deciding *d = context;
    const struct audit_entry view = {.action = "application.view",
                                     .actor = d->actor,
                                     .city_code = d->item.city_code,
                                     .application_id = d->item.application_id,
                                     .detail = "{\"by\":\"uketsuke show --decision\"}"};
    json_decref(d->decision);
    d->decision = NULL;
    return application_open_decision(tx, d->city_key, &d->item, &d->decision, f) &&
           audit_append(tx, ROLE, &view, 1, f);
}

bool show_decision(const struct config *config, const char *city_code, const char *application_id,
                   const char *actor, struct failure *f)
{
    struct deciding d = {.actor = actor};
    struct city_key *city_key = NULL;
    struct db *db = NULL;
    snprintf(d.item.city_code, sizeof d.item.city_code, "%s", city_code);
    snprintf(d.item.application_id, sizeof d.item.application_id, "%s", application_id);
    bool done = city_key_load(config_text(config_group(config, "city"), "key"), &city_key, f);
    d.city_key = city_key;
    done = done && db_open(config, ROLE, 1, &db, f) &&
           db_schema_check(db, (int)schema_migration_count, f) &&
           db_transaction(db, decision_work, &d, f);
    if (done && d.decision)
        print_decision(d.decision);
    else if (done)
        puts("  decision       none yet");
    json_decref(d.decision);
    if (db)
        db_close(db);
    city_key_free(city_key);
    return done;
}
