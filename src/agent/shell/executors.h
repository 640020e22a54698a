/*
 * The connections of executors: framed protobuf behind an upgraded HTTP request.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/text.h"
#include "common/model/connection.h"

struct daemon;
struct executors;
struct http_request;

struct executors *executors_new(struct daemon *daemon);
void executors_free(struct executors *executors);
DEFINE_AUTO(struct executors, executors_free)

/* Takes the request, which asked for the upgrade. */
void executors_accept(struct executors *executors, struct http_request *request);
void executors_send(struct executors *executors, struct connection_id to, struct text event);
void executors_close(struct executors *executors, struct connection_id which, const char *reason);
