/* `uketsuke certificate check`: is this certificate good, as of a moment? */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/ocsp_files.h"
#include "intake/commands/trust_options.h"
#include "intake/revocation.h"
#include "signature/path_pool.h"
#include "signature/revocation.h"

#define FILE_MOST (512 * 1024 * 1024) /* bytes: a CRL may be large */

enum { OPTION_PROFILE = 256, OPTION_UNTRUSTED, OPTION_OCSP, OPTION_AT, OPTION_NOW, OPTION_JSON };

struct options {
    struct trust_arguments trust;
    struct option_list untrusted, responses;
    bool rfc5280, json;
    int explicit_policy, inhibit_mapping, inhibit_any, no_revocation;
    instant at, now;
};

/* What every certificate of the file is judged with. */
struct judge {
    const struct options *options;
    instant at, now;
    struct path_input path; /* profile rfc5280 */
    struct trust *trust;    /* profile jpki */
    struct crl_set *crls;   /* profile jpki */
    struct ocsp_files responses;
    const char *file;
    size_t index;
    int code;
};

extern const struct command certificate_check_command;

static void judge_free(struct judge *judge)
{
    path_pool_free(&judge->path);
    trust_free(judge->trust);
    crl_set_free(judge->crls);
    ocsp_files_free(&judge->responses);
}

static void options_free(struct options *options)
{
    trust_arguments_free(&options->trust);
    option_list_free(&options->untrusted);
    option_list_free(&options->responses);
}

static bool option_take(struct options *options, int option, const char *value)
{
    switch (option) {
    case 0: /* a flag: getopt has set it */
        return true;
    case OPTION_PROFILE:
        options->rfc5280 = strcmp(value, "rfc5280") == 0;
        return options->rfc5280 || strcmp(value, "jpki") == 0;
    case OPTION_UNTRUSTED:
        return option_list_add_certificates(&options->untrusted, value);
    case OPTION_OCSP:
        return option_list_add(&options->responses, value);
    case OPTION_AT:
        return option_moment(value, &options->at);
    case OPTION_NOW:
        return option_moment(value, &options->now);
    case OPTION_JSON:
        return options->json = true;
    default:
        return trust_arguments_take(&options->trust, option, value);
    }
}

static bool pool_add(struct path_input *input, enum pool_kind kind, const struct option_list *files,
                     struct failure *f)
{
    for (size_t i = 0; i < files->count; i++) {
        _cleanup_(cleanup_buffer) struct buffer content = {0};
        if (!revocation_file_read(files->items[i], FILE_MOST, &content, f))
            return false;
        if (!path_pool_add(input, kind, buffer_bytes(&content), f))
            return failure_prefix(f, "%s: ", files->items[i]);
    }
    return true;
}

static bool load_rfc5280(struct judge *judge, struct failure *f)
{
    const struct options *options = judge->options;
    judge->path = (struct path_input){
        .policies = (const char *const *)options->trust.policies.items,
        .policy_count = options->trust.policies.count,
        .explicit_policy = options->explicit_policy,
        .inhibit_mapping = options->inhibit_mapping,
        .inhibit_any = options->inhibit_any,
        .no_revocation = options->no_revocation,
        .at = judge->at,
        .now = judge->now,
    };
    return pool_add(&judge->path, POOL_ANCHORS, &options->trust.anchors, f) &&
           path_pool_pinned(&judge->path, (const char *const *)options->trust.pins.items,
                            options->trust.pins.count, f) &&
           pool_add(&judge->path, POOL_UNTRUSTED, &options->untrusted, f) &&
           pool_add(&judge->path, POOL_CRLS, &options->trust.crls, f);
}

static bool load_jpki(struct judge *judge, struct failure *f)
{
    const struct options *options = judge->options;
    return trust_arguments_load(&options->trust, &judge->trust, f) &&
           trust_arguments_load_crls(&options->trust, judge->trust, &judge->crls, f) &&
           ocsp_files_load(options->responses.items, options->responses.count, &judge->responses,
                           f);
}

