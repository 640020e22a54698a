/*
 * One word about a task on its way to its framework, and the record of a death. Borrowed values.
 */
#pragma once

#include "common/base/text.h"
#include "common/base/uuid.h"
#include "common/model/ids.h"
#include "common/model/task_state.h"

#include <stdbool.h>
#include <stdint.h>

/* How a task's main process ended, as the agent saw it. */
struct termination {
    bool exited; /* exit_code holds; else signal */
    int exit_code;
    int signal;
    bool core_dumped;
    bool out_of_memory;
    uint64_t peak_memory_bytes; /* 0: not known */
    uint64_t cpu_time_ns;
    uint64_t wall_time_ns;
    struct text killed_by;   /* "framework", "operator", "agent", "kernel", ...; empty: nobody */
    struct text stderr_tail; /* the last lines, valid UTF-8 */
};

struct task_status {
    struct task_id task;
    enum task_state state;
    bool has_source;
    enum task_source source;
    bool has_reason;
    enum task_reason reason;
    struct text message;
    struct agent_id agent; /* empty: not given, likewise below */
    struct executor_id executor;
    int64_t timestamp_ns; /* since 1970; 0: not given */
    bool has_uuid;        /* without one it must not be acknowledged */
    struct uuid uuid;
    bool has_healthy;
    bool healthy;
    int64_t unreachable_time_ns; /* 0: not given */
    bool has_termination;
    struct termination termination;
    /* Fields of mesos.v1.TaskStatus that are only carried: data, labels, container_status,
     * check_status, limitation, unknown ones, encoded one after the other. */
    struct text carried;
    /* The whole mesos.v1.TaskStatus when it is known to agree with all of the above, else empty.
     * Whoever changes a field empties it. */
    struct text encoded;
};
