/*
 * Every operation but growing and shrinking changes kinds entry by entry and leaves amounts alone.
 */
#include "common/model/operation.h"

#include <assert.h>

bool operation_is_conversion(enum operation_kind kind) {
    return kind == OPERATION_RESERVE || kind == OPERATION_UNRESERVE || kind == OPERATION_CREATE ||
           kind == OPERATION_DESTROY || kind == OPERATION_GROW_VOLUME ||
           kind == OPERATION_SHRINK_VOLUME;
}

void conversion_fini(struct conversion *conversion) {
    resources_fini(&conversion->from);
    resources_fini(&conversion->to);
}

/* --- kinds from kinds --- */

static const struct reservation *top_of(const struct kind_info *info) {
    return info->reservation_count > 0 ? &info->reservations[info->reservation_count - 1] : NULL;
}

static bool is_reserved_dynamically(const struct kind_info *info) {
    const struct reservation *top = top_of(info);
    return top != NULL && top->type == RESERVATION_DYNAMIC;
}

static struct kind_info without_top(const struct kind_info *info) {
    struct kind_info below = *info;
    below.reservation_count--;
    return below;
}

static struct kind_info without_dynamic(const struct kind_info *info) {
    struct kind_info base = *info;
    while (is_reserved_dynamically(&base))
        base.reservation_count--;
    return base;
}

static struct kind_info without_volume(const struct kind_info *info) {
    struct kind_info disk = *info;
    disk.is_shared = false;
    disk.disk.persistence_id = (struct text){0};
    disk.has_disk = disk.disk.has_source;
    return disk;
}

static bool put_as(struct kinds *kinds, const struct resource *one, const struct kind_info *info,
                   struct resources *out, struct error *error) {
    struct resource put = *one;
    put.carry = 0;
    return kinds_intern(kinds, info, &put.kind, error) &&
           (resources_put(out, &put) || fail(error, ERROR_LIMIT, "more than can be counted"));
}

static bool change_all(struct kinds *kinds, const struct resources *set,
                       struct kind_info (*change)(const struct kind_info *info),
                       struct resources *out, struct error *error) {
    for (uint32_t i = 0; i < set->count; i++) {
        const struct kind_info *info = kinds_info(kinds, set->entries[i].kind);
        struct kind_info changed = change(info);
        if (!put_as(kinds, &set->entries[i], &changed, out, error))
            return false;
    }
    return true;
}

/* --- reservations --- */

/* What both RESERVE and UNRESERVE ask of each resource. */
static bool check_reserved(const struct kinds *kinds, const struct resources *set,
                           struct error *error) {
    for (uint32_t i = 0; i < set->count; i++) {
        const struct kind_info *info = kinds_info(kinds, set->entries[i].kind);
        if (!is_reserved_dynamically(info))
            return fail(error, ERROR_INVALID, "%.*s is not reserved dynamically",
                        TEXT_ARGS(info->name));
        if (kind_is(set->entries[i].kind, KIND_IS_PERSISTENT))
            return fail(error, ERROR_INVALID,
                        "'%.*s' is a persistent volume, whose reservation cannot change",
                        TEXT_ARGS(info->disk.persistence_id));
        if (info->is_revocable)
            return fail(error, ERROR_INVALID, "%.*s is revocable and cannot be reserved",
                        TEXT_ARGS(info->name));
    }
    return true;
}

/* Both are the same resources once their dynamic reservations are off. */
static bool check_same_base(struct kinds *kinds, const struct resources *source,
                            const struct resources *resources, struct error *error) {
    AUTO_FINI(resources_fini) struct resources before = {0};
    AUTO_FINI(resources_fini) struct resources after = {0};
    if (!change_all(kinds, source, without_dynamic, &before, error) ||
        !change_all(kinds, resources, without_dynamic, &after, error))
        return false;
    return resources_equal(&before, &after) ||
           fail(error, ERROR_INVALID,
                "'source' and 'resources' differ in more than dynamic reservations");
}

static bool reserve(const struct conversion_request *request, struct kinds *kinds,
                    struct conversion *out, struct error *error) {
    if (!check_reserved(kinds, request->resources, error))
        return false;
    out->to = resources_copy(request->resources);
    if (request->source == NULL)
        return change_all(kinds, request->resources, without_top, &out->from, error);
    for (uint32_t i = 0; i < request->source->count; i++)
        if (kind_is(request->source->entries[i].kind, KIND_IS_PERSISTENT | KIND_IS_REVOCABLE))
            return fail(error, ERROR_INVALID,
                        "'source' has a persistent volume or what is revocable");
    out->from = resources_copy(request->source);
    return check_same_base(kinds, request->source, request->resources, error);
}

