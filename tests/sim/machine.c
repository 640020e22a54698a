#include "tests/sim/machine.h"

#include "tests/sim/ledger.h"
#include "tests/sim/nodes.h"

#include <signal.h>
#include <stdlib.h>

enum { STATUS_KEPT_MS = 3600 * 1000, AGENT_FIRST_MS = 1000 };

void launch_order_free(struct launch_order *order) {
    if (order == NULL)
        return;
    mem_free(order->id);
    mem_free(order->command);
    mem_free(order->framework);
    mem_free(order->executor);
    mem_free(order);
}

static void container_free(struct container *container) {
    executor_node_free(container->executor);
    launch_order_free(container->order);
    mem_free(container);
}

void machine_fini(struct machine *machine) {
    VEC_EACH(container, &machine->containers)
        container_free(*container);
    VEC_FINI(&machine->containers);
}

static struct world *world_of(const struct container *container) {
    return container->agent->process.world;
}

/* The newest of that id. */
static struct container *find(const struct machine *machine, struct text id) {
    for (size_t i = machine->containers.count; i-- > 0;) {
        if (text_equal(text_of(machine->containers.items[i]->order->id), id))
            return machine->containers.items[i];
    }
    return NULL;
}

/* --- telling the agent --- */

static void status_goes(void *self, uint64_t argument) {
    struct container *container = self;
    (void)argument;
    container->has_status = false;
}

static bool is_heard(const struct container *container, uint64_t life) {
    const struct process *agent = &container->agent->process;
    return agent->is_up && agent->life == life && container->life == life;
}

static void tell_started(void *self, uint64_t life) {
    struct container *container = self;
    if (!is_heard(container, life))
        return;
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_STARTED};
    event.started.id.text = text_of(container->order->id);
    event.started.pid = container->pid;
    event.started.start_time = container->start_time;
    agent_node_tell(container->agent, event);
}

static void tell_ended(void *self, uint64_t life) {
    struct container *container = self;
    if (!is_heard(container, life) || container->is_told)
        return;
    container->is_told = true;
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id.text = text_of(container->order->id);
    event.ended.outcome = container->outcome;
    event.ended.termination = container->termination;
    event.ended.message = text_of(container->message);
    event.ended.stopped = container->stopped;
    world_after(world_of(container), STATUS_KEPT_MS, status_goes, container, 0);
    agent_node_tell(container->agent, event);
}

/* --- beginning and ending --- */

void container_end(struct container *container, bool exited, int code) {
    if (container->state == CONTAINER_OVER)
        return;
    struct world *world = world_of(container);
    container->state = CONTAINER_OVER;
    container->outcome = CONTAINER_OUTCOME_ENDED;
    container->termination = (struct termination){.exited = exited,
                                                  .exit_code = exited ? code : 0,
                                                  .signal = exited ? 0 : code,
                                                  .wall_time_ns = 1000000};
    world_say(world, "ends    %s on %s with %s %d", container->order->command,
              container->agent->process.name, exited ? "code" : "signal", code);
    executor_node_end(container->executor);
    world_after(world, world_draw(world, 1, 30), tell_ended, container, container->life);
}

static void runs_out(void *self, uint64_t code) {
    container_end(self, true, (int)code);
}

/* "run TASK DURATION_MS CODE", or "executor". */
static bool read_command(const char *command, struct text *task, int64_t *duration_ms, int *code) {
    struct text rest = text_of(command), word, duration, number;
    int64_t parsed = 0;
    if (!text_split(&rest, ' ', &word) || !text_equal(word, TEXT("run")) ||
        !text_split(&rest, ' ', task) || !text_split(&rest, ' ', &duration) ||
        !text_split(&rest, ' ', &number) || !text_to_i64(duration, duration_ms) ||
        !text_to_i64(number, &parsed))
        return false;
    *code = (int)parsed;
    return true;
}

static void dies(void *self, uint64_t signal_number) {
    container_end(self, false, (int)signal_number);
}

static void apply_signal(struct container *container, int signal_number) {
    struct world *world = world_of(container);
    if (world->mutation == MUTATION_KEEP_CONTAINER) {
        world_after(world, 1, tell_ended, container, container->life);
        return;
    }
    if (signal_number == SIGTERM && world_chance(world, 100))
        return; /* some do not listen */
    if (signal_number == SIGTERM && container->executor != NULL)
        return;
    int64_t delay_ms = signal_number == SIGKILL ? 1 : world_draw(world, 1, 1500);
    world_after(world, delay_ms, dies, container, (uint64_t)signal_number);
}

/* --- leases, which nobody but the container keeps while the agent is away --- */

static void outlives_grace(void *self, uint64_t argument) {
    (void)argument;
    container_end(self, false, SIGKILL);
}

static void looks_at_lease(void *self, uint64_t argument) {
    struct container *container = self;
    struct world *world = world_of(container);
    int64_t left_ms = container->order->stop_at_ms + AGENT_FIRST_MS - world->now_ms;
    (void)argument;
    if (container->state != CONTAINER_RUNNING || container->order->stop_at_ms == 0)
        return;
    if (left_ms > 0) {
        world_after(world, left_ms, looks_at_lease, container, 0);
        return;
    }
    world_say(world, "stops   %s on %s", container->order->command, container->agent->process.name);
    container->stopped = true;
    world_after(world, container->order->stop_grace_ms, outlives_grace, container, 0);
    apply_signal(container, SIGTERM);
}

