/*
 * Random histories, and beside the allocator a book of plain lists that is obviously right: who
 * holds what, who refused what, what each role has and may have. After each step the two agree;
 * what is offered the book allows; and when the allocator says that there is nothing more to do,
 * nobody who wants fits anywhere.
 */
#include "common/base/mem.h"
#include "common/base/vec.h"
#include "tests/unit/allocator/allocator_world.h"

enum { AGENTS = 5, FRAMEWORKS = 5, ROLES = 4, STEPS = 1500, HISTORIES = 8, FILTERS = 8 };

struct plain_filter {
    uint32_t framework, role, agent;
    int64_t until_ms;
    struct resources refused;
};

struct plain_offer {
    uint32_t framework, role, agent; /* role: its place in the book's */
    bool is_old;                     /* made before the present demand was declared */
    struct resources resources;
};

struct plain_agent {
    bool is_there, is_active;
    uint32_t traits;
    struct resources total;
    struct resources held[FRAMEWORKS][ROLES];
};

struct plain_client {
    bool is_subscribed, is_suppressed, has_demand;
    int64_t cpus; /* of its one request */
    uint64_t left;
};

struct plain_framework {
    bool is_known, is_active;
    uint32_t traits;
    struct plain_client clients[ROLES];
};

struct book {
    struct world *world;
    struct rng rng;
    bool has_quota, has_earmarks;
    uint32_t roles[ROLES]; /* *, a, a/x, b */
    uint32_t kinds[4];     /* cpus: of a, of a/x, revocable; a volume of a */
    struct plain_agent agents[AGENTS + 1];
    struct plain_framework frameworks[FRAMEWORKS];
    VEC_OF(struct plain_filter) filters;
    VEC_OF(struct plain_offer) offers;
    int64_t guarantee[ROLES], limit[ROLES];
};

/* --- what the book says --- */

static struct resources free_of(const struct book *book, uint32_t agent) {
    struct resources free = resources_copy(&book->agents[agent].total);
    AUTO_FINI(resources_fini) struct resources used = {0};
    for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
        assert_true(resources_add(&used, &book->agents[agent].held[i / ROLES][i % ROLES]));
    resources_subtract_common(&free, &used);
    return free;
}

static int64_t cpus_of(const struct book *book, const struct resources *set) {
    return resources_quantity_milli(set, book->world->kinds, NAME_CPUS);
}

static bool wants(const struct book *book, uint32_t framework, size_t role) {
    const struct plain_framework *one = &book->frameworks[framework];
    const struct plain_client *client = &one->clients[role];
    return one->is_known && one->is_active && client->is_subscribed && !client->is_suppressed;
}

static bool is_refused(const struct book *book, uint32_t framework, size_t role, uint32_t agent,
                       const struct resources *set) {
    VEC_EACH(filter, &book->filters) {
        if (filter->framework == framework && filter->role == role && filter->agent == agent &&
            filter->until_ms > book->world->now_ms && resources_contains(&filter->refused, set))
            return true;
    }
    return false;
}

/* Once it refused so many cpus there of what a shape may be made of. */
static bool is_shape_refused(const struct book *book, uint32_t framework, size_t role,
                             uint32_t agent, int64_t cpus) {
    VEC_EACH(filter, &book->filters) {
        AUTO_FINI(resources_fini) struct resources set = resources_copy(&filter->refused);
        resources_keep_role(&set, book->world->kinds, book->roles[role]);
        resources_drop(&set, KIND_IS_REVOCABLE | KIND_IS_PERSISTENT);
        if (filter->framework == framework && filter->role == role && filter->agent == agent &&
            filter->until_ms > book->world->now_ms && cpus_of(book, &set) >= cpus * 1000)
            return true;
    }
    return false;
}

