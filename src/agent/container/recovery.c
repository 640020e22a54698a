/*
 * After a restart of the agent: which of its containers are still there, which ended meanwhile, and
 * what is there that nobody knows. A pid alone means nothing; with the time its process began it
 * means that process, and a pidfd keeps it so.
 */
#include "agent/container/container.h"

#include "agent/container/spec_writer.h"
#include "agent/container/status_file.h"
#include "common/base/mem.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell_recovered(void *self) {
    struct container *container = self;
    container_watch(container);
    container_tell_started(container);
}

static void tell_over(void *self) {
    container_finish(self);
}

/* A mesos-init that has not told that it begins, and whose agent died before it could tell it what:
 * ended before it can, so that it can be begun anew. Should it have begun in this very moment, its
 * record says so when it is over. */
static void end_unproven(struct container *container) {
    container->state = CONTAINER_STARTING;
    syscall(SYS_pidfd_send_signal, container->pidfd, SIGKILL, NULL, 0);
    container_watch(container);
}

/* The status file knows best: the agent may not have heard of the pid when it died. */
static void recover_one(struct containerizer *containerizer,
                        const struct container_memory *memory) {
    struct status status;
    struct container *container = container_new(containerizer, memory->id);
    container->pid = memory->pid;
    container->start_time = memory->start_time;
    if (memory->sandbox != NULL)
        container->sandbox = mem_dup_string(memory->sandbox);
    bool has_status = status_read(containerizer->runtime, container->id, &status);
    if (has_status) {
        container->pid = status.head.pid;
        container->start_time = status.head.start_time;
    }
    container->pidfd = process_open(container->pid, container->start_time);
    bool may_have_run = has_status && status.record.magic == RECORD_MAGIC;
    container->is_unproven = !may_have_run && (has_status || memory->pid == 0);
    if (container->pidfd >= 0 && container->is_unproven) {
        end_unproven(container);
    } else if (container->pidfd >= 0) {
        container->state = CONTAINER_RUNNING;
        container_later(container, tell_recovered, 0);
    } else {
        container->state = CONTAINER_OVER;
        container_later(container, tell_over, 0);
    }
}

bool containerizer_recover(struct containerizer *containerizer,
                           const struct container_memory *memories, size_t count,
                           struct error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!spec_is_id(memories[i].id))
            return fail(error, ERROR_INVALID, "'%.*s' cannot be a container's id",
                        TEXT_ARGS(text_sub(memories[i].id, 0, CONTAINER_ID_LIMIT_BYTES)));
        if (map_get_text(&containerizer->containers, memories[i].id) != NULL)
            return fail(error, ERROR_EXISTS, "container %.*s is recovered twice",
                        TEXT_ARGS(memories[i].id));
    }
    for (size_t i = 0; i < count; i++)
        recover_one(containerizer, &memories[i]);
    return true;
}

/* --- what nobody owns --- */

struct hunt {
    struct containerizer *containerizer;
    size_t found;
};

static void take_orphan(void *self, const char *id) {
    struct hunt *hunt = self;
    struct containerizer *containerizer = hunt->containerizer;
    struct status status;
    if (map_get_text(&containerizer->containers, text_of(id)) != NULL || !spec_is_id(text_of(id)))
        return;
    hunt->found++;
    struct container *orphan = container_new(containerizer, text_of(id));
    orphan->forgotten = true;
    if (status_read(containerizer->runtime, id, &status)) {
        int pidfd = process_open(status.head.pid, status.head.start_time);
        if (pidfd >= 0) {
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
            close(pidfd);
        }
    }
    cgroups_kill(containerizer->cgroups, id);
    container_begin_leaving(orphan);
}

size_t containerizer_remove_orphans(struct containerizer *containerizer) {
    struct hunt hunt = {.containerizer = containerizer};
    status_each(containerizer->runtime, take_orphan, &hunt);
    cgroups_each(containerizer->cgroups, take_orphan, &hunt);
    return hunt.found;
}
