/*
 * TCP_NODELAY on a listening socket is inherited by what it accepts, so it is set once.
 */
#include "common/runtime/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int yes = 1;

void socket_send_at_once(int fd) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void socket_format(const struct sockaddr *address, char out[PEER_TEXT_SIZE]) {
    char ip[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
        snprintf(out, PEER_TEXT_SIZE, "%s:%u", ip, ntohs(v4->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
        snprintf(out, PEER_TEXT_SIZE, "[%s]:%u", ip, ntohs(v6->sin6_port));
    } else {
        snprintf(out, PEER_TEXT_SIZE, "local");
    }
}

void socket_peer(int fd, char out[PEER_TEXT_SIZE]) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    getpeername(fd, (struct sockaddr *)&address, &size);
    socket_format((const struct sockaddr *)&address, out);
}

static bool bind_and_listen(int fd, const struct addrinfo *to, const char *ip, int backlog,
                            struct error *error) {
    char port[8] = "";
    getnameinfo(to->ai_addr, to->ai_addrlen, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    socket_send_at_once(fd);
    if (bind(fd, to->ai_addr, to->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return true;
    if (errno == EADDRINUSE)
        return fail(error, ERROR_EXISTS, "port %s on %s is in use by another program", port, ip);
    return fail(error, ERROR_IO, "listen on %s port %s: %m", ip, port);
}

int socket_listen(const char *ip, uint16_t port, int backlog, struct error *error) {
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(ip, service, &hints, &found) != 0) {
        fail(error, ERROR_INVALID, "'%s' is no IP address to listen on", ip);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail(error, ERROR_IO, "socket: %m");
    if (fd >= 0 && !bind_and_listen(fd, found, ip, backlog, error)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

uint16_t socket_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof(address);
    memset(&address, 0, sizeof(address));
    getsockname(fd, &address.any, &size);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}
