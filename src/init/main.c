/*
 * mesos-init: pid 1 of a container, and the one who remembers how it ended when the agent is away.
 *
 * It reads what to do, makes the place, starts the task, gives up its own rights and then does four
 * things: moves the task's output into files, reaps what the task leaves behind, passes signals on,
 * and at the end of the main process kills the rest, writes the record and goes. A task that must
 * not be without a master it ends by itself when the agent does not. It runs as the task's user,
 * with no capability, so whatever a task does to it gains nothing.
 */
#include "init/lease.h"
#include "init/log.h"
#include "init/record.h"
#include "init/setup.h"
#include "init/spec.h"
#include "init/task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

enum { SIGNALS_PER_TURN = 64 };

struct supervisor {
    struct spec spec;
    struct record record;
    struct log out, err;
    struct lease lease;
    int signals;
    pid_t task;
    bool task_ended;
    bool was_told; /* SIGTERM, by the agent */
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_record(struct supervisor *supervisor) {
    struct record *record = &supervisor->record;
    record->magic = RECORD_MAGIC;
    record->stdout_rotations = supervisor->out.rotations;
    record->stderr_rotations = supervisor->err.rotations;
    record->dropped_bytes = supervisor->out.dropped_bytes + supervisor->err.dropped_bytes;
    /* A runtime directory that takes no more leaves the agent with "lost", which is true. */
    if (pwrite(INIT_STATUS_FD, record, sizeof(*record), RECORD_OFFSET) < 0)
        return;
}

/* No task: the agent is told through both its ears, for it may just be restarting. */
static _Noreturn void give_up(struct supervisor *supervisor, struct init_failure failure) {
    supervisor->record.failure = failure;
    supervisor->record.ended = 1;
    supervisor->record.end_ms = now_ms();
    write_record(supervisor);
    if (write(INIT_REPORT_FD, &failure, sizeof(failure)) < 0)
        _exit(EXIT_FAILURE + 1);
    _exit(EXIT_FAILURE);
}

static _Noreturn void give_up_at(struct supervisor *supervisor, enum init_stage stage) {
    give_up(supervisor, (struct init_failure){stage, errno});
}

static bool read_fully(int file, void *into, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, (char *)into + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static void *map_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* An agent that died before it had said everything has not launched us: then there is nobody to
 * tell. */
static void read_spec(struct supervisor *supervisor) {
    struct spec_head head;
    size_t pointer_count = 0;
    if (!read_fully(INIT_SPEC_FD, &head, sizeof(head)))
        _exit(EXIT_FAILURE);
    errno = EINVAL;
    if (head.size < sizeof(head) || head.size > SPEC_LIMIT_BYTES)
        give_up_at(supervisor, INIT_STAGE_SPEC);
    char *block = map_memory(head.size);
    if (block == NULL)
        give_up_at(supervisor, INIT_STAGE_SPEC);
    memcpy(block, &head, sizeof(head));
    if (!read_fully(INIT_SPEC_FD, block + sizeof(head), head.size - sizeof(head)))
        _exit(EXIT_FAILURE);
    close(INIT_SPEC_FD);

    errno = EINVAL;
    if (!spec_count_pointers(block, head.size, &pointer_count))
        give_up_at(supervisor, INIT_STAGE_SPEC);
    char **pointers = map_memory(pointer_count * sizeof(char *));
    if (pointers == NULL || !spec_parse(block, head.size, pointers, &supervisor->spec))
        give_up_at(supervisor, INIT_STAGE_SPEC);
}

/* From here on no signal interrupts: all of them are read from a descriptor. */
static void take_signals(struct supervisor *supervisor) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    supervisor->signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    if (supervisor->signals < 0)
        give_up_at(supervisor, INIT_STAGE_PIPE);
}

/* A place that took so long to make that the task would begin when it must be over: not at all. */
static void open_lease(struct supervisor *supervisor) {
    const struct spec_numbers *numbers = &supervisor->spec.numbers;
    if ((numbers->flags & SPEC_FLAG_LEASED) == 0)
        return;
    if (!lease_open(&supervisor->lease, INIT_STATUS_FD, numbers->stop_grace_ms))
        give_up_at(supervisor, INIT_STAGE_LEASE);
    if (lease_look(&supervisor->lease) == LEASE_GOES_ON)
        return;
    supervisor->record.stopped = 1;
    errno = ETIME;
    give_up_at(supervisor, INIT_STAGE_LEASE);
}

static void start_task(struct supervisor *supervisor) {
    int out[2], err[2];
    struct init_failure failure;
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        give_up_at(supervisor, INIT_STAGE_PIPE);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    supervisor->record.start_ms = now_ms();
    write_record(supervisor); /* from here on the command may have run: no agent begins it again */
    supervisor->task = task_start(&supervisor->spec, out[1], err[1], &failure);
    if (supervisor->task < 0)
        give_up(supervisor, failure);
    close(out[1]);
    close(err[1]);
    supervisor->out.pipe = out[0];
    supervisor->err.pipe = err[0];
}

/* The files are opened as the task's user, so no trick in the sandbox reaches what he could not. */
static void open_logs(struct supervisor *supervisor) {
    struct log *logs[] = {&supervisor->out, &supervisor->err};
    for (int i = 0; i < 2; i++) {
        logs[i]->directory = INIT_SANDBOX_FD;
        logs[i]->half_bytes = supervisor->spec.numbers.log_half_bytes;
        log_open(logs[i]);
    }
}

static void reap(struct supervisor *supervisor) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != supervisor->task)
            continue;
        supervisor->record.wait_status = status;
        supervisor->task_ended = true;
    }
}

