/*
 * A complete executor: says hello for every task it is given and that the task is finished; ends
 * when it is told to or when its first task is through.
 */
#include <mesos/executor.h>

#include <stdio.h>
#include <stdlib.h>

static void say(struct mesos_executor_driver *driver, Mesos__V1__TaskID *task_id,
                Mesos__V1__TaskState state) {
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.task_id = task_id;
    status.state = state;
    mesos_executor_driver_send_status_update(driver, &status);
}

/* Long work belongs on a thread of its own; send_status_update may be called from any. */
static void on_launch(void *user, struct mesos_executor_driver *driver,
                      const Mesos__V1__TaskInfo *task) {
    (void)user;
    say(driver, task->task_id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    printf("hello from %s\n", task->task_id->value);
    fflush(stdout);
    say(driver, task->task_id, MESOS__V1__TASK_STATE__TASK_FINISHED);
    /* Returns at once; the driver ends when the agent has both updates. */
    mesos_executor_driver_stop(driver);
}

static void on_kill(void *user, struct mesos_executor_driver *driver,
                    const Mesos__V1__TaskID *task_id, const Mesos__V1__KillPolicy *policy) {
    (void)user, (void)policy;
    Mesos__V1__TaskID id = *task_id;
    say(driver, &id, MESOS__V1__TASK_STATE__TASK_KILLED);
}

static void on_shutdown(void *user, struct mesos_executor_driver *driver) {
    (void)user;
    mesos_executor_driver_stop(driver);
}

static void on_error(void *user, struct mesos_executor_driver *driver, const char *message) {
    (void)user, (void)driver;
    fprintf(stderr, "the agent refuses: %s\n", message);
}

int main(void) {
    struct mesos_executor_callbacks callbacks = {
        .size = sizeof(callbacks),
        .launch_task = on_launch,
        .kill_task = on_kill,
        .shutdown = on_shutdown,
        .error = on_error,
    };
    struct mesos_error error;
    struct mesos_executor_driver *driver = mesos_executor_driver_new(&callbacks, NULL, &error);
    if (driver == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    Mesos__V1__Status status = mesos_executor_driver_run(driver);
    mesos_executor_driver_free(driver);
    return status == MESOS__V1__STATUS__DRIVER_STOPPED ? 0 : 1;
}
