/*
 * The framed connections: schedulers, agents, and operators that read output.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/connection.h"
#include "common/model/frame_type.h"

struct connections;
struct daemon;
struct http_request;

/* It lives as long as the process. */
struct connections *connections_new(struct daemon *daemon);

/* Takes the request, which asks for the upgrade. */
void connections_accept(struct connections *connections, struct http_request *request);
/* Nowhere when the connection is gone: the core hears of that by itself. */
void connections_send(struct connections *connections, struct connection_id to,
                      enum frame_type type, struct text payload);
/* All of them, and the core is not told: it ends. */
void connections_end_all(struct connections *connections, const char *reason);
/* After what was sent before; CLOSED follows. */
void connections_close(struct connections *connections, struct connection_id which,
                       const char *reason);
