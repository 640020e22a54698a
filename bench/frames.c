/*
 * How many small frames a second does one loop carry over loopback, both ways at once? Client and
 * server share one thread. Each frame carries its number, and the client checks that all come back
 * in order. The floor, from the same run: as many bytes through a bare TCP connection, sent and
 * received in pieces of 64 KiB by one thread, without frames.
 *
 *     frames [seconds] [payload bytes, at least 8]
 */
#include "common/runtime/frame_client.h"
#include "common/runtime/frame.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_server.h"
#include "common/runtime/loop.h"
#include "common/runtime/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 4096, PIECE_BYTES = 64 << 10 };

struct bench {
    struct loop *loop;
    struct frame_link *server, *client;
    char payload[PIECE_BYTES];
    size_t payload_bytes;
    uint64_t sent, there, back;
};

static void fail_hard(const char *what, const struct error *error) {
    fprintf(stderr, "frames: %s: %s\n", what, error->message);
    exit(1);
}

static void server_frame(void *self, uint16_t type, struct text payload) {
    struct bench *bench = self;
    bench->there++;
    frame_link_send(bench->server, type, payload);
}

static void send_numbered(struct bench *bench) {
    memcpy(bench->payload, &bench->sent, sizeof(bench->sent));
    bench->sent++;
    frame_link_send(bench->client, 1, (struct text){bench->payload, bench->payload_bytes});
}

static void client_frame(void *self, uint16_t type, struct text payload) {
    struct bench *bench = self;
    uint64_t number;
    memcpy(&number, payload.data, sizeof(number));
    if (type != 1 || payload.size != bench->payload_bytes || number != bench->back) {
        fprintf(stderr, "frames: frame %llu came where %llu was due\n", (unsigned long long)number,
                (unsigned long long)bench->back);
        exit(1);
    }
    bench->back++;
    send_numbered(bench);
}

static void closed(__attribute__((unused)) void *self, const struct error *error) {
    fail_hard("connection", error);
}

static const struct frame_link_callbacks on_server = {server_frame, closed};
static const struct frame_link_callbacks on_client = {client_frame, closed};

static void accept_link(void *self, struct http_request *request) {
    struct bench *bench = self;
    struct error error;
    bench->server = http_request_upgrade(request, NULL, 0, &error);
    if (bench->server == NULL)
        fail_hard("upgrade", &error);
    frame_link_start(bench->server, &on_server, bench);
}

static void connected(void *self, const struct frame_client_result *result) {
    struct bench *bench = self;
    if (result->outcome != FRAME_CLIENT_CONNECTED)
        fail_hard("connect", &result->error);
    bench->client = result->link;
    frame_link_start(bench->client, &on_client, bench);
    for (int i = 0; i < WINDOW; i++)
        send_numbered(bench);
}

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Both ends of a TCP connection over loopback. */
static void connect_bare(int ends[2]) {
    struct error error;
    int listener = socket_listen("127.0.0.1", 0, 1, &error);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (listener < 0)
        fail_hard("listen", &error);
    to.sin_port = htons(socket_port(listener));
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(ends[0], (const struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("frames: connect");
        exit(1);
    }
    /* A connection on loopback is in the queue once connect has returned. */
    while ((ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        continue;
    close(listener);
    socket_send_at_once(ends[0]);
    for (size_t i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFL, fcntl(ends[i], F_GETFL) | O_NONBLOCK);
}

/* Bytes a second that one thread sends to itself. */
static double floor_bytes_per_second(double limit) {
    static char piece[PIECE_BYTES];
    int ends[2];
    uint64_t bytes = 0;
    connect_bare(ends);
    double begin = seconds_of(CLOCK_MONOTONIC), now = begin;
    for (; now - begin < limit; now = seconds_of(CLOCK_MONOTONIC)) {
        ssize_t put = send(ends[0], piece, sizeof(piece), MSG_NOSIGNAL);
        for (ssize_t got = 1; put > 0 && got > 0;) {
            got = recv(ends[1], piece, sizeof(piece), 0);
            bytes += got > 0 ? (uint64_t)got : 0;
        }
    }
    close(ends[0]);
    close(ends[1]);
    return (double)bytes / (now - begin);
}

static void report(const struct bench *bench, double wall, double cpu, double floor) {
    double bytes = (double)(bench->there + bench->back) *
                   (double)(bench->payload_bytes + FRAME_HEADER_SIZE) / wall;
    printf("{\"bench\": \"frames\", \"payload_bytes\": %zu, \"window\": %d, \"seconds\": %.2f, "
           "\"cpu_seconds\": %.2f, \"there_per_second\": %.0f, \"back_per_second\": %.0f, "
           "\"bytes_per_second\": %.0f, \"floor_bytes_per_second\": %.0f}\n",
           bench->payload_bytes, WINDOW, wall, cpu, (double)bench->there / wall,
           (double)bench->back / wall, bytes, floor);
}

int main(int argc, char **argv) {
    static struct bench bench;
    struct error error;
    double limit = argc > 1 ? strtod(argv[1], NULL) : 3;
    size_t size = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 100;
    bench.payload_bytes = size < sizeof(uint64_t)        ? sizeof(uint64_t)
                          : size > sizeof(bench.payload) ? sizeof(bench.payload)
                                                         : size;
    double floor = floor_bytes_per_second(limit / 3);
    bench.loop = loop_new(&error);
    if (bench.loop == NULL)
        fail_hard("loop", &error);
    struct http_server *server = http_server_new(bench.loop, (struct http_server_options){0});
    if (!http_server_listen(server, "127.0.0.1", 0, &error))
        fail_hard("listen", &error);
    http_server_route(server, "/", accept_link, &bench);
    struct frame_client_options options = {
        .address = {.host = "127.0.0.1", .port = http_server_port(server)}};
    struct frame_client *client = frame_client_new(bench.loop, &options, connected, &bench);
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    while (seconds_of(CLOCK_MONOTONIC) - wall < limit)
        loop_turn(bench.loop, 100);
    report(&bench, seconds_of(CLOCK_MONOTONIC) - wall, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           floor);
    frame_link_free(bench.client);
    frame_link_free(bench.server);
    frame_client_free(client);
    http_server_free(server);
    loop_free(bench.loop);
    return 0;
}
