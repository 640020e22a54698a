/*
 * A handful of requests: looked through, not indexed.
 */
#include "lib/core/demand.h"

#include "common/model/value_fixed.h"

void declared_demand_fini(struct demand *demand) {
    VEC_EACH(request, &demand->requests)
        mesos_message_free(&(*request)->base);
    VEC_FINI(&demand->requests);
}

/* NULL: it names none, and the framework has several. */
static const char *role_or_only(const struct framework_wish *wish, const char *role) {
    if (role != NULL && role[0] != '\0')
        return role;
    if (wish->info->n_roles > 1)
        return NULL;
    if (wish->info->n_roles == 1)
        return wish->info->roles[0];
    return wish->info->role != NULL ? wish->info->role : "*";
}

static bool is_of(const Mesos__V1__Request *request, const struct framework_wish *wish,
                  const char *role) {
    const char *own = role_or_only(wish, request->role);
    return own != NULL && role != NULL && strcmp(own, role) == 0;
}

static bool is_ours(const Mesos__V1__Request *request) {
    return request->role != NULL || request->name != NULL || request->has_count ||
           request->has_constraints;
}

static void forget(struct demand *demand, size_t index) {
    mesos_message_free(&demand->requests.items[index]->base);
    VEC_REMOVE(&demand->requests, index);
}

void demand_replace(struct demand *demand, const struct framework_wish *wish,
                    Mesos__V1__Request *const *requests, size_t count) {
    size_t old_count = demand->requests.count;
    for (size_t i = 0; i < count; i++)
        if (is_ours(requests[i]) && role_or_only(wish, requests[i]->role) != NULL &&
            demand->requests.count - old_count < DEMAND_REQUESTS_LIMIT)
            VEC_PUSH(&demand->requests, MESOS_COPY(requests[i]));
    /* The old ones are in front. */
    for (size_t i = old_count; i-- > 0;) {
        const char *role = role_or_only(wish, demand->requests.items[i]->role);
        bool is_named = count == 0 || role == NULL;
        for (size_t k = old_count; !is_named && k < demand->requests.count; k++)
            is_named = is_of(demand->requests.items[k], wish, role);
        if (!is_named)
            continue;
        forget(demand, i);
        old_count--;
    }
    while (demand->requests.count > DEMAND_REQUESTS_LIMIT)
        forget(demand, 0);
}

bool demand_counts(const struct demand *demand) {
    VEC_EACH(request, &demand->requests)
        if ((*request)->has_count && (*request)->count > 0)
            return true;
    return false;
}

/* --- shapes --- */

static int64_t amount_of(const Mesos__V1__Resource *resource) {
    int64_t milli = 0;
    if (resource->scalar != NULL && milli_from_double(resource->scalar->value, &milli))
        return milli;
    for (size_t i = 0; resource->ranges != NULL && i < resource->ranges->n_range; i++) {
        const Mesos__V1__Value__Range *range = resource->ranges->range[i];
        if (range->end >= range->begin && range->end - range->begin < MILLI_LIMIT / 1000)
            milli += (int64_t)(range->end - range->begin + 1) * 1000;
    }
    if (resource->set != NULL)
        milli += (int64_t)resource->set->n_item * 1000;
    return milli;
}

static int64_t sum_of(Mesos__V1__Resource *const *resources, size_t count, const char *name) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(resources[i]->name, name) == 0 &&
            __builtin_add_overflow(sum, amount_of(resources[i]), &sum))
            return INT64_MAX;
    return sum;
}

static bool contains(Mesos__V1__Resource *const *whole, size_t whole_count,
                     Mesos__V1__Resource *const *part, size_t part_count) {
    for (size_t i = 0; i < part_count; i++)
        if (sum_of(part, part_count, part[i]->name) > sum_of(whole, whole_count, part[i]->name))
            return false;
    return true;
}

/* --- launches --- */

static const char *role_of_task(const struct framework_wish *wish,
                                const Mesos__V1__TaskInfo *task) {
    for (size_t i = 0; i < task->n_resources; i++)
        if (task->resources[i]->allocation_info != NULL)
            return role_or_only(wish, task->resources[i]->allocation_info->role);
    return role_or_only(wish, NULL);
}

static Mesos__V1__Request *best_request(const struct demand *demand,
                                        const struct framework_wish *wish,
                                        const Mesos__V1__TaskInfo *task) {
    const char *role = role_of_task(wish, task);
    Mesos__V1__Request *roomy = NULL;
    VEC_EACH(at, &demand->requests) {
        Mesos__V1__Request *request = *at;
        bool is_left = !request->has_count || request->count > 0;
        if (!is_left || !is_of(request, wish, role) ||
            !contains(request->resources, request->n_resources, task->resources, task->n_resources))
            continue;
        if (contains(task->resources, task->n_resources, request->resources, request->n_resources))
            return request;
        roomy = roomy == NULL ? request : roomy;
    }
    return roomy;
}

void demand_note_launch(struct demand *demand, const struct framework_wish *wish,
                        const Mesos__V1__TaskInfo *task) {
    Mesos__V1__Request *request = best_request(demand, wish, task);
    if (request != NULL && request->has_count)
        request->count--;
}

bool demand_has_role(const struct demand *demand, const struct framework_wish *wish,
                     const char *role) {
    VEC_EACH(request, &demand->requests)
        if (is_of(*request, wish, role))
            return true;
    return false;
}
