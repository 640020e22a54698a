#include "tests/sim/operator.h"

#include "common/model/kinds.h"
#include "master/core/role_book.h"
#include "tests/sim/shells.h"

const char *const operator_roles[] = {"blue", "blue/sky", "red", "red/wine/dark", "green"};

enum { ASKS_LIMIT = 1000, PATIENCE_MS = 3000 };

/* One value of what a role may have; a role's weight and its quota change one at a time. */
struct wish {
    bool is_quota;
    int64_t weight_milli;
    bool has_quota;
    int64_t guarantee_milli, limit_milli; /* of cpus */
};

struct ask {
    uint64_t request;
    size_t role;
    struct wish wish;
};

/* What was answered, and what was asked since and may have come to be. */
struct known_role {
    struct wish weight, quota;
    VEC_OF(struct wish) maybe;
};

struct operator{
    struct world *world;
    struct known_role roles[OPERATOR_ROLES];
    VEC_OF(struct ask) asks;
    uint64_t last_request;
    bool makes_room;
};

struct operator* operator_new(struct world *world) {
    struct operator* operator= NEW(struct operator);
    operator->world = world;
    for (size_t i = 0; i < OPERATOR_ROLES; i++) {
        operator->roles[i].weight =(struct wish){.weight_milli = 1000};
        operator->roles[i].quota =(struct wish){.is_quota = true};
    }
    return operator;
}

void operator_free(struct operator* operator) {
    if (operator== NULL)
        return;
    for (size_t i = 0; i < OPERATOR_ROLES; i++)
        VEC_FINI(&operator->roles[i].maybe);
    VEC_FINI(&operator->asks);
    mem_free(operator);
}

/* --- asking --- */

static void send_ask(struct operator* operator, const struct ask * ask) {
    struct text role = text_of(operator_roles[ask->role]);
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    struct role_weight weight = {role, (double)ask->wish.weight_milli / 1000};
    struct quota_config_line line = {TEXT("cpus"), ask->wish.guarantee_milli,
                                     ask->wish.limit_milli};
    struct role_quota quota = {
        .role = role, .lines = &line, .line_count = ask->wish.has_quota ? 1 : 0};
    event.operator_call.request = ask->request;
    event.operator_call.call.kind =
        ask->wish.is_quota ? OPERATOR_UPDATE_QUOTA : OPERATOR_UPDATE_WEIGHTS;
    if (ask->wish.is_quota) {
        event.operator_call.call.quotas = &quota;
        event.operator_call.call.quota_count = 1;
        event.operator_call.call.force = true;
    } else {
        event.operator_call.call.weights = &weight;
        event.operator_call.call.weight_count = 1;
    }
    master_node_feed(operator->world->master, &event);
}

static void ask_for(struct operator* operator, size_t role, struct wish wish) {
    struct ask ask = {.request = ++operator->last_request, .role = role, .wish = wish};
    if (!operator->world->master->process.is_up || operator->asks.count> ASKS_LIMIT)
        return;
    world_say(operator->world, "ask     #%llu %s of %s", (unsigned long long)ask.request,
              wish.is_quota ? "quota" : "weight", operator_roles[role]);
    VEC_PUSH(&operator->asks, ask);
    VEC_PUSH(&operator->roles[role].maybe, wish);
    send_ask(operator, & ask);
}

static struct wish any_wish(struct world *world) {
    struct wish wish = {.is_quota = world_chance(world, 700)};
    if (!wish.is_quota) {
        wish.weight_milli = world_draw(world, 1, 5000);
        return wish;
    }
    wish.has_quota = !world_chance(world, 250);
    wish.limit_milli = world_chance(world, 600) ? world_draw(world, 0, 6000) : INT64_MAX;
    if (world_chance(world, 600))
        wish.guarantee_milli =
            world_draw(world, 0, wish.limit_milli < 6000 ? wish.limit_milli : 6000);
    if (!wish.has_quota || (wish.guarantee_milli == 0 && wish.limit_milli == INT64_MAX))
        wish = (struct wish){.is_quota = true};
    return wish;
}

static void change_something(void *self, uint64_t argument) {
    struct operator* operator= self;
    struct world *world = operator->world;
    (void)argument;
    if (operator->makes_room)
        return;
    ask_for(operator,(size_t) world_draw(world, 0, OPERATOR_ROLES - 1), any_wish(world));
    world_after(world, world_draw(world, 1000, 40000), change_something, operator, 0);
}

void operator_begin(struct world *world) {
    if (world_chance(world, 600))
        world_after(world, world_draw(world, 0, 10000), change_something, world->operator, 0);
}

/* --- answers --- */

static bool is_same(const struct wish *left, const struct wish *right) {
    return left->is_quota == right->is_quota && left->weight_milli == right->weight_milli &&
           left->has_quota == right->has_quota && left->guarantee_milli == right->guarantee_milli &&
           left->limit_milli == right->limit_milli;
}

