/*
 * Commits that wait become a group: as many as fit into one node, or one that needs several. A
 * group is stored, and told, when its last node is.
 */
#include "zookeeper/core/journal_internal.h"

#include <assert.h>

_Static_assert((int)JOURNAL_ENTRY_BYTES + (int)JOURNAL_KEY_BYTES_LIMIT +
                       (int)JOURNAL_VALUE_BYTES_LIMIT <=
                   (int)JOURNAL_NODE_BYTES - (int)JOURNAL_FRAME_BYTES,
               "an entry fits into a node");

static void tell_stored(uint64_t ticket, struct journal_outbox *outbox) {
    struct journal_effect effect = {.kind = JOURNAL_EFFECT_STORED};
    effect.ticket = ticket;
    VEC_PUSH(&outbox->effects, effect);
}

/* --- what the master calls --- */

void journal_put(struct journal *journal, struct text key, struct text value) {
    assert(key.size <= JOURNAL_KEY_BYTES_LIMIT && value.size <= JOURNAL_VALUE_BYTES_LIMIT);
    struct journal_entry entry = {.key = key, .value = value};
    journal_entry_append(&entry, &journal->commits.batch);
}

void journal_remove(struct journal *journal, struct text key) {
    assert(key.size <= JOURNAL_KEY_BYTES_LIMIT);
    struct journal_entry entry = {.key = key, .is_removed = true};
    journal_entry_append(&entry, &journal->commits.batch);
}

void journal_commit(struct journal *journal, uint64_t ticket,
                    __attribute__((unused)) int64_t now_ms, struct journal_outbox *outbox) {
    struct journal_commits *commits = &journal->commits;
    if (journal->phase == JOURNAL_IS_OVER) {
        buf_clear(&commits->batch);
        return;
    }
    assert(journal->phase == JOURNAL_IS_LOADED);
    journal->is_writer |= commits->batch.size > 0;
    buf_append_text(&commits->waiting, buf_text(&commits->batch));
    buf_clear(&commits->batch);
    VEC_PUSH(&commits->marks, (struct journal_mark){ticket, commits->waiting.size});
    journal_write_next(journal, outbox);
}

/* --- groups --- */

/* When it is at least half of what is there, so that each byte is moved once. */
static void drop_taken(struct journal_commits *commits) {
    size_t left = commits->marks.count - commits->taken_marks;
    if (commits->taken < commits->waiting.size - commits->taken || commits->taken_marks < left)
        return;
    struct journal_mark *marks = commits->marks.items;
    for (size_t i = 0; i < left; i++)
        marks[i] = (struct journal_mark){marks[commits->taken_marks + i].ticket,
                                         marks[commits->taken_marks + i].end - commits->taken};
    commits->marks.count = left;
    buf_consume(&commits->waiting, commits->taken);
    commits->taken = commits->taken_marks = 0;
}

static void take_group(struct journal_commits *commits, size_t body_bytes) {
    size_t start = commits->taken;
    while (commits->taken_marks < commits->marks.count) {
        struct journal_mark mark = commits->marks.items[commits->taken_marks];
        if (mark.end - start > body_bytes && commits->taken > start)
            break;
        commits->taken = mark.end;
        commits->group_ticket = mark.ticket;
        commits->taken_marks++;
    }
    buf_clear(&commits->group);
    buf_append(&commits->group, commits->waiting.data + start, commits->taken - start);
    commits->at = 0;
    commits->has_group = true;
    drop_taken(commits);
}

bool journal_commits_want(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_commits *commits = &journal->commits;
    while (!commits->has_group && commits->taken_marks < commits->marks.count) {
        take_group(commits, journal->body_bytes);
        if (commits->group.size > 0)
            break;
        commits->has_group = false;
        tell_stored(commits->group_ticket, outbox);
    }
    return commits->has_group;
}

/* Whole entries, as many as fit. */
static size_t node_end(const struct journal_commits *commits, size_t body_bytes) {
    struct text rest = text_sub(buf_text(&commits->group), commits->at, SIZE_MAX);
    struct journal_entry entry;
    size_t end = commits->at;
    while (journal_entry_take(&rest, &entry)) {
        size_t next = commits->group.size - rest.size;
        if (next - commits->at > body_bytes && end > commits->at)
            break;
        end = next;
    }
    return end;
}

void journal_commits_fill(struct journal *journal) {
    struct journal_commits *commits = &journal->commits;
    struct journal_write *write = &journal->write;
    write->kind = WRITE_CHANGES;
    write->end = node_end(commits, journal->body_bytes);
    struct journal_node node = {
        .name = {JOURNAL_CHANGES, journal->head.generation, journal->next_change},
        .sum_before = journal->changes_sum,
        .more_follows = write->end < commits->group.size};
    write->name = node.name;
    journal_node_begin(&node, &write->node);
    buf_append_text(&write->node,
                    text_sub(buf_text(&commits->group), commits->at, write->end - commits->at));
    write->sum = journal_node_end(&write->node);
}

void journal_commits_done(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_commits *commits = &journal->commits;
    const struct journal_write *write = &journal->write;
    uint64_t cost = journal_change_cost(write->node.size);
    journal->change_cost += cost;
    journal->fold.change_cost += cost;
    journal->changes_sum = write->sum;
    journal->next_change++;
    VEC_PUSH(&journal->generations, journal->head.generation);
    commits->at = write->end;
    if (commits->at < commits->group.size)
        return;
    journal_apply(journal, buf_text(&commits->group));
    commits->has_group = false;
    tell_stored(commits->group_ticket, outbox);
}

void journal_commits_fini(struct journal_commits *commits) {
    buf_fini(&commits->batch);
    buf_fini(&commits->waiting);
    buf_fini(&commits->group);
    VEC_FINI(&commits->marks);
}
