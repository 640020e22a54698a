/*
 * Small things about sockets that the parts of the runtime share.
 */
#pragma once

#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PEER_TEXT_SIZE = 64 };

void socket_send_at_once(int fd); /* no Nagle */
void socket_format(const struct sockaddr *address, char out[PEER_TEXT_SIZE]);
void socket_peer(int fd, char out[PEER_TEXT_SIZE]);

/* A listening socket on a numeric address; -1: ERROR_EXISTS when the port is in use. */
int socket_listen(const char *ip, uint16_t port, int backlog, struct error *error);
uint16_t socket_port(int fd); /* where it is bound */
