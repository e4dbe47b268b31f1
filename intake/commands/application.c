/* `uketsuke application …`: the acts of staff (intake/staff/staff.h), for people at a terminal. */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/schema.h"
#include "intake/staff/staff.h"

struct order { /* what the command line says */
    const char *receipt_number, *reason, *message, *to, *resident;
    int64_t seen; /* 0: as it is now */
    instant until;
    bool drop;
    bool item;      /* what looks like a receipt number may be the id of an item */
    bool four_eyes; /* takes two people, or is the first of them */
};

typedef bool act_do(struct db_tx *tx, const struct staff_act *act, const struct order *order,
                    struct staff_answer *answer, struct failure *f);

struct acting {
    const struct config *config;
    struct city_key *city_key;
    const struct order *order;
    act_do *act;
    char who[128], terminal[64];
    const char *city_code;
    size_t found;
    struct staff_answer answer;
};

static const struct db_statement application_find = {
    "application_find", "SELECT application_id, version FROM application"
                        " WHERE city_code = $1 AND receipt_number = $2"};
static const struct db_statement application_of_item = {
    "application_of_item",
    "SELECT application_id, version FROM application WHERE city_code = $1 AND application_id IN ("
    " SELECT application_id FROM outbox WHERE city_code = $1 AND outbox_id = $2::bigint UNION"
    " SELECT application_id FROM delivery WHERE city_code = $1 AND outbox_id = $2::bigint)"};

/* --- who and where ---------------------------------------------------------------------------- */

/* "staff:<login>", as the operating system knows who logged in; it may not tell A from a. Where two
 * people must agree, it must be known to be one of them. */
static bool actor_make(struct acting *a, bool four_eyes, struct failure *f)
{
    char operator[120];
    const char *accounts = config_text(config_group(a->config, "staff"), "accounts");
    if (!four_eyes)
        look_actor(operator, sizeof operator);
    else if (!look_person(accounts, "[staff] accounts", operator, sizeof operator, f))
        return false;
    const char *name = strchr(operator, ':');
    snprintf(a->who, sizeof a->who, "staff:%s", name ? name + 1 : operator);
    for (char *p = a->who; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    const char *tty = ttyname(STDIN_FILENO);
    snprintf(a->terminal, sizeof a->terminal, "%s", tty ? tty : "no terminal");
    return true;
}

/* --- the transaction -------------------------------------------------------------------------- */

/* A receipt number comes first. */
static bool find(const struct acting *a, struct db_tx *tx, struct db_rows **ret_rows,
                 struct failure *f)
{
    int64_t id;
    const char *name = a->order->receipt_number;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &application_find, DB_VALUES(db_text(a->city_code), db_text(name)), &rows, f))
        return false;
    if (db_row_count(rows) == 0 && a->order->item && number_parse(name, 1, INT64_MAX, &id))
        return db_query(tx, &application_of_item, DB_VALUES(db_text(a->city_code), db_number(id)),
                        ret_rows, f);
    *ret_rows = rows;
    rows = NULL;
    return true;
}

static bool work(struct db_tx *tx, void *context, struct failure *f)
{
    struct acting *a = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!find(a, tx, &rows, f))
        return false;
    a->found = db_row_count(rows);
    if (a->found != 1)
        return true;
    const struct staff_act act = {
        .config = a->config,
        .city_key = a->city_key,
        .city_code = a->city_code,
        .application_id = db_get_text(rows, 0, 0),
        .who = a->who,
        .terminal = a->terminal,
        .reason = a->order->reason,
        .version = (int)(a->order->seen ? a->order->seen : db_get_number(rows, 0, 1))};
    staff_answer_free(&a->answer);
    return a->act(tx, &act, a->order, &a->answer, f);
}

static bool open_all(struct acting *a, struct db **ret_db, struct failure *f)
{
    struct db *db;
    a->city_code = settings_city_code(a->config, f);
    if (!a->city_code)
        return false;
    if (a->order->message &&
        !city_key_load(config_text(config_group(a->config, "city"), "key"), &a->city_key, f))
        return false;
    if (!db_open(a->config, "console", 1, &db, f))
        return false;
    if (!db_schema_check(db, (int)schema_migration_count, f)) {
        db_close(db);
        return false;
    }
    *ret_db = db;
    return true;
}

/* --- what came of it -------------------------------------------------------------------------- */

static void print_changes(const json_t *changes)
{
    size_t i;
    json_t *change;
    json_array_foreach (changes, i, change) {
        const char *reason = json_string_value(json_object_get(change, "reason"));
        fprintf(stderr, "  %" JSON_INTEGER_FORMAT "  %s  -> %s%s%s  by %s\n",
                json_integer_value(json_object_get(change, "version")),
                json_string_value(json_object_get(change, "at")),
                json_string_value(json_object_get(change, "to")), reason ? ", " : "",
                reason ? reason : "", json_string_value(json_object_get(change, "actor")));
    }
}

