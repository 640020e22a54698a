/*
 * A volume that is destroyed is first moved aside, into volumes/destroyed of its disk, so that its
 * place is free at once and the long work concerns nobody. The root of a MOUNT disk cannot be
 * moved: it is emptied where it is, and told of when that is done.
 */
#include "agent/shell/volumes.h"

#include "agent/shell/daemon.h"
#include "agent/shell/remover.h"
#include "common/base/uuid.h"
#include "common/runtime/child.h"
#include "common/runtime/files.h"
#include "common/runtime/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASIDE "volumes/destroyed"

enum { PARENT_MODE = 0755, VOLUME_MODE = 0750, ASIDE_MODE = 0700 };

struct volume_order {
    struct link link;
    struct arena *arena;
    enum agent_event_kind kind; /* of the answer */
    uint64_t order;
    struct volume_place *places;
    size_t count;
    struct error why; /* code ERROR_NONE: done */
};

struct volumes {
    struct daemon *daemon;
    struct link answers; /* struct volume_order, owned: done or not, and to be told */
    struct loop_task tell;
    struct link emptying; /* struct volume_order, owned; the first is the child's */
    struct child *child;
};

/* --- orders --- */

struct volume_order *volume_order_new(const struct agent_effect *effect) {
    struct volume_order *order = NEW(struct volume_order);
    order->arena = arena_new();
    order->kind = effect->kind == AGENT_EFFECT_MAKE_VOLUMES ? AGENT_EVENT_VOLUMES_MADE
                                                            : AGENT_EVENT_VOLUME_REMOVED;
    order->order = effect->volumes.order;
    order->count = effect->volumes.count;
    order->places = ARENA_ARRAY(order->arena, struct volume_place, order->count);
    for (size_t i = 0; i < order->count; i++) {
        const struct volume_place *place = &effect->volumes.places[i];
        order->places[i] = (struct volume_place){arena_text(order->arena, place->root),
                                                 arena_text(order->arena, place->relative)};
    }
    return order;
}

void volume_order_free(struct volume_order *order) {
    if (order == NULL)
        return;
    arena_free(order->arena);
    mem_free(order);
}

static void tell_answers(void *self) {
    struct volumes *volumes = self;
    LIST_EACH(at, &volumes->answers) {
        struct volume_order *order = CONTAINER_OF(at, struct volume_order, link);
        struct agent_event event = {.kind = order->kind};
        event.volumes.order = order->order;
        if (order->why.code != ERROR_NONE)
            event.volumes.why = text_of(order->why.message);
        list_remove(at);
        daemon_feed(volumes->daemon, event);
        volume_order_free(order);
    }
}

/* From the loop, for the core is not to be stepped while its effects are carried out. */
static void answer(struct volumes *volumes, struct volume_order *order) {
    list_append(&volumes->answers, &order->link);
    loop_defer(volumes->daemon->loop, &volumes->tell);
}

/* --- places --- */

const char *volume_place_path(struct arena *arena, const struct volume_place *place) {
    if (place->relative.size == 0)
        return arena_string(arena, place->root);
    return arena_printf(arena, "%.*s/%.*s", TEXT_ARGS(place->root), TEXT_ARGS(place->relative));
}

static int open_root(struct arena *arena, const struct volume_place *place, struct error *error) {
    const char *root = arena_string(arena, place->root);
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        fail(error, ERROR_IO, "open %s: %m", root);
    return fd;
}

/* The directory that the volume's own is in, below the root; *name is the last part. */
static int open_parent(struct arena *arena, int root, const struct volume_place *place, bool create,
                       const char **name, struct error *error) {
    char *relative = arena_string(arena, place->relative);
    char *slash = strrchr(relative, '/');
    if (slash == NULL) {
        fail(error, ERROR_INVALID, "'%s' cannot be a volume's place", relative);
        return -1;
    }
    *slash = '\0';
    *name = slash + 1;
    return directory_open_below(root, relative, create, PARENT_MODE, error);
}

/* --- making --- */

static bool make_one(struct arena *arena, const struct volume_place *place, bool *is_new,
                     struct error *error) {
    const char *name;
    *is_new = false;
    AUTO_FD int root = open_root(arena, place, error);
    if (root < 0 || place->relative.size == 0)
        return root >= 0;
    AUTO_FD int parent = open_parent(arena, root, place, true, &name, error);
    if (parent < 0)
        return fail_context(error, "%.*s", TEXT_ARGS(place->root));
    *is_new = mkdirat(parent, name, VOLUME_MODE) == 0;
    if (!*is_new && errno != EEXIST)
        return fail(error, ERROR_IO, "make directory %s: %m", volume_place_path(arena, place));
    AUTO_FD int made = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return made >= 0 || fail(error, ERROR_IO, "open %s: %m", volume_place_path(arena, place));
}

void volumes_make(struct volumes *volumes, struct volume_order *order) {
    size_t made = 0;
    bool *is_new = ARENA_ARRAY(order->arena, bool, order->count);
    while (made < order->count &&
           make_one(order->arena, &order->places[made], &is_new[made], &order->why))
        made++;
    for (size_t i = 0; made < order->count && i < made; i++) {
        /* Only what is empty can be removed like this. */
        if (is_new[i])
            rmdir(volume_place_path(order->arena, &order->places[i]));
    }
    answer(volumes, order);
}

