/*
 * The executor driver: its settings out of options and environment, and what it hands to the
 * callbacks.
 */
#include "common/base/mem.h"
#include "common/base/units.h"
#include "lib/core/executor.h"
#include "lib/shell/driver.h"
#include "zookeeper/core/zk_url.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECOVERY_TIMEOUT_MS = 15 * 60 * 1000, SHUTDOWN_GRACE_MS = 5000 };

struct mesos_executor_driver {
    struct driver *driver;
    struct mesos_executor_callbacks callbacks;
    bool keep_process;
};

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    executor_step(core, event, outbox);
}

static int64_t deadline_ms(void *core) {
    return executor_deadline_ms(core);
}

static void free_core(void *core) {
    executor_core_free(core);
}

#define CALL(name, ...)                                                                            \
    do {                                                                                           \
        if (driver->callbacks.name != NULL)                                                        \
            driver->callbacks.name(driver->callbacks.user, driver, ##__VA_ARGS__);                 \
    } while (0)

static void call_back(void *owner, const struct driver_callback *callback) {
    struct mesos_executor_driver *driver = owner;
    const Mesos__V1__Executor__Event *event = callback->executor_event;
    if (callback->kind == CALLBACK_REGISTERED)
        CALL(registered, event->subscribed->executor_info, event->subscribed->framework_info,
             event->subscribed->agent_info);
    else if (callback->kind == CALLBACK_REREGISTERED)
        CALL(reregistered, event->subscribed->agent_info);
    else if (callback->kind == CALLBACK_DISCONNECTED)
        CALL(disconnected);
    else if (callback->kind == CALLBACK_LAUNCH_TASK)
        CALL(launch_task, callback->task);
    else if (callback->kind == CALLBACK_KILL_TASK)
        CALL(kill_task, event->kill->task_id, event->kill->kill_policy);
    else if (callback->kind == CALLBACK_FRAMEWORK_MESSAGE)
        CALL(framework_message, event->message->data.data, event->message->data.len);
    else if (callback->kind == CALLBACK_SHUTDOWN)
        CALL(shutdown);
    else if (callback->kind == CALLBACK_ERROR)
        CALL(error, callback->message);
}

static void end_process(void *owner) {
    struct mesos_executor_driver *driver = owner;
    driver_abort(driver->driver);
    if (!driver->keep_process)
        kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL);
}

static const struct driver_class executor_class = {.role = "executor",
                                                   .step = step,
                                                   .deadline_ms = deadline_ms,
                                                   .free_core = free_core,
                                                   .callback = call_back,
                                                   .end_process = end_process};

/* --- options and environment --- */

static const char *given_or_environment(const char *given, const char *name, struct error *error) {
    const char *value = given != NULL ? given : getenv(name);
    if (value == NULL || value[0] == '\0')
        fail(error, ERROR_INVALID, "%s is not set: this is to be started by an agent", name);
    return value;
}

static bool read_duration(int64_t given_ms, const char *name, int64_t standard_ms, int64_t *out,
                          struct error *error) {
    const char *value = getenv(name);
    int64_t duration_ns;
    *out = given_ms != 0 ? given_ms : standard_ms;
    if (given_ms != 0 || value == NULL)
        return true;
    if (!duration_parse_ns(text_of(value), &duration_ns))
        return fail(error, ERROR_INVALID, "%s: '%s' is no duration", name, value);
    *out = duration_ns / 1000000;
    return true;
}

