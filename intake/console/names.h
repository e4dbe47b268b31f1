/* 氏名 of who stands in an answer by the account's name ("staff:hanako"): pages show people as they
 * are called. All accounts of the city, read anew every few seconds. From any thread. */
#ifndef UKETSUKE_INTAKE_CONSOLE_NAMES_H
#define UKETSUKE_INTAKE_CONSOLE_NAMES_H

#include "intake/console/request.h"

#define NAMES_EVERY (5 * INSTANT_SECOND)

struct names;

struct names *names_new(struct db *db, const char *city_code);
void names_free(struct names *names);
/* Replies with the object and, beside its members, "names": {"staff:hanako": "桜野花子"} of all
 * that stand anywhere in it. */
enum http_flow names_reply(const struct console_context *context, struct http_request *request,
                           unsigned status, json_t *stolen);

#endif
