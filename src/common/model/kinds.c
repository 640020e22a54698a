/*
 * A kind is found by the bytes of a canonical encoding of everything it is made of; presence is
 * part of it, so absent and empty differ. What the table lends lives in its arena.
 */
#include "common/model/kinds.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/vec.h"
#include "common/model/ids.h"
#include "common/model/roles.h"

#include <assert.h>

struct interned {
    struct text text;
    uint32_t id;
    uint32_t parent; /* roles only */
};

/* Texts numbered in order of interning. */
struct pool {
    struct map map;
    VEC_OF(struct interned *) list;
};

struct entry {
    struct kind_info info;
    uint32_t kind;
    uint32_t name;
    uint32_t role; /* of the current reservation */
};

struct kinds {
    struct arena *arena;
    struct map map; /* encoding -> struct entry */
    VEC_OF(struct entry *) list;
    struct pool names, roles, texts;
};

static bool pool_find(const struct pool *pool, struct text text, uint32_t *id) {
    const struct interned *found = map_get_text(&pool->map, text);
    if (found == NULL)
        return false;
    *id = found->id;
    return true;
}

static struct interned *pool_add(struct pool *pool, struct arena *arena, struct text text) {
    struct interned *made = ARENA_NEW(arena, struct interned);
    made->text = arena_text(arena, text);
    made->id = (uint32_t)pool->list.count;
    made->parent = ROLE_NONE;
    map_put_text(&pool->map, text, made);
    VEC_PUSH(&pool->list, made);
    return made;
}

static struct text pool_text(const struct pool *pool, uint32_t id) {
    assert(id < pool->list.count);
    return pool->list.items[id]->text;
}

static bool pool_intern(struct pool *pool, struct arena *arena, struct text text, uint32_t *id,
                        struct error *error) {
    if (pool_find(pool, text, id))
        return true;
    if (pool->list.count >= KINDS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d different names, roles or texts",
                    KINDS_LIMIT);
    *id = pool_add(pool, arena, text)->id;
    return true;
}

static void pool_fini(struct pool *pool) {
    map_fini(&pool->map, NULL);
    VEC_FINI(&pool->list);
}

struct kinds *kinds_new(void) {
    static const struct {
        struct text name;
        enum value_type type;
        uint32_t kind;
    } plain[] = {
        {TEXT("cpus"), VALUE_SCALAR, KIND_CPUS},   {TEXT("mem"), VALUE_SCALAR, KIND_MEM},
        {TEXT("disk"), VALUE_SCALAR, KIND_DISK},   {TEXT("gpus"), VALUE_SCALAR, KIND_GPUS},
        {TEXT("ports"), VALUE_RANGES, KIND_PORTS},
    };
    struct kinds *kinds = NEW(struct kinds);
    kinds->arena = arena_new();
    pool_add(&kinds->texts, kinds->arena, TEXT("")); /* stands for the absent text */
    pool_add(&kinds->roles, kinds->arena, TEXT("*"));
    map_remove_text(&kinds->texts.map, TEXT(""));
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        struct kind_info info = {.name = plain[i].name, .type = plain[i].type};
        uint32_t kind = 0;
        bool ok = kinds_intern(kinds, &info, &kind, NULL);
        assert(ok && kind == plain[i].kind);
    }
    return kinds;
}

void kinds_free(struct kinds *kinds) {
    if (kinds == NULL)
        return;
    map_fini(&kinds->map, NULL);
    VEC_FINI(&kinds->list);
    pool_fini(&kinds->names);
    pool_fini(&kinds->roles);
    pool_fini(&kinds->texts);
    arena_free(kinds->arena);
    mem_free(kinds);
}

size_t kinds_size(const struct kinds *kinds) {
    return kinds->list.count + kinds->texts.list.count;
}

size_t kinds_bytes(const struct kinds *kinds) {
    return arena_used_bytes(kinds->arena);
}

/* What the checks say about names and blobs is said once, here. */
static bool check_text(struct text text, size_t limit, const char *what, struct error *error) {
    if (text.size > limit)
        return fail(error, ERROR_LIMIT, "%s has more than %zu bytes", what, limit);
    return true;
}

static bool check_name(struct text name, struct error *error) {
    if (name.size == 0)
        return fail(error, ERROR_INVALID, "a resource has no name");
    if (!check_text(name, KIND_NAME_BYTES_LIMIT, "the name of a resource", error))
        return false;
    if (!text_is_utf8(name))
        return fail(error, ERROR_INVALID, "the name of a resource is not UTF-8");
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return fail(error, ERROR_INVALID, "the name of a resource has a control character");
    }
    return true;
}

