/*
 * A REQUEST replaces what was wanted in each role that it names. The allocator counts down; its
 * list has a place for each wish that it can know, in order.
 */
#include "master/core/demand_book.h"

#include "master/core/constraint_book.h"
#include "master/core/demand_state.h"
#include "master/core/emit.h"

/* --- what is kept --- */

static void fini_wish(struct master *master, struct wish *wish) {
    if (master != NULL)
        constraint_book_drop(master->constraints, wish->constraint);
    mem_free(wish->amounts);
    mem_free(wish->memory);
}

static void drop_wishes(struct master *master, struct role_demand *demand) {
    VEC_EACH(wish, &demand->wishes)
        fini_wish(master, wish);
    if (master != NULL)
        master->wish_count -= demand->wishes.count;
    demand->wishes.count = 0;
    demand->is_set = false;
}

static void free_demand(struct master *master, struct role_demand *demand) {
    drop_wishes(master, demand);
    if (master != NULL)
        constraint_book_drop(master->constraints, demand->constraint);
    VEC_FINI(&demand->wishes);
    mem_free(demand);
}

void demand_book_forget(struct master *master, struct framework *framework) {
    MAP_EACH(entry, &framework->demands)
        free_demand(master, map_value(entry));
    map_fini(&framework->demands, NULL);
}

void demand_book_free_of(struct framework *framework) {
    demand_book_forget(NULL, framework);
}

static struct role_demand *demand_of(struct framework *framework, uint32_t role) {
    struct role_demand *demand = map_get(&framework->demands, role);
    if (demand == NULL) {
        demand = NEW(struct role_demand);
        demand->role = role;
        map_put(&framework->demands, role, demand);
    }
    return demand;
}

/* --- subscription: constraints and filters --- */

/* The number of a role the framework subscribes to. */
static bool find_role(const struct master *master, const struct framework *framework,
                      struct text role, uint32_t *number) {
    for (size_t i = 0; i < framework->info.role_count; i++)
        if (text_equal(framework->info.roles[i], role))
            return kinds_find_role(master->kinds, role, number);
    return false;
}

static bool is_subscribed(const struct framework_info *info, struct text role) {
    if (!framework_can(info, FRAMEWORK_MULTI_ROLE))
        return text_equal(role, info->role.size > 0 ? info->role : TEXT("*"));
    for (size_t i = 0; i < info->role_count; i++)
        if (text_equal(info->roles[i], role))
            return true;
    return false;
}

static bool check_filter(const struct framework_info *info, const struct role_offer_filter *filter,
                         struct error *why) {
    if (!is_subscribed(info, filter->role))
        return fail(why, ERROR_INVALID, "offer filters of role '%.*s', which is not subscribed",
                    TEXT_ARGS(filter->role));
    if (filter->minimum_count > ALLOCATOR_MINIMA_LIMIT)
        return fail(why, ERROR_LIMIT, "%zu minima for role '%.*s', more than %d",
                    filter->minimum_count, TEXT_ARGS(filter->role), ALLOCATOR_MINIMA_LIMIT);
    for (size_t i = 0; i < filter->minimum_count; i++) {
        if (filter->minima[i].count > OFFER_FILTER_AMOUNTS_LIMIT)
            return fail(why, ERROR_LIMIT, "a minimum has %zu resources, more than %d",
                        filter->minima[i].count, OFFER_FILTER_AMOUNTS_LIMIT);
        for (size_t k = 0; k < filter->minima[i].count; k++)
            if (filter->minima[i].items[k].name.size > KIND_NAME_BYTES_LIMIT)
                return fail(why, ERROR_LIMIT, "a minimum names a resource with more than %d bytes",
                            KIND_NAME_BYTES_LIMIT);
    }
    return true;
}

/* Compiled and let go again: whether they can be kept is seen when all others are known. */
static bool check_constraints(struct master *master, const struct framework_info *info,
                              const struct role_constraints *constraints, struct error *why) {
    if (!is_subscribed(info, constraints->role))
        return fail(why, ERROR_INVALID, "offer constraints of role '%.*s', which is not subscribed",
                    TEXT_ARGS(constraints->role));
    uint32_t number = constraint_book_take(master->constraints, constraints, why);
    constraint_book_drop(master->constraints, number);
    return number != 0 ||
           fail_context(why, "offer constraints of role '%.*s'", TEXT_ARGS(constraints->role));
}

