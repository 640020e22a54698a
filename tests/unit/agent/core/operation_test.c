/*
 * Reservations and volumes on the agent: what counts when, what is stored before it is done, and
 * that nobody's data goes.
 */
#include "common/model/resources_text.h"
#include "tests/unit/agent/core/rig.h"

#include <stdio.h>

static const struct reservation db = {.type = RESERVATION_DYNAMIC, .role = TEXT("eng/db")};

static struct resources *owned(struct rig *rig) {
    struct resources *set = NEW(struct resources);
    VEC_PUSH(&rig->owned, set);
    return set;
}

static uint32_t intern(struct rig *rig, struct kind_info info) {
    struct error error = {0};
    uint32_t kind = 0;
    if (!kinds_intern(rig->kinds, &info, &kind, &error))
        fail_msg("%s", error.message);
    return kind;
}

static const struct resources *one(struct rig *rig, struct resource resource) {
    struct resources *set = owned(rig);
    resource.copies = 1;
    assert_true(resources_put(set, &resource));
    return set;
}

static const struct resources *disk(struct rig *rig, bool is_reserved, int64_t milli) {
    struct kind_info info = {.name = TEXT("disk"), .reservations = &db};
    info.reservation_count = is_reserved ? 1 : 0;
    return one(rig, (struct resource){.kind = intern(rig, info), .milli = milli});
}

struct made {
    const char *id;
    const char *mount; /* what it carries, for the rig's codec */
    bool is_shared;
    enum disk_source_type source; /* DISK_SOURCE_UNKNOWN: the root disk */
    const char *root;
    int64_t milli;
};

static struct kind_info disk_of(const struct made *made) {
    struct kind_info info = {.name = TEXT("disk"), .reservations = &db, .reservation_count = 1};
    if (made->source == DISK_SOURCE_UNKNOWN)
        return info;
    info.has_disk = info.disk.has_source = info.disk.source.has_place = true;
    info.disk.source.type = made->source;
    info.disk.source.root = text_of(made->root);
    return info;
}

static const struct resources *volume(struct rig *rig, struct made made) {
    struct kind_info info = disk_of(&made);
    struct resource resource = {.milli = made.milli > 0 ? made.milli : 64000};
    info.has_disk = true;
    info.disk.persistence_id = text_of(made.id);
    info.is_shared = made.is_shared;
    resource.kind = intern(rig, info);
    assert_true(kinds_intern_text(rig->kinds, text_of(made.mount != NULL ? made.mount : "data"),
                                  &resource.carry, NULL));
    return one(rig, resource);
}

static const struct resources *both(struct rig *rig, const struct resources *a,
                                    const struct resources *b) {
    struct resources *set = owned(rig);
    assert_true(resources_add(set, a) && resources_add(set, b));
    return set;
}

static void apply(struct rig *rig, uint64_t number, enum operation_kind kind,
                  const struct resources *from, const struct resources *to) {
    struct master_message message = {.kind = MASTER_MESSAGE_APPLY};
    message.apply.number = number;
    message.apply.kind = kind;
    message.apply.from = from;
    message.apply.to = to;
    rig_master(rig, message);
}

/* An agent with 1000 MB of disk, all its 8 cpus and so on, registered. */
static struct rig *with_disk(void) {
    struct rig *rig = rig_new();
    agent_free(rig->agent);
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 1000000, NULL));
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    return rig;
}

static void reserve(struct rig *rig, int64_t milli) {
    apply(rig, 1, OPERATION_RESERVE, disk(rig, false, milli), disk(rig, true, milli));
}

static void create(struct rig *rig, const struct resources *made) {
    apply(rig, 2, OPERATION_CREATE, disk(rig, true, made->entries[0].milli), made);
}

