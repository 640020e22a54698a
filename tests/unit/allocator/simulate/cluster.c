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

enum { LEVELS_LIMIT = SCENARIO_DEPTH_LIMIT + 2, NAMES = sizeof(names) / sizeof(names[0]) };

/* A role, a role's own frameworks together, or a leaf. */
struct place {
    uint32_t role;
    bool is_own;   /* the virtual child that holds the role's frameworks, or one of these */
    size_t leaf;   /* SIZE_MAX: none */
    double weight; /* among its siblings */
    bool wants;
    size_t parent;       /* SIZE_MAX: the root */
    double parts[NAMES]; /* of the cluster's resources, what it holds */
    double owed[NAMES];  /* and what it is guaranteed */
};

struct judge {
    struct simulation *simulation;
    const struct scenario *scenario;
    struct quantities capacity;
    VEC_OF(struct place) places; /* parents first */
    struct standing *standings;
    size_t (*paths)[LEVELS_LIMIT]; /* of each leaf, from the top */
    double (*tasks)[NAMES];        /* of each leaf, as parts of the cluster */
};

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
    double running = (double)simulation_running(judge->simulation, index);
    size_t depth = 0;
    for (size_t at = last; at != SIZE_MAX; at = judge->places.items[at].parent) {
        struct place *place = &judge->places.items[at];
        for (size_t j = 0; j < NAMES; j++)
            place->parts[j] += running * judge->tasks[index][j];
        place->wants = place->wants || simulation_wants(judge->simulation, index);
        depth++;
    }
    judge->standings[index].levels = (int)depth - 1; /* the virtual child is none */
    for (size_t at = last; at != SIZE_MAX; at = judge->places.items[at].parent)
        judge->paths[index][--depth] = at;
}

static struct place *place_of_leaf(const struct judge *judge, size_t index) {
    return &judge->places.items[judge->paths[index][judge->standings[index].levels]];
}

/* --- what is guaranteed --- */

/*
 * Of each resource, what a place is guaranteed stands among its children like water: those that
 * want more have the level for their weight, the others what they hold and at most that. All of it
 * is shared out so, and no more than all.
 */
static double level_below(const struct judge *judge, size_t parent, size_t j) {
    double all = parent != SIZE_MAX ? judge->places.items[parent].owed[j] : 1;
    double level = 0;
    for (;;) {
        double left = all, weights = 0;
        VEC_EACH(place, &judge->places) {
            if (place->parent != parent)
                continue;
            if (!place->wants && place->parts[j] < place->weight * level)
                left -= place->parts[j];
            else
                weights += place->weight;
        }
        double then = weights > 0 ? left / weights : INFINITY;
        if (then <= level)
            return level;
        level = then; /* one more child at least is under water, or this is it */
    }
}

static void reckon_places(struct judge *judge) {
    VEC_EACH(place, &judge->places) {
        for (size_t j = 0; j < NAMES; j++)
            place->owed[j] = place->weight * level_below(judge, place->parent, j);
    }
}

/* The parts on the path multiplied, whatever siblings that want nothing hold: what this leaves
 * out makes all of them together more than the cluster. */
static double product(const struct judge *judge, size_t index) {
    double part = 1;
    for (int level = 0; level <= judge->standings[index].levels; level++) {
        const struct place *place = &judge->places.items[judge->paths[index][level]];
        double sum = place->weight;
        VEC_EACH(other, &judge->places) {
            if (other != place && other->parent == place->parent && other->wants)
                sum += other->weight;
        }
        part *= place->weight / sum;
    }
    return part;
}

static bool some_agent_holds(const struct scenario *scenario, const struct quantities *task) {
    VEC_EACH(agents, &scenario->agents) {
        if (quantities_contain(&agents->resources, task))
            return true;
    }
    return false;
}

static const double slack = 1e-9;

/* Whether the leaf has its guarantee with so many tasks more, or less. */
static bool has_its_own(const struct judge *judge, size_t index, double more) {
    const struct place *leaf = place_of_leaf(judge, index);
    for (size_t j = 0; j < NAMES; j++) {
        double task = judge->tasks[index][j];
        if (task > 0 && leaf->parts[j] + more * task >= leaf->owed[j] - slack)
            return true;
    }
    return false;
}

