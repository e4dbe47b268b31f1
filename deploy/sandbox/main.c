/* uketsuke-sandbox: what stands in for the world around the server. Not for production. */
#include "deploy/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct subcommand subcommands[] = {
    {"business", sandbox_business, "a business system that pulls items and sends receipts"},
    {"city", sandbox_city, "a large city, to measure identification on"},
    {"jpki", sandbox_jpki, "certification authorities, revocation lists and OCSP"},
    {"pki", sandbox_pki, "the TLS certificates of portal, city and business systems"},
    {"portal", sandbox_portal,
     "the national portal: the city's API, and where applications arrive"},
    {"town", sandbox_town, "residents, and their applications, good and bad"},
    {NULL, NULL, NULL},
};

static void help(FILE *out)
{
    fputs("usage: uketsuke-sandbox COMMAND [OPTION…]\n\n"
          "Stands in for the world around uketsuke, for trying and testing. Everything in it is\n"
          "made up; nothing in it is for production.\n\n",
          out);
    for (const struct subcommand *s = subcommands; s->name; s++)
        fprintf(out, "  %-10s %s\n", s->name, s->summary);
    fputs("\n`uketsuke-sandbox COMMAND --help` tells more. The quickstart runs all of it:\n"
          "deploy/quickstart.\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return 0;
    }
    for (const struct subcommand *s = subcommands; s->name; s++)
        if (strcmp(s->name, argv[1]) == 0)
            return s->run(argc - 1, argv + 1);
    fprintf(stderr, "uketsuke-sandbox: there is no command %s; see --help\n", argv[1]);
    return 2;
}