/* Answers come in the order of the asks: what was asked before is over. */
static void settle_role(struct known_role *known, const struct wish *wish) {
    size_t kept = 0;
    bool is_past = true;
    for (size_t i = 0; i < known->maybe.count; i++) {
        struct wish *maybe = &known->maybe.items[i];
        bool is_it = is_past && is_same(maybe, wish);
        if (maybe->is_quota != wish->is_quota || !is_past)
            known->maybe.items[kept++] = *maybe;
        is_past = is_past && !is_it;
    }
    known->maybe.count = kept;
    if (wish->is_quota)
        known->quota = *wish;
    else
        known->weight = *wish;
}

/* It does not go with the quota of the roles above or below. */
static void forget_wish(struct known_role *known, const struct wish *wish) {
    for (size_t i = 0; i < known->maybe.count; i++) {
        if (!is_same(&known->maybe.items[i], wish))
            continue;
        VEC_REMOVE(&known->maybe, i);
        return;
    }
}

void operator_answered(struct world *world, uint64_t request, int status) {
    struct operator* operator= world->operator;
    for (size_t i = 0; i < operator->asks.count; i++) {
        struct ask ask = operator->asks.items[i];
        if (ask.request != request)
            continue;
        VEC_REMOVE(&operator->asks, i);
        world_say(world, "answer  #%llu %d", (unsigned long long)request, status);
        if (status == 200)
            settle_role(&operator->roles[ask.role], &ask.wish);
        else if (status == 400 && ask.wish.has_quota)
            forget_wish(&operator->roles[ask.role], &ask.wish);
        else
            world_fail(world, "the operator is refused: %d", status);
        return;
    }
    world_fail(world, "answer #%llu comes twice", (unsigned long long)request);
}

/* --- the end --- */

static bool has_quota(const struct known_role *known) {
    bool has = known->quota.has_quota;
    for (size_t i = 0; i < known->maybe.count; i++)
        has = has || (known->maybe.items[i].is_quota && known->maybe.items[i].has_quota);
    return has;
}

static void make_room(void *self, uint64_t argument) {
    struct operator* operator= self;
    bool is_done = true;
    (void)argument;
    for (size_t i = 0; i < OPERATOR_ROLES; i++) {
        if (!has_quota(&operator->roles[i]))
            continue;
        is_done = false;
        ask_for(operator, i, (struct wish){.is_quota = true});
    }
    if (!is_done)
        world_after(operator->world, PATIENCE_MS, make_room, operator, 0);
}

void operator_make_room(struct world *world) {
    world->operator->makes_room = true;
    make_room(world->operator, 0);
}

bool operator_is_done(const struct world *world, struct buf *why) {
    for (size_t i = 0; i < OPERATOR_ROLES; i++) {
        if (!has_quota(&world->operator->roles[i]))
            continue;
        if (why != NULL)
            buf_printf(why, "quota is left of %s", operator_roles[i]);
        return false;
    }
    return true;
}

/* --- what is in force --- */

static struct wish weight_in_force(const struct master_node *node, uint32_t role) {
    return (struct wish){.weight_milli = role_book_weight_milli(node->core, role)};
}

static struct wish quota_in_force(const struct master_node *node, uint32_t role) {
    size_t count;
    const struct quota_line *lines = role_book_quota(node->core, role, &count);
    if (count == 0)
        return (struct wish){.is_quota = true};
    return (struct wish){.is_quota = true,
                         .has_quota = true,
                         .guarantee_milli = lines[0].guarantee_milli,
                         .limit_milli = lines[0].limit_milli};
}

static void check_value(struct master_node *node, size_t role, const struct wish *settled,
                        const struct wish *in_force) {
    const struct known_role *known = &node->process.world->operator->roles[role];
    if (is_same(settled, in_force))
        return;
    for (size_t i = 0; i < known->maybe.count; i++)
        if (is_same(&known->maybe.items[i], in_force))
            return;
    world_fail(node->process.world, "the %s of %s is not what was answered",
               in_force->is_quota ? "quota" : "weight", operator_roles[role]);
}

void operator_check(struct master_node *node) {
    const struct operator* operator= node->process.world->operator;
    for (size_t i = 0; i < OPERATOR_ROLES; i++) {
        uint32_t role;
        struct wish weight = {.weight_milli = 1000}, quota = {.is_quota = true};
        if (kinds_find_role(node->kinds, text_of(operator_roles[i]), &role)) {
            weight = weight_in_force(node, role);
            quota = quota_in_force(node, role);
        }
        check_value(node, i, &operator->roles[i].weight, &weight);
        check_value(node, i, &operator->roles[i].quota, &quota);
    }
}
