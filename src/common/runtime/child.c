/*
 * clone3 with a pidfd, and raw system calls alone until exec, since the daemon has threads. A
 * program that cannot be run says why through a pipe that exec closes.
 */
#include "common/runtime/child.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/vec.h"
#include "common/runtime/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int pidfd;
    int pipes[3]; /* our ends */
    bool own_group, is_reaped;
    struct loop_watch *watch;
    void (*on_exit)(void *self, struct child_exit exit);
    void *self;
};

/* What the child needs, all made before it is born. */
struct birth {
    char *program;
    const struct child_options *options;
    char *const *environment;
    int stdio[3]; /* -1: inherited */
    int report;
    pid_t parent;
};

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* In PATH as execvp would find it; a name that is not found is returned as it is, for exec to
 * refuse. */
static char *find_program(const char *name) {
    const char *path = getenv("PATH");
    struct text rest = text_of(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin"), part;
    if (strchr(name, '/') != NULL)
        return mem_dup_string(name);
    while (text_split(&rest, ':', &part)) {
        AUTO_FINI(buf_fini) struct buf candidate = {0};
        buf_append_text(&candidate, part);
        buf_printf(&candidate, "/%s", name);
        if (access(buf_string(&candidate), X_OK) == 0)
            return buf_take(&candidate, NULL);
    }
    return mem_dup_string(name);
}

/* Runs in the child: async-signal-safe calls only. */
static void reset_signals(void) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves the three ends to 0, 1 and 2; they and the report are above 2 already. */
static bool set_stdio(const struct birth *birth) {
    for (int i = 0; i < 3; i++) {
        if (birth->stdio[i] >= 0 && dup2(birth->stdio[i], i) < 0)
            return false;
    }
    if (dup3(birth->report, 3, O_CLOEXEC) < 0 && errno != EINVAL)
        return false;
    return syscall(SYS_close_range, 4, ~0U, 0) == 0;
}

_Noreturn static void child_main(const struct birth *birth) {
    const struct child_options *options = birth->options;
    bool is_fine = set_stdio(birth);
    reset_signals();
    if (is_fine && options->own_group)
        is_fine = setpgid(0, 0) == 0;
    if (is_fine && options->dies_with_us) {
        is_fine = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
        if (getppid() != birth->parent)
            _exit(127);
    }
    if (is_fine && options->directory != NULL)
        is_fine = chdir(options->directory) == 0;
    if (is_fine)
        execve(birth->program, (char *const *)options->argv, birth->environment);
    int reason = errno;
    ssize_t written = write(3, &reason, sizeof(reason));
    (void)written; /* nobody is left to tell */
    _exit(127);
}

/* A copy above the standard three, so that moving one end never tramples on another. */
static int above_stdio(int fd) {
    return fcntl(fd, F_DUPFD_CLOEXEC, 4);
}

static bool make_end(struct child *child, struct birth *birth, int i, enum child_stream stream,
                     int given) {
    int ends[2] = {-1, -1}, fd = -1;
    birth->stdio[i] = -1;
    switch (stream) {
    case CHILD_INHERIT: return true;
    case CHILD_NULL: fd = open("/dev/null", O_RDWR | O_CLOEXEC); break;
    case CHILD_FD: birth->stdio[i] = above_stdio(given); return birth->stdio[i] >= 0;
    case CHILD_PIPE:
        if (pipe2(ends, O_CLOEXEC) != 0)
            return false;
        fd = i == 0 ? ends[0] : ends[1];
        child->pipes[i] = i == 0 ? ends[1] : ends[0];
        fcntl(child->pipes[i], F_SETFL, O_NONBLOCK);
        break;
    }
    if (fd < 0)
        return false;
    birth->stdio[i] = above_stdio(fd);
    close(fd);
    return birth->stdio[i] >= 0;
}

static bool make_ends(struct child *child, struct birth *birth) {
    const struct child_options *options = birth->options;
    return make_end(child, birth, 0, options->input, -1) &&
           make_end(child, birth, 1, options->output, options->output_fd) &&
           make_end(child, birth, 2, options->errors, options->errors_fd);
}

/* Waits until the child has exec'd (the pipe closes) or has said why not. */
static bool hear_report(struct child *child, int report, const char *program, struct error *error) {
    int reason = 0;
    ssize_t got;
    do {
        got = read(report, &reason, sizeof(reason));
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(reason))
        return true;
    waitid(P_PIDFD, (id_t)child->pidfd, &(siginfo_t){0}, WEXITED);
    child->is_reaped = true;
    errno = reason;
    return fail(error, reason == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "run %s: %m", program);
}

static bool give_birth(struct child *child, struct birth *birth, struct error *error) {
    int report[2];
    if (!make_ends(child, birth) || pipe2(report, O_CLOEXEC) != 0)
        return fail(error, ERROR_IO, "pipes for %s: %m", birth->program);
    birth->report = above_stdio(report[1]);
    close(report[1]);
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&child->pidfd,
        .exit_signal = SIGCHLD,
    };
    long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid == 0)
        child_main(birth);
    child->pid = (pid_t)pid;
    bool is_fine = pid > 0 ? true : fail(error, ERROR_IO, "clone3 for %s: %m", birth->program);
    close_fd(&birth->report);
    is_fine = is_fine && hear_report(child, report[0], birth->program, error);
    close(report[0]);
    return is_fine;
}

static void child_gone(void *self, __attribute__((unused)) unsigned events) {
    struct child *child = self;
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
        return;
    child->is_reaped = true;
    loop_watch_free(child->watch);
    child->watch = NULL;
    child->on_exit(child->self, (struct child_exit){
                                    .was_signalled = info.si_code != CLD_EXITED,
                                    .code = info.si_status,
                                });
}

