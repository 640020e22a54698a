/*
 * A container from its first process to its last trace. The report tells of the start, the pidfd of
 * the end; the status file says how it was; then cgroups and file go, tried again with growing
 * pauses, so that one that will not go holds up nobody.
 */
#include "agent/container/container.h"

#include "agent/container/status_file.h"
#include "agent/container/stop_point.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void clear_away(void *self);

struct container *container_new(struct containerizer *owner, struct text id) {
    struct container *container = NEW(struct container);
    container->owner = owner;
    container->pidfd = container->report = -1;
    container->retry_ms = RETRY_FIRST_MS;
    snprintf(container->id, sizeof(container->id), "%.*s", TEXT_ARGS(id));
    loop_timer_init(&container->timer, owner->loop, clear_away, container);
    map_put_text(&owner->containers, id, container);
    return container;
}

static void close_report(struct container *container) {
    loop_watch_free(TAKE(container->report_watch));
    if (container->report >= 0)
        close(container->report);
    container->report = -1;
}

static void close_process(struct container *container) {
    close_report(container);
    loop_watch_free(TAKE(container->pid_watch));
    if (container->pidfd >= 0)
        close(container->pidfd);
    container->pidfd = -1;
}

void container_free(void *self) {
    struct container *container = self;
    close_process(container);
    loop_timer_disarm(&container->timer);
    if (container->state == CONTAINER_LEAVING)
        container->owner->leaving_count--;
    map_remove_text(&container->owner->containers, text_of(container->id));
    mem_free(container->sandbox);
    mem_free(container->file);
    mem_free(container);
}

void container_later(struct container *container, void (*fn)(void *self), int64_t delay_ms) {
    loop_timer_init(&container->timer, container->owner->loop, fn, container);
    loop_timer_arm(&container->timer, loop_now_ms(container->owner->loop) + delay_ms);
}

static void tell(struct container *container, struct container_event event) {
    event.id = text_of(container->id);
    container->owner->on_event(container->owner->self, &event);
}

void container_tell_started(struct container *container) {
    stop_point(STOP_STARTED);
    container->state = CONTAINER_RUNNING;
    tell(container, (struct container_event){
                        .kind = CONTAINER_EVENT_STARTED,
                        .pid = container->pid,
                        .start_time = container->start_time,
                    });
}

/* The report ends with the task's exec; a failure comes before it. */
static void hear_report(struct container *container) {
    struct init_failure failure;
    ssize_t size = read(container->report, &failure, sizeof(failure));
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close_report(container);
    if (size == (ssize_t)sizeof(failure))
        container->failure = failure;
}

/* An init that was killed before the exec closes the report as well: the one that ended tells it
 * apart. */
static bool is_gone(const struct container *container) {
    siginfo_t info = {0};
    int flags = WEXITED | WNOHANG | WNOWAIT;
    return waitid(P_PIDFD, (id_t)container->pidfd, &info, flags) == 0 && info.si_pid != 0;
}

static void on_report(void *self, unsigned events) {
    struct container *container = self;
    (void)events;
    hear_report(container);
    if (container->report >= 0 || container->failure.stage != INIT_STAGE_NONE)
        return;
    if (!is_gone(container))
        container_tell_started(container);
}

static void on_process_end(void *self, unsigned events) {
    struct container *container = self;
    (void)events;
    container_finish(container);
}

void container_watch(struct container *container) {
    struct loop *loop = container->owner->loop;
    container->pid_watch =
        loop_watch_new(loop, container->pidfd, LOOP_READ, on_process_end, container);
    if (container->report >= 0)
        container->report_watch =
            loop_watch_new(loop, container->report, LOOP_READ, on_report, container);
}

/* --- the end --- */

/* What is known, from three sides: the record, the head and, of our own child, the kernel. */
struct ending {
    struct status status;
    bool has_status;
    siginfo_t process; /* si_pid 0: not our child */
};

static const char *stage_text(enum init_stage stage) {
    switch (stage) {
    case INIT_STAGE_NONE: return "begin";
    case INIT_STAGE_SPEC: return "read the specification";
    case INIT_STAGE_CGROUP: return "enter its cgroup";
    case INIT_STAGE_HOSTNAME: return "set the hostname";
    case INIT_STAGE_MOUNT: return "separate its mounts";
    case INIT_STAGE_TMP: return "mount a private /tmp or /dev/shm";
    case INIT_STAGE_PROC: return "mount its own /proc";
    case INIT_STAGE_SANDBOX: return "enter the sandbox";
    case INIT_STAGE_VOLUME: return "mount a volume";
    case INIT_STAGE_PIPE: return "make pipes for the output";
    case INIT_STAGE_FORK: return "start a process";
    case INIT_STAGE_RLIMIT: return "set resource limits";
    case INIT_STAGE_PRIVILEGE: return "give up its privileges";
    case INIT_STAGE_SECCOMP: return "install the seccomp filter";
    case INIT_STAGE_EXEC: return "execute the command";
    case INIT_STAGE_LEASE: return "begin before its time was over";
    }
    return "do something unknown";
}

