#include "agent/container/stop_point.h"

static const char *const names[STOP_POINTS] = {
    [STOP_EVENT_HEARD] = "event_heard",
    [STOP_CALL_HEARD] = "call_heard",
    [STOP_COMMIT_BEGINS] = "commit_begins",
    [STOP_COMMIT_HANDED] = "commit_handed",
    [STOP_COMMIT_DONE] = "commit_done",
    [STOP_STATUS_SENDS] = "status_sends",
    [STOP_STATUS_SENT] = "status_sent",
    [STOP_EXECUTOR_TOLD] = "executor_told",
    [STOP_LAUNCH_BEGINS] = "launch_begins",
    [STOP_LAUNCH_SANDBOX] = "launch_sandbox",
    [STOP_LAUNCH_NAMES] = "launch_names",
    [STOP_LAUNCH_CLONED] = "launch_cloned",
    [STOP_LAUNCH_WRITTEN] = "launch_written",
    [STOP_LAUNCH_GIVEN] = "launch_given",
    [STOP_STARTED] = "started",
    [STOP_SIGNAL_SENDS] = "signal_sends",
    [STOP_SIGNAL_SENT] = "signal_sent",
    [STOP_DESTROYED] = "destroyed",
    [STOP_END_SEEN] = "end_seen",
    [STOP_END_NOTED] = "end_noted",
    [STOP_END_TOLD] = "end_told",
    [STOP_END_FORGOTTEN] = "end_forgotten",
    [STOP_GROUPS_REMOVED] = "groups_removed",
    [STOP_STATUS_REMOVED] = "status_removed",
    [STOP_REMOVAL_BEGINS] = "removal_begins",
    [STOP_REMOVAL_RUNS] = "removal_runs",
    [STOP_REMOVAL_DONE] = "removal_done",
};

const char *stop_point_name(enum stop_point point) {
    return names[point];
}

#ifdef AGENT_STOP_POINTS

#include "common/base/text.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void stop_point(enum stop_point point) {
    static uint64_t times;
    const char *wanted = getenv("AGENT_STOP_AT");
    if (wanted == NULL)
        return;
    struct text rest = text_of(wanted), name;
    uint64_t at = 1;
    text_split(&rest, ':', &name);
    if (!text_equal(name, text_of(names[point])))
        return;
    text_to_u64(rest, &at);
    if (++times == at)
        kill(getpid(), SIGKILL);
}

#endif
