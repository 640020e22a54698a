/*
 * All that a registry holds: keys and the bytes of their records, and what they mean. As lines of
 * JSON, one a record, they are what `mesos registry dump` writes:
 *
 *     {"key": "agent/S1", "kind": "agent", "hostname": ..., "value": "BASE64"}
 *     {"end": true, "records": 1, "crc32c": "1c291ca3"}
 *
 * Only key and value count; the rest is for people. The last line tells a whole dump from a piece.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/vec.h"

enum {
    REGISTRY_DUMP_BYTES_LIMIT = 1 << 30,
    REGISTRY_LINE_BYTES_LIMIT = 32 << 20,
    REGISTRY_RECORDS_LIMIT = 10000000,
};

struct registry_pair {
    struct text key, value; /* in the arena */
};

struct registry_content {
    struct arena *arena;
    VEC_OF(struct registry_pair) pairs; /* by key, each once, after registry_content_sort */
};

void registry_content_init(struct registry_content *content);
void registry_content_fini(struct registry_content *content);
DEFINE_AUTO_FINI(struct registry_content, registry_content_fini)

/* Copies both. Fits storage_load and journal_each, self being the content. */
bool registry_content_add(void *self, struct text key, struct text value, struct error *error);
/* ERROR_INVALID: a key is there twice. */
bool registry_content_sort(struct registry_content *content, struct error *error);
bool registry_content_has(const struct registry_content *content, struct text key);
/* ERROR_INVALID names the first record in which they differ. */
bool registry_content_equal(const struct registry_content *a, const struct registry_content *b,
                            struct error *error);

/* A line with its end; `pair` NULL: the last line. */
void registry_line_print(const struct registry_content *content, const struct registry_pair *pair,
                         struct buf *out);
/* A whole dump. ERROR_INVALID names the line. */
bool registry_content_parse(struct text dump, struct registry_content *out, struct error *error);

/* What is wrong with a record, each as a line in *out with its key in front; the kinds that were
 * found are counted in *counts, by registry_record_kind (0: unknown). Returns how many are wrong.
 */
enum { REGISTRY_KINDS = 16 };
size_t registry_content_check(const struct registry_content *content, size_t counts[REGISTRY_KINDS],
                              struct buf *out);
/* ERROR_INVALID names the first record whose own sum is wrong. */
bool registry_content_check_sums(const struct registry_content *content, struct error *error);
const char *registry_kind_name(size_t kind);