static bool check_reservation(const struct kind_info *info, size_t index, struct error *error) {
    const struct reservation *one = &info->reservations[index];
    const char *why;
    if (one->type != RESERVATION_STATIC && one->type != RESERVATION_DYNAMIC)
        return fail(error, ERROR_INVALID, "a reservation is neither STATIC nor DYNAMIC");
    if (index > 0 && one->type != RESERVATION_DYNAMIC)
        return fail(error, ERROR_INVALID, "a reservation above the first is not DYNAMIC");
    if (!role_is_valid(one->role, &why))
        return fail(error, ERROR_INVALID, "a reservation's role '%.*s' %s", TEXT_ARGS(one->role),
                    why);
    if (text_equal(one->role, TEXT("*")))
        return fail(error, ERROR_INVALID, "a reservation is for role *");
    if (index > 0 && !role_is_strict_subrole(one->role, info->reservations[index - 1].role))
        return fail(error, ERROR_INVALID, "a reservation's role '%.*s' is not below '%.*s'",
                    TEXT_ARGS(one->role), TEXT_ARGS(info->reservations[index - 1].role));
    return check_text(one->principal, KIND_BLOB_BYTES_LIMIT, "a reservation's principal", error) &&
           check_text(one->labels, KIND_BLOB_BYTES_LIMIT, "a reservation's labels", error);
}

static bool check_disk(const struct kind_info *info, struct error *error) {
    const struct disk *disk = &info->disk;
    const struct disk_source *source = &disk->source;
    const char *why;
    if (info->type != VALUE_SCALAR)
        return fail(error, ERROR_INVALID, "a resource with a disk is not a scalar");
    if (disk->persistence_id.data != NULL && !id_is_valid(disk->persistence_id, &why))
        return fail(error, ERROR_INVALID, "a persistence id %s", why);
    if (!disk->has_source)
        return true;
    if (source->type < DISK_SOURCE_UNKNOWN || source->type > DISK_SOURCE_RAW)
        return fail(error, ERROR_INVALID, "a disk's source has an unknown type");
    return check_text(source->root, KIND_BLOB_BYTES_LIMIT, "a disk's root", error) &&
           check_text(source->vendor, KIND_NAME_BYTES_LIMIT, "a disk's vendor", error) &&
           check_text(source->id, KIND_NAME_BYTES_LIMIT, "a disk's id", error) &&
           check_text(source->profile, KIND_NAME_BYTES_LIMIT, "a disk's profile", error) &&
           check_text(source->metadata, KIND_BLOB_BYTES_LIMIT, "a disk's metadata", error);
}

static bool is_persistent(const struct kind_info *info) {
    return info->has_disk && info->disk.persistence_id.data != NULL;
}

static bool check(const struct kind_info *info, struct error *error) {
    if (!check_name(info->name, error))
        return false;
    if (info->type > VALUE_SET)
        return fail(error, ERROR_INVALID, "resource '%.*s' is not a scalar, ranges or a set",
                    TEXT_ARGS(info->name));
    if (info->reservation_count > RESERVATIONS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d reservations on one another",
                    RESERVATIONS_LIMIT);
    for (size_t i = 0; i < info->reservation_count; i++) {
        if (!check_reservation(info, i, error))
            return false;
    }
    if (info->has_disk && !check_disk(info, error))
        return false;
    if (info->is_shared && !is_persistent(info))
        return fail(error, ERROR_INVALID, "resource '%.*s' is shared and no persistent volume",
                    TEXT_ARGS(info->name));
    return check_text(info->provider_id, KIND_NAME_BYTES_LIMIT, "a provider's id", error);
}

static void encode_text(struct buf *out, struct text text) {
    uint32_t size = text.data != NULL ? (uint32_t)text.size : UINT32_MAX;
    buf_append(out, &size, sizeof(size));
    buf_append_text(out, text);
}

static void encode_disk(struct buf *out, const struct disk *disk) {
    encode_text(out, disk->persistence_id);
    if (!disk->has_source)
        return;
    const struct disk_source *source = &disk->source;
    buf_append_byte(out, (char)(1 + source->type));
    buf_append_byte(out, (char)source->has_place);
    encode_text(out, source->root);
    encode_text(out, source->vendor);
    encode_text(out, source->id);
    encode_text(out, source->profile);
    encode_text(out, source->metadata);
}

static void encode(struct buf *out, const struct kind_info *info) {
    encode_text(out, info->name);
    buf_append_byte(out, (char)info->type);
    buf_append_byte(out, (char)(info->is_revocable | info->is_shared << 1 | info->has_disk << 2));
    encode_text(out, info->provider_id);
    buf_append_byte(out, (char)info->reservation_count);
    for (size_t i = 0; i < info->reservation_count; i++) {
        const struct reservation *one = &info->reservations[i];
        buf_append_byte(out, (char)one->type);
        encode_text(out, one->role);
        encode_text(out, one->principal);
        encode_text(out, one->labels);
    }
    if (info->has_disk)
        encode_disk(out, &info->disk);
}