static bool is_capable(const struct book *book, uint32_t framework, size_t role, uint32_t agent) {
    uint32_t can = book->frameworks[framework].traits, serves = book->agents[agent].traits;
    if ((can & FRAMEWORK_HAS_MANY_ROLES) != 0 && (serves & AGENT_SERVES_MANY_ROLES) == 0)
        return false;
    return role != 2 || (serves & AGENT_SERVES_ROLE_TREE) != 0;
}

/* All that it might be offered there. */
static struct resources takeable(const struct book *book, uint32_t framework, size_t role,
                                 uint32_t agent) {
    struct resources set = free_of(book, agent);
    resources_keep_role(&set, book->world->kinds, book->roles[role]);
    if ((book->frameworks[framework].traits & FRAMEWORK_TAKES_REVOCABLE) == 0)
        resources_drop(&set, KIND_IS_REVOCABLE);
    return set;
}

/* Without quota, earmarks and hoarding. */
static bool fits_plainly(const struct book *book, uint32_t framework, size_t role, uint32_t agent) {
    const struct plain_client *client = &book->frameworks[framework].clients[role];
    if (!book->agents[agent].is_there || !book->agents[agent].is_active ||
        !is_capable(book, framework, role, agent))
        return false;
    AUTO_FINI(resources_fini) struct resources set = takeable(book, framework, role, agent);
    if (!client->has_demand)
        return (resources_quantity_milli(&set, book->world->kinds, NAME_CPUS) >= 10 ||
                resources_quantity_milli(&set, book->world->kinds, NAME_MEM) >= 32000) &&
               !is_refused(book, framework, role, agent, &set);
    resources_drop(&set, KIND_IS_REVOCABLE | KIND_IS_PERSISTENT);
    return cpus_of(book, &set) >= client->cpus * 1000 &&
           !is_shape_refused(book, framework, role, agent, client->cpus);
}

static bool is_below(size_t role, size_t above) {
    return role == above || (role == 2 && above == 1);
}

static int64_t consumed(const struct book *book, size_t above) {
    int64_t sum = 0;
    for (uint32_t agent = 1; agent <= AGENTS; agent++) {
        const struct plain_agent *one = &book->agents[agent];
        if (!one->is_there)
            continue;
        for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
            if (is_below(i % ROLES, above))
                sum += resources_scalar_milli(&one->held[i / ROLES][i % ROLES], KIND_CPUS);
        if (above == 1)
            sum += resources_scalar_milli(&one->total, book->kinds[0]);
        if (is_below(2, above))
            sum += resources_scalar_milli(&one->total, book->kinds[1]);
    }
    return sum;
}

static int64_t needs(const struct book *book, size_t role) {
    int64_t own = book->guarantee[role] - consumed(book, role);
    int64_t below = role == 1 ? needs(book, 2) : 0;
    own = own > 0 ? own : 0;
    return own > below ? own : below;
}

static int64_t headroom(const struct book *book) {
    int64_t free = 0;
    for (uint32_t agent = 1; agent <= AGENTS; agent++) {
        if (!book->agents[agent].is_there || !book->agents[agent].is_active)
            continue;
        AUTO_FINI(resources_fini) struct resources set = free_of(book, agent);
        free += resources_scalar_milli(&set, KIND_CPUS);
    }
    return free - needs(book, 0) - needs(book, 1) - needs(book, 3);
}

/* --- offers come into the book --- */

static size_t role_place(const struct book *book, uint32_t role) {
    size_t at = 0;
    while (book->roles[at] != role)
        at++;
    return at;
}

static void note(const struct allocator_offer *offer, void *self) {
    struct book *book = self;
    size_t role = role_place(book, offer->role);
    uint32_t framework = offer->framework - 1;
    AUTO_FINI(resources_fini)
    struct resources may = takeable(book, framework, role, offer->agent);

    assert_true(wants(book, framework, role));
    assert_true(book->agents[offer->agent].is_there && book->agents[offer->agent].is_active);
    assert_true(is_capable(book, framework, role, offer->agent));
    assert_true(resources_contains(&may, offer->resources));
    if (!book->frameworks[framework].clients[role].has_demand)
        assert_false(is_refused(book, framework, role, offer->agent, offer->resources));
    assert_true(resources_add(&book->agents[offer->agent].held[framework][role], offer->resources));
    VEC_PUSH(&book->offers, (struct plain_offer){framework, (uint32_t)role, offer->agent, false,
                                                 resources_copy(offer->resources)});
}

