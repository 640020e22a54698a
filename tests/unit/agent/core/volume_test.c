/*
 * Volumes in containers as the core orders them: where, for whom, and which it refuses.
 */
#include "tests/unit/agent/core/operation_rig.h"

#include <stdio.h>

TEST(a_task_is_launched_with_its_volume) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig =
        rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1", .mount = "data/db:ro"});

    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));

    const struct container_launch *launch = &rig_last(rig, AGENT_EFFECT_LAUNCH)->launch;
    assert_int_equal(launch->volume_count, 1);
    assert_place(&launch->volumes[0].place, "/work", "volumes/roles/eng db/v1");
    assert_text_equal(launch->volumes[0].path, "data/db");
    assert_true(launch->volumes[0].read_only && launch->volumes[0].is_given);
}

TEST(a_container_path_that_cannot_be_served_is_refused_with_its_name) {
    static const struct {
        const char *mount, *why;
    } wrong[] = {
        {"/data",
         "has an absolute container_path, which needs a container with its own file system"},
        {"..", "has a container_path that does not stay in the sandbox"},
        {"a/../../b", "has a container_path that does not stay in the sandbox"},
        {"a//b", "has a container_path that does not stay in the sandbox"},
        {"a/", "has a container_path that does not stay in the sandbox"},
        {".", "has a container_path that does not stay in the sandbox"},
        {":rw", "has no container_path"},
        {"a:host", "names a host path, an image or a source"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct resources *v1;
        AUTO(rig_free)
        struct rig *rig =
            rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1", .mount = wrong[i].mount});
        char expected[200];

        rig_run(rig, "f1", rig_task_with(rig, "t1", v1));

        const struct task_status *status = rig_last_update(rig, "t1");
        assert_int_equal(status->state, TASK_STATE_FAILED);
        snprintf(expected, sizeof(expected), "Cannot run it: volume 'v1' %s", wrong[i].why);
        assert_text_equal(status->message, expected);
        assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    }
}

TEST(two_volumes_cannot_be_mounted_one_in_the_other) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1", .mount = "a"});
    rig_reserve(rig, 64000);
    const struct resources *v2 =
        rig_volume(rig, (struct rig_volume_terms){.id = "v2", .mount = "a/b"});
    rig_create(rig, v2);

    rig_run(rig, "f1", rig_task_with(rig, "t1", rig_both(rig, v1, v2)));

    assert_text_equal(rig_last_update(rig, "t1")->message,
                      "Cannot run it: two volumes are to be mounted at 'a/b'");
}

TEST(a_volume_of_a_task_with_an_executor_is_refused) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    struct task_info *task = rig_task_with(rig, "t1", v1);
    task->command = (struct command_info){0};
    task->executor = *rig_executor(rig, "e1");

    rig_run(rig, "f1", task);

    assert_text_equal(rig_last_update(rig, "t1")->message,
                      "Cannot run it: a volume for a task with an executor must be among the "
                      "executor's own resources");
}

TEST(an_unshared_volume_has_one_user_and_a_shared_one_many) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig =
        rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1", .is_shared = true});

    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));
    assert_true(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volumes[0].is_given);
    rig_run(rig, "f1", rig_task_with(rig, "t2", v1));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
    assert_false(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volumes[0].is_given);
}

TEST(an_unshared_volume_becomes_its_users_even_while_a_removed_frameworks_task_ends) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_framework(rig, "f2");
    rig_begin(rig, rig_task_with(rig, "t1", v1));
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK,
                                            .shutdown_framework = {TEXT("f1")}});

    rig_run(rig, "f2", rig_task_with(rig, "t2", v1));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
    assert_true(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volumes[0].is_given);
}

TEST(a_second_task_on_an_unshared_volume_has_not_got_it) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));

    rig_run(rig, "f1", rig_task_with(rig, "t2", v1));

    assert_text_equal(rig_last_update(rig, "t2")->message, "The agent has not got these resources");
}

TEST(a_shared_volume_in_use_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig =
        rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1", .is_shared = true});
    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));
    struct container_id first = rig_launched(rig);
    rig_run(rig, "f1", rig_task_with(rig, "t2", v1));
    rig_started(rig, first);
    rig_exited(rig, first, 0);

    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}
