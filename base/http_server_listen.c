/* Listening sockets of our own: address and port known before the first request, unix sockets with
 * the permissions they need, and no plain HTTP beyond this machine. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"
#include "base/text.h"

enum { BACKLOG = 1024 };

/* A socket file that nobody answers at was left by a process that died: it may go. */
static bool remove_stale(const char *path, const struct sockaddr_un *name, struct failure *f)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return failure_set(f, FAILURE_USAGE, "%s exists and is not a socket: remove it", path);
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof *name) == 0)
        return failure_set(f, FAILURE_USAGE, "another process listens on %s: stop it first", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return failure_errno(f, "can't remove the old socket %s", path);
    return true;
}

static bool listen_unix(const char *path, struct http_listen *ret_listen, struct failure *f)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof name.sun_path)
        return failure_set(f, FAILURE_USAGE,
                           "the socket path %s must begin with / and be shorter than %zu bytes",
                           path, sizeof name.sun_path);
    memcpy(name.sun_path, path, strlen(path) + 1);
    if (!remove_stale(path, &name, f))
        return false;
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* On Linux the mode of the socket before bind() is the mode of the file, less the umask: never
     * open to all; and then open to the group, whatever the umask (a unit's is 0077). */
    if (fd < 0 || fchmod(fd, 0660) != 0 ||
        bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 || chmod(path, 0660) != 0 ||
        listen(fd, BACKLOG) != 0)
        return failure_errno(f, "can't listen on %s", path);
    *ret_listen = (struct http_listen){.fd = fd, .local = true, .unix_path = text_copy(path)};
    fd = -1;
    return true;
}

/* "127.0.0.1:8443", "[::1]:0" */
static bool split(const char *address, char *host, size_t host_size, char *port, size_t port_size)
{
    const char *colon = strrchr(address, ':');
    int64_t number;
    if (!colon || colon == address || strlen(colon + 1) >= port_size ||
        !number_parse(colon + 1, 0, 65535, &number))
        return false;
    const char *from = address;
    size_t length = (size_t)(colon - address);
    if (*from == '[' && colon[-1] == ']') {
        from++;
        length -= 2;
    } else if (memchr(address, ':', length)) {
        return false;
    }
    if (length == 0 || length >= host_size)
        return false;
    memcpy(host, from, length);
    host[length] = 0;
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static unsigned bound_port(int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
        return 0;
    if (bound.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&bound)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
}

static int bind_tcp(const struct addrinfo *found)
{
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool listen_tcp(const char *address, struct http_listen *ret_listen, struct failure *f)
{
    char host[64], port[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (!split(address, host, sizeof host, port, sizeof port) ||
        getaddrinfo(host, port, &hints, &found) != 0)
        return failure_set(f, FAILURE_USAGE,
                           "the address %s is not like 127.0.0.1:8443, [::1]:8443 or unix:/path",
                           address);
    bool local = is_loopback(found->ai_addr);
    int fd = bind_tcp(found);
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    if (fd < 0)
        return failure_errno(f, "can't listen on %s", address);
    *ret_listen = (struct http_listen){.fd = fd, .port = bound_port(fd), .local = local};
    return true;
}

bool http_listen(const char *address, struct http_listen *ret_listen, struct failure *f)
{
    if (strncmp(address, "unix:", 5) == 0)
        return listen_unix(address + 5, ret_listen, f);
    return listen_tcp(address, ret_listen, f);
}

void http_peer_address(const struct sockaddr *address, char *text, size_t size)
{
    socklen_t length = 0;
    if (address && address->sa_family == AF_INET)
        length = sizeof(struct sockaddr_in);
    else if (address && address->sa_family == AF_INET6)
        length = sizeof(struct sockaddr_in6);
    if (length == 0 ||
        getnameinfo(address, length, text, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(text, size, "unix");
}
