#include "mesos/scheduler.h"

#include "tests/unit/lib/messages.h"
#include "tests/unit/lib/shell/fake_peer.h"
#include "tests/support/clock.h"

#include <poll.h>
#include <stdatomic.h>

/* What happened, from both sides: the master's in the test's thread, the framework's in the
 * driver's. */
struct play {
    struct fake_peer master;
    struct mesos_scheduler_driver *driver;
    unsigned subscribes, accepts, acknowledges, kills, teardowns;
    atomic_uint registered, reregistered, disconnected, offers, updates, errors, failures, dropped;
    bool stops_in_update, aborts_in_update, joins_in_update, launches;
};

static void take_call(struct fake_peer *master, uint16_t type, struct text payload) {
    struct play *play = CONTAINER_OF(master, struct play, master);
    assert_int_equal(type, FRAME_SCHEDULER_CALL);
    Mesos__V1__Scheduler__Call *call =
        mesos__v1__scheduler__call__unpack(NULL, payload.size, (const uint8_t *)payload.data);
    assert_non_null(call);
    if (call->type == MESOS__V1__SCHEDULER__CALL__TYPE__SUBSCRIBE) {
        play->subscribes++;
        peer_send(master, FRAME_SCHEDULER_EVENT, message_subscribed(0));
        peer_send(master, FRAME_SCHEDULER_EVENT, message_offers());
    } else if (call->type == MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT) {
        play->accepts++;
        const char *task = call->accept->operations[0]->launch->task_infos[0]->task_id->value;
        peer_send(master, FRAME_SCHEDULER_EVENT, message_update(task, "0123456789abcdef"));
    } else if (call->type == MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE) {
        play->acknowledges++;
    } else if (call->type == MESOS__V1__SCHEDULER__CALL__TYPE__KILL) {
        play->kills++;
    } else if (call->type == MESOS__V1__SCHEDULER__CALL__TYPE__TEARDOWN) {
        play->teardowns++;
        peer_hang_up(master);
    }
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
}

static void on_registered(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    (void)driver, (void)master;
    struct play *play = user;
    assert_string_equal(id->value, "f-1");
    play->registered++;
}

static void on_reregistered(void *user, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    (void)driver, (void)master;
    ((struct play *)user)->reregistered++;
}

static void on_disconnected(void *user, struct mesos_scheduler_driver *driver) {
    (void)driver;
    ((struct play *)user)->disconnected++;
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct play *play = user;
    assert_int_equal(count, 1);
    play->offers++;
    if (!play->launches)
        return;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = "t-1";
    Mesos__V1__TaskInfo task = MESOS__V1__TASK_INFO__INIT;
    task.name = "task";
    task.task_id = &id;
    task.agent_id = offers[0]->agent_id;
    const Mesos__V1__TaskInfo *tasks[] = {&task};
    assert_int_equal(mesos_scheduler_driver_launch_tasks(driver, offers[0]->id, tasks, 1, NULL),
                     MESOS__V1__STATUS__DRIVER_RUNNING);
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct play *play = user;
    (void)status;
    play->updates++;
    if (play->stops_in_update)
        mesos_scheduler_driver_stop(driver, false);
    if (play->aborts_in_update)
        mesos_scheduler_driver_abort(driver);
    if (play->joins_in_update)
        mesos_scheduler_driver_join(driver);
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    (void)driver, (void)message;
    ((struct play *)user)->errors++;
}

static void on_connect_failed(void *user, struct mesos_scheduler_driver *driver, const char *why) {
    (void)driver, (void)why;
    ((struct play *)user)->failures++;
}

static void on_dropped(void *user, struct mesos_scheduler_driver *driver, const char *call,
                       enum mesos_call_drop why) {
    (void)driver, (void)call, (void)why;
    ((struct play *)user)->dropped++;
}

static struct mesos_scheduler_driver *driver_for(struct play *play, const char *master,
                                                 struct mesos_error *error) {
    struct mesos_scheduler_callbacks callbacks = {
        .size = sizeof(callbacks),
        .user = play,
        .registered = on_registered,
        .reregistered = on_reregistered,
        .disconnected = on_disconnected,
        .resource_offers = on_offers,
        .status_update = on_update,
        .error = on_error,
        .connect_failed = on_connect_failed,
        .call_dropped = on_dropped,
    };
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "test";
    info.user = "nobody";
    struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = master, .framework = &info};
    return mesos_scheduler_driver_new(&callbacks, &options, error);
}

static void begin(struct play *play, struct play choices) {
    *play = choices;
    peer_init(&play->master, take_call);
    play->driver = driver_for(play, play->master.address, NULL);
    assert_non_null(play->driver);
}

