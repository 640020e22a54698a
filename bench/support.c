#include "support.h"

#include "common/base/text.h"
#include "common/runtime/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED = 77, DAEMONS_LIMIT = 8, DIRECTORIES_LIMIT = 8, REMOVE_TRIES = 10 };
#define CGROUPS "/sys/fs/cgroup"

void bench_skip(const char *why) {
    fprintf(stderr, "%s: SKIPPED: %s\n", program_invocation_short_name, why);
    exit(SKIPPED);
}

/* --- the end --- */

static struct {
    pid_t owner; /* children leave our things alone */
    bool is_registered;
    struct bench_daemon *daemons[DAEMONS_LIMIT];
    size_t daemon_count;
    char directories[DIRECTORIES_LIMIT][BENCH_PATH_SIZE];
    size_t directory_count;
    char root[64];
} made;

static size_t walk_groups(const char *root, bool removes);

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat, (void)type, (void)ftw;
    remove(path);
    return 0;
}

/* Again when something was still being written, or removed, meanwhile. */
static void remove_directory(const char *path) {
    for (int i = 0; i < REMOVE_TRIES && access(path, F_OK) == 0; i++)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void clean_up(void) {
    if (getpid() != made.owner)
        return;
    while (made.daemon_count > 0)
        bench_daemon_stop(made.daemons[made.daemon_count - 1]);
    while (made.directory_count > 0)
        remove_directory(made.directories[--made.directory_count]);
    if (made.root[0] != '\0')
        walk_groups(made.root, true);
}

/* Not a thing that a handler may do at any moment, but better than daemons and groups left behind.
 */
static void on_signal(int signal_number) {
    exit(128 + signal_number); /* NOLINT(bugprone-signal-handler) */
}

static void clean_up_at_exit(void) {
    made.owner = getpid();
    if (made.is_registered)
        return;
    made.is_registered = true;
    atexit(clean_up);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}

/* The last of it: most often it says why. */
static void show_log(const char *path) {
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0;
    ssize_t got = fd >= 0 ? pread(fd, text, sizeof(text), from) : 0;
    fprintf(stderr, "%.*s", (int)(got > 0 ? got : 0), text);
    if (fd >= 0)
        close(fd);
}

void bench_fail(const char *what, const char *why) {
    for (size_t i = 0; i < made.daemon_count; i++)
        show_log(made.daemons[i]->log);
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

/* --- time and numbers --- */

int64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_cpu_ns(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

int64_t bench_percentile(int64_t *values, size_t count, unsigned percent) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare);
    return values[(count - 1) * percent / 100];
}

uint64_t bench_number(const char *text, uint64_t limit) {
    uint64_t number;
    if (!text_to_u64(text_of(text), &number) || number == 0 || number > limit) {
        fprintf(stderr, "%s: '%s' is no number from 1 to %llu\n", program_invocation_short_name,
                text, (unsigned long long)limit);
        exit(2);
    }
    return number;
}

void bench_pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (core < 0)
        memset(&cores, 0xff, sizeof(cores));
    else
        CPU_SET((unsigned)core, &cores);
    sched_setaffinity(0, sizeof(cores), &cores);
}

int bench_cores(void) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

/* --- files and ports --- */

void bench_directory_make(char out[BENCH_PATH_SIZE]) {
    clean_up_at_exit();
    snprintf(out, BENCH_PATH_SIZE, "/tmp/mesos-bench-XXXXXX");
    if (made.directory_count == DIRECTORIES_LIMIT || mkdtemp(out) == NULL || chmod(out, 0755) != 0)
        bench_fail("mkdtemp", strerror(errno));
    memcpy(made.directories[made.directory_count++], out, BENCH_PATH_SIZE);
}

void bench_root_name(char out[64]) {
    clean_up_at_exit();
    snprintf(made.root, sizeof(made.root), "mesos-bench-%d", getpid());
    memcpy(out, made.root, sizeof(made.root));
}

uint16_t bench_free_port(void) {
    struct error error;
    int fd = socket_listen("127.0.0.1", 0, 1, &error);
    if (fd < 0)
        bench_fail("listen", error.message);
    uint16_t port = socket_port(fd);
    close(fd);
    return port;
}

void bench_program(const char *name, char out[BENCH_PATH_SIZE]) {
    char self[BENCH_PATH_SIZE / 2] = {0};
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        bench_fail("/proc/self/exe", strerror(errno));
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    snprintf(out, BENCH_PATH_SIZE, "%s/bin/%s", self, name);
    if (access(out, X_OK) != 0)
        bench_fail(out, strerror(errno));
}

/* --- daemons --- */

static bool answers(uint16_t port) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return ok;
}

static void run_program(const char *program, const char *name, const char *log,
                        const char *const *arguments, int core) {
    const char *argv[BENCH_ARGUMENTS_LIMIT + 2] = {name};
    for (size_t i = 0; i < BENCH_ARGUMENTS_LIMIT && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, STDERR_FILENO);
    dup2(fd, STDOUT_FILENO);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    bench_pin(core);
    execv(program, (char *const *)argv);
    _exit(127);
}

