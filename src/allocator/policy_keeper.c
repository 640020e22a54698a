/*
 * The policy in use: made anew, and told everything, when the cluster learns a name or when the
 * present one was wrong too often in a row.
 */
#include "allocator/state.h"
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { COMPLAINTS_LIMIT = 16 }; /* until somebody takes them; the rest is only counted */

static void tell_client(struct allocator *allocator, struct client *client) {
    const struct mesos_allocator *policy = allocator->policy;
    AUTO_FINI(buf_fini) struct buf role = {0};
    buf_append_text(&role, kinds_role_text(allocator->kinds, client->role));
    policy->add_client(allocator->order, client->id, buf_string(&role), client->framework->number,
                       client->weight_milli);
    client->is_task_told = false;
    demand_tell_task(allocator, client);
    policy->charge(allocator->order, client->id, client->held.at, 1);
    if (client->past != NULL)
        policy->charge(allocator->order, client->id, client->past->at, 1);
    if (client_is_asking(client))
        policy->set_wants(allocator->order, client->id, true);
    if (policy->set_earmarked != NULL && (client->earmark != NULL || client->is_hopeless))
        policy->set_earmarked(allocator->order, client->id, true);
}

void policy_tell_again(struct allocator *allocator, struct client *client) {
    const struct mesos_allocator *policy = allocator->policy;
    if (policy->set_earmarked != NULL)
        policy->set_earmarked(allocator->order, client->id, false);
    policy->set_wants(allocator->order, client->id, false);
    policy->charge(allocator->order, client->id, client->held.at, -1);
    if (client->past != NULL)
        policy->charge(allocator->order, client->id, client->past->at, -1);
    policy->remove_client(allocator->order, client->id);
    tell_client(allocator, client);
    news_for_all(allocator);
}

static void tell_weights(struct allocator *allocator) {
    for (uint32_t role = 0; role < allocator->weights.count; role++) {
        AUTO_FINI(buf_fini) struct buf text = {0};
        if (allocator->weights.items[role] == 0)
            continue;
        buf_append_text(&text, kinds_role_text(allocator->kinds, role));
        allocator->policy->set_weight(allocator->order, buf_string(&text),
                                      allocator->weights.items[role]);
    }
}

void policy_tell_total(struct allocator *allocator) {
    if (!allocator->is_total_stale)
        return;
    allocator->is_total_stale = false;
    allocator->policy->set_total(allocator->order, allocator->total.at);
    uint32_t there = 0;
    for (size_t i = 0; i < allocator->dimensions; i++)
        there |= (uint32_t)(allocator->total.at[i] > 0) << i;
    if (there == allocator->names_there)
        return;
    /* Guesses are made of what the cluster has. */
    allocator->names_there = there;
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL && !(*client)->has_demand)
            demand_tell_task(allocator, *client);
    }
}

static void complain_of_nothing(struct allocator *allocator) {
    struct allocator_complaint complaint = {0};
    snprintf(complaint.message, sizeof(complaint.message),
             "policy %s: create gave nothing: %s decides from now on", allocator->policy->name,
             allocator_hdrf.name);
    if (allocator->complaints.count == COMPLAINTS_LIMIT)
        allocator->complaints.count--;
    VEC_PUSH(&allocator->complaints, complaint);
}

static void create(struct allocator *allocator, const char *const *names) {
    allocator->order = allocator->policy->create(names, allocator->dimensions, allocator->seed);
    if (allocator->order != NULL)
        return;
    complain_of_nothing(allocator);
    allocator->policy = &allocator_hdrf;
    allocator->order = allocator->policy->create(names, allocator->dimensions, allocator->seed);
}

void policy_make(struct allocator *allocator) {
    const char *names[DIMENSIONS_LIMIT];
    struct buf texts[DIMENSIONS_LIMIT] = {0};
    for (size_t i = 0; i < allocator->dimensions; i++) {
        buf_append_text(&texts[i], kinds_name_text(allocator->kinds, allocator->names[i]));
        names[i] = buf_string(&texts[i]);
    }
    if (allocator->order != NULL)
        allocator->policy->destroy(allocator->order);
    create(allocator, names);
    for (size_t i = 0; i < allocator->dimensions; i++)
        buf_fini(&texts[i]);
    allocator->is_total_stale = true;
    policy_tell_total(allocator);
    tell_weights(allocator);
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL)
            tell_client(allocator, *client);
    }
    news_for_all(allocator);
}

void policy_reconsider(struct allocator *allocator, struct client *client) {
    allocator->is_settled = false;
    news_of_client(allocator, client);
    allocator->policy->reconsider(allocator->order, client->id);
    if (client->is_hopeless)
        earmark_forget_hopeless(allocator, client);
}

static void put_aside(struct allocator *allocator) {
    struct allocator_complaint last = {0};
    snprintf(last.message, sizeof(last.message),
             "policy %s was wrong %d times in a row: %s decides from now on",
             allocator->policy->name, MESOS_ALLOCATOR_STRIKES, allocator_hdrf.name);
    if (allocator->complaints.count == COMPLAINTS_LIMIT)
        allocator->complaints.count--;
    VEC_PUSH(&allocator->complaints, last);
    allocator->policy->destroy(allocator->order);
    allocator->order = NULL;
    allocator->policy = &allocator_hdrf;
    allocator->strikes = 0;
    policy_make(allocator);
}

void policy_complain(struct allocator *allocator, const char *format, ...) {
    struct allocator_complaint complaint = {.framework = allocator->picked_framework,
                                            .agent = allocator->picked_agent};
    size_t size = sizeof(complaint.message);
    int used = snprintf(complaint.message, size, "policy %s: ", allocator->policy->name);
    size_t at = used > 0 && (size_t)used < size ? (size_t)used : 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint.message + at, size - at, format, arguments);
    va_end(arguments);
    if (allocator->complaints.count < COMPLAINTS_LIMIT)
        VEC_PUSH(&allocator->complaints, complaint);
    if (++allocator->strikes >= MESOS_ALLOCATOR_STRIKES && allocator->policy != &allocator_hdrf)
        put_aside(allocator);
}

void policy_praise(struct allocator *allocator) {
    allocator->strikes = 0;
}

bool allocator_take_complaint(struct allocator *allocator, struct allocator_complaint *out) {
    if (allocator->complaints.count == 0)
        return false;
    *out = allocator->complaints.items[0];
    VEC_REMOVE(&allocator->complaints, 0);
    return true;
}

const char *allocator_policy_name(const struct allocator *allocator) {
    return allocator->policy->name;
}