static void answer_last(struct rig *rig, enum agent_effect_kind effect, const char *why) {
    struct agent_event event = {.kind = effect == AGENT_EFFECT_MAKE_VOLUMES
                                            ? AGENT_EVENT_VOLUMES_MADE
                                            : AGENT_EVENT_VOLUME_REMOVED};
    event.volumes.order = rig_last(rig, effect)->volumes.order;
    event.volumes.why = text_of(why);
    rig_step(rig, event);
}

static void made(struct rig *rig) {
    answer_last(rig, AGENT_EFFECT_MAKE_VOLUMES, NULL);
}

static void removed(struct rig *rig) {
    answer_last(rig, AGENT_EFFECT_REMOVE_VOLUME, NULL);
}

/* A rig with one volume, made. */
static struct rig *with_volume(const struct resources **out, struct made terms) {
    struct rig *rig = with_disk();
    reserve(rig, 64000);
    *out = volume(rig, terms);
    create(rig, *out);
    made(rig);
    return rig;
}

/* The last answer to an operation; NULL: none since the effects were forgotten. */
static const struct agent_message *last_answer(const struct rig *rig) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *effect = &rig->done.items[i - 1];
        if (effect->kind == AGENT_EFFECT_SEND_MASTER &&
            effect->master.kind == AGENT_MESSAGE_OPERATION)
            return &effect->master;
    }
    return NULL;
}

static bool is_last_told_total(const struct rig *rig) {
    const struct agent_effect *last = rig_last(rig, AGENT_EFFECT_SEND_MASTER);
    return last != NULL && last->master.kind == AGENT_MESSAGE_RESOURCES &&
           resources_equal(last->master.resources, agent_resources(rig->agent));
}

static void assert_applied(const struct rig *rig, uint64_t number) {
    const struct agent_message *answer = last_answer(rig);
    assert_non_null(answer);
    assert_text_equal(answer->operation.why, "");
    assert_true(answer->operation.is_applied);
    assert_int_equal(answer->operation.number, number);
}

static void assert_refused(const struct rig *rig, const char *why) {
    const struct agent_message *answer = last_answer(rig);
    assert_non_null(answer);
    assert_false(answer->operation.is_applied);
    assert_text_equal(answer->operation.why, why);
    assert_true(is_last_told_total(rig));
}

static bool has(const struct rig *rig, const struct resources *set) {
    return resources_contains(agent_resources(rig->agent), set);
}

static struct task_info *task_with(struct rig *rig, const char *id, const struct resources *set) {
    struct task_info *task = rig_task(rig, id);
    task->resources = both(rig, task->resources, set);
    return task;
}

static void assert_place(const struct volume_place *place, const char *root, const char *relative) {
    assert_text_equal(place->root, root);
    assert_text_equal(place->relative, relative);
}

/* --- reservations --- */

TEST(a_reservation_is_in_the_total_and_answered_once_it_is_stored) {
    AUTO(rig_free) struct rig *rig = with_disk();
    rig->stores_wait = true;

    reserve(rig, 300000);

    assert_true(has(rig, disk(rig, true, 300000)) && has(rig, disk(rig, false, 700000)));
    assert_null(last_answer(rig));
    rig_store_all(rig);
    assert_applied(rig, 1);
    assert_int_equal(rig_disk_count(rig, "resources"), 1);
}

TEST(an_unreserve_leaves_nothing_stored) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 300000);

    apply(rig, 2, OPERATION_UNRESERVE, disk(rig, true, 300000), disk(rig, false, 300000));

    assert_applied(rig, 2);
    assert_true(has(rig, disk(rig, false, 1000000)));
    assert_int_equal(rig_disk_count(rig, "resources"), 0);
}

TEST(what_the_agent_has_not_got_changes_nothing_and_is_answered_with_the_truth) {
    AUTO(rig_free) struct rig *rig = with_disk();

    reserve(rig, 1000001);

    assert_refused(rig, "the agent has not got disk:1000.001");
    assert_true(has(rig, disk(rig, false, 1000000)));
    assert_int_equal(rig_disk_count(rig, "resources"), 0);
}