/* No more is out than what is still asked for. */
static void check_demand(const struct book *book) {
    for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++) {
        const struct plain_client *client = &book->frameworks[i / ROLES].clients[i % ROLES];
        int64_t out = 0;
        VEC_EACH(offer, &book->offers)
            if (offer->framework == i / ROLES && offer->role == i % ROLES && !offer->is_old)
                out += cpus_of(book, &offer->resources);
        if (client->has_demand && client->left != ALLOCATOR_COUNT_ENDLESS)
            assert_true(out <= (int64_t)client->left * client->cpus * 1000);
    }
}

static void allocate(struct book *book, size_t budget) {
    int64_t room = headroom(book), used[ROLES];
    for (size_t role = 0; role < ROLES; role++)
        used[role] = consumed(book, role);

    allocator_allocate(book->world->allocator, book->world->now_ms, budget, note, book);

    int64_t left = headroom(book);
    if (book->has_quota)
        assert_true(left >= 0 || left >= room);
    for (size_t role = 0; book->has_quota && role < ROLES; role++) {
        int64_t now = consumed(book, role);
        assert_true(now <= book->limit[role] || now <= used[role]);
    }
}

/* --- agreeing --- */

static void check_agents(const struct book *book) {
    struct allocator *allocator = book->world->allocator;
    for (uint32_t agent = 1; agent <= AGENTS; agent++) {
        const struct resources *total = allocator_agent_total(allocator, agent);
        assert_true((total != NULL) == book->agents[agent].is_there);
        if (total == NULL)
            continue;
        AUTO_FINI(resources_fini) struct resources free = free_of(book, agent);
        assert_true(resources_equal(total, &book->agents[agent].total));
        assert_true(resources_equal(allocator_agent_free(allocator, agent), &free));
    }
    world_check(book->world);
}

static bool is_earmarked(const struct book *book, uint32_t agent) {
    struct allocator_earmark earmarks[AGENTS];
    size_t count = allocator_earmarks(book->world->allocator, earmarks, AGENTS);
    for (size_t i = 0; i < count && i < AGENTS; i++) {
        if (earmarks[i].agent == agent)
            return true;
    }
    return false;
}

static void check_pair(struct book *book, uint32_t framework, size_t role, uint32_t agent,
                       bool is_settled) {
    struct allocator_wish wish;
    enum allocator_reason reason =
        world_reason(book->world, framework + 1, book->roles[role], agent);
    assert_true(allocator_explain(book->world->allocator, framework + 1, book->roles[role],
                                  SIZE_MAX, &wish, NULL, NULL));
    /* A claim that grew since it was asked for is seen with the next change there. */
    if (is_settled && wish.wants && reason == ALLOCATOR_FITS && !is_earmarked(book, agent))
        fail_msg("framework %u in role %zu fits on agent %u and is not offered it", framework + 1,
                 role, agent);
    if (book->has_quota || is_earmarked(book, agent) || !wish.wants || reason == ALLOCATOR_HOARDS)
        return;
    bool fits = fits_plainly(book, framework, role, agent);
    if (fits != (reason == ALLOCATOR_FITS))
        fail_msg("framework %u in role %zu on agent %u: the book says %d, the verdict is %s",
                 framework + 1, role, agent, fits, allocator_reason_text(reason));
}

static void check_pairs(struct book *book, bool is_settled) {
    for (uint32_t framework = 0; framework < FRAMEWORKS; framework++)
        for (size_t role = 0; role < ROLES; role++)
            for (uint32_t agent = 1; agent <= AGENTS && wants(book, framework, role); agent++)
                if (book->agents[agent].is_there)
                    check_pair(book, framework, role, agent, is_settled);
}

