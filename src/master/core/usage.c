/*
 * Nearly nobody has shared volumes, so whoever has none pays a look at the flags of the kinds.
 */
#include "master/core/usage.h"

#include "master/core/supply.h"

static void must(bool held) {
    assert(held);
    (void)held;
}

static bool has_shared(const struct resources *set) {
    for (uint32_t i = 0; i < set->count; i++)
        if (kind_is(set->entries[i].kind, KIND_IS_SHARED))
            return true;
    return false;
}

/* NULL: nobody uses it. */
static struct shared_use *find(const struct agent *agent, const struct resource *one) {
    VEC_EACH(use, &agent->shared)
        if (use->volume.kind == one->kind && use->volume.milli == one->milli)
            return use;
    return NULL;
}

static struct resources pick_uncounted(const struct agent *agent, const struct resources *set) {
    struct resources picked = {0};
    for (uint32_t i = 0; i < set->count; i++) {
        struct resource one = set->entries[i];
        if (kind_is(one.kind, KIND_IS_SHARED) && find(agent, &one) != NULL)
            continue;
        if (kind_is(one.kind, KIND_IS_SHARED))
            one.copies = 1;
        must(resources_put(&picked, &one));
    }
    return picked;
}

const struct resources *usage_uncounted(const struct user *user, struct resources *scratch) {
    if (!has_shared(user->resources))
        return user->resources;
    *scratch = pick_uncounted(user->agent, user->resources);
    return scratch;
}

bool usage_adopt(struct master *master, const struct user *user) {
    AUTO_FINI(resources_fini) struct resources scratch = {0};
    return supply_adopt(master, user->framework, user->role, user->agent,
                        usage_uncounted(user, &scratch));
}

static void join(const struct user *user, const struct resource *one) {
    struct shared_use *use = find(user->agent, one);
    if (use != NULL) {
        use->users += one->copies;
        return;
    }
    struct resource volume = *one;
    volume.copies = 1;
    VEC_PUSH(&user->agent->shared, (struct shared_use){.volume = volume,
                                                       .framework = user->framework->number,
                                                       .role = user->role,
                                                       .users = one->copies});
}

void usage_begin(const struct user *user) {
    AUTO_FINI(resources_fini) struct resources scratch = {0};
    must(resources_add(&user->agent->used, usage_uncounted(user, &scratch)));
    sum_add(&user->framework->used, user->resources);
    for (uint32_t i = 0; i < user->resources->count; i++)
        if (kind_is(user->resources->entries[i].kind, KIND_IS_SHARED))
            join(user, &user->resources->entries[i]);
}

/* The last user gives it back in the name of the first. */
static void leave(struct master *master, struct agent *agent, const struct resource *one) {
    struct shared_use *use = find(agent, one);
    assert(use != NULL && use->users >= one->copies);
    use->users -= one->copies;
    if (use->users > 0)
        return;
    struct resources single = {&use->volume, 1, 0};
    must(resources_subtract(&agent->used, &single));
    supply_recover_of(master, use->framework, use->role, agent, &single);
    VEC_REMOVE(&agent->shared, (size_t)(use - agent->shared.items));
}

static void end_own(struct master *master, const struct user *user, const struct resources *own) {
    must(resources_subtract(&user->agent->used, own));
    supply_recover(master, user->framework, user->role, user->agent, own);
}

void usage_end(struct master *master, const struct user *user) {
    sum_subtract(&user->framework->used, user->resources);
    if (!has_shared(user->resources)) {
        end_own(master, user, user->resources);
        return;
    }
    AUTO_FINI(resources_fini) struct resources own = resources_copy(user->resources);
    resources_drop(&own, KIND_IS_SHARED);
    end_own(master, user, &own);
    for (uint32_t i = 0; i < user->resources->count; i++)
        if (kind_is(user->resources->entries[i].kind, KIND_IS_SHARED))
            leave(master, user->agent, &user->resources->entries[i]);
}

struct resources usage_shareable(const struct master *master, const struct framework *framework,
                                 const struct agent *agent, uint32_t role) {
    struct resources shareable = {0};
    if (agent->shared.count == 0 || !framework_can(&framework->info, FRAMEWORK_SHARED_RESOURCES))
        return shareable;
    VEC_EACH(use, &agent->shared)
        if (kinds_is_allocatable_to(master->kinds, use->volume.kind, role))
            must(resources_put(&shareable, &use->volume));
    return shareable;
}

bool usage_check(const struct agent *agent, struct resources *sum, struct error *why) {
    size_t shared = 0;
    for (uint32_t i = 0; i < sum->count; i++) {
        struct resource *one = &sum->entries[i];
        if (!kind_is(one->kind, KIND_IS_SHARED))
            continue;
        const struct shared_use *use = find(agent, one);
        if (use == NULL || use->users != one->copies)
            return fail(why, ERROR_INVALID, "a shared volume has %u users, %u are counted",
                        (unsigned)one->copies, use != NULL ? (unsigned)use->users : 0);
        one->copies = 1;
        shared++;
    }
    return shared == agent->shared.count ||
           fail(why, ERROR_INVALID, "shared volumes are counted that nobody uses");
}