static bool is_plain(const struct kind_info *info) {
    return info->reservation_count == 0 && !info->has_disk && !info->is_revocable &&
           !info->is_shared && info->provider_id.data == NULL;
}

/* Nearly everything that is looked up is one of these. */
static uint32_t find_plain(const struct kind_info *info) {
    if (!is_plain(info) || info->name.size < 3 || info->name.size > 5)
        return 0;
    if (info->type == VALUE_RANGES)
        return text_equal(info->name, TEXT("ports")) ? KIND_PORTS : 0;
    if (info->type != VALUE_SCALAR)
        return 0;
    if (text_equal(info->name, TEXT("cpus")))
        return KIND_CPUS;
    if (text_equal(info->name, TEXT("mem")))
        return KIND_MEM;
    if (text_equal(info->name, TEXT("disk")))
        return KIND_DISK;
    return text_equal(info->name, TEXT("gpus")) ? KIND_GPUS : 0;
}

static uint32_t flags_of(const struct kind_info *info) {
    uint32_t flags = (uint32_t)info->type;
    const struct disk_source *source =
        info->has_disk && info->disk.has_source ? &info->disk.source : NULL;
    bool whole =
        source != NULL && (source->type == DISK_SOURCE_MOUNT || source->type == DISK_SOURCE_BLOCK ||
                           (source->type == DISK_SOURCE_RAW && source->id.data != NULL));
    if (info->is_shared)
        flags |= KIND_IS_SHARED;
    else if (whole || is_persistent(info))
        flags |= KIND_IS_EXCLUSIVE;
    if (is_persistent(info))
        flags |= KIND_IS_PERSISTENT;
    if (info->is_revocable)
        flags |= KIND_IS_REVOCABLE;
    if (info->reservation_count > 0)
        flags |= KIND_IS_RESERVED;
    if (info->reservation_count > 1)
        flags |= KIND_IS_REFINED;
    return flags;
}

static struct text keep(struct arena *arena, struct text text) {
    if (text.data == NULL)
        return (struct text){0};
    return text.size > 0 ? arena_text(arena, text) : TEXT("");
}

static void keep_info(struct arena *arena, const struct kind_info *from, struct kind_info *to) {
    struct reservation *stack = ARENA_ARRAY(arena, struct reservation, from->reservation_count);
    for (size_t i = 0; i < from->reservation_count; i++) {
        const struct reservation *one = &from->reservations[i];
        stack[i] = (struct reservation){
            .type = one->type,
            .role = keep(arena, one->role),
            .principal = keep(arena, one->principal),
            .labels = keep(arena, one->labels),
        };
    }
    *to = *from;
    to->name = keep(arena, from->name);
    to->reservations = stack;
    to->provider_id = keep(arena, from->provider_id);
    if (!from->has_disk)
        to->disk = (struct disk){0};
    if (!to->disk.has_source)
        to->disk.source = (struct disk_source){0};
    struct disk_source *source = &to->disk.source;
    to->disk.persistence_id = keep(arena, to->disk.persistence_id);
    source->root = keep(arena, source->root);
    source->vendor = keep(arena, source->vendor);
    source->id = keep(arena, source->id);
    source->profile = keep(arena, source->profile);
    source->metadata = keep(arena, source->metadata);
}

/* Interns the roles of the stack; *role is that of the current reservation. */
static bool intern_stack(struct kinds *kinds, const struct kind_info *info, uint32_t *role,
                         struct error *error) {
    *role = ROLE_ANY;
    for (size_t i = 0; i < info->reservation_count; i++) {
        if (!kinds_intern_role(kinds, info->reservations[i].role, role, error))
            return false;
    }
    return true;
}

