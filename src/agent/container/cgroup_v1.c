/* Version 1: a hierarchy for each controller, and shares where version 2 has weights. */
#include "agent/container/cgroup_version.h"
#include "agent/container/cgroups.h"

enum {
    SHARES_PER_CPU = 1024,
    SHARES_LEAST = 2,
    PERIOD_US = 100000,
    QUOTA_LEAST_US = 1000,
};

static bool set_cpu(const struct cgroup_at *at, const struct container_limits *limits,
                    struct error *error) {
    int64_t shares = limits->cpu_milli * SHARES_PER_CPU / 1000;
    if (shares < SHARES_LEAST)
        shares = SHARES_LEAST;
    if (!cgroup_write_number(at, "cpu.shares", shares, error))
        return false;
    if (limits->cpu_quota_milli <= 0)
        return true; /* none is what a new group has */
    int64_t quota_us = limits->cpu_quota_milli * PERIOD_US / 1000;
    if (quota_us < QUOTA_LEAST_US)
        quota_us = QUOTA_LEAST_US;
    return cgroup_write_number(at, "cpu.cfs_period_us", PERIOD_US, error) &&
           cgroup_write_number(at, "cpu.cfs_quota_us", quota_us, error);
}

/* The limit on memory and swap together may never be below that on memory: which is first depends
 * on whether they go up. A kernel that does not count swap is told not to use it. */
static bool set_memory(const struct cgroup_at *at, int64_t bytes, struct error *error) {
    static const char limit[] = "memory.limit_in_bytes", both[] = "memory.memsw.limit_in_bytes";
    if (!cgroup_has(at, both))
        return cgroup_write_number(at, limit, bytes, error) &&
               cgroup_write_number(at, "memory.swappiness", 0, error);
    int64_t now = cgroup_read_number(at, limit, NULL);
    bool grows = now >= 0 && bytes > now;
    return cgroup_write_number(at, grows ? both : limit, bytes, error) &&
           cgroup_write_number(at, grows ? limit : both, bytes, error);
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
    if ((at->controllers & CGROUP_CPUACCT) != 0)
        out->cpu_time_ns = cgroup_read_number(at, "cpuacct.usage", NULL);
    if ((at->controllers & CGROUP_PIDS) != 0)
        out->pids = cgroup_read_number(at, "pids.current", NULL);
    if ((at->controllers & CGROUP_MEMORY) == 0)
        return;
    out->memory_bytes = cgroup_read_number(at, "memory.usage_in_bytes", NULL);
    out->peak_memory_bytes = cgroup_read_number(at, "memory.max_usage_in_bytes", NULL);
}

static int64_t oom_kills(const struct cgroup_at *at) {
    return cgroup_read_number(at, "memory.oom_control", "oom_kill");
}

const struct cgroup_version cgroup_version_1 = {
    .name = "v1",
    .set_limits = set_limits,
    .read_usage = read_usage,
    .oom_kills = oom_kills,
    .kill = cgroup_kill_each,
};
