/*
 * The look-up thread writes its answer, wakes an eventfd and drops its reference; whoever drops the
 * last one frees. So a connector, or the whole loop, may go while the resolver still waits for its
 * servers.
 */
#include "common/runtime/connector.h"

#include "common/base/mem.h"
#include "common/runtime/loop.h"
#include "common/runtime/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
    atomic_int references;
    int event_fd;
    struct address address;
    struct addrinfo *found;
    int failure;         /* of getaddrinfo */
    atomic_bool is_done; /* publishes the two above */
};

struct connector {
    struct loop *loop;
    struct address address;
    struct in_addr source; /* 0: any */
    struct lookup *lookup; /* NULL unless a thread was needed */
    struct addrinfo *found, *next;
    int fd;
    struct loop_watch *watch;
    struct loop_task task;
    struct error error; /* of the last address tried */
    void (*on_done)(void *self, int fd, const struct error *error);
    void *self;
};

static void try_next(struct connector *connector);

static void lookup_drop(struct lookup *lookup) {
    if (lookup == NULL || atomic_fetch_sub(&lookup->references, 1) != 1)
        return;
    if (lookup->found != NULL)
        freeaddrinfo(lookup->found);
    close(lookup->event_fd);
    mem_free(lookup);
}

static int look_up(const struct address *address, int flags, struct addrinfo **found) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | flags, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof(port), "%u", address->port);
    return getaddrinfo(address->host, port, &hints, found);
}

static void *lookup_main(void *argument) {
    struct lookup *lookup = argument;
    uint64_t one = 1;
    lookup->failure = look_up(&lookup->address, AI_ADDRCONFIG, &lookup->found);
    atomic_store_explicit(&lookup->is_done, true, memory_order_release);
    ssize_t written = write(lookup->event_fd, &one, sizeof(one));
    (void)written; /* the counter of a fresh eventfd is never full */
    lookup_drop(lookup);
    return NULL;
}

static void done(struct connector *connector, int fd, const struct error *error) {
    struct error copy = error != NULL ? *error : (struct error){0};
    connector->on_done(connector->self, fd, error != NULL ? &copy : NULL);
}

static void looked_up(void *self, __attribute__((unused)) unsigned events) {
    struct connector *connector = self;
    struct lookup *lookup = connector->lookup;
    if (!atomic_load_explicit(&lookup->is_done, memory_order_acquire))
        return;
    loop_watch_free(connector->watch);
    connector->watch = NULL;
    if (lookup->failure != 0) {
        struct error error;
        fail(&error, ERROR_NOT_FOUND, "look up %s: %s", connector->address.host,
             gai_strerror(lookup->failure));
        done(connector, -1, &error);
        return;
    }
    connector->found = connector->next = lookup->found;
    lookup->found = NULL;
    try_next(connector);
}

/* All signals stay with the loop's thread. */
static bool start_thread(struct lookup *lookup) {
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread, &attributes, lookup_main, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failure == 0;
}

static void begin_lookup(struct connector *connector) {
    struct lookup *lookup = NEW(struct lookup);
    atomic_init(&lookup->references, 2);
    lookup->address = connector->address;
    lookup->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    connector->lookup = lookup;
    if (lookup->event_fd < 0 || !start_thread(lookup)) {
        atomic_store(&lookup->references, 1);
        struct error error;
        fail(&error, ERROR_IO, "no thread to look up %s", connector->address.host);
        done(connector, -1, &error);
        return;
    }
    connector->watch =
        loop_watch_new(connector->loop, lookup->event_fd, LOOP_READ, looked_up, connector);
}

static void begin(void *self) {
    struct connector *connector = self;
    struct address numeric = connector->address;
    if (strcmp(numeric.host, "localhost") == 0)
        snprintf(numeric.host, sizeof(numeric.host), "127.0.0.1");
    if (look_up(&numeric, AI_NUMERICHOST, &connector->found) != 0) {
        connector->found = NULL;
        begin_lookup(connector);
        return;
    }
    connector->next = connector->found;
    try_next(connector);
}

static void could_not(struct connector *connector, const struct addrinfo *to, int reason) {
    char peer[PEER_TEXT_SIZE];
    socket_format(to->ai_addr, peer);
    errno = reason;
    fail(&connector->error, ERROR_IO, "connect to %s: %m", peer);
}

static void connected(void *self, __attribute__((unused)) unsigned events) {
    struct connector *connector = self;
    int reason = 0;
    socklen_t size = sizeof(reason);
    getsockopt(connector->fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    loop_watch_free(connector->watch);
    connector->watch = NULL;
    int fd = connector->fd;
    connector->fd = -1;
    if (reason == 0) {
        done(connector, fd, NULL);
        return;
    }
    close(fd);
    could_not(connector, connector->next, reason);
    connector->next = connector->next->ai_next;
    try_next(connector);
}

/* The port is chosen when it connects, so that many connections share an address's ports. */
static bool bind_source(const struct connector *connector, int fd) {
    static const int yes = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = connector->source};
    if (connector->source.s_addr == 0)
        return true;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    return bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0;
}

static void try_next(struct connector *connector) {
    for (; connector->next != NULL; connector->next = connector->next->ai_next) {
        const struct addrinfo *to = connector->next;
        int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && bind_source(connector, fd) &&
            (connect(fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS)) {
            socket_send_at_once(fd);
            connector->fd = fd;
            connector->watch =
                loop_watch_new(connector->loop, fd, LOOP_WRITE, connected, connector);
            return;
        }
        could_not(connector, to, errno);
        if (fd >= 0)
            close(fd);
    }
    done(connector, -1, &connector->error);
}

struct connector *connector_new(struct loop *loop, const struct address *address,
                                void (*on_done)(void *self, int fd, const struct error *error),
                                void *self) {
    struct connector *connector = NEW(struct connector);
    connector->loop = loop;
    connector->address = *address;
    connector->fd = -1;
    connector->on_done = on_done;
    connector->self = self;
    loop_task_init(&connector->task, begin, connector);
    loop_defer(loop, &connector->task);
    return connector;
}

void connector_bind(struct connector *connector, const char *ip) {
    inet_pton(AF_INET, ip, &connector->source);
}

void connector_free(struct connector *connector) {
    if (connector == NULL)
        return;
    loop_task_cancel(&connector->task);
    loop_watch_free(connector->watch);
    if (connector->fd >= 0)
        close(connector->fd);
    if (connector->found != NULL)
        freeaddrinfo(connector->found);
    lookup_drop(connector->lookup);
    mem_free(connector);
}
