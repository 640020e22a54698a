#include "tests/sim/outages.h"

#include "tests/sim/shells.h"

#include <stdio.h>

enum { PATIENCE_MS = 3000, MACHINES = 8 };
#define FIRST_REQUEST (UINT64_C(1) << 41)

enum certainty { CERTAIN_OF_NOTHING, CERTAIN_UP, CERTAIN_DOWN };

struct outages {
    struct world *world;
    enum certainty certain[MACHINES]; /* by the agent's number */
    bool may_have_hit[MACHINES];
    uint64_t last_request;
    enum operator_call_kind last_call;
    size_t last_machine;
    bool is_ending;
};

struct outages *outages_new(struct world *world) {
    struct outages *outages = NEW(struct outages);
    outages->world = world;
    outages->last_request = FIRST_REQUEST;
    for (size_t i = 0; i < MACHINES; i++)
        outages->certain[i] = CERTAIN_UP;
    return outages;
}

void outages_free(struct outages *outages) {
    mem_free(outages);
}

static size_t count_machines(const struct world *world) {
    return world->agents.count < MACHINES ? world->agents.count : MACHINES;
}

static struct machine_id id_of(const struct world *world, size_t machine) {
    return (struct machine_id){.hostname = text_of(world->agents.items[machine]->process.name)};
}

/* --- asking --- */

static void send(struct outages *outages, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = ++outages->last_request;
    event.operator_call.call = call;
    outages->last_call = call.kind;
    master_node_feed(outages->world->master, &event);
}

static void ask_machine(struct outages *outages, enum operator_call_kind kind, size_t machine) {
    struct machine_id id = id_of(outages->world, machine);
    outages->last_machine = machine;
    outages->certain[machine] = CERTAIN_OF_NOTHING;
    outages->may_have_hit[machine] =
        outages->may_have_hit[machine] || kind == OPERATOR_START_MAINTENANCE;
    world_say(outages->world, "ask     machine of %.*s goes %s", TEXT_ARGS(id.hostname),
              kind == OPERATOR_START_MAINTENANCE ? "down" : "up");
    send(outages, (struct operator_call){.kind = kind, .machines = &id, .machine_count = 1});
}

/* A window a machine, of some of them. */
static void ask_schedule(struct outages *outages, bool is_empty) {
    struct world *world = outages->world;
    struct machine_id ids[MACHINES];
    struct maintenance_window windows[MACHINES];
    size_t count = 0;
    for (size_t i = 0; !is_empty && i < count_machines(world); i++) {
        if (world_chance(world, 300))
            continue;
        ids[count] = id_of(world, i);
        windows[count] = (struct maintenance_window){
            &ids[count], 1, {world_wall_ns(world), world_draw(world, -1, 100)}};
        count++;
    }
    world_say(world, "ask     a schedule of %zu", count);
    send(outages, (struct operator_call){.kind = OPERATOR_UPDATE_MAINTENANCE,
                                         .windows = windows,
                                         .window_count = count});
}

static void change_something(void *self, uint64_t argument) {
    struct outages *outages = self;
    struct world *world = outages->world;
    (void)argument;
    if (outages->is_ending)
        return;
    size_t machine = (size_t)world_draw(world, 0, (int64_t)count_machines(world) - 1);
    int64_t what = world_draw(world, 0, 4);
    if (world->master->process.is_up && what == 0)
        ask_schedule(outages, false);
    else if (world->master->process.is_up)
        ask_machine(outages, what == 1 ? OPERATOR_START_MAINTENANCE : OPERATOR_STOP_MAINTENANCE,
                    machine);
    world_after(world, world_draw(world, 500, 40000), change_something, outages, 0);
}

void outages_begin(struct world *world) {
    if (world_chance(world, 300))
        world_after(world, world_draw(world, 0, 20000), change_something, world->outages, 0);
}

/* --- answers --- */

bool outages_answered(struct world *world, uint64_t request, int status) {
    struct outages *outages = world->outages;
    if (request <= FIRST_REQUEST)
        return false;
    world_say(world, "answer  %d", status);
    if (status != 200 && status != 400 && status != 503)
        world_fail(world, "the operator is refused: %d", status);
    if (request == outages->last_request && status == 200 &&
        outages->last_call != OPERATOR_UPDATE_MAINTENANCE)
        outages->certain[outages->last_machine] =
            outages->last_call == OPERATOR_START_MAINTENANCE ? CERTAIN_DOWN : CERTAIN_UP;
    return true;
}

/* --- what is in force --- */

struct look {
    struct world *world;
    size_t machines;
    bool is_down[MACHINES];
};

static bool find(const struct world *world, struct text hostname, size_t *machine) {
    for (size_t i = 0; i < count_machines(world); i++) {
        *machine = i;
        if (text_equal(id_of(world, i).hostname, hostname))
            return true;
    }
    return false;
}

static void see(void *self, const struct machine_view *view) {
    struct look *look = self;
    size_t machine;
    look->machines++;
    if (find(look->world, view->id.hostname, &machine))
        look->is_down[machine] = view->is_down;
}

static struct look look_at(struct world *world) {
    struct look look = {.world = world};
    if (world->master->process.is_up)
        master_each_machine(world->master->core, see, &look);
    return look;
}

static void check_agent_there(void *self, const struct agent_view *agent) {
    struct look *look = self;
    size_t machine;
    if (agent->connected && find(look->world, agent->info->hostname, &machine) &&
        look->is_down[machine])
        world_fail(look->world, "%.*s is there and its machine is down",
                   TEXT_ARGS(agent->info->hostname));
}

void outages_check(struct master_node *node) {
    struct world *world = node->process.world;
    const struct outages *outages = world->outages;
    struct look look = look_at(world);
    for (size_t i = 0; i < count_machines(world); i++) {
        if (outages->certain[i] != CERTAIN_OF_NOTHING &&
            look.is_down[i] != (outages->certain[i] == CERTAIN_DOWN))
            world_fail(world, "the machine of %.*s is %s, and that is not what was answered",
                       TEXT_ARGS(id_of(world, i).hostname), look.is_down[i] ? "down" : "up");
    }
    master_each_agent(node->core, check_agent_there, &look);
}

bool outages_may_have_hit(const struct world *world, const struct agent_node *node) {
    size_t machine;
    return find(world, text_of(node->process.name), &machine) &&
           world->outages->may_have_hit[machine];
}

/* --- the end --- */

static void bring_up(void *self, uint64_t argument) {
    struct outages *outages = self;
    struct world *world = outages->world;
    struct look look = look_at(world);
    bool is_any_down = false;
    (void)argument;
    for (size_t i = 0; i < count_machines(world) && !is_any_down; i++) {
        is_any_down = look.is_down[i];
        if (is_any_down)
            ask_machine(outages, OPERATOR_STOP_MAINTENANCE, i);
    }
    if (!is_any_down && look.machines > 0)
        ask_schedule(outages, true);
    world_after(world, PATIENCE_MS, bring_up, outages, 0);
}

void outages_end(struct world *world) {
    world->outages->is_ending = true;
    bring_up(world->outages, 0);
}

bool outages_are_over(const struct world *world, struct buf *why) {
    struct look look = {.world = world->outages->world};
    if (world->master->process.is_up)
        master_each_machine(world->master->core, see, &look);
    if (look.machines > 0 && why != NULL)
        buf_printf(why, "%zu machines are in the schedule", look.machines);
    return look.machines == 0;
}
