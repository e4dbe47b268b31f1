/* For the tests of the HTTP server and client: a raw socket that says whatever it likes. */
#ifndef UKETSUKE_TESTS_HTTP_SUPPORT_H
#define UKETSUKE_TESTS_HTTP_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

static inline int raw_connect(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void raw_send(int fd, const void *data, size_t length)
{
    const char *from = data;
    while (length > 0) {
        ssize_t sent = send(fd, from, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has hung up: what it answered is what counts */
        from += sent;
        length -= (size_t)sent;
    }
}

static inline void raw_say(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

/* All that comes until the peer closes or `patience` is over; free it. */
static inline char *raw_read(int fd, instant patience)
{
    struct buffer got = {0};
    int64_t until = clock_monotonic() + patience;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = (until - clock_monotonic()) / 1000;
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            break;
        ssize_t n = recv(fd, buffer_reserve(&got, 65536), 65536, 0);
        if (n <= 0)
            break;
        buffer_commit(&got, (size_t)n);
    }
    char *text = text_copy(buffer_text(&got));
    buffer_free(&got);
    return text;
}

/* One request on its own connection, written out; the whole answer as text; free it. */
static inline char *raw_ask(unsigned port, const char *request)
{
    int fd = raw_connect(port);
    raw_say(fd, request);
    char *answer = raw_read(fd, 10 * INSTANT_SECOND);
    close(fd);
    return answer;
}

static inline unsigned raw_status(const char *answer)
{
    unsigned status = 0;
    sscanf(answer, "HTTP/1.1 %u", &status);
    return status;
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("\"%s\" is not in \"%s\"", part, text);                                       \
    } while (0)

#endif
