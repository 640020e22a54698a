/*
 * A containerizer in a world of its own: a directory in /tmp, a cgroup root that nobody else uses,
 * and a record of every event. world_close checks that nothing is left of it.
 */
#pragma once

#include "agent/container/containerizer.h"
#include "common/base/mem.h"
#include "common/runtime/loop.h"

#include <stdbool.h>

enum { WORLD_RUNS_LIMIT = 64 };

/* One container, as its events told it. */
struct run {
    char id[64];
    char sandbox[160];
    bool started, ended, launch_failed;
    bool stopped; /* by mesos-init, as its time was over */
    pid_t pid;
    uint64_t start_time;
    struct container_termination termination;
    char tail[CONTAINER_TAIL_BYTES + 1];
    char reason[300];
};

struct world {
    char directory[64], runtime[80], root[64];
    struct loop *loop;
    struct containerizer *containerizer;
    struct run runs[WORLD_RUNS_LIMIT];
    size_t run_count;
    bool never_stores; /* an agent that dies before it has stored an end */
};

void world_open(struct world *world);
void world_open_containerizer(struct world *world); /* world_open has done it once */
void world_close(struct world *world);

/* A spec of a shell command as nobody, in a sandbox that is made; `run` keeps its strings. */
struct container_spec world_spec(struct world *world, const char *shell, struct run **run);
void world_launch(struct world *world, const struct container_spec *spec);
void world_await_start(struct world *world, const struct run *run);
void world_await_end(struct world *world, const struct run *run);
/* All of it: spec, launch, end. */
struct run *world_run(struct world *world, const char *shell);

/* A file of the sandbox, cut at 64 KiB; "" when there is none. Borrowed until the next call. */
const char *world_read(const struct run *run, const char *file);
int64_t world_size(const struct run *run, const char *file); /* -1: not there */
/* Makes a pipe in the sandbox; and writes into it, once the task reads. */
void world_make_fifo(const struct run *run, const char *file);
void world_write(const struct run *run, const char *file, const char *text);
/* Turns until a file of the sandbox is there, or fails the test after ten seconds. */
void world_await_file(struct world *world, const struct run *run, const char *file);
