#include "intake/file_hand_over.h"

#include <string.h>

#include "base/checks.h"
#include "intake/package.h"

static bool unpack(struct bytes zip, const struct config *config, files_member_take *take,
                   void *context, struct failure *f)
{
    struct package_limits limits;
    package_limits_read(config, &limits);
    struct checks *checks = checks_new();
    struct package *package = package_open(zip, &limits, checks);
    bool done = package || failure_set(f, FAILURE_INPUT, "a stored package can't be opened: %s",
                                       checks_reason(checks));
    for (size_t i = 0; done && i < package->member_count; i++) {
        const struct package_member *member = &package->members[i];
        const struct files_member one = {member->name, buffer_bytes(&member->bytes)};
        if (strncmp(member->name, "attachments/", strlen("attachments/")) == 0)
            done = take(context, &one, f);
    }
    checks_free(checks);
    if (package)
        package_free(package);
    return done;
}

bool file_hand_over_ready(const struct config *config, struct procedures **procedures,
                          struct files_options *options, struct failure *f)
{
    const struct config_group *forms = config_group(config, "forms");
    if (!*procedures && !procedures_load(config_text(forms, "procedures"), procedures, f))
        return false;
    options->procedures = *procedures;
    options->unpack = unpack;
    return true;
}
