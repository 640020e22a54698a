/*
 * Operations: what a master makes of the agent's resources. One counts at once, so that tasks
 * behind it find what they ask for; it is stored, then done on the disk, then answered. A directory
 * that cannot be made undoes its operation as soon as nobody uses what came of it.
 *
 * Data goes with a DESTROY alone, and only once that is stored: together with the new total it
 * stores what is to be removed, and after a crash exactly that is removed, no other directory, and
 * never one that a volume has.
 */
#include "agent/core/parts.h"

#include "common/model/resources_text.h"

static const struct resources nothing;

#define KEY_RESOURCES TEXT("resources")
#define KEY_DESTROYED TEXT("destroyed")

/* --- volumes of a set, with their places --- */

struct volume {
    struct resource entry;
    struct volume_place place;
    struct text path;
};

struct volumes {
    struct volume *items;
    size_t count;
};

static bool list_volumes(const struct agent *agent, const struct resources *set,
                         struct volumes *out, struct error *error) {
    struct arena *arena = agent->outbox->arena;
    out->items = ARENA_ARRAY(arena, struct volume, set->count);
    out->count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        struct volume *volume = &out->items[out->count];
        if (!kind_is(set->entries[i].kind, KIND_IS_PERSISTENT))
            continue;
        volume->entry = set->entries[i];
        if (!volume_place_of(agent, arena, volume->entry.kind, &volume->place, error))
            return false;
        volume->path = volume_path(arena, &volume->place);
        out->count++;
    }
    return true;
}

static bool is_among(const struct volume *volume, const struct volumes *others) {
    for (size_t i = 0; i < others->count; i++) {
        if (text_equal(others->items[i].path, volume->path))
            return true;
    }
    return false;
}

/* Leaves those whose place no volume of `others` has. */
static void drop_common(struct volumes *volumes, const struct volumes *others) {
    size_t kept = 0;
    for (size_t i = 0; i < volumes->count; i++) {
        if (!is_among(&volumes->items[i], others))
            volumes->items[kept++] = volumes->items[i];
    }
    volumes->count = kept;
}

static struct text name_of(const struct agent *agent, const struct volume *volume) {
    return kinds_info(agent->kinds, volume->entry.kind)->disk.persistence_id;
}

/* --- what is stored --- */

static void drop_set(void *set) {
    resources_fini(set);
}

static void store_set(struct agent *agent, struct text key, struct resources set) {
    struct resources *kept = ARENA_NEW(agent->outbox->arena, struct resources);
    *kept = set;
    arena_defer(agent->outbox->arena, drop_set, kept);
    if (kept->count == 0)
        return store_remove(agent, key);
    struct agent_record record = {.kind = AGENT_RECORD_RESOURCES, .resources = kept};
    store_put(agent, key, &record);
}

static void store_total(struct agent *agent) {
    store_set(agent, KEY_RESOURCES, total_converted(agent->kinds, &agent->total));
    agent->total_ticket = store_ticket(agent);
}

static void store_removals(struct agent *agent) {
    struct resources set = {0};
    LIST_EACH(at, &agent->removals) {
        const struct removal *removal = CONTAINER_OF(at, struct removal, link);
        if (!resources_put(&set, &removal->volume))
            mem_crash("more volumes than can be counted");
    }
    store_set(agent, KEY_DESTROYED, set);
}

/* --- answers --- */

static void answer(struct agent *agent, uint64_t number, bool is_applied, struct text why) {
    if (number == 0 || !registration_is_done(agent))
        return;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->after = store_after(agent, agent->total_ticket);
    effect->master.kind = AGENT_MESSAGE_OPERATION;
    effect->master.operation.number = number;
    effect->master.operation.is_applied = is_applied;
    effect->master.operation.why = arena_text(agent->outbox->arena, why);
}

static void refuse(struct agent *agent, uint64_t number, const char *why) {
    effect_note(agent, AGENT_NOTE_WARNING, "operation_refused", "number=%llu why=\"%s\"",
                (unsigned long long)number, why);
    answer(agent, number, false, text_of(why));
    agent->owes_total = true;
}