/* The first look tells which response it wants; the second gets it, or that there is none. */
static void judge_revocation(const struct judge *judge, const struct certificate *certificate,
                             struct checks *checks)
{
    struct revocation_policy policy = {
        .method = judge->responses.count > 0 ? REVOCATION_OCSP_THEN_CRL : REVOCATION_CRL_ONLY,
        .crl_age_most = 3 * INSTANT_DAY,
        .ocsp.age_most = INSTANT_DAY};
    struct revocation_input input = {&policy, judge->crls, judge->trust, {0}, judge->at, judge->now,
                                     0};
    instant suspended;
    _cleanup_(cleanup_buffer) struct buffer ask = {0};
    _cleanup_(cleanup_json) json_t *none = NULL, *evidence = NULL;
    if (policy.method != REVOCATION_CRL_ONLY) {
        struct checks *first = checks_new();
        revocation_judge(&input, certificate, first, &ask, &none, &suspended);
        checks_free(first);
        input.ocsp = ocsp_files_answer(&judge->responses, buffer_bytes(&ask));
        buffer_clear(&ask);
    }
    revocation_judge(&input, certificate, checks, &ask, &evidence, &suspended);
}

static void judge_jpki(const struct judge *judge, struct bytes der, struct checks *checks)
{
    struct certificate *certificate = certificate_read(der, judge->trust, judge->at, checks);
    if (certificate && certificate->issuer && !judge->options->no_revocation &&
        checks_indication(checks) == TOTAL_PASSED)
        judge_revocation(judge, certificate, checks);
    certificate_free(certificate);
}

static void print_json(const struct judge *judge, struct bytes der, const struct checks *checks)
{
    char fingerprint[65], at[INSTANT_TEXT];
    sha256_hex(der, fingerprint);
    _cleanup_(cleanup_json) json_t *report = json_pack(
        "{s:s, s:s?, s:I, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o}", "format", "uketsuke-certificate-1",
        "file", judge->file, "index", (json_int_t)judge->index, "profile",
        judge->options->rfc5280 ? "rfc5280" : "jpki", "judged_at", instant_text_jst(judge->at, at),
        "certificate_sha256", fingerprint, "indication", indication_name(checks_indication(checks)),
        "sub_indication", checks_sub_indication(checks), "reason", checks_reason(checks), "checks",
        checks_to_json(checks));
    json_dumpf(report, stdout, JSON_SORT_KEYS | JSON_COMPACT);
    putchar('\n');
}

static const char *text_at(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));
    return text ? text : "";
}

static void print_text(const struct judge *judge, const struct checks *checks)
{
    static const char *const verdicts[] = {"good", "CANNOT TELL", "BAD"};
    size_t i;
    json_t *check;
    _cleanup_(cleanup_json) json_t *list = checks_to_json(checks);
    printf("%s, certificate %zu: %s", judge->file, judge->index,
           verdicts[checks_indication(checks)]);
    if (checks_reason(checks))
        printf(" (%s, %s)", checks_reason(checks), checks_sub_indication(checks));
    putchar('\n');
    json_array_foreach (list, i, check) {
        const char *result = text_at(check, "result");
        printf("  %s %-24s %s\n",
               *result == 'p'   ? "✓"
               : *result == 'f' ? "✗"
                                : "?",
               text_at(check, "check"), text_at(check, "text"));
    }
}

/* Of many the worst: bad, else cannot tell. */
static bool judge_one(void *context, struct bytes der, struct failure *f)
{
    static const int codes[] = {EXIT_DONE, EXIT_LATER, EXIT_NO};
    struct judge *judge = context;
    struct checks *checks = checks_new();
    (void)f;
    if (judge->options->rfc5280)
        path_judge_der(der, &judge->path, checks);
    else
        judge_jpki(judge, der, checks);
    if (judge->options->json)
        print_json(judge, der, checks);
    else
        print_text(judge, checks);
    int code = codes[checks_indication(checks)];
    if (judge->code != EXIT_NO && code != EXIT_DONE)
        judge->code = code;
    judge->index++;
    checks_free(checks);
    return true;
}

static bool pass_over(void *context, struct bytes der, struct failure *f)
{
    (void)context, (void)der, (void)f;
    return true;
}

/* A file that is not certificates and nothing else is one bad certificate. */
static bool judge_all(struct judge *judge, struct bytes content, struct failure *f)
{
    struct failure why = {0};
    if (!pool_each(content, "CERTIFICATE", pass_over, NULL, &why))
        return judge_one(judge, content, f);
    return pool_each(content, "CERTIFICATE", judge_one, judge, f);
}

