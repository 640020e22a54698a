/*
 * Resources and attributes between the wire and the model. On the wire a reservation is written in
 * one of two ways: a role with at most one `reservation`, or the stack `reservations`; the model
 * has the stack alone. The encoded DiskInfo is carried along, for it says where a volume is
 * mounted, which no kind knows.
 */
#include "common/wire/convert.h"

#include "common/base/vec.h"
#include "common/model/attributes.h"
#include "common/model/value_fixed.h"

static void drop_set(void *set) {
    resources_fini(set);
}

static struct text pack_part(struct wire *wire, const ProtobufCMessage *part) {
    if (part == NULL)
        return (struct text){0};
    size_t size = protobuf_c_message_get_packed_size(part);
    char *packed = arena_alloc(wire->arena, size + 1);
    protobuf_c_message_pack(part, (uint8_t *)packed);
    return (struct text){packed, size};
}

static struct reservation read_reservation(struct wire *wire,
                                           const Mesos__V1__Resource__ReservationInfo *from,
                                           struct text role) {
    return (struct reservation){
        .type = from->has_type && from->type == MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC
                    ? RESERVATION_STATIC
                    : RESERVATION_DYNAMIC,
        .role = from->role != NULL ? text_of(from->role) : role,
        .principal = text_of(from->principal),
        .labels = pack_part(wire, (const ProtobufCMessage *)from->labels),
    };
}

static bool equal_or_absent(struct text a, struct text b) {
    return (a.data == NULL) == (b.data == NULL) && text_equal(a, b);
}

/* A stack of one may come with the old fields too, as Mesos's endpoints take and give it. */
static bool check_both_ways(struct wire *wire, const Mesos__V1__Resource *from,
                            const struct reservation *only, struct error *error) {
    bool agree = from->n_reservations == 1 && from->role != NULL &&
                 text_equal(text_of(from->role), only->role) &&
                 (from->reservation != NULL) == (only->type == RESERVATION_DYNAMIC);
    if (agree && from->reservation != NULL) {
        struct reservation old = read_reservation(wire, from->reservation, only->role);
        agree = equal_or_absent(old.principal, only->principal) &&
                equal_or_absent(old.labels, only->labels);
    }
    return agree ||
           fail(error, ERROR_INVALID,
                "resource %s is reserved in the old and the new way, and differently", from->name);
}

static bool read_reservations(struct wire *wire, const Mesos__V1__Resource *from,
                              struct kind_info *info, struct error *error) {
    bool has_role = from->role != NULL && strcmp(from->role, "*") != 0;
    if (from->n_reservations > RESERVATIONS_LIMIT)
        return fail(error, ERROR_LIMIT, "resource %s has more than %d reservations", from->name,
                    RESERVATIONS_LIMIT);
    size_t count = from->n_reservations > 0 ? from->n_reservations : has_role ? 1 : 0;
    if (count == 0 && from->reservation != NULL)
        return fail(error, ERROR_INVALID, "resource %s has a reservation for no role", from->name);
    struct reservation *stack = ARENA_ARRAY(wire->arena, struct reservation, count);
    for (size_t i = 0; i < from->n_reservations; i++)
        stack[i] = read_reservation(wire, from->reservations[i], (struct text){0});
    if (from->n_reservations > 0 && (has_role || from->reservation != NULL) &&
        !check_both_ways(wire, from, &stack[0], error))
        return false;
    if (from->n_reservations == 0 && has_role) {
        stack[0] = (struct reservation){.type = RESERVATION_STATIC, .role = text_of(from->role)};
        if (from->reservation != NULL)
            stack[0] = read_reservation(wire, from->reservation, text_of(from->role));
    }
    info->reservations = stack;
    info->reservation_count = count;
    return true;
}

static struct disk_source read_source(struct wire *wire,
                                      const Mesos__V1__Resource__DiskInfo__Source *from) {
    struct disk_source source = {
        .type = (enum disk_source_type)from->type,
        .has_place = from->path != NULL || from->mount != NULL,
        .vendor = text_of(from->vendor),
        .id = text_of(from->id),
        .profile = text_of(from->profile),
        .metadata = pack_part(wire, (const ProtobufCMessage *)from->metadata),
    };
    if (from->path != NULL)
        source.root = text_of(from->path->root);
    else if (from->mount != NULL)
        source.root = text_of(from->mount->root);
    return source;
}

static void read_disk(struct wire *wire, const Mesos__V1__Resource *from, struct kind_info *info) {
    if (from->disk == NULL)
        return;
    info->has_disk = true;
    if (from->disk->persistence != NULL)
        info->disk.persistence_id = text_of(from->disk->persistence->id);
    if (from->disk->source != NULL) {
        info->disk.has_source = true;
        info->disk.source = read_source(wire, from->disk->source);
    }
}

