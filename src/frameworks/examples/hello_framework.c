/*
 * A complete framework: runs a number of tasks, each in hello-executor, and ends when all have.
 * Shows what every framework does: take what an offer has, decline what it has no use for, count
 * ends, retry what was lost, and give up when what it runs cannot work.
 *
 *     hello-framework 127.0.0.1:5050 /path/to/hello-executor [TASKS]
 *     hello-framework zk://z1:2181,z2:2181,z3:2181/mesos /path/to/hello-executor [TASKS]
 */
#include <mesos/scheduler.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MILLI = 100, MEM_MB = 32, OFFER_TASKS_LIMIT = 64, FAILURES_LIMIT = 20 };

struct hello {
    const char *executor_path;
    unsigned wanted, launched, finished, lost;
    unsigned failed; /* since one has finished */
    bool gave_up;
};

/* A resource of the list by name, in thousandths. */
static long available_milli(const Mesos__V1__Offer *offer, const char *name) {
    double sum = 0;
    for (size_t i = 0; i < offer->n_resources; i++)
        if (strcmp(offer->resources[i]->name, name) == 0 && offer->resources[i]->scalar != NULL)
            sum += offer->resources[i]->scalar->value;
    return (long)(sum * 1000 + 0.5);
}

/* Everything that one TaskInfo points to. */
struct task {
    char id_text[32];
    Mesos__V1__TaskID id;
    Mesos__V1__ExecutorID executor_id;
    Mesos__V1__CommandInfo command;
    Mesos__V1__ExecutorInfo executor;
    Mesos__V1__Value__Scalar values[2];
    Mesos__V1__Resource resources[2];
    Mesos__V1__Resource *resource_list[2];
    Mesos__V1__TaskInfo info;
};

static void fill_resource(struct task *task, int which, char *name, double amount) {
    mesos__v1__value__scalar__init(&task->values[which]);
    task->values[which].value = amount;
    mesos__v1__resource__init(&task->resources[which]);
    task->resources[which].name = name;
    task->resources[which].type = MESOS__V1__VALUE__TYPE__SCALAR;
    task->resources[which].scalar = &task->values[which];
    task->resource_list[which] = &task->resources[which];
}

static void fill_task(struct task *task, struct hello *hello, const Mesos__V1__Offer *offer) {
    snprintf(task->id_text, sizeof(task->id_text), "hello-%u", ++hello->launched);
    mesos__v1__task_id__init(&task->id);
    task->id.value = task->id_text;
    mesos__v1__executor_id__init(&task->executor_id);
    task->executor_id.value = task->id_text;
    mesos__v1__command_info__init(&task->command);
    task->command.value = (char *)hello->executor_path;
    mesos__v1__executor_info__init(&task->executor);
    task->executor.executor_id = &task->executor_id;
    task->executor.command = &task->command;
    fill_resource(task, 0, "cpus", CPUS_MILLI / 1000.0);
    fill_resource(task, 1, "mem", MEM_MB);

    mesos__v1__task_info__init(&task->info);
    task->info.name = "hello";
    task->info.task_id = &task->id;
    task->info.agent_id = offer->agent_id;
    task->info.executor = &task->executor;
    task->info.resources = task->resource_list;
    task->info.n_resources = 2;
}

/* As many tasks as the offer has room for; none is a decline. */
static void use_offer(struct hello *hello, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__Offer *offer) {
    static struct task tasks[OFFER_TASKS_LIMIT];
    const Mesos__V1__TaskInfo *list[OFFER_TASKS_LIMIT];
    long cpus_milli = available_milli(offer, "cpus");
    long mem_milli = available_milli(offer, "mem");
    size_t count = 0;
    while (count < OFFER_TASKS_LIMIT && hello->launched < hello->wanted + hello->lost &&
           cpus_milli >= CPUS_MILLI && mem_milli >= MEM_MB * 1000L) {
        fill_task(&tasks[count], hello, offer);
        list[count] = &tasks[count].info;
        count++;
        cpus_milli -= CPUS_MILLI;
        mem_milli -= MEM_MB * 1000L;
    }
    if (count > 0)
        mesos_scheduler_driver_launch_tasks(driver, offer->id, list, count, NULL);
    else
        mesos_scheduler_driver_decline_offer(driver, offer->id, NULL);
}

static void on_registered(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    (void)user, (void)driver, (void)master;
    printf("registered as %s\n", id->value);
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    for (size_t i = 0; i < count; i++)
        use_offer(user, driver, offers[i]);
}

/* One that fails may do better elsewhere. When all do, trying on would only wear the cluster out.
 */
static void on_failure(struct hello *hello, struct mesos_scheduler_driver *driver) {
    if (++hello->failed < FAILURES_LIMIT)
        return;
    fprintf(stderr, "%u tasks have failed in a row: mesos logs --stderr ID tells why\n",
            hello->failed);
    hello->gave_up = true;
    mesos_scheduler_driver_stop(driver, false);
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct hello *hello = user;
    const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
        &mesos__v1__task_state__descriptor, (int)status->state);
    printf("%s is %s%s%s\n", status->task_id->value, state != NULL ? state->name : "unknown",
           status->message != NULL ? ": " : "", status->message != NULL ? status->message : "");
    switch ((int)status->state) {
    case MESOS__V1__TASK_STATE__TASK_FINISHED:
        hello->finished++;
        hello->failed = 0;
        break;
    case MESOS__V1__TASK_STATE__TASK_FAILED: on_failure(hello, driver); /* fall through */
    case MESOS__V1__TASK_STATE__TASK_LOST:
    case MESOS__V1__TASK_STATE__TASK_DROPPED:
    case MESOS__V1__TASK_STATE__TASK_GONE:
        hello->lost++;
        mesos_scheduler_driver_revive_offers(driver, NULL, 0);
        break;
    case MESOS__V1__TASK_STATE__TASK_ERROR: mesos_scheduler_driver_abort(driver); break;
    }
    if (hello->finished == hello->wanted)
        mesos_scheduler_driver_stop(driver, false);
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    (void)user, (void)driver;
    fprintf(stderr, "the master refuses: %s\n", message);
}

static void on_connect_failed(void *user, struct mesos_scheduler_driver *driver, const char *why) {
    (void)user, (void)driver;
    fprintf(stderr, "no master yet: %s\n", why);
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s HOST:PORT|zk://... EXECUTOR [TASKS]\n", argv[0]);
        return 2;
    }
    setlinebuf(stdout);
    struct hello hello = {.executor_path = argv[2], .wanted = 5};
    if (argc == 4)
        hello.wanted = (unsigned)strtoul(argv[3], NULL, 10);
    struct mesos_scheduler_callbacks callbacks = {
        .size = sizeof(callbacks),
        .user = &hello,
        .registered = on_registered,
        .resource_offers = on_offers,
        .status_update = on_update,
        .error = on_error,
        .connect_failed = on_connect_failed,
    };
    Mesos__V1__FrameworkInfo framework = MESOS__V1__FRAMEWORK_INFO__INIT;
    framework.name = "hello";
    framework.user = "nobody";
    struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = argv[1], .framework = &framework};
    struct mesos_error error;
    struct mesos_scheduler_driver *driver =
        mesos_scheduler_driver_new(&callbacks, &options, &error);
    if (driver == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    Mesos__V1__Status status = mesos_scheduler_driver_run(driver);
    mesos_scheduler_driver_free(driver);
    return status == MESOS__V1__STATUS__DRIVER_STOPPED && !hello.gave_up ? 0 : 1;
}
