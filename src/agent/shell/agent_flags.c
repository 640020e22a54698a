#include "agent/shell/agent_flags.h"

#include "common/model/roles.h"

#include <assert.h>
#include <string.h>

static bool check_absolute(const char *value, struct error *error) {
    return value[0] == '/' || fail(error, ERROR_INVALID, "'%s' is not an absolute path", value);
}

static bool check_role(const char *value, struct error *error) {
    const char *why;
    return role_is_valid(text_of(value), &why) ||
           fail(error, ERROR_INVALID, "role '%s' %s", value, why);
}

static void add(struct agent_flags *f, const struct flag *rows, size_t count) {
    assert(f->row_count + count <= AGENT_FLAGS_LIMIT);
    memcpy(f->rows + f->row_count, rows, count * sizeof(*rows));
    f->row_count += count;
}

#define ADD(flags, rows) add((flags), (rows), sizeof(rows) / sizeof((rows)[0]))

static void add_cluster(struct agent_flags *f) {
    const struct flag rows[] = {
        {.name = "master",
         .kind = FLAG_STRING,
         .string = &f->master,
         .is_required = true,
         .group = "Cluster",
         .metavar = "HOST:PORT[,...]",
         .help = "Where the master is: one address or several, of which the leader is found, or "
                 "zk://[USER:PASSWORD@]HOST:PORT[,...]/PATH as the masters' --zk has it, or "
                 "file://FILE with that in it."},
        {.name = "ip",
         .kind = FLAG_STRING,
         .string = &f->ip,
         .preset = "127.0.0.1",
         .help = "Address to listen on. The default serves this machine alone: there is no "
                 "authentication yet, so whoever reaches another address can run commands here."},
        {.name = "port",
         .kind = FLAG_INTEGER,
         .integer = &f->port,
         .preset = "5051",
         .maximum = 65535,
         .help = "Port to listen on; 0: any."},
        {.name = "hostname",
         .kind = FLAG_STRING,
         .string = &f->hostname,
         .help = "Name shown to frameworks and operators; this machine's name when not given."},
    };
    ADD(f, rows);
}

static void add_resources(struct agent_flags *f) {
    const struct flag rows[] = {
        {.name = "attributes",
         .kind = FLAG_STRING,
         .string = &f->attributes,
         .group = "Resources",
         .metavar = "NAME:VALUE[;...]",
         .help = "What frameworks may choose by, as 'rack:r1;ssd:1'."},
        {.name = "resources",
         .kind = FLAG_STRING,
         .string = &f->resources,
         .metavar = "NAME[(ROLE)]:VALUE[;...]",
         .help = "What this agent has, as 'cpus:4;mem:8192;disk(db):1000;ports:[31000-32000]', or "
                 "a JSON "
                 "array of Resource. What is not named is measured."},
        {.name = "force_resources",
         .kind = FLAG_BOOL,
         .boolean = &f->force_resources,
         .help = "Start even with less than what is in use: tasks that do not fit are killed, "
                 "reservations and volumes that do not fit are given up."},
        {.name = "default_role",
         .kind = FLAG_STRING,
         .string = &f->default_role,
         .preset = "*",
         .check = check_role,
         .help = "Role that resources are reserved to when --resources names none; *: nobody."},
        {.name = "domain",
         .kind = FLAG_STRING,
         .string = &f->domain,
         .metavar = "REGION/ZONE",
         .help =
             "Where this machine stands, as far as failing together goes; or a JSON DomainInfo."},
    };
    ADD(f, rows);
}

