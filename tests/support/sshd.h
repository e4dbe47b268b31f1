/* OpenSSH's own server on loopback, with a host key and a user's key of its own. */
#ifndef UKETSUKE_TESTS_SUPPORT_SSHD_H
#define UKETSUKE_TESTS_SUPPORT_SSHD_H

#include <sys/types.h>

struct test_sshd {
    const char *folder; /* keys are made in it: host, other, user; user may log in */
    unsigned port;      /* stays the same when it is started again */
    char host_key[128]; /* SHA256:… */
    pid_t pid;
};

/* Returns when it listens. */
void test_sshd_start(struct test_sshd *sshd);
/* By a signal; SIGKILL ends the sessions, too. */
void test_sshd_stop(struct test_sshd *sshd, int how);
void test_sshd_read_host_key(struct test_sshd *sshd);

#endif
