/*
 * Inside the containerizer: one container, and what the parts of the containerizer share. Nothing
 * here is for the rest of the agent.
 */
#pragma once

#include "agent/container/cgroups.h"
#include "agent/container/containerizer.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/runtime/loop.h"
#include "init/record.h"

enum {
    RETRY_FIRST_MS = 1,
    RETRY_MOST_MS = 1000,
    KEEP_STATUS_MS = 3600 * 1000, /* for an agent that dies before an end is stored */
};

enum container_state {
    CONTAINER_STARTING, /* waiting for the report of mesos-init */
    CONTAINER_RUNNING,
    CONTAINER_OVER,    /* its process is gone; the end is told in a later turn */
    CONTAINER_LEAVING, /* told; its cgroups or its status file are still there */
};

struct container {
    struct containerizer *owner;
    char id[CONTAINER_ID_LIMIT_BYTES + 1];
    char *sandbox; /* or NULL */
    char *file;    /* what is executed; NULL after a recovery */
    enum container_state state;
    pid_t pid;
    uint64_t start_time;
    int pidfd;  /* -1: no process that we know of */
    int report; /* reading end; -1 when it is used up */
    struct loop_watch *pid_watch, *report_watch;
    struct init_failure failure; /* heard through the report */
    bool is_child;               /* ours to reap */
    bool is_unproven;            /* recovered, and nothing says yet that its command may have run */
    bool was_never_begun;        /* its command certainly has not run */
    bool groups_gone, forgotten;
    bool is_orphan, has_orphan_groups; /* nobody owned it; counted */
    struct loop_timer timer;           /* what is to be said or tried again */
    int64_t retry_ms;
    int64_t forget_at_ms;
};

struct containerizer {
    struct loop *loop;
    struct cgroups *cgroups;
    struct map containers; /* by id; owned, in whatever state */
    struct container_orphans orphans;
    size_t leaving_count;
    int runtime; /* the runtime directory, locked */
    int image;   /* mesos-init */
    int null;
    bool rootless;
    struct buf missing;
    container_event_fn *on_event;
    void *self;
};

struct container *container_new(struct containerizer *owner, struct text id);
void container_free(void *container); /* and out of the map */

/* Watches a process that is there; the report too, when there is one. */
void container_watch(struct container *container);
/* Tells the world that the task runs. */
void container_tell_started(struct container *container);
/* The process is gone: says how it ended, and begins to clear away. */
void container_finish(struct container *container);
/* Clears away what is left without a word: for orphans. */
void container_begin_leaving(struct container *container);
/* Of one that is leaving and was never begun: clears it away now, so that its id can be used. */
bool container_make_way(struct container *container);
/* Calls what comes next in a later turn. */
void container_later(struct container *container, void (*fn)(void *self), int64_t delay_ms);

/* NULL: unknown or has ended. */
struct container *containerizer_find(struct containerizer *containerizer, struct text id,
                                     struct error *error);
