/* What an examiner holds ready: limits, trust, procedures, and the revocation lists, which are
 * loaded again when their folder changed. This is the part of examination that touches the world.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/examine.h"
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

static bool is_index(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".idx") == 0;
}

/* FNV-1a over what changes when a file is replaced. */
static uint64_t file_stamp(const char *name, const struct stat *st)
{
    uint64_t facts[] = {(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
                        (uint64_t)st->st_size, (uint64_t)st->st_ino};
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash = (hash ^ facts[i]) * 0x100000001b3;
    return hash;
}

/* One index that cannot be used must not take the others away: it is logged, and its partition is
 * held until there is a good one. */
static void index_add(struct crl_set *set, const char *path, const char *name)
{
    struct crl_index *index;
    struct failure f = {0};
    if (crl_index_open(path, &index, &f))
        crl_set_take(set, index);
    else
        log_warning("revocation.index_refused", log_text("file", name), log_text("text", f.text));
}

/* Walks the folder; adds the indexes to `set` when there is one. No folder yet is an empty folder.
 */
static bool folder_walk(const char *path, struct crl_set *set, int64_t *ret_stamp,
                        struct failure *f)
{
    uint64_t stamp = 1; /* 0 is "never loaded" */
    DIR *folder = opendir(path);
    if (!folder && errno != ENOENT)
        return failure_errno(f, "cannot read the folder of revocation lists %s", path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat st;
        if (!is_index(entry->d_name) || fstatat(dirfd(folder), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        stamp += file_stamp(entry->d_name, &st); /* a sum: the folder has no order */
        _cleanup_(cleanup_text) char *file = text_format("%s/%s", path, entry->d_name);
        if (set)
            index_add(set, file, entry->d_name);
    }
    if (folder)
        closedir(folder);
    *ret_stamp = (int64_t)stamp;
    return true;
}

bool examiner_refresh(struct examiner *examiner, struct failure *f)
{
    int64_t stamp;
    if (!folder_walk(examiner->crl_directory, NULL, &stamp, f))
        return false;
    if (stamp == examiner->crl_stamp)
        return true;
    struct crl_set *set = crl_set_new();
    /* The stamp of what is really loaded: a list that arrives meanwhile is seen the next time. */
    if (!folder_walk(examiner->crl_directory, set, &stamp, f)) {
        crl_set_free(set);
        return false;
    }
    crl_set_free(examiner->crls);
    examiner->crls = set;
    examiner->crl_stamp = stamp;
    log_info("revocation.lists_loaded", log_number("lists", (int64_t)crl_set_count(set)));
    return true;
}

bool examiner_stamp(const struct config *config, int64_t *ret_stamp, struct failure *f)
{
    const struct config_group *revocation = config_group(config, revocation_config_section.name);
    return folder_walk(config_text(revocation, "directory"), NULL, ret_stamp, f);
}

bool examiner_load(const struct config *config, struct examiner *ret_examiner, struct failure *f)
{
    const struct config_group *revocation = config_group(config, revocation_config_section.name);
    struct examiner examiner = {0};
    package_limits_read(config, &examiner.limits);
    snprintf(examiner.crl_directory, sizeof examiner.crl_directory, "%s",
             config_text(revocation, "directory"));
    if (!revocation_policy_read(config, &examiner.revocation, f) ||
        !examiner_load_trust(config, &examiner.trust, f) ||
        !examiner_load_procedures(config, &examiner.procedures, f) ||
        !examiner_refresh(&examiner, f)) {
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
