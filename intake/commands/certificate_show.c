/* `uketsuke certificate show`: what a certificate says of itself, in Japanese and English. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/command.h"
#include "intake/revocation.h"
#include "signature/certificate.h"
#include "signature/path_pool.h"

#define FILE_MOST (64 * 1024 * 1024)

extern const struct command certificate_show_command;

static const struct {
    const char *key, *japanese, *english;
} lines[] = {
    {"serial", "発行番号", "serial number"},
    {"issuer", "発行者", "issuer"},
    {"subject", "主体者", "subject"},
    {"not_before", "有効期間の開始", "valid from"},
    {"not_after", "有効期間の満了", "valid to"},
    {"algorithm", "署名アルゴリズム", "signed with"},
    {"key_usage", "鍵用途", "key usage"},
    {"policies", "証明書ポリシー", "policies"},
    {"ca", "認証局", "is a CA"},
    {"certificate_sha256", "フィンガープリント", "SHA-256"},
};

static const struct {
    const char *key, *japanese, *english;
} facts[] = {
    {"name", "氏名", "name"},
    {"name_substituted", "氏名の代替文字", "substituted in name"},
    {"sex", "性別", "sex"},
    {"birth_date", "生年月日", "birth date"},
    {"address", "住所", "address"},
    {"address_substituted", "住所の代替文字", "substituted in address"},
};

static void print_line(const char *japanese, const char *english, const json_t *value)
{
    size_t i;
    json_t *item;
    printf("  %s / %s: ", japanese, english);
    if (json_is_string(value))
        printf("%s", json_string_value(value));
    else if (json_is_boolean(value))
        printf("%s", json_is_true(value) ? "はい / yes" : "いいえ / no");
    json_array_foreach ((json_t *)value, i, item)
        printf("%s%s", i ? ", " : "", json_string_value(item));
    putchar('\n');
}

/* The parts that are known, when there is no whole date. */
static void print_birth(const json_t *shown)
{
    int year, month, day;
    const char *date = json_string_value(json_object_get(shown, "birth_date"));
    if (*date || json_unpack((json_t *)shown, "{s:{s:i, s:i, s:i}}", "birth", "year", &year,
                             "month", &month, "day", &day) != 0)
        return;
    printf("  生年月日（一部不明） / birth date, known in part (0: unknown): %04d-%02d-%02d\n",
           year, month, day);
}

static void print_text(const json_t *shown)
{
    size_t i;
    json_t *other;
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
        print_line(lines[k].japanese, lines[k].english, json_object_get(shown, lines[k].key));
    const json_t *four = json_object_get(shown, "facts");
    if (!json_is_object(four)) {
        printf("  基本4情報 / four basic facts: なし / none\n");
        return;
    }
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++)
        print_line(facts[k].japanese, facts[k].english, json_object_get(four, facts[k].key));
    print_birth(four);
    json_array_foreach (json_object_get(four, "others"), i, other)
        printf("  %s: %s\n", json_string_value(json_object_get(other, "oid")),
               json_string_value(json_object_get(other, "text")));
}

static bool show_one(void *context, struct bytes der, struct failure *f)
{
    const bool *json = context;
    _cleanup_(cleanup_json) json_t *shown = certificate_to_json(der);
    if (!shown)
        return failure_set(f, FAILURE_INPUT, "it holds what is no certificate in DER");
    if (*json) {
        json_dumpf(shown, stdout, JSON_SORT_KEYS | JSON_COMPACT);
        putchar('\n');
    } else
        print_text(shown);
    return true;
}

static int run(const struct config *config, int argc, char **argv)
{
    static const struct option long_options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct failure f = {0};
    bool json = false;
    int option;
    (void)config;
    log_open(certificate_show_command.name, LOG_LEVEL_WARNING, false);
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (option != 'j')
            return command_usage(&certificate_show_command, "cannot take %s", argv[optind - 1]);
        else
            json = true;
    if (optind + 1 != argc)
        return command_usage(&certificate_show_command, "one file is wanted");
    const char *path = argv[optind];
    if (!revocation_file_read(path, FILE_MOST, &content, &f))
        return command_fail(certificate_show_command.name, EXIT_FAILED, &f);
    if (!pool_each(buffer_bytes(&content), "CERTIFICATE", show_one, &json, &f)) {
        failure_prefix(&f, "%s: ", path);
        return command_fail(certificate_show_command.name, EXIT_FAILED, &f);
    }
    return EXIT_DONE;
}

const struct command certificate_show_command = {
    .name = "certificate show",
    .summary = "Show what a certificate says of itself",
    .usage =
        "Usage: uketsuke certificate show FILE [--json]\n"
        "\n"
        "Prints, in Japanese and English, what each certificate in FILE (PEM or DER) says:\n"
        "serial number, issuer, validity, policies, key usage, the four basic facts. Names and\n"
        "addresses are printed as they stand there. Nothing is judged: certificate check does.\n"
        "\n"
        "  --json   one JSON object a line (docs/formats/certificate.md)\n"
        "\n"
        "Exit code: 0 done, 3 failure, 64 wrong usage.\n"
        "\n"
        "Example:\n"
        "  uketsuke certificate show card.pem\n",
    .run = run,
};
