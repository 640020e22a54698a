/*
 * mesos dev: a master and agents of this machine under one command. A daemon that dies is started
 * again with the state it had; one that dies DEATHS_LIMIT times within DEATHS_WINDOW_MS ends all,
 * with its last lines. At the end the agents are asked to leave no trace (SIGUSR1), and the state
 * goes unless it is to be kept.
 */
#include "cli/cli.h"
#include "cli/dev_daemon.h"
#include "cli/json_line.h"
#include "cli/query.h"
#include "common/base/buf.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sched.h>
#include <unistd.h>

enum {
    AGENTS_LIMIT = 64,
    READY_POLL_MS = 50,
    STOP_LIMIT_MS = 15000,
    FIRST_TASK_PORT = 31000,
    TASK_PORTS = 1000,
    MEGABYTE = 1 << 20,
};

struct dev_flags {
    int64_t port, agent_port, agents;
    double cpus;
    int64_t mem_megabytes;
    char *keep;
    char *logging_level;
    bool json;
};

struct dev {
    struct dev_flags flags;
    struct loop *loop;
    char directory[PATH_MAX / 2];
    struct dev_daemon *daemons[AGENTS_LIMIT + 1]; /* the master first */
    size_t daemon_count;
    struct loop_timer ready_timer, stop_timer;
    bool is_ready, is_stopping;
    int exit_code;
};

/* --- stopping --- */

static bool all_ended(const struct dev *dev) {
    for (size_t i = 0; i < dev->daemon_count; i++) {
        if (dev_daemon_is_running(dev->daemons[i]))
            return false;
    }
    return true;
}

static void stop_now(void *self) {
    struct dev *dev = self;
    fprintf(stderr, "mesos dev: some daemon did not stop in %d seconds and is killed\n",
            STOP_LIMIT_MS / 1000);
    loop_stop(dev->loop);
}

/* Agents first: the master has nothing to lose. */
static void stop_daemons(struct dev *dev) {
    dev->is_stopping = true;
    loop_timer_disarm(&dev->ready_timer);
    loop_timer_arm(&dev->stop_timer, loop_now_ms(dev->loop) + STOP_LIMIT_MS);
    for (size_t i = 1; i < dev->daemon_count; i++)
        dev_daemon_stop(dev->daemons[i], SIGUSR1);
    if (dev->daemon_count > 0)
        dev_daemon_stop(dev->daemons[0], SIGTERM);
    if (all_ended(dev))
        loop_stop(dev->loop);
}

/* For whoever started it: it looks for the event, and for the pid to end it by. */
static json_t *event_of(const struct dev *dev, const char *event) {
    char master[32];
    json_t *object = json_object();
    snprintf(master, sizeof(master), "127.0.0.1:%d", (int)dev->flags.port);
    json_object_set_new(object, "event", json_string(event));
    json_object_set_new(object, "master", json_string(master));
    json_object_set_new(object, "agents", json_integer((json_int_t)dev->flags.agents));
    json_object_set_new(object, "directory", json_line_string(text_of(dev->directory)));
    json_object_set_new(object, "pid", json_integer(getpid()));
    return object;
}

static void tell_event(const struct dev *dev, const char *event) {
    AUTO(json_decref) json_t *object = event_of(dev, event);
    if (!json_line_write(object))
        cli_fail_write("dev");
}

static void tell_stopping(const struct dev *dev) {
    if (dev->flags.json) {
        tell_event(dev, "stopping");
        return;
    }
    printf("stopping\n");
    fflush(stdout);
}

static void on_signal(void *self, int signal_number) {
    struct dev *dev = self;
    (void)signal_number;
    if (dev->is_stopping)
        return;
    tell_stopping(dev);
    stop_daemons(dev);
}

/* A daemon has died too often, or has ended because it was told to. */
static void on_over(void *self, struct dev_daemon *daemon) {
    struct dev *dev = self;
    if (!dev->is_stopping) {
        fprintf(stderr, "mesos dev: %s died %d times within %d seconds; its last lines:\n",
                dev_daemon_name(daemon), DEV_DEATHS_LIMIT, DEV_DEATHS_WINDOW_MS / 1000);
        dev_daemon_print_tail(daemon, stderr);
        dev->exit_code = CLI_FAILED;
        stop_daemons(dev);
    }
    if (all_ended(dev))
        loop_stop(dev->loop);
}

/* --- starting --- */

static size_t active_agents(const struct dev *dev) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    char master[32];
    size_t index, count = 0;
    json_t *agent;
    snprintf(master, sizeof(master), "127.0.0.1:%d", (int)dev->flags.port);
    if (!query_get(master, "GET_AGENTS", &answer, &error))
        return 0;
    json_array_foreach(query_at(answer, "agents"), index, agent) {
        count += json_is_true(query_at(agent, "active"));
    }
    return count;
}

