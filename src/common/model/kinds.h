/*
 * The kinds of resources a daemon has met. A kind is everything about a resource but its amount:
 * name, type, reservations, disk, revocable, shared, provider. Each is interned once and becomes a
 * small integer, so that sets of resources are compared and added without touching a string.
 *
 * The low bits of a kind say what arithmetic needs to know, therefore resources.h needs no table.
 * Roles, set items and carried bytes are interned here too, as small integers of their own.
 *
 * One table a daemon, one thread. Nothing is ever taken out, so what a stranger sends is looked up
 * with kinds_find, and only what is admitted is interned. The numbers depend on the order of
 * interning: they mean nothing to another daemon, nor after a restart.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KINDS_LIMIT = 1 << 20,       /* kinds, and as many interned texts */
    KIND_NAME_BYTES_LIMIT = 255, /* also of a disk's id, vendor, profile */
    KIND_BLOB_BYTES_LIMIT = 65536,
    RESERVATIONS_LIMIT = 16, /* the depth of a reservation stack */
};

enum value_type { /* numbers as on the wire */
                  VALUE_SCALAR = 0,
                  VALUE_RANGES = 1,
                  VALUE_SET = 2,
                  VALUE_TEXT = 3, /* attributes only */
};

enum reservation_type { /* numbers as on the wire */
                        RESERVATION_STATIC = 1,
                        RESERVATION_DYNAMIC = 2,
};

/* An optional text is absent when its data is NULL; present and empty is {"", 0}. */
struct reservation {
    enum reservation_type type;
    struct text role;
    struct text principal; /* optional */
    struct text labels;    /* optional: an encoded Labels message, compared byte by byte */
};

enum disk_source_type { /* numbers as on the wire */
                        DISK_SOURCE_UNKNOWN = 0,
                        DISK_SOURCE_PATH = 1,
                        DISK_SOURCE_MOUNT = 2,
                        DISK_SOURCE_BLOCK = 3,
                        DISK_SOURCE_RAW = 4,
};

struct disk_source {
    enum disk_source_type type;
    bool has_place;       /* the message `path` or `mount` is there, with or without a root */
    struct text root;     /* optional */
    struct text vendor;   /* optional */
    struct text id;       /* optional */
    struct text profile;  /* optional */
    struct text metadata; /* optional: an encoded Labels message */
};

struct disk {
    bool has_source;
    struct disk_source source;
    struct text persistence_id; /* optional: it is a persistent volume */
};

/* What a kind is made of. As an argument it borrows; kinds_info lends it from the table. */
struct kind_info {
    struct text name;
    enum value_type type;
    const struct reservation *reservations; /* post-refinement stack, the current one last */
    size_t reservation_count;
    bool has_disk;
    struct disk disk;
    bool is_revocable;
    bool is_shared;
    struct text provider_id; /* optional */
};

/* A kind: flags in the low byte, a number above. Kinds order by their number of interning. */
enum kind_flag {
    KIND_TYPE_MASK = 3,    /* enum value_type */
    KIND_IS_EXCLUSIVE = 4, /* never merged or cut: MOUNT, BLOCK, RAW with id, persistent volume */
    KIND_IS_SHARED = 8,    /* copies are counted, the amount is one */
    KIND_IS_REVOCABLE = 16,
    KIND_IS_RESERVED = 32,
    KIND_IS_REFINED = 64,     /* more than one reservation */
    KIND_IS_PERSISTENT = 128, /* a persistent volume */
};

/* The plain kinds, in every table from the start. */
enum {
    KIND_CPUS = 1 << 8 | VALUE_SCALAR,
    KIND_MEM = 2 << 8 | VALUE_SCALAR,
    KIND_DISK = 3 << 8 | VALUE_SCALAR,
    KIND_GPUS = 4 << 8 | VALUE_SCALAR,
    KIND_PORTS = 5 << 8 | VALUE_RANGES,
};

/* Names as small integers, for quantities; the first are these. */
enum { NAME_CPUS = 0, NAME_MEM = 1, NAME_DISK = 2, NAME_GPUS = 3, NAME_PORTS = 4 };

/* Roles as small integers; "*" is this. */
enum { ROLE_ANY = 0 };
#define ROLE_NONE UINT32_MAX

static inline enum value_type kind_type(uint32_t kind) {
    return (enum value_type)(kind & KIND_TYPE_MASK);
}

static inline bool kind_is(uint32_t kind, enum kind_flag flag) {
    return (kind & (uint32_t)flag) != 0;
}

struct kinds;

struct kinds *kinds_new(void);
void kinds_free(struct kinds *kinds);
DEFINE_AUTO(struct kinds, kinds_free)

/* How many kinds and interned texts there are, for whoever limits what others may add. */
size_t kinds_size(const struct kinds *kinds);
size_t kinds_bytes(const struct kinds *kinds); /* that they take, more or less */

/* Gives the kind that `info` describes, interning it when it is new. ERROR_INVALID with a line that
 * names the fault when it breaks a rule (stack of reservations, disk of a non-scalar, shared
 * without a persistent volume), ERROR_LIMIT when it or the table is too large. */
bool kinds_intern(struct kinds *kinds, const struct kind_info *info, uint32_t *kind,
                  struct error *error);

/* The kind, when it is known; 0, which is no kind, else. Interns nothing. */
uint32_t kinds_find(const struct kinds *kinds, const struct kind_info *info);

/* Lent as long as the table lives. `kind` must come from this table. */
const struct kind_info *kinds_info(const struct kinds *kinds, uint32_t kind);

/* The kind's name as a number, and back; names count from 0 without gaps. */
uint32_t kinds_name(const struct kinds *kinds, uint32_t kind);
size_t kinds_name_count(const struct kinds *kinds);
struct text kinds_name_text(const struct kinds *kinds, uint32_t name);
bool kinds_find_name(const struct kinds *kinds, struct text text, uint32_t *name);
bool kinds_intern_name(struct kinds *kinds, struct text text, uint32_t *name, struct error *error);

/* Roles. Interning "a/b" interns "a" too; the name must be valid (roles.h), else ERROR_INVALID. */
bool kinds_intern_role(struct kinds *kinds, struct text role, uint32_t *id, struct error *error);
bool kinds_find_role(const struct kinds *kinds, struct text role, uint32_t *id);
size_t kinds_role_count(const struct kinds *kinds); /* they never become fewer */
struct text kinds_role_text(const struct kinds *kinds, uint32_t role);
uint32_t kinds_role_parent(const struct kinds *kinds,
                           uint32_t role); /* ROLE_NONE above the first */

/* The role of the current reservation; ROLE_ANY when there is none. */
uint32_t kinds_reserved_role(const struct kinds *kinds, uint32_t kind);

/* Whether `role` may be offered it: unreserved, or reserved to it or to a role above it. */
bool kinds_is_allocatable_to(const struct kinds *kinds, uint32_t kind, uint32_t role);

/* Other bytes as small integers: items of sets, and what a resource carries but is not compared by.
 * 0 is the absent text (data NULL). */
bool kinds_intern_text(struct kinds *kinds, struct text text, uint32_t *id, struct error *error);
bool kinds_find_text(const struct kinds *kinds, struct text text, uint32_t *id);
struct text kinds_text(const struct kinds *kinds, uint32_t id);
