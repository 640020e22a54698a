/*
 * Reservations and volumes on the agent: what counts when, what is stored before it is done, and
 * that nobody's data goes.
 */
#include "tests/unit/agent/core/operation_rig.h"

/* --- reservations --- */

TEST(a_reservation_is_in_the_total_and_answered_once_it_is_stored) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig->stores_wait = true;

    rig_reserve(rig, 300000);

    assert_true(rig_has(rig, rig_disk(rig, true, 300000)) &&
                rig_has(rig, rig_disk(rig, false, 700000)));
    assert_null(rig_last_answer(rig));
    rig_store_all(rig);
    assert_applied(rig, 1);
    assert_int_equal(rig_disk_count(rig, "resources"), 1);
}

TEST(an_unreserve_leaves_nothing_stored) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 300000);

    rig_apply(rig, 2, OPERATION_UNRESERVE, rig_disk(rig, true, 300000),
              rig_disk(rig, false, 300000));

    assert_applied(rig, 2);
    assert_true(rig_has(rig, rig_disk(rig, false, 1000000)));
    assert_int_equal(rig_disk_count(rig, "resources"), 0);
}

TEST(what_the_agent_has_not_got_changes_nothing_and_is_answered_with_the_truth) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();

    rig_reserve(rig, 1000001);

    assert_refused(rig, "the agent has not got disk:1000.001");
    assert_true(rig_has(rig, rig_disk(rig, false, 1000000)));
    assert_int_equal(rig_disk_count(rig, "resources"), 0);
}

TEST(what_a_task_uses_cannot_be_unreserved) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 300000);
    rig_run(rig, "f1", rig_task_with(rig, "t1", rig_disk(rig, true, 100000)));

    rig_apply(rig, 2, OPERATION_UNRESERVE, rig_disk(rig, true, 300000),
              rig_disk(rig, false, 300000));

    assert_refused(rig, "disk(eng/db):300 is in use");
}

TEST(an_operation_that_makes_resources_out_of_nothing_is_refused) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();

    rig_apply(rig, 1, OPERATION_RESERVE, rig_disk(rig, false, 1000), rig_disk(rig, true, 2000));

    assert_refused(rig, "what is consumed and what comes of it differ in amount");
}

TEST(an_operation_of_another_type_is_refused) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();

    rig_apply(rig, 1, OPERATION_CREATE_DISK, rig_disk(rig, false, 1000), rig_disk(rig, true, 1000));

    assert_refused(rig, "this agent cannot apply CREATE_DISK");
}

TEST(a_task_behind_an_operation_on_the_connection_finds_what_it_made) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig->stores_wait = true;

    rig_reserve(rig, 300000);
    rig_run(rig, "f1", rig_task_with(rig, "t1", rig_disk(rig, true, 300000)));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    rig_store_all(rig);

    assert_applied(rig, 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
}

TEST(a_master_that_is_found_anew_hears_of_nothing_that_is_not_stored) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig->stores_wait = true;
    rig_reserve(rig, 300000);
    rig_lose_master(rig);
    rig_forget_effects(rig);

    rig_advance(rig, 60000);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SEND_MASTER), 0);
    rig_store_all(rig);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.kind, AGENT_MESSAGE_REGISTER);
}

TEST(more_resources_than_a_message_holds_are_refused) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    struct resources *many = NEW(struct resources);
    VEC_PUSH(&rig->owned, many);
    for (int i = 0; i <= RESOURCES_LIMIT; i++) {
        struct reservation reservation = {.type = RESERVATION_DYNAMIC, .role = TEXT("eng")};
        struct kind_info info = {.name = TEXT("disk"), .reservation_count = 1};
        reservation.principal = text_of(arena_printf(rig->arena, "%d", i));
        info.reservations = &reservation;
        assert_true(resources_put_scalar(many, rig_intern(rig, info), 1, NULL));
    }

    rig_apply(rig, 1, OPERATION_RESERVE, rig_disk(rig, false, RESOURCES_LIMIT + 1), many);

    assert_refused(rig, "the agent would have more than 4096 resources");
}

/* --- volumes come --- */

TEST(no_operation_but_create_makes_a_volume) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    const struct resources *v1 = rig_volume(rig, (struct rig_volume_terms){.id = "v1"});

    rig_apply(rig, 1, OPERATION_RESERVE, rig_disk(rig, false, 64000), v1);

    assert_refused(rig, "only CREATE and DESTROY make and end volumes");
}

