/*
 * How roles and clients stand: what the policy says, and what the books have.
 */
#include "allocator/verdict.h"
#include "common/base/buf.h"

static uint32_t name_of(const struct allocator *allocator, uint32_t dominant) {
    return dominant < allocator->dimensions ? allocator->names[dominant] : UINT32_MAX;
}

static void take_over(const struct allocator *allocator,
                      const struct mesos_allocator_standing *from, struct allocator_standing *out) {
    out->share = from->share;
    out->guaranteed = from->guaranteed;
    out->dominant = name_of(allocator, from->dominant);
}

static void add_held(const struct allocator *allocator, const struct client *client,
                     struct quantities *out) {
    for (size_t i = 0; i < allocator->dimensions; i++)
        quantities_add(out, allocator->names[i], client->held.at[i]);
}

static bool is_below(const struct allocator *allocator, uint32_t role, uint32_t above) {
    while (role != ROLE_NONE && role != above)
        role = kinds_role_parent(allocator->kinds, role);
    return role == above;
}

/* It has clients, here or below, or an operator said something of it. */
static bool is_known(struct allocator *allocator, uint32_t role, bool has_clients) {
    const struct quota_line *lines;
    return has_clients ||
           (role < allocator->weights.count && allocator->weights.items[role] != 0) ||
           quota_book_lines(allocator->book, role, &lines) > 0 ||
           quota_book_consumed(allocator->book, role)->count > 0;
}

bool allocator_role_standing(struct allocator *allocator, uint32_t role,
                             struct allocator_standing *out) {
    struct mesos_allocator_standing standing = {.dominant = UINT32_MAX};
    struct quantities *held = &allocator->lent_held;
    bool has_clients = false, wants = false;
    quota_tell_all(allocator);
    policy_tell_total(allocator);
    quantities_clear(held);
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL || !is_below(allocator, (*client)->role, role))
            continue;
        has_clients = true;
        wants = wants || (*client)->wants;
        add_held(allocator, *client, held);
    }
    if (!is_known(allocator, role, has_clients))
        return false;
    AUTO_FINI(buf_fini) struct buf path = {0};
    buf_append_text(&path, kinds_role_text(allocator->kinds, role));
    if (allocator->policy->role_standing != NULL)
        allocator->policy->role_standing(allocator->order, buf_string(&path), &standing);
    int64_t weight = role < allocator->weights.count ? allocator->weights.items[role] : 0;
    *out = (struct allocator_standing){
        .weight_milli = weight != 0 ? weight : 1000,
        .wants = wants,
        .held = held,
        .consumed = quota_book_consumed(allocator->book, role),
    };
    take_over(allocator, &standing, out);
    return true;
}

const struct quantities *allocator_consumed(struct allocator *allocator, uint32_t role) {
    quota_tell_all(allocator);
    return quota_book_consumed(allocator->book, role);
}

int64_t allocator_lack(struct allocator *allocator, uint32_t name) {
    quota_tell_all(allocator);
    return quota_book_lack(allocator->book, name);
}

bool allocator_client_standing(struct allocator *allocator, uint32_t framework, uint32_t role,
                               struct allocator_standing *out) {
    const struct client *client = client_find(allocator, framework, role);
    struct mesos_allocator_standing standing = {.dominant = UINT32_MAX};
    if (client == NULL)
        return false;
    policy_tell_total(allocator);
    if (allocator->policy->client_standing != NULL)
        allocator->policy->client_standing(allocator->order, client->id, &standing);
    quantities_clear(&allocator->lent_held);
    add_held(allocator, client, &allocator->lent_held);
    *out = (struct allocator_standing){
        .weight_milli = client->weight_milli,
        .wants = client->wants,
        .held = &allocator->lent_held,
    };
    take_over(allocator, &standing, out);
    return true;
}

/* The policy has done with those for whom an agent is kept: what is freed there is theirs. */
static const struct client *next_client(struct allocator *allocator) {
    if (allocator->earmarks.count > 0)
        return allocator->earmarks.items[0]->client;
    uint32_t id = allocator->policy->next != NULL ? allocator->policy->next(allocator->order)
                                                  : MESOS_ALLOCATOR_NOBODY;
    return id < allocator->clients.count ? allocator->clients.items[id] : NULL;
}

bool allocator_next(struct allocator *allocator, uint32_t *framework, uint32_t *role) {
    struct allocator_verdict why;
    policy_tell_total(allocator);
    const struct client *client = next_client(allocator);
    if (client == NULL || !client->wants || client->wishes.count == 0 ||
        verdict_is_in_vain(allocator, client, &client->wishes.items[0], &why))
        return false;
    *framework = client->framework->number;
    *role = client->role;
    return true;
}
