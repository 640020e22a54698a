/*
 * The bytes of the journal's nodes and their names. Numbers are little-endian.
 *
 *     mark "MESOSREG" | format u32 | kind u32 | generation u64 | number u64 | sum of the node
 * before u32 | flags u32 | body | CRC32C of all that u32
 *
 * The body of the head: snapshot nodes u64, sum of the last of them u32, first change u64, sum of
 * the change before it u32. The body of the others: entries, each key size u32, value size i32 (-1:
 * removed), key, value. As each node has the sum of the one before, nodes of two histories never
 * pass for one.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/error.h"
#include "zookeeper/core/journal.h"

enum journal_kind { JOURNAL_HEAD = 1, JOURNAL_SNAPSHOT, JOURNAL_CHANGES };

enum {
    JOURNAL_FRAME_BYTES = 44, /* of a node without its body */
    JOURNAL_NAME_BYTES = 64,
    JOURNAL_ENTRY_BYTES = 8, /* of an entry without key and value */
};

/* --- names --- */

struct journal_name {
    enum journal_kind kind;
    uint64_t generation, number;
};

void journal_name_print(struct journal_name name, char out[JOURNAL_NAME_BYTES]);
/* False: no name of ours. */
bool journal_name_parse(struct text text, struct journal_name *out);

/* --- nodes --- */

struct journal_node {
    struct journal_name name;
    uint32_t sum_before;
    bool more_follows;
    struct text body;
    uint32_t sum; /* its own; set by decode */
};

/* Appends what comes before the body, which the caller then appends. */
void journal_node_begin(const struct journal_node *node, struct buf *out);
/* Appends the sum of everything in *out, and returns it. */
uint32_t journal_node_end(struct buf *out);
/* ERROR_UNSUPPORTED: of a newer format. ERROR_INVALID: not ours, or damaged. Entries in the body
 * are all sound. */
bool journal_node_decode(struct text bytes, struct journal_node *out, struct error *error);

struct journal_head {
    uint64_t generation;
    uint64_t snapshot_count;
    uint32_t snapshot_sum; /* 0: no node */
    uint64_t first_change;
    uint32_t changes_sum;
};

void journal_head_encode(const struct journal_head *head, struct buf *out);
bool journal_head_decode(struct text bytes, struct journal_head *out, struct error *error);

/* --- entries --- */

struct journal_entry {
    struct text key, value;
    bool is_removed;
};

void journal_entry_append(const struct journal_entry *entry, struct buf *out);
/* Takes the first off *rest. False: *rest is used up, or its first is damaged (and stays). */
bool journal_entry_take(struct text *rest, struct journal_entry *out);
