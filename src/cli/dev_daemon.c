#include "cli/dev_daemon.h"

#include "common/model/drain.h"
#include "common/base/vec.h"
#include "common/runtime/child.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

struct dev_daemon {
    struct loop *loop;
    char *name, *log_path, *program;
    VEC_OF(const char *) argv; /* owned, NULL at the end */
    struct child *child;
    int64_t deaths_ms[DEV_DEATHS_LIMIT]; /* the latest, in a ring */
    size_t death_count;
    bool is_stopping;
    void (*on_over)(void *self, struct dev_daemon *daemon);
    void *self;
};

/* Where the running program is, then ../sbin of that as `cmake --install` puts it; else PATH
 * decides. */
static char *find_program(const char *name) {
    char own[PATH_MAX], path[PATH_MAX * 2];
    static const char *const places[] = {"", "../sbin/", "../libexec/mesos/"};
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (size <= 0)
        return mem_dup_string(name);
    own[size] = '\0';
    *strrchr(own, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s%s", own, places[i], name);
        if (access(path, X_OK) == 0)
            return mem_dup_string(path);
    }
    return mem_dup_string(name);
}

static void on_exit_of_child(void *self, struct child_exit exit);

static bool launch(struct dev_daemon *daemon, struct error *error) {
    AUTO_FD int log = open(daemon->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0)
        return fail(error, ERROR_IO, "open %s: %m", daemon->log_path);
    struct child_options options = {.argv = daemon->argv.items,
                                    .input = CHILD_NULL,
                                    .output = CHILD_FD,
                                    .errors = CHILD_FD,
                                    .output_fd = log,
                                    .errors_fd = log,
                                    .own_group = true,
                                    .dies_with_us = true};
    daemon->child = child_start(daemon->loop, &options, on_exit_of_child, daemon, error);
    return daemon->child != NULL || fail_context(error, "start %s", daemon->program);
}

static bool died_too_often(struct dev_daemon *daemon) {
    int64_t now_ms = loop_now_ms(daemon->loop);
    daemon->deaths_ms[daemon->death_count++ % DEV_DEATHS_LIMIT] = now_ms;
    if (daemon->death_count < DEV_DEATHS_LIMIT)
        return false;
    int64_t oldest_ms = daemon->deaths_ms[daemon->death_count % DEV_DEATHS_LIMIT];
    return now_ms - oldest_ms < DEV_DEATHS_WINDOW_MS;
}

static void on_exit_of_child(void *self, struct child_exit exit) {
    struct dev_daemon *daemon = self;
    struct error error = {0};
    child_free(TAKE(daemon->child));
    if (daemon->is_stopping) {
        daemon->on_over(daemon->self, daemon);
        return;
    }
    if (!exit.was_signalled && exit.code == AGENT_EXIT_GONE) {
        fprintf(stderr, "mesos dev: %s is gone, as an operator said\n", daemon->name);
        return;
    }
    fprintf(stderr, "mesos dev: %s ended with %s %d\n", daemon->name,
            exit.was_signalled ? "signal" : "code", exit.code);
    /* SIGKILL comes from outside: an operator, a test, the kernel out of memory. */
    bool was_killed = exit.was_signalled && exit.code == SIGKILL;
    if ((was_killed || !died_too_often(daemon)) && launch(daemon, &error)) {
        fprintf(stderr, "mesos dev: %s is started again\n", daemon->name);
        return;
    }
    if (error.code != ERROR_NONE)
        fprintf(stderr, "mesos dev: %s\n", error.message);
    daemon->on_over(daemon->self, daemon);
}

struct dev_daemon *dev_daemon_start(const struct dev_daemon_options *options, struct error *error) {
    char log_path[PATH_MAX];
    struct dev_daemon *daemon = NEW(struct dev_daemon);
    snprintf(log_path, sizeof(log_path), "%s/%s.log", options->directory, options->name);
    daemon->loop = options->loop;
    daemon->name = mem_dup_string(options->name);
    daemon->log_path = mem_dup_string(log_path);
    daemon->program = find_program(options->program);
    daemon->on_over = options->on_over;
    daemon->self = options->self;
    VEC_PUSH(&daemon->argv, mem_dup_string(daemon->program));
    for (size_t i = 0; options->arguments[i] != NULL; i++)
        VEC_PUSH(&daemon->argv, mem_dup_string(options->arguments[i]));
    VEC_PUSH(&daemon->argv, NULL);
    if (launch(daemon, error))
        return daemon;
    dev_daemon_free(daemon);
    return NULL;
}

void dev_daemon_free(struct dev_daemon *daemon) {
    if (daemon == NULL)
        return;
    child_free(daemon->child);
    VEC_EACH(word, &daemon->argv)
        mem_free((void *)(uintptr_t)*word);
    VEC_FINI(&daemon->argv);
    mem_free(daemon->name);
    mem_free(daemon->log_path);
    mem_free(daemon->program);
    mem_free(daemon);
}

void dev_daemon_stop(struct dev_daemon *daemon, int signal_number) {
    daemon->is_stopping = true;
    if (daemon->child != NULL)
        child_signal(daemon->child, signal_number, NULL);
}

bool dev_daemon_is_running(const struct dev_daemon *daemon) {
    return daemon->child != NULL;
}

const char *dev_daemon_name(const struct dev_daemon *daemon) {
    return daemon->name;
}

void dev_daemon_print_tail(const struct dev_daemon *daemon, FILE *out) {
    char tail[DEV_TAIL_BYTES];
    AUTO_FD int fd = open(daemon->log_path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    if (size < 0)
        return;
    off_t from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
    ssize_t got = pread(fd, tail, sizeof(tail), from);
    if (got > 0)
        fwrite(tail, 1, (size_t)got, out);
}