static bool put_ranges_of(struct wire *wire, const Mesos__V1__Resource *from, uint32_t kind,
                          struct resources *set, struct error *error) {
    size_t count = from->ranges->n_range;
    if (count > RANGES_LIMIT)
        return fail(error, ERROR_LIMIT, "resource %s has %zu ranges, more than %d", from->name,
                    count, RANGES_LIMIT);
    struct range *ranges = ARENA_ARRAY(wire->arena, struct range, count);
    for (size_t i = 0; i < count; i++)
        ranges[i] = (struct range){from->ranges->range[i]->begin, from->ranges->range[i]->end};
    return resources_put_ranges(set, kind, ranges, count, error);
}

/* What is known already may always come again. */
static bool may_learn(const struct wire *wire, struct error *error) {
    return wire->kinds_limit == 0 || kinds_size(wire->kinds) < wire->kinds_limit ||
           fail(error, ERROR_LIMIT, "more than %zu kinds of resources in one call",
                wire->kinds_limit);
}

static bool kind_of(struct wire *wire, const struct kind_info *info, uint32_t *kind,
                    struct error *error) {
    *kind = kinds_find(wire->kinds, info);
    if (*kind != 0)
        return true;
    if (!wire->finds_only)
        return may_learn(wire, error) && kinds_intern(wire->kinds, info, kind, error);
    return fail(error, ERROR_INVALID, "no agent has a resource of this kind");
}

static bool intern_text(struct wire *wire, struct text text, uint32_t *id, struct error *error) {
    if (kinds_find_text(wire->kinds, text, id))
        return true;
    if (!wire->finds_only)
        return may_learn(wire, error) && kinds_intern_text(wire->kinds, text, id, error);
    return fail(error, ERROR_INVALID, "no agent has '%.*s'", TEXT_ARGS(text_sub(text, 0, 100)));
}

static bool put_items_of(struct wire *wire, const Mesos__V1__Resource *from, uint32_t kind,
                         struct resources *set, struct error *error) {
    size_t count = from->set->n_item;
    if (count > SET_ITEMS_LIMIT)
        return fail(error, ERROR_LIMIT, "resource %s has %zu items, more than %d", from->name,
                    count, SET_ITEMS_LIMIT);
    uint32_t *items = ARENA_ARRAY(wire->arena, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        if (!intern_text(wire, text_of(from->set->item[i]), &items[i], error))
            return false;
    }
    return resources_put_items(set, kind, items, count, error);
}

/* A disk is put with its carry, everything else as a plain amount. */
static bool put_scalar_of(struct wire *wire, const Mesos__V1__Resource *from, uint32_t kind,
                          struct resources *set, struct error *error) {
    struct resource one = {.kind = kind, .copies = 1};
    if (!milli_from_double(from->scalar->value, &one.milli))
        return fail(error, ERROR_INVALID, "resource %s has the amount %g", from->name,
                    from->scalar->value);
    if (from->disk == NULL || one.milli == 0)
        return resources_put_scalar(set, kind, one.milli, error);
    /* It is not compared, so what is only to be found need not be known: a task may mount a volume
     * where it likes. */
    struct text disk = pack_part(wire, (const ProtobufCMessage *)from->disk);
    if (wire->finds_only && !kinds_find_text(wire->kinds, disk, &one.carry))
        one.carry = 0;
    else if (!intern_text(wire, disk, &one.carry, error))
        return false;
    if (!resources_put(set, &one))
        return fail(error, ERROR_LIMIT, "resource %s: more than can be counted", from->name);
    return true;
}

static bool read_resource(struct wire *wire, const Mesos__V1__Resource *from, struct resources *set,
                          struct error *error) {
    struct kind_info info = {
        .name = text_of(from->name),
        .type = (enum value_type)from->type,
        .is_revocable = from->revocable != NULL,
        .is_shared = from->shared != NULL,
        .provider_id = ID_TEXT(from->provider_id),
    };
    uint32_t kind;
    read_disk(wire, from, &info);
    if (!read_reservations(wire, from, &info, error) || !kind_of(wire, &info, &kind, error))
        return false;
    switch (info.type) {
    case VALUE_SCALAR:
        if (from->scalar != NULL)
            return put_scalar_of(wire, from, kind, set, error);
        break;
    case VALUE_RANGES:
        if (from->ranges != NULL)
            return put_ranges_of(wire, from, kind, set, error);
        break;
    case VALUE_SET:
        if (from->set != NULL)
            return put_items_of(wire, from, kind, set, error);
        break;
    case VALUE_TEXT: break;
    }
    return fail(error, ERROR_INVALID, "resource %s has no value of its type", from->name);
}