static void tell_ready(const struct dev *dev) {
    if (dev->flags.json) {
        tell_event(dev, "ready");
        return;
    }
    printf("ready: master at 127.0.0.1:%d, %d agent%s; logs and state in %s\n"
           "try:   mesos run -- echo hello\n"
           "stop:  Ctrl-C, or SIGTERM to %d\n",
           (int)dev->flags.port, (int)dev->flags.agents, dev->flags.agents == 1 ? "" : "s",
           dev->directory, (int)getpid());
    fflush(stdout);
}

static void poll_ready(void *self) {
    struct dev *dev = self;
    if (active_agents(dev) < (size_t)dev->flags.agents) {
        loop_timer_arm(&dev->ready_timer, loop_now_ms(dev->loop) + READY_POLL_MS);
        return;
    }
    dev->is_ready = true;
    tell_ready(dev);
}

static bool start_daemon(struct dev *dev, const char *program, const char *name,
                         const char *const *arguments, struct error *error) {
    struct dev_daemon_options options = {.loop = dev->loop,
                                         .program = program,
                                         .name = name,
                                         .arguments = arguments,
                                         .directory = dev->directory,
                                         .on_over = on_over,
                                         .self = dev};
    struct dev_daemon *daemon = dev_daemon_start(&options, error);
    if (daemon == NULL)
        return false;
    dev->daemons[dev->daemon_count++] = daemon;
    return true;
}

static bool start_master(struct dev *dev, struct error *error) {
    char port[32], work_dir[PATH_MAX], level[64];
    snprintf(port, sizeof(port), "--port=%d", (int)dev->flags.port);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", dev->directory);
    snprintf(level, sizeof(level), "--logging_level=%s", dev->flags.logging_level);
    const char *arguments[] = {
        "--ip=127.0.0.1", "--hostname=localhost", port, work_dir, level, NULL};
    return start_daemon(dev, "mesos-master", "master", arguments, error);
}

/* This machine's cpus and memory in equal parts, each task port once. */
static void share_of_machine(const struct dev *dev, size_t index, char *out, size_t size) {
    struct sysinfo info;
    cpu_set_t usable;
    double cpus = dev->flags.cpus;
    int64_t megabytes = dev->flags.mem_megabytes;
    if (cpus <= 0)
        cpus = sched_getaffinity(0, sizeof(usable), &usable) == 0 ? CPU_COUNT(&usable) : 1;
    if (megabytes <= 0 && sysinfo(&info) == 0) {
        megabytes = (int64_t)(info.totalram * info.mem_unit / MEGABYTE);
        megabytes = megabytes > 2048 ? megabytes - 1024 : megabytes / 2;
    }
    int64_t ports = TASK_PORTS / dev->flags.agents;
    int64_t first = FIRST_TASK_PORT + (int64_t)index * ports;
    snprintf(out, size, "--resources=cpus:%.3f;mem:%lld;ports:[%lld-%lld]",
             cpus / (double)dev->flags.agents, (long long)(megabytes / dev->flags.agents),
             (long long)first, (long long)(first + ports - 1));
}

static bool start_agent(struct dev *dev, size_t index, struct error *error) {
    char name[32], master[48], port[32], work_dir[PATH_MAX], resources[160], cgroups[64], level[64];
    snprintf(name, sizeof(name), "agent-%zu", index + 1);
    snprintf(master, sizeof(master), "--master=127.0.0.1:%d", (int)dev->flags.port);
    snprintf(port, sizeof(port), "--port=%d", (int)(dev->flags.agent_port + (int64_t)index));
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/%s", dev->directory, name);
    share_of_machine(dev, index, resources, sizeof(resources));
    snprintf(cgroups, sizeof(cgroups), "--cgroups_root=mesos-dev-%d-%zu",
             (int)(dev->flags.agent_port), index + 1);
    snprintf(level, sizeof(level), "--logging_level=%s", dev->flags.logging_level);
    const char *arguments[] = {"--ip=127.0.0.1",
                               "--hostname=localhost",
                               "--registration_backoff_factor=50ms",
                               master,
                               port,
                               work_dir,
                               resources,
                               cgroups,
                               level,
                               geteuid() == 0 ? NULL : "--allow_missing",
                               NULL};
    return start_daemon(dev, "mesos-agent", name, arguments, error);
}

static bool make_directory(struct dev *dev, struct error *error) {
    if (dev->flags.keep != NULL) {
        if (!directory_make(dev->flags.keep, 0755, error))
            return fail_context(error, "--keep");
        char whole[PATH_MAX]; /* no less for realpath */
        if (realpath(dev->flags.keep, whole) == NULL)
            return fail(error, ERROR_IO, "--keep: %m");
        if (strlen(whole) >= sizeof(dev->directory))
            return fail(error, ERROR_LIMIT, "--keep: a path of %zu bytes is too long",
                        strlen(whole));
        memcpy(dev->directory, whole, strlen(whole) + 1);
        return true;
    }
    const char *parent = getenv("TMPDIR");
    snprintf(dev->directory, sizeof(dev->directory), "%s/mesos-dev-XXXXXX",
             parent != NULL ? parent : "/tmp");
    if (mkdtemp(dev->directory) == NULL)
        return fail(error, ERROR_IO, "make %s: %m", dev->directory);
    /* Tasks of other users pass through it to their sandboxes. */
    if (chmod(dev->directory, 0755) != 0)
        return fail(error, ERROR_IO, "chmod %s: %m", dev->directory);
    return true;
}

