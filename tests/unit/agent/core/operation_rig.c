#include "tests/unit/agent/core/operation_rig.h"

static const struct reservation db = {.type = RESERVATION_DYNAMIC, .role = TEXT("eng/db")};

static struct resources *owned(struct rig *rig) {
    struct resources *set = NEW(struct resources);
    VEC_PUSH(&rig->owned, set);
    return set;
}

uint32_t rig_intern(struct rig *rig, struct kind_info info) {
    struct error error = {0};
    uint32_t kind = 0;
    if (!kinds_intern(rig->kinds, &info, &kind, &error))
        fail_msg("%s", error.message);
    return kind;
}

const struct resources *rig_one(struct rig *rig, struct resource resource) {
    struct resources *set = owned(rig);
    resource.copies = 1;
    assert_true(resources_put(set, &resource));
    return set;
}

const struct resources *rig_disk(struct rig *rig, bool is_reserved, int64_t milli) {
    struct kind_info info = {.name = TEXT("disk"), .reservations = &db};
    info.reservation_count = is_reserved ? 1 : 0;
    return rig_one(rig, (struct resource){.kind = rig_intern(rig, info), .milli = milli});
}

struct kind_info rig_disk_of(const struct rig_volume_terms *made) {
    struct kind_info info = {.name = TEXT("disk"), .reservations = &db, .reservation_count = 1};
    if (made->source == DISK_SOURCE_UNKNOWN)
        return info;
    info.has_disk = info.disk.has_source = info.disk.source.has_place = true;
    info.disk.source.type = made->source;
    info.disk.source.root = text_of(made->root);
    return info;
}

const struct resources *rig_volume(struct rig *rig, struct rig_volume_terms made) {
    struct kind_info info = rig_disk_of(&made);
    struct resource resource = {.milli = made.milli > 0 ? made.milli : 64000};
    info.has_disk = true;
    info.disk.persistence_id = text_of(made.id);
    info.is_shared = made.is_shared;
    resource.kind = rig_intern(rig, info);
    assert_true(kinds_intern_text(rig->kinds, text_of(made.mount != NULL ? made.mount : "data"),
                                  &resource.carry, NULL));
    return rig_one(rig, resource);
}

const struct resources *rig_both(struct rig *rig, const struct resources *a,
                                 const struct resources *b) {
    struct resources *set = owned(rig);
    assert_true(resources_add(set, a) && resources_add(set, b));
    return set;
}

void rig_apply(struct rig *rig, uint64_t number, enum operation_kind kind,
               const struct resources *from, const struct resources *to) {
    struct master_message message = {.kind = MASTER_MESSAGE_APPLY};
    message.apply.number = number;
    message.apply.kind = kind;
    message.apply.from = from;
    message.apply.to = to;
    rig_master(rig, message);
}

/* An agent with 1000 MB of disk, all its 8 cpus and so on, registered. */
struct rig *rig_with_disk(void) {
    struct rig *rig = rig_new();
    agent_free(rig->agent);
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 1000000, NULL));
    rig->agent = agent_new(&rig->options, rig->kinds);
    rig_register(rig);
    return rig;
}

void rig_reserve(struct rig *rig, int64_t milli) {
    rig_apply(rig, 1, OPERATION_RESERVE, rig_disk(rig, false, milli), rig_disk(rig, true, milli));
}

void rig_create(struct rig *rig, const struct resources *made) {
    rig_apply(rig, 2, OPERATION_CREATE, rig_disk(rig, true, made->entries[0].milli), made);
}

void rig_answer_volumes(struct rig *rig, enum agent_effect_kind effect, const char *why) {
    struct agent_event event = {.kind = effect == AGENT_EFFECT_MAKE_VOLUMES
                                            ? AGENT_EVENT_VOLUMES_MADE
                                            : AGENT_EVENT_VOLUME_REMOVED};
    event.volumes.order = rig_last(rig, effect)->volumes.order;
    event.volumes.why = text_of(why);
    rig_step(rig, event);
}

void rig_made(struct rig *rig) {
    rig_answer_volumes(rig, AGENT_EFFECT_MAKE_VOLUMES, NULL);
}

void rig_removed(struct rig *rig) {
    rig_answer_volumes(rig, AGENT_EFFECT_REMOVE_VOLUME, NULL);
}

/* A rig with one volume, made. */
struct rig *rig_with_volume(const struct resources **out, struct rig_volume_terms terms) {
    struct rig *rig = rig_with_disk();
    rig_reserve(rig, 64000);
    *out = rig_volume(rig, terms);
    rig_create(rig, *out);
    rig_made(rig);
    return rig;
}

/* The last answer to an operation; NULL: none since the effects were forgotten. */
const struct agent_message *rig_last_answer(const struct rig *rig) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *effect = &rig->done.items[i - 1];
        if (effect->kind == AGENT_EFFECT_SEND_MASTER &&
            effect->master.kind == AGENT_MESSAGE_OPERATION)
            return &effect->master;
    }
    return NULL;
}

bool rig_told_total_last(const struct rig *rig) {
    const struct agent_effect *last = rig_last(rig, AGENT_EFFECT_SEND_MASTER);
    return last != NULL && last->master.kind == AGENT_MESSAGE_RESOURCES &&
           resources_equal(last->master.resources, agent_resources(rig->agent));
}

void assert_applied(const struct rig *rig, uint64_t number) {
    const struct agent_message *answer = rig_last_answer(rig);
    assert_non_null(answer);
    assert_text_equal(answer->operation.why, "");
    assert_true(answer->operation.is_applied);
    assert_int_equal(answer->operation.number, number);
}

void assert_refused(const struct rig *rig, const char *why) {
    const struct agent_message *answer = rig_last_answer(rig);
    assert_non_null(answer);
    assert_false(answer->operation.is_applied);
    assert_text_equal(answer->operation.why, why);
    assert_true(rig_told_total_last(rig));
}

bool rig_has(const struct rig *rig, const struct resources *set) {
    return resources_contains(agent_resources(rig->agent), set);
}

struct task_info *rig_task_with(struct rig *rig, const char *id, const struct resources *set) {
    struct task_info *task = rig_task(rig, id);
    task->resources = rig_both(rig, task->resources, set);
    return task;
}

void assert_place(const struct volume_place *place, const char *root, const char *relative) {
    assert_text_equal(place->root, root);
    assert_text_equal(place->relative, relative);
}
