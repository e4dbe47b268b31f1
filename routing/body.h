/* Reads request bodies strictly. What is wrong is a fault: a code of the national API rules (E0001
 * required, E0002 characters, E0003 length, E0004 combination) and a text that names the item,
 * never what stands there. */
#ifndef UKETSUKE_ROUTING_BODY_H
#define UKETSUKE_ROUTING_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_PROBLEMS_MOST 20 /* of one receipt, reasons of one outcome */

struct body_fault {
    const char *code; /* literal */
    char text[160];
};

/* Returns false. */
bool body_fault_set(struct body_fault *fault, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A text of at most `most` characters, none of them a control character but line feed (only with
 * `lines`); required. Borrowed from `object`. */
bool body_text(const json_t *object, const char *key, size_t most, bool lines,
               const char **ret_text, struct body_fault *fault);
/* An item's decimal id in a string. */
bool body_id(const json_t *object, const char *key, int64_t *ret_id, struct body_fault *fault);
/* [{"code","item","message"}…], at most BODY_PROBLEMS_MOST: code is E and four digits (E0001 to
 * E0004 as above, E1000 on the destination's own), item at most 128 characters, message 500. A
 * clean copy, new reference; an empty array when the key is not there. */
bool body_problems(const json_t *object, const char *key, json_t **ret_problems,
                   struct body_fault *fault);

#endif
