/*
 * Reservations and persistent volumes with real daemons: what a framework and an operator make of
 * an agent's resources survives the death of both daemons, and so does what was written.
 */
#include "tests/integration/cluster/cluster.h"
#include "tests/integration/cluster/raw.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/wire/codec.h"
#include "common/wire/json.h"

#include <mesos/scheduler.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STATUSES_LIMIT = 64, OFFERS_HELD_LIMIT = 16 };

static struct cluster cluster;

/* A framework of role "eng" that keeps all offers, of one agent, until the test has decided. */
struct user {
    struct mesos_scheduler_driver *driver;
    struct arena *arena;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Mesos__V1__Offer *offers[OFFERS_HELD_LIMIT]; /* in the arena */
    size_t offer_count;
    char statuses[STATUSES_LIMIT][64];
    size_t status_count;
    char message[512];
    unsigned registered, reregistered;
};

static void change_begin(struct user *user) {
    pthread_mutex_lock(&user->mutex);
}

static void change_end(struct user *user) {
    pthread_cond_broadcast(&user->changed);
    pthread_mutex_unlock(&user->mutex);
}

static void on_registered(void *self, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    struct user *user = self;
    (void)driver, (void)id, (void)master;
    change_begin(user);
    user->registered++;
    change_end(user);
}

static void on_reregistered(void *self, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    struct user *user = self;
    (void)driver, (void)master;
    change_begin(user);
    user->offer_count = 0;
    user->reregistered++;
    change_end(user);
}

static void on_offers(void *self, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct user *user = self;
    (void)driver;
    change_begin(user);
    for (size_t i = 0; i < count; i++) {
        AUTO_FINI(buf_fini) struct buf packed = {0};
        ProtobufCMessage *kept;
        wire_pack(&offers[i]->base, &packed);
        assert_true(wire_unpack(&mesos__v1__offer__descriptor, buf_text(&packed), user->arena,
                                &kept, NULL));
        assert_true(user->offer_count < OFFERS_HELD_LIMIT);
        user->offers[user->offer_count++] = (Mesos__V1__Offer *)kept;
    }
    change_end(user);
}

static void on_rescinded(void *self, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__OfferID *id) {
    struct user *user = self;
    size_t kept = 0;
    (void)driver;
    change_begin(user);
    for (size_t i = 0; i < user->offer_count; i++)
        if (strcmp(user->offers[i]->id->value, id->value) != 0)
            user->offers[kept++] = user->offers[i];
    user->offer_count = kept;
    change_end(user);
}

static void on_update(void *self, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct user *user = self;
    (void)driver;
    const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
        &mesos__v1__task_state__descriptor, (int)status->state);
    change_begin(user);
    assert_true(user->status_count < STATUSES_LIMIT);
    snprintf(user->statuses[user->status_count++], sizeof(user->statuses[0]), "%s %s",
             status->task_id->value, state->name);
    snprintf(user->message, sizeof(user->message), "%s",
             status->message != NULL ? status->message : "");
    change_end(user);
}

/* Noted as "ID STATE" like a task's. */
static void on_operation(void *self, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__OperationStatus *status) {
    struct user *user = self;
    (void)driver;
    const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
        &mesos__v1__operation_state__descriptor, (int)status->state);
    change_begin(user);
    assert_true(user->status_count < STATUSES_LIMIT);
    snprintf(user->statuses[user->status_count++], sizeof(user->statuses[0]), "%s %s",
             status->operation_id->value, state->name);
    snprintf(user->message, sizeof(user->message), "%s",
             status->message != NULL ? status->message : "");
    change_end(user);
}

static const struct mesos_scheduler_callbacks callbacks = {
    .size = sizeof(callbacks),
    .registered = on_registered,
    .reregistered = on_reregistered,
    .resource_offers = on_offers,
    .offer_rescinded = on_rescinded,
    .status_update = on_update,
    .operation_status = on_operation,
};

