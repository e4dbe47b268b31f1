#include <stdio.h>

#include "base/audit.h"
#include "intake/command.h"

extern const struct command audit_key_create_command;

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};

    (void)config;
    if (argc != 2)
        return command_usage(&audit_key_create_command, "needs the path of the new file");
    if (!audit_key_create(argv[1], &f))
        return command_fail("audit key create", EXIT_FAILED, &f);
    printf("Wrote a new key to %s (mode 0400) and its public half to %s.pub.\n"
           "Next: name them as [audit] signing-key and public-key; keep the public key, and now\n"
           "and then a checkpoint, on another machine.\n",
           argv[1], argv[1]);
    return EXIT_DONE;
}

const struct command audit_key_create_command = {
    .name = "audit key create",
    .summary = "Make the key that signs the checkpoints of the audit trail",
    .usage =
        "Usage: uketsuke audit key create FILE\n"
        "\n"
        "Writes an Ed25519 private key (PEM) to FILE, readable by its owner only, and its public\n"
        "key to FILE.pub. Existing files are never overwritten. Best owned by root:\n"
        "systemd hands it to the role checkpoint alone. After a change of keys, [audit] "
        "public-key\n"
        "names the old public key, too: old checkpoints are checked by it.\n"
        "Exit code 0 when made, 3 when not.\n"
        "\n"
        "Example: uketsuke audit key create /etc/uketsuke/keys/audit.key\n",
    .run = run,
};