TEST(what_a_task_uses_cannot_be_unreserved) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 300000);
    rig_run(rig, "f1", task_with(rig, "t1", disk(rig, true, 100000)));

    apply(rig, 2, OPERATION_UNRESERVE, disk(rig, true, 300000), disk(rig, false, 300000));

    assert_refused(rig, "disk(eng/db):300 is in use");
}

TEST(an_operation_that_makes_resources_out_of_nothing_is_refused) {
    AUTO(rig_free) struct rig *rig = with_disk();

    apply(rig, 1, OPERATION_RESERVE, disk(rig, false, 1000), disk(rig, true, 2000));

    assert_refused(rig, "what is consumed and what comes of it differ in amount");
}

TEST(an_operation_of_another_type_is_refused) {
    AUTO(rig_free) struct rig *rig = with_disk();

    apply(rig, 1, OPERATION_CREATE_DISK, disk(rig, false, 1000), disk(rig, true, 1000));

    assert_refused(rig, "this agent cannot apply CREATE_DISK");
}

TEST(a_task_behind_an_operation_on_the_connection_finds_what_it_made) {
    AUTO(rig_free) struct rig *rig = with_disk();
    rig->stores_wait = true;

    reserve(rig, 300000);
    rig_run(rig, "f1", task_with(rig, "t1", disk(rig, true, 300000)));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    rig_store_all(rig);

    assert_applied(rig, 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
}

/* --- volumes come --- */

TEST(a_volume_is_stored_then_made_then_answered) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    rig_forget_effects(rig);
    rig->stores_wait = true;

    create(rig, volume(rig, (struct made){.id = "v1"}));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    rig_store_all(rig);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 1);
    assert_null(last_answer(rig));
    made(rig);

    assert_applied(rig, 2);
    assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
}

TEST(volumes_of_path_and_mount_disks_are_kept_there) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct made path = {
        .id = "v1", .source = DISK_SOURCE_PATH, .root = "/mnt/path", .milli = 64000};
    struct made mount = {
        .id = "v2", .source = DISK_SOURCE_MOUNT, .root = "/mnt/whole", .milli = 500000};
    agent_free(rig->agent);
    struct resource disks[] = {{.kind = intern(rig, disk_of(&path)), .copies = 1, .milli = 100000},
                               {.kind = intern(rig, disk_of(&mount)), .copies = 1, .milli = 500000}};
    /* As flags would have them: reserved to the role statically. */
    for (size_t i = 0; i < 2; i++) {
        struct reservation fixed = {.type = RESERVATION_STATIC, .role = TEXT("eng/db")};
        struct kind_info info = *kinds_info(rig->kinds, disks[i].kind);
        info.reservations = &fixed;
        disks[i].kind = intern(rig, info);
        assert_true(resources_put(&rig->total, &disks[i]));
    }
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    for (size_t i = 0; i < 2; i++) {
        struct kind_info info = *kinds_info(rig->kinds, disks[i].kind);
        struct resource plain = disks[i], made_one = disks[i];
        plain.milli = made_one.milli = i == 0 ? 64000 : 500000;
        info.disk.persistence_id = i == 0 ? TEXT("v1") : TEXT("v2");
        made_one.kind = intern(rig, info);
        apply(rig, i + 1, OPERATION_CREATE, one(rig, plain), one(rig, made_one));
        made(rig);
        assert_applied(rig, i + 1);
        assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places,
                     i == 0 ? "/mnt/path" : "/mnt/whole",
                     i == 0 ? "volumes/roles/eng db/v1" : "");
    }
}

TEST(a_directory_that_cannot_be_made_undoes_the_operation) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    const struct resources *v1 = volume(rig, (struct made){.id = "v1"});
    create(rig, v1);

    answer_last(rig, AGENT_EFFECT_MAKE_VOLUMES, "make directory: No space left on device");

    assert_refused(rig, "make directory: No space left on device");
    assert_false(has(rig, v1));
    assert_true(has(rig, disk(rig, true, 64000)));
    rig_crash(rig, true);
    assert_false(has(rig, v1));
}

