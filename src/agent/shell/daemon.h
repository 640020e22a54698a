/*
 * The agent's shell: feeds the core one event at a time and carries out what comes of it.
 * Everything runs on the loop's thread; only storage commits elsewhere.
 *
 * The effects of one step that wait for a store are turned into bytes at once and held until it is
 * done, because what they point to does not outlive the step.
 */
#pragma once

#include "agent/core/agent.h"
#include "agent/shell/agent_flags.h"
#include "agent/shell/sweep.h"
#include "common/base/list.h"
#include "common/runtime/log.h"
#include "common/runtime/loop.h"
#include "common/wire/messages.h"

struct containers;
struct executors;
struct http_server;
struct log_toggle;
struct master_link;
struct outputs;
struct remover;
struct storage;
struct volumes;

struct daemon {
    struct agent_flags flags;
    struct loop *loop;
    struct log *log;
    struct kinds *kinds;
    struct arena *arena; /* of one event; decode into it, then daemon_feed */
    struct agent *agent;
    struct agent_outbox outbox;
    struct storage *storage;
    struct http_server *http;
    struct log_toggle *log_toggle;
    struct master_link *master;
    struct executors *executors;
    struct containers *containers;
    struct outputs *outputs;
    struct remover *remover;
    struct volumes *volumes;

    struct loop_timer timer; /* agent_deadline_ms */
    struct loop_timer disk_timer;
    struct loop_task turn_end; /* hands the turn's changes to storage */
    uint64_t made_ticket, handed_ticket, stored_ticket;
    struct link held; /* effects that wait for their ticket, in order */
    bool is_feeding;
    struct sweep_counts swept;
    int64_t started_ms; /* on the loop's clock */
    int exit_code;
};

static inline struct wire daemon_wire(struct daemon *daemon) {
    return (struct wire){.arena = daemon->arena, .kinds = daemon->kinds};
}

/* Steps the core and carries out the effects; ends with an empty arena. Never out of an effect. */
void daemon_feed(struct daemon *daemon, struct agent_event event);

/* Runs until SIGTERM or SIGINT (tasks go on), SIGUSR1 (they are killed, and no trace of them is
 * left), or a STOP of the core; the exit code. */
int daemon_run(struct daemon *daemon);
