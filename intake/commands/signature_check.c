/* `uketsuke signature check`: one container of signatures, outside of any package. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/signature_files.h"
#include "intake/commands/trust_options.h"
#include "signature/certificate.h"
#include "signature/revocation.h"

extern const struct command signature_check_command;

struct options {
    struct signature_paths paths;
    struct trust_arguments trust;
    bool json;
};

enum {
    OPTION_CONTAINER = 256,
    OPTION_SIGNATURE,
    OPTION_CONTENT,
    OPTION_CERTIFICATE,
    OPTION_AT,
    OPTION_JSON
};

static const struct option long_options[] = {
    TRUST_LONG_OPTIONS,
    {"container", required_argument, NULL, OPTION_CONTAINER},
    {"signature", required_argument, NULL, OPTION_SIGNATURE},
    {"content", required_argument, NULL, OPTION_CONTENT},
    {"certificate", required_argument, NULL, OPTION_CERTIFICATE},
    {"at", required_argument, NULL, OPTION_AT},
    {"json", no_argument, NULL, OPTION_JSON},
    {0},
};

/* What one call holds: files, and what was found. */
struct checking {
    const struct options *options;
    struct signature_files files;
    struct signature_result result;
    bool holds; /* the result is there */
    struct checks *checks;
    json_t *revocation;
};

static void cleanup_options(struct options *options)
{
    option_list_free(&options->paths.contents);
    trust_arguments_free(&options->trust);
}

static void cleanup_checking(struct checking *c)
{
    signature_files_free(&c->files);
    signature_result_free(&c->result);
    checks_free(c->checks);
    json_decref(c->revocation);
}

static bool option_take(struct options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_CONTAINER:
        return (options->paths.container = signature_container_find(value)) != NULL;
    case OPTION_SIGNATURE:
        options->paths.signature = value;
        return true;
    case OPTION_CONTENT:
        return strchr(value, '=') > value && option_list_add(&options->paths.contents, value);
    case OPTION_CERTIFICATE:
        options->paths.certificate = value;
        return true;
    case OPTION_AT:
        return option_moment(value, &options->paths.at);
    case OPTION_JSON:
        return options->json = true;
    default:
        return trust_arguments_take(&options->trust, option, value);
    }
}

static void coverage_judge(struct checking *c)
{
    for (size_t i = 0; i < c->result.covered_count; i++)
        if (c->result.covered[i].coverage == COVERAGE_NONE) {
            checks_fail(c->checks, "signature.coverage", "SIG_CONSTRAINTS_FAILURE",
                        "signature-coverage", "content %zu is not covered", i + 1);
            return;
        }
    checks_pass(c->checks, "signature.coverage", "all contents are covered");
}

static bool certificate_check(struct checking *c, struct failure *f)
{
    const struct options *options = c->options;
    const struct revocation_policy policy = {.crl_age_most = 3 * INSTANT_DAY};
    instant now = clock_now(), at = options->paths.at ? options->paths.at : now;
    struct trust *trust = NULL;
    struct crl_set *crls = NULL;
    _cleanup_(cleanup_buffer) struct buffer ask = {0};
    instant suspended;
    bool ready = trust_arguments_load(&options->trust, &trust, f) &&
                 trust_arguments_load_crls(&options->trust, trust, &crls, f);
    if (ready) {
        struct certificate *certificate =
            certificate_judge(c->result.x509, c->result.key, trust, at, c->checks);
        const struct revocation_input input = {
            .policy = &policy, .crls = crls, .trust = trust, .applied_at = at, .now = now};
        if (checks_indication(c->checks) != TOTAL_FAILED)
            revocation_judge(&input, certificate, c->checks, &ask, &c->revocation, &suspended);
        certificate_free(certificate);
    }
    crl_set_free(crls);
    trust_free(trust);
    return ready;
}

static const char *const verdicts[] = {
    [TOTAL_PASSED] = "good", [INDETERMINATE] = "cannot-tell", [TOTAL_FAILED] = "bad"};

static json_t *coverage_json(const struct checking *c)
{
    static const char *const words[] = {"none", "bytes", "tree"};
    json_t *list = json_array();
    for (size_t i = 0; i < c->files.input.signable_count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "content", c->files.input.signables[i].name, "coverage",
                            words[c->holds ? c->result.covered[i].coverage : COVERAGE_NONE]));
    return list;
}

