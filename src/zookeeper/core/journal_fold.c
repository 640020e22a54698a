/*
 * A new generation. The snapshot is written key by key while commits go on: it may have a key as
 * some later commit left it, but then that commit is among the changes from head.first_change on,
 * which are read on top of it and say the same or something later. (ZooKeeper's own snapshots are
 * made so.) The head moves when the snapshot is whole; a crash before that leaves snapshot nodes of
 * a generation that no head names.
 */
#include "zookeeper/core/journal_internal.h"

static bool is_due(const struct journal *journal) {
    uint64_t least = journal->snapshot_bytes > journal->fold_bytes ? journal->snapshot_bytes
                                                                   : journal->fold_bytes;
    /* In the middle of a group there is no commit to begin behind; litter may have our names. */
    return journal->change_cost > least && !journal->commits.has_group &&
           journal->litter.items.count == 0;
}

static void begin(struct journal *journal) {
    journal->fold = (struct journal_fold){
        .is_active = true,
        .head = {.generation = journal->head.generation + 1,
                 .first_change = journal->next_change,
                 .changes_sum = journal->changes_sum},
        .cursor = map_begin(&journal->values),
    };
}

void journal_fold_forget(struct journal *journal, struct text key) {
    struct journal_fold *fold = &journal->fold;
    if (fold->cursor != NULL && text_equal(map_key_text(fold->cursor), key))
        fold->cursor = map_next(fold->cursor);
}

static void append_values(struct journal_fold *fold, size_t body_bytes, struct buf *out) {
    size_t start = out->size;
    for (; fold->cursor != NULL; fold->cursor = map_next(fold->cursor)) {
        const struct journal_value *value = map_value(fold->cursor);
        struct journal_entry entry = {.key = map_key_text(fold->cursor),
                                      .value = {value->data, value->size}};
        size_t size = JOURNAL_ENTRY_BYTES + entry.key.size + entry.value.size;
        if (out->size - start + size > body_bytes && out->size > start)
            break;
        journal_entry_append(&entry, out);
    }
}

static void fill_snapshot(struct journal_fold *fold, size_t body_bytes,
                          struct journal_write *write) {
    struct journal_node node = {
        .name = {JOURNAL_SNAPSHOT, fold->head.generation, fold->head.snapshot_count},
        .sum_before = fold->head.snapshot_sum};
    write->kind = WRITE_SNAPSHOT;
    write->name = node.name;
    journal_node_begin(&node, &write->node);
    append_values(fold, body_bytes, &write->node);
    write->sum = journal_node_end(&write->node);
}

bool journal_fold_fill(struct journal *journal) {
    struct journal_fold *fold = &journal->fold;
    struct journal_write *write = &journal->write;
    if (!fold->is_active && is_due(journal))
        begin(journal);
    if (fold->is_active && fold->cursor != NULL) {
        fill_snapshot(fold, journal->body_bytes, write);
    } else if (fold->is_active) {
        write->kind = WRITE_MOVE;
        write->name = (struct journal_name){.kind = JOURNAL_HEAD};
        journal_head_encode(&fold->head, &write->node);
    } else if (journal->litter.items.count > 0) {
        write->kind = WRITE_DELETE;
    } else {
        return false;
    }
    return true;
}

void journal_fold_snapshot_done(struct journal *journal) {
    struct journal_fold *fold = &journal->fold;
    fold->head.snapshot_count++;
    fold->head.snapshot_sum = journal->write.sum;
    fold->snapshot_bytes += journal->write.node.size;
}

static void leave_litter(struct journal *journal, size_t changes) {
    struct journal_names *litter = &journal->litter;
    for (uint64_t i = 0; i < journal->head.snapshot_count; i++)
        VEC_PUSH(&litter->items,
                 (struct journal_name){JOURNAL_SNAPSHOT, journal->head.generation, i});
    for (size_t i = 0; i < changes; i++)
        VEC_PUSH(&litter->items,
                 (struct journal_name){JOURNAL_CHANGES, journal->generations.items[i],
                                       journal->head.first_change + i});
}

void journal_fold_moved(struct journal *journal) {
    struct journal_fold *fold = &journal->fold;
    size_t old = (size_t)(fold->head.first_change - journal->head.first_change);
    size_t left = journal->generations.count - old;
    leave_litter(journal, old);
    if (left > 0)
        memmove(journal->generations.items, journal->generations.items + old,
                left * sizeof(*journal->generations.items));
    journal->generations.count = left;
    journal->head = fold->head;
    journal->snapshot_bytes = fold->snapshot_bytes;
    journal->change_cost = fold->change_cost;
    fold->is_active = false;
}