static void end(struct play *play) {
    mesos_scheduler_driver_free(play->driver);
    peer_fini(&play->master);
}

#define UNTIL(play, condition)                                                                     \
    do {                                                                                           \
        loop_turn((play)->master.loop, 0);                                                         \
        int64_t patience_ms_ = loop_now_ms((play)->master.loop) + PEER_PATIENCE_MS;                \
        while (!(condition)) {                                                                     \
            assert_true(loop_now_ms((play)->master.loop) < patience_ms_);                          \
            loop_turn((play)->master.loop, 2);                                                     \
        }                                                                                          \
    } while (0)

TEST(with_a_thread_an_offer_becomes_a_task_and_its_update_is_acknowledged) {
    struct play play;
    begin(&play, (struct play){.launches = true});

    assert_int_equal(mesos_scheduler_driver_start(play.driver), MESOS__V1__STATUS__DRIVER_RUNNING);
    UNTIL(&play, play.acknowledges == 1);

    assert_string_equal(play.master.role, "scheduler");
    assert_int_equal(play.registered, 1);
    assert_int_equal(play.offers, 1);
    assert_int_equal(play.updates, 1);
    end(&play);
}

static void poll_driver(struct play *play) {
    struct pollfd fds = {mesos_scheduler_driver_fd(play->driver), POLLIN, 0};
    int64_t wait_ms = mesos_scheduler_driver_deadline_ms(play->driver) - now_ms();
    poll(&fds, 1, wait_ms < 0 ? 0 : wait_ms > 2 ? 2 : (int)wait_ms);
    mesos_scheduler_driver_process(play->driver);
    loop_turn(play->master.loop, 1);
}

TEST(in_the_callers_loop_the_same_happens_without_a_thread) {
    struct play play;
    begin(&play, (struct play){.launches = true});
    int64_t patience_ms = now_ms() + PEER_PATIENCE_MS;

    while (play.acknowledges == 0 && now_ms() < patience_ms)
        poll_driver(&play);

    assert_int_equal(play.acknowledges, 1);
    assert_int_equal(play.updates, 1);
    assert_int_equal(mesos_scheduler_driver_stop(play.driver, true),
                     MESOS__V1__STATUS__DRIVER_STOPPED);
    assert_int_equal(mesos_scheduler_driver_join(play.driver), MESOS__V1__STATUS__DRIVER_STOPPED);
    end(&play);
}

TEST(a_driver_with_a_thread_gives_no_fd) {
    struct play play;
    begin(&play, (struct play){0});

    mesos_scheduler_driver_start(play.driver);

    assert_int_equal(mesos_scheduler_driver_fd(play.driver), -1);
    end(&play);
}

TEST(after_a_lost_connection_the_driver_comes_back) {
    struct play play;
    begin(&play, (struct play){0});
    mesos_scheduler_driver_start(play.driver);
    UNTIL(&play, play.registered == 1);

    peer_hang_up(&play.master);
    UNTIL(&play, play.reregistered == 1);

    assert_int_equal(play.disconnected, 1);
    assert_int_equal(play.registered, 1);
    assert_int_equal(play.master.connections, 2);
    end(&play);
}

TEST(a_redirect_leads_to_the_leader) {
    struct play play;
    struct fake_peer other;
    char location[64];
    begin(&play, (struct play){0});
    peer_init(&other, take_call);
    snprintf(location, sizeof(location), "//%s" FRAME_UPGRADE_PATH, play.master.address);
    other.redirect = location;
    mesos_scheduler_driver_free(play.driver);
    play.driver = driver_for(&play, other.address, NULL);
    mesos_scheduler_driver_start(play.driver);

    int64_t patience_ms = now_ms() + PEER_PATIENCE_MS;
    while (play.registered == 0 && now_ms() < patience_ms) {
        loop_turn(other.loop, 1);
        loop_turn(play.master.loop, 1);
    }

    assert_int_equal(play.registered, 1);
    end(&play);
    peer_fini(&other);
}

TEST(the_next_master_of_the_list_is_tried_when_one_is_down) {
    struct play play;
    char list[96];
    begin(&play, (struct play){0});
    snprintf(list, sizeof(list), "127.0.0.1:1,%s", play.master.address);
    mesos_scheduler_driver_free(play.driver);
    play.driver = driver_for(&play, list, NULL);
    mesos_scheduler_driver_start(play.driver);

    UNTIL(&play, play.registered == 1);

    assert_int_equal(play.failures, 1);
    end(&play);
}

static void *join_driver(void *self) {
    struct play *play = self;
    Mesos__V1__Status status = mesos_scheduler_driver_join(play->driver);
    return (void *)(intptr_t)status;
}