static void tell_total(struct agent *agent) {
    agent->owes_total = false;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->after = store_after(agent, agent->total_ticket);
    effect->master.kind = AGENT_MESSAGE_RESOURCES;
    effect->master.resources = &agent->total;
}

/* --- removals --- */

static void removal_free(struct agent *agent, struct removal *removal) {
    list_remove(&removal->link);
    agent->removal_count--;
    mem_free(removal->path);
    mem_free(removal);
}

static void ask_removal(struct agent *agent, struct removal *removal,
                        const struct volume_place *place) {
    struct volume_place *kept = ARENA_NEW(agent->outbox->arena, struct volume_place);
    *kept = *place;
    removal->has_failed = false;
    removal->order = ++agent->last_order;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_REMOVE_VOLUME);
    effect->after = store_after(agent, agent->total_ticket);
    effect->volumes.order = removal->order;
    effect->volumes.places = kept;
    effect->volumes.count = 1;
}

static struct removal *removal_find(const struct agent *agent, struct text path) {
    LIST_EACH(at, &agent->removals) {
        struct removal *removal = CONTAINER_OF(at, struct removal, link);
        if (text_equal(text_of(removal->path), path))
            return removal;
    }
    return NULL;
}

static void remove_volume(struct agent *agent, const struct volume *volume) {
    struct removal *removal = removal_find(agent, volume->path);
    if (removal == NULL) {
        removal = NEW(struct removal);
        removal->path = text_dup(volume->path);
        list_append(&agent->removals, &removal->link);
        agent->removal_count++;
    }
    removal->volume = volume->entry;
    removal->is_slow = volume->place.relative.size == 0;
    ask_removal(agent, removal, &volume->place);
}

void operation_volume_removed(struct agent *agent, const struct agent_event *event) {
    LIST_EACH(at, &agent->removals) {
        struct removal *removal = CONTAINER_OF(at, struct removal, link);
        if (removal->order != event->volumes.order)
            continue;
        if (event->volumes.why.size == 0) {
            removal_free(agent, removal);
            return store_removals(agent);
        }
        removal->has_failed = true;
        effect_note(agent, AGENT_NOTE_ERROR, "volume_not_removed", "path=\"%s\" why=\"%.*s\"",
                    removal->path, TEXT_ARGS(text_cut(event->volumes.why, 300)));
        return;
    }
}

/* --- checking --- */

/* What an operation makes of the agent. */
struct plan {
    struct resources total;
    struct volumes come, go;
};

static void plan_fini(struct plan *plan) {
    resources_fini(&plan->total);
}
DEFINE_AUTO_FINI(struct plan, plan_fini)

static bool check_kind(enum operation_kind kind, struct error *error) {
    switch (kind) {
    case OPERATION_RESERVE:
    case OPERATION_UNRESERVE:
    case OPERATION_CREATE:
    case OPERATION_DESTROY:
    case OPERATION_GROW_VOLUME:
    case OPERATION_SHRINK_VOLUME: return true;
    case OPERATION_UNKNOWN:
    case OPERATION_LAUNCH:
    case OPERATION_LAUNCH_GROUP:
    case OPERATION_CREATE_DISK:
    case OPERATION_DESTROY_DISK: break;
    }
    return fail(error, ERROR_UNSUPPORTED, "this agent cannot apply %s", operation_kind_name(kind));
}

static bool check_free(const struct agent *agent, const struct resources *from,
                       struct error *error) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    if (!resources_contains(&agent->total, from)) {
        resources_print(from, agent->kinds, &shown);
        return fail(error, ERROR_NOT_FOUND, "the agent has not got %s", buf_string(&shown));
    }
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t kind = from->entries[i].kind;
        if (kind_is(kind, KIND_IS_PERSISTENT) && volume_is_used(agent, kind, NULL))
            return fail(error, ERROR_EXISTS, "volume '%.*s' is in use",
                        TEXT_ARGS(kinds_info(agent->kinds, kind)->disk.persistence_id));
    }
    if (total_has_free(agent, from))
        return true;
    resources_print(from, agent->kinds, &shown);
    return fail(error, ERROR_EXISTS, "%s is in use", buf_string(&shown));
}