/* A message in the arena, written as JSON. */
static ProtobufCMessage *parse(struct user *user, const ProtobufCMessageDescriptor *type,
                               const char *json) {
    ProtobufCMessage *message;
    struct error error;
    if (!json_parse(type, text_of(json), user->arena, NULL, &message, &error))
        fail_msg("%s: %s", json, error.message);
    return message;
}

static void user_start(struct user *user) {
    static const char info[] =
        "{\"name\":\"test\",\"user\":\"root\",\"roles\":[\"eng\"],\"failover_timeout\":60,"
        "\"checkpoint\":true,\"capabilities\":[{\"type\":\"MULTI_ROLE\"},"
        "{\"type\":\"RESERVATION_REFINEMENT\"},{\"type\":\"SHARED_RESOURCES\"},{\"type\":"
        "\"PARTITION_AWARE\"}]}";
    struct mesos_scheduler_callbacks ours = callbacks;
    struct mesos_error error;
    pthread_condattr_t clock;
    user->arena = arena_new();
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&user->mutex, NULL);
    pthread_cond_init(&user->changed, &clock);
    pthread_condattr_destroy(&clock);
    ours.user = user;
    struct mesos_scheduler_options options = {
        .size = sizeof(options),
        .master = cluster.master_address,
        .framework = (const Mesos__V1__FrameworkInfo *)parse(
            user, &mesos__v1__framework_info__descriptor, info),
    };
    user->driver = mesos_scheduler_driver_new(&ours, &options, &error);
    if (user->driver == NULL)
        fail_msg("no driver: %s", error.message);
    mesos_scheduler_driver_start(user->driver);
}

static void user_end(struct user *user) {
    mesos_scheduler_driver_stop(user->driver, false);
    mesos_scheduler_driver_join(user->driver);
    mesos_scheduler_driver_free(user->driver);
    pthread_cond_destroy(&user->changed);
    pthread_mutex_destroy(&user->mutex);
    arena_free(user->arena);
}

/* --- waiting; the mutex is held by whoever asks --- */

typedef bool condition(struct user *user, const char *what);

static void wait_for(struct user *user, condition *is_met, const char *what) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&user->mutex);
    while (!is_met(user, what)) {
        if (pthread_cond_timedwait(&user->changed, &user->mutex, &until) == 0)
            continue;
        for (size_t i = 0; i < user->status_count; i++)
            print_error("%s\n", user->statuses[i]);
        print_error("the last message: %s\n", user->message);
        pthread_mutex_unlock(&user->mutex);
        cluster_fail(&cluster, "waited in vain for %s", what);
    }
    pthread_mutex_unlock(&user->mutex);
}

static bool has_status(struct user *user, const char *what) {
    for (size_t i = 0; i < user->status_count; i++)
        if (strcmp(user->statuses[i], what) == 0)
            return true;
    return false;
}

static bool is_back(struct user *user, const char *what) {
    (void)what;
    return user->reregistered > 0;
}

/* An offer's resources, each as NAME(ROLE)[VOLUME]:AMOUNT. */
static void show_offer(const Mesos__V1__Offer *offer, struct buf *out) {
    for (size_t i = 0; i < offer->n_resources; i++) {
        const Mesos__V1__Resource *one = offer->resources[i];
        buf_printf(out, "%s%s", i > 0 ? " " : "", one->name);
        if (one->n_reservations > 0)
            buf_printf(out, "(%s)", one->reservations[one->n_reservations - 1]->role);
        if (one->disk != NULL && one->disk->persistence != NULL)
            buf_printf(out, "[%s]", one->disk->persistence->id);
        if (one->scalar != NULL)
            buf_printf(out, ":%g", one->scalar->value);
    }
    buf_append_string(out, "; ");
}

static bool is_offered(struct user *user, const char *what) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    for (size_t i = 0; i < user->offer_count; i++)
        show_offer(user->offers[i], &shown);
    snprintf(user->message, sizeof(user->message), "offered %s", buf_string(&shown));
    return strstr(buf_string(&shown), what) != NULL;
}

