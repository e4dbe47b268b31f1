/* The route table: one destination for a procedure, with its legal basis. Closed: no route, no
 * hand-over. */
#ifndef UKETSUKE_ROUTING_ROUTE_H
#define UKETSUKE_ROUTING_ROUTE_H

#include <stdbool.h>

#include "base/config.h"
#include "base/failure.h"

extern const struct config_section route_config_section;       /* [route PROCEDURE-ID] */
extern const struct config_section destination_config_section; /* [destination NAME] */

#define ROUTE_CHECKERS_MOST 8
#define ROUTE_YEARS_MOST    100
#define ROUTE_DAYS_MOST     36500

struct route {
    const char *procedure_id;
    const char *destination;
    const char *legal_basis; /* 根拠法令 */
    const char *business;    /* 事務; "" */
    const char *department;  /* 部署; "" */
    const char *hand_over;   /* how: pull, files, both */
    bool individual_number;  /* 個人番号 may go */
    bool approval;           /* staff approve each application first … */
    bool superior;           /* … the last of them a 管理責任者 … */
    int checkers;            /* … after so many others, 0 to ROUTE_CHECKERS_MOST */
    int retention_years;     /* how long it is kept after it ended (intake/retention.h): … */
    int retention_days;      /* … one of both, or neither: for ever */
};

/* False when there is no route for the procedure. Strings are the configuration's. */
bool route_find(const struct config *config, const char *procedure_id, struct route *ret_route);
/* `destination` when the route leads there or staff may choose it instead; else NULL. */
const char *route_alternative(const struct config *config, const struct route *route,
                              const char *destination);
/* Every route names a destination that exists and that gets what it gets as the route says, every
 * destination is configured soundly, no 個人番号 goes without 番号法. */
bool routes_check(const struct config *config, struct failure *f);
/* The destination whose client certificate this is (SHA-256, hexadecimal); NULL. */
const char *destination_of_peer(const struct config *config, const char *peer);

#endif
