/*
 * Free resources wait offer_gather_ms for company, then the allocator is given a budget of work per
 * step.
 */
#include "master/core/supply.h"

#include "allocator/explain.h"
#include "master/core/demand_book.h"
#include "master/core/emit.h"
#include "master/core/offer_book.h"

/* What allocator_allocate gave in one step: frameworks that have fresh offers. */
struct harvest {
    struct master *master;
    VEC_OF(struct framework *) frameworks;
};

/* --- settings --- */

void supply_begin(struct master *master, const struct master_options *options) {
    struct allocator *allocator =
        allocator_new(options->policy, master->kinds, rng_next(&master->rng));
    uint32_t name;
    for (size_t i = 0; i < options->excluded_name_count; i++) {
        if (kinds_intern_name(master->kinds, options->excluded_names[i], &name, NULL))
            allocator_exclude_name(allocator, name);
    }
    if (options->has_minima)
        allocator_set_minima(allocator, options->minima, options->minimum_count);
    allocator_set_half_life(allocator, options->fairness_half_life_ms);
    allocator_set_earmark_limit(allocator, options->earmark_limit_ms);
    allocator_set_gpus_reserved(allocator, options->filter_gpu_resources);
    master->allocator = allocator;
    master->options.minima = NULL; /* the caller's, and so are the names */
    master->options.excluded_names = NULL;
}

void supply_set_weight(struct master *master, uint32_t role, int64_t weight_milli) {
    allocator_set_weight(master->allocator, role, weight_milli);
}

void supply_set_quota(struct master *master, uint32_t role, const struct quota_line *lines,
                      size_t count) {
    allocator_set_quota(master->allocator, role, lines, count);
}

void supply_hold_limits(struct master *master, bool is_held) {
    allocator_hold_limits(master->allocator, is_held);
}

const struct quantities *supply_consumed(const struct master *master, uint32_t role) {
    return allocator_consumed(master->allocator, role);
}

int64_t supply_lack(const struct master *master, uint32_t name) {
    return allocator_lack(master->allocator, name);
}

bool supply_is_over_share(const struct master *master, const struct framework *framework,
                          uint32_t role) {
    struct allocator_standing standing;
    return allocator_client_standing(master->allocator, framework->number, role, &standing) &&
           standing.share > standing.guaranteed;
}

/* --- frameworks, agents and what they hold --- */

static uint32_t traits_of(const struct framework_info *info) {
    uint32_t traits = 0;
    if (framework_can(info, FRAMEWORK_GPU_RESOURCES))
        traits |= FRAMEWORK_TAKES_GPUS;
    if (framework_can(info, FRAMEWORK_REVOCABLE_RESOURCES))
        traits |= FRAMEWORK_TAKES_REVOCABLE;
    if (framework_can(info, FRAMEWORK_SHARED_RESOURCES))
        traits |= FRAMEWORK_TAKES_SHARED;
    if (framework_can(info, FRAMEWORK_RESERVATION_REFINEMENT))
        traits |= FRAMEWORK_TAKES_REFINED;
    if (framework_can(info, FRAMEWORK_REGION_AWARE))
        traits |= FRAMEWORK_TAKES_REMOTE;
    if (framework_can(info, FRAMEWORK_MULTI_ROLE))
        traits |= FRAMEWORK_HAS_MANY_ROLES;
    return traits;
}

/* Roles were checked when the framework subscribed; one that a full table refuses gets no offers.
 */
static uint32_t *role_numbers(struct master *master, const struct framework *framework,
                              size_t *count) {
    const struct framework_info *info = &framework->info;
    uint32_t *roles = ARENA_ARRAY(master->out->arena, uint32_t, info->role_count + 1);
    *count = 0;
    for (size_t i = 0; i < info->role_count; i++)
        *count += kinds_intern_role(master->kinds, info->roles[i], &roles[*count], NULL);
    return roles;
}

void supply_add_framework(struct master *master, struct framework *framework) {
    size_t count;
    uint32_t *roles = role_numbers(master, framework, &count);
    framework->number = ++master->last_number;
    map_put(&master->framework_numbers, framework->number, framework);
    allocator_add_framework(master->allocator, framework->number, roles, count,
                            traits_of(&framework->info));
}

void supply_update_framework(struct master *master, struct framework *framework) {
    size_t count;
    uint32_t *roles = role_numbers(master, framework, &count);
    allocator_update_framework(master->allocator, framework->number, roles, count,
                               traits_of(&framework->info));
}