TEST(an_operation_is_undone_only_when_nobody_uses_what_came_of_it) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    const struct resources *v1 = volume(rig, (struct made){.id = "v1"});
    create(rig, v1);
    rig_run(rig, "f1", task_with(rig, "t1", v1));
    rig_forget_effects(rig);

    struct agent_event event = {.kind = AGENT_EVENT_VOLUMES_MADE};
    event.volumes.order = 1;
    event.volumes.why = TEXT("disk full");
    rig_step(rig, event);
    assert_null(last_answer(rig));
    MAP_EACH(entry, &rig->disk) {
        const struct agent_record *record = map_value(entry);
        if (record->kind == AGENT_RECORD_TASK)
            rig_outcome(rig, record->task.container, CONTAINER_OUTCOME_LAUNCH_FAILED, "missing");
    }

    assert_refused(rig, "disk full");
    assert_false(has(rig, v1));
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
}

TEST(the_truth_is_told_when_no_operation_before_it_waits_for_its_answer) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    create(rig, volume(rig, (struct made){.id = "v1"}));

    apply(rig, 3, OPERATION_RESERVE, disk(rig, false, 9000000), disk(rig, true, 9000000));
    assert_false(last_answer(rig)->operation.is_applied);
    assert_false(is_last_told_total(rig));
    made(rig);

    assert_applied(rig, 2);
    assert_true(is_last_told_total(rig));
}

TEST(a_volume_that_exists_cannot_be_made_again) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    apply(rig, 3, OPERATION_RESERVE, disk(rig, false, 64000), disk(rig, true, 64000));

    create(rig, volume(rig, (struct made){.id = "v1"}));
    assert_refused(rig, "volume 'v1' exists already");
    create(rig, volume(rig, (struct made){.id = "v1", .is_shared = true}));

    assert_refused(rig, "volume 'v1' exists already");
}

/* --- volumes go --- */

TEST(what_is_destroyed_is_removed_once_that_is_stored) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig->stores_wait = true;

    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    rig_store_all(rig);

    assert_applied(rig, 3);
    assert_place(rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    assert_int_equal(rig_disk_count(rig, "destroyed"), 1);
    removed(rig);
    rig_store_all(rig);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_volume_in_use_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig_run(rig, "f1", task_with(rig, "t1", v1));

    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_volume_of_a_removed_framework_is_in_use_until_its_container_is_gone) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig_run(rig, "f1", task_with(rig, "t1", v1));
    struct container_id container = rig_launched(rig);
    rig_started(rig, container);
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK,
                                            .shutdown_framework = {TEXT("f1")}});

    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));
    assert_refused(rig, "volume 'v1' is in use");
    rig_signalled(rig, container, 9);
    apply(rig, 4, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    assert_applied(rig, 4);
}

TEST(a_volume_in_use_by_an_executor_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    struct task_info *task = rig_task(rig, "t1");
    struct executor_info *executor = rig_executor(rig, "e1");
    executor->resources = both(rig, executor->resources, v1);
    task->command = (struct command_info){0};
    task->executor = *executor;
    rig_run(rig, "f1", task);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volume_count, 1);

    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}

