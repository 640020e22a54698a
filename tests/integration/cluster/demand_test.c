/*
 * Demand at a real master: offers of the size that was asked for, the rest of the machine for
 * another, what is infeasible told at once, and all of it again after the master has died.
 */
#include "common/base/units.h"
#include "tests/integration/cluster/cluster.h"
#include "tests/support/clock.h"

#include <mesos/scheduler.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct cluster cluster;

/* A framework that keeps what it is offered; driven by `pump`, on the test's own thread. */
struct asker {
    struct mesos_scheduler_driver *driver;
    unsigned registered, offers, statuses;
    double cpus, mem; /* of the newest offer */
    char offer[128], agent[128];
    bool is_feasible;
    char name[64], message[256], nearest[128];
};

static void on_registered(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    (void)driver;
    (void)id;
    (void)master;
    ((struct asker *)user)->registered++;
}

static void on_reregistered(void *user, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    (void)driver;
    (void)master;
    ((struct asker *)user)->registered++;
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct asker *asker = user;
    const Mesos__V1__Offer *offer = offers[count - 1];
    (void)driver;
    asker->cpus = asker->mem = 0;
    for (size_t i = 0; i < offer->n_resources; i++) {
        const Mesos__V1__Resource *resource = offer->resources[i];
        if (strcmp(resource->name, "cpus") == 0)
            asker->cpus += resource->scalar->value;
        else if (strcmp(resource->name, "mem") == 0)
            asker->mem += resource->scalar->value;
    }
    snprintf(asker->offer, sizeof(asker->offer), "%s", offer->id->value);
    snprintf(asker->agent, sizeof(asker->agent), "%s", offer->agent_id->value);
    asker->offers += (unsigned)count;
}

static void on_status(void *user, struct mesos_scheduler_driver *driver,
                      const struct mesos_request_status *status) {
    struct asker *asker = user;
    (void)driver;
    asker->is_feasible = status->feasible;
    snprintf(asker->name, sizeof(asker->name), "%s", status->name);
    snprintf(asker->message, sizeof(asker->message), "%s", status->message);
    snprintf(asker->nearest, sizeof(asker->nearest), "%s",
             status->nearest != NULL ? status->nearest->value : "");
    asker->statuses++;
}

static void asker_begin(struct asker *asker, const char *name) {
    *asker = (struct asker){0};
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = (char *)name;
    info.user = "root";
    info.has_failover_timeout = true;
    info.failover_timeout = 60;
    const struct mesos_scheduler_callbacks callbacks = {.size = sizeof(callbacks),
                                                        .user = asker,
                                                        .registered = on_registered,
                                                        .reregistered = on_reregistered,
                                                        .resource_offers = on_offers,
                                                        .request_status = on_status};
    const struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = cluster.master_address, .framework = &info};
    struct mesos_error error;
    asker->driver = mesos_scheduler_driver_new(&callbacks, &options, &error);
    if (asker->driver == NULL)
        fail_msg("%s", error.message);
    mesos_scheduler_driver_fd(asker->driver); /* starts it */
}

static void ask(struct asker *asker, const char *name, double cpus, double mem) {
    Mesos__V1__Value__Scalar amounts[2] = {MESOS__V1__VALUE__SCALAR__INIT,
                                           MESOS__V1__VALUE__SCALAR__INIT};
    Mesos__V1__Resource resources[2] = {MESOS__V1__RESOURCE__INIT, MESOS__V1__RESOURCE__INIT};
    Mesos__V1__Resource *list[2] = {&resources[0], &resources[1]};
    amounts[0].value = cpus;
    amounts[1].value = mem;
    resources[0].name = "cpus";
    resources[1].name = "mem";
    for (size_t i = 0; i < 2; i++) {
        resources[i].type = MESOS__V1__VALUE__TYPE__SCALAR;
        resources[i].scalar = &amounts[i];
    }
    Mesos__V1__Request request = MESOS__V1__REQUEST__INIT;
    request.name = (char *)name;
    request.has_count = true;
    request.count = 1;
    request.resources = list;
    request.n_resources = 2;
    const Mesos__V1__Request *const requests[] = {&request};
    mesos_scheduler_driver_request_resources(asker->driver, requests, 1);
}