void supply_activate_framework(struct master *master, struct framework *framework, bool is_active) {
    allocator_activate_framework(master->allocator, framework->number, is_active);
}

void supply_remove_framework(struct master *master, struct framework *framework) {
    allocator_remove_framework(master->allocator, framework->number);
    map_remove(&master->framework_numbers, framework->number);
    framework->number = 0;
}

static bool subscribes(const struct framework *framework, struct text role) {
    for (size_t i = 0; i < framework->info.role_count; i++)
        if (text_equal(framework->info.roles[i], role))
            return true;
    return false;
}

bool supply_suppress(struct master *master, struct framework *framework, const struct text *roles,
                     size_t role_count, bool is_suppressed) {
    for (size_t i = 0; i < role_count; i++)
        if (!subscribes(framework, roles[i]))
            return false;
    if (role_count == 0) {
        roles = framework->info.roles;
        role_count = framework->info.role_count;
    }
    for (size_t i = 0; i < role_count; i++) {
        uint32_t role;
        if (!kinds_find_role(master->kinds, roles[i], &role))
            continue;
        if (is_suppressed)
            allocator_suppress(master->allocator, framework->number, role);
        else
            allocator_revive(master->allocator, framework->number, role);
    }
    return true;
}

/* An agent without a domain is nobody's neighbour and nobody's stranger: it counts as local. */
static uint32_t agent_traits(const struct master *master, const struct agent *agent) {
    bool is_remote =
        agent->info.region.size > 0 && !text_equal(agent->info.region, master->options.region);
    return AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE | (is_remote ? AGENT_IS_REMOTE : 0);
}

void supply_add_agent(struct master *master, struct agent *agent) {
    agent->number = ++master->last_number;
    map_put(&master->agent_numbers, agent->number, agent);
    allocator_add_agent(master->allocator, agent->number, &agent->total,
                        agent_traits(master, agent));
    allocator_activate_agent(master->allocator, agent->number, false);
    demand_book_agents_changed(master);
}

void supply_update_agent(struct master *master, struct agent *agent, bool looks_otherwise) {
    allocator_update_agent(master->allocator, agent->number, &agent->total,
                           agent_traits(master, agent), looks_otherwise);
    demand_book_agents_changed(master);
}

void supply_activate_agent(struct master *master, struct agent *agent, bool is_active) {
    if (agent->number != 0)
        allocator_activate_agent(master->allocator, agent->number, is_active);
}

void supply_remove_agent(struct master *master, struct agent *agent) {
    demand_book_agents_changed(master);
    if (agent->number == 0)
        return;
    allocator_remove_agent(master->allocator, agent->number);
    map_remove(&master->agent_numbers, agent->number);
    agent->number = 0;
}

bool supply_adopt(struct master *master, struct framework *framework, uint32_t role,
                  struct agent *agent, const struct resources *resources) {
    return resources_is_empty(resources) ||
           allocator_adopt(master->allocator, framework->number, role, agent->number, resources);
}

void supply_recover(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct resources *resources) {
    supply_recover_of(master, framework->number, role, agent, resources);
}

void supply_recover_of(struct master *master, uint32_t framework, uint32_t role,
                       struct agent *agent, const struct resources *resources) {
    if (resources_is_empty(resources))
        return;
    bool held = allocator_recover(master->allocator, framework, role, agent->number, resources);
    assert(held);
    (void)held;
}

void supply_decline(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct resources *resources, int64_t refuse_ms) {
    if (resources_is_empty(resources))
        return;
    if (refuse_ms > 0)
        allocator_refuse(master->allocator, framework->number, role, agent->number, resources,
                         master->now_ms + refuse_ms);
    supply_recover(master, framework, role, agent, resources);
}

void supply_convert(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct conversion *conversion) {
    bool held = allocator_convert(master->allocator, framework != NULL ? framework->number : 0,
                                  role, agent->number, &conversion->from, &conversion->to);
    assert(held);
    (void)held;
}

void supply_note_launch(struct master *master, struct framework *framework, uint32_t role,
                        struct agent *agent, const struct resources *task) {
    size_t place =
        allocator_note_launch(master->allocator, framework->number, role, agent->number, task);
    if (place != SIZE_MAX)
        demand_book_launched(master, framework, role, place);
}