TEST(a_volume_is_stored_then_made_then_answered) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    rig_forget_effects(rig);
    rig->stores_wait = true;

    rig_create(rig, rig_volume(rig, (struct rig_volume_terms){.id = "v1"}));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    rig_store_all(rig);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 1);
    assert_null(rig_last_answer(rig));
    rig_made(rig);

    assert_applied(rig, 2);
    assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
}

TEST(volumes_of_path_and_mount_disks_are_kept_there) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct rig_volume_terms path = {
        .id = "v1", .source = DISK_SOURCE_PATH, .root = "/mnt/path", .milli = 64000};
    struct rig_volume_terms mount = {
        .id = "v2", .source = DISK_SOURCE_MOUNT, .root = "/mnt/whole", .milli = 500000};
    agent_free(rig->agent);
    struct resource disks[] = {
        {.kind = rig_intern(rig, rig_disk_of(&path)), .copies = 1, .milli = 100000},
        {.kind = rig_intern(rig, rig_disk_of(&mount)), .copies = 1, .milli = 500000}};
    /* As flags would have them: reserved to the role statically. */
    for (size_t i = 0; i < 2; i++) {
        struct reservation fixed = {.type = RESERVATION_STATIC, .role = TEXT("eng/db")};
        struct kind_info info = *kinds_info(rig->kinds, disks[i].kind);
        info.reservations = &fixed;
        disks[i].kind = rig_intern(rig, info);
        assert_true(resources_put(&rig->total, &disks[i]));
    }
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    for (size_t i = 0; i < 2; i++) {
        struct kind_info info = *kinds_info(rig->kinds, disks[i].kind);
        struct resource plain = disks[i], made_one = disks[i];
        plain.milli = made_one.milli = i == 0 ? 64000 : 500000;
        info.disk.persistence_id = i == 0 ? TEXT("v1") : TEXT("v2");
        made_one.kind = rig_intern(rig, info);
        rig_apply(rig, i + 1, OPERATION_CREATE, rig_one(rig, plain), rig_one(rig, made_one));
        rig_made(rig);
        assert_applied(rig, i + 1);
        assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places,
                     i == 0 ? "/mnt/path" : "/mnt/whole", i == 0 ? "volumes/roles/eng db/v1" : "");
    }
}

TEST(a_directory_that_cannot_be_made_undoes_the_operation) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    const struct resources *v1 = rig_volume(rig, (struct rig_volume_terms){.id = "v1"});
    rig_create(rig, v1);

    rig_answer_volumes(rig, AGENT_EFFECT_MAKE_VOLUMES, "make directory: No space left on device");

    assert_refused(rig, "make directory: No space left on device");
    assert_false(rig_has(rig, v1));
    assert_true(rig_has(rig, rig_disk(rig, true, 64000)));
    rig_crash(rig, true);
    assert_false(rig_has(rig, v1));
}

TEST(an_operation_is_undone_only_when_nobody_uses_what_came_of_it) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    const struct resources *v1 = rig_volume(rig, (struct rig_volume_terms){.id = "v1"});
    rig_create(rig, v1);
    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));
    rig_forget_effects(rig);

    struct agent_event event = {.kind = AGENT_EVENT_VOLUMES_MADE};
    event.volumes.order = 1;
    event.volumes.why = TEXT("disk full");
    rig_step(rig, event);
    assert_null(rig_last_answer(rig));
    MAP_EACH(entry, &rig->disk) {
        const struct agent_record *record = map_value(entry);
        if (record->kind == AGENT_RECORD_TASK)
            rig_outcome(rig, record->task.container, CONTAINER_OUTCOME_LAUNCH_FAILED, "missing");
    }

    assert_refused(rig, "disk full");
    assert_false(rig_has(rig, v1));
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
}

TEST(the_truth_is_told_when_no_operation_before_it_waits_for_its_answer) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    rig_create(rig, rig_volume(rig, (struct rig_volume_terms){.id = "v1"}));

    rig_apply(rig, 3, OPERATION_RESERVE, rig_disk(rig, false, 9000000),
              rig_disk(rig, true, 9000000));
    assert_false(rig_last_answer(rig)->operation.is_applied);
    assert_false(rig_told_total_last(rig));
    rig_made(rig);

    assert_applied(rig, 2);
    assert_true(rig_told_total_last(rig));
}