TEST(no_operation_but_destroy_ends_a_volume) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});

    apply(rig, 3, OPERATION_UNRESERVE, v1, disk(rig, false, 64000));

    assert_refused(rig, "only CREATE and DESTROY make and end volumes");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(growing_and_shrinking_touch_nothing_on_the_disk) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    const struct resources *grown = volume(rig, (struct made){.id = "v1", .milli = 80000});
    apply(rig, 3, OPERATION_RESERVE, disk(rig, false, 16000), disk(rig, true, 16000));
    rig_forget_effects(rig);

    apply(rig, 4, OPERATION_GROW_VOLUME, both(rig, v1, disk(rig, true, 16000)), grown);
    assert_applied(rig, 4);
    assert_true(has(rig, grown) && !has(rig, v1));
    apply(rig, 5, OPERATION_SHRINK_VOLUME, grown, both(rig, v1, disk(rig, true, 16000)));

    assert_applied(rig, 5);
    assert_true(has(rig, v1));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_volume_cannot_be_cut_into_two_of_one_id) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    const struct resources *half = volume(rig, (struct made){.id = "v1", .milli = 32000});

    apply(rig, 3, OPERATION_SHRINK_VOLUME, v1, both(rig, half, half));

    assert_refused(rig, "volume 'v1' would be there twice");
}

TEST(the_same_id_can_be_made_anew_while_the_old_content_is_on_its_way_out) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig_forget_effects(rig);
    rig->stores_wait = true;
    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    create(rig, v1);
    rig_store_all(rig);

    const struct agent_effect *removal = rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME);
    assert_true(removal < rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES));
    made(rig);
    rig_store_all(rig);
    assert_applied(rig, 2);
}

TEST(where_an_old_volume_could_not_be_removed_no_new_one_is_made) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));
    answer_last(rig, AGENT_EFFECT_REMOVE_VOLUME, "Input/output error");
    assert_true(rig_has_note(rig, "volume_not_removed"));

    create(rig, v1);

    assert_refused(rig, "where volume 'v1' would be an older one is still there");
}

/* --- tasks --- */

TEST(a_task_is_launched_with_its_volume) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig = with_volume(&v1, (struct made){.id = "v1", .mount = "data/db:ro"});

    rig_run(rig, "f1", task_with(rig, "t1", v1));

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
        {"/data", "has an absolute container_path, which needs a container with its own file system"},
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
        struct rig *rig = with_volume(&v1, (struct made){.id = "v1", .mount = wrong[i].mount});
        char expected[200];

        rig_run(rig, "f1", task_with(rig, "t1", v1));

        const struct task_status *status = rig_last_update(rig, "t1");
        assert_int_equal(status->state, TASK_STATE_FAILED);
        snprintf(expected, sizeof(expected), "Cannot run it: volume 'v1' %s", wrong[i].why);
        assert_text_equal(status->message, expected);
        assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    }
}

TEST(two_volumes_cannot_be_mounted_one_in_the_other) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1", .mount = "a"});
    reserve(rig, 64000);
    const struct resources *v2 = volume(rig, (struct made){.id = "v2", .mount = "a/b"});
    create(rig, v2);

    rig_run(rig, "f1", task_with(rig, "t1", both(rig, v1, v2)));

    assert_text_equal(rig_last_update(rig, "t1")->message,
                      "Cannot run it: two volumes are to be mounted at 'a/b'");
}

TEST(a_volume_of_a_task_with_an_executor_is_refused) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    struct task_info *task = task_with(rig, "t1", v1);
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
    struct rig *rig = with_volume(&v1, (struct made){.id = "v1", .is_shared = true});

    rig_run(rig, "f1", task_with(rig, "t1", v1));
    assert_true(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volumes[0].is_given);
    rig_run(rig, "f1", task_with(rig, "t2", v1));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
    assert_false(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.volumes[0].is_given);
}

TEST(a_second_task_on_an_unshared_volume_has_not_got_it) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig_run(rig, "f1", task_with(rig, "t1", v1));

    rig_run(rig, "f1", task_with(rig, "t2", v1));

    assert_text_equal(rig_last_update(rig, "t2")->message,
                      "The agent has not got these resources");
}

TEST(a_shared_volume_in_use_is_not_destroyed) {
    const struct resources *v1;
    AUTO(rig_free)
    struct rig *rig = with_volume(&v1, (struct made){.id = "v1", .is_shared = true});
    rig_run(rig, "f1", task_with(rig, "t1", v1));
    struct container_id first = rig_launched(rig);
    rig_run(rig, "f1", task_with(rig, "t2", v1));
    rig_started(rig, first);
    rig_exited(rig, first, 0);

    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}

