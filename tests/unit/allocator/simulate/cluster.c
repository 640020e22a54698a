#include "tests/unit/allocator/simulate/cluster.h"

#include "common/model/value_text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

/* --- drawing --- */

static const uint32_t names[] = {NAME_CPUS, NAME_MEM, NAME_GPUS};

static uint64_t between(struct rng *rng, uint64_t least, uint64_t most) {
    return least + rng_below(rng, most - least + 1);
}

/* Small ones as likely as large ones. */
static uint64_t sized(struct rng *rng, uint64_t most) {
    uint64_t roof = most;
    while (roof > 1 && rng_below(rng, 3) == 0)
        roof = (roof + 3) / 4;
    return between(rng, 1, roof);
}

static void draw_agents(struct rng *rng, size_t limit, size_t name_count, struct scenario *out) {
    uint64_t left = sized(rng, limit);
    for (uint64_t groups = between(rng, 1, 4); groups > 0 && left > 0; groups--) {
        struct scenario_agents agents = {.count = groups == 1 ? left : between(rng, 1, left)};
        left -= agents.count;
        for (size_t j = 0; j < name_count; j++) {
            int64_t amount = (int64_t)between(rng, 1, 24) * 1000;
            if (j == 0 || rng_below(rng, 5) > 0)
                quantities_add(&agents.resources, names[j], amount);
        }
        VEC_PUSH(&out->agents, agents);
    }
}

static int64_t draw_weight(struct rng *rng) {
    static const int64_t weights[] = {1000, 1000, 1000, 1000, 2000, 3000, 500, 100, 8000};
    return weights[rng_below(rng, sizeof(weights) / sizeof(weights[0]))];
}

/* One to three components, few of each, so that roles meet. */
static uint32_t draw_role(struct rng *rng, struct scenario *out) {
    char path[32];
    uint32_t role;
    int size = snprintf(path, sizeof(path), "r%d", (int)rng_below(rng, 4));
    for (int depth = (int)rng_below(rng, 3); depth > 0; depth--)
        size += snprintf(path + size, sizeof(path) - (size_t)size, "/%c",
                         (char)('a' + (char)rng_below(rng, 3)));
    bool ok = kinds_intern_role(out->kinds, text_of(path), &role, NULL);
    assert(ok);
    for (uint32_t at = role; at != ROLE_NONE; at = kinds_role_parent(out->kinds, at)) {
        bool is_known = false;
        VEC_EACH(known, &out->roles)
            is_known = is_known || known->role == at;
        if (!is_known)
            VEC_PUSH(&out->roles,
                     (struct scenario_role){.role = at, .weight_milli = draw_weight(rng)});
    }
    return role;
}

static void draw_task(struct rng *rng, const struct quantities *capacity, struct quantities *out) {
    int64_t times = rng_below(rng, 4) == 0 ? 10 : 1;
    while (out->count == 0) {
        for (size_t j = 0; j < capacity->count; j++) {
            int64_t amount = (int64_t)between(rng, 1, 8) * 250 * times;
            if (rng_below(rng, 3) > 0)
                quantities_add(out, capacity->items[j].name, amount);
        }
    }
}

static void draw_framework(struct rng *rng, const struct quantities *capacity,
                           struct scenario *out) {
    char name[16];
    struct scenario_framework framework = {.role = draw_role(rng, out),
                                           .weight_milli = draw_weight(rng),
                                           .tasks = ALLOCATOR_COUNT_ENDLESS};
    snprintf(name, sizeof(name), "f%zu", out->frameworks.count + 1);
    framework.name = mem_dup_string(name);
    draw_task(rng, capacity, &framework.task);
    if (rng_below(rng, 8) == 0)
        framework.tasks = sized(rng, 64);
    if (rng_below(rng, 3) == 0)
        framework.joins_at = between(rng, 1, out->churn_steps);
    VEC_PUSH(&out->frameworks, framework);
}

void cluster_draw(struct rng *rng, size_t agents_limit, size_t leaves_limit, struct scenario *out) {
    AUTO_FINI(quantities_fini) struct quantities capacity = {0};
    scenario_init(out);
    out->seed = rng_next(rng) >> 1;
    out->churn_steps = 200;
    draw_agents(rng, agents_limit, between(rng, 1, 3), out);
    scenario_capacity(out, &capacity);
    for (uint64_t leaves = between(rng, 2, leaves_limit); leaves > 0; leaves--)
        draw_framework(rng, &capacity, out);
}

/* --- judging --- */

enum { LEVELS_LIMIT = SCENARIO_DEPTH_LIMIT + 2 };

