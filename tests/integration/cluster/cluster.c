#include "tests/integration/cluster/cluster.h"

#include "common/base/buf.h"
#include "common/runtime/files.h"
#include "tests/integration/cluster/raw.h"
#include "tests/support/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_LIMIT_BYTES = 64 << 20, PATHS = 8 };

const char *cluster_agent_program(void) {
    return AGENT_PATH;
}

const char *cluster_master_program(void) {
    return MASTER_PATH;
}

const char *cluster_path(const struct cluster *cluster, const char *name) {
    static char paths[PATHS][256];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof(paths[0]), "%s/%s", cluster->directory, name);
    return path;
}

const char *cluster_executor(const struct cluster *cluster) {
    const char *path = cluster_path(cluster, "executor");
    AUTO_FINI(buf_fini) struct buf program = {0};
    struct error error;
    if (!file_read(EXECUTOR_PATH, LOG_LIMIT_BYTES, &program, &error) ||
        !file_write(path, buf_text(&program), 0755, &error))
        fail_msg("copy the executor: %s", error.message);
    return path;
}

/* --- processes --- */

void process_start(struct process *process, const char *log, const char *const *argv) {
    assert_int_equal(process->pid, 0);
    snprintf(process->log, sizeof(process->log), "%s", log);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    process->looked_to = (size_t)lseek(fd, 0, SEEK_END);
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(126);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        setenv("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:abort_on_error=0", 1);
        setenv("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=98", 1);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(fd);
    process->pid = pid;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(process->pidfd >= 0);
}