static void stand(struct judge *judge, size_t index) {
    const struct scenario_framework *leaf = &judge->scenario->frameworks.items[index];
    const struct place *place = place_of_leaf(judge, index);
    struct standing *one = &judge->standings[index];
    double tasks_owed = INFINITY;
    for (size_t j = 0; j < NAMES; j++) {
        double task = judge->tasks[index][j];
        one->share = fmax(one->share, place->parts[j]);
        one->task = fmax(one->task, task);
        if (task > 0)
            tasks_owed = fmin(tasks_owed, place->owed[j] / task);
    }
    one->guaranteed = tasks_owed * one->task;
    bool may_be = place->wants && some_agent_holds(judge->scenario, &leaf->task);
    one->is_below = may_be && !has_its_own(judge, index, one->levels);
    one->is_below_product =
        may_be && one->share + one->levels * one->task < product(judge, index) - slack;
}

/* --- who keeps whom out --- */

static int64_t tasks_there(const struct judge *judge, size_t index, uint32_t agent) {
    AUTO_FINI(quantities_fini) struct quantities held = {0};
    const struct scenario_framework *leaf = &judge->scenario->frameworks.items[index];
    const struct resources *set = allocator_held(simulation_allocator(judge->simulation),
                                                 (uint32_t)index + 1, leaf->role, agent);
    if (set == NULL)
        return 0;
    quantities_of(set, judge->scenario->kinds, true, &held);
    return quantities_milli(&held, leaf->task.items[0].name) / leaf->task.items[0].milli;
}

/* Whether a task of `low` would fit there did all others go, task by task, as long as each of them
 * keeps its own guarantee. */
static bool would_fit(struct judge *judge, uint32_t agent, size_t low) {
    AUTO_FINI(quantities_fini) struct quantities room = {0};
    const struct scenario *scenario = judge->scenario;
    const struct quantities *wanted = &scenario->frameworks.items[low].task;
    quantities_of(allocator_agent_free(simulation_allocator(judge->simulation), agent),
                  scenario->kinds, true, &room);
    bool fits = quantities_contain(&room, wanted);
    for (size_t i = 0; i < scenario->frameworks.count && !fits; i++) {
        int64_t given = 0;
        if (i == low || !has_its_own(judge, i, -1))
            continue;
        for (int64_t there = tasks_there(judge, i, agent);
             given < there && !fits && has_its_own(judge, i, -(double)(given + 1)); given++) {
            quantities_add_all(&room, &scenario->frameworks.items[i].task, 1);
            fits = quantities_contain(&room, wanted);
        }
    }
    return fits;
}

static void read_tasks(struct judge *judge) {
    for (size_t i = 0; i < judge->scenario->frameworks.count; i++) {
        for (size_t j = 0; j < NAMES; j++) {
            int64_t all = quantities_milli(&judge->capacity, names[j]);
            int64_t task = quantities_milli(&judge->scenario->frameworks.items[i].task, names[j]);
            judge->tasks[i][j] = all > 0 ? (double)task / (double)all : 0;
        }
    }
}

void cluster_judge(struct simulation *simulation, const struct scenario *scenario,
                   struct standing *out) {
    struct judge judge = {.simulation = simulation, .scenario = scenario, .standings = out};
    size_t count = scenario->frameworks.count;
    judge.paths = mem_alloc_array(count, sizeof(*judge.paths));
    judge.tasks = mem_alloc_array(count, sizeof(*judge.tasks));
    scenario_capacity(scenario, &judge.capacity);
    read_tasks(&judge);
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct standing){0};
        add_leaf(&judge, i);
    }
    reckon_places(&judge);
    for (size_t i = 0; i < count; i++)
        stand(&judge, i);
    uint64_t agents = scenario_agent_count(scenario);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t agent = 1; out[i].is_below && !out[i].is_kept_out && agent <= agents; agent++)
            out[i].is_kept_out = would_fit(&judge, agent, i);
    }
    VEC_FINI(&judge.places);
    quantities_fini(&judge.capacity);
    mem_free(judge.tasks);
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
