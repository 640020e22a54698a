#include "cli/task_list.h"

#include "cli/when.h"

#include <string.h>

static void take_part(const json_t *answer, const char *key, json_t *out) {
    json_t *part = query_at(answer, key);
    if (part != NULL)
        json_array_extend(out, part);
}

bool task_list_get(const char *masters, unsigned parts, json_t **out, struct error *error) {
    AUTO(json_decref) json_t *answer = NULL;
    if (!query_get(masters, "GET_TASKS", &answer, error))
        return false;
    json_t *tasks = json_array();
    if (parts & TASK_LIST_COMPLETED)
        take_part(answer, "completed_tasks", tasks);
    if (parts & TASK_LIST_UNREACHABLE)
        take_part(answer, "unreachable_tasks", tasks);
    if (parts & TASK_LIST_ACTIVE)
        take_part(answer, "tasks", tasks);
    *out = tasks;
    return true;
}

const json_t *task_last_status(const json_t *task) {
    json_t *statuses = query_at(task, "statuses");
    size_t count = json_array_size(statuses);
    return count > 0 ? json_array_get(statuses, count - 1) : NULL;
}

static int64_t time_of(const json_t *status) {
    return (int64_t)(json_number_value(query_at(status, "timestamp")) * 1e9);
}

int64_t task_status_time_ns(const json_t *task, const char *state) {
    size_t index;
    json_t *status;
    json_array_foreach(query_at(task, "statuses"), index, status) {
        if (state == NULL || strcmp(query_string(status, "state"), state) == 0)
            return time_of(status);
    }
    return 0;
}

static bool has_ended(const json_t *task) {
    static const char *const going[] = {"TASK_STAGING", "TASK_STARTING", "TASK_RUNNING",
                                        "TASK_KILLING", "TASK_UNREACHABLE"};
    for (size_t i = 0; i < sizeof(going) / sizeof(going[0]); i++) {
        if (strcmp(query_string(task, "state"), going[i]) == 0)
            return false;
    }
    return true;
}

int64_t task_run_time_ns(const json_t *task) {
    int64_t began = task_status_time_ns(task, "TASK_RUNNING");
    if (began == 0)
        return -1;
    int64_t until = has_ended(task) ? time_of(task_last_status(task)) : when_now_ns();
    return until > began ? until - began : 0;
}

const char *task_why(const json_t *task) {
    const json_t *status = task_last_status(task);
    const char *message = query_string(status, "message");
    if (message[0] != '\0')
        return message;
    return query_string(status, "reason");
}