static int tell(const char *command, const struct acting *a)
{
    const struct staff_answer *answer = &a->answer;
    if (a->found != 1) {
        fprintf(stderr, "uketsuke %s: %s\n", command,
                a->found ? "this receipt number came by several channels: the console tells them "
                           "apart"
                         : "there is no application with this receipt number");
        return EXIT_NO;
    }
    if (answer->result == STAFF_DONE || answer->result == STAFF_ONE_MORE) {
        printf("%s: %s%s%s, version %d, by %s.%s%s\n", a->order->receipt_number, answer->state,
               *answer->reason ? ", " : "", answer->reason, answer->version, a->who,
               *answer->why ? " " : "", answer->why);
        return answer->result == STAFF_DONE ? EXIT_DONE : EXIT_LATER;
    }
    fprintf(stderr, "uketsuke %s: %s\n", command, answer->why);
    print_changes(answer->changes);
    return EXIT_NO;
}

static int act_run(const struct command *command, const struct config *config,
                   const struct order *order, act_do *act)
{
    struct failure f = {0};
    struct db *db = NULL;
    struct acting a = {.config = config, .order = order, .act = act};
    bool done = actor_make(&a, order->four_eyes, &f) && open_all(&a, &db, &f) &&
                db_transaction(db, work, &a, &f);
    int code = done ? tell(command->name, &a) : command_fail(command->name, EXIT_FAILED, &f);
    if (db)
        db_close(db);
    city_key_free(a.city_key);
    staff_answer_free(&a.answer);
    return code;
}

/* --- the command line ------------------------------------------------------------------------- */

/* Days begin at midnight in Japan. */
static bool until_read(const char *text, instant *ret_until)
{
    struct day day;
    _cleanup_(cleanup_text) char *midnight = text_format("%sT00:00:00+09:00", text);
    return day_parse(text, &day) && instant_parse(midnight, ret_until);
}

static bool order_read(int argc, char **argv, const char *takes, struct order *ret)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'},   {"seen", required_argument, NULL, 's'},
        {"message", required_argument, NULL, 'm'},  {"to", required_argument, NULL, 't'},
        {"resident", required_argument, NULL, 'a'}, {"until", required_argument, NULL, 'u'},
        {"drop", no_argument, NULL, 'd'},           {0}};
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == '?' || (c != 'r' && c != 's' && !strchr(takes, c)))
            return false;
        ret->reason = c == 'r' ? optarg : ret->reason;
        ret->message = c == 'm' ? optarg : ret->message;
        ret->to = c == 't' ? optarg : ret->to;
        ret->resident = c == 'a' ? optarg : ret->resident;
        ret->drop |= c == 'd';
        if ((c == 's' && !number_parse(optarg, 1, INT32_MAX, &ret->seen)) ||
            (c == 'u' && !until_read(optarg, &ret->until)))
            return false;
    }
    ret->receipt_number = optind + 1 == argc ? argv[optind] : NULL;
    return ret->receipt_number && receipt_number_valid(ret->receipt_number) && ret->reason &&
           *ret->reason && utf8_valid(bytes_of_text(ret->reason)) &&
           utf8_length(ret->reason) <= STAFF_REASON_MOST;
}

#define WHO                                                                                        \
    "\n"                                                                                           \
    "Who does it is whoever logged in to this machine, as the operating system knows it: keep\n"   \
    "accounts personal. That, the terminal and --reason go into the audit trail, so no names of\n" \
    "residents in it. Where two people must agree, who did not log in must stand in [staff]\n"     \
    "accounts.\n"                                                                                  \
    "  --reason WORDS  why; needed\n"                                                              \
    "  --seen N        the version that you saw (`uketsuke show`): refused when it changed "       \
    "since\n"
#define CODES                                                                                      \
    "\n"                                                                                           \
    "Exit code 0 done, 1 not possible (it says why, and what changed), 2 noted but another "       \
    "person\n"                                                                                     \
    "has to agree, 3 we could not.\n"