static bool read_settings(const struct mesos_executor_options *options,
                          struct executor_settings *out, struct error *error) {
    struct error missing = {0};
    const char *agent = given_or_environment(options->agent, "MESOS_AGENT_ENDPOINT", &missing);
    const char *framework =
        given_or_environment(options->framework_id, "MESOS_FRAMEWORK_ID", &missing);
    const char *executor =
        given_or_environment(options->executor_id, "MESOS_EXECUTOR_ID", &missing);
    if (missing.code != ERROR_NONE) {
        *error = missing;
        return false;
    }
    if (zk_url_is(text_of(agent)))
        return fail(error, ERROR_INVALID, "'%s' is no address of an agent", agent);
    if (!driver_check_masters(agent, error))
        return fail_context(error, "the agent");
    const char *checkpoint = getenv("MESOS_CHECKPOINT");
    bool is_checkpointing = checkpoint != NULL && strcmp(checkpoint, "1") == 0;
    out->agent = text_of(agent);
    out->framework_id = text_of(framework);
    out->executor_id = text_of(executor);
    out->checkpoint = options->checkpoint != 0 ? options->checkpoint > 0 : is_checkpointing;
    out->seed = driver_seed();
    return read_duration(options->recovery_timeout_ms, "MESOS_RECOVERY_TIMEOUT",
                         RECOVERY_TIMEOUT_MS, &out->recovery_timeout_ms, error) &&
           read_duration(options->shutdown_grace_ms, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
                         SHUTDOWN_GRACE_MS, &out->shutdown_grace_ms, error);
}

struct mesos_executor_driver *mesos_executor_driver_new(
    const struct mesos_executor_callbacks *callbacks, const struct mesos_executor_options *given,
    struct mesos_error *out_error) {
    struct mesos_executor_options options = {0};
    struct executor_settings settings;
    struct error error = {0};
    if (given != NULL)
        driver_copy_sized(&options, sizeof(options), given);
    if (!read_settings(&options, &settings, &error)) {
        driver_give_error(out_error, &error);
        return NULL;
    }
    struct mesos_executor_driver *driver = NEW(struct mesos_executor_driver);
    driver_copy_sized(&driver->callbacks, sizeof(driver->callbacks), callbacks);
    driver->keep_process = options.keep_process;
    driver->driver = driver_new(&executor_class, executor_core_new(&settings), driver, &error);
    if (driver->driver != NULL)
        return driver;
    driver_give_error(out_error, &error);
    mem_free(driver);
    return NULL;
}

void mesos_executor_driver_free(struct mesos_executor_driver *driver) {
    if (driver == NULL)
        return;
    driver_free(driver->driver);
    mem_free(driver);
}

Mesos__V1__Status mesos_executor_driver_start(struct mesos_executor_driver *driver) {
    return driver_start(driver->driver);
}

Mesos__V1__Status mesos_executor_driver_join(struct mesos_executor_driver *driver) {
    return driver_join(driver->driver);
}

Mesos__V1__Status mesos_executor_driver_run(struct mesos_executor_driver *driver) {
    Mesos__V1__Status status = driver_start(driver->driver);
    return status == MESOS__V1__STATUS__DRIVER_RUNNING ? driver_join(driver->driver) : status;
}

int mesos_executor_driver_fd(struct mesos_executor_driver *driver) {
    return driver_fd(driver->driver);
}

int64_t mesos_executor_driver_deadline_ms(struct mesos_executor_driver *driver) {
    return driver_deadline_ms(driver->driver);
}

Mesos__V1__Status mesos_executor_driver_process(struct mesos_executor_driver *driver) {
    return driver_process(driver->driver);
}

Mesos__V1__Status mesos_executor_driver_stop(struct mesos_executor_driver *driver) {
    return driver_stop(driver->driver, false);
}

Mesos__V1__Status mesos_executor_driver_abort(struct mesos_executor_driver *driver) {
    return driver_abort(driver->driver);
}

Mesos__V1__Status mesos_executor_driver_send_status_update(struct mesos_executor_driver *driver,
                                                           const Mesos__V1__TaskStatus *status) {
    return driver_call(driver->driver, MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE, &status->base);
}

Mesos__V1__Status mesos_executor_driver_send_framework_message(struct mesos_executor_driver *driver,
                                                               const void *data, size_t size) {
    return driver_call_bytes(driver->driver, MESOS__V1__EXECUTOR__CALL__TYPE__MESSAGE,
                             (struct text){data, size});
}