static void set_wait_status(struct container_termination *out, int status) {
    out->end = WIFEXITED(status) ? CONTAINER_EXITED : CONTAINER_KILLED;
    if (WIFEXITED(status)) {
        out->exit_code = WEXITSTATUS(status);
        return;
    }
    out->signal = WTERMSIG(status);
    out->core_dumped = WCOREDUMP(status);
}

/* The end as far as the record tells it; without one mesos-init itself was killed, and its task
 * with it. */
static void set_end(struct container_termination *out, const struct container *container,
                    const struct ending *ending) {
    const struct record *record = &ending->status.record;
    out->stdout_rotations = record->stdout_rotations;
    out->stderr_rotations = record->stderr_rotations;
    out->dropped_bytes = record->dropped_bytes;
    out->start_ms = record->start_ms;
    out->end_ms = record->end_ms;
    out->cpu_time_ns = record->ended ? record->cpu_time_ns : -1;
    if (container->failure.stage == INIT_STAGE_EXEC) {
        out->end = CONTAINER_EXEC_FAILED;
        errno = container->failure.error;
        snprintf(out->exec_error, sizeof(out->exec_error), "cannot execute %s: %m",
                 container->file != NULL ? container->file : "the command");
    } else if (record->ended) {
        set_wait_status(out, record->wait_status);
    } else if (ending->process.si_pid != 0 && ending->process.si_code != CLD_EXITED) {
        out->end = CONTAINER_KILLED;
        out->signal = ending->process.si_status;
    } else {
        out->end = CONTAINER_LOST;
    }
}

/* The cgroup knows of memory, and soon nobody will: so it is noted in the status file as well. */
static void set_memory(struct container_termination *out, struct container *container,
                       struct ending *ending) {
    struct containerizer *owner = container->owner;
    struct record_head *head = &ending->status.head;
    if (!head->was_seen_ending) {
        struct container_usage usage;
        cgroups_usage(owner->cgroups, container->id, &usage);
        head->was_seen_ending = 1;
        head->peak_memory_bytes = usage.peak_memory_bytes;
        head->out_of_memory = cgroups_oom_kills(owner->cgroups, container->id) > 0;
        if (ending->has_status)
            status_update_head(owner->runtime, container->id, head);
    }
    out->peak_memory_bytes = head->peak_memory_bytes;
    bool succeeded = out->end == CONTAINER_EXITED && out->exit_code == 0;
    out->out_of_memory = head->out_of_memory != 0 && !succeeded;
}

/* The last of stderr, whoever owns the file now: no link is followed, nothing but a file is read.
 */
