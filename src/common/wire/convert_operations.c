/*
 * Operations on offered resources: what RESERVE, CREATE and so on name. One that makes no sense
 * says why in its `fault`, and the others of its call go on.
 */
#include "common/wire/convert.h"

#include "common/model/value_fixed.h"

#define operation_message Mesos__V1__Offer__Operation

/* The resources of an operation before they are read. */
struct terms {
    Mesos__V1__Resource *const *resources, *const *source, *const *addition;
    size_t resource_count, source_count, addition_count;
    const Mesos__V1__Value__Scalar *subtract;
    bool is_there;
};

static struct terms all(Mesos__V1__Resource *const *resources, size_t count) {
    return (struct terms){.resources = resources, .resource_count = count, .is_there = true};
}

static struct terms terms_of(const operation_message *from, enum operation_kind kind) {
    struct terms terms = {0};
    switch (kind) {
    case OPERATION_RESERVE:
        if (from->reserve == NULL)
            return terms;
        terms = all(from->reserve->resources, from->reserve->n_resources);
        terms.source = from->reserve->source;
        terms.source_count = from->reserve->n_source;
        return terms;
    case OPERATION_UNRESERVE:
        return from->unreserve != NULL
                   ? all(from->unreserve->resources, from->unreserve->n_resources)
                   : terms;
    case OPERATION_CREATE:
        return from->create != NULL ? all(from->create->volumes, from->create->n_volumes) : terms;
    case OPERATION_DESTROY:
        return from->destroy != NULL ? all(from->destroy->volumes, from->destroy->n_volumes)
                                     : terms;
    case OPERATION_GROW_VOLUME:
        if (from->grow_volume == NULL)
            return terms;
        terms = all(&from->grow_volume->volume, 1);
        terms.addition = &from->grow_volume->addition;
        terms.addition_count = 1;
        return terms;
    case OPERATION_SHRINK_VOLUME:
        if (from->shrink_volume == NULL)
            return terms;
        terms = all(&from->shrink_volume->volume, 1);
        terms.subtract = from->shrink_volume->subtract;
        return terms;
    case OPERATION_UNKNOWN:
    case OPERATION_LAUNCH:
    case OPERATION_LAUNCH_GROUP:
    case OPERATION_CREATE_DISK:
    case OPERATION_DESTROY_DISK: break;
    }
    return terms;
}

/* How a volume is mounted, which no kind knows. */
static bool check_mount(const Mesos__V1__Resource *volume, struct error *error) {
    const Mesos__V1__Resource__DiskInfo *disk = volume->disk;
    if (disk == NULL || disk->persistence == NULL)
        return fail(error, ERROR_INVALID, "%s has no 'disk.persistence'", volume->name);
    const char *id = disk->persistence->id;
    if (disk->volume == NULL)
        return fail(error, ERROR_INVALID, "volume '%.255s' has no 'disk.volume'", id);
    if (disk->volume->mode != MESOS__V1__VOLUME__MODE__RW)
        return fail(error, ERROR_INVALID, "volume '%.255s' is not of mode RW", id);
    if (disk->volume->host_path != NULL)
        return fail(error, ERROR_INVALID, "volume '%.255s' names a 'host_path'", id);
    if (disk->volume->container_path[0] == '\0')
        return fail(error, ERROR_INVALID, "volume '%.255s' has no 'container_path'", id);
    return true;
}

/* One role is named by all that name one. */
static bool join_role(struct text *role, struct text more, bool two_roles, struct error *error) {
    bool differ = two_roles || (role->size > 0 && more.size > 0 && !text_equal(*role, more));
    if (differ)
        return fail(error, ERROR_INVALID, "its resources are allocated to more than one role");
    if (more.size > 0)
        *role = more;
    return true;
}

static bool read_set(struct wire *wire, Mesos__V1__Resource *const *from, size_t count,
                     const struct resources **out, struct text *role, struct error *error) {
    struct text named = {0};
    bool two_roles = false;
    return resources_decode(wire, from, count, out, &named, &two_roles, error) &&
           join_role(role, named, two_roles, error);
}

static bool read_terms(struct wire *wire, const struct terms *terms, struct operation *out,
                       struct error *error) {
    struct text *role = &out->resource_role;
    if (!terms->is_there)
        return fail(error, ERROR_INVALID, "its message is missing");
    for (size_t i = 0; out->kind == OPERATION_CREATE && i < terms->resource_count; i++)
        if (!check_mount(terms->resources[i], error))
            return false;
    if (!read_set(wire, terms->resources, terms->resource_count, &out->resources, role, error))
        return false;
    if (terms->source_count > 0 &&
        !read_set(wire, terms->source, terms->source_count, &out->source, role, error))
        return false;
    if (terms->addition_count > 0 &&
        !read_set(wire, terms->addition, terms->addition_count, &out->addition, role, error))
        return false;
    if (terms->subtract != NULL && !milli_from_double(terms->subtract->value, &out->subtract_milli))
        return fail(error, ERROR_INVALID, "it subtracts %g", terms->subtract->value);
    return true;
}

void operation_convert(struct wire *wire, const Mesos__V1__Offer__Operation *from,
                       struct operation *out) {
    struct error fault;
    struct terms terms = terms_of(from, out->kind);
    if (read_terms(wire, &terms, out, &fault))
        return;
    out->resources = out->source = out->addition = NULL;
    out->fault = arena_text(wire->arena, text_of(fault.message));
}

static void free_kinds(void *kinds) {
    kinds_free(kinds);
}

struct wire wire_apart(const struct wire *wire) {
    struct wire apart = {
        .arena = wire->arena, .kinds = kinds_new(), .kinds_limit = WIRE_APART_KINDS_LIMIT};
    arena_defer(wire->arena, free_kinds, apart.kinds);
    return apart;
}
