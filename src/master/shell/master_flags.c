#include "master/shell/master_flags.h"

#include "common/base/text.h"
#include "common/runtime/log.h"

static bool check_level(const char *value, struct error *error) {
    enum log_level level;
    if (log_level_parse(text_of(value), &level))
        return true;
    return fail(error, ERROR_INVALID, "'%s' is none of debug, info, warning, error", value);
}

static bool check_log(const char *value, struct error *error) {
    if (text_equal(text_of(value), TEXT("stderr")) || text_equal(text_of(value), TEXT("journal")))
        return true;
    return fail(error, ERROR_INVALID, "'%s' is neither stderr nor journal", value);
}

static const struct flag *rows(struct master_flags *f) {
    static struct flag table[MASTER_FLAGS_LIMIT];
    const struct flag made[] = {
        {.name = "ip", .kind = FLAG_STRING, .string = &f->ip, .preset = "127.0.0.1",
         .group = "Cluster",
         .help = "Address to listen on. The default serves this machine alone: there is no "
                 "authentication yet, so whoever reaches another address can run commands on "
                 "every agent."},
        {.name = "port", .kind = FLAG_INTEGER, .integer = &f->port, .preset = "5050",
         .maximum = 65535, .help = "Port to listen on; 0: any."},
        {.name = "hostname", .kind = FLAG_STRING, .string = &f->hostname,
         .help = "Name shown to frameworks and operators; this machine's name when not given."},
        {.name = "cluster", .kind = FLAG_STRING, .string = &f->cluster,
         .help = "Name of the cluster, for people."},
        {.name = "work_dir", .kind = FLAG_STRING, .string = &f->work_dir,
         .preset = "/var/lib/mesos/master", .group = "Files", .metavar = "DIRECTORY",
         .help = "Where the registry is kept: agents, and frameworks with their failover timeouts."},
        {.name = "offer_timeout", .kind = FLAG_DURATION, .duration_ms = &f->offer_timeout_ms,
         .preset = "5mins", .group = "Offers",
         .help = "An offer that was neither accepted nor declined by then is rescinded; 0secs: never."},
        {.name = "allocation_interval", .kind = FLAG_DURATION,
         .duration_ms = &f->allocation_interval_ms, .preset = "2ms",
         .help = "How long free resources wait for company before they are offered."},
        {.name = "agent_ping_timeout", .kind = FLAG_DURATION,
         .duration_ms = &f->agent_ping_timeout_ms, .preset = "15secs", .group = "Agents",
         .alias = "slave_ping_timeout", .minimum = 1,
         .help = "How often agents are asked whether they are there, and have to answer."},
        {.name = "max_agent_ping_timeouts", .kind = FLAG_INTEGER,
         .integer = &f->max_agent_ping_timeouts, .preset = "5", .minimum = 1, .maximum = 1000,
         .alias = "max_slave_ping_timeouts",
         .help = "After so many unanswered ones an agent is unreachable."},
        {.name = "agent_reregister_timeout", .kind = FLAG_DURATION,
         .duration_ms = &f->agent_reregister_timeout_ms, .preset = "10mins",
         .alias = "slave_reregister_timeout",
         .help = "An agent whose connection broke, or that was known before a restart of the "
                 "master, has so long to come back."},
        {.name = "root_submissions", .kind = FLAG_BOOL, .boolean = &f->root_submissions,
         .preset = "true", .group = "Frameworks",
         .help = "Whether frameworks may run as root."},
        {.name = "max_completed_frameworks", .kind = FLAG_INTEGER,
         .integer = &f->max_completed_frameworks, .preset = "50", .maximum = 100000,
         .help = "How many ended frameworks are remembered."},
        {.name = "max_completed_tasks_per_framework", .kind = FLAG_INTEGER,
         .integer = &f->max_completed_tasks_per_framework, .preset = "1000", .maximum = 10000000,
         .help = "How many ended tasks are remembered of each framework."},
        {.name = "max_unreachable_tasks_per_framework", .kind = FLAG_INTEGER,
         .integer = &f->max_unreachable_tasks_per_framework, .preset = "1000",
         .maximum = 10000000,
         .help = "How many tasks on unreachable agents are remembered of each framework."},
        {.name = "log", .kind = FLAG_STRING, .string = &f->log, .preset = "stderr",
         .check = check_log, .group = "Logging", .metavar = "stderr|journal",
         .help = "Where the log goes."},
        {.name = "logging_level", .kind = FLAG_STRING, .string = &f->logging_level,
         .preset = "info", .check = check_level, .metavar = "LEVEL",
         .help = "debug, info, warning or error; changeable at run time."},
    };
    _Static_assert(sizeof(made) <= sizeof(table), "MASTER_FLAGS_LIMIT is too small");
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        table[i] = made[i];
    return table;
}

struct flag_table master_flag_table(struct master_flags *flags) {
    const struct flag *table = rows(flags);
    size_t count = 0;
    while (count < MASTER_FLAGS_LIMIT && table[count].name != NULL)
        count++;
    return (struct flag_table){
        .program = "mesos-master",
        .summary = "Shares the machines of its agents among frameworks, fairly.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = table,
        .count = count,
    };
}