/* --- acting --- */

#define AMOUNT(name, value, more)                                                                  \
    "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}" more "}"
#define RESERVED ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"eng\"}]"
#define VOLUME                                                                                     \
    AMOUNT("disk", "64",                                                                           \
           RESERVED ",\"disk\":{\"persistence\":{\"id\":\"v1\"},\"volume\":{\"container_path\":"   \
                    "\"data\",\"mode\":\"RW\"}}")
#define RESERVE                                                                                    \
    "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" AMOUNT("disk", "100", RESERVED) "]}}"
#define CREATE "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" VOLUME "]}}"
#define DESTROY "{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[" VOLUME "]}}"
#define UNRESERVE                                                                                  \
    "{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[" AMOUNT("disk", "100", RESERVED) "]}}"

/* A task on a volume. */
static const char *launch_json(struct user *user, const char *agent, const char *task,
                               const char *volume, const char *command) {
    return arena_printf(user->arena,
                        "{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_"
                        "id\":{\"value\":\"%s\"},\"agent_id\":{\"value\":\"%s\"},\"resources\":["
                        "%s,%s,%s],\"command\":{\"value\":\"%s\"}}]}}",
                        task, agent, AMOUNT("cpus", "0.1", ""), AMOUNT("mem", "32", ""), volume,
                        command);
}

/* Accepts all offers that are out with these operations, then a task unless its id is NULL. */
static void accept_offers(struct user *user, const char *const *operations, size_t count,
                          const char *task, const char *command) {
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    const Mesos__V1__Offer__Operation *list[8];
    const Mesos__V1__OfferID *ids[OFFERS_HELD_LIMIT];
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 0;
    change_begin(user);
    size_t offer_count = user->offer_count;
    for (size_t i = 0; i < offer_count; i++)
        ids[i] = user->offers[i]->id;
    assert_true(offer_count > 0);
    const char *agent = user->offers[0]->agent_id->value;
    user->offer_count = 0;
    change_end(user);
    for (size_t i = 0; i < count; i++)
        list[i] = (const Mesos__V1__Offer__Operation *)parse(
            user, &mesos__v1__offer__operation__descriptor, operations[i]);
    if (task != NULL)
        list[count++] = (const Mesos__V1__Offer__Operation *)parse(
            user, &mesos__v1__offer__operation__descriptor,
            launch_json(user, agent, task, VOLUME, command));
    struct mesos_accept accept = {.size = sizeof(accept),
                                  .offer_ids = ids,
                                  .offer_count = offer_count,
                                  .operations = list,
                                  .operation_count = count,
                                  .filters = &filters};
    mesos_scheduler_driver_accept_offers(user->driver, &accept);
}

static void kill_and_restart(void) {
    assert_int_equal(process_end(&cluster.agents[0], SIGKILL), 1000 + SIGKILL);
    assert_int_equal(process_end(&cluster.master, SIGKILL), 1000 + SIGKILL);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], " registered ");
}

TEST(what_a_task_writes_into_a_volume_survives_both_daemons_and_goes_with_the_volume) {
    static const char *const make[] = {RESERVE, CREATE};
    static const char *const unmake[] = {DESTROY, UNRESERVE};
    struct user user = {0};
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);

    wait_for(&user, is_offered, "disk:1024");
    accept_offers(&user, make, 2, "writer", "echo hello > data/file");
    wait_for(&user, has_status, "writer TASK_FINISHED");
    wait_for(&user, is_offered, "disk(eng)[v1]:64");

    kill_and_restart();
    wait_for(&user, is_back, "coming back");
    wait_for(&user, is_offered, "disk(eng)[v1]:64");
    accept_offers(&user, NULL, 0, "reader", "test $(cat data/file) = hello");
    wait_for(&user, has_status, "reader TASK_FINISHED");

    wait_for(&user, is_offered, "disk(eng)[v1]:64");
    accept_offers(&user, unmake, 2, NULL, NULL);
    wait_for(&user, is_offered, "disk:1024");
    user_end(&user);
    cluster_close(&cluster);
}

