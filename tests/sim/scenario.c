/*
 * One command a line, '#' begins a comment:
 *
 *     masters                        first of all: three that elect a leader, master0 to master2
 *     agents N                       N agents, started
 *     framework TASKS MS [WORDS...]  a framework, started; words: executor explicit partition-aware
 *     run MS                         time goes by
 *     crash NAME | start NAME        master, agent0, f0
 *     reboot NAME                    an agent's machine; it is to be started
 *     crash-after NAME N             it dies before its N-th effect from now on
 *     part A B | heal A B
 *     expire M | resign M | pause M | resume M    one of several masters; its session, it, it, it
 *     zk-part M | zk-heal M          from ZooKeeper
 *     zk-delete                      the first candidate's node, by somebody
 *     zk-stop | zk-start             ZooKeeper as a whole
 *     kill F SLOT | reconcile F | suppress F | revive F | leave F | output F SLOT | fail-over F
 *     settle                         everything comes to rest, within bounds
 */
#include "tests/sim/scenario.h"

#include "tests/sim/candidate.h"
#include "tests/sim/checks.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/ha_faults.h"

#include <stdlib.h>

enum { WORDS_LIMIT = 10, LINE_LIMIT = 500, SETTLE_LIMIT_MS = 600000 };

struct words {
    size_t count;
    struct text items[WORDS_LIMIT];
};

static bool is(const struct words *words, const char *command, size_t count) {
    return text_equal(words->items[0], text_of(command)) && words->count >= count;
}

static int64_t number(const struct words *words, size_t which) {
    int64_t value = 0;
    if (which < words->count && !text_to_i64(words->items[which], &value))
        value = 0;
    return value;
}

static struct process *process_named(struct world *world, struct text name) {
    if (text_equal(name, TEXT("master")))
        return &world->master->process;
    VEC_EACH(node, &world->masters) {
        if (text_equal(name, text_of((*node)->process.name)))
            return &(*node)->process;
    }
    VEC_EACH(node, &world->agents) {
        if (text_equal(name, text_of((*node)->process.name)))
            return &(*node)->process;
    }
    VEC_EACH(workload, &world->workloads) {
        if (text_equal(name, text_of((*workload)->name)) && workload_node(*workload) != NULL)
            return &workload_node(*workload)->process;
    }
    return NULL;
}

static struct workload *workload_named(struct world *world, struct text name) {
    VEC_EACH(workload, &world->workloads) {
        if (text_equal(name, text_of((*workload)->name)))
            return *workload;
    }
    return NULL;
}

static void add_framework(struct world *world, const struct words *words) {
    struct workload_options options = {.tasks = (size_t)number(words, 1),
                                       .duration_ms = number(words, 2),
                                       .checkpoint = true,
                                       .failover_timeout_ms = 60000};
    for (size_t i = 3; i < words->count; i++) {
        options.in_executor |= text_equal(words->items[i], TEXT("executor"));
        options.explicit_acks |= text_equal(words->items[i], TEXT("explicit"));
        options.partition_aware |= text_equal(words->items[i], TEXT("partition-aware"));
    }
    workload_start(workload_new(world, &options));
}

static void crash(struct process *process) {
    switch (process->kind) {
    case PROCESS_MASTER:
        master_node_crash(CONTAINER_OF(process, struct master_node, process));
        break;
    case PROCESS_AGENT: agent_node_crash(CONTAINER_OF(process, struct agent_node, process)); break;
    case PROCESS_SCHEDULER:
        workload_crash(CONTAINER_OF(process, struct scheduler_node, process)->workload);
        break;
    case PROCESS_EXECUTOR: break;
    }
}

static void start(struct process *process) {
    switch (process->kind) {
    case PROCESS_MASTER:
        master_node_start(CONTAINER_OF(process, struct master_node, process));
        break;
    case PROCESS_AGENT: agent_node_start(CONTAINER_OF(process, struct agent_node, process)); break;
    case PROCESS_SCHEDULER:
        workload_start(CONTAINER_OF(process, struct scheduler_node, process)->workload);
        break;
    case PROCESS_EXECUTOR: break;
    }
}

static void settle(struct world *world) {
    AUTO_FINI(buf_fini) struct buf why = {0};
    int64_t limit_ms = world->now_ms + SETTLE_LIMIT_MS;
    while (world->now_ms < limit_ms && !world->has_failed) {
        world_run(world, world->now_ms + 1000);
        VEC_EACH(workload, &world->workloads) {
            if (workload_has_all(*workload))
                workload_leave(*workload);
        }
        if (check_is_settled(world, NULL))
            return;
    }
    check_is_settled(world, &why);
    world_fail(world, "not settled: %s", buf_string(&why));
}