static bool unreserve(const struct conversion_request *request, struct kinds *kinds,
                      struct conversion *out, struct error *error) {
    if (!check_reserved(kinds, request->resources, error))
        return false;
    out->from = resources_copy(request->resources);
    return change_all(kinds, request->resources, without_top, &out->to, error);
}

/* --- volumes --- */

static bool check_volume(const struct kinds *kinds, const struct resource *one,
                         struct error *error) {
    const struct kind_info *info = kinds_info(kinds, one->kind);
    if (!kind_is(one->kind, KIND_IS_PERSISTENT))
        return fail(error, ERROR_INVALID, "%.*s is no persistent volume", TEXT_ARGS(info->name));
    struct text id = info->disk.persistence_id;
    if (one->copies != 1)
        return fail(error, ERROR_INVALID, "volume '%.*s' is there twice", TEXT_ARGS(id));
    if (!kind_is(one->kind, KIND_IS_RESERVED))
        return fail(error, ERROR_INVALID, "volume '%.*s' is on a disk that is not reserved",
                    TEXT_ARGS(id));
    if (info->is_revocable)
        return fail(error, ERROR_INVALID, "volume '%.*s' is revocable", TEXT_ARGS(id));
    if (info->disk.has_source &&
        (info->disk.source.type == DISK_SOURCE_BLOCK || info->disk.source.type == DISK_SOURCE_RAW))
        return fail(error, ERROR_INVALID, "volume '%.*s' is on a BLOCK or RAW disk", TEXT_ARGS(id));
    return true;
}

/* The same id for the same role is the same volume, whatever else differs. */
static bool is_twin(const struct kind_info *a, const struct kind_info *b) {
    return text_equal(a->disk.persistence_id, b->disk.persistence_id) &&
           text_equal(top_of(a)->role, top_of(b)->role);
}

static bool check_volumes(const struct kinds *kinds, const struct resources *volumes,
                          struct error *error) {
    for (uint32_t i = 0; i < volumes->count; i++) {
        if (!check_volume(kinds, &volumes->entries[i], error))
            return false;
        const struct kind_info *info = kinds_info(kinds, volumes->entries[i].kind);
        for (uint32_t j = 0; j < i; j++)
            if (is_twin(info, kinds_info(kinds, volumes->entries[j].kind)))
                return fail(error, ERROR_INVALID, "volume '%.*s' is there twice",
                            TEXT_ARGS(info->disk.persistence_id));
    }
    return true;
}

static bool create(const struct conversion_request *request, struct kinds *kinds,
                   struct conversion *out, struct error *error) {
    if (!check_volumes(kinds, request->resources, error))
        return false;
    out->to = resources_copy(request->resources);
    return change_all(kinds, request->resources, without_volume, &out->from, error);
}

static bool destroy(const struct conversion_request *request, struct kinds *kinds,
                    struct conversion *out, struct error *error) {
    if (!check_volumes(kinds, request->resources, error))
        return false;
    out->from = resources_copy(request->resources);
    return change_all(kinds, request->resources, without_volume, &out->to, error);
}

/* NULL: there is not one volume alone that can change its size. */
static const struct resource *resizable(const struct conversion_request *request,
                                        const struct kinds *kinds, struct error *error) {
    if (request->resources->count != 1) {
        fail(error, ERROR_INVALID, "there must be one volume of more than nothing");
        return NULL;
    }
    const struct resource *volume = &request->resources->entries[0];
    if (!check_volume(kinds, volume, error))
        return NULL;
    const struct kind_info *info = kinds_info(kinds, volume->kind);
    struct text id = info->disk.persistence_id;
    const char *why = NULL;
    if (info->is_shared)
        why = "shared";
    else if (info->disk.has_source && info->disk.source.type == DISK_SOURCE_MOUNT)
        why = "on a MOUNT disk";
    else if (info->provider_id.data != NULL)
        why = "of a resource provider";
    if (why == NULL)
        return volume;
    fail(error, ERROR_INVALID, "volume '%.*s' is %s and cannot change its size", TEXT_ARGS(id),
         why);
    return NULL;
}

static void put(struct resources *set, const struct resource *one) {
    bool fits = resources_put(set, one);
    assert(fits);
    (void)fits;
}

static bool grow(const struct conversion_request *request, struct kinds *kinds,
                 struct conversion *out, struct error *error) {
    static const struct resources none;
    const struct resource *volume = resizable(request, kinds, error);
    if (volume == NULL)
        return false;
    const struct resources *addition = request->addition != NULL ? request->addition : &none;
    struct kind_info disk = without_volume(kinds_info(kinds, volume->kind));
    uint32_t kind;
    if (!kinds_intern(kinds, &disk, &kind, error))
        return false;
    if (addition->count != 1 || addition->entries[0].kind != kind)
        return fail(error, ERROR_INVALID,
                    "the addition must be disk as the volume's, of more than nothing");
    struct resource larger = *volume;
    if (__builtin_add_overflow(volume->milli, addition->entries[0].milli, &larger.milli))
        return fail(error, ERROR_LIMIT, "more than can be counted");
    out->from = resources_copy(request->resources);
    put(&out->from, &addition->entries[0]);
    put(&out->to, &larger);
    return true;
}