int process_wait(struct process *process) {
    struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
    int status;
    if (poll(&ended, 1, WAIT_MS) <= 0) {
        if (getenv("KEEP") == NULL)
            kill(process->pid, SIGKILL);
        fail_msg("process %d (%s) does not end", (int)process->pid, process->log);
    }
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    close(process->pidfd);
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int process_end(struct process *process, int signal_number) {
    kill(process->pid, signal_number);
    return process_wait(process);
}

/* --- logs --- */

static size_t find_in(struct text log, size_t from, const char *part) {
    const char *found =
        from < log.size ? memmem(log.data + from, log.size - from, part, strlen(part)) : NULL;
    return found != NULL ? (size_t)(found - log.data) + strlen(part) : 0;
}

static void read_log(const struct process *process, struct buf *out) {
    struct error error;
    buf_clear(out);
    file_read(process->log, LOG_LIMIT_BYTES, out, &error);
}

bool process_log_has(const struct process *process, const char *part) {
    return process_log_count(process, part) > 0;
}

size_t process_log_count(const struct process *process, const char *part) {
    AUTO_FINI(buf_fini) struct buf log = {0};
    size_t count = 0;
    read_log(process, &log);
    for (size_t at = 0; (at = find_in(buf_text(&log), at, part)) > 0;)
        count++;
    return count;
}

void process_wait_log(struct process *process, const char *part) {
    AUTO_FINI(buf_fini) struct buf log = {0};
    AUTO_FD int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(notify >= 0 && inotify_add_watch(notify, process->log, IN_MODIFY) >= 0);
    for (int64_t deadline = now_ms() + WAIT_MS;;) {
        read_log(process, &log);
        size_t found = find_in(buf_text(&log), process->looked_to, part);
        if (found > 0) {
            process->looked_to = found;
            return;
        }
        struct pollfd changed[] = {{.fd = notify, .events = POLLIN},
                                   {.fd = process->pidfd, .events = POLLIN}};
        int64_t left = deadline - now_ms();
        bool ended = left > 0 && poll(changed, 2, (int)left) > 0 && changed[1].revents != 0 &&
                     changed[0].revents == 0;
        if (left <= 0 || ended) {
            print_error("%s\n", buf_string(&log));
            fail_msg("'%s' is not in the log of %s%s", part, process->log,
                     ended ? ", which has ended" : "");
        }
        char drained[4096];
        while (read(notify, drained, sizeof(drained)) > 0)
            continue;
    }
}

static void show(const struct process *process) {
    AUTO_FINI(buf_fini) struct buf log = {0};
    if (process->log[0] == '\0')
        return;
    read_log(process, &log);
    fprintf(stderr, "--- %s\n%s\n", process->log, buf_string(&log)); /* cmocka cuts */
}

void cluster_show(const struct cluster *cluster) {
    show(&cluster->master);
    for (unsigned i = 0; i < AGENTS_LIMIT; i++)
        show(&cluster->agents[i]);
}

/* --- the cluster --- */

/* Below the ports that the kernel gives to outgoing connections, so that none of those comes first.
 */
static uint16_t free_port(void) {
    static struct rng rng;
    static bool is_seeded;
    if (!is_seeded)
        rng = rng_of((uint64_t)now_ms() << 20 ^ (uint64_t)getpid());
    is_seeded = true;
    for (;;) {
        uint16_t port = (uint16_t)(10000 + rng_below(&rng, 20000));
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons(port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            return port;
    }
}

/* A test that failed in this program before has not cleaned up: what it left goes now. */
static struct cluster *open_cluster;

static void end_processes(struct cluster *cluster) {
    for (unsigned i = 0; i < AGENTS_LIMIT; i++) {
        if (cluster->agents[i].pid != 0)
            process_end(&cluster->agents[i], SIGUSR1);
    }
    if (cluster->master.pid != 0)
        process_end(&cluster->master, SIGKILL);
}

static void abandon(void) {
    if (open_cluster == NULL)
        return;
    struct cluster *cluster = open_cluster;
    struct error error;
    open_cluster = NULL;
    end_processes(cluster);
    umount2(cluster_path(cluster, "agent0"), MNT_DETACH); /* the small disks of startup_test */
    umount2(cluster_path(cluster, "master"), MNT_DETACH);
    tree_remove(cluster->directory, &error);
}

void cluster_open(struct cluster *cluster) {
    if (geteuid() != 0) {
        print_error("SKIPPED: a cluster of real daemons needs root\n");
        exit(77);
    }
    abandon();
    *cluster = (struct cluster){.master_port = free_port()};
    for (unsigned i = 0; i < AGENTS_LIMIT; i++)
        cluster->agent_ports[i] = free_port();
    snprintf(cluster->directory, sizeof(cluster->directory), "/var/tmp/mesos-test-XXXXXX");
    assert_non_null(mkdtemp(cluster->directory));
    assert_int_equal(chmod(cluster->directory, 0755), 0);
    snprintf(cluster->master_address, sizeof(cluster->master_address), "127.0.0.1:%u",
             cluster->master_port);
    static bool registered;
    if (!registered)
        atexit(abandon);
    registered = true;
    open_cluster = cluster;
}

static size_t add_flags(const char **argv, size_t count, const char *const *flags) {
    for (; flags != NULL && *flags != NULL; flags++) {
        assert_true(count < FLAGS_LIMIT - 1);
        argv[count++] = *flags;
    }
    argv[count] = NULL;
    return count;
}

void cluster_start_master(struct cluster *cluster, const char *const *flags) {
    char port[32], work_dir[128];
    snprintf(port, sizeof(port), "--port=%u", cluster->master_port);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", cluster->directory);
    const char *argv[FLAGS_LIMIT] = {MASTER_PATH, port, work_dir, "--hostname=localhost"};
    add_flags(argv, 4, flags);
    process_start(&cluster->master, cluster_path(cluster, "master.log"), argv);
    process_wait_log(&cluster->master, "master_starts");
}

static const char *group_of(const struct cluster *cluster, unsigned which) {
    static char name[64];
    snprintf(name, sizeof(name), "mesos-%s-%u", strrchr(cluster->directory, '-') + 1, which);
    return name;
}

void cluster_start_agent(struct cluster *cluster, unsigned which, const char *const *flags) {
    static const char init[] = "--init_path=" INIT_PATH;
    char master[64], work_dir[128], group[96], log[32], port[32];
    assert_true(which < AGENTS_LIMIT);
    snprintf(master, sizeof(master), "--master=%s", cluster->master_address);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/agent%u", cluster->directory, which);
    snprintf(group, sizeof(group), "--cgroups_root=%s", group_of(cluster, which));
    snprintf(port, sizeof(port), "--port=%u", cluster->agent_ports[which]);
    snprintf(log, sizeof(log), "agent%u.log", which);
    const char *program = cluster->agent_program;
    const char *argv[FLAGS_LIMIT] = {program != NULL ? program : AGENT_PATH,
                                     master,
                                     work_dir,
                                     group,
                                     port,
                                     init,
                                     "--hostname=localhost",
                                     "--resources=cpus:4;mem:2048;disk:1024;ports:[31000-31999]",
                                     "--registration_backoff_factor=50ms"};
    add_flags(argv, 9, flags);
    process_start(&cluster->agents[which], cluster_path(cluster, log), argv);
}

void cluster_start(struct cluster *cluster) {
    cluster_start_master(cluster, NULL);
    cluster_start_agent(cluster, 0, NULL);
    process_wait_log(&cluster->agents[0], " registered ");
}

static unsigned groups_found;
static const char *group_wanted;

static int look_at(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    const char *name = path + at->base;
    groups_found += kind == FTW_D && strcmp(name, group_wanted) == 0;
    return 0;
}

unsigned cluster_cgroups(const struct cluster *cluster, unsigned which) {
    groups_found = 0;
    group_wanted = group_of(cluster, which);
    nftw("/sys/fs/cgroup", look_at, 16, FTW_PHYS);
    return groups_found;
}

void cluster_close(struct cluster *cluster) {
    struct error error;
    for (unsigned i = 0; i < AGENTS_LIMIT; i++) {
        if (cluster->agents[i].pid == 0)
            continue;
        int code = process_end(&cluster->agents[i], SIGUSR1);
        if (code != 0)
            cluster_fail(cluster, "agent %u ended with %d", i, code);
        if (cluster_cgroups(cluster, i) != 0)
            cluster_fail(cluster, "agent %u left %u cgroups", i, cluster_cgroups(cluster, i));
    }
    if (cluster->master.pid != 0) {
        int code = process_end(&cluster->master, SIGTERM);
        if (code != 0)
            cluster_fail(cluster, "the master ended with %d", code);
    }
    open_cluster = NULL;
    if (!tree_remove(cluster->directory, &error))
        fail_msg("remove %s: %s", cluster->directory, error.message);
}

void cluster_expect(const struct cluster *cluster, const char *method, const char *path,
                    const char *body, int status, const char *part) {
    AUTO_FINI(buf_fini) struct buf answer = {0};
    int got =
        raw_ask(cluster->master_port, method, path, "application/json", text_of(body), &answer);
    if (got != status || strstr(buf_string(&answer), part) == NULL)
        cluster_fail(cluster, "%s %s %s\nwanted %d with '%s', got\n%s", method, path, body, status,
                     part, buf_string(&answer));
}
