#include "tests/integration/cluster/raw.h"

#include "common/model/frame_type.h"
#include "common/runtime/frame.h"
#include "tests/integration/cluster/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int raw_connect(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

bool raw_send(int fd, struct text bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes = text_sub(bytes, (size_t)sent, SIZE_MAX);
    }
    return true;
}

/* False at the end. */
static bool read_some(int fd, struct buf *out) {
    char bytes[65536];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, WAIT_MS) != 1)
        fail_msg("the peer neither answers nor closes; so far: %s", buf_string(out));
    ssize_t got = read(fd, bytes, sizeof(bytes));
    if (got > 0)
        buf_append(out, bytes, (size_t)got);
    return got > 0;
}

void raw_await(int fd, const char *part, struct buf *out) {
    do {
        if (out->size > 0 && memmem(out->data, out->size, part, strlen(part)) != NULL)
            return;
    } while (read_some(fd, out));
    fail_msg("closed without '%s': %s", part, buf_string(out));
}

void raw_await_close(int fd, struct buf *out) {
    while (read_some(fd, out))
        continue;
    close(fd);
}

int raw_upgrade(uint16_t port, const char *role) {
    AUTO_FINI(buf_fini) struct buf text = {0};
    int fd = raw_connect(port);
    buf_printf(&text,
               "GET " FRAME_UPGRADE_PATH " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
               "Upgrade: mesos/1\r\n" FRAME_ROLE_HEADER ": %s\r\n\r\n",
               role);
    assert_true(raw_send(fd, buf_text(&text)));
    buf_clear(&text);
    raw_await(fd, "\r\n\r\n", &text);
    assert_true(text_starts_with(buf_text(&text), TEXT("HTTP/1.1 101")));
    return fd;
}

void raw_send_frame(int fd, uint16_t type, struct text payload) {
    AUTO_FINI(buf_fini) struct buf frame = {0};
    frame_append(&frame, type, payload);
    raw_send(fd, buf_text(&frame));
}

void raw_request(uint16_t port, struct text request, struct buf *out) {
    int fd = raw_connect(port);
    raw_send(fd, request);
    shutdown(fd, SHUT_WR);
    raw_await_close(fd, out);
}

int raw_ask(uint16_t port, const char *method, const char *path, const char *type, struct text body,
            struct buf *out) {
    AUTO_FINI(buf_fini) struct buf request = {0};
    int fd = raw_connect(port), status = 0;
    buf_printf(&request,
               "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\n"
               "Accept: application/json\r\nContent-Length: %zu\r\n\r\n",
               method, path, type, body.size);
    buf_append_text(&request, body);
    raw_send(fd, buf_text(&request));
    buf_clear(out);
    raw_await_close(fd, out);
    sscanf(buf_string(out), "HTTP/1.1 %d", &status);
    return status;
}

int raw_post(uint16_t port, const char *path, const char *type, struct text body) {
    AUTO_FINI(buf_fini) struct buf answer = {0};
    return raw_ask(port, "POST", path, type, body, &answer);
}