bool resources_decode(struct wire *wire, Mesos__V1__Resource *const *from, size_t count,
                      const struct resources **out, struct text *role, bool *two_roles,
                      struct error *error) {
    if (count > RESOURCES_LIMIT)
        return fail(error, ERROR_LIMIT, "%zu resources, more than %d", count, RESOURCES_LIMIT);
    struct resources *set = ARENA_NEW(wire->arena, struct resources);
    struct text named = {0};
    bool differ = false;
    arena_defer(wire->arena, drop_set, set);
    for (size_t i = 0; i < count; i++) {
        if (!read_resource(wire, from[i], set, error))
            return false;
        if (from[i]->allocation_info == NULL || from[i]->allocation_info->role == NULL)
            continue;
        struct text here = text_of(from[i]->allocation_info->role);
        differ = differ || (named.data != NULL && !text_equal(named, here));
        named = here;
    }
    *out = set;
    if (role != NULL)
        *role = named;
    if (two_roles != NULL)
        *two_roles = differ;
    return true;
}

bool volume_mount_decode(struct wire *wire, struct text bytes, struct volume_mount *out,
                         struct error *error) {
    Mesos__V1__Resource__DiskInfo *disk;
    if (!CONVERT_UNPACK(mesos__v1__resource__disk_info, wire, bytes, &disk, error))
        return false;
    const Mesos__V1__Volume *volume = disk->volume;
    if (volume == NULL)
        return fail(error, ERROR_INVALID, "a persistent volume without its field volume");
    *out = (struct volume_mount){
        .path = text_of(volume->container_path),
        .read_only = volume->mode == MESOS__V1__VOLUME__MODE__RO,
        .has_origin = volume->host_path != NULL || volume->image != NULL || volume->source != NULL,
    };
    return true;
}

static void put_reservation(const struct reservation *reservation, uint32_t number, bool old,
                            struct buf *out) {
    size_t place = put_begin(out, number);
    if (reservation->principal.data != NULL)
        put_bytes(out, 1, reservation->principal);
    if (reservation->labels.data != NULL)
        put_bytes(out, 2, reservation->labels);
    if (!old) {
        put_bytes(out, 3, reservation->role);
        put_int(out, 4, reservation->type);
    }
    put_end(out, place);
}

static void put_reservations(const struct kind_info *info, enum reservation_format format,
                             struct buf *out) {
    bool old = format == RESERVATIONS_OLD && info->reservation_count <= 1;
    if (old && info->reservation_count == 0) {
        put_bytes(out, 6, TEXT("*"));
    } else if (old) {
        put_bytes(out, 6, info->reservations[0].role);
        if (info->reservations[0].type == RESERVATION_DYNAMIC)
            put_reservation(&info->reservations[0], 8, true, out);
    } else {
        for (size_t i = 0; i < info->reservation_count; i++)
            put_reservation(&info->reservations[i], 13, false, out);
    }
}

/* mesos.v1.Resource.DiskInfo of a kind that came without one on the wire: from flags or a record.
 */
static void put_disk(const struct disk *disk, struct buf *out) {
    size_t place = put_begin(out, 7);
    if (disk->persistence_id.data != NULL)
        put_id(out, 1, disk->persistence_id);
    if (disk->has_source) {
        const struct disk_source *source = &disk->source;
        size_t inner = put_begin(out, 3);
        put_int(out, 1, source->type);
        if (source->has_place) {
            size_t root = put_begin(out, source->type == DISK_SOURCE_MOUNT ? 3 : 2);
            if (source->root.data != NULL)
                put_bytes(out, 1, source->root);
            put_end(out, root);
        }
        if (source->id.data != NULL)
            put_bytes(out, 4, source->id);
        if (source->metadata.data != NULL)
            put_bytes(out, 5, source->metadata);
        if (source->profile.data != NULL)
            put_bytes(out, 6, source->profile);
        if (source->vendor.data != NULL)
            put_bytes(out, 7, source->vendor);
        put_end(out, inner);
    }
    put_end(out, place);
}

static void put_amount(struct wire *wire, const struct resource *one, struct buf *out) {
    size_t count, place;
    switch (kind_type(one->kind)) {
    case VALUE_SCALAR:
        place = put_begin(out, 3);
        put_double(out, 1, milli_to_double(one->milli));
        put_end(out, place);
        return;
    case VALUE_RANGES: {
        const struct range *ranges = resource_ranges(one, &count);
        place = put_begin(out, 4);
        for (size_t i = 0; i < count; i++) {
            size_t range = put_begin(out, 1);
            put_varint(out, 1, ranges[i].begin);
            put_varint(out, 2, ranges[i].end);
            put_end(out, range);
        }
        put_end(out, place);
        return;
    }
    case VALUE_SET: {
        const uint32_t *items = resource_items(one, &count);
        place = put_begin(out, 5);
        for (size_t i = 0; i < count; i++)
            put_bytes(out, 1, kinds_text(wire->kinds, items[i]));
        put_end(out, place);
        return;
    }
    case VALUE_TEXT: return;
    }
}

