/*
 * The scheduler driver as a pure state machine: subscribes and resubscribes, gives every call its
 * fate (the table is in mesos/scheduler.h), turns events into callbacks and acknowledges.
 */
#pragma once

#include "common/base/error.h"
#include "lib/core/driver_io.h"

enum {
    SCHEDULER_SUBSCRIBE_MS = 10000,  /* a master that does not answer SUBSCRIBE is left */
    SCHEDULER_SILENT_HEARTBEATS = 5, /* so is one that misses so many heartbeats */
    SCHEDULER_STOP_MS =
        20000, /* how long a stop tries to get its TEARDOWN across: masters may change */
    SCHEDULER_STOP_SILENCE_MS = 5000, /* a master that does not answer it by then is left */
    SCHEDULER_STOP_PAUSE_MS = 1000, /* so it tries at least so often, however long they were away */
};

struct scheduler;

struct scheduler_settings {
    struct text masters; /* as in dialer.h */
    const Mesos__V1__FrameworkInfo *framework;
    bool explicit_acknowledgements;
    const char *const *suppressed_roles;
    size_t suppressed_role_count;
    const Mesos__V1__Scheduler__OfferConstraints *offer_constraints; /* NULL: none */
    uint64_t seed;
};

struct scheduler *scheduler_new(const struct scheduler_settings *settings); /* copies */
void scheduler_free(struct scheduler *scheduler);
DEFINE_AUTO(struct scheduler, scheduler_free)

void scheduler_step(struct scheduler *scheduler, const struct driver_event *event,
                    struct driver_outbox *outbox);
int64_t scheduler_deadline_ms(const struct scheduler *scheduler);