/* A role, a role's own frameworks together, or a leaf. */
struct place {
    uint32_t role;
    bool is_own;   /* the virtual child that holds the role's frameworks, or one of these */
    size_t leaf;   /* SIZE_MAX: none */
    double weight; /* among its siblings */
    struct quantities held;
    bool wants;
    size_t parent; /* SIZE_MAX: the root */
    double share, guaranteed;
};

struct judge {
    struct simulation *simulation;
    const struct scenario *scenario;
    struct quantities capacity;
    VEC_OF(struct place) places; /* parents first */
    struct standing *standings;
    size_t (*paths)[LEVELS_LIMIT]; /* of each leaf, from the top */
};

static double dominant(const struct judge *judge, const struct quantities *amounts) {
    double most = 0;
    for (size_t i = 0; i < amounts->count; i++) {
        double all = (double)quantities_milli(&judge->capacity, amounts->items[i].name);
        most = fmax(most, (double)amounts->items[i].milli / all);
    }
    return most;
}

static double weight_of(const struct scenario *scenario, uint32_t role) {
    VEC_EACH(listed, &scenario->roles) {
        if (listed->role == role)
            return (double)listed->weight_milli;
    }
    return 1000;
}

static size_t place_get(struct judge *judge, struct place wanted) {
    for (size_t i = 0; i < judge->places.count; i++) {
        const struct place *place = &judge->places.items[i];
        if (place->role == wanted.role && place->is_own == wanted.is_own &&
            place->leaf == wanted.leaf)
            return i;
    }
    VEC_PUSH(&judge->places, wanted);
    return judge->places.count - 1;
}

static size_t role_place(struct judge *judge, uint32_t role) {
    uint32_t above = kinds_role_parent(judge->scenario->kinds, role);
    size_t parent = above != ROLE_NONE ? role_place(judge, above) : SIZE_MAX;
    return place_get(judge, (struct place){.role = role,
                                           .leaf = SIZE_MAX,
                                           .weight = weight_of(judge->scenario, role),
                                           .parent = parent});
}

static void add_leaf(struct judge *judge, size_t index) {
    const struct scenario_framework *leaf = &judge->scenario->frameworks.items[index];
    struct standing *standing = &judge->standings[index];
    AUTO_FINI(quantities_fini) struct quantities held = {0};
    for (size_t i = 0; i < leaf->task.count; i++)
        quantities_add(&held, leaf->task.items[i].name,
                       leaf->task.items[i].milli *
                           (int64_t)simulation_running(judge->simulation, index));
    size_t role = role_place(judge, leaf->role);
    size_t own = place_get(
        judge,
        (struct place){
            .role = leaf->role, .is_own = true, .leaf = SIZE_MAX, .weight = 1000, .parent = role});
    size_t last = place_get(judge, (struct place){.role = leaf->role,
                                                  .is_own = true,
                                                  .leaf = index,
                                                  .weight = (double)leaf->weight_milli,
                                                  .parent = own});
    int depth = 0;
    for (size_t at = last; at != SIZE_MAX; at = judge->places.items[at].parent) {
        struct place *place = &judge->places.items[at];
        quantities_add_all(&place->held, &held, 1);
        place->wants = place->wants || simulation_wants(judge->simulation, index);
        depth++;
    }
    for (size_t at = last, level = (size_t)depth; at != SIZE_MAX;
         at = judge->places.items[at].parent)
        judge->paths[index][--level] = at;
    standing->levels = depth - 1; /* the virtual child is none */
}

static void reckon_places(struct judge *judge) {
    VEC_EACH(place, &judge->places) {
        double sum = place->weight;
        VEC_EACH(other, &judge->places) {
            if (other != place && other->parent == place->parent && other->wants)
                sum += other->weight;
        }
        place->share = dominant(judge, &place->held);
        place->guaranteed = place->weight / sum;
        if (place->parent != SIZE_MAX)
            place->guaranteed *= judge->places.items[place->parent].guaranteed;
    }
}

/* How many of its tasks all agents could hold, were they empty. */
static double tasks_packed(const struct scenario *scenario, const struct quantities *task) {
    double all = 0;
    VEC_EACH(agents, &scenario->agents) {
        int64_t least = INT64_MAX;
        for (size_t i = 0; i < task->count; i++) {
            int64_t has = quantities_milli(&agents->resources, task->items[i].name);
            int64_t tasks = has / task->items[i].milli;
            least = tasks < least ? tasks : least;
        }
        all += (double)agents->count * (double)least;
    }
    return all;
}

static const double slack = 1e-9;

static bool is_below(const struct standing *leaf, const struct place *branch) {
    return branch->share + leaf->task * leaf->levels < branch->guaranteed - slack;
}