static size_t read_tail(const struct container *container, char tail[CONTAINER_TAIL_BYTES]) {
    struct stat stat;
    ssize_t size = 0;
    if (container->sandbox == NULL)
        return 0;
    int directory = open(container->sandbox, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return 0;
    int file =
        openat(directory, "stderr", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close(directory);
    if (file < 0)
        return 0;
    if (fstat(file, &stat) == 0 && S_ISREG(stat.st_mode)) {
        off_t from = stat.st_size > CONTAINER_TAIL_BYTES ? stat.st_size - CONTAINER_TAIL_BYTES : 0;
        size = pread(file, tail, CONTAINER_TAIL_BYTES, from);
    }
    close(file);
    return size > 0 ? (size_t)size : 0;
}

static void tell_ended(struct container *container, struct ending *ending) {
    char tail[CONTAINER_TAIL_BYTES];
    struct container_termination termination = {0};
    set_end(&termination, container, ending);
    set_memory(&termination, container, ending);
    if (termination.end != CONTAINER_EXITED || termination.exit_code != 0)
        termination.stderr_tail = (struct text){tail, read_tail(container, tail)};
    stop_point(STOP_END_NOTED);
    tell(container, (struct container_event){
                        .kind = CONTAINER_EVENT_ENDED,
                        .termination = &termination,
                        .stopped = ending->status.record.stopped != 0,
                    });
}

static void tell_launch_failed(struct container *container, const struct ending *ending) {
    char reason[300];
    if (container->was_never_begun) {
        snprintf(reason, sizeof(reason), "the agent stopped before the container was made");
    } else if (container->failure.stage != INIT_STAGE_NONE) {
        errno = container->failure.error;
        snprintf(reason, sizeof(reason), "the container could not %s: %m",
                 stage_text(container->failure.stage));
    } else {
        snprintf(reason, sizeof(reason), "mesos-init ended (%s %d) before the command was executed",
                 ending->process.si_code == CLD_EXITED ? "status" : "signal",
                 ending->process.si_status);
    }
    tell(container, (struct container_event){
                        .kind = CONTAINER_EVENT_LAUNCH_FAILED,
                        .reason = reason,
                        .stopped = ending->status.record.stopped != 0,
                    });
}

static void gather(struct container *container, struct ending *ending) {
    *ending = (struct ending){0};
    if (container->report >= 0)
        hear_report(container);
    if (container->is_child && container->pidfd >= 0)
        waitid(P_PIDFD, (id_t)container->pidfd, &ending->process, WEXITED | WNOHANG);
    ending->has_status = status_read(container->owner->runtime, container->id, &ending->status);
    if (ending->status.record.ended)
        container->failure = ending->status.record.failure;
}

void container_finish(struct container *container) {
    struct ending ending;
    stop_point(STOP_END_SEEN);
    gather(container, &ending);
    close_process(container);
    bool may_have_run =
        ending.status.record.magic == RECORD_MAGIC && container->failure.stage != INIT_STAGE_SPEC;
    container->was_never_begun = container->is_unproven && !may_have_run;
    bool failed_before =
        container->failure.stage != INIT_STAGE_NONE && container->failure.stage != INIT_STAGE_EXEC;
    bool was_silent = container->state == CONTAINER_STARTING && !ending.status.record.ended &&
                      container->failure.stage == INIT_STAGE_NONE && !container->is_unproven;
    if (failed_before || was_silent || container->was_never_begun) {
        tell_launch_failed(container, &ending);
    } else {
        /* A task so short that its end overtook the report did start. */
        if (container->state == CONTAINER_STARTING && container->failure.stage == INIT_STAGE_NONE)
            container_tell_started(container);
        tell_ended(container, &ending);
    }
    container_begin_leaving(container);
}

/* --- after the end --- */

static void kill_stragglers(struct container *container) {
    cgroups_kill(container->owner->cgroups, container->id);
}

static bool try_to_clear(struct container *container) {
    struct containerizer *owner = container->owner;
    if (!container->groups_gone)
        container->groups_gone = cgroups_remove(owner->cgroups, container->id);
    bool may_forget = container->forgotten || loop_now_ms(owner->loop) >= container->forget_at_ms;
    if (!container->groups_gone || !may_forget)
        return false;
    stop_point(STOP_GROUPS_REMOVED);
    status_remove(owner->runtime, container->id);
    stop_point(STOP_STATUS_REMOVED);
    container_free(container);
    return true;
}

bool container_make_way(struct container *container) {
    if (container->state != CONTAINER_LEAVING || !container->was_never_begun)
        return false;
    container->forgotten = true;
    return try_to_clear(container);
}

static void clear_away(void *self) {
    struct container *container = self;
    if (!container->groups_gone)
        kill_stragglers(container);
    if (try_to_clear(container))
        return;
    if (container->groups_gone) {
        loop_timer_arm(&container->timer, container->forget_at_ms);
        return;
    }
    loop_timer_arm(&container->timer, loop_now_ms(container->owner->loop) + container->retry_ms);
    container->retry_ms =
        container->retry_ms * 2 < RETRY_MOST_MS ? container->retry_ms * 2 : RETRY_MOST_MS;
}

void container_begin_leaving(struct container *container) {
    struct containerizer *owner = container->owner;
    container->state = CONTAINER_LEAVING;
    container->retry_ms = RETRY_FIRST_MS;
    container->forget_at_ms = loop_now_ms(owner->loop) + KEEP_STATUS_MS;
    owner->leaving_count++;
    if (try_to_clear(container))
        return;
    if (container->groups_gone) {
        loop_timer_init(&container->timer, owner->loop, clear_away, container);
        loop_timer_arm(&container->timer, container->forget_at_ms);
    } else {
        container_later(container, clear_away, RETRY_FIRST_MS);
    }
}