/* --- steps --- */

static bool flip(struct book *book) {
    return rng_below(&book->rng, 2) == 0;
}

static struct resources random_total(struct book *book) {
    struct resources set =
        world_set((int64_t)rng_below(&book->rng, 9), (int64_t)rng_below(&book->rng, 200));
    for (size_t i = 0; i < 4; i++)
        if (rng_below(&book->rng, 3) == 0)
            assert_true(resources_put_scalar(&set, book->kinds[i],
                                             1000 * (int64_t)rng_below(&book->rng, 5), NULL));
    return set;
}

static void drop_of_agent(struct book *book, uint32_t agent) {
    for (size_t i = book->offers.count; i-- > 0;) {
        if (book->offers.items[i].agent != agent)
            continue;
        resources_fini(&book->offers.items[i].resources);
        VEC_REMOVE(&book->offers, i);
    }
    for (size_t i = book->filters.count; i-- > 0;) {
        if (book->filters.items[i].agent != agent)
            continue;
        resources_fini(&book->filters.items[i].refused);
        VEC_REMOVE(&book->filters, i);
    }
}

static void change_agent(struct book *book) {
    uint32_t agent = 1 + (uint32_t)rng_below(&book->rng, AGENTS);
    struct plain_agent *one = &book->agents[agent];
    struct allocator *allocator = book->world->allocator;
    if (!one->is_there) {
        one->is_there = one->is_active = true;
        one->traits = (uint32_t)rng_below(&book->rng, 4);
        resources_fini(&one->total);
        one->total = random_total(book);
        allocator_add_agent(allocator, agent, &one->total, one->traits);
    } else if (flip(book)) {
        one->is_active = flip(book);
        allocator_activate_agent(allocator, agent, one->is_active);
    } else {
        drop_of_agent(book, agent);
        for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
            resources_clear(&one->held[i / ROLES][i % ROLES]);
        one->is_there = false;
        allocator_remove_agent(allocator, agent);
    }
}

static void end_filters(struct book *book, uint32_t framework, size_t role) {
    for (size_t i = book->filters.count; i-- > 0;) {
        if (book->filters.items[i].framework != framework || book->filters.items[i].role != role)
            continue;
        resources_fini(&book->filters.items[i].refused);
        VEC_REMOVE(&book->filters, i);
    }
}

static void set_roles(struct book *book, uint32_t framework, bool is_new) {
    struct plain_framework *one = &book->frameworks[framework];
    uint32_t roles[ROLES];
    bool is_fresh[ROLES];
    size_t count = 0;
    for (size_t role = 0; role < ROLES; role++) {
        struct plain_client *client = &one->clients[role];
        bool is_in = flip(book);
        if (is_in)
            roles[count++] = book->roles[role];
        else
            end_filters(book, framework, role);
        is_fresh[role] = is_in && !client->is_subscribed;
        client->is_subscribed = is_in;
        client->is_suppressed = is_in && !is_new && client->is_suppressed;
    }
    one->traits = (flip(book) ? FRAMEWORK_HAS_MANY_ROLES : 0) |
                  (flip(book) ? FRAMEWORK_TAKES_REVOCABLE : 0) | FRAMEWORK_TAKES_REFINED;
    if (is_new)
        allocator_add_framework(book->world->allocator, framework + 1, roles, count, one->traits);
    else
        allocator_update_framework(book->world->allocator, framework + 1, roles, count,
                                   one->traits);
    /* Whether demand outlives a role that is left depends on what is held: here it never does. */
    for (size_t role = 0; role < ROLES; role++) {
        if (!is_fresh[role])
            continue;
        one->clients[role].has_demand = false;
        allocator_set_demand(book->world->allocator, framework + 1, book->roles[role], NULL, 0,
                             false);
    }
}

