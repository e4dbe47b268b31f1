#include "intake/identify/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/registry/keys.h"
#include "intake/state.h"

/* Enough for the names and birthdays of a large city. */
#define PER_KEY 400

static const struct db_statement application_find = {
    "search_application_find", "SELECT application_id, state FROM application"
                               " WHERE city_code = $1 AND receipt_number = $2 ORDER BY channel"};

/* --- the rule --------------------------------------------------------------------------------- */

static bool name_usable(const char *name)
{
    struct folded folded;
    return name && fold_name(name, "", &folded) && folded.length >= SEARCH_NAME_LEAST;
}

static bool birth_date_usable(const char *text)
{
    struct birth_date date = {0};
    if (text)
        birth_date_read(text, &date);
    return date.year && date.month && date.day;
}

/* To the lot: a town is no address. */
static bool address_usable(const char *address)
{
    struct folded_address folded;
    if (!address || !fold_address(address, "", &folded))
        return false;
    for (size_t i = folded.prefecture; i < folded.body; i++)
        if (folded.text.at[i].c >= '0' && folded.text.at[i].c <= '9')
            return true;
    return false;
}

static bool given(const char *text)
{
    return text && *text;
}

bool search_allowed(const struct search *search, struct failure *f)
{
    if (!given(search->reason) || utf8_length(search->reason) > SEARCH_REASON_MOST)
        return failure_set(f, FAILURE_USAGE, "a search needs a reason, of at most %d characters",
                           SEARCH_REASON_MOST);
    if (given(search->name) && !name_usable(search->name))
        return failure_set(f, FAILURE_USAGE, "the name must have %d characters at least",
                           SEARCH_NAME_LEAST);
    if (given(search->birth_date) && !birth_date_usable(search->birth_date))
        return failure_set(f, FAILURE_USAGE, "the birth date must be a whole one, YYYY-MM-DD");
    if (given(search->address) && !address_usable(search->address))
        return failure_set(f, FAILURE_USAGE, "the address must go to the lot (番地)");
    if (given(search->name) + given(search->birth_date) + given(search->address) < 2)
        return failure_set(f, FAILURE_USAGE,
                           "a search needs at least two of name, birth date and address");
    return true;
}

static bool waits_for_its_applicant(const char *code)
{
    enum state state;
    return state_from_code(code, &state) &&
           (state == STATE_UNMATCHED || state == STATE_VERIFIED || state == STATE_HELD);
}