TEST(a_volume_that_exists_cannot_be_made_again) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_apply(rig, 3, OPERATION_RESERVE, rig_disk(rig, false, 64000), rig_disk(rig, true, 64000));

    rig_create(rig, rig_volume(rig, (struct rig_volume_terms){.id = "v1"}));
    assert_refused(rig, "volume 'v1' exists already");
    rig_create(rig, rig_volume(rig, (struct rig_volume_terms){.id = "v1", .is_shared = true}));

    assert_refused(rig, "volume 'v1' exists already");
}

/* --- volumes go --- */

TEST(what_is_destroyed_is_removed_once_that_is_stored) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig->stores_wait = true;

    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    rig_store_all(rig);

    assert_applied(rig, 3);
    assert_place(rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    assert_int_equal(rig_disk_count(rig, "destroyed"), 1);
    rig_removed(rig);
    rig_store_all(rig);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_volume_in_use_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_run(rig, "f1", rig_task_with(rig, "t1", v1));

    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_volume_of_a_removed_framework_is_in_use_until_its_container_is_gone) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    struct container_id container = rig_begin(rig, rig_task_with(rig, "t1", v1));
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK,
                                            .shutdown_framework = {TEXT("f1")}});

    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));
    assert_refused(rig, "volume 'v1' is in use");
    rig_signalled(rig, container, 9);
    rig_apply(rig, 4, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    assert_applied(rig, 4);
}

TEST(a_volume_in_use_by_an_executor_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    struct task_info *task = rig_task(rig, "t1");
    struct executor_info *executor = rig_executor(rig, "e1");
    executor->resources = rig_both(rig, executor->resources, v1);
    task->command = (struct command_info){0};
    task->executor = *executor;
    rig_run(rig, "f1", task);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volume_count, 1);

    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}

TEST(no_operation_but_destroy_ends_a_volume) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});

    rig_apply(rig, 3, OPERATION_UNRESERVE, v1, rig_disk(rig, false, 64000));

    assert_refused(rig, "only CREATE and DESTROY make and end volumes");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(growing_and_shrinking_touch_nothing_on_the_disk) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    const struct resources *grown =
        rig_volume(rig, (struct rig_volume_terms){.id = "v1", .milli = 80000});
    rig_apply(rig, 3, OPERATION_RESERVE, rig_disk(rig, false, 16000), rig_disk(rig, true, 16000));
    rig_forget_effects(rig);

    rig_apply(rig, 4, OPERATION_GROW_VOLUME, rig_both(rig, v1, rig_disk(rig, true, 16000)), grown);
    assert_applied(rig, 4);
    assert_true(rig_has(rig, grown) && !rig_has(rig, v1));
    rig_apply(rig, 5, OPERATION_SHRINK_VOLUME, grown,
              rig_both(rig, v1, rig_disk(rig, true, 16000)));

    assert_applied(rig, 5);
    assert_true(rig_has(rig, v1));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_volume_cannot_be_cut_into_two_of_one_id) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    const struct resources *half =
        rig_volume(rig, (struct rig_volume_terms){.id = "v1", .milli = 32000});

    rig_apply(rig, 3, OPERATION_SHRINK_VOLUME, v1, rig_both(rig, half, half));

    assert_refused(rig, "volume 'v1' would be there twice");
}

TEST(the_same_id_can_be_made_anew_while_the_old_content_is_on_its_way_out) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_forget_effects(rig);
    rig->stores_wait = true;
    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    rig_create(rig, v1);
    rig_store_all(rig);

    const struct agent_effect *removal = rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME);
    assert_true(removal < rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES));
    rig_made(rig);
    rig_store_all(rig);
    assert_applied(rig, 2);
}

TEST(no_more_volumes_than_the_limit_wait_for_their_removal) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    const struct resources *all = rig_disk(rig, true, 0);
    for (int i = 0; i <= AGENT_DESTROYED_VOLUMES_LIMIT; i++)
        all = rig_both(rig, all,
                       rig_volume(rig, (struct rig_volume_terms){
                                           .id = arena_printf(rig->arena, "v%d", i), .milli = 1}));
    int64_t milli = AGENT_DESTROYED_VOLUMES_LIMIT + 1;
    rig_reserve(rig, milli);
    rig_apply(rig, 2, OPERATION_CREATE, rig_disk(rig, true, milli), all);
    rig_made(rig);
    assert_applied(rig, 2);

    rig_apply(rig, 3, OPERATION_DESTROY, all, rig_disk(rig, true, milli));

    assert_refused(rig, "more than 1000 volumes wait for their removal");
    assert_true(rig_has(rig, all));
}