bool kinds_intern(struct kinds *kinds, const struct kind_info *info, uint32_t *kind,
                  struct error *error) {
    uint32_t known = kinds_find(kinds, info);
    if (known != 0) {
        *kind = known;
        return true;
    }
    if (!check(info, error))
        return false;
    if (kinds->list.count >= KINDS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d kinds of resources", KINDS_LIMIT);
    uint32_t role = ROLE_ANY, name = 0;
    if (!intern_stack(kinds, info, &role, error) ||
        !kinds_intern_name(kinds, info->name, &name, error))
        return false;

    AUTO_FINI(buf_fini) struct buf key = {0};
    encode(&key, info);
    struct entry *made = ARENA_NEW(kinds->arena, struct entry);
    keep_info(kinds->arena, info, &made->info);
    made->role = role;
    made->name = name;
    VEC_PUSH(&kinds->list, made);
    made->kind = (uint32_t)kinds->list.count << 8 | flags_of(info);
    map_put_text(&kinds->map, buf_text(&key), made);
    *kind = made->kind;
    return true;
}

uint32_t kinds_find(const struct kinds *kinds, const struct kind_info *info) {
    if (kinds->list.count >= KIND_PORTS >> 8) {
        uint32_t plain = find_plain(info);
        if (plain != 0)
            return plain;
    }
    if (info->reservation_count > RESERVATIONS_LIMIT)
        return 0;
    AUTO_FINI(buf_fini) struct buf key = {0};
    encode(&key, info);
    const struct entry *found = map_get_text(&kinds->map, buf_text(&key));
    return found != NULL ? found->kind : 0;
}

static const struct entry *entry_of(const struct kinds *kinds, uint32_t kind) {
    uint32_t number = kind >> 8;
    assert(number > 0 && number <= kinds->list.count);
    return kinds->list.items[number - 1];
}

const struct kind_info *kinds_info(const struct kinds *kinds, uint32_t kind) {
    return &entry_of(kinds, kind)->info;
}

uint32_t kinds_name(const struct kinds *kinds, uint32_t kind) {
    return entry_of(kinds, kind)->name;
}

size_t kinds_name_count(const struct kinds *kinds) {
    return kinds->names.list.count;
}

struct text kinds_name_text(const struct kinds *kinds, uint32_t name) {
    return pool_text(&kinds->names, name);
}

bool kinds_find_name(const struct kinds *kinds, struct text text, uint32_t *name) {
    return pool_find(&kinds->names, text, name);
}

bool kinds_intern_name(struct kinds *kinds, struct text text, uint32_t *name, struct error *error) {
    return check_name(text, error) && pool_intern(&kinds->names, kinds->arena, text, name, error);
}

/* Counted from the top, so that a parent is there before its child. */
static bool intern_role_path(struct kinds *kinds, struct text role, uint32_t *id,
                             struct error *error) {
    uint32_t parent = ROLE_NONE;
    for (size_t size = 1; size <= role.size; size++) {
        if (size < role.size && role.data[size] != '/')
            continue;
        if (!pool_intern(&kinds->roles, kinds->arena, text_sub(role, 0, size), id, error))
            return false;
        kinds->roles.list.items[*id]->parent = parent;
        parent = *id;
    }
    return true;
}

bool kinds_intern_role(struct kinds *kinds, struct text role, uint32_t *id, struct error *error) {
    const char *why;
    if (pool_find(&kinds->roles, role, id))
        return true;
    if (!role_is_valid(role, &why))
        return fail(error, ERROR_INVALID, "role '%.*s' %s", TEXT_ARGS(role), why);
    return intern_role_path(kinds, role, id, error);
}

bool kinds_find_role(const struct kinds *kinds, struct text role, uint32_t *id) {
    return pool_find(&kinds->roles, role, id);
}

size_t kinds_role_count(const struct kinds *kinds) {
    return kinds->roles.list.count;
}

struct text kinds_role_text(const struct kinds *kinds, uint32_t role) {
    return pool_text(&kinds->roles, role);
}

uint32_t kinds_role_parent(const struct kinds *kinds, uint32_t role) {
    assert(role < kinds->roles.list.count);
    return kinds->roles.list.items[role]->parent;
}

uint32_t kinds_reserved_role(const struct kinds *kinds, uint32_t kind) {
    return entry_of(kinds, kind)->role;
}

bool kinds_is_allocatable_to(const struct kinds *kinds, uint32_t kind, uint32_t role) {
    if (!kind_is(kind, KIND_IS_RESERVED))
        return true;
    uint32_t reserved = kinds_reserved_role(kinds, kind);
    for (uint32_t at = role; at != ROLE_NONE; at = kinds_role_parent(kinds, at)) {
        if (at == reserved)
            return true;
    }
    return false;
}

bool kinds_intern_text(struct kinds *kinds, struct text text, uint32_t *id, struct error *error) {
    if (text.data == NULL) {
        *id = 0;
        return true;
    }
    return check_text(text, KIND_BLOB_BYTES_LIMIT, "an item or what a resource carries", error) &&
           pool_intern(&kinds->texts, kinds->arena, text, id, error);
}

bool kinds_find_text(const struct kinds *kinds, struct text text, uint32_t *id) {
    if (text.data != NULL)
        return pool_find(&kinds->texts, text, id);
    *id = 0;
    return true;
}

struct text kinds_text(const struct kinds *kinds, uint32_t id) {
    return id != 0 ? pool_text(&kinds->texts, id) : (struct text){0};
}
