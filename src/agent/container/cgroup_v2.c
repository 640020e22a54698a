/* Version 2: one hierarchy, weights of 100 for each cpu, and the kernel itself can kill a group. */
#include "agent/container/cgroup_version.h"
#include "agent/container/cgroups.h"

#include <stdio.h>

enum {
    WEIGHT_PER_CPU = 100,
    WEIGHT_LEAST = 1,
    WEIGHT_MOST = 10000,
    PERIOD_US = 100000,
    QUOTA_LEAST_US = 1000,
};

static bool set_cpu(const struct cgroup_at *at, const struct container_limits *limits,
                    struct error *error) {
    char maximum[64];
    int64_t weight = limits->cpu_milli * WEIGHT_PER_CPU / 1000;
    if (weight < WEIGHT_LEAST)
        weight = WEIGHT_LEAST;
    if (weight > WEIGHT_MOST)
        weight = WEIGHT_MOST;
    if (!cgroup_write_number(at, "cpu.weight", weight, error))
        return false;
    if (limits->cpu_quota_milli <= 0)
        return true; /* none is what a new group has */
    int64_t quota_us = limits->cpu_quota_milli * PERIOD_US / 1000;
    if (quota_us < QUOTA_LEAST_US)
        quota_us = QUOTA_LEAST_US;
    snprintf(maximum, sizeof(maximum), "%lld %d", (long long)quota_us, PERIOD_US);
    return cgroup_write(at, "cpu.max", maximum, error);
}

static bool set_memory(const struct cgroup_at *at, int64_t bytes, struct error *error) {
    if (!cgroup_write_number(at, "memory.max", bytes, error))
        return false;
    /* A kernel without swap has no such file. */
    return !cgroup_has(at, "memory.swap.max") ||
           cgroup_write_number(at, "memory.swap.max", 0, error);
}

static bool set_limits(const struct cgroup_at *at, const struct container_limits *limits,
                       struct error *error) {
    if ((at->controllers & CGROUP_CPU) != 0 && limits->cpu_milli > 0 && !set_cpu(at, limits, error))
        return false;
    if ((at->controllers & CGROUP_MEMORY) != 0 && limits->memory_bytes > 0 &&
        !set_memory(at, limits->memory_bytes, error))
        return false;
    if ((at->controllers & CGROUP_PIDS) != 0 && limits->pids > 0)
        return cgroup_write_number(at, "pids.max", limits->pids, error);
    return true;
}

static void read_usage(const struct cgroup_at *at, struct container_usage *out) {
    int64_t cpu_us = cgroup_read_number(at, "cpu.stat", "usage_usec");
    out->cpu_time_ns = cpu_us >= 0 ? cpu_us * 1000 : -1;
    if ((at->controllers & CGROUP_PIDS) != 0)
        out->pids = cgroup_read_number(at, "pids.current", NULL);
    if ((at->controllers & CGROUP_MEMORY) == 0)
        return;
    out->memory_bytes = cgroup_read_number(at, "memory.current", NULL);
    out->peak_memory_bytes = cgroup_read_number(at, "memory.peak", NULL);
}

static int64_t oom_kills(const struct cgroup_at *at) {
    return cgroup_read_number(at, "memory.events", "oom_kill");
}

static void kill_group(const struct cgroup_at *at) {
    if (!cgroup_write(at, "cgroup.kill", "1", NULL))
        cgroup_kill_each(at); /* before Linux 5.14 */
}

const struct cgroup_version cgroup_version_2 = {
    .name = "v2",
    .clone_into = true,
    .set_limits = set_limits,
    .read_usage = read_usage,
    .oom_kills = oom_kills,
    .kill = kill_group,
};