static bool shrink(const struct conversion_request *request, struct kinds *kinds,
                   struct conversion *out, struct error *error) {
    const struct resource *volume = resizable(request, kinds, error);
    if (volume == NULL)
        return false;
    if (request->subtract_milli <= 0 || request->subtract_milli >= volume->milli)
        return fail(error, ERROR_INVALID,
                    "what is taken off a volume must be more than nothing and less than all");
    struct kind_info disk = without_volume(kinds_info(kinds, volume->kind));
    struct resource smaller = *volume, freed = *volume;
    smaller.milli -= request->subtract_milli;
    freed.milli = request->subtract_milli;
    out->from = resources_copy(request->resources);
    put(&out->to, &smaller);
    return put_as(kinds, &freed, &disk, &out->to, error);
}

static bool convert(const struct conversion_request *request, struct kinds *kinds,
                    struct conversion *out, struct error *error) {
    switch (request->kind) {
    case OPERATION_RESERVE: return reserve(request, kinds, out, error);
    case OPERATION_UNRESERVE: return unreserve(request, kinds, out, error);
    case OPERATION_CREATE: return create(request, kinds, out, error);
    case OPERATION_DESTROY: return destroy(request, kinds, out, error);
    case OPERATION_GROW_VOLUME: return grow(request, kinds, out, error);
    case OPERATION_SHRINK_VOLUME: return shrink(request, kinds, out, error);
    case OPERATION_UNKNOWN:
    case OPERATION_LAUNCH:
    case OPERATION_LAUNCH_GROUP:
    case OPERATION_CREATE_DISK:
    case OPERATION_DESTROY_DISK: break;
    }
    return fail(error, ERROR_UNSUPPORTED, "%s is not served", operation_kind_name(request->kind));
}

bool conversion_of(const struct conversion_request *request, struct kinds *kinds,
                   struct conversion *out, struct error *error) {
    AUTO_FINI(conversion_fini) struct conversion made = {0};
    if (request->resources == NULL || resources_is_empty(request->resources))
        return fail(error, ERROR_INVALID, "it names no resources");
    if (!convert(request, kinds, &made, error))
        return false;
    *out = (struct conversion){resources_take(&made.from), resources_take(&made.to)};
    return true;
}

bool volume_has_twin(const struct kind_info *volume, const struct kinds *kinds,
                     const struct resources *among) {
    for (uint32_t i = 0; i < among->count; i++) {
        uint32_t other = among->entries[i].kind;
        if (kind_is(other, KIND_IS_PERSISTENT) && kind_is(other, KIND_IS_RESERVED) &&
            is_twin(volume, kinds_info(kinds, other)))
            return true;
    }
    return false;
}

const char *operation_kind_name(enum operation_kind kind) {
    switch (kind) {
    case OPERATION_UNKNOWN: break;
    case OPERATION_LAUNCH: return "LAUNCH";
    case OPERATION_RESERVE: return "RESERVE";
    case OPERATION_UNRESERVE: return "UNRESERVE";
    case OPERATION_CREATE: return "CREATE";
    case OPERATION_DESTROY: return "DESTROY";
    case OPERATION_LAUNCH_GROUP: return "LAUNCH_GROUP";
    case OPERATION_GROW_VOLUME: return "GROW_VOLUME";
    case OPERATION_SHRINK_VOLUME: return "SHRINK_VOLUME";
    case OPERATION_CREATE_DISK: return "CREATE_DISK";
    case OPERATION_DESTROY_DISK: return "DESTROY_DISK";
    }
    return "UNKNOWN";
}

const char *operation_state_name(enum operation_state state) {
    switch (state) {
    case OPERATION_STATE_UNSUPPORTED: return "OPERATION_UNSUPPORTED";
    case OPERATION_STATE_PENDING: return "OPERATION_PENDING";
    case OPERATION_STATE_FINISHED: return "OPERATION_FINISHED";
    case OPERATION_STATE_FAILED: return "OPERATION_FAILED";
    case OPERATION_STATE_ERROR: return "OPERATION_ERROR";
    case OPERATION_STATE_DROPPED: return "OPERATION_DROPPED";
    case OPERATION_STATE_UNREACHABLE: return "OPERATION_UNREACHABLE";
    case OPERATION_STATE_GONE_BY_OPERATOR: return "OPERATION_GONE_BY_OPERATOR";
    case OPERATION_STATE_RECOVERING: return "OPERATION_RECOVERING";
    case OPERATION_STATE_UNKNOWN: break;
    }
    return "OPERATION_UNKNOWN";
}
