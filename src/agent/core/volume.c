/*
 * Persistent volumes as directories: where one is kept, where a container sees it, and who uses it.
 * What must never happen is that somebody's data goes: so a place belongs to one volume alone, and
 * nothing is removed but what a stored DESTROY names (operation.c).
 */
#include "agent/core/parts.h"

static struct text disk_root(const struct agent *agent, struct arena *arena, struct text root) {
    if (text_starts_with(root, TEXT("/")))
        return root;
    return text_of(
        arena_printf(arena, "%.*s/%.*s", TEXT_ARGS(agent->options.work_dir), TEXT_ARGS(root)));
}

/* A role is one directory; no role has a space, so no two share one. */
static struct text relative_of(struct arena *arena, const struct kind_info *info) {
    struct text role = info->reservations[info->reservation_count - 1].role;
    char *path = arena_printf(arena, "volumes/roles/%.*s/%.*s", TEXT_ARGS(role),
                              TEXT_ARGS(info->disk.persistence_id));
    char *at = path + sizeof("volumes/roles/") - 1;
    for (size_t i = 0; i < role.size; i++)
        at[i] = at[i] == '/' ? ' ' : at[i];
    return text_of(path);
}

bool volume_place_of(const struct agent *agent, struct arena *arena, uint32_t kind,
                     struct volume_place *out, struct error *error) {
    const struct kind_info *info = kinds_info(agent->kinds, kind);
    const struct disk_source *source = &info->disk.source;
    struct text id = info->disk.persistence_id;
    if (info->reservation_count == 0)
        return fail(error, ERROR_INVALID, "volume '%.*s' is not reserved", TEXT_ARGS(id));
    if (!info->disk.has_source) {
        *out = (struct volume_place){agent->options.work_dir, relative_of(arena, info)};
        return true;
    }
    if (source->root.size == 0 ||
        (source->type != DISK_SOURCE_PATH && source->type != DISK_SOURCE_MOUNT))
        return fail(error, ERROR_UNSUPPORTED,
                    "volume '%.*s' is on a disk that is no PATH or MOUNT with a root",
                    TEXT_ARGS(id));
    *out = (struct volume_place){.root = disk_root(agent, arena, source->root)};
    if (source->type == DISK_SOURCE_PATH)
        out->relative = relative_of(arena, info);
    return true;
}

struct text volume_path(struct arena *arena, const struct volume_place *place) {
    if (place->relative.size == 0)
        return place->root;
    return text_of(
        arena_printf(arena, "%.*s/%.*s", TEXT_ARGS(place->root), TEXT_ARGS(place->relative)));
}

/* --- where a container sees it --- */

static const char *fault_of_path(struct text path) {
    struct text rest = path, part;
    if (path.size == 0)
        return "has no container_path";
    if (path.size > AGENT_CONTAINER_PATH_LIMIT || text_contains_byte(path, '\0'))
        return "has a container_path that is too long or no path";
    if (text_starts_with(path, TEXT("/")))
        return "has an absolute container_path, which needs a container with its own file system";
    while (text_split(&rest, '/', &part)) {
        if (part.size == 0 || part.size > ID_BYTES_LIMIT || text_equal(part, TEXT(".")) ||
            text_equal(part, TEXT("..")))
            return "has a container_path that does not stay in the sandbox";
    }
    return NULL;
}

static bool is_same_or_below(struct text path, struct text above) {
    return text_starts_with(path, above) &&
           (path.size == above.size || text_starts_with(text_sub(path, above.size, 1), TEXT("/")));
}

/* One mounted inside another would leave its mount point in the other's data. */
static bool check_apart(const struct container_volume *volumes, size_t count, struct error *error) {
    struct text last = volumes[count].path;
    for (size_t i = 0; i < count; i++) {
        if (is_same_or_below(volumes[i].path, last) || is_same_or_below(last, volumes[i].path))
            return fail(error, ERROR_INVALID, "two volumes are to be mounted at '%.*s'",
                        TEXT_ARGS(last));
    }
    return true;
}

static bool read_volume(const struct agent *agent, struct arena *arena, const struct resource *one,
                        struct container_volume *out, struct error *error) {
    struct volume_mount mount = {0};
    struct text id = kinds_info(agent->kinds, one->kind)->disk.persistence_id;
    struct text carried = kinds_text(agent->kinds, one->carry);
    if (!agent->options.codec.read_mount(arena, carried, &mount, error))
        return fail_context(error, "volume '%.*s'", TEXT_ARGS(id));
    const char *fault =
        mount.has_origin ? "names a host path, an image or a source" : fault_of_path(mount.path);
    if (fault != NULL)
        return fail(error, ERROR_INVALID, "volume '%.*s' %s", TEXT_ARGS(id), fault);
    *out = (struct container_volume){.path = mount.path, .read_only = mount.read_only};
    return volume_place_of(agent, arena, one->kind, &out->place, error);
}

bool volumes_read(const struct agent *agent, struct arena *arena, const struct resources *set,
                  struct container_volume **out, size_t *count, struct error *error) {
    struct container_volume *volumes = NULL;
    size_t found = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!kind_is(set->entries[i].kind, KIND_IS_PERSISTENT))
            continue;
        if (volumes == NULL)
            volumes = ARENA_ARRAY(arena, struct container_volume, AGENT_CONTAINER_VOLUMES_LIMIT);
        if (found == AGENT_CONTAINER_VOLUMES_LIMIT)
            return fail(error, ERROR_LIMIT, "more than %d volumes", AGENT_CONTAINER_VOLUMES_LIMIT);
        if (!read_volume(agent, arena, &set->entries[i], &volumes[found], error) ||
            !check_apart(volumes, found, error))
            return false;
        uint32_t kind = set->entries[i].kind;
        volumes[found].is_given =
            !kind_is(kind, KIND_IS_SHARED) || !volume_is_used(agent, kind, set);
        found++;
    }
    *out = volumes;
    *count = found;
    return true;
}

/* --- who uses it --- */

static bool has_volume(const struct resources *set, uint32_t kind) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->entries[i].kind == kind)
            return true;
    }
    return false;
}

static bool framework_uses(const struct framework *framework, uint32_t kind,
                           const struct resources *but) {
    MAP_EACH(entry, &framework->tasks) {
        const struct task *task = map_value(entry);
        if (&task->resources != but && !task->ended && !task->is_unknown &&
            has_volume(&task->resources, kind))
            return true;
    }
    MAP_EACH(entry, &framework->executors) {
        const struct executor *executor = map_value(entry);
        if (&executor->resources != but && has_volume(&executor->resources, kind))
            return true;
    }
    return false;
}

/* Also by those whose resources are not counted any more, while their containers are not gone. */
bool volume_is_used(const struct agent *agent, uint32_t kind, const struct resources *but) {
    MAP_EACH(entry, &agent->frameworks) {
        if (framework_uses(map_value(entry), kind, but))
            return true;
    }
    return false;
}