static void demand(struct book *book, uint32_t framework, size_t role) {
    struct plain_client *client = &book->frameworks[framework].clients[role];
    if (!client->is_subscribed)
        return;
    client->has_demand = rng_below(&book->rng, 3) > 0;
    client->cpus = 1 + (int64_t)rng_below(&book->rng, 4);
    client->left = flip(book) ? ALLOCATOR_COUNT_ENDLESS : 1 + rng_below(&book->rng, 5);
    VEC_EACH(offer, &book->offers)
        if (offer->framework == framework && offer->role == role)
            offer->is_old = true;
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_add(&shape, NAME_CPUS, client->cpus * 1000);
    const struct allocator_request request = {.shape = &shape, .count = client->left};
    allocator_set_demand(book->world->allocator, framework + 1, book->roles[role], &request, 1,
                         client->has_demand);
}

static void change_framework(struct book *book) {
    uint32_t framework = (uint32_t)rng_below(&book->rng, FRAMEWORKS);
    struct plain_framework *one = &book->frameworks[framework];
    size_t role = rng_below(&book->rng, ROLES);
    struct allocator *allocator = book->world->allocator;
    bool was_active;
    if (!one->is_known) {
        one->is_known = one->is_active = true;
        set_roles(book, framework, true);
        return;
    }
    switch (rng_below(&book->rng, 6)) {
    case 0: set_roles(book, framework, false); break;
    case 1:
        was_active = one->is_active;
        one->is_active = flip(book);
        for (size_t i = 0; was_active && !one->is_active && i < ROLES; i++)
            end_filters(book, framework, i);
        allocator_activate_framework(allocator, framework + 1, one->is_active);
        break;
    case 2:
        one->clients[role].is_suppressed = one->clients[role].is_subscribed;
        allocator_suppress(allocator, framework + 1, book->roles[role]);
        break;
    case 3:
        one->clients[role].is_suppressed = false;
        end_filters(book, framework, role);
        allocator_revive(allocator, framework + 1, book->roles[role]);
        break;
    default: demand(book, framework, role); break;
    }
}

static void refuse(struct book *book, const struct plain_offer *offer) {
    const struct plain_client *client = &book->frameworks[offer->framework].clients[offer->role];
    size_t count = 0;
    VEC_EACH(filter, &book->filters)
        count += filter->framework == offer->framework && filter->role == offer->role &&
                 filter->agent == offer->agent && filter->until_ms > book->world->now_ms;
    if (count == FILTERS || !client->is_subscribed)
        return;
    int64_t until_ms = book->world->now_ms + 1 + (int64_t)rng_below(&book->rng, 60);
    VEC_PUSH(&book->filters, (struct plain_filter){offer->framework, offer->role, offer->agent,
                                                   until_ms, resources_copy(&offer->resources)});
    allocator_refuse(book->world->allocator, offer->framework + 1, book->roles[offer->role],
                     offer->agent, &offer->resources, until_ms);
}

/* Nothing but cpus, and no more than the request's. */
static bool is_one_task(const struct book *book, const struct resources *set, int64_t cpus) {
    AUTO_FINI(resources_fini) struct resources task = resources_copy(set);
    resources_drop(&task, KIND_IS_PERSISTENT);
    return resources_quantity_milli(&task, book->world->kinds, NAME_MEM) == 0 &&
           cpus_of(book, &task) <= cpus * 1000;
}

