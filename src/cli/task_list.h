/*
 * The tasks of the cluster as the CLI handles them: one array whatever list of the master they are
 * in, in order of their first status, with what is derived from their statuses.
 */
#pragma once

#include "cli/query.h"

#include <stdint.h>

enum task_list_parts {
    TASK_LIST_ACTIVE = 1,
    TASK_LIST_UNREACHABLE = 2,
    TASK_LIST_COMPLETED = 4,
    TASK_LIST_ALL = 7,
};

/* A new array of tasks as GET_TASKS gives them; the caller's to json_decref. */
bool task_list_get(const char *masters, unsigned parts, json_t **out, struct error *error);

const json_t *task_last_status(const json_t *task); /* NULL: none yet */
/* Of the first status with that state, or with any when state is NULL; 0: there is none. */
int64_t task_status_time_ns(const json_t *task, const char *state);
/* From TASK_RUNNING to the end, or till now; -1: it never ran, or nobody knows since when. */
int64_t task_run_time_ns(const json_t *task);
/* Why it is as it is, in a few words: the last status's message, else its reason, else "". */
const char *task_why(const json_t *task);