static void add_files(struct agent_flags *f) {
    const struct flag rows[] = {
        {.name = "work_dir",
         .kind = FLAG_STRING,
         .string = &f->work_dir,
         .is_required = true,
         .check = check_absolute,
         .group = "Files",
         .metavar = "DIRECTORY",
         .help = "Sandboxes and the state that survives a restart. One agent's alone."},
        {.name = "runtime_dir",
         .kind = FLAG_STRING,
         .string = &f->runtime_dir,
         .metavar = "DIRECTORY",
         .help = "What supervisors of containers leave for the agent. When not given: below "
                 "/run/mesos, named after the work_dir, or 'run' in the work_dir where /run "
                 "cannot be written."},
        {.name = "gc_delay",
         .kind = FLAG_DURATION,
         .duration_ms = &f->gc_delay_ms,
         .preset = "1weeks",
         .help = "How long an ended task's sandbox is kept."},
        {.name = "gc_disk_headroom",
         .kind = FLAG_DOUBLE,
         .number = &f->gc_disk_headroom,
         .preset = "0.1",
         .maximum = 1,
         .help = "Part of the disk to keep free; sandboxes go sooner as it is approached."},
        {.name = "disk_watch_interval",
         .kind = FLAG_DURATION,
         .duration_ms = &f->disk_watch_interval_ms,
         .preset = "1mins",
         .help = "How often the disk is looked at."},
        {.name = "container_log_bytes",
         .kind = FLAG_BYTES,
         .bytes = &f->container_log_bytes,
         .preset = "100MB",
         .help = "What is kept of a task's stdout, and as much of its stderr: the newest."},
    };
    ADD(f, rows);
}

static void add_containers(struct agent_flags *f) {
    const struct flag rows[] = {
        {.name = "cgroups_root",
         .kind = FLAG_STRING,
         .string = &f->cgroups_root,
         .preset = "mesos",
         .group = "Containers",
         .help = "Name of our group in every hierarchy. Two agents of one machine need two."},
        {.name = "cgroups_enable_cfs",
         .kind = FLAG_BOOL,
         .boolean = &f->cgroups_enable_cfs,
         .help = "Make cpus a hard cap instead of a share of what is free."},
        {.name = "container_pids",
         .kind = FLAG_INTEGER,
         .integer = &f->container_pids,
         .preset = "4096",
         .maximum = 4194304,
         .help = "How many processes a container may have; 0: no limit."},
        {.name = "init_path",
         .kind = FLAG_STRING,
         .string = &f->init_path,
         .help = "The program mesos-init; looked for beside this one when not given."},
        {.name = "allow_missing",
         .kind = FLAG_BOOL,
         .boolean = &f->allow_missing,
         .help = "Start although this machine cannot isolate containers fully."},
    };
    ADD(f, rows);
}

static void add_executors(struct agent_flags *f) {
    const struct flag rows[] = {
        {.name = "executor_registration_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->executor_registration_timeout_ms,
         .preset = "1mins",
         .group = "Executors",
         .help = "An executor that has not registered by then is killed."},
        {.name = "executor_reregistration_timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &f->executor_reregistration_timeout_ms,
         .preset = "2secs",
         .help = "How long executors have to come back to an agent that restarted."},
        {.name = "executor_shutdown_grace_period",
         .kind = FLAG_DURATION,
         .duration_ms = &f->executor_shutdown_grace_ms,
         .preset = "5secs",
         .help = "What an executor has to end by itself when it is told to."},
        {.name = "registration_backoff_factor",
         .kind = FLAG_DURATION,
         .duration_ms = &f->registration_backoff_ms,
         .preset = "1secs",
         .help = "The agent waits a random part of it before it registers, and longer each time."},
    };
    ADD(f, rows);
}

static void add_logging(struct agent_flags *f) {
    struct flag rows[LOG_FLAGS_COUNT];
    log_flags_rows(&f->logging, rows);
    ADD(f, rows);
}

struct flag_table agent_flag_table(struct agent_flags *flags) {
    flags->row_count = 0;
    add_cluster(flags);
    add_resources(flags);
    add_files(flags);
    add_containers(flags);
    add_executors(flags);
    add_logging(flags);
    return (struct flag_table){
        .program = "mesos-agent",
        .summary = "Runs tasks in containers on this machine for a mesos-master.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags->rows,
        .count = flags->row_count,
    };
}