/* No operation makes resources out of nothing or loses any. */
static bool check_conserved(const struct agent *agent, const struct resources *from,
                            const struct resources *to, struct error *error) {
    AUTO_FINI(resources_fini) struct resources before = {0};
    AUTO_FINI(resources_fini) struct resources after = {0};
    if (!total_strip(agent->kinds, from, &before, error) ||
        !total_strip(agent->kinds, to, &after, error))
        return false;
    return resources_equal(&before, &after) ||
           fail(error, ERROR_INVALID, "what is consumed and what comes of it differ in amount");
}

static bool check_is_single(const struct agent *agent, const struct volumes *volumes,
                            struct error *error) {
    for (size_t i = 0; i < volumes->count; i++) {
        struct volumes earlier = {volumes->items, i};
        if (volumes->items[i].entry.copies > 1 || is_among(&volumes->items[i], &earlier))
            return fail(error, ERROR_EXISTS, "volume '%.*s' would be there twice",
                        TEXT_ARGS(name_of(agent, &volumes->items[i])));
    }
    return true;
}

static bool check_place_is_free(const struct agent *agent, const struct volumes *there,
                                const struct volume *volume, struct error *error) {
    struct text name = name_of(agent, volume);
    if (is_among(volume, there))
        return fail(error, ERROR_EXISTS, "volume '%.*s' exists already", TEXT_ARGS(name));
    const struct removal *removal = removal_find(agent, volume->path);
    if (removal != NULL && (removal->is_slow || removal->has_failed))
        return fail(error, ERROR_EXISTS, "where volume '%.*s' would be an older one is still %s",
                    TEXT_ARGS(name), removal->has_failed ? "there" : "being removed");
    return true;
}

/* Volumes come with CREATE and go with DESTROY and with nothing else. */
static bool plan_volumes(const struct agent *agent, enum operation_kind kind,
                         const struct resources *from, const struct resources *to,
                         struct plan *plan, struct error *error) {
    struct volumes there, after;
    if (!list_volumes(agent, from, &plan->go, error) ||
        !list_volumes(agent, to, &plan->come, error) ||
        !list_volumes(agent, &agent->total, &there, error) ||
        !check_is_single(agent, &plan->come, error))
        return false;
    after = plan->come;
    after.items = ARENA_ARRAY(agent->outbox->arena, struct volume, after.count);
    memcpy(after.items, plan->come.items, after.count * sizeof(*after.items));
    drop_common(&plan->come, &plan->go);
    drop_common(&plan->go, &after);
    if ((plan->come.count > 0 && kind != OPERATION_CREATE) ||
        (plan->go.count > 0 && kind != OPERATION_DESTROY))
        return fail(error, ERROR_INVALID, "only CREATE and DESTROY make and end volumes");
    for (size_t i = 0; i < plan->come.count; i++) {
        if (!check_place_is_free(agent, &there, &plan->come.items[i], error))
            return false;
    }
    return true;
}

static bool check_limits(const struct agent *agent, const struct plan *plan, struct error *error) {
    if (total_size(&plan->total) > RESOURCES_LIMIT)
        return fail(error, ERROR_LIMIT, "the agent would have more than %d resources",
                    RESOURCES_LIMIT);
    if (agent->operation_count >= AGENT_OPERATIONS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d operations wait for the disk",
                    AGENT_OPERATIONS_LIMIT);
    if (agent->removal_count + plan->go.count > AGENT_DESTROYED_VOLUMES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d volumes wait for their removal",
                    AGENT_DESTROYED_VOLUMES_LIMIT);
    return true;
}

static bool make_plan(const struct agent *agent, enum operation_kind kind,
                      const struct resources *from, const struct resources *to, struct plan *plan,
                      struct error *error) {
    if (!check_kind(kind, error) || !check_free(agent, from, error) ||
        !check_conserved(agent, from, to, error) ||
        !plan_volumes(agent, kind, from, to, plan, error))
        return false;
    plan->total = resources_copy(&agent->total);
    resources_subtract_common(&plan->total, from);
    if (!resources_add(&plan->total, to))
        return fail(error, ERROR_LIMIT, "the sum of a resource is too large");
    return check_limits(agent, plan, error);
}