TEST(what_became_of_an_operation_with_an_id_is_told_and_can_be_asked_for) {
    static const char *const operations[] = {
        "{\"type\":\"RESERVE\",\"id\":{\"value\":\"good\"},\"reserve\":{\"resources\":[" AMOUNT(
            "disk", "100", RESERVED) "]}}",
        "{\"type\":\"RESERVE\",\"id\":{\"value\":\"bad\"},\"reserve\":{\"resources\":[" AMOUNT(
            "disk", "9000", RESERVED) "]}}",
    };
    struct user user = {0};
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);
    wait_for(&user, is_offered, "disk:1024");

    accept_offers(&user, operations, 2, NULL, NULL);
    wait_for(&user, has_status, "bad OPERATION_ERROR");
    wait_for(&user, has_status, "good OPERATION_FINISHED");

    change_begin(&user);
    user.status_count = 0;
    change_end(&user);
    mesos_scheduler_driver_reconcile_operations(user.driver, NULL, 0);
    wait_for(&user, has_status, "good OPERATION_FINISHED");
    user_end(&user);
    cluster_close(&cluster);
}

/* The id of the agent, out of the offer that is out. */
static const char *agent_of(struct user *user) {
    wait_for(user, is_offered, "cpus");
    return user->offers[0]->agent_id->value;
}

#define SHARED                                                                                     \
    AMOUNT("disk", "64",                                                                           \
           RESERVED ",\"shared\":{},\"disk\":{\"persistence\":{\"id\":\"v2\"},\"volume\":{"        \
                    "\"container_path\":\"data\",\"mode\":\"RW\"}}")

TEST(tasks_share_a_volume_and_hand_files_to_each_other) {
    struct user user = {0};
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);
    const char *agent = agent_of(&user);
    const char *const first[] = {
        RESERVE, "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SHARED "]}}",
        launch_json(&user, agent, "reader", SHARED,
                    "until test -f data/ready; do sleep 0.02; done; grep -q hello data/ready"),
        launch_json(&user, agent, "writer", SHARED,
                    "echo hello > data/new; mv data/new data/ready; exec sleep 1000")};

    accept_offers(&user, first, 4, NULL, NULL);
    wait_for(&user, has_status, "reader TASK_FINISHED");
    wait_for(&user, is_offered, "disk(eng)[v2]:64"); /* it is in use, and in the offers */

    const char *const second[] = {
        launch_json(&user, agent, "late", SHARED, "grep -q hello data/ready")};
    accept_offers(&user, second, 1, NULL, NULL);
    wait_for(&user, has_status, "late TASK_FINISHED");
    user_end(&user);
    cluster_close(&cluster);
}

/* --- operators --- */

static int ask(const char *format, const char *agent) {
    AUTO_FINI(buf_fini) struct buf body = {0};
    struct text rest = text_of(format), part;
    text_split(&rest, '@', &part);
    buf_append_text(&body, part);
    buf_append_string(&body, agent);
    buf_append_text(&body, rest);
    return raw_post(cluster.master_port, "/api/v1", "application/json", buf_text(&body));
}

#define ASK(type, field, rest)                                                                     \
    "{\"type\":\"" type "\",\"" field "\":{\"agent_id\":{\"value\":\"@\"}," rest "}}"