/* Before anything is started: a daemon that cannot listen would only be started again. */
static bool check_port(int64_t port, struct error *error) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    if (fd < 0)
        return fail(error, ERROR_IO, "socket: %m");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    if (errno == EADDRINUSE)
        return fail(error, ERROR_EXISTS, "port %d is taken", (int)port);
    return fail(error, ERROR_IO, "port %d: %m", (int)port);
}

static bool check_ports(const struct dev_flags *flags, struct error *error) {
    if (flags->port >= flags->agent_port && flags->port < flags->agent_port + flags->agents)
        return fail(error, ERROR_INVALID, "port %d is both the master's and an agent's",
                    (int)flags->port);
    if (!check_port(flags->port, error))
        return false;
    for (int64_t i = 0; i < flags->agents; i++) {
        if (!check_port(flags->agent_port + i, error))
            return false;
    }
    return true;
}

static bool start(struct dev *dev, struct error *error) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    dev->loop = loop_new(error);
    if (dev->loop == NULL || !check_ports(&dev->flags, error) || !make_directory(dev, error))
        return false;
    loop_timer_init(&dev->ready_timer, dev->loop, poll_ready, dev);
    loop_timer_init(&dev->stop_timer, dev->loop, stop_now, dev);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (!loop_on_signal(dev->loop, signals[i], on_signal, dev, error))
            return false;
    }
    if (!start_master(dev, error))
        return false;
    for (size_t i = 0; i < (size_t)dev->flags.agents; i++) {
        if (!start_agent(dev, i, error))
            return false;
    }
    loop_timer_arm(&dev->ready_timer, loop_now_ms(dev->loop) + READY_POLL_MS);
    return true;
}

static void end(struct dev *dev) {
    loop_timer_disarm(&dev->ready_timer);
    loop_timer_disarm(&dev->stop_timer);
    for (size_t i = 0; i < dev->daemon_count; i++)
        dev_daemon_free(dev->daemons[i]);
    loop_free(dev->loop);
    struct error error;
    if (dev->flags.keep == NULL && dev->directory[0] != '\0' &&
        !tree_remove(dev->directory, &error))
        fprintf(stderr, "mesos dev: %s is left: %s\n", dev->directory, error.message);
}

static int run(struct dev *dev) {
    struct error error;
    if (start(dev, &error)) {
        loop_run(dev->loop);
    } else {
        fprintf(stderr, "mesos dev: %s\n", error.message);
        dev->exit_code = CLI_FAILED;
        if (dev->daemon_count > 0) {
            stop_daemons(dev);
            if (!all_ended(dev))
                loop_run(dev->loop);
        }
    }
    end(dev);
    return dev->exit_code;
}

int cli_dev(int argc, char **argv) {
    struct dev dev = {0};
    struct dev_flags *f = &dev.flags;
    const struct flag flags[] = {
        {.name = "agents",
         .kind = FLAG_INTEGER,
         .integer = &f->agents,
         .preset = "1",
         .minimum = 1,
         .maximum = AGENTS_LIMIT,
         .help = "How many agents share this machine."},
        {.name = "port",
         .kind = FLAG_INTEGER,
         .integer = &f->port,
         .preset = "5050",
         .minimum = 1,
         .maximum = 65535,
         .help = "The master's port on 127.0.0.1."},
        {.name = "agent_port",
         .kind = FLAG_INTEGER,
         .integer = &f->agent_port,
         .preset = "5051",
         .minimum = 1,
         .maximum = 65535 - AGENTS_LIMIT,
         .help = "The first agent's port; the others' follow."},
        {.name = "cpus",
         .kind = FLAG_DOUBLE,
         .number = &f->cpus,
         .help = "What the agents have in all; this machine's when not given. More makes room for "
                 "more tasks at once, not for more work."},
        {.name = "mem",
         .kind = FLAG_INTEGER,
         .integer = &f->mem_megabytes,
         .maximum = 1 << 30,
         .metavar = "MB",
         .help = "Likewise, in MB."},
        {.name = "keep",
         .kind = FLAG_STRING,
         .string = &f->keep,
         .metavar = "DIRECTORY",
         .help =
             "Keep state and logs here, and go on from there the next time. Without it they are "
             "in a temporary directory that goes at the end."},
        {.name = "logging_level",
         .kind = FLAG_STRING,
         .string = &f->logging_level,
         .preset = "info",
         .metavar = "LEVEL",
         .help = "Of the daemons: debug, info, warning, error."},
        CLI_FLAG_JSON(f),
    };
    struct flag_table table = {.program = "mesos dev",
                               .summary = "A cluster on this machine: a master and agents, started "
                                          "again when they die, until Ctrl-C.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_DEV_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0])};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    exit_code = run(&dev);
    flags_fini(&table, &arguments);
    return exit_code;
}
