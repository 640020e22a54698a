#include "master/shell/master_flags.h"

#include "master/shell/allocation_options.h"
#include "master/shell/removal_options.h"

#include <assert.h>
#include <string.h>

static void add(struct master_flags *f, const struct flag *rows, size_t count) {
    assert(f->row_count + count <= MASTER_FLAGS_LIMIT);
    memcpy(f->rows + f->row_count, rows, count * sizeof(*rows));
    f->row_count += count;
}

#define ADD(flags, rows) add((flags), (rows), sizeof(rows) / sizeof((rows)[0]))

static void add_cluster(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "ip",
         .kind = FLAG_STRING,
         .string = &f->ip,
         .preset = "127.0.0.1",
         .group = "Cluster",
         .help = "Address to listen on. The default serves this machine alone: there is no "
                 "authentication yet, so whoever reaches another address can run commands on "
                 "every agent."},
        {.name = "port",
         .kind = FLAG_INTEGER,
         .integer = &f->port,
         .preset = "5050",
         .maximum = 65535,
         .help = "Port to listen on; 0: any."},
        {.name = "hostname",
         .kind = FLAG_STRING,
         .string = &f->hostname,
         .help = "Name shown to frameworks and operators; this machine's name when not given."},
        {.name = "cluster",
         .kind = FLAG_STRING,
         .string = &f->cluster,
         .help = "Name of the cluster, for people."},
        {.name = "domain",
         .kind = FLAG_STRING,
         .string = &f->domain,
         .metavar = "REGION/ZONE",
         .help = "Where the masters stand, as far as failing together goes; or a JSON DomainInfo. "
                 "Without it agents must not have one either. Agents of other regions are offered "
                 "only to frameworks with the capability REGION_AWARE."},
        {.name = "require_agent_domain",
         .kind = FLAG_BOOL,
         .boolean = &f->require_agent_domain,
         .preset = "false",
         .help = "Refuse agents without a --domain."},
    };
    ADD(f, rows);
}

static void add_election(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "zk",
         .kind = FLAG_STRING,
         .string = &f->zk,
         .group = "High availability",
         .metavar = "URL",
         .help = "zk://[user:password@]host:2181,host:2181/path: several masters elect a leader "
                 "through this ZooKeeper, and the registry is kept there. Or file:///path of a "
                 "file that holds such a URL, so that the password is in no command line. Without "
                 "it this master leads alone."},
        {.name = "zk_session_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->zk_session_timeout_ms,
         .preset = "10secs",
         .minimum = 1,
         .help = "A leader that ZooKeeper does not hear for so long is replaced."},
        {.name = "advertise_ip",
         .kind = FLAG_STRING,
         .string = &f->advertise_ip,
         .metavar = "IP",
         .help = "Where agents and frameworks reach this master, when it is not --ip."},
        {.name = "advertise_port",
         .kind = FLAG_INTEGER,
         .integer = &f->advertise_port,
         .preset = "0",
         .maximum = 65535,
         .help = "Likewise; 0: the port it listens on."},
    };
    ADD(f, rows);
}

static void add_files(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "work_dir",
         .kind = FLAG_STRING,
         .string = &f->work_dir,
         .preset = "/var/lib/mesos/master",
         .group = "Files",
         .metavar = "DIRECTORY",
         .help = "Where the registry is kept without --zk: agents, frameworks with their "
                 "failover timeouts, weights and quota."},
    };
    ADD(f, rows);
}

static void add_offers(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "offer_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->offer_timeout_ms,
         .preset = "5mins",
         .group = "Offers",
         .help =
             "An offer that was neither accepted nor declined by then is rescinded; 0secs: never."},
        {.name = "allocation_interval",
         .kind = FLAG_DURATION,
         .duration_ms = &f->allocation_interval_ms,
         .preset = "2ms",
         .help = "How long free resources wait for company before they are offered."},
    };
    ADD(f, rows);
}

static void add_allocation(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "allocator",
         .kind = FLAG_STRING,
         .string = &f->allocator,
         .preset = "hdrf",
         .group = "Allocation",
         .metavar = "POLICY",
         .help = "Who is offered what next: hdrf (hierarchical, keeps guaranteed shares), drf (as "
                 "Mesos: sums up the tree), random, or the path of a shared object made against "
                 "mesos/allocator.h, with a '/' in it."},
        {.name = "fairness_half_life",
         .kind = FLAG_DURATION,
         .duration_ms = &f->fairness_half_life_ms,
         .preset = "0secs",
         .help = "Past use counts with present use and fades by half in so long; 0secs: it does "
                 "not count."},
        {.name = "earmark_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->earmark_timeout_ms,
         .preset = "10mins",
         .help = "How long what becomes free on an agent is kept for one big task; 0secs: never."},
        {.name = "min_allocatable_resources",
         .kind = FLAG_STRING,
         .string = &f->min_allocatable_resources,
         .preset = "cpus:0.01|mem:32",
         .metavar = "RESOURCES",
         .check = allocation_options_check_minima,
         .help = "An offer has at least one of these sets of amounts, which are joined by '|' (and "
                 "amounts in a set by ';'). Empty: anything is offered."},
        {.name = "filter_gpu_resources",
         .kind = FLAG_BOOL,
         .boolean = &f->filter_gpu_resources,
         .preset = "true",
         .help = "Whether agents with gpus are offered only to frameworks with the capability "
                 "GPU_RESOURCES."},
        {.name = "fair_sharing_excluded_resource_names",
         .kind = FLAG_STRING,
         .string = &f->fair_sharing_excluded_resource_names,
         .preset = "",
         .metavar = "NAMES",
         .help = "Resources that do not count for shares, joined by ','."},
    };
    ADD(f, rows);
}

