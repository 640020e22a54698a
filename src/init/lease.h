/*
 * How long the task may go on without a word of the agent's: until the stop_at_ms of its status
 * file, and a moment longer, for an agent that is there comes first. The time is read again when it
 * has come, so an agent that renews it costs mesos-init one wake-up each time it would have ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LEASE_AGENT_FIRST_MS = 1000 };

struct lease {
    int timer;  /* of CLOCK_BOOTTIME; -1: the task is bound to nothing */
    int status; /* borrowed: the status file, for reading */
    int64_t stop_at_ms;
    int64_t grace_ms; /* between SIGTERM and SIGKILL */
    bool is_over;
};

/* False, with errno, when there is no timer to be had. */
bool lease_open(struct lease *lease, int status, int64_t grace_ms);

enum lease_word {
    LEASE_GOES_ON,
    LEASE_OVER,     /* said once: SIGTERM */
    LEASE_OUTLIVED, /* the grace is over too: SIGKILL */
};

/* What is due now; winds the timer for the next time. Call it when the timer can be read. */
enum lease_word lease_look(struct lease *lease);
