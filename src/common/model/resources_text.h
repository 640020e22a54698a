/*
 * Resources as people write and read them: `cpus:4;mem:2048;ports(web):[31000-32000]`, and what an
 * agent has when nobody says.
 */
#pragma once

#include "common/base/buf.h"
#include "common/model/resources.h"

enum { RESOURCES_TEXT_BYTES_LIMIT = 4 << 20 };

/* Reads `name(role):value` joined by ';' and adds it up in *out (replaced on success; fini it).
 * Without (role) it is `default_role`; "*" is unreserved. *mentioned (may be NULL) gets bit 1 <<
 * NAME_CPUS and so on for the five names it speaks of, amounts of 0 included. ERROR_INVALID names
 * the character. */
bool resources_parse(struct kinds *kinds, struct text text, struct text default_role,
                     struct resources *out, uint32_t *mentioned, struct error *error);

/* The same form, in the order of kinds; "" for an empty set. A persistent volume also shows its id,
 * revocable and shared ones say so: `disk(db)[volume1]{SHARED}:512`. */
void resources_print(const struct resources *set, const struct kinds *kinds, struct buf *out);

/* What was found on a machine; 0: could not be told. */
struct machine {
    uint32_t cpu_count;
    uint64_t mem_bytes;
    uint64_t disk_bytes; /* of the file system that holds the work directory */
};

/* Adds what is not `mentioned` of cpus, mem, disk and ports, reserved to `default_role` unless "*":
 * memory but 1 GB, disk but 5 GB (half of a small one), ports 31000 to 32000. */
bool resources_add_detected(struct kinds *kinds, const struct machine *machine, uint32_t mentioned,
                            struct text default_role, struct resources *set, struct error *error);