/* An offer is launched whole, or given back and perhaps refused; tasks of the past end. */
static void answer(struct book *book) {
    if (book->offers.count == 0)
        return;
    size_t at = rng_below(&book->rng, book->offers.count);
    struct plain_offer offer = book->offers.items[at];
    struct allocator *allocator = book->world->allocator;
    uint32_t role = book->roles[offer.role];
    VEC_REMOVE(&book->offers, at);
    if (!offer.is_old && rng_below(&book->rng, 3) == 0) {
        struct plain_client *client = &book->frameworks[offer.framework].clients[offer.role];
        allocator_note_launch(allocator, offer.framework + 1, role, offer.agent, &offer.resources);
        if (client->has_demand && client->left != ALLOCATOR_COUNT_ENDLESS && client->left > 0 &&
            is_one_task(book, &offer.resources, client->cpus))
            client->left--;
    } else {
        if (flip(book))
            refuse(book, &offer);
        assert_true(
            allocator_recover(allocator, offer.framework + 1, role, offer.agent, &offer.resources));
        assert_true(resources_subtract(&book->agents[offer.agent].held[offer.framework][offer.role],
                                       &offer.resources));
    }
    enum allocator_offer_end how = ALLOCATOR_OFFER_ANSWERED;
    if (rng_below(&book->rng, 4) == 0)
        how = flip(book) ? ALLOCATOR_OFFER_RAN_OUT : ALLOCATOR_OFFER_RESCINDED;
    allocator_note_offer_end(allocator, offer.framework + 1, role, offer.agent, how);
    resources_fini(&offer.resources);
}

/* What is held and not offered: a task's, which ends. */
static void end_task(struct book *book) {
    uint32_t agent = 1 + (uint32_t)rng_below(&book->rng, AGENTS);
    uint32_t framework = (uint32_t)rng_below(&book->rng, FRAMEWORKS);
    size_t role = rng_below(&book->rng, ROLES);
    if (!book->agents[agent].is_there)
        return;
    struct resources *held = &book->agents[agent].held[framework][role];
    AUTO_FINI(resources_fini) struct resources task = resources_copy(held);
    VEC_EACH(offer, &book->offers)
        if (offer->agent == agent && offer->framework == framework && offer->role == role)
            resources_subtract_common(&task, &offer->resources);
    assert_true(
        allocator_recover(book->world->allocator, framework + 1, book->roles[role], agent, &task));
    assert_true(resources_subtract(held, &task));
}

/* Free cpus are reserved to `a`, or are not any more. */
static void convert(struct book *book) {
    uint32_t agent = 1 + (uint32_t)rng_below(&book->rng, AGENTS);
    AUTO_FINI(resources_fini) struct resources plain = world_set(1, 0);
    AUTO_FINI(resources_fini) struct resources reserved = {0};
    assert_true(resources_put_scalar(&reserved, book->kinds[0], 1000, NULL));
    bool is_reserve = flip(book);
    const struct resources *from = is_reserve ? &plain : &reserved;
    const struct resources *to = is_reserve ? &reserved : &plain;
    bool was_free = false;
    if (book->agents[agent].is_there) {
        AUTO_FINI(resources_fini) struct resources free = free_of(book, agent);
        was_free = resources_contains(&free, from);
    }
    assert_true(allocator_convert(book->world->allocator, 0, ROLE_ANY, agent, from, to) ==
                was_free);
    if (!was_free)
        return;
    resources_subtract_common(&book->agents[agent].total, from);
    assert_true(resources_add(&book->agents[agent].total, to));
}

static void set_quota(struct book *book) {
    size_t role = rng_below(&book->rng, ROLES);
    book->guarantee[role] = flip(book) ? 1000 * (int64_t)rng_below(&book->rng, 8) : 0;
    book->limit[role] =
        flip(book) ? book->guarantee[role] + 1000 * (int64_t)rng_below(&book->rng, 8) : INT64_MAX;
    const struct quota_line line = {NAME_CPUS, book->guarantee[role], book->limit[role]};
    allocator_set_quota(book->world->allocator, book->roles[role], &line, 1);
}