void machine_lease(struct machine *machine, struct text id, int64_t stop_at_ms) {
    struct container *container = find(machine, id);
    if (container != NULL)
        container->order->stop_at_ms = stop_at_ms;
}

static void begins(void *self, uint64_t argument) {
    struct container *container = self;
    struct world *world = world_of(container);
    struct text task;
    int64_t duration_ms;
    int code;
    (void)argument;
    if (container->state != CONTAINER_MAKING)
        return;
    container->state = CONTAINER_RUNNING;
    container->has_status = true;
    container->pid = ++container->agent->machine.last_pid;
    container->start_time = (uint64_t)world->now_ms + 1;
    world_say(world, "begins  %s on %s", container->order->command, container->agent->process.name);
    if (read_command(container->order->command, &task, &duration_ms, &code)) {
        ledger_task_begins(world->ledger, task);
        looks_at_lease(container, 0);
        world_after(world, duration_ms, runs_out, container, (uint64_t)code);
    } else {
        container->executor = executor_node_new(container);
    }
    world_after(world, world_draw(world, 1, 20), tell_started, container, container->life);
    if (container->pending_signal != 0)
        apply_signal(container, container->pending_signal);
}

static void fails(void *self, uint64_t outcome) {
    struct container *container = self;
    if (container->state != CONTAINER_MAKING)
        return;
    container->state = CONTAINER_OVER;
    container->outcome = (enum container_outcome)outcome;
    container->message = "the simulator says no";
    tell_ended(container, container->life);
}

void machine_launch(struct machine *machine, struct launch_order *order) {
    struct world *world = machine->agent->process.world;
    struct container *container = NEW(struct container);
    container->agent = machine->agent;
    container->order = order;
    container->life = machine->agent->process.life;
    VEC_PUSH(&machine->containers, container);
    if (world_chance(world, 15)) {
        static const enum container_outcome outcomes[] = {CONTAINER_OUTCOME_EXEC_FAILED,
                                                          CONTAINER_OUTCOME_LAUNCH_FAILED,
                                                          CONTAINER_OUTCOME_REFUSED};
        world_after(world, world_draw(world, 0, 100), fails, container,
                    outcomes[world_draw(world, 0, 2)]);
        return;
    }
    world_after(world, world_draw(world, 5, world_chance(world, 100) ? 3000 : 60), begins,
                container, 0);
}

/* --- orders --- */

void machine_signal(struct machine *machine, struct text id, int signal_number) {
    struct container *container = find(machine, id);
    if (container == NULL || container->state == CONTAINER_OVER ||
        container->life != machine->agent->process.life)
        return;
    world_say(machine->agent->process.world, "signal  %d to %s", signal_number,
              container->order->command);
    if (container->state == CONTAINER_RUNNING)
        apply_signal(container, signal_number);
    else if (container->pending_signal != SIGKILL)
        container->pending_signal = signal_number;
}

void machine_destroy(struct machine *machine, struct text id) {
    machine_signal(machine, id, SIGKILL);
}

void machine_forget(struct machine *machine, struct text id) {
    struct container *container = find(machine, id);
    if (container != NULL && container->state == CONTAINER_OVER)
        container->has_status = false;
}

/* --- recovery --- */

static void tell_failed(struct machine *machine, struct text id, enum container_outcome outcome) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id.text = id;
    event.ended.outcome = outcome;
    agent_node_tell(machine->agent, event);
}

void machine_recover(struct machine *machine, struct text id, int32_t pid) {
    struct container *container = find(machine, id);
    if (container != NULL && container->state == CONTAINER_RUNNING) {
        container->life = machine->agent->process.life;
        tell_started(container, container->life);
    } else if (container != NULL && container->has_status) {
        container->life = machine->agent->process.life;
        container->is_told = false;
        tell_ended(container, container->life);
    } else {
        tell_failed(machine, id,
                    pid == 0 ? CONTAINER_OUTCOME_LAUNCH_FAILED : CONTAINER_OUTCOME_LOST);
    }
}

void machine_remove_orphans(struct machine *machine) {
    VEC_EACH(at, &machine->containers) {
        struct container *container = *at;
        if (container->state != CONTAINER_RUNNING ||
            container->life == machine->agent->process.life)
            continue;
        world_say(machine->agent->process.world, "orphan  %s", container->order->command);
        container->life = 0;
        container_end(container, false, SIGKILL);
    }
}

/* What was being made may have come far enough to go on. */
void machine_agent_crashed(struct machine *machine) {
    VEC_EACH(at, &machine->containers) {
        struct container *container = *at;
        container->life = 0;
        if (container->state != CONTAINER_MAKING)
            continue;
        if (world_chance(world_of(container), 500))
            begins(container, 0);
        else
            container->state = CONTAINER_OVER;
    }
}

void machine_stop(struct machine *machine) {
    VEC_EACH(at, &machine->containers) {
        struct container *container = *at;
        container->life = 0;
        container->has_status = false;
        container->state = CONTAINER_OVER;
        executor_node_end(container->executor);
    }
}

size_t machine_running_count(const struct machine *machine) {
    size_t count = 0;
    VEC_EACH(container, &machine->containers)
        count += (*container)->state != CONTAINER_OVER;
    return count;
}
