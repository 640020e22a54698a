/*
 * Raw connections for attacks: bytes out, bytes in, no manners.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stdint.h>

int raw_connect(uint16_t port);
/* As the role ("scheduler", "agent", "executor", "operator"); asserts 101. */
int raw_upgrade(uint16_t port, const char *role);
/* False when the peer has closed it. */
bool raw_send(int fd, struct text bytes);
void raw_send_frame(int fd, uint16_t type, struct text payload);
/* Reads all until the peer closes; fails the test if that takes too long. */
void raw_await_close(int fd, struct buf *out);
/* Until this is among what came. */
void raw_await(int fd, const char *part, struct buf *out);
/* One request on a connection of its own; the whole answer. */
void raw_request(uint16_t port, struct text request, struct buf *out);
/* One request with such a body; the status, and the whole answer in *out. */
int raw_ask(uint16_t port, const char *method, const char *path, const char *type, struct text body,
            struct buf *out);
/* POST with such a body; the status. */
int raw_post(uint16_t port, const char *path, const char *type, struct text body);
