#include "intake/commands/trust_options.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

bool option_list_add(struct option_list *list, const char *item)
{
    if (list->count == TRUST_OPTION_MOST)
        return false;
    list->items[list->count++] = text_copy(item);
    return true;
}

void option_list_free(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct option_list){0};
}

bool option_moment(const char *value, instant *ret_moment)
{
    instant moment;
    if (!instant_parse(value, &moment) || moment <= 0)
        return false;
    *ret_moment = moment;
    return true;
}

/* Dotted: "1.2.392.200149.8.5.1.1.20". */
static bool oid_valid(const char *text)
{
    size_t numbers = 0;
    for (; *text >= '0' && *text <= '9'; numbers++) {
        text += strspn(text, "0123456789");
        if (*text == '.' && text[1])
            text++;
    }
    return !*text && numbers >= 2;
}

/* As `openssl x509 -fingerprint` prints it, with colons, or without. */
static bool pin_add(struct option_list *pins, const char *text)
{
    _cleanup_(cleanup_text) char *plain = text_copy(text);
    char *to = plain;
    for (const char *p = text; *p; p++)
        if (*p != ':')
            *to++ = *p;
    *to = 0;
    return option_list_add(pins, plain);
}

static bool ends_with(const struct dirent *entry, const char *ending)
{
    size_t length = strlen(entry->d_name), end = strlen(ending);
    return length > end && strcmp(entry->d_name + length - end, ending) == 0;
}

static int is_certificate(const struct dirent *entry)
{
    return ends_with(entry, ".pem") || ends_with(entry, ".crt") || ends_with(entry, ".cer") ||
           ends_with(entry, ".der");
}

static int is_crl(const struct dirent *entry)
{
    return ends_with(entry, ".crl");
}

static bool folder_add(struct option_list *list, const char *folder,
                       int (*wanted)(const struct dirent *))
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, wanted, alphasort);
    bool taken = count > 0;
    for (int i = 0; i < count; i++) {
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, entries[i]->d_name);
        taken = taken && option_list_add(list, path);
        free(entries[i]);
    }
    free(entries);
    return taken;
}

static bool add(struct option_list *list, const char *path, int (*wanted)(const struct dirent *))
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return folder_add(list, path, wanted);
    return option_list_add(list, path);
}

bool option_list_add_certificates(struct option_list *list, const char *path)
{
    return add(list, path, is_certificate);
}

bool trust_arguments_take(struct trust_arguments *arguments, int option, const char *value)
{
    switch (option) {
    case OPTION_TRUST:
        return option_list_add_certificates(&arguments->anchors, value);
    case OPTION_PIN:
        return pin_add(&arguments->pins, value);
    case OPTION_POLICY:
        return oid_valid(value) && option_list_add(&arguments->policies, value);
    case OPTION_CRL:
        return add(&arguments->crls, value, is_crl);
    case OPTION_PRODUCTION:
        return arguments->production = true;
    default:
        return false;
    }
}

bool trust_arguments_given(const struct trust_arguments *arguments)
{
    return arguments->anchors.count + arguments->pins.count + arguments->policies.count +
                   arguments->crls.count >
               0 ||
           arguments->production;
}

void trust_arguments_free(struct trust_arguments *arguments)
{
    option_list_free(&arguments->anchors);
    option_list_free(&arguments->pins);
    option_list_free(&arguments->policies);
    option_list_free(&arguments->crls);
}

bool trust_arguments_load(const struct trust_arguments *arguments, struct trust **ret_trust,
                          struct failure *f)
{
    static const char *const usual[] = {"1.2.392.200149.8.5.1.1.20", "1.2.392.200149.8.5.1.1.40",
                                        "1.2.392.200149.8.5.1.0.20"}; /* test environment */
    bool own = arguments->policies.count > 0;
    size_t usual_count = arguments->production ? 2 : 3;
    const struct trust_options options = {
        .mode = arguments->production ? TRUST_PRODUCTION : TRUST_SANDBOX,
        .anchors = (const char *const *)arguments->anchors.items,
        .anchor_count = arguments->anchors.count,
        .pins = (const char *const *)arguments->pins.items,
        .pin_count = arguments->pins.count,
        .named = arguments->pins.count == 0,
        .policies = own ? (const char *const *)arguments->policies.items : usual,
        .policy_count = own ? arguments->policies.count : usual_count,
    };
    return trust_load(&options, ret_trust, f);
}

bool trust_arguments_load_crls(const struct trust_arguments *arguments, const struct trust *trust,
                               struct crl_set **ret_crls, struct failure *f)
{
    struct crl_set *set = crl_set_new();
    for (size_t i = 0; i < arguments->crls.count; i++)
        if (!crl_set_add_file(set, arguments->crls.items[i], trust, f)) {
            crl_set_free(set);
            return false;
        }
    *ret_crls = set;
    return true;
}