#define ACT(symbol, words, what, synopsis, text, options, takes, complete, two_people, call)       \
    static bool symbol##_do(struct db_tx *tx, const struct staff_act *act,                         \
                            const struct order *order, struct staff_answer *answer,                \
                            struct failure *f)                                                     \
    {                                                                                              \
        (void)order;                                                                               \
        return call;                                                                               \
    }                                                                                              \
    extern const struct command application_##symbol##_command;                                    \
    static int symbol##_run(const struct config *config, int argc, char **argv)                    \
    {                                                                                              \
        struct order order = {.four_eyes = two_people};                                            \
        if (!order_read(argc, argv, takes, &order) || !(complete))                                 \
            return command_usage(&application_##symbol##_command,                                  \
                                 "takes one receipt number, --reason and what is listed below");   \
        return act_run(&application_##symbol##_command, config, &order, symbol##_do);              \
    }                                                                                              \
    const struct command application_##symbol##_command = {                                        \
        .name = "application " words,                                                              \
        .summary = what,                                                                           \
        .usage = "Usage: uketsuke application " words " RECEIPT " synopsis "--reason WORDS"        \
                 " [--seen N]\n\n" text WHO options CODES "\nExample: uketsuke application " words \
                 " R-20261121-000042 " synopsis "--reason 確認済\n",                               \
        .needs_config = true,                                                                      \
        .run = symbol##_run,                                                                       \
    }

ACT(approve, "approve", "Agree to the release of what is in review (承認)", "",
    "Agrees to hand over exactly what is in review: record, 宛名番号 and destination. If any of\n"
    "it changes before it goes out, the approval is void. A protected resident (支援措置) takes\n"
    "two people. Who identified the applicant can't approve.\n",
    "", "", true, true, staff_approve(tx, act, answer, f));
ACT(identify, "identify", "Propose the applicant of an unmatched application", "--resident N ",
    "Proposes the resident with the 宛名番号 N; another person confirms it.\n",
    "  --resident N    宛名番号\n", "a", order.resident, true,
    staff_identify_propose(tx, act, order->resident, answer, f));
ACT(confirm, "confirm", "As the second person: confirm the applicant, or say no", "--resident N ",
    "Confirms the proposal of another person, whose 宛名番号 you found yourself: N. With --drop\n"
    "in place of --resident: not this one; the application goes back to the unmatched.\n",
    "  --resident N    宛名番号\n  --drop          takes the proposal away\n", "ad",
    order.resident || order.drop, true,
    order->drop ? staff_identify_drop(tx, act, answer, f)
                : staff_identify_confirm(tx, act, order->resident, answer, f));
ACT(correct, "correct", "Ask the resident to correct an application (要訂正)", "--message WORDS ",
    "The resident reads the message at the portal, and may send a corrected application, which\n"
    "takes the place of this one.\n",
    "  --message WORDS what to correct, for the resident; goes out sealed\n", "m", order.message,
    false, staff_correction_ask(tx, act, order->message, answer, f));
ACT(refuse, "refuse", "Refuse an application (受付不可)", "",
    "For good. With --message the resident reads why.\n",
    "  --message WORDS for the resident; goes out sealed\n", "m", true, false,
    staff_refuse(tx, act, order->message, answer, f));
ACT(withdraw, "withdraw", "Take an application back in the resident's name (取下げ)", "",
    "Before it is handed over it ends here. What a business system may have already: the\n"
    "system is told, and decides.\n",
    "", "", true, false, staff_withdraw(tx, act, answer, f));
ACT(hold, "hold", "Put an application off until a day", "--until DAY ",
    "It stays what it is, and counts as waiting from that day on.\n",
    "  --until DAY     YYYY-MM-DD, from its midnight in Japan\n", "u", order.until, false,
    staff_hold_until(tx, act, order->until, answer, f));
ACT(resend, "resend", "Try again at once: what is held, waits, was rejected or received", "",
    "What is held is tried again; what waits for a business system or the portal is due now;\n"
    "what a business system rejected or has received is made anew and put into its outbox.\n",
    "", "", true, false, staff_resend(tx, act, answer, f));
ACT(reroute, "reroute", "Hand an application over to another destination", "--to DESTINATION ",
    "Only to one that the route of its procedure names ([route …] alternatives), and only after\n"
    "another person approves it.\n",
    "  --to DESTINATION\n", "t", order.to, true, staff_reroute(tx, act, order->to, answer, f));

/* The same act, for who comes from `routing list`. */
extern const struct command routing_resend_command;

static int routing_resend_run(const struct config *config, int argc, char **argv)
{
    struct order order = {.item = true};
    if (!order_read(argc, argv, "", &order))
        return command_usage(&routing_resend_command,
                             "takes one receipt number or id of an item, and --reason");
    return act_run(&routing_resend_command, config, &order, resend_do);
}

const struct command routing_resend_command = {
    .name = "routing resend",
    .summary = "The same as application resend, also by the id of an item",
    .usage =
        "Usage: uketsuke routing resend RECEIPT|ID --reason WORDS [--seen N]\n"
        "\n"
        "What `uketsuke application resend` does; ID is an item's, as `uketsuke routing list` and\n"
        "business systems show it.\n" WHO CODES
        "\nExample: uketsuke routing resend 1042 --reason 再送依頼\n",
    .needs_config = true,
    .run = routing_resend_run,
};
