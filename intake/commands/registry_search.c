#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/identify/search.h"
#include "intake/schema.h"

extern const struct command registry_search_command;

/* The account that may see residents. */
#define ROLE "identify"

struct arguments {
    struct search search;
    bool as_json;
};

struct searching {
    const struct search *search;
    struct search_answer answer;
};

/* --- printing --------------------------------------------------------------------------------- */

static json_t *hit_json(const struct candidate *candidate)
{
    const struct resident *r = candidate->resident;
    _cleanup_(cleanup_text) char *address =
        text_format("%s%s%s%s", r->prefecture, r->municipality, r->town, r->lot);
    json_t *hit = candidate_json(candidate);
    char birth_date[32];
    snprintf(birth_date, sizeof birth_date, "%04d-%02d-%02d", r->birth_date.year,
             r->birth_date.month, r->birth_date.day);
    const struct {
        const char *key, *text;
    } texts[] = {{"name", r->name},
                 {"kana", r->kana},
                 {"birth_date", birth_date},
                 {"address", address},
                 {"building", r->building},
                 {"common_name", r->common_name},
                 {"former_surname", r->former_surname}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(hit, texts[i].key, json_string(texts[i].text));
    return hit;
}

static void print_json(const struct search_answer *answer)
{
    _cleanup_(cleanup_json) json_t *object =
        json_pack("{s:[] s:I}", "residents", "left_out", (json_int_t)answer->left_out);
    for (size_t i = 0; i < answer->count; i++)
        json_array_append_new(json_object_get(object, "residents"), hit_json(&answer->at[i]));
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
}

static void print_hit(const struct candidate *candidate)
{
    const struct resident *r = candidate->resident;
    printf("%-15s  %3d  %s (%s)  %04d-%02d-%02d  ", r->atenabango, candidate->match.score, r->name,
           r->kana, r->birth_date.year, r->birth_date.month, r->birth_date.day);
    if (r->is_protected)
        printf("protected: address not shown");
    else
        printf("%s%s%s%s %s", r->prefecture, r->municipality, r->town, r->lot, r->building);
    printf("  %s\n", resident_status_word(r->status));
    printf("                      name %s, birth date %s, address %s\n",
           agreement_word(candidate->match.how[FACT_NAME]),
           agreement_word(candidate->match.how[FACT_BIRTH_DATE]),
           agreement_word(candidate->match.how[FACT_ADDRESS]));
}

static void print_text(const struct search_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        print_hit(&answer->at[i]);
    if (answer->count == 0)
        puts("Nobody fits. Ask by other facts, or wait for the next feed.");
    if (answer->left_out)
        printf("%zu more fit: ask by one more fact.\n", answer->left_out);
}

/* --- the command ------------------------------------------------------------------------------ */

/* What was given is copied and erased: other accounts of the machine see a command's words. */
static char *taken(char *word)
{
    char *copy = text_copy(word);
    memset(word, '-', strlen(word));
    return copy;
}

static const char **option(struct arguments *given, const char *word)
{
    struct search *search = &given->search;
    const struct {
        const char *word, **to;
    } options[] = {{"--application", &search->receipt_number},
                   {"--name", &search->name},
                   {"--birth-date", &search->birth_date},
                   {"--address", &search->address},
                   {"--reason", &search->reason}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(word, options[i].word))
            return options[i].to;
    return NULL;
}

static bool arguments_read(int argc, char **argv, struct arguments *given)
{
    for (int i = 1; i < argc; i++) {
        const char **to = option(given, argv[i]);
        if (!strcmp(argv[i], "--json"))
            given->as_json = true;
        else if (!to || *to || i + 1 == argc)
            return false;
        else
            *to = taken(argv[++i]);
    }
    return given->search.receipt_number && receipt_number_valid(given->search.receipt_number);
}

static void arguments_free(struct arguments *given)
{
    const char *const words[] = {"--application", "--name", "--birth-date", "--address",
                                 "--reason"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        free((char *)*option(given, words[i]));
}

static bool search_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct searching *searching = context;
    search_answer_free(&searching->answer);
    return search_run(tx, searching->search, &searching->answer, f);
}

static int search(const struct config *config, struct arguments *given, struct failure *f)
{
    char actor[128];
    struct db *db;
    struct searching searching = {.search = &given->search};
    given->search.city_code = settings_city_code(config, f);
    given->search.actor = look_actor(actor, sizeof actor);
    given->search.chain = ROLE;
    if (!given->search.city_code || !search_allowed(&given->search, f))
        return given->search.city_code ? EXIT_NO : EXIT_FAILED;
    if (!db_open(config, ROLE, 1, &db, f))
        return EXIT_FAILED;
    bool done = db_schema_check(db, (int)schema_migration_count, f) &&
                db_transaction(db, search_work, &searching, f);
    db_close(db);
    if (!done)
        return f->kind == FAILURE_USAGE ? EXIT_NO : EXIT_FAILED;
    (given->as_json ? print_json : print_text)(&searching.answer);
    int code = searching.answer.count ? EXIT_DONE : EXIT_NO;
    search_answer_free(&searching.answer);
    return code;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    _cleanup_(arguments_free) struct arguments given = {0};
    if (!arguments_read(argc, argv, &given))
        return command_usage(&registry_search_command, "needs --application RECEIPT and what to "
                                                       "search by");
    int code = search(config, &given, &f);
    return f.kind == FAILURE_NONE ? code : command_fail("registry search", code, &f);
}

const struct command registry_search_command = {
    .name = "registry search",
    .summary = "Look a resident up for an application whose applicant is unknown",
    .usage =
        "Usage: uketsuke registry search --application RECEIPT --reason TEXT\n"
        "           [--name NAME] [--birth-date YYYY-MM-DD] [--address ADDRESS] [--json]\n"
        "\n"
        "Finds residents whom all that is given fits, in whatever way it is written, best first.\n"
        "At least two of name, birth date and address are needed, an application that waits for\n"
        "its applicant, and a reason. At most 20 residents are shown; of those under 支援措置 or\n"
        "不開示 not the address. Each search is entered in the audit trail (registry.search): "
        "who,\n"
        "for which application, why, by which kinds of facts, how many were found.\n"
        "\n"
        "Run it as the account that may see residents (uketsuke-identify).\n"
        "Exit codes: 0 found, 1 nobody fits or the search is not allowed, 3 failure.\n"
        "\n"
        "Example: uketsuke registry search --application R-20261121-000042 \\\n"
        "           --name '桜野　花子' --birth-date 1992-04-01 --reason '氏名変更の確認'\n",
    .needs_config = true,
    .run = run,
};