/* --- applying --- */

static void make_volumes(struct agent *agent, uint64_t order, const struct volumes *volumes) {
    struct volume_place *places =
        ARENA_ARRAY(agent->outbox->arena, struct volume_place, volumes->count);
    for (size_t i = 0; i < volumes->count; i++)
        places[i] = volumes->items[i].place;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_MAKE_VOLUMES);
    effect->after = store_after(agent, agent->total_ticket);
    effect->volumes.order = order;
    effect->volumes.places = places;
    effect->volumes.count = volumes->count;
}

static void operation_free(struct agent *agent, struct operation *operation) {
    list_remove(&operation->link);
    agent->operation_count--;
    resources_fini(&operation->from);
    resources_fini(&operation->to);
    mem_free(operation->why);
    mem_free(operation);
}

static void wait_for_volumes(struct agent *agent, uint64_t number, const struct resources *from,
                             const struct resources *to, const struct volumes *volumes) {
    struct operation *operation = NEW(struct operation);
    operation->number = number;
    operation->order = ++agent->last_order;
    operation->from = resources_copy(from);
    operation->to = resources_copy(to);
    list_append(&agent->operations, &operation->link);
    agent->operation_count++;
    make_volumes(agent, operation->order, volumes);
}

static void note_applied(struct agent *agent, const struct master_message *message) {
    AUTO_FINI(buf_fini) struct buf from = {0}, to = {0};
    resources_print(message->apply.from, agent->kinds, &from);
    resources_print(message->apply.to, agent->kinds, &to);
    effect_note(agent, AGENT_NOTE_INFO, "operation_applied", "number=%llu kind=%s from=%s to=%s",
                (unsigned long long)message->apply.number, operation_kind_name(message->apply.kind),
                buf_string(&from), buf_string(&to));
}

void operation_apply(struct agent *agent, const struct master_message *message) {
    const struct resources *from = message->apply.from, *to = message->apply.to;
    uint64_t number = message->apply.number;
    AUTO_FINI(plan_fini) struct plan plan = {0};
    struct error why;
    if (!make_plan(agent, message->apply.kind, from, to, &plan, &why))
        return refuse(agent, number, why.message);
    resources_fini(&agent->total);
    agent->total = resources_take(&plan.total);
    note_applied(agent, message);
    store_total(agent);
    for (size_t i = 0; i < plan.go.count; i++)
        remove_volume(agent, &plan.go.items[i]);
    if (plan.go.count > 0)
        store_removals(agent);
    if (plan.come.count > 0)
        wait_for_volumes(agent, number, from, to, &plan.come);
    else
        answer(agent, number, true, (struct text){0});
}

void operation_volumes_made(struct agent *agent, const struct agent_event *event) {
    struct text why = text_cut(event->volumes.why, 400);
    LIST_EACH(at, &agent->operations) {
        struct operation *operation = CONTAINER_OF(at, struct operation, link);
        if (operation->order != event->volumes.order || operation->why != NULL)
            continue;
        if (why.size > 0) {
            operation->why = text_dup(why);
            return;
        }
        answer(agent, operation->number, true, why);
        return operation_free(agent, operation);
    }
    if (why.size > 0) /* of the recovery: tasks that want it will fail and say so */
        effect_note(agent, AGENT_NOTE_ERROR, "volume_missing", "why=\"%.*s\"", TEXT_ARGS(why));
}

/* False: somebody still uses what came of it, and will soon find that it is not there. */
static bool undo(struct agent *agent, const struct operation *operation) {
    if (!resources_contains(&agent->total, &operation->to))
        return true; /* another operation has ended it meanwhile */
    struct error why;
    if (!check_free(agent, &operation->to, &why))
        return false;
    resources_subtract_common(&agent->total, &operation->to);
    if (!resources_add(&agent->total, &operation->from))
        mem_crash("resources that were there do not fit any more");
    store_total(agent);
    return true;
}