static void put_resource(struct wire *wire, const struct resource *one, uint32_t number,
                         struct text role, enum reservation_format format, struct buf *out) {
    const struct kind_info *info = kinds_info(wire->kinds, one->kind);
    size_t place = put_begin(out, number);
    put_bytes(out, 1, info->name);
    put_int(out, 2, info->type);
    put_amount(wire, one, out);
    put_reservations(info, format, out);
    if (one->carry != 0)
        put_bytes(out, 7, kinds_text(wire->kinds, one->carry));
    else if (info->has_disk)
        put_disk(&info->disk, out);
    if (info->is_revocable)
        put_bytes(out, 9, TEXT(""));
    if (info->is_shared)
        put_bytes(out, 10, TEXT(""));
    put_some_id(out, 11, role);
    if (info->provider_id.data != NULL)
        put_id(out, 12, info->provider_id);
    put_end(out, place);
}

void resources_encode(struct wire *wire, const struct resources *set, uint32_t number,
                      struct text role, enum reservation_format format, struct buf *out) {
    if (set == NULL)
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t copy = 0; copy < set->entries[i].copies; copy++)
            put_resource(wire, &set->entries[i], number, role, format, out);
    }
}

static bool read_attribute(struct wire *wire, const Mesos__V1__Attribute *from,
                           struct attributes *out, struct error *error) {
    struct text name = text_of(from->name);
    if (from->type == MESOS__V1__VALUE__TYPE__SCALAR && from->scalar != NULL)
        return attributes_add_scalar(out, name, from->scalar->value, error);
    if (from->type == MESOS__V1__VALUE__TYPE__TEXT && from->text != NULL)
        return attributes_add_text(out, name, text_of(from->text->value), error);
    if (from->type != MESOS__V1__VALUE__TYPE__RANGES || from->ranges == NULL)
        return fail(error, ERROR_INVALID, "attribute %s has no value of its type", from->name);
    size_t count = from->ranges->n_range;
    struct range *ranges = ARENA_ARRAY(wire->arena, struct range, count);
    for (size_t i = 0; i < count; i++)
        ranges[i] = (struct range){from->ranges->range[i]->begin, from->ranges->range[i]->end};
    return attributes_add_ranges(out, name, ranges, count, error);
}

bool attributes_decode(struct wire *wire, Mesos__V1__Attribute *const *from, size_t count,
                       struct text *out, struct error *error) {
    AUTO_FINI(attributes_fini) struct attributes attributes = {0};
    AUTO_FINI(buf_fini) struct buf printed = {0};
    for (size_t i = 0; i < count; i++) {
        if (!read_attribute(wire, from[i], &attributes, error))
            return false;
    }
    attributes_print(&attributes, &printed);
    *out = count > 0 ? arena_text(wire->arena, buf_text(&printed)) : (struct text){0};
    return true;
}

static void put_attribute(const struct attribute *attribute, uint32_t number, struct buf *out) {
    size_t count, inner, place = put_begin(out, number);
    put_bytes(out, 1, text_of(attribute->name));
    put_int(out, 2, attribute->type);
    switch (attribute->type) {
    case VALUE_SCALAR:
        inner = put_begin(out, 3);
        put_double(out, 1, milli_to_double(attribute->milli));
        put_end(out, inner);
        break;
    case VALUE_RANGES: {
        const struct range *ranges = attribute_ranges(attribute, &count);
        inner = put_begin(out, 4);
        for (size_t i = 0; i < count; i++) {
            size_t range = put_begin(out, 1);
            put_varint(out, 1, ranges[i].begin);
            put_varint(out, 2, ranges[i].end);
            put_end(out, range);
        }
        put_end(out, inner);
        break;
    }
    case VALUE_TEXT: put_id(out, 5, text_of(attribute->text)); break;
    case VALUE_SET: break;
    }
    put_end(out, place);
}

void attributes_encode(struct text text, uint32_t number, struct buf *out) {
    AUTO_FINI(attributes_fini) struct attributes attributes = {0};
    if (text.size == 0 || !attributes_parse(text, &attributes, NULL))
        return;
    VEC_EACH(attribute, &attributes)
        put_attribute(attribute, number, out);
}