TEST(a_stop_in_a_callback_tears_down_and_ends_every_join) {
    struct play play;
    pthread_t threads[3];
    void *status;
    begin(&play, (struct play){.launches = true, .stops_in_update = true});
    mesos_scheduler_driver_start(play.driver);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, join_driver, &play);

    UNTIL(&play, play.teardowns == 1);

    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &status);
        assert_int_equal((intptr_t)status, MESOS__V1__STATUS__DRIVER_STOPPED);
    }
    assert_int_equal(play.disconnected, 0);
    end(&play);
}

TEST(an_abort_in_a_callback_leaves_its_update_unacknowledged) {
    struct play play;
    begin(&play, (struct play){.launches = true, .aborts_in_update = true});
    mesos_scheduler_driver_start(play.driver);

    UNTIL(&play, play.accepts == 1 && play.master.link == NULL);

    assert_int_equal(mesos_scheduler_driver_join(play.driver), MESOS__V1__STATUS__DRIVER_ABORTED);
    assert_int_equal(play.acknowledges, 0);
    assert_int_equal(play.updates, 1);
    end(&play);
}

TEST(a_join_in_a_callback_returns_at_once) {
    struct play play;
    begin(&play, (struct play){.launches = true, .joins_in_update = true});
    mesos_scheduler_driver_start(play.driver);

    UNTIL(&play, play.acknowledges == 1);

    end(&play);
}

static void *kill_many(void *self) {
    struct play *play = self;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = "t-1";
    for (int i = 0; i < 1000; i++)
        mesos_scheduler_driver_kill_task(play->driver, &id, NULL, NULL);
    return NULL;
}

TEST(calls_from_many_threads_all_arrive) {
    struct play play;
    pthread_t threads[4];
    begin(&play, (struct play){0});
    mesos_scheduler_driver_start(play.driver);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, kill_many, &play);

    UNTIL(&play, play.kills == 4000);

    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(play.dropped, 0);
    end(&play);
}

TEST(calls_say_which_state_the_driver_is_in) {
    struct play play;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = "t-1";
    begin(&play, (struct play){0});

    assert_int_equal(mesos_scheduler_driver_kill_task(play.driver, &id, NULL, NULL),
                     MESOS__V1__STATUS__DRIVER_NOT_STARTED);
    assert_int_equal(mesos_scheduler_driver_join(play.driver),
                     MESOS__V1__STATUS__DRIVER_NOT_STARTED);
    mesos_scheduler_driver_start(play.driver);
    assert_int_equal(mesos_scheduler_driver_kill_task(play.driver, &id, NULL, NULL),
                     MESOS__V1__STATUS__DRIVER_RUNNING);
    mesos_scheduler_driver_abort(play.driver);
    assert_int_equal(mesos_scheduler_driver_kill_task(play.driver, &id, NULL, NULL),
                     MESOS__V1__STATUS__DRIVER_ABORTED);
    end(&play);
}

TEST(a_call_that_is_too_large_is_dropped_aloud) {
    struct play play;
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    executor.value = "e-1";
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    agent.value = "a-1";
    begin(&play, (struct play){0});
    mesos_scheduler_driver_start(play.driver);
    char *data = calloc(1, MESOS_CALL_LIMIT_BYTES);

    mesos_scheduler_driver_send_framework_message(play.driver, &executor, &agent, data,
                                                  MESOS_CALL_LIMIT_BYTES);
    UNTIL(&play, play.dropped == 1);

    free(data);
    end(&play);
}

TEST(options_that_make_no_sense_are_refused_with_a_reason) {
    struct mesos_error error;

    assert_null(driver_for(NULL, "zk:///mesos", &error));
    assert_non_null(strstr(error.message, "zk://"));
    assert_null(driver_for(NULL, "h1:port", &error));
    assert_null(driver_for(NULL, NULL, &error));
    assert_null(driver_for(NULL, ",", &error));
}

TEST(callbacks_of_an_older_header_are_enough) {
    struct play play;
    struct mesos_error error;
    begin(&play, (struct play){0});
    struct mesos_scheduler_callbacks callbacks = {
        .size = offsetof(struct mesos_scheduler_callbacks, reregistered),
        .user = &play,
        .registered = on_registered,
    };
    /* Behind its size there is nothing that may be looked at. */
    callbacks.resource_offers = (void *)1;
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = info.user = "x";
    struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = play.master.address, .framework = &info};
    mesos_scheduler_driver_free(play.driver);
    play.driver = mesos_scheduler_driver_new(&callbacks, &options, &error);
    mesos_scheduler_driver_start(play.driver);

    UNTIL(&play, play.registered == 1);
    peer_hang_up(&play.master);
    UNTIL(&play, play.subscribes == 2);

    end(&play);
}
