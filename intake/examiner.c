/* What an examiner holds ready: limits, trust, procedures, and the revocation lists. This is the
 * part of examination that touches the world. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/examine.h"
#include "intake/index_folder.h"
#include "intake/ocsp.h"
#include "intake/revocation.h"

static const struct config_key trust_keys[] = {
    {"mode", CONFIG_CHOICE, "production", .choices = "production sandbox",
     .help = "production: only roots of JPKI that this program knows. sandbox: any pinned root "
             "that is not of JPKI; never for real applications."},
    {"anchors", CONFIG_PATHS, "",
     .help = "PEM files with the self-signed roots of the signing CA, all generations, expired "
             "ones too (they judge the past)."},
    {"pins", CONFIG_LIST, "",
     .help = "SHA-256 of each root's DER, 64 hexadecimal digits. A root without its pin is a "
             "failure."},
    {"policies", CONFIG_LIST, "1.2.392.200149.8.5.1.1.20 1.2.392.200149.8.5.1.1.40",
     .help = "Accepted certificate policies (OIDs): card and smartphone signing certificates."},
};
const struct config_section trust_config_section = {
    "trust", .help = "Whose signing certificates (署名用電子証明書) are believed.",
    .keys = trust_keys, .key_count = sizeof trust_keys / sizeof *trust_keys};

static const struct config_key forms_keys[] = {
    {"procedures", CONFIG_PATH, "/usr/share/uketsuke/procedures",
     .help = "Folder of the procedures: <area>/<procedure>/procedure.xml and what belongs to it."},
    {"closed-days", CONFIG_CHOICE, "moved", .choices = "moved kept",
     .help = "Whether a term that ends on a Saturday, a Sunday, a national holiday or from 29 "
             "December to 3 January ends on the next open day."},
};
const struct config_section forms_config_section = {
    "forms", .help = "The definitions of the procedures (手続) and their forms.",
    .keys = forms_keys, .key_count = sizeof forms_keys / sizeof *forms_keys};

const struct config_section procedure_config_section = {
    "procedure", .named = true, .free = true,
    .help = "What the city chooses for one procedure, NAME being its id: the keys are the settings "
            "that its `rules.xml` declares, with their defaults ([format](formats/procedure.md))."};

static bool settings_take(const struct config *config, struct procedures *procedures,
                          struct failure *f)
{
    const struct config_group *group = NULL;
    while ((group = config_next(config, procedure_config_section.name, group)))
        for (size_t i = 0; i < config_free_count(group); i++) {
            struct failure why = {0};
            if (!procedures_set(procedures, config_name(group), config_free_key(group, i),
                                config_free_text(group, i), &why))
                return config_free_fault(config, group, i, why.text, f);
        }
    return true;
}

bool examiner_load_procedures(const struct config *config, struct procedures **ret_procedures,
                              struct failure *f)
{
    const struct config_group *forms = config_group(config, forms_config_section.name);
    struct procedures *procedures;
    if (!procedures_load(config_text(forms, "procedures"), &procedures, f))
        return false;
    procedures_closed_days_move(procedures,
                                strcmp(config_text(forms, "closed-days"), "moved") == 0);
    if (!settings_take(config, procedures, f)) {
        procedures_free(procedures);
        return false;
    }
    *ret_procedures = procedures;
    return true;
}

static size_t list_read(const struct config_group *group, const char *key, const char ***ret_list)
{
    size_t count = config_list_length(group, key);
    *ret_list = memory_allocate((count + 1) * sizeof **ret_list);
    for (size_t i = 0; i < count; i++)
        (*ret_list)[i] = config_list_item(group, key, i);
    return count;
}

bool examiner_load_trust(const struct config *config, struct trust **ret_trust, struct failure *f)
{
    const struct config_group *group = config_group(config, trust_config_section.name);
    if (config_list_length(group, "anchors") == 0)
        return failure_set(
            f, FAILURE_USAGE,
            "%s: [trust] anchors is not given; without roots nothing can be verified",
            config_path(config));
    const char **anchors, **pins, **policies;
    struct trust_options options = {
        .mode =
            strcmp(config_text(group, "mode"), "sandbox") == 0 ? TRUST_SANDBOX : TRUST_PRODUCTION,
        .anchor_count = list_read(group, "anchors", &anchors),
        .pin_count = list_read(group, "pins", &pins),
        .policy_count = list_read(group, "policies", &policies),
    };
    options.anchors = anchors;
    options.pins = pins;
    options.policies = policies;
    bool loaded = trust_load(&options, ret_trust, f);
    free(anchors);
    free(pins);
    free(policies);
    return loaded;
}

/* One index that cannot be used must not take the others away: it is logged, and its partition is
 * held until there is a good one. */
static void index_add(struct crl_set *set, const struct index_folder *folder, size_t i)
{
    _cleanup_(cleanup_fd) int fd = -1;
    struct crl_index *index;
    struct failure f = {0};
    if (index_folder_open(folder, i, &fd, &f) && crl_index_map(fd, &index, &f))
        crl_set_take(set, index);
    else
        log_warning("revocation.index_refused", log_text("file", folder->names[i]),
                    log_text("text", f.text));
}

static bool lists_load(struct examiner *examiner, struct failure *f)
{
    struct index_folder folder;
    if (!index_folder_read(examiner->crl_directory, &folder, f))
        return false;
    for (size_t i = 0; i < folder.count; i++)
        index_add(examiner->crls, &folder, i);
    index_folder_free(&folder);
    log_info("revocation.lists_loaded",
             log_number("lists", (int64_t)crl_set_count(examiner->crls)));
    return true;
}

const char *examiner_lists(const struct config *config)
{
    return config_text(config_group(config, revocation_config_section.name), "directory");
}

bool examiner_load_bare(const struct config *config, struct examiner *ret_examiner,
                        struct failure *f)
{
    struct examiner examiner = {.crls = crl_set_new()};
    package_limits_read(config, &examiner.limits);
    snprintf(examiner.crl_directory, sizeof examiner.crl_directory, "%s", examiner_lists(config));
    if (!revocation_policy_read(config, &examiner.revocation, f) ||
        !examiner_load_trust(config, &examiner.trust, f) ||
        !examiner_load_procedures(config, &examiner.procedures, f)) {
        examiner_free(&examiner);
        return false;
    }
    *ret_examiner = examiner;
    return true;
}

bool examiner_load(const struct config *config, struct examiner *ret_examiner, struct failure *f)
{
    struct examiner examiner;
    if (!examiner_load_bare(config, &examiner, f))
        return false;
    if (!lists_load(&examiner, f)) {
        examiner_free(&examiner);
        return false;
    }
    *ret_examiner = examiner;
    return true;
}

void examiner_free(struct examiner *examiner)
{
    trust_free(examiner->trust);
    crl_set_free(examiner->crls);
    procedures_free(examiner->procedures);
    *examiner = (struct examiner){0};
}
