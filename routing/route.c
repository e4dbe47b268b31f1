#include "routing/route.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "routing/outbox.h"

static const struct config_key route_keys[] = {
    {.name = "destination",
     .type = CONFIG_TEXT,
     .help = "The [destination NAME] that gets the applications of this procedure."},
    {.name = "legal-basis",
     .type = CONFIG_TEXT,
     .help = "The law that allows the hand-over (根拠法令); stands in every item."},
    {.name = "business",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "事務 that the procedure belongs to, e.g. 児童手当; rights of staff go by it."},
    {.name = "department",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "部署 that answers for it; told when an application waits for too long."},
    {.name = "hand-over",
     .type = CONFIG_CHOICE,
     .initial = "pull",
     .choices = "pull files both",
     .help = "How the destination gets them: it pulls, gets files, or both. Refused when its "
             "[destination] and [files] sections say otherwise."},
    {.name = "individual-number",
     .type = CONFIG_BOOLEAN,
     .initial = "no",
     .help =
         "Whether 個人番号 may go to the destination: legal-basis must name 番号法 then. With no, "
         "an application whose record has one for this destination is held, not handed over."},
    {.name = "approval",
     .type = CONFIG_CHOICE,
     .initial = "none",
     .choices = "none staff superior",
     .help = "Whether staff approve each application before it is handed over; superior: the last "
             "who does has the right `superior` (管理責任者)."},
    {.name = "checkers",
     .type = CONFIG_NUMBER,
     .initial = "0",
     .least = 0,
     .most = ROUTE_CHECKERS_MOST,
     .help =
         "How many other people check it before who approves, all different; takes an approval."},
    {.name = "retention-years",
     .type = CONFIG_NUMBER,
     .initial = "0",
     .least = 0,
     .most = ROUTE_YEARS_MOST,
     .help = "How many years an application is kept after it ended; then `uketsuke retention run` "
             "forgets it. 0, and no retention-days: for ever."},
    {.name = "retention-days",
     .type = CONFIG_NUMBER,
     .initial = "0",
     .least = 0,
     .most = ROUTE_DAYS_MOST,
     .help = "The same in days, instead of years."},
    {.name = "alternatives",
     .type = CONFIG_LIST,
     .initial = "",
     .help = "Destinations that staff may choose for a single application instead."},
};

const struct config_section route_config_section = {
    .name = "route",
    .named = true,
    .help = "One for each procedure, named by its id: where its applications go. Without a route "
            "an application is held, never handed over.",
    .keys = route_keys,
    .key_count = sizeof route_keys / sizeof route_keys[0],
};

static const struct config_key destination_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "What people call the business system, e.g. 児童手当システム."},
    {.name = "peers",
     .type = CONFIG_LIST,
     .initial = "",
     .help = "Its client certificates: SHA-256 of each certificate's DER, 64 hexadecimal digits. "
             "Two stand here while one is being replaced; none for who only gets files."},
    {.name = "auth",
     .type = CONFIG_CHOICE,
     .initial = "mtls+token",
     .choices = "mtls mtls+token",
     .help = "What it must show besides its certificate: an access token (OAuth 2.0 client "
             "credentials), or nothing."},
    {.name = "client-id",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "Its OAuth client, 32 of 0-9 A-Z a-z; needed with auth = mtls+token."},
    {.name = "client-secret",
     .type = CONFIG_PATHS,
     .initial = "",
     .help = "File with the secret that it signs its assertions by, at least 32 characters; two "
             "while one is being replaced."},
    {.name = "scopes",
     .type = CONFIG_LIST,
     .initial = "",
     .help = "What its tokens may be good for, e.g. 029:items/v1:Read; nothing means all."},
    {.name = "package",
     .type = CONFIG_BOOLEAN,
     .initial = "no",
     .help =
         "Whether it may have the whole 申請ZIP: that holds all that the resident wrote, beyond "
         "what the procedure's record allows this destination."},
};

const struct config_section destination_config_section = {
    .name = "destination",
    .named = true,
    .help = "One for each business system, named by 1 to 40 of a-z, 0-9 and '-'. Its client "
            "certificate is its identity.",
    .keys = destination_keys,
    .key_count = sizeof destination_keys / sizeof destination_keys[0],
};

bool route_find(const struct config *config, const char *procedure_id, struct route *ret_route)
{
    const struct config_group *group = config_find(config, "route", procedure_id);
    if (!group)
        return false;
    *ret_route = (struct route){.procedure_id = config_name(group),
                                .destination = config_text(group, "destination"),
                                .legal_basis = config_text(group, "legal-basis"),
                                .business = config_text(group, "business"),
                                .department = config_text(group, "department"),
                                .hand_over = config_text(group, "hand-over"),
                                .individual_number = config_boolean(group, "individual-number"),
                                .approval = strcmp(config_text(group, "approval"), "none") != 0,
                                .superior = !strcmp(config_text(group, "approval"), "superior"),
                                .checkers = (int)config_number(group, "checkers"),
                                .retention_years = (int)config_number(group, "retention-years"),
                                .retention_days = (int)config_number(group, "retention-days")};
    return true;
}