void supply_end_offer(struct master *master, struct framework *framework, uint32_t role,
                      struct agent *agent, enum allocator_offer_end how) {
    uint32_t agents =
        allocator_note_offer_end(master->allocator, framework->number, role, agent->number, how);
    if (agents > 0)
        emit_note(master, NOTE_WARNING, "framework_lets_offers_expire",
                  "framework=%.*s role=%.*s agents_at_a_time=%u",
                  TEXT_ARGS(framework->info.id.text),
                  TEXT_ARGS(kinds_role_text(master->kinds, role)), (unsigned)agents);
}

int64_t supply_refuse_ms(bool has_seconds, double seconds) {
    if (!has_seconds || !(seconds >= 0))
        seconds = FILTER_SECONDS_DEFAULT;
    if (seconds > FILTER_SECONDS_LIMIT)
        seconds = FILTER_SECONDS_LIMIT;
    return (int64_t)(seconds * 1000);
}

static void take_offer(const struct allocator_offer *given, void *self) {
    struct harvest *harvest = self;
    struct master *master = harvest->master;
    struct framework *framework = map_get(&master->framework_numbers, given->framework);
    struct agent *agent = map_get(&master->agent_numbers, given->agent);
    assert(framework != NULL && agent != NULL);
    if (framework->fresh.count == 0)
        VEC_PUSH(&harvest->frameworks, framework);
    VEC_PUSH(&framework->fresh,
             offer_book_make(master, framework, agent, given->role, given->resources));
}

static void announce_some(struct master *master, struct framework *framework,
                          struct offer *const *offers, size_t count) {
    struct offered *list = ARENA_ARRAY(master->out->arena, struct offered, count);
    for (size_t i = 0; i < count; i++)
        list[i] = offer_book_show(master, offers[i]);
    emit_to_framework(
        master, framework,
        (struct scheduler_event){.kind = SCHEDULER_EVENT_OFFERS, .offers = {list, count}});
}

/* One event a framework, however many agents are in it, up to a size. */
static void announce(struct master *master, struct framework *framework) {
    for (size_t at = 0; at < framework->fresh.count; at += OFFERS_PER_EVENT_LIMIT) {
        size_t left = framework->fresh.count - at;
        announce_some(master, framework, framework->fresh.items + at,
                      left < OFFERS_PER_EVENT_LIMIT ? left : OFFERS_PER_EVENT_LIMIT);
    }
    framework->fresh.count = 0;
}

static void gather(struct master *master) {
    int64_t deadline_ms = allocator_deadline_ms(master->allocator);
    if (deadline_ms == INT64_MAX) {
        master->gather_due_ms = INT64_MAX;
        return;
    }
    int64_t due_ms = deadline_ms > master->now_ms ? deadline_ms : master->now_ms;
    if (due_ms <= INT64_MAX - master->options.offer_gather_ms)
        due_ms += master->options.offer_gather_ms;
    /* The first one to become free decides how long the others are waited for. */
    if (due_ms < master->gather_due_ms)
        master->gather_due_ms = due_ms;
}

/* A policy knows numbers only; people know ids. */
static void print_picked(const struct master *master, const struct allocator_complaint *complaint,
                         struct buf *out) {
    const struct framework *framework = map_get(&master->framework_numbers, complaint->framework);
    const struct agent *agent = map_get(&master->agent_numbers, complaint->agent);
    if (framework != NULL)
        buf_printf(out, " framework=%.*s", TEXT_ARGS(framework->info.id.text));
    if (agent != NULL)
        buf_printf(out, " agent=%.*s", TEXT_ARGS(agent->info.id.text));
}

static void note_complaints(struct master *master) {
    struct allocator_complaint complaint;
    AUTO_FINI(buf_fini) struct buf picked = {0};
    while (allocator_take_complaint(master->allocator, &complaint)) {
        buf_clear(&picked);
        print_picked(master, &complaint, &picked);
        emit_note(master, NOTE_WARNING, "policy_misbehaves", "in_use=%s%s error=\"%s\"",
                  allocator_policy_name(master->allocator), buf_string(&picked), complaint.message);
    }
}

void supply_step(struct master *master) {
    gather(master);
    if (master->gather_due_ms > master->now_ms)
        return;
    struct harvest harvest = {.master = master};
    bool more = allocator_allocate(master->allocator, master->now_ms, ALLOCATION_BUDGET, take_offer,
                                   &harvest);
    VEC_EACH(framework, &harvest.frameworks)
        announce(master, *framework);
    VEC_FINI(&harvest.frameworks);
    note_complaints(master);
    master->gather_due_ms = more ? master->now_ms : INT64_MAX;
    if (!more)
        gather(master);
}
