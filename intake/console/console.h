/* The staff console (docs/api/console.yaml): a JSON API over TLS and the static files of its pages.
 * Each endpoint is one file, endpoint_<name>.c; who may do what is asked in request.h alone. */
#ifndef UKETSUKE_INTAKE_CONSOLE_CONSOLE_H
#define UKETSUKE_INTAKE_CONSOLE_CONSOLE_H

#include "base/config.h"
#include "intake/command.h"

extern const struct config_section console_config_section; /* [console] */

struct console_server;

/* Serves until console_server_stop; `role` is borrowed. */
bool console_server_start(struct role *role, struct console_server **ret_server, struct failure *f);
unsigned console_server_port(const struct console_server *server);
void console_server_stop(struct console_server *server);

#endif