void bench_daemon_start(struct bench_daemon *daemon, const char *name, const char *directory,
                        const char *const *arguments, uint16_t port, int core) {
    char program[BENCH_PATH_SIZE];
    bench_program(name, program);
    *daemon = (struct bench_daemon){.port = port};
    snprintf(daemon->log, sizeof(daemon->log), "%s/%s.log", directory, name);
    daemon->pid = fork();
    if (daemon->pid == 0)
        run_program(program, name, daemon->log, arguments, core);
    if (daemon->pid < 0 || made.daemon_count == DAEMONS_LIMIT)
        bench_fail("fork", strerror(errno));
    clean_up_at_exit();
    made.daemons[made.daemon_count++] = daemon;
    for (int waited_ms = 0; !answers(port); waited_ms++) {
        if (waitpid(daemon->pid, NULL, WNOHANG) != 0 || waited_ms > BENCH_PATIENCE_MS)
            bench_fail(name, "does not start");
        usleep(1000);
    }
}

void bench_daemon_stop(struct bench_daemon *daemon) {
    for (size_t i = 0; i < made.daemon_count; i++)
        if (made.daemons[i] == daemon)
            made.daemons[i] = made.daemons[--made.daemon_count];
    if (daemon->pid <= 0)
        return;
    kill(daemon->pid, SIGTERM);
    for (int waited_ms = 0; waitpid(daemon->pid, NULL, WNOHANG) == 0; waited_ms++) {
        if (waited_ms == BENCH_PATIENCE_MS)
            kill(daemon->pid, SIGKILL);
        usleep(1000);
    }
    daemon->pid = 0;
}

static void start_agent(struct bench_cluster *cluster, uint16_t agent_port) {
    char work_dir[BENCH_PATH_SIZE + 32], root[100], port[32], address[64], total[300];
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/agent", cluster->directory);
    snprintf(port, sizeof(port), "--port=%u", agent_port);
    snprintf(address, sizeof(address), "--master=127.0.0.1:%u", cluster->master.port);
    snprintf(root, sizeof(root), "--cgroups_root=%s", cluster->root);
    snprintf(total, sizeof(total), "--resources=%s", cluster->resources);
    bench_daemon_start(&cluster->agent, "mesos-agent", cluster->directory,
                       (const char *[]){work_dir, port, address, root, total, NULL}, agent_port,
                       -1);
}

void bench_cluster_restart_agent(struct bench_cluster *cluster) {
    uint16_t port = cluster->agent.port;
    kill(cluster->agent.pid, SIGKILL);
    bench_daemon_stop(&cluster->agent);
    start_agent(cluster, port);
}

void bench_cluster_start(struct bench_cluster *cluster, const char *resources) {
    char work_dir[BENCH_PATH_SIZE + 32], port[32];
    if (geteuid() != 0)
        bench_skip("containers need root");
    bench_directory_make(cluster->directory);
    bench_root_name(cluster->root);
    uint16_t master_port = bench_free_port();
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", cluster->directory);
    snprintf(port, sizeof(port), "--port=%u", master_port);
    bench_daemon_start(&cluster->master, "mesos-master", cluster->directory,
                       (const char *[]){work_dir, port, NULL}, master_port, -1);
    snprintf(cluster->resources, sizeof(cluster->resources), "%s", resources);
    start_agent(cluster, bench_free_port());
}

void bench_cluster_stop(struct bench_cluster *cluster) {
    bench_daemon_stop(&cluster->agent);
    bench_daemon_stop(&cluster->master);
}

int64_t bench_memory_kb(pid_t pid, const char *line) {
    char path[64], text[256];
    int64_t kb = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && kb < 0 && fgets(text, sizeof(text), file) != NULL) {
        size_t size = strlen(line);
        if (strncmp(text, line, size) == 0 && text[size] == ':')
            kb = strtoll(text + size + 1, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return kb;
}

/* --- groups --- */

struct group_walk {
    size_t count;
    bool removes;
};

static void walk_group(struct group_walk *walk, const char *path) {
    char below[1024];
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof(below), "%.700s/%s", path, entry->d_name);
        walk->count++;
        walk_group(walk, below);
    }
    if (directory != NULL)
        closedir(directory);
    if (walk->removes)
        rmdir(path);
}

/* Groups whose name begins with `root`, in one hierarchy. */
static void walk_hierarchy(struct group_walk *walk, const char *mount, const char *root) {
    char path[700];
    DIR *directory = opendir(mount);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, root, strlen(root)) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", mount, entry->d_name);
        walk_group(walk, path);
    }
    if (directory != NULL)
        closedir(directory);
}

static size_t walk_groups(const char *root, bool removes) {
    struct group_walk walk = {.removes = removes};
    char path[400];
    DIR *directory = opendir(CGROUPS);
    struct dirent *entry;
    walk_hierarchy(&walk, CGROUPS, root);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), CGROUPS "/%s", entry->d_name);
        walk_hierarchy(&walk, path, root);
    }
    if (directory != NULL)
        closedir(directory);
    return walk.count;
}

size_t bench_cgroups_count(const char *root) {
    return walk_groups(root, false);
}