/* Every signal but those of our own children goes to every process of the task. Who sends from
 * outside has no pid here. */
static void handle_signals(struct supervisor *supervisor) {
    struct signalfd_siginfo info;
    for (int i = 0; i < SIGNALS_PER_TURN; i++) {
        if (read(supervisor->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
            return;
        if (info.ssi_signo == SIGCHLD) {
            reap(supervisor);
            continue;
        }
        bool by_agent = info.ssi_signo == SIGTERM && info.ssi_pid == 0;
        if (by_agent && supervisor->record.stopped)
            continue; /* it is back in the grace, and the task knows already */
        supervisor->was_told |= by_agent;
        kill(-1, (int)info.ssi_signo);
    }
}

/* An agent that died between the two has said the first word already. */
static void look_at_lease(struct supervisor *supervisor) {
    switch (lease_look(&supervisor->lease)) {
    case LEASE_GOES_ON: return;
    case LEASE_OVER:
        supervisor->record.stopped = 1;
        if (!supervisor->was_told)
            kill(-1, SIGTERM);
        return;
    case LEASE_OUTLIVED: kill(-1, SIGKILL); return;
    }
}

static void pump(struct supervisor *supervisor, struct log *log) {
    uint32_t before = log->rotations;
    log_pump(log);
    if (log->rotations != before)
        write_record(supervisor); /* readers of the log want to know where its file begins */
}

static void supervise(struct supervisor *supervisor) {
    while (!supervisor->task_ended) {
        struct pollfd watched[] = {
            {.fd = supervisor->signals, .events = POLLIN},
            {.fd = supervisor->out.pipe, .events = POLLIN},
            {.fd = supervisor->err.pipe, .events = POLLIN},
            {.fd = supervisor->lease.timer, .events = POLLIN},
        };
        if (poll(watched, 4, -1) < 0)
            continue;
        if (watched[3].revents != 0)
            look_at_lease(supervisor);
        if (watched[1].revents != 0)
            pump(supervisor, &supervisor->out);
        if (watched[2].revents != 0)
            pump(supervisor, &supervisor->err);
        if (watched[0].revents != 0)
            handle_signals(supervisor);
    }
}

/* What the main process left running dies now; what any of them had written is still in the pipes.
 */
static void finish(struct supervisor *supervisor) {
    struct rusage usage;
    struct log *logs[] = {&supervisor->out, &supervisor->err};

    if (kill(-1, SIGKILL) == 0) {
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
            continue;
    }
    for (int i = 0; i < 2; i++) {
        while (logs[i]->pipe >= 0 && log_pump(logs[i]) == LOG_MORE)
            continue;
    }
    getrusage(RUSAGE_CHILDREN, &usage);
    supervisor->record.cpu_time_ns =
        ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
        ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    supervisor->record.end_ms = now_ms();
    supervisor->record.ended = 1;
    write_record(supervisor);
}

int main(void) {
    static struct supervisor supervisor = {
        .out = {.pipe = -1, .file = -1, .name = "stdout", .older = "stdout.1"},
        .err = {.pipe = -1, .file = -1, .name = "stderr", .older = "stderr.1"},
        .lease = {.timer = -1},
    };

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    umask(022);
    setsid();
    read_spec(&supervisor);
    take_signals(&supervisor);
    enum init_stage stage = setup_place(&supervisor.spec);
    if (stage != INIT_STAGE_NONE)
        give_up_at(&supervisor, stage);
    open_lease(&supervisor);
    start_task(&supervisor);
    stage = setup_drop_privileges(&supervisor.spec);
    if (stage != INIT_STAGE_NONE) {
        kill(-1, SIGKILL);
        give_up_at(&supervisor, stage);
    }
    /* Again: another user's process may be looked into. A task must not lengthen its own time. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    close(INIT_REPORT_FD);
    open_logs(&supervisor);
    supervise(&supervisor);
    finish(&supervisor);
    return 0;
}
