/*
 * An executor for tests: a task whose id begins with "hold" runs until it is killed, one with
 * "gate" until somebody writes to the fifo of that name in the sandbox, any other is finished at
 * once; a message is sent back. Linked without libmesos.so, so that it runs from anywhere.
 */
#include <mesos/executor.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char gate_task[64];

static void say(struct mesos_executor_driver *driver, Mesos__V1__TaskID *task_id,
                Mesos__V1__TaskState state) {
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.task_id = task_id;
    status.state = state;
    mesos_executor_driver_send_status_update(driver, &status);
}

static void *finish_after_gate(void *self) {
    struct mesos_executor_driver *driver = self;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    char byte;
    int fd = open("gate", O_RDONLY | O_CLOEXEC);
    id.value = gate_task;
    if (fd >= 0 && read(fd, &byte, 1) == 1)
        say(driver, &id, MESOS__V1__TASK_STATE__TASK_FINISHED);
    close(fd);
    return NULL;
}

/* The driver goes on meanwhile. */
static void wait_for_gate(struct mesos_executor_driver *driver, const char *task) {
    pthread_t thread;
    snprintf(gate_task, sizeof(gate_task), "%s", task);
    if (mkfifo("gate", 0666) == 0 && pthread_create(&thread, NULL, finish_after_gate, driver) == 0)
        pthread_detach(thread);
}

static void on_launch(void *user, struct mesos_executor_driver *driver,
                      const Mesos__V1__TaskInfo *task) {
    (void)user;
    bool is_gate = strncmp(task->task_id->value, "gate", 4) == 0;
    if (is_gate)
        wait_for_gate(driver, task->task_id->value);
    say(driver, task->task_id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    if (is_gate)
        return;
    if (strncmp(task->task_id->value, "hold", 4) == 0)
        return;
    say(driver, task->task_id, MESOS__V1__TASK_STATE__TASK_FINISHED);
    mesos_executor_driver_stop(driver);
}

static void on_kill(void *user, struct mesos_executor_driver *driver,
                    const Mesos__V1__TaskID *task_id, const Mesos__V1__KillPolicy *policy) {
    (void)user, (void)policy;
    Mesos__V1__TaskID id = *task_id;
    say(driver, &id, MESOS__V1__TASK_STATE__TASK_KILLED);
    mesos_executor_driver_stop(driver);
}

static void on_message(void *user, struct mesos_executor_driver *driver, const void *data,
                       size_t size) {
    (void)user;
    mesos_executor_driver_send_framework_message(driver, data, size);
}

static void on_shutdown(void *user, struct mesos_executor_driver *driver) {
    (void)user;
    mesos_executor_driver_stop(driver);
}

int main(void) {
    struct mesos_executor_callbacks callbacks = {
        .size = sizeof(callbacks),
        .launch_task = on_launch,
        .kill_task = on_kill,
        .framework_message = on_message,
        .shutdown = on_shutdown,
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
