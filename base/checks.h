/* A list of checks with their results: how every judgement in the house is written down.
 *
 * ETSI EN 319 102-1 v1.3.1 gives the words: a judgement is TOTAL-PASSED, INDETERMINATE or
 * TOTAL-FAILED, with a sub-indication; `reason` is our own finer name for what was found, stable,
 * in kebab case ("certificate-revoked"), and is what the application's row and the tests quote.
 * The first check that fails decides; if none fails, the first that is undecided does.
 * Texts name what and where, in English for engineers, and hold no personal data. */
#ifndef UKETSUKE_BASE_CHECKS_H
#define UKETSUKE_BASE_CHECKS_H

#include <jansson.h>
#include <stdbool.h>

enum indication { TOTAL_PASSED, INDETERMINATE, TOTAL_FAILED };

struct checks;

struct checks *checks_new(void);
void checks_free(struct checks *checks);

/* `name` is what was looked at, "certificate.validity"; all strings but `format` are literals. */
void checks_pass(struct checks *checks, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Returns false, so that `return checks_fail(…)` leaves a chain of checks. */
bool checks_fail(struct checks *checks, const char *name, const char *sub_indication,
                 const char *reason, const char *format, ...) __attribute__((format(printf, 5, 6)));
bool checks_undecided(struct checks *checks, const char *name, const char *sub_indication,
                      const char *reason, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* What the next check looks at, for who reads the report: "inputs": {name: text} beside its result.
 * Call before the check, once for each input; `name` is a literal in snake case. No personal data,
 * no serial numbers: times, counts, fingerprints, algorithm names. */
void checks_input(struct checks *checks, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Moves all checks of `more` behind those that are there; `more` is empty then. */
void checks_append(struct checks *checks, struct checks *more);

enum indication checks_indication(const struct checks *checks);
const char *checks_sub_indication(const struct checks *checks); /* NULL when passed */
const char *checks_reason(const struct checks *checks);         /* NULL when passed */
const char *checks_text(const struct checks *checks);           /* of the deciding check; or NULL */
const char *indication_name(enum indication indication);        /* "TOTAL-PASSED", … */

/* [{"check","result":"passed|failed|undecided","sub_indication","reason","text","inputs"}…];
 * `inputs` only where there are any. New reference. */
json_t *checks_to_json(const struct checks *checks);

#endif
