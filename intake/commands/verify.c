/* `uketsuke verify`: the examination from the command line, without a database. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/ocsp_files.h"
#include "intake/commands/trust_options.h"
#include "intake/commands/verify_print.h"
#include "intake/commands/verify_stored.h"
#include "intake/examine.h"
#include "intake/revocation.h"

struct options {
    bool json, explain;
    const char *stored; /* a receipt number, instead of packages */
    struct trust_arguments trust;
    struct option_list responses;
    const char *procedures;
    const char *city; /* whose applications these should be; NULL: anybody's */
    instant at, now;
};

enum {
    OPTION_OCSP = 256,
    OPTION_PROCEDURES,
    OPTION_CITY,
    OPTION_AT,
    OPTION_NOW,
    OPTION_JSON,
    OPTION_EXPLAIN,
    OPTION_STORED
};

static const struct option long_options[] = {
    TRUST_LONG_OPTIONS,
    {"ocsp", required_argument, NULL, OPTION_OCSP},
    {"procedures", required_argument, NULL, OPTION_PROCEDURES},
    {"city", required_argument, NULL, OPTION_CITY},
    {"at", required_argument, NULL, OPTION_AT},
    {"now", required_argument, NULL, OPTION_NOW},
    {"json", no_argument, NULL, OPTION_JSON},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"stored", required_argument, NULL, OPTION_STORED},
    {0},
};

extern const struct command verify_command;

/* With anchors on the command line there is no configuration to read. */
static bool stands_alone(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strncmp(argv[i], "--trust", 7) == 0)
            return true;
    return false;
}

static void cleanup_options(struct options *options)
{
    trust_arguments_free(&options->trust);
    option_list_free(&options->responses);
}

static int option_take(struct options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_OCSP:
        return option_list_add(&options->responses, value);
    case OPTION_PROCEDURES:
        options->procedures = value;
        return true;
    case OPTION_CITY:
        options->city = value;
        return dantai_code_valid(value);
    case OPTION_AT:
        return option_moment(value, &options->at);
    case OPTION_NOW:
        return option_moment(value, &options->now);
    case OPTION_JSON:
        return options->json = true;
    case OPTION_EXPLAIN:
        return options->explain = true;
    case OPTION_STORED:
        options->stored = value;
        return receipt_number_valid(value);
    default:
        return trust_arguments_take(&options->trust, option, value);
    }
}

static bool examiner_from_options(const struct options *options, struct examiner *ret_examiner,
                                  struct failure *f)
{
    struct examiner examiner = {.limits = package_limits_default(),
                                .revocation.crl_age_most = 3 * INSTANT_DAY,
                                .revocation.ocsp.age_most = INSTANT_DAY};
    bool ready = trust_arguments_load(&options->trust, &examiner.trust, f) &&
                 trust_arguments_load_crls(&options->trust, examiner.trust, &examiner.crls, f) &&
                 procedures_load(options->procedures ? options->procedures
                                                     : "/usr/share/uketsuke/procedures",
                                 &examiner.procedures, f);
    if (!ready) {
        examiner_free(&examiner);
        return false;
    }
    *ret_examiner = examiner;
    return true;
}

/* The first look tells which response it wants; the second gets it, or that there is none. */
static void examine_with(struct examination_input *input, const struct ocsp_files *responses,
                         struct examination *ret_examination)
{
    examine(input, ret_examination);
    if (ret_examination->ocsp_certid.length == 0)
        return;
    input->ocsp = ocsp_files_answer(responses, buffer_bytes(&ret_examination->ocsp_certid));
    examination_free(ret_examination);
    examine(input, ret_examination);
}

static int verify_one(const struct examiner *examiner, const struct ocsp_files *responses,
                      const struct options *options, const char *path)
{
    static const int codes[] = {
        [VERDICT_ACCEPTED] = EXIT_DONE, [VERDICT_REFUSED] = EXIT_NO, [VERDICT_HELD] = EXIT_LATER};
    _cleanup_(cleanup_secret_buffer) struct buffer content = {0};
    struct failure f = {0};
    /* One byte more than the limit is enough to be refused for it. */
    if (!revocation_file_read(path, REVOCATION_FILE_MOST, &content, &f))
        return command_fail(verify_command.name, EXIT_FAILED, &f);
    struct examination_input input = {
        .package = buffer_bytes(&content),
        .city_code = options->city,
        .applied_at = options->at,
        .now = options->now ? options->now : clock_now(),
        .limits = &examiner->limits,
        .trust = examiner->trust,
        .crls = examiner->crls,
        .revocation = examiner->revocation,
        .procedures = examiner->procedures,
    };
    struct examination examination;
    examine_with(&input, responses, &examination);
    if (options->json)
        verify_print_json(stdout, path, &examination);
    else if (options->explain)
        verify_print_page(stdout, path, &examination);
    else
        verify_print_text(stdout, path, &examination);
    int code = codes[examination.verdict];
    examination_free(&examination);
    return code;
}