static json_t *result_json(const struct checking *c)
{
    const struct options *options = c->options;
    enum indication indication = checks_indication(c->checks);
    bool trusted = options->trust.anchors.count > 0;
    char fingerprint[65];
    sha256_hex(buffer_bytes(&c->result.certificate), fingerprint);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s, s:b, s:s?, s:i, s:s?, s:o, s:O?, s:o}", "format",
        "uketsuke-signature-1", "container", options->paths.container->name, "verdict",
        verdicts[indication], "indication", indication_name(indication), "sub_indication",
        checks_sub_indication(c->checks), "reason", checks_reason(c->checks), "judged",
        trusted ? "certificate" : "signature", "pinned", options->trust.pins.count > 0, "algorithm",
        c->holds ? c->result.algorithm : NULL, "signatures", (int)c->result.signature_count,
        "certificate_sha256", c->holds ? fingerprint : NULL, "coverage", coverage_json(c),
        "revocation", c->revocation, "checks", checks_to_json(c->checks));
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void result_print(const struct checking *c, const json_t *json)
{
    size_t i;
    json_t *one;
    printf("%s: %s", c->options->paths.signature, text_at(json, "verdict"));
    if (*text_at(json, "reason"))
        printf(" (%s, %s)", text_at(json, "reason"), text_at(json, "sub_indication"));
    printf("\n");
    json_array_foreach (json_object_get(json, "checks"), i, one)
        printf("  %-9s %-24s %s\n", text_at(one, "result"), text_at(one, "check"),
               text_at(one, "text"));
    json_array_foreach (json_object_get(json, "coverage"), i, one)
        printf("  covered   %-24s %s\n", text_at(one, "content"), text_at(one, "coverage"));
    if (c->options->trust.anchors.count == 0)
        printf("  Whose certificate it is was not judged: give --trust, and --crl.\n");
    else if (c->options->trust.pins.count == 0)
        printf("  The roots are not pinned: they are trusted because --trust names them.\n");
}

static int check(const struct options *options)
{
    static const int codes[] = {
        [TOTAL_PASSED] = EXIT_DONE, [INDETERMINATE] = EXIT_LATER, [TOTAL_FAILED] = EXIT_NO};
    _cleanup_(cleanup_checking) struct checking c = {.options = options};
    struct failure f = {0};
    c.checks = checks_new();
    if (!signature_files_read(&options->paths, &c.files, &f))
        return command_fail(signature_check_command.name, EXIT_FAILED, &f);
    c.holds = options->paths.container->verify(&c.files.input, &c.result, c.checks);
    if (c.holds)
        coverage_judge(&c);
    if (options->trust.anchors.count > 0 && checks_indication(c.checks) == TOTAL_PASSED &&
        !certificate_check(&c, &f))
        return command_fail(signature_check_command.name, EXIT_FAILED, &f);
    _cleanup_(cleanup_json) json_t *json = result_json(&c);
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    json_write(json, &text);
    if (options->json)
        printf("%s\n", buffer_text(&text));
    else
        result_print(&c, json);
    return codes[checks_indication(c.checks)];
}

static int run(const struct config *config, int argc, char **argv)
{
    (void)config;
    _cleanup_(cleanup_options) struct options options = {0};
    const struct command *self = &signature_check_command;
    int option;

    log_open(self->name, LOG_LEVEL_WARNING, false);
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!option_take(&options, option, optarg))
            return command_usage(self, "cannot take %s", argv[optind - 1]);
    if (optind < argc || !options.paths.container || !options.paths.signature)
        return command_usage(self, "--container and --signature are needed, and nothing more");
    bool xml = strcmp(options.paths.container->name, "xmldsig") == 0;
    bool raw = strcmp(options.paths.container->name, "raw") == 0;
    if (options.paths.contents.count >= SIGNATURE_CONTENTS_MOST ||
        (!xml && options.paths.contents.count == 0))
        return command_usage(self, "the contents that are signed are needed, at most %d",
                             SIGNATURE_CONTENTS_MOST - 1);
    if (strcmp(options.paths.container->name, "cms") == 0 && options.paths.contents.count > 1)
        return command_usage(self, "a CMS file is over one content");
    if (options.paths.certificate && !raw)
        return command_usage(self, "--certificate goes with --container raw");
    if (options.trust.anchors.count == 0 &&
        options.trust.pins.count + options.trust.crls.count + options.trust.policies.count > 0)
        return command_usage(self, "--pin, --policy and --crl go with --trust");
    return check(&options);
}

const struct command signature_check_command = {
    .name = "signature check",
    .summary = "Judge one signature file: XML Signature, CMS or raw values",
    .usage =
        "Usage: uketsuke signature check --container xmldsig|cms|raw --signature FILE\n"
        "           [--content NAME=FILE]… [--certificate FILE] [--trust FILE_OR_DIR]… [--json]\n"
        "\n"
        "Judges what is signed, with which algorithm, by which certificate. With --trust the\n"
        "certificate and its revocation are judged as well; without, nothing is said of whose\n"
        "certificate it is. Nothing is stored, nothing is asked of the network.\n"
        "\n"
        "  --content NAME=FILE  what is signed, by the name that the signature has for it; an XML\n"
        "                       document with its signature within needs none\n"
        "  --certificate FILE   raw: the signer's, PEM or DER, when FILE is one bare value\n"
        "  --trust FILE_OR_DIR  roots of the signing CA, PEM or DER; may be repeated\n"
        "  --pin SHA256         refuse other roots\n"
        "  --policy OID         accepted certificate policy (default: JPKI's signing policies)\n"
        "  --crl FILE_OR_DIR    revocation lists; of a folder the files .crl\n"
        "  --production         only roots of JPKI that this program knows\n"
        "  --at TIME            judge as of this time (default: now)\n"
        "  --json               one JSON object\n"
        "\n"
        "Exit code: 0 good, 1 bad, 2 cannot be told (no revocation data), 3 failure.\n"
        "\n"
        "Example:\n"
        "  uketsuke signature check --container cms --signature 1.pdf.p7s --content 1.pdf=1.pdf\n",
    .run = run,
};
