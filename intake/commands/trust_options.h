/* What a command is told to trust: the options that `verify`, `signature check` and `certificate
 * check` share. */
#ifndef UKETSUKE_INTAKE_COMMANDS_TRUST_OPTIONS_H
#define UKETSUKE_INTAKE_COMMANDS_TRUST_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/failure.h"
#include "signature/crl.h"
#include "signature/trust.h"

#define TRUST_OPTION_MOST 1024 /* files of --trust, --pin, --policy, --crl each */

struct option_list {
    char *items[TRUST_OPTION_MOST]; /* owned */
    size_t count;
};
/* Copies; false when it is full. */
bool option_list_add(struct option_list *list, const char *item);
/* A file, or the files .pem, .crt, .cer and .der of a folder: false also when it holds none. */
bool option_list_add_certificates(struct option_list *list, const char *path);
void option_list_free(struct option_list *list);

/* --at, --now: any moment after 1970-01-01T00:00:00Z, which everywhere means "not given". */
bool option_moment(const char *value, instant *ret_moment);

struct trust_arguments {
    struct option_list anchors, pins, policies, crls;
    bool production; /* only roots of JPKI that this program knows */
};

enum {
    OPTION_TRUST = 512, /* a PEM or DER file, or a folder of them */
    OPTION_PIN,
    OPTION_POLICY,
    OPTION_CRL, /* a file, or a folder of .crl files */
    OPTION_PRODUCTION,
};
/* In a table of long options. */
#define TRUST_LONG_OPTIONS                                                                         \
    {"trust", required_argument, NULL, OPTION_TRUST},                                              \
        {"pin", required_argument, NULL, OPTION_PIN},                                              \
        {"policy", required_argument, NULL, OPTION_POLICY},                                        \
        {"crl", required_argument, NULL, OPTION_CRL},                                              \
    {                                                                                              \
        "production", no_argument, NULL, OPTION_PRODUCTION                                         \
    }

/* Takes one of these options; false when it is none of them, or one too many, or a folder that
 * cannot be read or holds nothing of that kind. */
bool trust_arguments_take(struct trust_arguments *arguments, int option, const char *value);
bool trust_arguments_given(const struct trust_arguments *arguments); /* any of them */
void trust_arguments_free(struct trust_arguments *arguments);

/* Anchors that are named on the command line are trusted as they are named; with pins, each has to
 * have one. Without policies: those of JPKI's signing certificates, and, but for production, that
 * of its test environment. */
bool trust_arguments_load(const struct trust_arguments *arguments, struct trust **ret_trust,
                          struct failure *f);
/* The lists of --crl, each verified. */
bool trust_arguments_load_crls(const struct trust_arguments *arguments, const struct trust *trust,
                               struct crl_set **ret_crls, struct failure *f);

#endif
