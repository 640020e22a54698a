#include "tests/sim/faults.h"

#include "tests/sim/drains.h"
#include "tests/sim/ha_faults.h"
#include "tests/sim/nodes.h"
#include "tests/sim/operator.h"
#include "tests/sim/outages.h"

#include <signal.h>

static struct agent_node *any_agent(struct world *world) {
    return world->agents.items[world_draw(world, 0, (int64_t)world->agents.count - 1)];
}

static struct workload *any_workload(struct world *world) {
    return world->workloads.items[world_draw(world, 0, (int64_t)world->workloads.count - 1)];
}

/* --- back again --- */

static void start_master(void *self, uint64_t argument) {
    (void)argument;
    master_node_start(self);
}

static void start_agent(void *self, uint64_t argument) {
    (void)argument;
    agent_node_start(self);
}

static void start_workload(void *self, uint64_t argument) {
    struct workload *workload = self;
    const struct scheduler_node *node = workload_node(workload);
    (void)argument;
    if (!workload->is_over && (node == NULL || !node->process.is_up))
        workload_start(workload);
}

static void end_parting(void *self, uint64_t argument) {
    struct process *process = self;
    (void)argument;
    VEC_EACH(master, &process->world->masters)
        network_heal(process->world, &(*master)->process, process);
}

/* --- each fault --- */

static void crash_master(struct world *world) {
    int64_t away_ms =
        world_chance(world, 150) ? world_draw(world, 20000, 200000) : world_draw(world, 100, 10000);
    if (!world->master->process.is_up || world->ensemble != NULL)
        return;
    if (world_chance(world, 500))
        world->master->process.effects_to_live = world_draw(world, 1, 8);
    else
        master_node_crash(world->master);
    world_after(world, away_ms, start_master, world->master, 0);
}

static void crash_agent(struct world *world) {
    struct agent_node *node = any_agent(world);
    int64_t away_ms =
        world_chance(world, 200) ? world_draw(world, 20000, 200000) : world_draw(world, 50, 8000);
    if (!node->process.is_up)
        return;
    if (world_chance(world, 700))
        node->process.effects_to_live = world_draw(world, 1, 10);
    else
        agent_node_crash(node);
    world_after(world, away_ms, start_agent, node, 0);
}

static void reboot(struct world *world) {
    struct agent_node *node = any_agent(world);
    if (world_chance(world, 500))
        return;
    agent_node_reboot(node);
    world_after(world, world_draw(world, 3000, 60000), start_agent, node, 0);
}

static void cut_connection(struct world *world) {
    if (world->connections.count == 0)
        return;
    size_t first = world->connections.count > 12 ? world->connections.count - 12 : 0;
    connection_cut(world->connections.items[world_draw(world, (int64_t)first,
                                                       (int64_t)world->connections.count - 1)]);
}

static void part(struct world *world) {
    struct scheduler_node *node = workload_node(any_workload(world));
    struct process *process =
        world_chance(world, 300) && node != NULL ? &node->process : &any_agent(world)->process;
    struct master_node *master = world->ensemble != NULL ? ha_any_master(world) : world->master;
    network_part(world, &master->process, process);
    if (world->ensemble != NULL && world_chance(world, 300))
        VEC_EACH(other, &world->masters)
            network_part(world, &(*other)->process, process);
    int64_t long_ms = world_chance(world, 300) ? 150000 : 20000;
    world_after(world, world_draw(world, 500, long_ms), end_parting, process, 0);
}

static void fail_over(struct world *world) {
    struct workload *workload = any_workload(world);
    struct scheduler_node *node = workload_node(workload);
    if (workload->is_over || node == NULL)
        return;
    if (world_chance(world, 400)) {
        workload_start(workload); /* the old one lives on until it is told */
        return;
    }
    if (node->process.is_up && world_chance(world, 500))
        node->process.effects_to_live = world_draw(world, 1, 6);
    else
        workload_crash(workload);
    int64_t long_ms = world_chance(world, 200) ? 150000 : 10000;
    world_after(world, world_draw(world, 100, long_ms), start_workload, workload, 0);
}

static void lose_agent(struct world *world) {
    size_t left = 0;
    VEC_EACH(node, &world->agents)
        left += !(*node)->has_left && !drains_may_be_gone(world, *node);
    if (left > 1 && world_chance(world, 300))
        agent_node_leave(any_agent(world));
}

static void kill_container(struct world *world) {
    struct machine *machine = &any_agent(world)->machine;
    VEC_EACH(at, &machine->containers) {
        if ((*at)->state == CONTAINER_RUNNING && world_chance(world, 300)) {
            container_end(*at, false, SIGKILL);
            return;
        }
    }
}

