#include "master/shell/master_flags.h"

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
         .help =
             "Where the registry is kept: agents, and frameworks with their failover timeouts."},
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
    add_files(flags);
    add_offers(flags);
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