/* --- the agent goes and comes back --- */

TEST(what_operations_made_is_there_after_a_restart_and_told_at_the_registration) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    const struct agent_message *message = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(message->kind, AGENT_MESSAGE_REGISTER);
    assert_true(resources_contains(message->register_agent.info.resources, v1));
    assert_true(
        resources_contains(message->register_agent.info.resources, disk(rig, false, 936000)));
}

TEST(an_operation_that_was_not_stored_never_was) {
    AUTO(rig_free) struct rig *rig = with_disk();
    rig->stores_wait = true;
    reserve(rig, 64000);

    rig_crash(rig, true);

    assert_true(has(rig, disk(rig, false, 1000000)));
}

TEST(a_crash_between_the_store_and_the_directory_ends_with_the_directory) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    const struct resources *v1 = volume(rig, (struct made){.id = "v1"});
    create(rig, v1);

    rig_crash(rig, true);

    assert_place(rig_last(rig, AGENT_EFFECT_MAKE_VOLUMES)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    assert_true(has(rig, v1));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
}

TEST(a_crash_between_a_stored_destroy_and_the_removal_ends_with_the_removal) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 0);
    assert_place(rig_last(rig, AGENT_EFFECT_REMOVE_VOLUME)->volumes.places, "/work",
                 "volumes/roles/eng db/v1");
    removed(rig);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_restart_never_removes_what_was_made_again) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));
    create(rig, v1);

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES), 1);
    assert_int_equal(rig_disk_count(rig, "destroyed"), 0);
}

TEST(a_restart_removes_nothing_from_a_disk_that_is_not_the_agents_any_more) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    apply(rig, 3, OPERATION_DESTROY, v1, disk(rig, true, 64000));
    apply(rig, 4, OPERATION_UNRESERVE, disk(rig, true, 64000), disk(rig, false, 64000));
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_CPUS, 8000, NULL));

    rig_crash(rig, true);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME), 0);
    assert_true(rig_has_note(rig, "volume_left"));
}

TEST(a_restart_with_less_than_what_is_reserved_fails_and_names_it) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 300000);
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 299000, NULL));

    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_STOP)->reason,
                      "Incompatible agent resources: disk(eng/db):300 is stored and needs "
                      "disk:300, which --resources has not got");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 0);
    assert_int_equal(rig_disk_count(rig, "resources"), 1);
}

TEST(a_restart_with_more_resources_keeps_what_operations_made) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 500000, NULL));

    rig_crash(rig, true);

    assert_true(has(rig, v1) && has(rig, disk(rig, false, 1436000)));
}

TEST(a_static_reservation_below_a_dynamic_one_is_what_must_be_configured) {
    struct reservation stack[] = {{.type = RESERVATION_STATIC, .role = TEXT("eng")},
                                  {.type = RESERVATION_DYNAMIC, .role = TEXT("eng/db")}};
    struct kind_info info = {
        .name = TEXT("cpus"), .reservations = stack, .reservation_count = 1};
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct resources *fixed =
        one(rig, (struct resource){.kind = intern(rig, info), .milli = 2000});
    info.reservation_count = 2;
    const struct resources *refined =
        one(rig, (struct resource){.kind = intern(rig, info), .milli = 2000});
    agent_free(rig->agent);
    assert_true(resources_add(&rig->total, fixed));
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    apply(rig, 1, OPERATION_RESERVE, fixed, refined);
    assert_applied(rig, 1);

    rig_crash(rig, true);

    assert_true(has(rig, refined) && !has(rig, fixed));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
}