bool demand_book_check(struct master *master, const struct scheduler_call *call,
                       struct error *why) {
    const struct framework_info *info = &call->subscribe.info;
    if (info->fault.size > 0)
        return fail(why, ERROR_INVALID, "%.*s", TEXT_ARGS(info->fault));
    for (size_t i = 0; i < info->offer_filter_count; i++)
        if (!check_filter(info, &info->offer_filters[i], why))
            return false;
    for (size_t i = 0; i < call->subscribe.constraint_count; i++)
        if (!check_constraints(master, info, &call->subscribe.constraints[i], why))
            return false;
    return true;
}

static const struct role_constraints *constraints_of(const struct scheduler_call *call,
                                                     struct text role) {
    for (size_t i = 0; i < call->subscribe.constraint_count; i++)
        if (text_equal(call->subscribe.constraints[i].role, role))
            return &call->subscribe.constraints[i];
    return NULL;
}

/* All of them together may be more than the book has room for: then the role gets no offers. */
static void set_constraint(struct master *master, struct framework *framework, struct text name,
                           uint32_t role, const struct role_constraints *constraints) {
    struct role_demand *demand = map_get(&framework->demands, role);
    if (constraints == NULL && (demand == NULL || demand->constraint == 0))
        return;
    struct error why;
    uint32_t number =
        constraints != NULL ? constraint_book_take(master->constraints, constraints, &why) : 0;
    if (constraints != NULL && number == 0) {
        emit_invalid(master, "framework=%.*s role=%.*s error=\"%s\"",
                     TEXT_ARGS(framework->info.id.text), TEXT_ARGS(name), why.message);
        number = UINT32_MAX;
    }
    demand = demand_of(framework, role);
    constraint_book_drop(master->constraints, demand->constraint);
    demand->constraint = number;
    allocator_set_client_constraint(master->allocator, framework->number, role, number);
}

static const struct role_offer_filter *filter_of(const struct framework_info *info,
                                                 struct text role) {
    for (size_t i = 0; i < info->offer_filter_count; i++)
        if (text_equal(info->offer_filters[i].role, role) && info->offer_filters[i].has_minima)
            return &info->offer_filters[i];
    return NULL;
}

/* A name that the full table refuses is had by no agent. */
static void read_minimum(struct master *master, const struct amounts *from,
                         struct quantities *out) {
    for (size_t i = 0; i < from->count; i++) {
        uint32_t name;
        if (kinds_intern_name(master->kinds, from->items[i].name, &name, NULL))
            quantities_add(out, name, from->items[i].milli);
        else
            quantities_add(out, NAME_CPUS, INT64_MAX);
    }
}

static void set_minima(struct master *master, struct framework *framework, uint32_t role,
                       const struct role_offer_filter *filter) {
    const struct role_demand *demand = map_get(&framework->demands, role);
    if (filter == NULL && (demand == NULL || !demand->has_minima))
        return;
    struct quantities minima[ALLOCATOR_MINIMA_LIMIT] = {0};
    size_t count = filter != NULL ? filter->minimum_count : 0;
    for (size_t i = 0; i < count; i++)
        read_minimum(master, &filter->minima[i], &minima[i]);
    allocator_set_client_minima(master->allocator, framework->number, role, minima, count,
                                filter != NULL);
    for (size_t i = 0; i < count; i++)
        quantities_fini(&minima[i]);
    demand_of(framework, role)->has_minima = filter != NULL;
}

static void forget_old_roles(struct master *master, struct framework *framework) {
    MAP_EACH(entry, &framework->demands) {
        struct role_demand *demand = map_value(entry);
        uint32_t number;
        if (find_role(master, framework, kinds_role_text(master->kinds, demand->role), &number))
            continue;
        allocator_set_client_constraint(master->allocator, framework->number, demand->role, 0);
        allocator_set_client_minima(master->allocator, framework->number, demand->role, NULL, 0,
                                    false);
        allocator_set_demand(master->allocator, framework->number, demand->role, NULL, 0, false);
        map_remove(&framework->demands, demand->role);
        free_demand(master, demand);
    }
}

static void withdraw(struct master *master, struct framework *framework,
                     struct role_demand *demand) {
    if (!demand->is_set)
        return;
    drop_wishes(master, demand);
    allocator_set_demand(master->allocator, framework->number, demand->role, NULL, 0, false);
}

