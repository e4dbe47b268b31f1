/* `uketsuke-sandbox jpki`: the made-up certification authorities. */
#include "deploy/sandbox/jpki.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "deploy/sandbox/options.h"
#include "deploy/sandbox/sandbox.h"

static const char jpki_help_text[] =
    "usage: uketsuke-sandbox jpki init DIR [--now TIME] [--force]\n"
    "       uketsuke-sandbox jpki crl DIR [--out FOLDER] [--now TIME]\n"
    "       uketsuke-sandbox jpki revoke DIR SERIAL [--at TIME] [--reason NUMBER]\n"
    "       uketsuke-sandbox jpki serve DIR --address ADDRESS [--interval SECONDSs]\n"
    "\n"
    "A made-up JPKI (公的個人認証). Its names say O=UKETSUKE-SANDBOX, never O=JPKI.\n"
    "\n"
    "  init    makes the signing CA in three generations of one name (the first has expired), the\n"
    "          login CA, a look-alike with a foreign key, OCSP responders; sign-anchors.pem and\n"
    "          sign-anchors.pins are what a verifier trusts. A folder that has them stays as it\n"
    "          is, unless --force makes all anew (and forgets what was issued)\n"
    "  crl     writes the present revocation lists as files (default: DIR/crl)\n"
    "  revoke  revokes a signing certificate by its serial number (hexadecimal)\n"
    "  serve   GET /crl/NAME.crl, a list by municipality (sakurano, wakaba: third generation;\n"
    "          sakurano-2, wakaba-2: second), new each interval; POST /ocsp (RFC 6960),\n"
    "          and one that misbehaves at /ocsp/ stale, future, unknown, unauthorized, try-later,\n"
    "          other, foreign, forged, nonce-wrong, nonce-none, suspended, error, garbage, slow.\n"
    "          ADDRESS as 127.0.0.1:PORT; port 0 takes a free one and prints it\n"
    "\n"
    "TIME is RFC 3339 (2026-11-21T09:00:00+09:00); default now. REASON is RFC 5280's CRLReason,\n"
    "default 0.\n"
    "Exit: 0 done, 1 failed, 2 wrong usage.\n";

struct jpki_words {
    const char *folder, *serial, *address, *out;
    instant now, interval;
    int64_t reason;
    bool force;
};

static bool jpki_command_init(const struct jpki_words *words, struct failure *f)
{
    _cleanup_(cleanup_text) char *anchors = text_format("%s/sign-anchors.pem", words->folder);
    if (!words->force && access(anchors, R_OK) == 0) {
        printf("%s is there already: nothing was changed (--force makes everything anew)\n",
               anchors);
        return true;
    }
    if (!jpki_init(words->folder, words->now, f))
        return false;
    printf("A made-up JPKI is in %s; next: uketsuke-sandbox town make\n", words->folder);
    return true;
}

static bool list_write(const struct jpki *jpki, const struct jpki_list *list, const char *folder,
                       instant now, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (!jpki_crl_make(jpki, list->partition, list->generation, now, &der, f) ||
        !text_write(folder, list->file, buffer_bytes(&der), f))
        return false;
    printf("%s/%s\n", folder, list->file);
    return true;
}

static bool jpki_command_crl(const struct jpki_words *words, struct failure *f)
{
    struct jpki_list lists[JPKI_LISTS_MAX];
    size_t count = jpki_lists(lists);
    struct jpki *jpki;
    if (!jpki_open(words->folder, false, &jpki, f))
        return false;
    _cleanup_(cleanup_text) char *folder =
        words->out ? text_copy(words->out) : text_format("%s/crl", words->folder);
    bool done = folder_make(folder, f);
    for (size_t i = 0; done && i < count; i++)
        done = list_write(jpki, &lists[i], folder, words->now, f);
    jpki_close(jpki);
    return done;
}

static bool jpki_command_revoke(const struct jpki_words *words, struct failure *f)
{
    char *end = NULL;
    uint64_t serial = words->serial ? strtoull(words->serial, &end, 16) : 0;
    if (!serial || *end)
        return failure_set(f, FAILURE_USAGE, "revoke needs a serial number in hexadecimal");
    struct jpki *jpki;
    if (!jpki_open(words->folder, true, &jpki, f))
        return false;
    bool done = jpki_revoke(jpki, JPKI_SIGN, serial, words->now, (int)words->reason, f) &&
                jpki_ledger_save(jpki, f);
    jpki_close(jpki);
    return done;
}

static bool jpki_command_serve(const struct jpki_words *words, struct failure *f)
{
    if (!words->address)
        return failure_set(f, FAILURE_USAGE, "serve needs --address");
    log_open("jpki", LOG_LEVEL_INFO, false);
    process_catch_signals();
    return jpki_serve(words->folder, words->address, words->interval, f);
}

static const struct {
    const char *name;
    bool (*run)(const struct jpki_words *words, struct failure *f);
} jpki_commands[] = {
    {"init", jpki_command_init},
    {"crl", jpki_command_crl},
    {"revoke", jpki_command_revoke},
    {"serve", jpki_command_serve},
};

static bool jpki_read(int argc, char **argv, struct jpki_words *words, struct failure *f)
{
    static const struct option options[] = {
        {"now", required_argument, NULL, 'n'},      {"at", required_argument, NULL, 'n'},
        {"out", required_argument, NULL, 'o'},      {"address", required_argument, NULL, 'a'},
        {"interval", required_argument, NULL, 'i'}, {"reason", required_argument, NULL, 'r'},
        {"force", no_argument, NULL, 'f'},          {0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool good = true;
        if (c == 'n')
            good = option_time(optarg, &words->now, f);
        else if (c == 'o')
            words->out = optarg;
        else if (c == 'a')
            words->address = optarg;
        else if (c == 'i')
            good = option_seconds(optarg, &words->interval, f);
        else if (c == 'r')
            good = option_number("--reason", optarg, 0, 10, &words->reason, f);
        else if (c == 'f')
            words->force = true;
        else
            good = failure_set(f, FAILURE_USAGE, "see: uketsuke-sandbox jpki --help");
        if (!good)
            return false;
    }
    if (optind >= argc || argc - optind > 2)
        return failure_set(f, FAILURE_USAGE, "a folder is needed: uketsuke-sandbox jpki --help");
    words->folder = argv[optind];
    words->serial = argv[optind + 1];
    return true;
}

int sandbox_jpki(int argc, char **argv)
{
    struct jpki_words words = {.now = clock_now(), .interval = 5 * INSTANT_SECOND};
    struct failure f = {0};
    if (option_help(argc, argv))
        return fputs(jpki_help_text, stdout), 0;
    for (size_t i = 0; argc > 1 && i < sizeof jpki_commands / sizeof *jpki_commands; i++) {
        if (strcmp(argv[1], jpki_commands[i].name) != 0)
            continue;
        bool done = jpki_read(argc - 1, argv + 1, &words, &f) && jpki_commands[i].run(&words, &f);
        return option_result("jpki", done, &f);
    }
    return fputs(jpki_help_text, stderr), 2;
}