TEST(a_volume_that_cannot_be_made_after_a_restart_is_noted_and_kept) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});

    rig_crash(rig, true);
    answer_last(rig, AGENT_EFFECT_MAKE_VOLUMES, "open /work: Input/output error");

    assert_true(rig_has_note(rig, "volume_missing"));
    assert_true(has(rig, v1));
}

TEST(tasks_hold_their_volumes_over_a_restart) {
    const struct resources *v1;
    AUTO(rig_free) struct rig *rig = with_volume(&v1, (struct made){.id = "v1"});
    rig_run(rig, "f1", task_with(rig, "t1", v1));
    struct container_id container = rig_launched(rig);
    rig_started(rig, container);

    rig_crash(rig, true);
    rig_started(rig, container);
    rig_containers_done(rig);
    rig_connect(rig);
    apply(rig, 1, OPERATION_DESTROY, v1, disk(rig, true, 64000));

    assert_refused(rig, "volume 'v1' is in use");
}

TEST(an_answer_to_a_master_that_is_gone_is_not_given_to_the_next) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 64000);
    create(rig, volume(rig, (struct made){.id = "v1"}));
    rig_lose_master(rig);
    rig_connect(rig);
    rig_forget_effects(rig);

    struct agent_event event = {.kind = AGENT_EVENT_VOLUMES_MADE};
    event.volumes.order = 1;
    rig_step(rig, event);

    assert_null(last_answer(rig));
}

TEST(new_flags_that_do_not_fit_what_is_reserved_are_not_taken) {
    AUTO(rig_free) struct rig *rig = with_disk();
    reserve(rig, 300000);
    struct agent_event event = {.kind = AGENT_EVENT_RESOURCES};
    event.resources = rig_resources(rig, 1000, 1000000);

    rig_step(rig, event);

    assert_true(rig_has_note(rig, "resources_incompatible"));
    assert_true(has(rig, disk(rig, true, 300000)));
}

TEST(whatever_is_asked_of_it_the_total_stays_what_is_configured_and_volumes_have_one_place) {
    AUTO(rig_free) struct rig *rig = with_disk();
    struct rng rng = rng_for_test();
    static const enum operation_kind kinds[] = {OPERATION_RESERVE, OPERATION_UNRESERVE,
                                                OPERATION_CREATE, OPERATION_DESTROY};
    for (uint64_t i = 1; i <= 400; i++) {
        enum operation_kind kind = kinds[rng_below(&rng, 4)];
        const char *id = rng_below(&rng, 2) == 0 ? "v1" : "v2";
        const struct resources *plain = disk(rig, false, 64000), *held = disk(rig, true, 64000);
        const struct resources *v = volume(rig, (struct made){.id = id});
        bool is_volume = kind == OPERATION_CREATE || kind == OPERATION_DESTROY;
        bool grows = kind == OPERATION_RESERVE || kind == OPERATION_CREATE;
        const struct resources *low = is_volume ? held : plain, *high = is_volume ? v : held;
        rig_forget_effects(rig);
        apply(rig, i, kind, grows ? low : high, grows ? high : low);
        bool is_made = rig_count(rig, AGENT_EFFECT_MAKE_VOLUMES) > 0;
        if (is_made)
            answer_last(rig, AGENT_EFFECT_MAKE_VOLUMES, rng_below(&rng, 4) == 0 ? "full" : NULL);
        if (rig_count(rig, AGENT_EFFECT_REMOVE_VOLUME) > 0 && rng_below(&rng, 2) == 0)
            removed(rig);
        assert_non_null(last_answer(rig));
        if (rng_below(&rng, 20) == 0) {
            rig_crash(rig, true);
            rig_containers_done(rig);
            rig_connect(rig);
        }
        assert_int_equal(resources_quantity_milli(agent_resources(rig->agent), rig->kinds,
                                                  NAME_DISK),
                         1000000);
        const struct resource *found = resources_find(agent_resources(rig->agent),
                                                      v->entries[0].kind);
        assert_true(found == NULL || found->copies == 1);
    }
}