static void withdraw_all(struct master *master, struct framework *framework) {
    MAP_EACH(entry, &framework->demands)
        withdraw(master, framework, map_value(entry));
}

void demand_book_subscribe(struct master *master, struct framework *framework,
                           const struct scheduler_call *call, bool is_anew) {
    forget_old_roles(master, framework);
    if (is_anew)
        withdraw_all(master, framework);
    for (size_t i = 0; i < framework->info.role_count; i++) {
        struct text name = framework->info.roles[i];
        uint32_t role;
        if (!kinds_find_role(master->kinds, name, &role))
            continue;
        set_constraint(master, framework, name, role, constraints_of(call, name));
        set_minima(master, framework, role, filter_of(&call->subscribe.info, name));
    }
}

/* --- requests: what they must be --- */

/* What the request is for; false with why when it names no role that the framework has. */
static bool role_of(const struct master *master, const struct framework *framework,
                    const struct resource_request *request, uint32_t *role, struct error *why) {
    if (request->role.size > 0)
        return find_role(master, framework, request->role, role) ||
               fail(why, ERROR_INVALID, "the framework does not subscribe to role '%.*s'",
                    TEXT_ARGS(text_sub(request->role, 0, KIND_NAME_BYTES_LIMIT)));
    if (framework->info.role_count == 1)
        return find_role(master, framework, framework->info.roles[0], role) ||
               fail(why, ERROR_LIMIT, "the framework's role is not known");
    return fail(why, ERROR_INVALID, "it names no role, and the framework has %zu",
                framework->info.role_count);
}

static bool check_amounts(const struct resource_request *request, struct error *why) {
    bool is_empty = true;
    if (request->amounts.count > REQUEST_AMOUNTS_LIMIT)
        return fail(why, ERROR_LIMIT, "it has %zu resources, more than %d", request->amounts.count,
                    REQUEST_AMOUNTS_LIMIT);
    for (size_t i = 0; i < request->amounts.count; i++) {
        const struct amount *amount = &request->amounts.items[i];
        if (amount->name.size > KIND_NAME_BYTES_LIMIT)
            return fail(why, ERROR_LIMIT, "the name of a resource has more than %d bytes",
                        KIND_NAME_BYTES_LIMIT);
        is_empty = is_empty && amount->milli == 0;
    }
    return !is_empty || fail(why, ERROR_INVALID, "it asks for nothing");
}

static bool check_request(const struct resource_request *request, struct error *why) {
    if (request->fault.size > 0)
        return fail(why, ERROR_INVALID, "%.*s", TEXT_ARGS(request->fault));
    if (request->name.size > KIND_NAME_BYTES_LIMIT)
        return fail(why, ERROR_LIMIT, "its name has more than %d bytes", KIND_NAME_BYTES_LIMIT);
    if (request->agent.text.size > ID_BYTES_LIMIT)
        return fail(why, ERROR_LIMIT, "its agent id has more than %d bytes", ID_BYTES_LIMIT);
    return check_amounts(request, why);
}

static void refuse(struct master *master, struct framework *framework,
                   const struct resource_request *request, const struct error *why) {
    struct text name = text_sub(request->name, 0, KIND_NAME_BYTES_LIMIT);
    emit_invalid(master, "call=REQUEST framework=%.*s name=\"%.*s\" error=\"%s\"",
                 TEXT_ARGS(framework->info.id.text), TEXT_ARGS(name), why->message);
    demand_tell(master, framework, text_sub(request->role, 0, KIND_NAME_BYTES_LIMIT), name, false,
                lend(master, text_of(why->message)), (struct agent_id){0});
}

/* --- requests: taking them --- */

/* Nothing for 0; a name that is there already gets the sum. */
static void add_amount(struct wish *wish, struct amount amount) {
    if (amount.milli == 0)
        return;
    for (size_t i = 0; i < wish->amount_count; i++)
        if (text_equal(wish->amounts[i].name, amount.name)) {
            wish->amounts[i].milli += amount.milli;
            return;
        }
    wish->amounts[wish->amount_count++] = amount;
}