static int check_file(const struct options *options, const char *path)
{
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    instant now = options->now ? options->now : clock_now();
    _cleanup_(judge_free) struct judge judge = {
        .options = options, .at = options->at ? options->at : now, .now = now, .file = path};
    bool ready = (options->rfc5280 ? load_rfc5280(&judge, &f) : load_jpki(&judge, &f)) &&
                 revocation_file_read(path, FILE_MOST, &content, &f);
    return ready && judge_all(&judge, buffer_bytes(&content), &f)
               ? judge.code
               : command_fail(certificate_check_command.name, EXIT_FAILED, &f);
}

static int run(const struct config *config, int argc, char **argv)
{
    _cleanup_(options_free) struct options options = {0};
    const struct option long_options[] = {
        TRUST_LONG_OPTIONS,
        {"profile", required_argument, NULL, OPTION_PROFILE},
        {"untrusted", required_argument, NULL, OPTION_UNTRUSTED},
        {"ocsp", required_argument, NULL, OPTION_OCSP},
        {"explicit-policy", no_argument, &options.explicit_policy, 1},
        {"inhibit-mapping", no_argument, &options.inhibit_mapping, 1},
        {"inhibit-any", no_argument, &options.inhibit_any, 1},
        {"no-revocation", no_argument, &options.no_revocation, 1},
        {"at", required_argument, NULL, OPTION_AT},
        {"now", required_argument, NULL, OPTION_NOW},
        {"json", no_argument, NULL, OPTION_JSON},
        {0},
    };
    int option;
    (void)config;
    log_open(certificate_check_command.name, LOG_LEVEL_WARNING, false);
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!option_take(&options, option, optarg))
            return command_usage(&certificate_check_command, "cannot take %s", argv[optind - 1]);
    if (optind + 1 != argc)
        return command_usage(&certificate_check_command, "one file is wanted");
    if (options.trust.anchors.count == 0)
        return command_usage(&certificate_check_command, "no --trust is given");
    if (options.rfc5280 && options.responses.count > 0)
        return command_usage(&certificate_check_command, "--ocsp is for profile jpki");
    return check_file(&options, argv[optind]);
}

const struct command certificate_check_command = {
    .name = "certificate check",
    .summary = "Judge certificates from a file, as of a moment",
    .usage =
        "Usage: uketsuke certificate check FILE --trust FILE_OR_DIR… [--crl FILE_OR_DIR]…\n"
        "\n"
        "Gives one verdict for each certificate in FILE (PEM or DER, one or many), as of --at.\n"
        "Asks nobody: without --crl or --ocsp it cannot tell whether one was revoked.\n"
        "\n"
        "  --profile jpki     a signing certificate of the My Number card (default): one tier\n"
        "  --profile rfc5280  a path of any depth (RFC 5280)\n"
        "  --trust FILE_OR_DIR  anchors; trusted because they are named here\n"
        "  --pin SHA256       every anchor must have one of these fingerprints, if any is given\n"
        "  --untrusted FILE_OR_DIR  intermediates and issuers of CRLs (rfc5280)\n"
        "  --crl FILE_OR_DIR  revocation lists; of a folder the files .crl\n"
        "  --ocsp FILE        an OCSP response (jpki)\n"
        "  --no-revocation    do not look whether it was revoked\n"
        "  --policy OID       accepted policy; rfc5280: of the user-initial-policy-set\n"
        "  --explicit-policy, --inhibit-mapping, --inhibit-any  inputs of RFC 5280 §6.1.1\n"
        "  --production       only roots of JPKI that this program knows (jpki)\n"
        "  --at TIME          judge as of this moment (2026-11-21T09:00:00+09:00; default: now)\n"
        "  --now TIME         judge revocation data as if it were this time (default: now)\n"
        "  --json             one JSON object a line (docs/formats/certificate.md)\n"
        "\n"
        "Exit code: 0 all good, 1 one is bad, 2 one cannot be told, 3 failure, 64 wrong usage.\n"
        "\n"
        "Example:\n"
        "  uketsuke certificate check card.pem --trust roots/ --crl city.crl\n",
    .run = run,
};
