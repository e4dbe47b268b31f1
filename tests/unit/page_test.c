/* The walls around the drawing of pages: what a broken drawer cannot do. Each try is made in a
 * process of its own, behind the walls. */
#include "intake/page/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "intake/examiner_lock.h"
#include "intake/page/page.h"

typedef int attempt(void); /* 0: it was refused */

/* The exit code; -signal when it was killed. */
static int behind_the_walls(attempt *try)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(page_lock() ? try() : PAGE_EXIT_NO_WALLS);
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int file_read(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}
static int file_write(void)
{
    return open("/tmp/uketsuke-page-test", O_WRONLY | O_CREAT, 0600) >= 0;
}
static int key_read(void)
{
    return open("/proc/self/environ", O_RDONLY) >= 0 || open("/proc/1/status", O_RDONLY) >= 0;
}
static int connect_out(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}
static int process(void)
{
    pid_t pid = fork();
    return pid >= 0;
}
/* The kernel would send it what signal we like, whenever the descriptor is ready. */
static int signal_by_descriptor(void)
{
    return fcntl(1, F_SETOWN, getppid()) == 0 || fcntl(1, F_SETFL, O_ASYNC) == 0;
}
static int program(void)
{
    char *const none[] = {NULL};
    execve("/bin/true", none, none);
    return 1;
}
static int trace(void)
{
    return kill(getppid(), 0) == 0;
}
static int code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}
static int memory(void)
{
    return mmap(NULL, PAGE_MEMORY_MOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}
static int nothing(void)
{
    return 0;
}

static void walls_hold(void **state)
{
    (void)state;
    assert_int_equal(behind_the_walls(nothing), 0);
    assert_int_equal(behind_the_walls(file_read), 0);
    assert_int_equal(behind_the_walls(key_read), 0);
    assert_int_equal(behind_the_walls(connect_out), 0);
    assert_int_equal(behind_the_walls(process), 0);
    if (EXAMINER_MEMORY_LIMITED)
        assert_int_equal(behind_the_walls(memory), 0);
    /* what nothing that draws would ever do ends it */
    assert_int_equal(behind_the_walls(file_write), -SIGSYS);
    assert_int_equal(behind_the_walls(program), -SIGSYS);
    assert_int_equal(behind_the_walls(signal_by_descriptor), -SIGSYS);
    assert_int_equal(behind_the_walls(trace), -SIGSYS);
    assert_int_equal(behind_the_walls(code), -SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(walls_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
