/*
 * The level of the log, changed while the daemon runs: for a while, then it goes back to what the
 * flag says. Serves POST or GET /logging/toggle?level=debug&duration=15mins (level 0 is info, above
 * it debug, as Mesos's clients say it).
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/runtime/log.h"

#include <stdint.h>

struct http_server;
struct log_toggle;
struct loop;

enum { LOG_TOGGLE_LIMIT_MS = 24 * 3600 * 1000 };

/* Keeps all three; adds the route unless `server` is NULL. */
struct log_toggle *log_toggle_new(struct loop *loop, struct log *log, struct http_server *server);
void log_toggle_free(struct log_toggle *toggle);
DEFINE_AUTO(struct log_toggle, log_toggle_free)

/* ERROR_INVALID: the duration is negative or more than a day. */
bool log_toggle_set(struct log_toggle *toggle, enum log_level level, int64_t duration_ms,
                    struct error *error);