const char *route_alternative(const struct config *config, const struct route *route,
                              const char *destination)
{
    const struct config_group *group = config_find(config, "route", route->procedure_id);
    if (strcmp(route->destination, destination) == 0)
        return route->destination;
    for (size_t i = 0; i < config_list_length(group, "alternatives"); i++)
        if (strcmp(config_list_item(group, "alternatives", i), destination) == 0)
            return config_list_item(group, "alternatives", i);
    return NULL;
}

/* A name becomes part of a LISTEN channel, of metrics and of audit entries. */
static bool name_sound(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length >= 1 && length <= 40 && name[length] == '\0' && name[0] != '-';
}

static bool peer_sound(const char *peer)
{
    uint8_t hash[32];
    return strlen(peer) == 64 && hex_decode(peer, hash, sizeof hash);
}

const char *destination_of_peer(const struct config *config, const char *peer)
{
    const struct config_group *group = NULL;
    while (peer && (group = config_next(config, "destination", group)))
        for (size_t i = 0; i < config_list_length(group, "peers"); i++)
            if (strcasecmp(config_list_item(group, "peers", i), peer) == 0)
                return config_name(group);
    return NULL;
}

static bool destination_check(const struct config *config, const struct config_group *group,
                              struct failure *f)
{
    const char *name = config_name(group);
    if (!name_sound(name) || strcmp(name, OUTBOX_PORTAL) == 0)
        return failure_set(f, FAILURE_USAGE,
                           "[destination %s]: the name must be 1 to 40 of a-z, 0-9 and '-', and "
                           "not \"" OUTBOX_PORTAL "\"",
                           name);
    for (size_t i = 0; i < config_list_length(group, "peers"); i++) {
        const char *peer = config_list_item(group, "peers", i);
        if (!peer_sound(peer))
            return failure_set(f, FAILURE_USAGE,
                               "[destination %s] peers: each is the SHA-256 of a certificate, 64 "
                               "hexadecimal digits without colons",
                               name);
        const char *owner = destination_of_peer(config, peer);
        if (strcmp(owner, name) != 0)
            return failure_set(f, FAILURE_USAGE,
                               "[destination %s] and [destination %s] share a client certificate: "
                               "each needs its own",
                               owner, name);
    }
    return true;
}

static bool leads_somewhere(const struct config *config, const struct config_group *group,
                            const char *destination, struct failure *f)
{
    return config_find(config, "destination", destination) ||
           failure_set(f, FAILURE_USAGE,
                       "[route %s] leads to %s, which has no [destination] section",
                       config_name(group), destination);
}

/* What the route says of the way must be what its destination is set up for. */
static bool hand_over_check(const struct config *config, const struct config_group *group,
                            struct failure *f)
{
    const char *way = config_text(group, "hand-over"), *name = config_text(group, "destination");
    bool pulls = config_list_length(config_find(config, "destination", name), "peers") > 0;
    bool files = config_find(config, "files", name) != NULL;
    bool may_pull = strcmp(way, "files") != 0, may_files = strcmp(way, "pull") != 0;
    if (may_pull && !pulls)
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: hand-over = %s, but [destination %s] has no peers (client "
                           "certificates) and can't pull",
                           config_name(group), way, name);
    if (may_files && !files)
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: hand-over = %s, but there is no [files %s]",
                           config_name(group), way, name);
    if (files && !may_files)
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: hand-over = pull, but %s gets files, too, as [files %s] "
                           "says: hand-over = both, or take that away",
                           config_name(group), name, name);
    return may_pull || !pulls ||
           failure_set(f, FAILURE_USAGE,
                       "[route %s]: hand-over = files, but [destination %s] has peers and may "
                       "pull: hand-over = both, or take them away",
                       config_name(group), name);
}

static bool route_check(const struct config *config, const struct config_group *group,
                        struct failure *f)
{
    if (!leads_somewhere(config, group, config_text(group, "destination"), f) ||
        !hand_over_check(config, group, f))
        return false;
    for (size_t i = 0; i < config_list_length(group, "alternatives"); i++)
        if (!leads_somewhere(config, group, config_list_item(group, "alternatives", i), f))
            return false;
    if (config_number(group, "checkers") && !strcmp(config_text(group, "approval"), "none"))
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: checkers are for who approves after them: approval = staff "
                           "or superior",
                           config_name(group));
    if (config_number(group, "retention-years") && config_number(group, "retention-days"))
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: retention is in years or in days, not in both",
                           config_name(group));
    /* 番号法第9条, 第19条: a number goes nowhere without one of them */
    if (config_boolean(group, "individual-number") &&
        !strstr(config_text(group, "legal-basis"), "番号法"))
        return failure_set(f, FAILURE_USAGE,
                           "[route %s]: individual-number = yes, but legal-basis does not name "
                           "番号法",
                           config_name(group));
    return true;
}

bool routes_check(const struct config *config, struct failure *f)
{
    const struct config_group *group = NULL;
    while ((group = config_next(config, "destination", group)))
        if (!destination_check(config, group, f))
            return false;
    while ((group = config_next(config, "route", group)))
        if (!route_check(config, group, f))
            return false;
    return true;
}