static void stand(struct judge *judge, size_t index) {
    struct standing *one = &judge->standings[index];
    int last = one->levels;
    const struct place *leaf = &judge->places.items[judge->paths[index][last]];
    one->wants = leaf->wants;
    double packed = tasks_packed(judge->scenario, &judge->scenario->frameworks.items[index].task);
    one->may_fit = packed > 0;
    one->task = dominant(judge, &judge->scenario->frameworks.items[index].task);
    one->share = leaf->share;
    one->guaranteed = leaf->guaranteed;
    one->packable = packed * one->task;
    one->is_below = one->wants && one->may_fit && is_below(one, leaf);
    one->is_poor = one->is_below &&
                   one->share + one->task * one->levels < one->guaranteed * one->packable - slack;
}

/* Whether `high` has what `low` should have. */
static bool is_above(const struct judge *judge, size_t high, size_t low) {
    int level = 0;
    while (judge->paths[high][level] == judge->paths[low][level])
        level++;
    const struct place *rich = &judge->places.items[judge->paths[high][level]];
    const struct place *poor = &judge->places.items[judge->paths[low][level]];
    /* Who would be below its own guarantee with a task less need not give way, even if its role has
     * too much: a leaf's guarantee holds against everybody, and what siblings that want nothing
     * more hold is not taken off it, so that the leaves of a role may be due more than the role. */
    const struct standing *own = &judge->standings[high];
    if (own->share - own->task < own->guaranteed - slack)
        return false;
    return rich->share - judge->standings[high].task > rich->guaranteed + slack &&
           is_below(&judge->standings[low], poor);
}

/* What the agent would have free for `low` did those above it give all back. */
static bool would_fit(const struct judge *judge, uint32_t agent, size_t low) {
    AUTO_FINI(quantities_fini) struct quantities held = {0};
    AUTO_FINI(quantities_fini) struct quantities room = {0};
    struct allocator *allocator = simulation_allocator(judge->simulation);
    quantities_of(allocator_agent_free(allocator, agent), judge->scenario->kinds, true, &room);
    for (size_t i = 0; i < judge->scenario->frameworks.count; i++) {
        uint32_t role = judge->scenario->frameworks.items[i].role;
        if (i == low || simulation_running(judge->simulation, i) == 0 || !is_above(judge, i, low))
            continue;
        const struct resources *set = allocator_held(allocator, (uint32_t)i + 1, role, agent);
        if (set == NULL)
            continue;
        quantities_of(set, judge->scenario->kinds, true, &held);
        quantities_add_all(&room, &held, 1);
    }
    return quantities_contain(&room, &judge->scenario->frameworks.items[low].task);
}

void cluster_judge(struct simulation *simulation, const struct scenario *scenario,
                   struct standing *out) {
    struct judge judge = {.simulation = simulation, .scenario = scenario, .standings = out};
    size_t count = scenario->frameworks.count;
    judge.paths = mem_alloc_array(count, sizeof(*judge.paths));
    scenario_capacity(scenario, &judge.capacity);
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct standing){0};
        add_leaf(&judge, i);
    }
    reckon_places(&judge);
    for (size_t i = 0; i < count; i++)
        stand(&judge, i);
    uint64_t agents = scenario_agent_count(scenario);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t agent = 1; out[i].is_poor && !out[i].is_kept_out && agent <= agents; agent++)
            out[i].is_kept_out = would_fit(&judge, agent, i);
    }
    VEC_EACH(place, &judge.places)
        quantities_fini(&place->held);
    VEC_FINI(&judge.places);
    quantities_fini(&judge.capacity);
    mem_free(judge.paths);
}

/* --- telling --- */

static void print_amounts(const struct scenario *scenario, const struct quantities *amounts,
                          struct buf *out) {
    buf_append_byte(out, '{');
    for (size_t i = 0; i < amounts->count; i++) {
        struct text name = kinds_name_text(scenario->kinds, amounts->items[i].name);
        buf_printf(out, "%s\"%.*s\": ", i > 0 ? ", " : "", TEXT_ARGS(name));
        milli_print(amounts->items[i].milli, out);
    }
    buf_append_byte(out, '}');
}

static void print_framework(const struct scenario *scenario, size_t index, struct buf *out) {
    const struct scenario_framework *one = &scenario->frameworks.items[index];
    buf_printf(out,
               "%s\n  {\"name\": \"%s\", \"role\": \"%.*s\", \"weight\": ", index > 0 ? "," : "",
               one->name, TEXT_ARGS(kinds_role_text(scenario->kinds, one->role)));
    milli_print(one->weight_milli, out);
    buf_append_string(out, ", \"task\": ");
    print_amounts(scenario, &one->task, out);
    if (one->tasks != ALLOCATOR_COUNT_ENDLESS)
        buf_printf(out, ", \"tasks\": %llu", (unsigned long long)one->tasks);
    buf_printf(out, ", \"joins_at\": %llu}", (unsigned long long)one->joins_at);
}

