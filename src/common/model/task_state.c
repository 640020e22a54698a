/*
 * An executor may report what lives in any order, as Mesos lets it: some start a task again. What
 * has ended stays so, but for LOST and GONE_BY_OPERATOR, which are guesses of the master about an
 * agent that may come back and tell the truth.
 */
#include "common/model/task_state.h"

#include <stddef.h>
#include <stdint.h>

#define BIT(state) (1u << TASK_STATE_##state)

enum {
    LIVE = BIT(STARTING) | BIT(RUNNING) | BIT(KILLING),
    ENDED = BIT(FINISHED) | BIT(FAILED) | BIT(KILLED) | BIT(ERROR) | BIT(DROPPED) | BIT(GONE),
    GUESSED = BIT(LOST) | BIT(GONE_BY_OPERATOR),
    AWAY = BIT(UNREACHABLE),
};

static const uint32_t legal[TASK_STATE_COUNT] = {
    [TASK_STATE_STAGING] = LIVE | ENDED | GUESSED | AWAY,
    [TASK_STATE_STARTING] = LIVE | ENDED | GUESSED | AWAY,
    [TASK_STATE_RUNNING] = LIVE | ENDED | GUESSED | AWAY,
    [TASK_STATE_KILLING] = LIVE | ENDED | GUESSED | AWAY,
    [TASK_STATE_UNREACHABLE] = BIT(STAGING) | LIVE | ENDED | GUESSED,
    [TASK_STATE_LOST] = BIT(STAGING) | LIVE | ENDED | BIT(GONE_BY_OPERATOR),
    [TASK_STATE_GONE_BY_OPERATOR] = BIT(STAGING) | LIVE | ENDED,
};

static const char *const states[TASK_STATE_COUNT] = {
    [TASK_STATE_STARTING] = "TASK_STARTING",
    [TASK_STATE_RUNNING] = "TASK_RUNNING",
    [TASK_STATE_FINISHED] = "TASK_FINISHED",
    [TASK_STATE_FAILED] = "TASK_FAILED",
    [TASK_STATE_KILLED] = "TASK_KILLED",
    [TASK_STATE_LOST] = "TASK_LOST",
    [TASK_STATE_STAGING] = "TASK_STAGING",
    [TASK_STATE_ERROR] = "TASK_ERROR",
    [TASK_STATE_KILLING] = "TASK_KILLING",
    [TASK_STATE_DROPPED] = "TASK_DROPPED",
    [TASK_STATE_UNREACHABLE] = "TASK_UNREACHABLE",
    [TASK_STATE_GONE] = "TASK_GONE",
    [TASK_STATE_GONE_BY_OPERATOR] = "TASK_GONE_BY_OPERATOR",
    [TASK_STATE_UNKNOWN] = "TASK_UNKNOWN",
};

static const char *const sources[TASK_SOURCE_COUNT] = {
    [TASK_SOURCE_MASTER] = "SOURCE_MASTER",
    [TASK_SOURCE_AGENT] = "SOURCE_AGENT",
    [TASK_SOURCE_EXECUTOR] = "SOURCE_EXECUTOR",
};

static const char *const reasons[TASK_REASON_COUNT] = {
    [TASK_REASON_COMMAND_EXECUTOR_FAILED] = "REASON_COMMAND_EXECUTOR_FAILED",
    [TASK_REASON_EXECUTOR_TERMINATED] = "REASON_EXECUTOR_TERMINATED",
    [TASK_REASON_EXECUTOR_UNREGISTERED] = "REASON_EXECUTOR_UNREGISTERED",
    [TASK_REASON_FRAMEWORK_REMOVED] = "REASON_FRAMEWORK_REMOVED",
    [TASK_REASON_GC_ERROR] = "REASON_GC_ERROR",
    [TASK_REASON_INVALID_FRAMEWORKID] = "REASON_INVALID_FRAMEWORKID",
    [TASK_REASON_INVALID_OFFERS] = "REASON_INVALID_OFFERS",
    [TASK_REASON_MASTER_DISCONNECTED] = "REASON_MASTER_DISCONNECTED",
    [TASK_REASON_CONTAINER_LIMITATION_MEMORY] = "REASON_CONTAINER_LIMITATION_MEMORY",
    [TASK_REASON_RECONCILIATION] = "REASON_RECONCILIATION",
    [TASK_REASON_AGENT_DISCONNECTED] = "REASON_AGENT_DISCONNECTED",
    [TASK_REASON_AGENT_REMOVED] = "REASON_AGENT_REMOVED",
    [TASK_REASON_AGENT_RESTARTED] = "REASON_AGENT_RESTARTED",
    [TASK_REASON_AGENT_UNKNOWN] = "REASON_AGENT_UNKNOWN",
    [TASK_REASON_TASK_INVALID] = "REASON_TASK_INVALID",
    [TASK_REASON_TASK_UNAUTHORIZED] = "REASON_TASK_UNAUTHORIZED",
    [TASK_REASON_TASK_UNKNOWN] = "REASON_TASK_UNKNOWN",
    [TASK_REASON_CONTAINER_PREEMPTED] = "REASON_CONTAINER_PREEMPTED",
    [TASK_REASON_RESOURCES_UNKNOWN] = "REASON_RESOURCES_UNKNOWN",
    [TASK_REASON_CONTAINER_LIMITATION] = "REASON_CONTAINER_LIMITATION",
    [TASK_REASON_CONTAINER_LIMITATION_DISK] = "REASON_CONTAINER_LIMITATION_DISK",
    [TASK_REASON_CONTAINER_LAUNCH_FAILED] = "REASON_CONTAINER_LAUNCH_FAILED",
    [TASK_REASON_CONTAINER_UPDATE_FAILED] = "REASON_CONTAINER_UPDATE_FAILED",
    [TASK_REASON_EXECUTOR_REGISTRATION_TIMEOUT] = "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
    [TASK_REASON_EXECUTOR_REREGISTRATION_TIMEOUT] = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
    [TASK_REASON_TASK_GROUP_INVALID] = "REASON_TASK_GROUP_INVALID",
    [TASK_REASON_TASK_GROUP_UNAUTHORIZED] = "REASON_TASK_GROUP_UNAUTHORIZED",
    [TASK_REASON_IO_SWITCHBOARD_EXITED] = "REASON_IO_SWITCHBOARD_EXITED",
    [TASK_REASON_TASK_CHECK_STATUS_UPDATED] = "REASON_TASK_CHECK_STATUS_UPDATED",
    [TASK_REASON_TASK_HEALTH_CHECK_STATUS_UPDATED] = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
    [TASK_REASON_TASK_KILLED_DURING_LAUNCH] = "REASON_TASK_KILLED_DURING_LAUNCH",
    [TASK_REASON_AGENT_REMOVED_BY_OPERATOR] = "REASON_AGENT_REMOVED_BY_OPERATOR",
    [TASK_REASON_AGENT_REREGISTERED] = "REASON_AGENT_REREGISTERED",
    [TASK_REASON_MAX_COMPLETION_TIME_REACHED] = "REASON_MAX_COMPLETION_TIME_REACHED",
    [TASK_REASON_AGENT_DRAINING] = "REASON_AGENT_DRAINING",
};