static bool find_application(struct db_tx *tx, const struct search *search, char ret_id[37],
                             struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &application_find,
                  DB_VALUES(db_text(search->city_code), db_text(search->receipt_number)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return failure_set(f, FAILURE_USAGE, "there is no application with this receipt number");
    for (size_t row = 0; row < db_row_count(rows); row++)
        if (waits_for_its_applicant(db_get_text(rows, row, 1))) {
            snprintf(ret_id, 37, "%s", db_get_text(rows, row, 0));
            return true;
        }
    return failure_set(f, FAILURE_USAGE,
                       "the application does not wait for its applicant (it is %s): residents are "
                       "looked up only for one that does",
                       db_get_text(rows, 0, 1));
}

/* --- the search ------------------------------------------------------------------------------- */

static bool fits(enum agreement how)
{
    return agrees(how) || how == DIFFER_LIKE || how == DIFFER_BUILDING;
}

/* Of who is hidden, the address was not compared. */
static bool all_fit(const struct search *search, const struct match *match, bool hidden)
{
    if (hidden)
        return fits(match->how[FACT_NAME]) && fits(match->how[FACT_BIRTH_DATE]);
    return (!given(search->name) || fits(match->how[FACT_NAME])) &&
           (!given(search->birth_date) || fits(match->how[FACT_BIRTH_DATE])) &&
           (!given(search->address) || fits(match->how[FACT_ADDRESS]));
}

static int compare(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    int by_score = b->match.score - a->match.score;
    return by_score ? by_score : strcmp(a->resident->atenabango, b->resident->atenabango);
}

/* Whoever is protected is found, but not where he lives. */
static void hide_address(struct resident *resident)
{
    resident->prefecture = resident->municipality = resident->town = resident->lot =
        resident->building = resident->town_code = "";
}

/* `hidden`: what is asked by, but for the address. */
static void choose(const struct search *search, struct known *asked, struct known *hidden,
                   struct search_answer *answer)
{
    size_t count = answer->set.count, n = 0;
    struct candidate *fitting = memory_allocate((count + 1) * sizeof *fitting);
    answer->residents = memory_allocate((count + 1) * sizeof *answer->residents);
    for (size_t i = 0; i < count; i++) {
        struct resident *resident = &answer->residents[i];
        *resident = answer->set.answers[i].resident;
        bool hides = resident->is_protected && !search->protected_too;
        _cleanup_(cleanup_known) struct known *known = known_of_resident(resident);
        fitting[n].resident = resident;
        match(hides ? hidden : asked, NULL, known, &fitting[n].match);
        n += all_fit(search, &fitting[n].match, hides);
        if (resident->is_protected)
            hide_address(resident);
    }
    qsort(fitting, n, sizeof *fitting, compare);
    answer->count = n < SEARCH_MOST ? n : SEARCH_MOST;
    answer->left_out = n - answer->count;
    memcpy(answer->at, fitting, answer->count * sizeof *fitting);
    free(fitting);
}

static bool remember(struct db_tx *tx, const struct search *search, const char *id,
                     const struct search_answer *answer, struct failure *f)
{
    size_t protected = 0;
    for (size_t i = 0; i < answer->count; i++)
    protected += answer->at[i].resident->is_protected;
    _cleanup_(cleanup_json) json_t *detail =
        json_pack("{s:b s:b s:b s:I s:I s:I}", "name", given(search->name), "birth_date",
                  given(search->birth_date), "address", given(search->address), "found",
                  (json_int_t)answer->count, "left_out", (json_int_t)answer->left_out, "protected",
                  (json_int_t) protected);
    _cleanup_(cleanup_text) char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
    const struct audit_entry entry = {.action = "registry.search",
                                      .actor = search->actor,
                                      .terminal = search->terminal,
                                      .city_code = search->city_code,
                                      .application_id = id,
                                      .reason = search->reason,
                                      .detail = text};
    return audit_append(tx, search->chain, &entry, 1, f);
}

static bool fetch(struct db_tx *tx, const struct search *search, struct known *asked,
                  struct search_answer *answer, struct failure *f)
{
    struct known_keys key;
    known_keys(asked, &key);
    const struct resident_keys keys = {
        .birth_date = key.birth_date, .name_key = key.name, .address_key = key.address};
    return residents_by_keys(tx, search->city_code, &keys, 1, PER_KEY, &answer->set, f) &&
           resident_set_wait(tx, &answer->set, f);
}

bool search_run(struct db_tx *tx, const struct search *search, struct search_answer *ret_answer,
                struct failure *f)
{
    char id[37];
    if (!search_allowed(search, f) || !find_application(tx, search, id, f) ||
        !registry_folding_check(tx, search->city_code, f))
        return false;
    struct facts facts = {.name = given(search->name) ? search->name : "",
                          .name_substituted = "",
                          .kana = "",
                          .birth_date = given(search->birth_date) ? search->birth_date : "",
                          .address = "",
                          .address_substituted = ""};
    _cleanup_(cleanup_known) struct known *hidden = known_of(&facts);
    facts.address = given(search->address) ? search->address : "";
    _cleanup_(cleanup_known) struct known *asked = known_of(&facts);
    _cleanup_(search_answer_free) struct search_answer answer = {0};
    if (!fetch(tx, search, asked, &answer, f))
        return false;
    choose(search, asked, hidden, &answer);
    if (!remember(tx, search, id, &answer, f))
        return false;
    *ret_answer = answer;
    answer = (struct search_answer){0};
    return true;
}

void search_answer_free(struct search_answer *answer)
{
    free(answer->residents);
    resident_set_free(&answer->set);
    *answer = (struct search_answer){0};
}