struct child *child_start(struct loop *loop, const struct child_options *options,
                          void (*on_exit)(void *self, struct child_exit exit), void *self,
                          struct error *error) {
    struct child *child = NEW(struct child);
    *child = (struct child){
        .pidfd = -1,
        .pipes = {-1, -1, -1},
        .own_group = options->own_group,
        .is_reaped = true,
        .on_exit = on_exit,
        .self = self,
    };
    struct birth birth = {
        .program = find_program(options->argv[0]),
        .options = options,
        .environment = options->environment != NULL ? (char *const *)options->environment : environ,
        .stdio = {-1, -1, -1},
        .report = -1,
        .parent = getpid(),
    };
    bool is_fine = give_birth(child, &birth, error);
    for (int i = 0; i < 3; i++)
        close_fd(&birth.stdio[i]);
    mem_free(birth.program);
    if (!is_fine) {
        child_free(child);
        return NULL;
    }
    child->is_reaped = false;
    child->watch = loop_watch_new(loop, child->pidfd, LOOP_READ, child_gone, child);
    return child;
}

void child_free(struct child *child) {
    if (child == NULL)
        return;
    loop_watch_free(child->watch);
    if (!child->is_reaped) {
        if (child->own_group)
            kill(-child->pid, SIGKILL);
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
        while (waitid(P_PIDFD, (id_t)child->pidfd, &(siginfo_t){0}, WEXITED) != 0 && errno == EINTR)
            continue;
    }
    close_fd(&child->pidfd);
    for (int i = 0; i < 3; i++)
        close_fd(&child->pipes[i]);
    mem_free(child);
}

pid_t child_pid(const struct child *child) {
    return child->pid;
}

bool child_signal(struct child *child, int signal_number, struct error *error) {
    if (child->is_reaped)
        return fail(error, ERROR_NOT_FOUND, "process %d has ended", child->pid);
    if (syscall(SYS_pidfd_send_signal, child->pidfd, signal_number, NULL, 0) == 0)
        return true;
    return fail(error, ERROR_IO, "signal process %d: %m", child->pid);
}

int child_take_input(struct child *child) {
    int fd = child->pipes[0];
    child->pipes[0] = -1;
    return fd;
}

int child_take_output(struct child *child) {
    int fd = child->pipes[1];
    child->pipes[1] = -1;
    return fd;
}

int child_take_errors(struct child *child) {
    int fd = child->pipes[2];
    child->pipes[2] = -1;
    return fd;
}

struct gather {
    struct loop *loop;
    struct child_exit exit;
    bool has_exited, is_late, is_too_much;
    size_t limit_bytes;
    int open_streams;
    struct stream {
        struct gather *gather;
        int fd;
        struct loop_watch *watch;
        struct buf bytes;
    } streams[2];
};

static void gather_check(struct gather *gather) {
    if ((gather->has_exited && gather->open_streams == 0) || gather->is_too_much)
        loop_stop(gather->loop);
}

static void gather_read(void *self, __attribute__((unused)) unsigned events) {
    struct stream *stream = self;
    struct gather *gather = stream->gather;
    char bytes[16384];
    ssize_t got = read(stream->fd, bytes, sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        buf_append(&stream->bytes, bytes, (size_t)got);
        gather->is_too_much = stream->bytes.size > gather->limit_bytes;
    } else {
        loop_watch_free(stream->watch);
        stream->watch = NULL;
        close_fd(&stream->fd);
        gather->open_streams--;
    }
    gather_check(gather);
}

static void gather_exit(void *self, struct child_exit status) {
    struct gather *gather = self;
    gather->exit = status;
    gather->has_exited = true;
    gather_check(gather);
}

static void gather_late(void *self) {
    struct gather *gather = self;
    gather->is_late = true;
    loop_stop(gather->loop);
}

static void gather_begin(struct gather *gather, int output, int errors) {
    int fds[2] = {output, errors};
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &gather->streams[i];
        stream->gather = gather;
        stream->fd = fds[i];
        stream->watch = loop_watch_new(gather->loop, fds[i], LOOP_READ, gather_read, stream);
        gather->open_streams++;
    }
}

static void gather_end(struct gather *gather, struct buf *output, struct buf *errors) {
    struct buf *outs[2] = {output, errors};
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &gather->streams[i];
        loop_watch_free(stream->watch);
        close_fd(&stream->fd);
        if (outs[i] != NULL)
            buf_append_text(outs[i], buf_text(&stream->bytes));
        buf_fini(&stream->bytes);
    }
}

bool child_call(const struct child_options *options, int64_t timeout_ms, size_t limit_bytes,
                struct child_exit *exit, struct buf *output, struct buf *errors,
                struct error *error) {
    struct child_options piped = *options;
    piped.output = piped.errors = CHILD_PIPE;
    AUTO(loop_free) struct loop *loop = loop_new(error);
    if (loop == NULL)
        return false;
    struct gather gather = {.loop = loop, .limit_bytes = limit_bytes};
    struct child *child = child_start(loop, &piped, gather_exit, &gather, error);
    if (child == NULL)
        return false;
    struct loop_timer timer;
    loop_timer_init(&timer, loop, gather_late, &gather);
    loop_timer_arm(&timer, loop_now_ms(loop) + timeout_ms);
    gather_begin(&gather, child_take_output(child), child_take_errors(child));
    loop_run(loop);
    loop_timer_disarm(&timer);
    child_free(child);
    gather_end(&gather, output, errors);
    if (gather.is_late)
        return fail(error, ERROR_TIMEOUT, "%s does not end", options->argv[0]);
    if (gather.is_too_much)
        return fail(error, ERROR_LIMIT, "%s writes more than %zu bytes", options->argv[0],
                    limit_bytes);
    *exit = gather.exit;
    return true;
}