/* Turns all drivers until *counter is at least so much. */
static void pump(struct asker *const *askers, size_t count, const unsigned *counter,
                 unsigned least) {
    int64_t end_ms = now_ms() + WAIT_MS;
    while (*counter < least) {
        struct pollfd fds[4] = {0};
        int64_t until_ms = end_ms;
        for (size_t i = 0; i < count; i++) {
            fds[i] = (struct pollfd){.fd = mesos_scheduler_driver_fd(askers[i]->driver),
                                     .events = POLLIN};
            int64_t deadline_ms = mesos_scheduler_driver_deadline_ms(askers[i]->driver);
            until_ms = deadline_ms < until_ms ? deadline_ms : until_ms;
        }
        int64_t wait_ms = until_ms - now_ms();
        poll(fds, count, wait_ms > 0 ? (int)wait_ms : 0);
        for (size_t i = 0; i < count; i++)
            mesos_scheduler_driver_process(askers[i]->driver);
        if (now_ms() > end_ms)
            cluster_fail(&cluster, "waited in vain");
    }
}

static void asker_end(struct asker *asker) {
    mesos_scheduler_driver_stop(asker->driver, false);
    mesos_scheduler_driver_join(asker->driver);
    mesos_scheduler_driver_free(asker->driver);
}

static const char *const agent_size[] = {"--resources=cpus:4;mem:1024;disk:100;ports:[1-9]", NULL};

TEST(who_asks_gets_its_size_and_another_the_rest_of_the_same_machine) {
    struct asker asker, other, *both[] = {&asker, &other};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    asker_begin(&asker, "asker");
    asker_begin(&other, "other");
    ask(&asker, "web", 1, 64);
    pump(both, 2, &asker.registered, 1);
    pump(both, 2, &other.registered, 1);

    cluster_start_agent(&cluster, 0, agent_size);
    pump(both, 2, &asker.offers, 1);
    pump(both, 2, &other.offers, 1);

    assert_true(asker.cpus == 1 && asker.mem == 64);
    assert_true(other.cpus == 3 && other.mem == 960);
    assert_string_equal(asker.agent, other.agent);
    assert_int_equal(asker.offers, 1);
    asker_end(&asker);
    asker_end(&other);
    cluster_close(&cluster);
}

TEST(what_no_agent_could_hold_is_told_at_once_and_again_when_one_could) {
    struct asker asker, *one[] = {&asker};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, agent_size);
    process_wait_log(&cluster.agents[0], " registered ");
    asker_begin(&asker, "asker");

    ask(&asker, "big", 64, 64);
    pump(one, 1, &asker.statuses, 1);

    assert_false(asker.is_feasible);
    assert_string_equal(asker.name, "big");
    assert_non_null(strstr(asker.message, "no agent could ever hold cpus:64;mem:64: the nearest"));
    assert_non_null(strstr(asker.message, "has cpus:4"));
    assert_true(asker.nearest[0] != '\0');

    static const char *const large[] = {"--resources=cpus:64;mem:1024;disk:100;ports:[1-9]", NULL};
    cluster_start_agent(&cluster, 1, large);
    pump(one, 1, &asker.offers, 1);
    pump(one, 1, &asker.statuses, 2);

    assert_true(asker.cpus == 64 && asker.mem == 64);
    assert_true(asker.is_feasible);
    asker_end(&asker);
    cluster_close(&cluster);
}

TEST(what_was_asked_for_is_asked_for_again_after_the_master_has_died) {
    struct asker asker, *one[] = {&asker};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, agent_size);
    process_wait_log(&cluster.agents[0], " registered ");
    asker_begin(&asker, "asker");
    ask(&asker, "web", 1, 64);
    pump(one, 1, &asker.offers, 1);

    process_end(&cluster.master, SIGKILL);
    cluster_start_master(&cluster, NULL);
    pump(one, 1, &asker.offers, 2);

    assert_int_equal(asker.registered, 2);
    assert_true(asker.cpus == 1 && asker.mem == 64);
    asker_end(&asker);
    cluster_close(&cluster);
}
