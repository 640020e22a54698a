/*
 * How the end of a container reads: the state, the reason and one sentence for people.
 */
#include "agent/core/parts.h"

#include <string.h>

enum { KILOBYTE = 1024, MEGABYTE = 1024 * 1024 };

struct text termination_sentence(struct agent *agent, const struct termination *termination) {
    struct arena *arena = agent->outbox->arena;
    if (termination->exited)
        return text_of(
            arena_printf(arena, "Command exited with status %d", termination->exit_code));
    const char *core = termination->core_dumped ? " (core dumped)" : "";
    const char *name = sigdescr_np(termination->signal);
    if (name == NULL)
        return text_of(
            arena_printf(arena, "Command terminated with signal %d%s", termination->signal, core));
    return text_of(arena_printf(arena, "Command terminated with signal %s%s", name, core));
}

static const char *format_bytes(struct agent *agent, uint64_t bytes) {
    uint64_t unit = bytes >= MEGABYTE ? MEGABYTE : KILOBYTE;
    return arena_printf(agent->outbox->arena, "%llu%s", (unsigned long long)(bytes / unit),
                        unit == MEGABYTE ? "MB" : "KB");
}

struct text termination_memory_sentence(struct agent *agent, int64_t limit_bytes,
                                        const struct termination *termination) {
    const char *peak = termination->peak_memory_bytes > 0
                           ? format_bytes(agent, termination->peak_memory_bytes)
                           : "not known";
    return text_of(arena_printf(agent->outbox->arena,
                                "Memory limit exceeded: Limit: %s, Maximum Used: %s",
                                format_bytes(agent, (uint64_t)limit_bytes), peak));
}

static bool ran_too_long(const struct task *task) {
    return task->kill_wanted && text_equal(task->killed_by, TEXT("agent"));
}

static struct status_of describe_end(struct agent *agent, const struct task *task,
                                     struct termination *termination) {
    if (task->kill_wanted)
        termination->killed_by = task->killed_by;
    else if (termination->out_of_memory)
        termination->killed_by = TEXT("kernel");
    struct status_of status = {.state = TASK_STATE_FAILED,
                               .reason = TASK_REASON_NONE,
                               .message = termination_sentence(agent, termination),
                               .termination = termination};
    if (ran_too_long(task)) {
        status.reason = TASK_REASON_MAX_COMPLETION_TIME_REACHED;
        status.message = TEXT("Task exceeded its maximum completion time");
    } else if (task->kill_wanted) {
        status.state = TASK_STATE_KILLED;
        if (!task->started)
            status.reason = TASK_REASON_TASK_KILLED_DURING_LAUNCH;
    } else if (termination->out_of_memory) {
        status.reason = TASK_REASON_CONTAINER_LIMITATION_MEMORY;
        status.message =
            termination_memory_sentence(agent, launch_memory_bytes(agent, task), termination);
    } else if (termination->exited && termination->exit_code == 0) {
        status.state = TASK_STATE_FINISHED;
    }
    return status;
}

/* Of a container that never ran its command. */
static struct status_of describe_failure(struct agent *agent, const struct task *task,
                                         struct text message) {
    if (task->kill_wanted)
        return (struct status_of){.state = TASK_STATE_KILLED,
                                  .reason = TASK_REASON_TASK_KILLED_DURING_LAUNCH,
                                  .message = TEXT("Killed before it had started")};
    struct text why = text_cut(message, AGENT_MESSAGE_TEXT_LIMIT);
    return (struct status_of){.state = TASK_STATE_FAILED,
                              .reason = TASK_REASON_CONTAINER_LAUNCH_FAILED,
                              .message = arena_text(agent->outbox->arena, why)};
}

struct status_of termination_describe(struct agent *agent, const struct task *task,
                                      const struct agent_event *event) {
    struct status_of status;
    switch (event->ended.outcome) {
    case CONTAINER_OUTCOME_ENDED: {
        struct termination *kept = ARENA_NEW(agent->outbox->arena, struct termination);
        *kept = event->ended.termination;
        kept->stderr_tail = text_is_utf8(kept->stderr_tail)
                                ? text_cut(kept->stderr_tail, AGENT_MESSAGE_TEXT_LIMIT)
                                : (struct text){0};
        return describe_end(agent, task, kept);
    }
    case CONTAINER_OUTCOME_EXEC_FAILED:
    case CONTAINER_OUTCOME_LAUNCH_FAILED:
        return describe_failure(agent, task, event->ended.message);
    case CONTAINER_OUTCOME_REFUSED:
        status = describe_failure(agent, task, event->ended.message);
        if (!task->kill_wanted) {
            status.state = task_never_ran(task->framework);
            status.reason = TASK_REASON_EXECUTOR_TERMINATED;
        }
        return status;
    case CONTAINER_OUTCOME_LOST: break;
    }
    if (task->kill_wanted && !ran_too_long(task))
        return (struct status_of){.state = TASK_STATE_KILLED,
                                  .reason = TASK_REASON_NONE,
                                  .message = TEXT("Killed; how it ended is not known")};
    return (struct status_of){.state = TASK_STATE_FAILED,
                              .reason = TASK_REASON_EXECUTOR_TERMINATED,
                              .message = task->lost_message.size > 0
                                             ? task->lost_message
                                             : TEXT("Its container is gone without a trace")};
}
