/*
 * A task, its command and its executor as a framework describes them. Values that borrow from the
 * event that brought them; what nobody here decides about stays in `encoded`.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/ids.h"
#include "common/model/resources.h"

#include <stdbool.h>
#include <stdint.h>

struct environment_variable {
    struct text name;
    struct text value;
};

struct command_info {
    bool is_set;
    bool shell; /* value is given to /bin/sh -c; else value is the file and arguments its argv */
    bool has_value;
    struct text value;
    const struct text *arguments;
    size_t argument_count;
    struct text user; /* empty: the framework's */
    const struct environment_variable *environment;
    size_t environment_count;
    size_t uri_count; /* things to fetch first */
    bool has_secret;  /* a variable is to come from a secret store */
};

/* What of a ContainerInfo decides whether we can run it. */
struct container_request {
    bool is_set;
    bool is_docker; /* ContainerInfo.Type DOCKER */
    bool has_image;
    size_t volume_count;
    size_t network_count;
    struct text hostname;
};

/* Where the resource of a persistent volume asks for it to be mounted. */
struct volume_mount {
    struct text path; /* container_path */
    bool read_only;
    bool has_origin; /* it also names a host path, an image or a source, which a volume cannot */
};

/* Numbers of mesos.v1.ExecutorInfo.Type. */
enum executor_type { EXECUTOR_TYPE_UNSET = 0, EXECUTOR_TYPE_DEFAULT = 1, EXECUTOR_TYPE_CUSTOM = 2 };

struct executor_info {
    bool is_set;
    struct executor_id id;
    struct framework_id framework; /* empty: not given */
    enum executor_type type;
    struct text name;
    struct text source;
    struct command_info command;
    struct container_request container;
    const struct resources *resources;
    bool has_shutdown_grace;
    int64_t shutdown_grace_ns;
    struct text encoded; /* the whole mesos.v1.ExecutorInfo */
};

/* A label whose value, a duration, is how long a task may go on without a master. */
#define TASK_LABEL_STOP_AFTER "mesos.partition.stop_after"
enum { TASK_STOP_AFTER_LEAST_MS = 5000 }; /* of it: less cannot be told from a slow answer */

struct task_limit {
    struct text name;
    bool is_infinite;
    int64_t milli;
};

struct task_info {
    struct task_id id;
    struct agent_id agent;
    struct text name;
    const struct resources *resources;
    struct text resource_role; /* allocation_info.role if any resource names one */
    bool resources_name_two_roles;
    struct command_info command;
    struct executor_info executor;
    struct container_request container;
    bool has_kill_grace;
    int64_t kill_grace_ns;
    bool has_max_completion;
    int64_t max_completion_ns;
    const struct task_limit *limits;
    size_t limit_count;
    int64_t stop_after_ms; /* TASK_LABEL_STOP_AFTER; 0: it goes on whatever the agent hears */
    bool has_health_check;
    bool has_check;
    /* What of its amounts makes no sense (resources then are none): the task is refused with these
     * words, not the call that brought it. Empty: nothing. */
    struct text fault;
    struct text encoded; /* the whole mesos.v1.TaskInfo */
};
