/* Every request of the console comes through here: registered terminal, same origin, session,
 * right. What an endpoint gets, it may act for. */
#ifndef UKETSUKE_INTAKE_CONSOLE_REQUEST_H
#define UKETSUKE_INTAKE_CONSOLE_REQUEST_H

#include "base/http_server.h"
#include "base/rate.h"
#include "forms/procedure.h"
#include "intake/command.h"
#include "intake/console/report.h"
#include "intake/console/sign_in.h"
#include "intake/console/term.h"

#define CONSOLE_COOKIE    "__Host-uketsuke"
#define CONSOLE_BODY_MOST (64 << 10) /* bytes of a JSON request */

struct console_site;
struct slow;
struct freshness;
struct proving;
struct closed;
struct names;

struct console_context { /* what every handler gets; read-only */
    struct role *role;
    struct sign_in_rules rules;
    struct report_rules report_rules;
    const char *origin; /* "https://console.city.example:8445" */
    char party_id[256]; /* its host */
    struct console_site *site;
    struct freshness *freshness;
    struct proving *proving;
    struct closed *closed;
    struct moving_terms moving;
    struct names *names;
    struct common_base *common_base; /* NULL: there is none */
    struct slow *slow;               /* places for what takes seconds */
    struct rate *guesses;            /* wrong names, passwords and codes, by terminal */
};

/* How far somebody must have come for this request. */
enum console_need {
    NEED_TERMINAL, /* a registered terminal; who it is does not matter yet */
    NEED_HALF,     /* the password was right */
    NEED_UNLOCK,   /* signed in, perhaps idle for too long */
    NEED_CHANGE,   /* signed in; the password may have to be changed */
    NEED_SESSION,  /* signed in */
};

struct console_caller { /* free with console_caller_free */
    struct terminal terminal;
    char terminal_text[320]; /* for the audit trail: address and label */
    struct session session;
    struct permissions permissions; /* of NEED_SESSION only */
    char actor[48];                 /* "staff:hanako" */
    struct sign_in_at at;           /* for sign_in.h */
};
void console_caller_free(struct console_caller *caller);

/* False after replying: 403 E0104 (terminal, origin), 401 E0103 (no session), 423 E0106 (locked),
 * 403 E0107 (the password must be changed first), 403 E0108 (the password must be told again:
 * proof.h). Sets the security headers of the reply. */
bool console_admit(const struct console_context *context, struct http_request *request,
                   enum console_need need, struct console_caller *ret_caller);
/* False after replying 403 E0104: the account has no such right anywhere. For what belongs to one
 * application see console_application_admit (intake/console/subject.h). */
bool console_may(struct http_request *request, const struct console_caller *caller,
                 enum right right);

void console_headers(struct http_request *request);
/* False after replying 429: this terminal has had too many wrong passwords, whosever they were. */
bool console_may_guess(const struct console_context *context, struct http_request *request,
                       const struct console_caller *caller);
void console_guessed_wrong(const struct console_context *context,
                           const struct console_caller *caller);
/* 409 E0105 with a message for people; `stolen`: members besides those of an error. */
enum http_flow console_reply_conflict(struct http_request *request, json_t *stolen,
                                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));
json_t *console_time(instant at); /* RFC 3339 in JST; null for 0 */
/* Logs the failure and answers 503 (try again) or 500. */
enum http_flow console_reply_failure(struct http_request *request, const struct failure *f);
/* The member's text, of 1 to `most` characters; NULL after replying 400 E0001, E0002 or E0003. */
const char *console_text(struct http_request *request, const json_t *body, const char *key,
                         size_t most);
/* The same, where it may be left out: NULL when absent, null or empty. False after replying. */
bool console_text_maybe(struct http_request *request, const json_t *body, const char *key,
                        size_t most, const char **ret_text);

#endif
