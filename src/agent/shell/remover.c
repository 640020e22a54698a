#include "agent/shell/remover.h"

#include "agent/container/stop_point.h"
#include "agent/shell/daemon.h"
#include "common/base/vec.h"
#include "common/runtime/child.h"

#include <string.h>
#include <unistd.h>

enum { PATHS_A_CHILD = 64 };

struct remover {
    struct daemon *daemon;
    VEC_OF(char *) waiting;  /* owned */
    VEC_OF(char *) removing; /* by the child; owned */
    struct child *child;
};

static void free_paths(char **paths, size_t count) {
    for (size_t i = 0; i < count; i++)
        mem_free(paths[i]);
}

struct remover *remover_new(struct daemon *daemon) {
    struct remover *remover = NEW(struct remover);
    remover->daemon = daemon;
    return remover;
}

void remover_free(struct remover *remover) {
    if (remover == NULL)
        return;
    child_free(remover->child);
    free_paths(remover->waiting.items, remover->waiting.count);
    free_paths(remover->removing.items, remover->removing.count);
    VEC_FINI(&remover->waiting);
    VEC_FINI(&remover->removing);
    mem_free(remover);
}

static void begin(struct remover *remover);

/* The framework's directory goes with the last sandbox in it. */
static void remove_empty_parent(char *path) {
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static void on_exit_of_child(void *self, struct child_exit exit) {
    struct remover *remover = self;
    child_free(TAKE(remover->child));
    stop_point(STOP_REMOVAL_DONE);
    if (exit.was_signalled || exit.code != 0)
        log_warning(remover->daemon->log, "sandboxes_not_removed", KV("code", exit.code),
                    KV("note", "something in them is mounted, or the disk failed"));
    VEC_EACH(path, &remover->removing) {
        remove_empty_parent(*path);
        mem_free(*path);
    }
    remover->removing.count = 0;
    begin(remover);
}

static void begin(struct remover *remover) {
    const char *argv[PATHS_A_CHILD + 5] = {"rm", "-rf", "--one-file-system", "--"};
    size_t count = remover->waiting.count < PATHS_A_CHILD ? remover->waiting.count : PATHS_A_CHILD;
    struct error error;
    if (remover->child != NULL || count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        VEC_PUSH(&remover->removing, remover->waiting.items[0]);
        VEC_REMOVE(&remover->waiting, 0);
        argv[4 + i] = remover->removing.items[i];
    }
    struct child_options options = {.argv = argv, .errors = CHILD_INHERIT};
    stop_point(STOP_REMOVAL_BEGINS);
    remover->child =
        child_start(remover->daemon->loop, &options, on_exit_of_child, remover, &error);
    stop_point(STOP_REMOVAL_RUNS);
    if (remover->child == NULL)
        log_error(remover->daemon->log, "sandboxes_not_removed", KV("error", &error));
}

void remover_add(struct remover *remover, const char *path) {
    VEC_PUSH(&remover->waiting, mem_dup_string(path));
    begin(remover);
}

bool remover_has(const struct remover *remover, const char *path) {
    VEC_EACH(waiting, &remover->waiting) {
        if (strcmp(*waiting, path) == 0)
            return true;
    }
    VEC_EACH(removing, &remover->removing) {
        if (strcmp(*removing, path) == 0)
            return true;
    }
    return false;
}
