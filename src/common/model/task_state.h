/*
 * The states of a task, the moves between them, and why: numbers and names as on the v1 wire. The
 * table of legal moves is here once; task_move is the only way to change a state, and
 * docs/task-states.md is drawn from the table.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/text.h"

#include <stdbool.h>

enum task_state {
    TASK_STATE_STARTING = 0,
    TASK_STATE_RUNNING = 1,
    TASK_STATE_FINISHED = 2,
    TASK_STATE_FAILED = 3,
    TASK_STATE_KILLED = 4,
    TASK_STATE_LOST = 5,
    TASK_STATE_STAGING = 6,
    TASK_STATE_ERROR = 7,
    TASK_STATE_KILLING = 8,
    TASK_STATE_DROPPED = 9,
    TASK_STATE_UNREACHABLE = 10,
    TASK_STATE_GONE = 11,
    TASK_STATE_GONE_BY_OPERATOR = 12,
    TASK_STATE_UNKNOWN = 13, /* an answer to reconciliation only, never the state of a task */
};
enum { TASK_STATE_COUNT = 14 };

enum task_source {
    TASK_SOURCE_MASTER = 0,
    TASK_SOURCE_AGENT = 1,
    TASK_SOURCE_EXECUTOR = 2,
};
enum { TASK_SOURCE_COUNT = 3 };

enum task_reason {
    TASK_REASON_COMMAND_EXECUTOR_FAILED = 0,
    TASK_REASON_EXECUTOR_TERMINATED = 1,
    TASK_REASON_EXECUTOR_UNREGISTERED = 2,
    TASK_REASON_FRAMEWORK_REMOVED = 3,
    TASK_REASON_GC_ERROR = 4,
    TASK_REASON_INVALID_FRAMEWORKID = 5,
    TASK_REASON_INVALID_OFFERS = 6,
    TASK_REASON_MASTER_DISCONNECTED = 7,
    TASK_REASON_CONTAINER_LIMITATION_MEMORY = 8,
    TASK_REASON_RECONCILIATION = 9,
    TASK_REASON_AGENT_DISCONNECTED = 10,
    TASK_REASON_AGENT_REMOVED = 11,
    TASK_REASON_AGENT_RESTARTED = 12,
    TASK_REASON_AGENT_UNKNOWN = 13,
    TASK_REASON_TASK_INVALID = 14,
    TASK_REASON_TASK_UNAUTHORIZED = 15,
    TASK_REASON_TASK_UNKNOWN = 16,
    TASK_REASON_CONTAINER_PREEMPTED = 17,
    TASK_REASON_RESOURCES_UNKNOWN = 18,
    TASK_REASON_CONTAINER_LIMITATION = 19,
    TASK_REASON_CONTAINER_LIMITATION_DISK = 20,
    TASK_REASON_CONTAINER_LAUNCH_FAILED = 21,
    TASK_REASON_CONTAINER_UPDATE_FAILED = 22,
    TASK_REASON_EXECUTOR_REGISTRATION_TIMEOUT = 23,
    TASK_REASON_EXECUTOR_REREGISTRATION_TIMEOUT = 24,
    TASK_REASON_TASK_GROUP_INVALID = 25,
    TASK_REASON_TASK_GROUP_UNAUTHORIZED = 26,
    TASK_REASON_IO_SWITCHBOARD_EXITED = 27,
    TASK_REASON_TASK_CHECK_STATUS_UPDATED = 28,
    TASK_REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = 29,
    TASK_REASON_TASK_KILLED_DURING_LAUNCH = 30,
    TASK_REASON_AGENT_REMOVED_BY_OPERATOR = 31,
    TASK_REASON_AGENT_REREGISTERED = 32,
    TASK_REASON_MAX_COMPLETION_TIME_REACHED = 33,
    TASK_REASON_AGENT_DRAINING = 34,
    TASK_REASON_NONE = -1, /* a status need not have one */
};
enum { TASK_REASON_COUNT = 35 };

/* Names as on the wire: "TASK_RUNNING", "SOURCE_AGENT", "REASON_GC_ERROR"; NULL for a number that
 * is none. The way back takes these names only. */
const char *task_state_name(enum task_state state);
const char *task_source_name(enum task_source source);
const char *task_reason_name(enum task_reason reason);
bool task_state_of_name(struct text name, enum task_state *out);
bool task_source_of_name(struct text name, enum task_source *out);
bool task_reason_of_name(struct text name, enum task_reason *out);

/* Numbers from the wire. */
bool task_state_of_number(int64_t number, enum task_state *out);
bool task_reason_of_number(int64_t number, enum task_reason *out);

/* The resources of a terminal task are free. */
bool task_state_is_terminal(enum task_state state);

bool task_move_is_legal(enum task_state from, enum task_state to);

/* Moves; false, and *state unchanged, when the table does not allow it. */
bool task_move(enum task_state *state, enum task_state to) __attribute__((warn_unused_result));

/* Appends the table as the Markdown page docs/task-states.md. */
void task_states_draw(struct buf *out);