static bool add_wish(struct master *master, struct role_demand *demand,
                     const struct resource_request *request, struct error *why) {
    if (demand->wishes.count >= ALLOCATOR_REQUESTS_LIMIT)
        return fail(why, ERROR_LIMIT, "there are more than %d requests for its role",
                    ALLOCATOR_REQUESTS_LIMIT);
    struct wish wish = {
        .name = request->name,
        .agent = request->agent,
        .place = SIZE_MAX,
        .count = request->has_count ? request->count : ALLOCATOR_COUNT_ENDLESS,
        .amounts = NEW_ARRAY(struct amount, request->amounts.count),
    };
    if (request->constraints != NULL) {
        wish.constraint = constraint_book_take(master->constraints, request->constraints, why);
        if (wish.constraint == 0) {
            mem_free(wish.amounts);
            return false;
        }
    }
    struct text *texts[REQUEST_AMOUNTS_LIMIT + 2] = {&wish.name, &wish.agent.text};
    for (size_t i = 0; i < request->amounts.count; i++)
        add_amount(&wish, request->amounts.items[i]);
    for (size_t i = 0; i < wish.amount_count; i++)
        texts[2 + i] = &wish.amounts[i].name;
    wish.memory = keep_texts(texts, 2 + wish.amount_count);
    VEC_PUSH(&demand->wishes, wish);
    return true;
}

static bool is_alike(const struct wish *a, const struct wish *b) {
    if (a->amount_count != b->amount_count || a->constraint != b->constraint ||
        !text_equal(a->name, b->name) || !text_equal(a->agent.text, b->agent.text))
        return false;
    for (size_t i = 0; i < a->amount_count; i++)
        if (a->amounts[i].milli != b->amounts[i].milli ||
            !text_equal(a->amounts[i].name, b->amounts[i].name))
            return false;
    return true;
}

/* Who says the same again with another count need not be looked at again. */
static void carry_over(const struct role_demand *old, struct role_demand *fresh) {
    VEC_EACH(wish, &fresh->wishes)
        VEC_EACH(known, &old->wishes)
            if (known->told == WISH_SAID_FEASIBLE && is_alike(known, wish)) {
                wish->told = known->told;
                wish->seen = known->seen;
            }
}

/* All of the call's requests for one role. When none of them is right nothing changes. */
static void replace(struct master *master, struct framework *framework, uint32_t role,
                    const struct scheduler_call *call, const uint32_t *roles) {
    struct role_demand next = {.role = role};
    bool is_right = false;
    for (size_t i = 0; i < call->request.request_count; i++) {
        const struct resource_request *request = &call->request.requests[i];
        struct error why;
        if (roles[i] != role)
            continue;
        bool wants_none = request->has_count && request->count == 0;
        if (!check_request(request, &why) ||
            (!wants_none && !add_wish(master, &next, request, &why)))
            refuse(master, framework, request, &why);
        else
            is_right = true;
    }
    if (!is_right)
        return;
    struct role_demand *demand = demand_of(framework, role);
    carry_over(demand, &next);
    drop_wishes(master, demand);
    VEC_FINI(&demand->wishes);
    master->wish_count += next.wishes.count;
    demand->wishes.items = next.wishes.items;
    demand->wishes.count = next.wishes.count;
    demand->wishes.capacity = next.wishes.capacity;
    demand->is_set = true;
    demand_hand_over(master, framework, demand);
    demand_look(master, framework, demand);
}

static void take_requests(struct master *master, struct framework *framework,
                          const struct scheduler_call *call) {
    size_t count = call->request.request_count;
    uint32_t *roles = ARENA_ARRAY(master->out->arena, uint32_t, count);
    struct map named = {0};
    for (size_t i = 0; i < count; i++) {
        const struct resource_request *request = &call->request.requests[i];
        struct error why;
        roles[i] = ROLE_NONE;
        if (!request->is_ours)
            continue;
        if (role_of(master, framework, request, &roles[i], &why))
            map_put(&named, roles[i], framework);
        else
            refuse(master, framework, request, &why);
    }
    MAP_EACH(entry, &named)
        replace(master, framework, (uint32_t)map_key(entry), call, roles);
    map_fini(&named, NULL);
}

