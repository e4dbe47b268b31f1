#include "tests/support/sshd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static unsigned free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    _cleanup_(cleanup_fd) int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static bool listens(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    _cleanup_(cleanup_fd) int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void files_make(const struct test_sshd *sshd)
{
    const char *folder = sshd->folder;
    _cleanup_(cleanup_text) char *command = text_format(
        "cd %s && for k in host other user; do [ -f $k ] || ssh-keygen -q -t ed25519 -N '' -f $k; "
        "done && cp user.pub authorized && mkdir -p /run/sshd && printf 'Port %u\\nListenAddress "
        "127.0.0.1\\nHostKey %s/host\\nAuthorizedKeysFile %s/authorized\\nStrictModes no\\nUsePAM "
        "no\\nPidFile none\\nPermitRootLogin yes\\nSubsystem sftp internal-sftp\\n' >sshd_config",
        folder, sshd->port, folder, folder);
    assert_int_equal(system(command), 0);
}

void test_sshd_start(struct test_sshd *sshd)
{
    if (!sshd->port)
        sshd->port = free_port();
    files_make(sshd);
    _cleanup_(cleanup_text) char *configuration = text_format("%s/sshd_config", sshd->folder);
    sshd->pid = fork();
    if (sshd->pid == 0) {
        execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-q", "-f", configuration, NULL);
        _exit(127);
    }
    for (int i = 0; i < 400 && !listens(sshd->port); i++)
        usleep(50000);
    if (!listens(sshd->port))
        fail_msg("sshd does not listen");
}

void test_sshd_stop(struct test_sshd *sshd, int how)
{
    _cleanup_(cleanup_text) char *sessions = text_format("pkill -KILL -P %d", (int)sshd->pid);
    if (how == SIGKILL && system(sessions) < 0)
        fail_msg("pkill does not run");
    kill(sshd->pid, how);
    waitpid(sshd->pid, NULL, 0);
}

void test_sshd_read_host_key(struct test_sshd *sshd)
{
    _cleanup_(cleanup_text) char *command =
        text_format("ssh-keygen -l -f %s/host.pub | cut -d' ' -f2", sshd->folder);
    FILE *out = popen(command, "r");
    assert_int_equal(fscanf(out, "%127s", sshd->host_key), 1);
    pclose(out);
}
