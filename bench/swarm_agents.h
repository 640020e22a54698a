/*
 * Many agents in one process: the real core of the agent each, with the frame protocol over TCP to
 * a real master, a disk that has stored as soon as it is asked, and containers that run at once and
 * stay until swarm_end_task.
 *
 * They come up as after a restart of their processes, with tasks that run already. Sockets leave
 * from several loopback addresses, for one has too few ports. The leader is found once for all of
 * them; each then hears of it as if it had found it by itself.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/runtime/address.h"
#include "common/runtime/loop.h"

#include <stdio.h>

enum { SWARM_AGENTS_LIMIT = 100000, SWARM_TASKS_LIMIT = 1000 }; /* tasks: of one agent */

struct swarm_options {
    struct loop *loop;
    size_t agents, tasks_each;
    struct text framework;           /* whose tasks they run; needed with tasks */
    struct text framework_info;      /* as the master sends it to agents: encoded, with the id */
    int64_t registration_backoff_ms; /* 0: as the agent's own preset */
};

/* Read by everybody, changed by swarm_agents.c alone. */
struct swarm_counts {
    size_t registered; /* now */
    uint64_t registrations;
    int64_t last_registered_ns; /* monotonic */
    uint64_t failures;          /* connections that could not be made */
    uint64_t closed;            /* that the master or we ended */
    uint64_t pings;
    uint64_t orders; /* other messages of masters but REGISTERED */
    uint64_t acknowledged;
    uint64_t stopped; /* agents that cannot go on; none should */
};

struct swarm;

/* Makes them; nothing is sent yet. */
struct swarm *swarm_new(const struct swarm_options *options);
void swarm_free(struct swarm *swarm);
DEFINE_AUTO(struct swarm, swarm_free)

/* All agents begin, at once, and go to `leader` when it is known. */
void swarm_start(struct swarm *swarm);
/* As an agent's detector says it. */
void swarm_found(struct swarm *swarm, const struct address *leader);

/* One more task has ended by itself, on the next agent in turn; false: none is left. */
bool swarm_end_task(struct swarm *swarm);

const struct swarm_counts *swarm_counts(const struct swarm *swarm);

/* Where its agents stand, as a line: for a run that does not come to an end. */
void swarm_describe(const struct swarm *swarm, FILE *out);

/* As many files as the process may have open; agents need one each, and so does the master. */
void swarm_raise_limits(size_t files);