static const char *name_at(const char *const *names, int count, int number) {
    return number >= 0 && number < count ? names[number] : NULL;
}

static bool find_name(const char *const *names, int count, struct text name, int *number) {
    for (int i = 0; i < count; i++) {
        if (text_equal(name, text_of(names[i]))) {
            *number = i;
            return true;
        }
    }
    return false;
}

const char *task_state_name(enum task_state state) {
    return name_at(states, TASK_STATE_COUNT, (int)state);
}

const char *task_source_name(enum task_source source) {
    return name_at(sources, TASK_SOURCE_COUNT, (int)source);
}

const char *task_reason_name(enum task_reason reason) {
    return name_at(reasons, TASK_REASON_COUNT, (int)reason);
}

bool task_state_of_name(struct text name, enum task_state *out) {
    int number;
    if (!find_name(states, TASK_STATE_COUNT, name, &number))
        return false;
    *out = (enum task_state)number;
    return true;
}

bool task_source_of_name(struct text name, enum task_source *out) {
    int number;
    if (!find_name(sources, TASK_SOURCE_COUNT, name, &number))
        return false;
    *out = (enum task_source)number;
    return true;
}

bool task_reason_of_name(struct text name, enum task_reason *out) {
    int number;
    if (!find_name(reasons, TASK_REASON_COUNT, name, &number))
        return false;
    *out = (enum task_reason)number;
    return true;
}

bool task_state_of_number(int64_t number, enum task_state *out) {
    if (number < 0 || number >= TASK_STATE_COUNT)
        return false;
    *out = (enum task_state)number;
    return true;
}

bool task_reason_of_number(int64_t number, enum task_reason *out) {
    if (number < 0 || number >= TASK_REASON_COUNT)
        return false;
    *out = (enum task_reason)number;
    return true;
}

bool task_state_is_terminal(enum task_state state) {
    return ((ENDED | GUESSED) >> state & 1) != 0;
}

bool task_move_is_legal(enum task_state from, enum task_state to) {
    return (legal[from] >> to & 1) != 0;
}

bool task_move(enum task_state *state, enum task_state to) {
    if (!task_move_is_legal(*state, to))
        return false;
    *state = to;
    return true;
}

/* The order of a life, not of the numbers. */
static const enum task_state drawn[TASK_STATE_COUNT] = {
    TASK_STATE_STAGING,          TASK_STATE_STARTING,    TASK_STATE_RUNNING,
    TASK_STATE_KILLING,          TASK_STATE_UNREACHABLE, TASK_STATE_FINISHED,
    TASK_STATE_FAILED,           TASK_STATE_KILLED,      TASK_STATE_ERROR,
    TASK_STATE_DROPPED,          TASK_STATE_GONE,        TASK_STATE_LOST,
    TASK_STATE_GONE_BY_OPERATOR, TASK_STATE_UNKNOWN,
};

static const char *short_name(enum task_state state) {
    return states[state] + sizeof("TASK_") - 1;
}

static void draw_row(struct buf *out, enum task_state from) {
    buf_printf(out, "| %s | %s |", short_name(from), task_state_is_terminal(from) ? "yes" : "");
    for (size_t i = 0; i < TASK_STATE_COUNT; i++)
        buf_append_string(out, task_move_is_legal(from, drawn[i]) ? " x |" : " |");
    buf_append_string(out, "\n");
}

void task_states_draw(struct buf *out) {
    buf_append_string(
        out, "# Task states\n\n"
             "Drawn from the table in src/common/model/task_state.c by task_states_draw; a "
             "test compares.\nA row may move to the columns that are marked. A terminal task "
             "has given its resources back.\nLOST and GONE_BY_OPERATOR are what the master "
             "believes: an agent that returns may say otherwise.\nUNKNOWN only answers "
             "reconciliation.\n\n| from | terminal |");
    for (size_t i = 0; i < TASK_STATE_COUNT; i++)
        buf_printf(out, " %s |", short_name(drawn[i]));
    buf_append_string(out, "\n|---|---|");
    for (size_t i = 0; i < TASK_STATE_COUNT; i++)
        buf_append_string(out, "---|");
    buf_append_string(out, "\n");
    for (size_t i = 0; i < TASK_STATE_COUNT; i++)
        draw_row(out, drawn[i]);
}