void operations_settle(struct agent *agent) {
    LIST_EACH(at, &agent->operations) {
        struct operation *operation = CONTAINER_OF(at, struct operation, link);
        if (operation->why == NULL || !undo(agent, operation))
            continue;
        refuse(agent, operation->number, operation->why);
        operation_free(agent, operation);
    }
    if (agent->owes_total && agent->operation_count == 0 && registration_is_done(agent))
        tell_total(agent);
}

bool operations_are_done(const struct agent *agent) {
    LIST_EACH(at, &agent->operations) {
        if (CONTAINER_OF(at, struct operation, link)->why == NULL)
            return false;
    }
    return store_after(agent, agent->total_ticket) == 0;
}

void operations_forget_master(struct agent *agent) {
    LIST_EACH(at, &agent->operations)
        CONTAINER_OF(at, struct operation, link)->number = 0;
}

void operations_fini(struct agent *agent) {
    LIST_EACH(at, &agent->operations)
        operation_free(agent, CONTAINER_OF(at, struct operation, link));
    LIST_EACH(at, &agent->removals)
        removal_free(agent, CONTAINER_OF(at, struct removal, link));
}

/* --- after a restart --- */

/* A crash may have come between the store and the directory. */
static void make_stored(struct agent *agent, const struct volumes *stored) {
    for (size_t i = 0; i < stored->count; i++) {
        struct volumes one = {&stored->items[i], 1};
        make_volumes(agent, 0, &one);
    }
}

/* Whether its disk is still one of this agent's: nobody else's is touched. */
static bool is_ours(const struct agent *agent, const struct volume *volume) {
    AUTO_FINI(resources_fini) struct resources plain = {0};
    struct resource entry = volume->entry;
    struct resources one = {.entries = &entry, .count = 1};
    if (!total_strip(agent->kinds, &one, &plain, NULL))
        return false;
    for (uint32_t i = 0; i < agent->configured.count; i++) {
        if (agent->configured.entries[i].kind == plain.entries[0].kind)
            return true;
    }
    return false;
}

static void remove_destroyed(struct agent *agent, const struct resources *destroyed,
                             const struct volumes *stored) {
    struct volumes volumes;
    if (!list_volumes(agent, destroyed, &volumes, NULL))
        return;
    for (size_t i = 0; i < volumes.count; i++) {
        bool is_free = !is_among(&volumes.items[i], stored);
        if (is_free && is_ours(agent, &volumes.items[i]))
            remove_volume(agent, &volumes.items[i]);
        else
            effect_note(agent, AGENT_NOTE_WARNING, "volume_left", "path=\"%.*s\" why=\"%s\"",
                        TEXT_ARGS(volumes.items[i].path),
                        is_free ? "its disk is not configured" : "it was made again");
    }
    if (agent->removal_count < volumes.count)
        store_removals(agent);
}

bool operations_restore(struct agent *agent, const struct agent_event *event, struct error *error) {
    const struct resources *converted = &nothing, *destroyed = &nothing;
    struct resources total = {0};
    struct volumes stored;
    for (size_t i = 0; i < event->recovered.count; i++) {
        if (event->recovered.records[i].kind != AGENT_RECORD_RESOURCES)
            continue;
        if (text_equal(event->recovered.keys[i], KEY_RESOURCES))
            converted = event->recovered.records[i].resources;
        else if (text_equal(event->recovered.keys[i], KEY_DESTROYED))
            destroyed = event->recovered.records[i].resources;
    }
    AUTO_FINI(resources_fini) struct resources fitting = {0};
    if (agent->options.force_resources) {
        fitting = shrink_converted(agent, converted);
        if (!resources_equal(&fitting, converted))
            store_set(agent, KEY_RESOURCES, resources_copy(&fitting));
        converted = &fitting;
    }
    if (!total_convert(agent->kinds, &agent->configured, converted, &total, error))
        return false;
    resources_fini(&agent->total);
    agent->total = total;
    if (!list_volumes(agent, &agent->total, &stored, error))
        return false;
    make_stored(agent, &stored);
    remove_destroyed(agent, destroyed, &stored);
    return true;
}
