/*
 * The executor driver as a pure state machine: subscribes to its agent, keeps tasks and updates
 * until the agent has acknowledged them, and sees to the end of an executor that has lost its
 * agent.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "lib/core/driver_io.h"

enum {
    EXECUTOR_PAUSE_CAP_MS = 2000,
    EXECUTOR_SUBSCRIBE_MS = 10000, /* an agent that does not answer SUBSCRIBE is tried anew */
    EXECUTOR_FIRST_MS = 60000,     /* how long to look for an agent that never answered */
    EXECUTOR_STOP_MS = 5000,       /* how long a stop waits for acknowledgements */
};

struct executor;

struct executor_settings {
    struct text agent; /* "host:port" */
    struct text framework_id, executor_id;
    bool checkpoint;
    int64_t recovery_timeout_ms;
    int64_t shutdown_grace_ms;
    uint64_t seed;
};

struct executor *executor_core_new(const struct executor_settings *settings); /* copies */
void executor_core_free(struct executor *executor);
DEFINE_AUTO(struct executor, executor_core_free)

/* A CALL's `encoded` is a TaskStatus for UPDATE and the data itself for MESSAGE. */
void executor_step(struct executor *executor, const struct driver_event *event,
                   struct driver_outbox *outbox);
int64_t executor_deadline_ms(const struct executor *executor);