void demand_book_request(struct master *master, struct framework *framework,
                         const struct scheduler_call *call) {
    size_t count = call->request.request_count;
    framework->request_count += count;
    emit_note(master, NOTE_DEBUG, "resources_requested", "framework=%.*s requests=%zu",
              TEXT_ARGS(framework->info.id.text), count);
    if (count > REQUESTS_PER_CALL_LIMIT)
        emit_invalid(master, "call=REQUEST framework=%.*s error=\"more than %d requests\"",
                     TEXT_ARGS(framework->info.id.text), REQUESTS_PER_CALL_LIMIT);
    else if (count == 0)
        withdraw_all(master, framework);
    else
        take_requests(master, framework, call);
}

/* --- the allocator's list --- */

bool demand_names_are_known(const struct master *master, const struct wish *wish) {
    uint32_t name;
    for (size_t i = 0; i < wish->amount_count; i++)
        if (!kinds_find_name(master->kinds, wish->amounts[i].name, &name))
            return false;
    return true;
}

uint32_t demand_agent_number(const struct master *master, struct agent_id id) {
    const struct agent *agent = map_get_text(&master->agents, id.text);
    return agent != NULL ? agent->number : 0;
}

static void read_shape(const struct master *master, const struct wish *wish,
                       struct quantities *out) {
    for (size_t i = 0; i < wish->amount_count; i++) {
        uint32_t name;
        if (kinds_find_name(master->kinds, wish->amounts[i].name, &name))
            quantities_add(out, name, wish->amounts[i].milli);
    }
}

void demand_hand_over(struct master *master, const struct framework *framework,
                      struct role_demand *demand) {
    struct quantities shapes[ALLOCATOR_REQUESTS_LIMIT] = {0};
    struct allocator_request requests[ALLOCATOR_REQUESTS_LIMIT] = {0};
    size_t count = 0;
    VEC_EACH(wish, &demand->wishes) {
        wish->agent_number =
            wish->agent.text.size > 0 ? demand_agent_number(master, wish->agent) : 0;
        bool is_known = demand_names_are_known(master, wish) && wish->count > 0 &&
                        (wish->agent.text.size == 0 || wish->agent_number != 0);
        wish->place = is_known ? count : SIZE_MAX;
        if (!is_known)
            continue;
        read_shape(master, wish, &shapes[count]);
        requests[count] = (struct allocator_request){&shapes[count], wish->count, wish->constraint,
                                                     wish->agent_number};
        count++;
    }
    allocator_set_demand(master->allocator, framework->number, demand->role, requests, count, true);
    for (size_t i = 0; i < count; i++)
        quantities_fini(&shapes[i]);
}

/* The allocator forgets a request that has had its last task. */
void demand_book_launched(struct master *master, struct framework *framework, uint32_t role,
                          size_t place) {
    struct role_demand *demand = map_get(&framework->demands, role);
    bool is_over = false;
    assert(demand != NULL && master != NULL);
    VEC_EACH(wish, &demand->wishes)
        if (wish->place == place && --wish->count == 0) {
            wish->place = SIZE_MAX;
            is_over = true;
        }
    VEC_EACH(wish, &demand->wishes)
        if (is_over && wish->place != SIZE_MAX && wish->place > place)
            wish->place--;
}

static const struct wish *wish_at(const struct framework *framework, uint32_t role, size_t place) {
    const struct role_demand *demand = map_get(&framework->demands, role);
    if (demand == NULL)
        return NULL;
    VEC_EACH(wish, &demand->wishes)
        if (wish->place == place)
            return wish;
    return NULL;
}

size_t demand_book_count(const struct framework *framework, uint32_t role) {
    const struct role_demand *demand = map_get(&framework->demands, role);
    size_t count = 0;
    if (demand != NULL)
        VEC_EACH(wish, &demand->wishes)
            count += wish->place != SIZE_MAX;
    return count;
}

bool demand_book_is_in_vain(const struct framework *framework, uint32_t role) {
    const struct role_demand *demand = map_get(&framework->demands, role);
    size_t wanted = 0, in_vain = 0;
    if (demand == NULL)
        return false;
    VEC_EACH(wish, &demand->wishes) {
        wanted += wish->count > 0;
        in_vain += wish->count > 0 && wish->told == WISH_SAID_INFEASIBLE;
    }
    return wanted > 0 && in_vain == wanted;
}

struct text demand_book_name(const struct framework *framework, uint32_t role, size_t place) {
    const struct wish *wish = wish_at(framework, role, place);
    return wish != NULL ? wish->name : (struct text){0};
}