/* An agent with a MOUNT disk of role "eng/db" by flag, and the disk and a volume of all of it. */
static struct rig *with_mount(const struct resources **plain, const struct resources **made) {
    struct rig *rig = rig_new();
    struct rig_volume_terms terms = {.source = DISK_SOURCE_MOUNT, .root = "/mnt/whole"};
    struct reservation fixed = {.type = RESERVATION_STATIC, .role = TEXT("eng/db")};
    struct kind_info info = rig_disk_of(&terms);
    struct resource one = {.milli = 500000};
    info.reservations = &fixed;
    one.kind = rig_intern(rig, info);
    *plain = rig_one(rig, one);
    info.disk.persistence_id = TEXT("v1");
    one.kind = rig_intern(rig, info);
    *made = rig_one(rig, one);
    agent_free(rig->agent);
    assert_true(resources_add(&rig->total, *plain));
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    return rig;
}

TEST(a_mount_disk_takes_no_new_volume_until_the_old_content_is_gone) {
    const struct resources *plain, *v1;
    AUTO(rig_free) struct rig *rig = with_mount(&plain, &v1);
    rig_apply(rig, 1, OPERATION_CREATE, plain, v1);
    rig_made(rig);
    rig_apply(rig, 2, OPERATION_DESTROY, v1, plain);
    assert_applied(rig, 2);

    rig_apply(rig, 3, OPERATION_CREATE, plain, v1);
    assert_refused(rig, "where volume 'v1' would be an older one is still being removed");
    rig_removed(rig);
    rig_apply(rig, 4, OPERATION_CREATE, plain, v1);
    rig_made(rig);

    assert_applied(rig, 4);
}

TEST(where_an_old_volume_could_not_be_removed_no_new_one_is_made) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));
    rig_answer_volumes(rig, AGENT_EFFECT_REMOVE_VOLUME, "Input/output error");
    assert_true(rig_has_note(rig, "volume_not_removed"));

    rig_create(rig, v1);

    assert_refused(rig, "where volume 'v1' would be an older one is still there");
}

/* --- the agent goes and comes back --- */

TEST(what_operations_made_is_there_after_a_restart_and_told_at_the_registration) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    const struct agent_message *message = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(message->kind, AGENT_MESSAGE_REGISTER);
    assert_true(resources_contains(message->register_agent.info.resources, v1));
    assert_true(
        resources_contains(message->register_agent.info.resources, rig_disk(rig, false, 936000)));
}

TEST(an_operation_that_was_not_stored_never_was) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig->stores_wait = true;
    rig_reserve(rig, 64000);

    rig_crash(rig, true);

    assert_true(rig_has(rig, rig_disk(rig, false, 1000000)));
}

TEST(a_crash_between_the_store_and_the_directory_ends_with_the_directory) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    const struct resources *v1 = rig_volume(rig, (struct rig_volume_terms){.id = "v1"});
    rig_create(rig, v1);

    rig_crash(rig, true);

    assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    assert_true(rig_has(rig, v1));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_crash_between_a_stored_destroy_and_the_removal_ends_with_the_removal) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    assert_place(rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    rig_removed(rig);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_restart_never_removes_what_was_made_again) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));
    rig_create(rig, v1);

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 1);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_restart_removes_nothing_from_a_disk_that_is_not_the_agents_any_more) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    rig_apply(rig, 3, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));
    rig_apply(rig, 4, OPERATION_UNRESERVE, rig_disk(rig, true, 64000), rig_disk(rig, false, 64000));
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_CPUS, 8000, NULL));

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    assert_true(rig_has_note(rig, "volume_left"));
}

TEST(a_restart_with_less_than_what_is_reserved_fails_and_names_it) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 300000);
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 299000, NULL));

    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_STOP)->reason,
                      "Incompatible agent resources: disk(eng/db):300 is stored and needs "
                      "disk:300, which --resources has not got; start with what the agent had, "
                      "give it up by DESTROY and UNRESERVE first, or say --force_resources, which "
                      "does");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 0);
    assert_int_equal(rig_disk_count(rig, "resources"), 1);
}

TEST(a_restart_with_more_resources_keeps_what_operations_made) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 500000, NULL));

    rig_crash(rig, true);

    assert_true(rig_has(rig, v1) && rig_has(rig, rig_disk(rig, false, 1436000)));
}

