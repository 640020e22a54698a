/*
 * One walk over the block counts, a second one points: the caller brings the memory for the
 * pointers, since mesos-init has no heap worth the name.
 */
#include "init/spec.h"

#include <linux/filter.h>
#include <string.h>

struct cursor {
    char *at;
    size_t left;
};

/* The next field; false at the end and, with *broken set, where the block is damaged. */
static bool next_field(struct cursor *cursor, struct spec_field *field, char **payload,
                       bool *broken) {
    if (cursor->left == 0)
        return false;
    *broken = true;
    if (cursor->left < sizeof(*field))
        return false;
    memcpy(field, cursor->at, sizeof(*field));
    size_t whole = sizeof(*field) + spec_padded(field->size);
    if (whole > cursor->left)
        return false;
    *payload = cursor->at + sizeof(*field);
    cursor->at += whole;
    cursor->left -= whole;
    *broken = false;
    return true;
}

static bool open_block(char *block, size_t size, struct cursor *cursor) {
    struct spec_head head;
    if (size < sizeof(head) || size > SPEC_LIMIT_BYTES)
        return false;
    memcpy(&head, block, sizeof(head));
    *cursor = (struct cursor){block + sizeof(head), size - sizeof(head)};
    return head.magic == SPEC_MAGIC && head.size == size;
}

bool spec_count_pointers(const char *block, size_t size, size_t *count) {
    struct cursor cursor;
    struct spec_field field;
    char *payload;
    bool broken = false;
    size_t found = 2; /* the two NULLs at the ends */

    if (!open_block((char *)block, size, &cursor))
        return false;
    while (next_field(&cursor, &field, &payload, &broken))
        found += field.tag == SPEC_ARGUMENT || field.tag == SPEC_VARIABLE;
    if (!broken)
        *count = found;
    return !broken;
}

static bool is_string(const char *payload, size_t size) {
    return size > 0 && memchr(payload, '\0', size) == payload + size - 1;
}

static bool is_array(size_t size, size_t item, size_t limit) {
    return size % item == 0 && size / item <= limit;
}

static bool is_part(const char *part, size_t size) {
    return size > 0 && !(size == 1 && part[0] == '.') &&
           !(size == 2 && part[0] == '.' && part[1] == '.');
}

static bool is_target(const char *path) {
    if (strlen(path) > SPEC_TARGET_LIMIT_BYTES)
        return false;
    for (;;) {
        size_t size = strcspn(path, "/");
        if (!is_part(path, size))
            return false;
        if (path[size] == '\0')
            return true;
        path += size + 1;
    }
}

static bool take_mount(const char *payload, size_t size, struct spec *out) {
    const struct spec_mount *mount = (const struct spec_mount *)(const void *)payload;
    if (size < sizeof(*mount) || out->mount_count == SPEC_MOUNTS_LIMIT)
        return false;
    size_t strings = size - sizeof(*mount);
    if (mount->target_at == 0 || mount->target_at >= strings ||
        !is_string(spec_mount_source(mount), mount->target_at) ||
        !is_string(spec_mount_target(mount), strings - mount->target_at) ||
        spec_mount_source(mount)[0] != '/' || !is_target(spec_mount_target(mount)))
        return false;
    out->mounts[out->mount_count++] = mount;
    return true;
}

/* Everything but the repeated strings. */
static bool take_field(const struct spec_field *field, char *payload, struct spec *out) {
    size_t size = field->size;
    switch ((enum spec_tag)field->tag) {
    case SPEC_NUMBERS:
        if (size != sizeof(out->numbers))
            return false;
        memcpy(&out->numbers, payload, size);
        return true;
    case SPEC_GROUPS:
        out->groups = (const uint32_t *)(const void *)payload;
        out->group_count = size / sizeof(*out->groups);
        return is_array(size, sizeof(*out->groups), SPEC_GROUPS_LIMIT);
    case SPEC_RLIMITS:
        out->rlimits = (const struct spec_rlimit *)(const void *)payload;
        out->rlimit_count = size / sizeof(*out->rlimits);
        return is_array(size, sizeof(*out->rlimits), SPEC_RLIMITS_LIMIT);
    case SPEC_SANDBOX: out->sandbox = payload; return is_string(payload, size);
    case SPEC_HOSTNAME: out->hostname = payload; return is_string(payload, size);
    case SPEC_SECCOMP:
        out->seccomp = payload;
        out->seccomp_count = size / sizeof(struct sock_filter);
        return is_array(size, sizeof(struct sock_filter), SPEC_SECCOMP_LIMIT);
    case SPEC_MOUNT: return take_mount(payload, size, out);
    case SPEC_ARGUMENT:
    case SPEC_VARIABLE: return is_string(payload, size);
    }
    return false;
}

/* Points *at and what follows at the strings of one tag, and ends them with NULL. */
static char **point_at_strings(struct cursor cursor, uint32_t tag, char **at) {
    struct spec_field field;
    char *payload;
    bool broken = false;
    while (next_field(&cursor, &field, &payload, &broken)) {
        if (field.tag == tag)
            *at++ = payload;
    }
    *at++ = NULL;
    return at;
}

bool spec_parse(char *block, size_t size, char **pointers, struct spec *out) {
    struct cursor start;
    struct spec_field field;
    char *payload;
    bool broken = false;
    struct spec spec = {0};

    if (!open_block(block, size, &start))
        return false;
    struct cursor cursor = start;
    while (next_field(&cursor, &field, &payload, &broken)) {
        if (!take_field(&field, payload, &spec))
            return false;
    }
    if (broken || spec.sandbox == NULL || spec.numbers.log_half_bytes <= 0 ||
        spec.numbers.stop_grace_ms < 0)
        return false;

    spec.arguments = pointers;
    spec.variables = point_at_strings(start, SPEC_ARGUMENT, pointers);
    point_at_strings(start, SPEC_VARIABLE, spec.variables);
    if (spec.arguments[0] == NULL)
        return false;
    *out = spec;
    return true;
}