/* --- removing --- */

static bool move_into(int parent, const char *name, int root, const char *as, struct error *error) {
    AUTO_FD int aside = directory_open_below(root, ASIDE, true, ASIDE_MODE, error);
    if (aside < 0)
        return false;
    return renameat(parent, name, aside, as) == 0 || errno == ENOENT ||
           fail(error, ERROR_IO, "move a volume aside: %m");
}

static bool move_aside(struct volumes *volumes, struct volume_order *order, struct error *error) {
    const struct volume_place *place = order->places;
    struct rng rng = random_rng();
    char as[UUID_TEXT_SIZE + 1];
    const char *name;
    AUTO_FD int root = open_root(order->arena, place, error);
    if (root < 0)
        return false;
    AUTO_FD int parent = open_parent(order->arena, root, place, false, &name, error);
    if (parent < 0)
        return error->code == ERROR_NOT_FOUND; /* it was never made */
    uuid_format(uuid_random(&rng), as);
    if (!move_into(parent, name, root, as, error))
        return fail_context(error, "%s", volume_place_path(order->arena, place));
    remover_add(volumes->daemon->remover,
                arena_printf(order->arena, "%.*s/" ASIDE "/%s", TEXT_ARGS(place->root), as));
    return true;
}

static void empty_next(struct volumes *volumes);

static void on_emptied(void *self, struct child_exit exit) {
    struct volumes *volumes = self;
    struct volume_order *order =
        CONTAINER_OF(list_first(&volumes->emptying), struct volume_order, link);
    child_free(TAKE(volumes->child));
    list_remove(&order->link);
    if (exit.was_signalled || exit.code != 0)
        fail(&order->why, ERROR_IO, "find %.*s -delete ended with %d",
             TEXT_ARGS(order->places->root), exit.code);
    answer(volumes, order);
    empty_next(volumes);
}

/* Stays on the disk, follows no link, and leaves the root itself. */
static void empty_next(struct volumes *volumes) {
    struct link *first = list_first(&volumes->emptying);
    if (volumes->child != NULL || first == NULL)
        return;
    struct volume_order *order = CONTAINER_OF(first, struct volume_order, link);
    const char *root = volume_place_path(order->arena, order->places);
    const char *argv[] = {"find", root, "-xdev", "-mindepth", "1", "-delete", NULL};
    struct child_options options = {.argv = argv, .errors = CHILD_INHERIT};
    volumes->child = child_start(volumes->daemon->loop, &options, on_emptied, volumes, &order->why);
    if (volumes->child != NULL)
        return;
    list_remove(first);
    answer(volumes, order);
    empty_next(volumes);
}

void volumes_remove(struct volumes *volumes, struct volume_order *order) {
    if (order->places->relative.size == 0) {
        list_append(&volumes->emptying, &order->link);
        return empty_next(volumes);
    }
    struct error why = {0};
    if (!move_aside(volumes, order, &why))
        order->why = why;
    answer(volumes, order);
}

/* A root that is not absolute is below the work_dir, as the core has it. */
static size_t sweep_root(struct volumes *volumes, struct text root) {
    AUTO_FINI(buf_fini) struct buf path = {0};
    if (!text_starts_with(root, TEXT("/")))
        buf_printf(&path, "%s/", volumes->daemon->flags.work_dir);
    buf_printf(&path, "%.*s/" ASIDE, TEXT_ARGS(root));
    DIR *aside = opendir(buf_string(&path));
    const struct dirent *entry;
    size_t size = path.size, found = 0;
    while (aside != NULL && (entry = readdir(aside)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        path.size = size;
        buf_printf(&path, "/%s", entry->d_name);
        if (remover_has(volumes->daemon->remover, buf_string(&path)))
            continue;
        remover_add(volumes->daemon->remover, buf_string(&path));
        found++;
    }
    if (aside != NULL)
        closedir(aside);
    return found;
}

size_t volumes_sweep(struct volumes *volumes, const struct resources *configured) {
    size_t found = sweep_root(volumes, text_of(volumes->daemon->flags.work_dir));
    for (uint32_t i = 0; i < configured->count; i++) {
        const struct kind_info *info =
            kinds_info(volumes->daemon->kinds, configured->entries[i].kind);
        if (info->has_disk && info->disk.has_source && info->disk.source.type == DISK_SOURCE_PATH &&
            info->disk.source.root.size > 0)
            found += sweep_root(volumes, info->disk.source.root);
    }
    return found;
}

/* --- life --- */

struct volumes *volumes_new(struct daemon *daemon) {
    struct volumes *volumes = NEW(struct volumes);
    volumes->daemon = daemon;
    list_init(&volumes->answers);
    list_init(&volumes->emptying);
    loop_task_init(&volumes->tell, tell_answers, volumes);
    return volumes;
}

static void free_orders(struct link *orders) {
    LIST_EACH(at, orders) {
        list_remove(at);
        volume_order_free(CONTAINER_OF(at, struct volume_order, link));
    }
}

void volumes_free(struct volumes *volumes) {
    if (volumes == NULL)
        return;
    loop_task_cancel(&volumes->tell);
    child_free(volumes->child);
    free_orders(&volumes->answers);
    free_orders(&volumes->emptying);
    mem_free(volumes);
}
