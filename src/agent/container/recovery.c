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

/* The status file knows best: the agent may not have heard of the pid when it died. But a file that
 * is damaged takes no task along whose process the agent remembers. */
static void find_process(struct container *container, const struct container_memory *memory,
                         const struct status *status) {
    container->pidfd = -1;
    if (status != NULL) {
        container->pid = status->head.pid;
        container->start_time = status->head.start_time;
        container->pidfd = process_open(container->pid, container->start_time);
    }
    if (container->pidfd >= 0)
        return;
    int pidfd = process_open(memory->pid, memory->start_time);
    if (status != NULL && pidfd < 0)
        return;
    container->pid = memory->pid;
    container->start_time = memory->start_time;
    container->pidfd = pidfd;
}

static void recover_one(struct containerizer *containerizer,
                        const struct container_memory *memory) {
    struct status status;
    struct container *container = container_new(containerizer, memory->id);
    if (memory->sandbox != NULL)
        container->sandbox = mem_dup_string(memory->sandbox);
    bool has_status = status_read(containerizer->runtime, container->id, &status);
    find_process(container, memory, has_status ? &status : NULL);
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

/* True: it was there and is not any more. */
static bool kill_process(const struct status *status) {
    int pidfd = process_open(status->head.pid, status->head.start_time);
    if (pidfd < 0)
        return false;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    close(pidfd);
    return true;
}

/* NULL: somebody owns it. */
static struct container *orphan_of(struct hunt *hunt, const char *id) {
    struct containerizer *containerizer = hunt->containerizer;
    struct container *orphan = map_get_text(&containerizer->containers, text_of(id));
    if (orphan != NULL || !spec_is_id(text_of(id)))
        return orphan != NULL && orphan->is_orphan ? orphan : NULL;
    struct container_usage usage;
    struct status status;
    hunt->found++;
    orphan = container_new(containerizer, text_of(id));
    orphan->forgotten = orphan->is_orphan = true;
    cgroups_usage(containerizer->cgroups, id, &usage);
    bool has_run = status_read(containerizer->runtime, id, &status) && kill_process(&status);
    containerizer->orphans.processes += has_run || usage.pids > 0;
    cgroups_kill(containerizer->cgroups, id);
    return orphan;
}

static void take_file(void *self, const char *id) {
    struct hunt *hunt = self;
    size_t found = hunt->found;
    orphan_of(hunt, id);
    hunt->containerizer->orphans.status_files += hunt->found - found;
}

static void take_groups(void *self, const char *id) {
    struct hunt *hunt = self;
    struct container *orphan = orphan_of(hunt, id);
    if (orphan == NULL || orphan->has_orphan_groups)
        return;
    orphan->has_orphan_groups = true;
    hunt->containerizer->orphans.cgroups++;
}

size_t containerizer_remove_orphans(struct containerizer *containerizer) {
    struct hunt hunt = {.containerizer = containerizer};
    status_each(containerizer->runtime, take_file, &hunt);
    cgroups_each(containerizer->cgroups, take_groups, &hunt);
    MAP_EACH(entry, &containerizer->containers) {
        struct container *container = map_value(entry);
        if (container->is_orphan && container->state != CONTAINER_LEAVING)
            container_begin_leaving(container);
    }
    return hunt.found;
}

const struct container_orphans *containerizer_orphans(const struct containerizer *containerizer) {
    return &containerizer->orphans;
}