TEST(operators_reserve_and_make_volumes_and_frameworks_get_them) {
    struct user user = {0};
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);
    const char *agent = agent_of(&user);

    assert_int_equal(ask(ASK("RESERVE_RESOURCES", "reserve_resources",
                             "\"resources\":[" AMOUNT("disk", "100", RESERVED) "]"),
                         agent),
                     202);
    assert_int_equal(
        ask(ASK("CREATE_VOLUMES", "create_volumes", "\"volumes\":[" VOLUME "]"), agent), 202);
    wait_for(&user, is_offered, "disk(eng)[v1]:64");
    accept_offers(&user, NULL, 0, "holder", "exec sleep 1000");
    wait_for(&user, has_status, "holder TASK_RUNNING");
    assert_int_equal(
        ask(ASK("DESTROY_VOLUMES", "destroy_volumes", "\"volumes\":[" VOLUME "]"), agent), 409);
    assert_int_equal(
        ask(ASK("CREATE_VOLUMES", "create_volumes", "\"volumes\":[" VOLUME "]"), agent), 409);
    assert_int_equal(
        ask(ASK("DESTROY_VOLUMES", "destroy_volumes", "\"volumes\":[" VOLUME "]"), "nobody"), 400);
    assert_int_equal(ask(ASK("UNRESERVE_RESOURCES", "unreserve_resources",
                             "\"resources\":[" AMOUNT("disk", "36", "") "]"),
                         agent),
                     400);
    user_end(&user);
    cluster_close(&cluster);
}

TEST(a_volume_grows_and_shrinks_at_an_operators_word) {
    struct user user = {0};
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);
    const char *agent = agent_of(&user);
    assert_int_equal(ask(ASK("RESERVE_RESOURCES", "reserve_resources",
                             "\"resources\":[" AMOUNT("disk", "100", RESERVED) "]"),
                         agent),
                     202);
    assert_int_equal(
        ask(ASK("CREATE_VOLUMES", "create_volumes", "\"volumes\":[" VOLUME "]"), agent), 202);

    assert_int_equal(ask(ASK("GROW_VOLUME", "grow_volume",
                             "\"volume\":" VOLUME ",\"addition\":" AMOUNT("disk", "6", RESERVED)),
                         agent),
                     202);
    wait_for(&user, is_offered, "disk(eng)[v1]:70");
    assert_int_equal(
        ask(ASK("SHRINK_VOLUME", "shrink_volume",
                "\"volume\":" AMOUNT("disk", "70",
                                     RESERVED ",\"disk\":{\"persistence\":{\"id\":\"v1\"},"
                                              "\"volume\":{\"container_path\":\"data\",\"mode\":"
                                              "\"RW\"}}") ",\"subtract\":{\"value\":60}"),
            agent),
        202);
    wait_for(&user, is_offered, "disk(eng)[v1]:10");
    user_end(&user);
    cluster_close(&cluster);
}

TEST(the_older_endpoints_take_forms) {
    static const char type[] = "application/x-www-form-urlencoded";
    struct user user = {0};
    char form[512];
    cluster_open(&cluster);
    cluster_start(&cluster);
    user_start(&user);
    const char *agent = agent_of(&user);

    snprintf(form, sizeof(form),
             "slaveId=%s&resources=%%5B%%7B%%22name%%22:%%22disk%%22,%%22type%%22:%%22SCALAR%%22,"
             "%%22scalar%%22:%%7B%%22value%%22:9%%7D,%%22role%%22:%%22eng%%22,+%%22reservation%%22:"
             "%%7B%%22principal%%22:%%22ops%%22%%7D%%7D%%5D",
             agent);
    assert_int_equal(raw_post(cluster.master_port, "/reserve", type, text_of(form)), 202);
    wait_for(&user, is_offered, "disk(eng):9");
    assert_int_equal(raw_post(cluster.master_port, "/unreserve", type, text_of(form)), 202);
    wait_for(&user, is_offered, "disk:1024");

    assert_int_equal(raw_post(cluster.master_port, "/reserve", type, TEXT("resources=[]")), 400);
    assert_int_equal(raw_post(cluster.master_port, "/reserve", type, TEXT("slaveId=x")), 400);
    assert_int_equal(
        raw_post(cluster.master_port, "/reserve", type, TEXT("slaveId=x&resources=%5B%7D")), 400);
    assert_int_equal(
        raw_post(cluster.master_port, "/create-volumes", type, TEXT("slaveId=x&volumes=[]")), 400);
    user_end(&user);
    cluster_close(&cluster);
}