TEST(a_static_reservation_below_a_dynamic_one_is_what_must_be_configured) {
    struct reservation stack[] = {{.type = RESERVATION_STATIC, .role = TEXT("eng")},
                                  {.type = RESERVATION_DYNAMIC, .role = TEXT("eng/db")}};
    struct kind_info info = {.name = TEXT("cpus"), .reservations = stack, .reservation_count = 1};
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct resources *fixed =
        rig_one(rig, (struct resource){.kind = rig_intern(rig, info), .milli = 2000});
    info.reservation_count = 2;
    const struct resources *refined =
        rig_one(rig, (struct resource){.kind = rig_intern(rig, info), .milli = 2000});
    agent_free(rig->agent);
    assert_true(resources_add(&rig->total, fixed));
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    rig_apply(rig, 1, OPERATION_RESERVE, fixed, refined);
    assert_applied(rig, 1);

    rig_crash(rig, true);

    assert_true(rig_has(rig, refined) && !rig_has(rig, fixed));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
}

TEST(a_volume_that_cannot_be_made_after_a_restart_is_noted_and_kept) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});

    rig_crash(rig, true);
    rig_answer_volumes(rig, AGENT_EFFECT_MAKE_VOLUMES, "open /work: Input/output error");

    assert_true(rig_has_note(rig, "volume_missing"));
    assert_true(rig_has(rig, v1));
}

TEST(tasks_hold_their_volumes_over_a_restart) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = rig_with_volume(&v1, (struct rig_volume_terms){.id = "v1"});
    struct container_id container = rig_begin(rig, rig_task_with(rig, "t1", v1));

    rig_restart_under(rig, container);
    rig_connect(rig);
    rig_apply(rig, 1, OPERATION_DESTROY, v1, rig_disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}

TEST(an_answer_to_a_master_that_is_gone_is_not_given_to_the_next) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    rig_create(rig, rig_volume(rig, (struct rig_volume_terms){.id = "v1"}));
    rig_lose_master(rig);
    rig_connect(rig);
    rig_forget_effects(rig);

    struct agent_event event = {.kind = AGENT_EVENT_VOLUMES_MADE};
    event.volumes.order = 1;
    rig_step(rig, event);

    assert_null(rig_last_answer(rig));
}

TEST(new_flags_that_do_not_fit_what_is_reserved_are_not_taken) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 300000);
    struct agent_event event = {.kind = AGENT_EVENT_RESOURCES};
    event.resources = rig_resources(rig, 1000, 1000000);

    rig_step(rig, event);

    assert_true(rig_has_note(rig, "resources_incompatible"));
    assert_true(rig_has(rig, rig_disk(rig, true, 300000)));
}

TEST(whatever_is_asked_of_it_the_total_stays_what_is_configured_and_volumes_have_one_place) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    struct rng rng = rng_for_test();
    static const enum operation_kind kinds[] = {OPERATION_RESERVE, OPERATION_UNRESERVE,
                                                OPERATION_CREATE, OPERATION_DESTROY};
    for (uint64_t i = 1; i <= 400; i++) {
        enum operation_kind kind = kinds[rng_below(&rng, 4)];
        const char *id = rng_below(&rng, 2) == 0 ? "v1" : "v2";
        const struct resources *plain = rig_disk(rig, false, 64000),
                               *held = rig_disk(rig, true, 64000);
        const struct resources *v = rig_volume(rig, (struct rig_volume_terms){.id = id});
        bool is_volume = kind == OPERATION_CREATE || kind == OPERATION_DESTROY;
        bool grows = kind == OPERATION_RESERVE || kind == OPERATION_CREATE;
        const struct resources *low = is_volume ? held : plain, *high = is_volume ? v : held;
        rig_forget_effects(rig);
        rig_apply(rig, i, kind, grows ? low : high, grows ? high : low);
        bool is_made = rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES) > 0;
        if (is_made)
            rig_answer_volumes(rig, AGENT_EFFECT_MAKE_VOLUMES,
                               rng_below(&rng, 4) == 0 ? "full" : NULL);
        if (rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME) > 0 && rng_below(&rng, 2) == 0)
            rig_removed(rig);
        assert_non_null(rig_last_answer(rig));
        if (rng_below(&rng, 20) == 0) {
            rig_crash(rig, true);
            rig_containers_done(rig);
            rig_connect(rig);
        }
        assert_int_equal(
            resources_quantity_milli(agent_resources(rig->agent), rig->kinds, NAME_DISK), 1000000);
        const struct resource *found =
            resources_find(agent_resources(rig->agent), v->entries[0].kind);
        assert_true(found == NULL || found->copies == 1);
    }
}
