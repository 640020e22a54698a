/*
 * Everything a framework may have had a hand in is checked here, once, before anything is made for
 * it.
 */
#include "agent/container/spec_writer.h"

#include "init/spec.h"

#include <string.h>
#include <sys/resource.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
    LOG_CAP_DEFAULT_BYTES = 100 * 1024 * 1024,
    LOG_HALF_LEAST_BYTES = 4096,
    HOSTNAME_LIMIT_BYTES = 64,
    SECCOMP_INSTRUCTION_BYTES = 8,
};

static const int64_t cpu_milli_limit = (int64_t)1 << 32;

int64_t container_log_half_bytes(int64_t log_cap_bytes) {
    int64_t half = (log_cap_bytes > 0 ? log_cap_bytes : LOG_CAP_DEFAULT_BYTES) / 2;
    return half < LOG_HALF_LEAST_BYTES ? LOG_HALF_LEAST_BYTES : half;
}

bool spec_is_id(struct text id) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    if (id.size == 0 || id.size > CONTAINER_ID_LIMIT_BYTES || id.data[0] == '.')
        return false;
    for (size_t i = 0; i < id.size; i++) {
        if (id.data[i] == '\0' || strchr(allowed, id.data[i]) == NULL)
            return false;
    }
    return true;
}

static bool check_numbers(const struct container_spec *spec, struct error *error) {
    const struct container_limits *limits = &spec->limits;
    if (limits->cpu_milli < 0 || limits->cpu_milli > cpu_milli_limit ||
        limits->cpu_quota_milli < 0 || limits->cpu_quota_milli > cpu_milli_limit ||
        limits->memory_bytes < 0 || limits->pids < 0 || spec->log_cap_bytes < 0 ||
        spec->stop_at_ms < 0 || spec->stop_grace_ms < 0)
        return fail(error, ERROR_INVALID, "a limit of the container is out of range");
    if (spec->group_count > CONTAINER_GROUPS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d groups", CONTAINER_GROUPS_LIMIT);
    if (spec->rlimit_count > CONTAINER_RLIMITS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d resource limits", CONTAINER_RLIMITS_LIMIT);
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        const struct container_rlimit *limit = &spec->rlimits[i];
        if (limit->resource < 0 || limit->resource >= RLIM_NLIMITS || limit->soft > limit->hard)
            return fail(error, ERROR_INVALID, "resource limit %d makes no sense", limit->resource);
    }
    if (spec->seccomp_bytes % SECCOMP_INSTRUCTION_BYTES != 0 ||
        spec->seccomp_bytes / SECCOMP_INSTRUCTION_BYTES > SPEC_SECCOMP_LIMIT)
        return fail(error, ERROR_LIMIT, "a seccomp program of %zu bytes", spec->seccomp_bytes);
    return true;
}

static bool is_target(struct text path) {
    struct text part;
    if (path.size == 0 || path.size > SPEC_TARGET_LIMIT_BYTES)
        return false;
    while (text_split(&path, '/', &part)) {
        if (part.size == 0 || text_equal(part, TEXT(".")) || text_equal(part, TEXT("..")))
            return false;
    }
    return true;
}

static bool check_mounts(const struct container_spec *spec, struct error *error) {
    if (spec->mount_count > CONTAINER_MOUNTS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d mounts", CONTAINER_MOUNTS_LIMIT);
    for (size_t i = 0; i < spec->mount_count; i++) {
        if (spec->mounts[i].source[0] != '/')
            return fail(error, ERROR_INVALID, "what is mounted must be an absolute path");
        if (!is_target(text_of(spec->mounts[i].target)))
            return fail(error, ERROR_INVALID, "a mount cannot be at '%s'", spec->mounts[i].target);
    }
    return true;
}

bool spec_check(const struct container_spec *spec, struct error *error) {
    if (!spec_is_id(spec->id))
        return fail(error, ERROR_INVALID, "'%.*s' cannot be a container's id",
                    TEXT_ARGS(text_sub(spec->id, 0, CONTAINER_ID_LIMIT_BYTES)));
    if (spec->sandbox == NULL || spec->sandbox[0] != '/')
        return fail(error, ERROR_INVALID, "the sandbox must be an absolute path");
    if ((spec->shell == NULL) == (spec->argv == NULL))
        return fail(error, ERROR_INVALID, "a container needs a shell command or argv, one of them");
    if (spec->argv != NULL && (spec->argv[0] == NULL || spec->argv[0][0] == '\0'))
        return fail(error, ERROR_INVALID, "there is no command to execute");
    if (spec->hostname != NULL && strlen(spec->hostname) > HOSTNAME_LIMIT_BYTES)
        return fail(error, ERROR_LIMIT, "a hostname longer than %d bytes", HOSTNAME_LIMIT_BYTES);
    return check_mounts(spec, error) && check_numbers(spec, error);
}

static void append_field(struct buf *out, enum spec_tag tag, const void *payload, size_t size) {
    static const char zeros[8];
    struct spec_field field = {.tag = tag, .size = (uint32_t)size};
    buf_append(out, &field, sizeof(field));
    buf_append(out, payload, size);
    buf_append(out, zeros, spec_padded(size) - size);
}

/* False when the block has become too big. */
static bool append_string(struct buf *out, enum spec_tag tag, const char *string) {
    size_t size = strlen(string) + 1;
    if (size > CONTAINER_SPEC_LIMIT_BYTES || out->size + size > CONTAINER_SPEC_LIMIT_BYTES)
        return false;
    append_field(out, tag, string, size);
    return true;
}

static bool append_command(struct buf *out, const struct container_spec *spec) {
    const char *const shell[] = {"/bin/sh", "-c", spec->shell, NULL};
    for (const char *const *at = spec->shell != NULL ? shell : spec->argv; *at != NULL; at++) {
        if (!append_string(out, SPEC_ARGUMENT, *at))
            return false;
    }
    return true;
}

static bool append_environment(struct buf *out, const struct container_spec *spec) {
    bool has_path = false;
    for (const char *const *at = spec->environment; at != NULL && *at != NULL; at++) {
        has_path |= strncmp(*at, "PATH=", 5) == 0;
        if (!append_string(out, SPEC_VARIABLE, *at))
            return false;
    }
    return has_path || append_string(out, SPEC_VARIABLE, DEFAULT_PATH);
}

/* Numbers first, then the two paths, each with its NUL. */
static bool append_mounts(struct buf *out, const struct container_spec *spec,
                          const struct spec_place *place) {
    AUTO_FINI(buf_fini) struct buf payload = {0};
    for (size_t i = 0; i < spec->mount_count; i++) {
        const struct spec_source *source = &place->sources[i];
        struct spec_mount mount = {.device = source->device,
                                   .inode = source->inode,
                                   .flags = spec->mounts[i].read_only ? SPEC_MOUNT_READ_ONLY : 0,
                                   .target_at = (uint32_t)strlen(source->path) + 1};
        buf_clear(&payload);
        buf_append(&payload, &mount, sizeof(mount));
        buf_append(&payload, source->path, strlen(source->path) + 1);
        buf_append(&payload, spec->mounts[i].target, strlen(spec->mounts[i].target) + 1);
        append_field(out, SPEC_MOUNT, payload.data, payload.size);
    }
    return out->size <= CONTAINER_SPEC_LIMIT_BYTES;
}

static void append_arrays(struct buf *out, const struct container_spec *spec) {
    struct spec_rlimit rlimits[CONTAINER_RLIMITS_LIMIT];
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        const struct container_rlimit *given = &spec->rlimits[i];
        rlimits[i] = (struct spec_rlimit){(uint64_t)given->resource, given->soft, given->hard};
    }
    if (spec->rlimit_count > 0)
        append_field(out, SPEC_RLIMITS, rlimits, spec->rlimit_count * sizeof(rlimits[0]));
    if (spec->group_count > 0)
        append_field(out, SPEC_GROUPS, spec->groups, spec->group_count * sizeof(gid_t));
    if (spec->seccomp != NULL)
        append_field(out, SPEC_SECCOMP, spec->seccomp, spec->seccomp_bytes);
}

bool spec_write(const struct container_spec *spec, const struct spec_place *place, struct buf *out,
                struct error *error) {
    struct spec_head head = {.magic = SPEC_MAGIC};
    struct spec_numbers numbers = {
        .uid = spec->uid,
        .gid = spec->gid,
        .cgroup_count = (uint32_t)place->cgroup_count,
        .flags = (place->rootless ? SPEC_FLAG_ROOTLESS : 0U) |
                 (spec->stop_at_ms != 0 ? SPEC_FLAG_LEASED : 0U),
        .log_half_bytes = container_log_half_bytes(spec->log_cap_bytes),
        .stop_grace_ms = spec->stop_grace_ms,
    };
    buf_append(out, &head, sizeof(head));
    append_field(out, SPEC_NUMBERS, &numbers, sizeof(numbers));
    append_arrays(out, spec);
    bool fits =
        append_mounts(out, spec, place) && append_string(out, SPEC_SANDBOX, place->sandbox) &&
        (spec->hostname == NULL || append_string(out, SPEC_HOSTNAME, spec->hostname)) &&
        append_command(out, spec) && append_environment(out, spec) && out->size <= SPEC_LIMIT_BYTES;
    if (!fits)
        return fail(error, ERROR_LIMIT, "command and environment are longer than %d bytes",
                    CONTAINER_SPEC_LIMIT_BYTES);
    head.size = (uint32_t)out->size;
    memcpy(out->data, &head, sizeof(head));
    return true;
}