static bool on_candidate(const struct words *words, struct candidate *candidate) {
    if (is(words, "resign", 2))
        candidate_resign(candidate);
    else if (is(words, "pause", 2))
        candidate_pause(candidate);
    else if (is(words, "resume", 2))
        candidate_resume(candidate);
    else if (!candidate_is_up(candidate))
        return false;
    else if (is(words, "expire", 2))
        zk_link_expire(candidate_link(candidate));
    else if (is(words, "zk-part", 2) || is(words, "zk-heal", 2))
        zk_link_part(candidate_link(candidate), is(words, "zk-part", 2));
    else
        return false;
    return true;
}

static bool on_ensemble(struct world *world, const struct words *words) {
    if (world->ensemble == NULL)
        return false;
    if (is(words, "zk-stop", 1))
        ensemble_stop(world->ensemble);
    else if (is(words, "zk-start", 1))
        ensemble_start(world->ensemble);
    else if (is(words, "zk-delete", 1))
        ensemble_delete_candidate(world->ensemble);
    else
        return false;
    return true;
}

static bool on_process(struct world *world, const struct words *words) {
    struct process *process = words->count > 1 ? process_named(world, words->items[1]) : NULL;
    struct process *other = words->count > 2 ? process_named(world, words->items[2]) : NULL;
    if (process == NULL)
        return false;
    if (is(words, "crash", 2))
        crash(process);
    else if (is(words, "start", 2))
        start(process);
    else if (is(words, "reboot", 2) && process->kind == PROCESS_AGENT)
        agent_node_reboot(CONTAINER_OF(process, struct agent_node, process));
    else if (is(words, "crash-after", 3))
        process->effects_to_live = number(words, 2);
    else if (is(words, "part", 3) && other != NULL)
        network_part(world, process, other);
    else if (is(words, "heal", 3) && other != NULL)
        network_heal(world, process, other);
    else
        return world->ensemble != NULL && process->kind == PROCESS_MASTER &&
               on_candidate(words, CONTAINER_OF(process, struct master_node, process)->candidate);
    return true;
}

static bool on_workload(struct world *world, const struct words *words) {
    struct workload *workload = words->count > 1 ? workload_named(world, words->items[1]) : NULL;
    if (workload == NULL)
        return false;
    if (is(words, "kill", 3) && (size_t)number(words, 2) < workload->slots.count)
        workload_kill(workload, (size_t)number(words, 2));
    else if (is(words, "output", 3) && (size_t)number(words, 2) < workload->slots.count)
        workload_read_output(workload, (size_t)number(words, 2));
    else if (is(words, "reconcile", 2))
        workload_reconcile(workload, true);
    else if (is(words, "suppress", 2) || is(words, "revive", 2))
        workload_suppress(workload, is(words, "suppress", 2));
    else if (is(words, "leave", 2))
        workload_leave(workload);
    else if (is(words, "fail-over", 2))
        workload_start(workload);
    else
        return false;
    return true;
}

static bool command(struct world *world, const struct words *words) {
    if (is(words, "agents", 2)) {
        for (int64_t i = 0; i < number(words, 1); i++)
            agent_node_start(agent_node_new(world, world->agents.count));
        return true;
    }
    if (is(words, "framework", 3)) {
        add_framework(world, words);
        return true;
    }
    if (is(words, "run", 2)) {
        world_run(world, world->now_ms + number(words, 1));
        return true;
    }
    if (is(words, "settle", 1)) {
        settle(world);
        return true;
    }
    return on_ensemble(world, words) || on_process(world, words) || on_workload(world, words);
}

static void split(struct text line, struct words *words) {
    struct text word;
    words->count = 0;
    while (words->count < WORDS_LIMIT && text_split(&line, ' ', &word)) {
        if (word.size > 0)
            words->items[words->count++] = word;
    }
}

static void start_masters(struct world *world, bool are_many) {
    if (world->masters.count > 0)
        return;
    if (are_many) {
        ha_populate(world);
    } else {
        master_node_new(world, "master");
        master_node_start(world->master);
    }
}

int scenario_run(const char *path) {
    char line[LINE_LIMIT];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "open %s: %m\n", path);
        return 2;
    }
    struct world *world = world_new(1);
    world->trace = stdout;
    while (!world->has_failed && fgets(line, sizeof(line), file) != NULL) {
        struct words words;
        struct text text = text_trim(text_of(line));
        if (text.size == 0 || text.data[0] == '#')
            continue;
        split(text, &words);
        start_masters(world, is(&words, "masters", 1));
        printf("> %.*s\n", TEXT_ARGS(text));
        if (!is(&words, "masters", 1) && !command(world, &words))
            world_fail(world, "no such command: %.*s", TEXT_ARGS(text));
    }
    fclose(file);
    int code = world->has_failed ? 1 : 0;
    world_free(world);
    return code;
}