/* Of many: a failure, else a refusal, else one that is held. */
static int worse_of(int a, int b)
{
    static const int ranks[] = {
        [EXIT_DONE] = 0, [EXIT_LATER] = 1, [EXIT_NO] = 2, [EXIT_FAILED] = 3};
    return ranks[a] >= ranks[b] ? a : b;
}

static int verify_packages(struct examiner *examiner, const struct options *options, char **paths)
{
    struct ocsp_files responses;
    struct failure f = {0};
    int code = EXIT_DONE;

    if (!ocsp_files_load(options->responses.items, options->responses.count, &responses, &f))
        return command_fail(verify_command.name, EXIT_FAILED, &f);
    if (responses.count > 0 && examiner->revocation.method == REVOCATION_CRL_ONLY)
        examiner->revocation.method = REVOCATION_OCSP_THEN_CRL;
    for (; *paths; paths++)
        code = worse_of(code, verify_one(examiner, &responses, options, *paths));
    ocsp_files_free(&responses);
    return code;
}

static int verify_all(const struct config *config, const struct options *options, char **paths)
{
    struct examiner examiner;
    struct failure f = {0};

    if (options->trust.anchors.count > 0 ? !examiner_from_options(options, &examiner, &f)
                                         : !examiner_load(config, &examiner, &f))
        return command_fail(verify_command.name, EXIT_FAILED, &f);
    int code = verify_packages(&examiner, options, paths);
    examiner_free(&examiner);
    return code;
}

/* Everything else is taken from the day: nothing that is given may be passed over in silence. */
static bool stored_alone(const struct options *options)
{
    return !options->explain && !options->procedures && !options->city && !options->at &&
           !options->now && options->responses.count == 0 &&
           !trust_arguments_given(&options->trust);
}

static int run(const struct config *config, int argc, char **argv)
{
    _cleanup_(cleanup_options) struct options options = {0};
    int option;

    log_open(verify_command.name, LOG_LEVEL_WARNING, false);
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!option_take(&options, option, optarg))
            return command_usage(&verify_command, "cannot take %s", argv[optind - 1]);
    if (options.stored)
        return optind < argc || !stored_alone(&options)
                   ? command_usage(&verify_command, "--stored takes nothing besides but --json")
                   : verify_stored(config, options.stored, options.json);
    if (optind >= argc)
        return command_usage(&verify_command, "no package is given");
    if (config && !options.city)
        options.city = config_text(config_group(config, "city"), "code");
    return verify_all(config, &options, argv + optind);
}

const struct command verify_command = {
    .name = "verify",
    .summary = "Judge packages (申請ZIP) from files, without a database",
    .usage =
        "Usage: uketsuke verify [--json | --explain] PACKAGE…\n"
        "       uketsuke verify --trust FILE_OR_DIR… [--crl FILE…] [--ocsp FILE…]\n"
        "                       PACKAGE…\n"
        "       uketsuke verify --stored RECEIPT-NUMBER [--json]\n"
        "\n"
        "Judges each package as the examine role would: container, manifest, signature,\n"
        "certificate, revocation, coverage, form. Prints every check, the verdict, what it\n"
        "means and what to do. Nothing is stored, nothing is asked of the network.\n"
        "\n"
        "Trust, revocation lists and procedures come from the configuration, or, with --trust,\n"
        "from the command line alone:\n"
        "  --trust FILE_OR_DIR  roots of the signing CA, PEM or DER; may be repeated\n"
        "  --pin SHA256       refuse other roots (openssl x509 -fingerprint -sha256); without\n"
        "                     it a root is trusted because it is named here\n"
        "  --policy OID       accepted certificate policy (default: JPKI's signing policies)\n"
        "  --crl FILE_OR_DIR  revocation lists; of a folder the files .crl\n"
        "  --procedures DIR   default: /usr/share/uketsuke/procedures\n"
        "  --production       only roots of JPKI that this program knows\n"
        "\n"
        "  --ocsp FILE        OCSP response (DER) about a package's certificate; may be repeated\n"
        "  --city CODE        refuse applications to another city (default: [city] code)\n"
        "  --at TIME          refuse unless applied-at is exactly this "
        "(2026-11-21T09:00:00+09:00)\n"
        "  --now TIME         judge as if it were this time (default: now)\n"
        "  --json             the reports, one JSON object a line (docs/formats/report.md)\n"
        "  --explain          a page of plain Japanese for each package, for staff\n"
        "\n"
        "--stored takes the last verdict of an application from the database, examines the stored\n"
        "package again with what the verdict rested on, as of the moment of that examination, and\n"
        "says whether verdict and report are the same, and what has changed or is missing. Needs\n"
        "the rights and the city key of the examine role; an entry in the audit trail says that\n"
        "it was looked at. The exit code is the verdict's of the day; 3 when it comes out\n"
        "otherwise today.\n"
        "\n"
        "Exit code: 0 accepted, 1 refused, 2 held, 3 failure. Of several packages the worst\n"
        "counts: failure, else refused, else held.\n"
        "\n"
        "Example:\n"
        "  uketsuke verify --config state/uketsuke.conf state/town-1/applications/*.zip\n",
    .needs_config = true,
    .stands_alone = stands_alone,
    .run = run,
};
