#include "zookeeper/core/journal_format.h"

#include "common/base/crc32c.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

static const struct text mark = {"MESOSREG", 8};

enum {
    PREFIX_BYTES = JOURNAL_FRAME_BYTES - 4, /* up to the body */
    HEAD_BODY_BYTES = 24,
    FLAG_MORE_FOLLOWS = 1,
    GENERATION_DIGITS = 10,
    SNAPSHOT_DIGITS = 6,
    CHANGE_DIGITS = 10,
    DIGITS_LIMIT = 18,
    REMOVED = -1,
};

static void put_u32(struct buf *out, uint32_t value) {
    value = htole32(value);
    buf_append(out, &value, sizeof(value));
}

static void put_u64(struct buf *out, uint64_t value) {
    value = htole64(value);
    buf_append(out, &value, sizeof(value));
}

static uint32_t get_u32(const char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get_u64(const char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

/* --- names --- */

void journal_name_print(struct journal_name name, char out[JOURNAL_NAME_BYTES]) {
    switch (name.kind) {
    case JOURNAL_HEAD: snprintf(out, JOURNAL_NAME_BYTES, "head"); return;
    case JOURNAL_SNAPSHOT:
        snprintf(out, JOURNAL_NAME_BYTES, "snapshot-%010" PRIu64 "-%06" PRIu64, name.generation,
                 name.number);
        return;
    case JOURNAL_CHANGES:
        snprintf(out, JOURNAL_NAME_BYTES, "changes-%010" PRIu64 "-%010" PRIu64, name.generation,
                 name.number);
        return;
    }
}

/* As printf writes it with this least width, and no other way. */
static bool parse_number(struct text text, size_t digits, uint64_t *out) {
    return text.size >= digits && text.size <= DIGITS_LIMIT &&
           (text.size == digits || text.data[0] != '0') && text_to_u64(text, out);
}

static bool parse_numbers(struct text text, size_t digits, struct journal_name *out) {
    struct text generation;
    return text_split(&text, '-', &generation) &&
           parse_number(generation, GENERATION_DIGITS, &out->generation) &&
           parse_number(text, digits, &out->number);
}

bool journal_name_parse(struct text text, struct journal_name *out) {
    struct journal_name name = {.kind = JOURNAL_HEAD};
    struct text snapshot = TEXT("snapshot-"), changes = TEXT("changes-");
    if (text_starts_with(text, snapshot)) {
        name.kind = JOURNAL_SNAPSHOT;
        if (!parse_numbers(text_sub(text, snapshot.size, SIZE_MAX), SNAPSHOT_DIGITS, &name))
            return false;
    } else if (text_starts_with(text, changes)) {
        name.kind = JOURNAL_CHANGES;
        if (!parse_numbers(text_sub(text, changes.size, SIZE_MAX), CHANGE_DIGITS, &name))
            return false;
    } else if (!text_equal(text, TEXT("head"))) {
        return false;
    }
    *out = name;
    return true;
}

/* --- nodes --- */

void journal_node_begin(const struct journal_node *node, struct buf *out) {
    buf_append_text(out, mark);
    put_u32(out, JOURNAL_FORMAT);
    put_u32(out, (uint32_t)node->name.kind);
    put_u64(out, node->name.generation);
    put_u64(out, node->name.number);
    put_u32(out, node->sum_before);
    put_u32(out, node->more_follows ? FLAG_MORE_FOLLOWS : 0);
}

uint32_t journal_node_end(struct buf *out) {
    uint32_t sum = crc32c(0, buf_text(out));
    put_u32(out, sum);
    return sum;
}

/* The format first: what is newer may be laid out in another way. */
static bool check_frame(struct text bytes, struct error *error) {
    if (!text_starts_with(bytes, mark))
        return fail(error, ERROR_INVALID, "is not a node of a registry of ours");
    if (bytes.size < mark.size + sizeof(uint32_t))
        return fail(error, ERROR_INVALID, "is cut short");
    uint32_t format = get_u32(bytes.data + mark.size);
    if (format != JOURNAL_FORMAT)
        return fail(error, ERROR_UNSUPPORTED, "is of format %u; this program knows %d", format,
                    JOURNAL_FORMAT);
    if (bytes.size < JOURNAL_FRAME_BYTES || bytes.size > ZK_NODE_BYTES_LIMIT)
        return fail(error, ERROR_INVALID, "is damaged: %zu bytes", bytes.size);
    uint32_t written = get_u32(bytes.data + bytes.size - sizeof(uint32_t));
    uint32_t sum = crc32c(0, text_sub(bytes, 0, bytes.size - sizeof(uint32_t)));
    return sum == written ||
           fail(error, ERROR_INVALID, "is damaged: CRC32C %08x, not %08x", sum, written);
}

static bool check_entries(const struct journal_node *node, struct error *error) {
    struct text rest = node->body;
    struct journal_entry entry;
    while (journal_entry_take(&rest, &entry)) {
        if (entry.is_removed && node->name.kind == JOURNAL_SNAPSHOT)
            return fail(error, ERROR_INVALID, "is a snapshot that removes something");
    }
    return rest.size == 0 || fail(error, ERROR_INVALID, "has an entry that makes no sense");
}

bool journal_node_decode(struct text bytes, struct journal_node *out, struct error *error) {
    if (!check_frame(bytes, error))
        return false;
    const char *at = bytes.data + mark.size + sizeof(uint32_t);
    uint32_t kind = get_u32(at), flags = get_u32(at + 24);
    if (kind < JOURNAL_HEAD || kind > JOURNAL_CHANGES || (flags & ~(uint32_t)FLAG_MORE_FOLLOWS))
        return fail(error, ERROR_UNSUPPORTED, "is of a kind that this program does not know");
    struct journal_node node = {
        .name = {(enum journal_kind)kind, get_u64(at + 4), get_u64(at + 12)},
        .sum_before = get_u32(at + 20),
        .more_follows = flags & FLAG_MORE_FOLLOWS,
        .body = text_sub(bytes, PREFIX_BYTES, bytes.size - JOURNAL_FRAME_BYTES),
        .sum = get_u32(bytes.data + bytes.size - sizeof(uint32_t)),
    };
    if (node.name.kind != JOURNAL_HEAD && !check_entries(&node, error))
        return false;
    *out = node;
    return true;
}

void journal_head_encode(const struct journal_head *head, struct buf *out) {
    struct journal_node node = {.name = {JOURNAL_HEAD, head->generation, 0}};
    journal_node_begin(&node, out);
    put_u64(out, head->snapshot_count);
    put_u32(out, head->snapshot_sum);
    put_u64(out, head->first_change);
    put_u32(out, head->changes_sum);
    journal_node_end(out);
}

bool journal_head_decode(struct text bytes, struct journal_head *out, struct error *error) {
    struct journal_node node = {0};
    if (!journal_node_decode(bytes, &node, error))
        return false;
    if (node.name.kind != JOURNAL_HEAD || node.body.size != HEAD_BODY_BYTES)
        return fail(error, ERROR_INVALID, "is no head");
    const char *at = node.body.data;
    struct journal_head head = {.generation = node.name.generation,
                                .snapshot_count = get_u64(at),
                                .snapshot_sum = get_u32(at + 8),
                                .first_change = get_u64(at + 12),
                                .changes_sum = get_u32(at + 20)};
    if (head.snapshot_count > ZK_CHILDREN_LIMIT)
        return fail(error, ERROR_INVALID, "tells of %" PRIu64 " snapshot nodes",
                    head.snapshot_count);
    *out = head;
    return true;
}

/* --- entries --- */

void journal_entry_append(const struct journal_entry *entry, struct buf *out) {
    put_u32(out, (uint32_t)entry->key.size);
    put_u32(out, entry->is_removed ? (uint32_t)REMOVED : (uint32_t)entry->value.size);
    buf_append_text(out, entry->key);
    if (!entry->is_removed)
        buf_append_text(out, entry->value);
}

bool journal_entry_take(struct text *rest, struct journal_entry *out) {
    if (rest->size < JOURNAL_ENTRY_BYTES)
        return false;
    uint32_t key_size = get_u32(rest->data);
    int32_t value_size = (int32_t)get_u32(rest->data + sizeof(uint32_t));
    if (key_size > JOURNAL_KEY_BYTES_LIMIT || value_size < REMOVED ||
        value_size > JOURNAL_VALUE_BYTES_LIMIT)
        return false;
    bool is_removed = value_size == REMOVED;
    size_t size = JOURNAL_ENTRY_BYTES + (size_t)key_size + (is_removed ? 0 : (size_t)value_size);
    if (rest->size < size)
        return false;
    *out = (struct journal_entry){.key = text_sub(*rest, JOURNAL_ENTRY_BYTES, key_size),
                                  .value = text_sub(*rest, JOURNAL_ENTRY_BYTES + key_size,
                                                    is_removed ? 0 : (size_t)value_size),
                                  .is_removed = is_removed};
    *rest = (struct text){rest->data + size, rest->size - size};
    return true;
}