static void add_agents(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "agent_ping_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->agent_ping_timeout_ms,
         .preset = "15secs",
         .group = "Agents",
         .alias = "slave_ping_timeout",
         .minimum = 1,
         .help = "How often agents are asked whether they are there, and have to answer."},
        {.name = "max_agent_ping_timeouts",
         .kind = FLAG_INTEGER,
         .integer = &f->max_agent_ping_timeouts,
         .preset = "5",
         .minimum = 1,
         .maximum = 1000,
         .alias = "max_slave_ping_timeouts",
         .help = "After so many unanswered ones an agent is unreachable."},
        {.name = "agent_reregister_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->agent_reregister_timeout_ms,
         .preset = "10mins",
         .alias = "slave_reregister_timeout",
         .help = "An agent that was known before a restart of the master has so long to come "
                 "back."},
        {.name = "registry_max_agent_age",
         .kind = FLAG_DURATION,
         .duration_ms = &f->registry_max_agent_age_ms,
         .preset = "2weeks",
         .minimum = 1,
         .help = "Agents that are unreachable or gone for longer are forgotten."},
        {.name = "registry_max_agent_count",
         .kind = FLAG_INTEGER,
         .integer = &f->registry_max_agent_count,
         .preset = "102400",
         .maximum = 10000000,
         .help = "So many unreachable agents, and as many gone ones, are remembered at most."},
        {.name = "registry_gc_interval",
         .kind = FLAG_DURATION,
         .duration_ms = &f->registry_gc_interval_ms,
         .preset = "15mins",
         .minimum = 1,
         .help = "How often that is looked after."},
        {.name = "agent_removal_rate_limit",
         .kind = FLAG_STRING,
         .string = &f->agent_removal_rate_limit,
         .alias = "slave_removal_rate_limit",
         .metavar = "NUMBER/DURATION",
         .check = removal_rate_check,
         .help = "At most so many agents are lost in that time (1/10mins); those that wait and "
                 "answer again are not lost. Without it there is no limit."},
        {.name = "recovery_agent_removal_limit",
         .kind = FLAG_STRING,
         .string = &f->recovery_agent_removal_limit,
         .preset = "100%",
         .alias = "recovery_slave_removal_limit",
         .metavar = "PERCENT%",
         .check = removal_limit_check,
         .help = "When more of the known agents than this did not come back in time after a "
                 "restart or a change of the leader, the master ends with an error and loses "
                 "none of them."},
    };
    ADD(f, rows);
}

static void add_frameworks(struct master_flags *f) {
    const struct flag rows[] = {
        {.name = "root_submissions",
         .kind = FLAG_BOOL,
         .boolean = &f->root_submissions,
         .preset = "true",
         .group = "Frameworks",
         .help = "Whether frameworks may run as root."},
        {.name = "max_completed_frameworks",
         .kind = FLAG_INTEGER,
         .integer = &f->max_completed_frameworks,
         .preset = "50",
         .maximum = 100000,
         .help = "How many ended frameworks are remembered."},
        {.name = "max_completed_tasks_per_framework",
         .kind = FLAG_INTEGER,
         .integer = &f->max_completed_tasks_per_framework,
         .preset = "1000",
         .maximum = 10000000,
         .help = "How many ended tasks are remembered of each framework."},
        {.name = "max_unreachable_tasks_per_framework",
         .kind = FLAG_INTEGER,
         .integer = &f->max_unreachable_tasks_per_framework,
         .preset = "1000",
         .maximum = 10000000,
         .help = "How many tasks on unreachable agents are remembered of each framework."},
    };
    ADD(f, rows);
}

static void add_logging(struct master_flags *f) {
    struct flag rows[LOG_FLAGS_COUNT];
    log_flags_rows(&f->logging, rows);
    ADD(f, rows);
}

struct flag_table master_flag_table(struct master_flags *flags) {
    flags->row_count = 0;
    add_cluster(flags);
    add_election(flags);
    add_files(flags);
    add_offers(flags);
    add_allocation(flags);
    add_agents(flags);
    add_frameworks(flags);
    add_logging(flags);
    return (struct flag_table){
        .program = "mesos-master",
        .summary = "Shares the machines of its agents among frameworks, fairly.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags->rows,
        .count = flags->row_count,
    };
}