static void step(struct book *book) {
    switch (rng_below(&book->rng, 16)) {
    case 0: change_agent(book); break;
    case 1:
    case 2: change_framework(book); break;
    case 3: convert(book); break;
    case 4:
    case 5: end_task(book); break;
    case 6:
    case 7:
    case 8:
    case 9: answer(book); break;
    case 10:
        if (book->has_quota)
            set_quota(book);
        break;
    case 11:
        allocator_set_weight(book->world->allocator, book->roles[rng_below(&book->rng, ROLES)],
                             1 + (int64_t)rng_below(&book->rng, 5000));
        break;
    default: allocate(book, rng_below(&book->rng, 12)); break;
    }
    book->world->now_ms += (int64_t)rng_below(&book->rng, 4);
}

static void settle(struct book *book) {
    do
        allocate(book, 50);
    while (allocator_deadline_ms(book->world->allocator) <= book->world->now_ms);
    check_pairs(book, true);
}

static uint32_t cpus_kind(struct book *book, const char *role, bool is_revocable) {
    const struct reservation reservation = {.type = RESERVATION_STATIC, .role = text_of(role)};
    const struct kind_info info = {.name = TEXT("cpus"),
                                   .reservations = &reservation,
                                   .reservation_count = role != NULL,
                                   .is_revocable = is_revocable};
    uint32_t kind;
    assert_true(kinds_intern(book->world->kinds, &info, &kind, NULL));
    return kind;
}

static struct book *book_new(const struct mesos_allocator *policy, struct rng *rng) {
    struct book *book = NEW(struct book);
    struct world *world = book->world = world_new(policy);
    book->rng = rng_of(rng_next(rng));
    book->roles[0] = ROLE_ANY;
    book->roles[1] = world_role(world, "a");
    book->roles[2] = world_role(world, "a/x");
    book->roles[3] = world_role(world, "b");
    book->kinds[0] = cpus_kind(book, "a", false);
    book->kinds[1] = cpus_kind(book, "a/x", false);
    book->kinds[2] = cpus_kind(book, NULL, true);
    const struct reservation reservation = {.type = RESERVATION_DYNAMIC, .role = TEXT("a")};
    const struct kind_info volume = {.name = TEXT("disk"),
                                     .reservations = &reservation,
                                     .reservation_count = 1,
                                     .has_disk = true,
                                     .disk = {.persistence_id = TEXT("v")}};
    assert_true(kinds_intern(world->kinds, &volume, &book->kinds[3], NULL));
    book->has_quota = flip(book);
    book->has_earmarks = flip(book);
    if (!book->has_earmarks)
        allocator_set_earmark_limit(world->allocator, 0);
    else
        allocator_set_earmark_limit(world->allocator, 40);
    if (flip(book))
        allocator_set_half_life(world->allocator, 2000);
    for (size_t role = 0; role < ROLES; role++)
        book->limit[role] = INT64_MAX;
    return book;
}

static void book_free(struct book *book) {
    for (uint32_t agent = 1; agent <= AGENTS; agent++) {
        resources_fini(&book->agents[agent].total);
        for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
            resources_fini(&book->agents[agent].held[i / ROLES][i % ROLES]);
    }
    VEC_EACH(filter, &book->filters)
        resources_fini(&filter->refused);
    VEC_EACH(offer, &book->offers)
        resources_fini(&offer->resources);
    VEC_FINI(&book->filters);
    VEC_FINI(&book->offers);
    world_free(book->world);
    mem_free(book);
}

static void live(const struct mesos_allocator *policy) {
    struct rng rng = rng_for_test();
    for (int history = 0; history < HISTORIES; history++) {
        struct book *book = book_new(policy, &rng);
        for (int i = 0; i < STEPS; i++) {
            step(book);
            check_agents(book);
            check_demand(book);
            if (i % 10 == 9)
                settle(book);
        }
        book_free(book);
    }
}

TEST(with_hdrf_the_allocator_and_the_plain_book_agree_whatever_happens) {
    live(&allocator_hdrf);
}

TEST(with_drf_the_allocator_and_the_plain_book_agree_whatever_happens) {
    live(&allocator_drf);
}

TEST(with_random_the_allocator_and_the_plain_book_agree_whatever_happens) {
    live(&allocator_random);
}
