#include "mesos/executor.h"

#include "tests/unit/lib/messages.h"
#include "tests/unit/lib/shell/fake_peer.h"

#include <stdatomic.h>

struct play {
    struct fake_peer agent;
    struct mesos_executor_driver *driver;
    unsigned subscribes, updates;
    size_t unacknowledged;
    bool acknowledges;
    atomic_uint registered, reregistered, launched, shutdowns;
};

static void take_call(struct fake_peer *agent, uint16_t type, struct text payload) {
    struct play *play = CONTAINER_OF(agent, struct play, agent);
    assert_int_equal(type, FRAME_EXECUTOR_CALL);
    Mesos__V1__Executor__Call *call =
        mesos__v1__executor__call__unpack(NULL, payload.size, (const uint8_t *)payload.data);
    assert_non_null(call);
    if (call->subscribe != NULL) {
        play->unacknowledged = call->subscribe->n_unacknowledged_updates;
        peer_send(agent, FRAME_EXECUTOR_EVENT, message_executor_subscribed());
        if (play->subscribes++ == 0)
            peer_send(agent, FRAME_EXECUTOR_EVENT, message_executor_launch("t-1"));
    }
    if (call->update != NULL) {
        play->updates++;
        if (play->acknowledges)
            peer_send(agent, FRAME_EXECUTOR_EVENT,
                      message_executor_acknowledged(call->update->status->task_id,
                                                    call->update->status->uuid));
    }
    mesos__v1__executor__call__free_unpacked(call, NULL);
}

static void on_registered(void *user, struct mesos_executor_driver *driver,
                          const Mesos__V1__ExecutorInfo *executor,
                          const Mesos__V1__FrameworkInfo *framework,
                          const Mesos__V1__AgentInfo *agent) {
    (void)driver, (void)executor, (void)framework, (void)agent;
    ((struct play *)user)->registered++;
}

static void on_reregistered(void *user, struct mesos_executor_driver *driver,
                            const Mesos__V1__AgentInfo *agent) {
    (void)driver, (void)agent;
    ((struct play *)user)->reregistered++;
}

static void on_launch(void *user, struct mesos_executor_driver *driver,
                      const Mesos__V1__TaskInfo *task) {
    struct play *play = user;
    play->launched++;
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.task_id = task->task_id;
    status.state = MESOS__V1__TASK_STATE__TASK_FINISHED;
    mesos_executor_driver_send_status_update(driver, &status);
}

static void on_shutdown(void *user, struct mesos_executor_driver *driver) {
    (void)driver;
    ((struct play *)user)->shutdowns++;
}

static void begin(struct play *play, bool acknowledges, int checkpoint) {
    *play = (struct play){.acknowledges = acknowledges};
    peer_init(&play->agent, take_call);
    struct mesos_executor_callbacks callbacks = {
        .size = sizeof(callbacks),
        .user = play,
        .registered = on_registered,
        .reregistered = on_reregistered,
        .launch_task = on_launch,
        .shutdown = on_shutdown,
    };
    struct mesos_executor_options options = {
        .size = sizeof(options),
        .agent = play->agent.address,
        .framework_id = "f-1",
        .executor_id = "e-1",
        .checkpoint = checkpoint,
        .shutdown_grace_ms = 1,
        .keep_process = true,
    };
    play->driver = mesos_executor_driver_new(&callbacks, &options, NULL);
    assert_non_null(play->driver);
    mesos_executor_driver_start(play->driver);
}

static void end(struct play *play) {
    mesos_executor_driver_free(play->driver);
    peer_fini(&play->agent);
}

static bool has_update(void *self) {
    return ((struct play *)self)->updates > 0;
}

static bool has_reregistered(void *self) {
    return ((struct play *)self)->reregistered > 0;
}

static bool has_shut_down(void *self) {
    return ((struct play *)self)->shutdowns > 0;
}

static bool has_hung_up(void *self) {
    return ((struct play *)self)->agent.link == NULL;
}

TEST(a_task_is_launched_and_its_end_acknowledged_before_a_stop_is_through) {
    struct play play;
    begin(&play, true, 1);
    peer_until(&play.agent, has_update, &play);

    mesos_executor_driver_stop(play.driver);
    peer_until(&play.agent, has_hung_up, &play);

    assert_int_equal(mesos_executor_driver_join(play.driver), MESOS__V1__STATUS__DRIVER_STOPPED);
    assert_string_equal(play.agent.role, "executor");
    assert_int_equal(play.registered, 1);
    assert_int_equal(play.updates, 1);
    end(&play);
}

TEST(an_agent_that_was_restarted_hears_of_what_it_did_not_acknowledge) {
    struct play play;
    begin(&play, false, 1);
    peer_until(&play.agent, has_update, &play);

    peer_hang_up(&play.agent);
    peer_until(&play.agent, has_reregistered, &play);

    assert_int_equal(play.unacknowledged, 1);
    assert_int_equal(play.launched, 1);
    end(&play);
}

TEST(without_checkpointing_a_lost_agent_is_the_end) {
    struct play play;
    begin(&play, true, -1);
    peer_until(&play.agent, has_update, &play);

    peer_hang_up(&play.agent);
    peer_until(&play.agent, has_shut_down, &play);

    assert_int_equal(mesos_executor_driver_join(play.driver), MESOS__V1__STATUS__DRIVER_ABORTED);
    end(&play);
}

TEST(without_an_agent_in_the_environment_there_is_no_driver) {
    struct mesos_executor_callbacks callbacks = {.size = sizeof(callbacks)};
    struct mesos_error error;
    unsetenv("MESOS_AGENT_ENDPOINT");
    unsetenv("MESOS_EXECUTOR_ID");
    setenv("MESOS_FRAMEWORK_ID", "f-1", 1);

    assert_null(mesos_executor_driver_new(&callbacks, NULL, &error));

    assert_non_null(strstr(error.message, "MESOS_EXECUTOR_ID"));
}