void cluster_print(const struct scenario *scenario, struct buf *out) {
    buf_printf(out, "{\"policy\": \"%s\", \"seed\": %llu,\n\"agents\": [", scenario->policy->name,
               (unsigned long long)scenario->seed);
    for (size_t i = 0; i < scenario->agents.count; i++) {
        buf_printf(out, "%s\n  {\"count\": %llu, \"resources\": ", i > 0 ? "," : "",
                   (unsigned long long)scenario->agents.items[i].count);
        print_amounts(scenario, &scenario->agents.items[i].resources, out);
        buf_append_byte(out, '}');
    }
    buf_append_string(out, "],\n\"roles\": [");
    for (size_t i = 0; i < scenario->roles.count; i++) {
        buf_printf(out, "%s\n  {\"name\": \"%.*s\", \"weight\": ", i > 0 ? "," : "",
                   TEXT_ARGS(kinds_role_text(scenario->kinds, scenario->roles.items[i].role)));
        milli_print(scenario->roles.items[i].weight_milli, out);
        buf_append_byte(out, '}');
    }
    buf_append_string(out, "],\n\"frameworks\": [");
    for (size_t i = 0; i < scenario->frameworks.count; i++)
        print_framework(scenario, i, out);
    buf_printf(out, "],\n\"churn\": {\"steps\": %llu}}\n",
               (unsigned long long)scenario->churn_steps);
}

/* --- shrinking --- */

struct shrinking {
    struct scenario *scenario;
    cluster_fails *fails;
    void *self;
    bool has_shrunk;
};

static bool still_fails(struct shrinking *shrinking) {
    bool fails = scenario_check(shrinking->scenario, NULL) &&
                 shrinking->fails(shrinking->scenario, shrinking->self);
    shrinking->has_shrunk = shrinking->has_shrunk || fails;
    return fails;
}

/* Tries a number of one field, and takes it back when that was too much. */
#define TRY(shrinking, field, value)                                                               \
    ({                                                                                             \
        __auto_type old_ = (field);                                                                \
        (field) = (value);                                                                         \
        bool kept_ = old_ != (field) && still_fails(shrinking);                                    \
        if (!kept_)                                                                                \
            (field) = old_;                                                                        \
        kept_;                                                                                     \
    })

/* Tries to do without one element: it is moved to the end and cut off. */
#define TRY_WITHOUT(shrinking, vec, index, fini)                                                   \
    ({                                                                                             \
        __auto_type list_ = (vec);                                                                 \
        __auto_type cut_ = list_->items[index];                                                    \
        VEC_REMOVE(list_, index);                                                                  \
        bool gone_ = still_fails(shrinking);                                                       \
        if (gone_) {                                                                               \
            fini;                                                                                  \
        } else {                                                                                   \
            VEC_PUSH(list_, cut_);                                                                 \
            memmove(list_->items + (index) + 1, list_->items + (index),                            \
                    (list_->count - 1 - (index)) * sizeof(cut_));                                  \
            list_->items[index] = cut_;                                                            \
        }                                                                                          \
        gone_;                                                                                     \
    })

static void shrink_once(struct shrinking *shrinking) {
    struct scenario *scenario = shrinking->scenario;
    for (size_t i = scenario->frameworks.count; i-- > 0;)
        TRY_WITHOUT(shrinking, &scenario->frameworks, i,
                    (mem_free(cut_.name), quantities_fini(&cut_.task)));
    for (size_t i = scenario->agents.count; i-- > 0;)
        TRY_WITHOUT(shrinking, &scenario->agents, i, quantities_fini(&cut_.resources));
    for (size_t i = scenario->roles.count; i-- > 0;)
        TRY_WITHOUT(shrinking, &scenario->roles, i, VEC_FINI(&cut_.quota));
    VEC_EACH(agents, &scenario->agents) {
        while (TRY(shrinking, agents->count, agents->count / 2))
            continue;
        TRY(shrinking, agents->count, agents->count - 1);
    }
    VEC_EACH(framework, &scenario->frameworks) {
        TRY(shrinking, framework->weight_milli, 1000);
        TRY(shrinking, framework->joins_at, 0);
        TRY(shrinking, framework->tasks, ALLOCATOR_COUNT_ENDLESS);
        for (uint32_t up; (up = kinds_role_parent(scenario->kinds, framework->role)) != ROLE_NONE;)
            if (!TRY(shrinking, framework->role, up))
                break;
    }
}

void cluster_shrink(struct scenario *scenario, cluster_fails *fails, void *self) {
    struct shrinking shrinking = {.scenario = scenario, .fails = fails, .self = self};
    do {
        shrinking.has_shrunk = false;
        shrink_once(&shrinking);
    } while (shrinking.has_shrunk);
}