static void slow_disk(struct world *world) {
    bool is_masters = world_chance(world, 300) && world->ensemble == NULL;
    struct drive *disk = is_masters ? &world->master->disk : &any_agent(world)->disk;
    disk->slow_until_ms = world->now_ms + world_draw(world, 1000, 30000);
    world_say(world, "slow    the disk of %s", disk->process->name);
}

/* Not a fault: what frameworks do when they like. */
static void use_interface(struct world *world) {
    struct workload *workload = any_workload(world);
    size_t slot = (size_t)world_draw(world, 0, (int64_t)workload->slots.count - 1);
    if (workload->is_over || workload->is_leaving)
        return;
    switch (world_draw(world, 0, 5)) {
    case 0: workload_kill(workload, slot); break;
    case 1: workload_suppress(workload, !workload->is_suppressed); break;
    case 2: workload_reconcile(workload, world_chance(world, 500)); break;
    case 3: workload_message(workload, slot); break;
    default: workload_read_output(workload, slot); break;
    }
}

static void something_happens(void *self, uint64_t end_ms) {
    static void (*const what[])(struct world *) = {
        crash_master,  crash_agent, crash_agent,   cut_connection, cut_connection,
        part,          fail_over,   lose_agent,    kill_container, slow_disk,
        use_interface, reboot,      use_interface, use_interface,  crash_agent,
    };
    struct world *world = self;
    if (world->now_ms >= (int64_t)end_ms)
        return;
    if (world->ensemble != NULL && world_chance(world, 400))
        ha_something_happens(world);
    else
        what[world_draw(world, 0, sizeof(what) / sizeof(what[0]) - 1)](world);
    world_after(world, world_draw(world, 50, world->unrest_ms), something_happens, world, end_ms);
}

/* --- the whole --- */

static void start_all(struct world *world) {
    VEC_EACH(node, &world->agents)
        world_after(world, world_draw(world, 0, 2000), start_agent, *node, 0);
    VEC_EACH(workload, &world->workloads)
        world_after(world, world_draw(world, 0, 5000), start_workload, *workload, 0);
}

void faults_populate(struct world *world, bool has_many_masters) {
    int64_t agents = world_draw(world, 2, 5), workloads = world_draw(world, 2, 4);
    if (has_many_masters) {
        ha_populate(world);
    } else {
        master_node_new(world, "master");
        world->master->reregister_timeout_ms = world_draw(world, 30000, 200000);
        master_node_start(world->master);
    }
    for (int64_t i = 0; i < agents; i++)
        agent_node_new(world, (size_t)i);
    for (int64_t i = 0; i < workloads; i++)
        workload_new(world,
                     &(struct workload_options){
                         .tasks = (size_t)world_draw(world, 1, 15),
                         .in_executor = world_chance(world, 400),
                         .explicit_acks = world_chance(world, 500),
                         .partition_aware = world_chance(world, 500),
                         .multi_role = world_chance(world, 300),
                         .role = world_chance(world, 800)
                                     ? operator_roles[world_draw(world, 0, OPERATOR_ROLES - 1)]
                                     : NULL,
                         .keeps_volume = world_chance(world, 300),
                         .declares_demand = world_chance(world, 400),
                         .checkpoint = true,
                         .failover_timeout_ms =
                             world_chance(world, 100) ? 0 : world_draw(world, 60000, 200000),
                     });
    start_all(world);
}

void faults_begin(struct world *world) {
    int64_t end_ms = world->now_ms + world_draw(world, 20000, 300000);
    world->unrest_ms = world_draw(world, 500, 8000);
    operator_begin(world);
    drains_begin(world);
    outages_begin(world);
    world_after(world, world_draw(world, 100, 5000), something_happens, world, (uint64_t)end_ms);
    world_run(world, end_ms);
}

void faults_heal(struct world *world) {
    world_say(world, "heal    everything");
    world->has_healed = true;
    network_heal_all(world);
    if (world->ensemble != NULL)
        ha_heal(world);
    world->master->disk.slow_until_ms = 0;
    world->master->process.effects_to_live = 0;
    master_node_start(world->master);
    VEC_EACH(at, &world->agents) {
        (*at)->disk.slow_until_ms = 0;
        (*at)->process.effects_to_live = 0;
        agent_node_start(*at);
    }
    VEC_EACH(at, &world->workloads) {
        struct workload *workload = *at;
        VEC_EACH(node, &workload->nodes) {
            (*node)->process.effects_to_live = 0;
            if (*node != workload_node(workload))
                scheduler_node_crash(*node);
        }
        start_workload(workload, 0);
        workload_suppress(workload, false);
    }
    operator_make_room(world);
    drains_end(world);
    outages_end(world);
}
