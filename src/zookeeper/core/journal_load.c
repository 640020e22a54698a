/*
 * Reads: a sync, the head, the list of children, the head again, then the nodes that the head calls
 * for, JOURNAL_READS_AT_ONCE on their way, and applied in order. What does not fit together is read
 * again from the start a few times, for somebody who does not lead may read while a leader writes;
 * what is damaged by itself is refused at once.
 */
#include "zookeeper/core/journal_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- beginning, and beginning again --- */

static void clear_plan(struct journal_load *load) {
    VEC_EACH(child, &load->children)
        mem_free(*child);
    load->children.count = 0;
    VEC_EACH(read, &load->reads)
        buf_fini(&read->data);
    load->reads.count = 0;
    buf_clear(&load->head);
    buf_clear(&load->group);
    load->next = load->group_start = 0;
    load->sum = 0;
    load->is_planned = false;
    load->retry_at_ms = INT64_MAX;
}

void journal_load_fini(struct journal_load *load) {
    clear_plan(load);
    VEC_FINI(&load->children);
    VEC_FINI(&load->reads);
    buf_fini(&load->head);
    buf_fini(&load->group);
}

static void clear_found(struct journal *journal) {
    map_fini(&journal->values, mem_free);
    journal->generations.count = journal->litter.items.count = journal->tail.items.count = 0;
    journal->head = (struct journal_head){0};
    journal->has_head = false;
    journal->snapshot_bytes = journal->change_cost = 0;
}

static uint64_t ask(struct journal *journal, enum zk_request_kind kind, struct text path,
                    struct journal_outbox *outbox) {
    return journal_request(journal, (struct zk_request){.kind = kind, .path = path}, outbox);
}

/* The head before and after the list: when it is the same, all that it calls for is in the list.
 * Else the list may lack what the older head had, or have a name that the newer one uses again,
 * without a gap that would show it. */
void journal_load_begin(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    struct text path = text_of(journal->path);
    struct text head = journal_path(journal, (struct journal_name){.kind = JOURNAL_HEAD}, outbox);
    clear_plan(load);
    clear_found(journal);
    journal->phase = JOURNAL_LOADS;
    load->sync_request = ask(journal, ZK_SYNC, path, outbox);
    load->head_request = ask(journal, ZK_GET, head, outbox);
    load->children_request = ask(journal, ZK_CHILDREN, path, outbox);
    load->again_request = ask(journal, ZK_GET, head, outbox);
}

/* Something does not fit: it changed while we read, or it is wrong. */
static void load_again(struct journal *journal, struct journal_outbox *outbox,
                       struct journal_name name, const char *why) {
    if (++journal->load.attempts < JOURNAL_LOADS_LIMIT) {
        journal_load_begin(journal, outbox);
        return;
    }
    struct text path = journal_path(journal, name, outbox);
    journal_refuse(journal, outbox, "%.*s %s", TEXT_ARGS(path), why);
}

static void refuse_node(struct journal *journal, struct journal_outbox *outbox,
                        struct journal_name name, const struct error *error) {
    struct text path = journal_path(journal, name, outbox);
    journal_refuse(journal, outbox, "%.*s %s", TEXT_ARGS(path), error->message);
}

/* --- which nodes are called for --- */

static int compare_reads(const void *a, const void *b) {
    const struct journal_name *first = &((const struct journal_read *)a)->name;
    const struct journal_name *second = &((const struct journal_read *)b)->name;
    if (first->kind != second->kind)
        return first->kind < second->kind ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* NULL, or what is wrong with the name under this head. */
static const char *sort_snapshot(struct journal *journal, struct journal_name name) {
    const struct journal_head *head = &journal->head;
    if (name.generation > head->generation + 1)
        return "is of a generation that the head does not know";
    if (name.generation != head->generation) {
        VEC_PUSH(&journal->litter.items, name);
        return NULL;
    }
    if (name.number >= head->snapshot_count)
        return "is a snapshot node more than the head counts";
    VEC_PUSH(&journal->load.reads, (struct journal_read){.name = name});
    return NULL;
}

static const char *sort_change(struct journal *journal, struct journal_name name) {
    if (name.generation > journal->head.generation)
        return "is of a generation that the head does not know";
    if (name.number < journal->head.first_change)
        VEC_PUSH(&journal->litter.items, name);
    else
        VEC_PUSH(&journal->load.reads, (struct journal_read){.name = name});
    return NULL;
}

/* Every node from the first to the last, each once. */
static bool check_row(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    const struct journal_head *head = &journal->head;
    for (size_t i = 0; i < load->reads.count; i++) {
        struct journal_name wanted = {JOURNAL_SNAPSHOT, head->generation, i};
        struct journal_name name = load->reads.items[i].name;
        if (i >= head->snapshot_count)
            wanted = (struct journal_name){JOURNAL_CHANGES, name.generation,
                                           head->first_change + i - head->snapshot_count};
        if (name.kind == wanted.kind && name.number == wanted.number)
            continue;
        bool is_twice = name.kind == wanted.kind && name.number < wanted.number;
        load_again(journal, outbox, is_twice ? name : wanted,
                   is_twice ? "is there twice" : "is missing");
        return false;
    }
    if (load->reads.count < head->snapshot_count) {
        struct journal_name wanted = {JOURNAL_SNAPSHOT, head->generation, load->reads.count};
        load_again(journal, outbox, wanted, "is missing");
        return false;
    }
    return true;
}

static bool sort_children(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    VEC_EACH(child, &load->children) {
        struct journal_name name;
        const char *why = NULL;
        if (!journal_name_parse(text_of(*child), &name) || name.kind == JOURNAL_HEAD)
            continue;
        if (!journal->has_head)
            why = "is there, but no head";
        else if (name.kind == JOURNAL_SNAPSHOT)
            why = sort_snapshot(journal, name);
        else
            why = sort_change(journal, name);
        if (why != NULL) {
            load_again(journal, outbox, name, why);
            return false;
        }
    }
    if (load->reads.count > 0)
        qsort(load->reads.items, load->reads.count, sizeof(*load->reads.items), compare_reads);
    return check_row(journal, outbox);
}

/* --- nodes in their order --- */

static bool take_snapshot(struct journal *journal, const struct journal_node *node, size_t size) {
    struct journal_load *load = &journal->load;
    if (node->sum_before != load->sum || node->more_follows)
        return false;
    journal_apply(journal, node->body);
    journal->snapshot_bytes += size;
    load->sum = node->sum;
    if (load->next + 1 < journal->head.snapshot_count)
        return true;
    bool is_whole = load->sum == journal->head.snapshot_sum;
    load->sum = journal->head.changes_sum;
    return is_whole;
}

static bool take_change(struct journal *journal, const struct journal_node *node, size_t size) {
    struct journal_load *load = &journal->load;
    if (node->sum_before != load->sum)
        return false;
    load->sum = node->sum;
    buf_append_text(&load->group, node->body);
    journal->change_cost += journal_change_cost(size);
    if (node->more_follows)
        return true;
    journal_apply(journal, buf_text(&load->group));
    buf_clear(&load->group);
    load->group_start = load->next + 1;
    journal->changes_sum = node->sum;
    return true;
}

static bool take_node(struct journal *journal, const struct journal_read *read,
                      struct journal_outbox *outbox) {
    struct journal_node node;
    struct error error;
    if (!journal_node_decode(buf_text(&read->data), &node, &error)) {
        refuse_node(journal, outbox, read->name, &error);
        return false;
    }
    if (node.name.kind != read->name.kind || node.name.generation != read->name.generation ||
        node.name.number != read->name.number) {
        fail(&error, ERROR_INVALID, "has the content of another node");
        refuse_node(journal, outbox, read->name, &error);
        return false;
    }
    bool fits = node.name.kind == JOURNAL_SNAPSHOT ? take_snapshot(journal, &node, read->data.size)
                                                   : take_change(journal, &node, read->data.size);
    if (!fits)
        load_again(journal, outbox, read->name, "does not follow the node before it");
    return fits;
}

/* What was begun and not ended is as if it had never been. */
static void end_load(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    for (size_t i = (size_t)journal->head.snapshot_count; i < load->reads.count; i++) {
        struct journal_name name = load->reads.items[i].name;
        if (i < load->group_start)
            VEC_PUSH(&journal->generations, name.generation);
        else
            VEC_PUSH(&journal->tail.items, name);
    }
    journal->next_change = journal->head.first_change + journal->generations.count;
    journal->phase = JOURNAL_IS_LOADED;
    clear_plan(load);
    journal_works(journal, outbox);
    VEC_PUSH(&outbox->effects, (struct journal_effect){.kind = JOURNAL_EFFECT_LOADED});
}

/* Sends what the window has room for. */
static void ask_more(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    size_t end = load->next + JOURNAL_READS_AT_ONCE;
    for (size_t i = load->next; i < load->reads.count && i < end; i++) {
        struct journal_read *read = &load->reads.items[i];
        if (read->state != READ_WANTED)
            continue;
        struct text path = journal_path(journal, read->name, outbox);
        read->state = READ_ASKED;
        read->request =
            journal_request(journal, (struct zk_request){.kind = ZK_GET, .path = path}, outbox);
    }
}

static void advance(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    while (load->next < load->reads.count) {
        struct journal_read *read = &load->reads.items[load->next];
        if (read->state != READ_HERE)
            break;
        if (!take_node(journal, read, outbox))
            return;
        buf_fini(&read->data);
        load->next++;
    }
    if (load->next == load->reads.count)
        end_load(journal, outbox);
    else if (load->retry_at_ms == INT64_MAX)
        ask_more(journal, outbox);
}

static void plan(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    struct error error;
    if (journal->has_head && !journal_head_decode(buf_text(&load->head), &journal->head, &error)) {
        refuse_node(journal, outbox, (struct journal_name){.kind = JOURNAL_HEAD}, &error);
        return;
    }
    if (!journal->has_head)
        journal->head = (struct journal_head){.generation = 1};
    if (!sort_children(journal, outbox))
        return;
    load->is_planned = true;
    load->group_start = (size_t)journal->head.snapshot_count;
    load->sum = journal->head.snapshot_count > 0 ? 0 : journal->head.changes_sum;
    journal->changes_sum = journal->head.changes_sum;
    advance(journal, outbox);
}

/* --- replies --- */

/* A read that says no for now or for good; NO_NODE is the caller's. */
static void take_failure(struct journal *journal, struct text path, const struct zk_reply *reply,
                         int64_t now_ms, struct journal_outbox *outbox) {
    if (reply->result == ZK_NO_AUTH) {
        journal_refuse(journal, outbox, "%.*s: %s", TEXT_ARGS(path), zk_result_text(reply->result));
        return;
    }
    journal_trouble(journal, path, reply, outbox);
    journal->load.retry_at_ms = now_ms + JOURNAL_RETRY_MS;
}

static void keep_children(struct journal_load *load, const struct zk_reply *reply) {
    for (size_t i = 0; i < reply->child_count; i++)
        VEC_PUSH(&load->children, text_dup(reply->children[i]));
}

static void take_head(struct journal *journal, const struct zk_reply *reply) {
    journal->load.head_request = 0;
    journal->has_head = reply->result == ZK_OK;
    journal->head_version = reply->version;
    if (journal->has_head)
        buf_append_text(&journal->load.head, reply->data);
}

static void take_head_again(struct journal *journal, const struct zk_reply *reply) {
    journal->load.again_request = 0;
    journal->load.head_changed =
        journal->has_head != (reply->result == ZK_OK) ||
        (journal->has_head && (journal->head_version != reply->version ||
                               !text_equal(buf_text(&journal->load.head), reply->data)));
}

/* Of the four that are asked first. All must be there: a failure begins again when they are all
 * answered. */
static void take_first(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                       struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    struct journal_name head = {.kind = JOURNAL_HEAD};
    struct text path = arena_text(outbox->arena, text_of(journal->path));
    if (reply->number == load->sync_request) {
        load->sync_request = 0;
    } else if (reply->number == load->children_request) {
        load->children_request = 0;
        journal->has_path = reply->result == ZK_OK;
        if (journal->has_path)
            keep_children(load, reply);
    } else {
        path = journal_path(journal, head, outbox);
        if (reply->number == load->head_request)
            take_head(journal, reply);
        else
            take_head_again(journal, reply);
    }
    if (reply->result != ZK_OK && reply->result != ZK_NO_NODE)
        take_failure(journal, path, reply, now_ms, outbox);
    if (journal->phase != JOURNAL_LOADS || load->retry_at_ms != INT64_MAX ||
        load->again_request != 0)
        return;
    if (!load->head_changed)
        plan(journal, outbox);
    else if (++load->heads < JOURNAL_HEADS_LIMIT)
        journal_load_begin(journal, outbox);
    else
        load_again(journal, outbox, head, "changes whenever it is read");
}

static struct journal_read *find_read(struct journal_load *load, uint64_t number) {
    size_t end = load->next + JOURNAL_READS_AT_ONCE;
    for (size_t i = load->next; i < load->reads.count && i < end; i++) {
        struct journal_read *read = &load->reads.items[i];
        if (read->state == READ_ASKED && read->request == number)
            return read;
    }
    return NULL;
}

static void take_read(struct journal *journal, struct journal_read *read,
                      const struct zk_reply *reply, int64_t now_ms, struct journal_outbox *outbox) {
    if (reply->result == ZK_NO_NODE) {
        load_again(journal, outbox, read->name, "vanishes while it is read");
        return;
    }
    if (reply->result != ZK_OK) {
        read->state = READ_WANTED;
        take_failure(journal, journal_path(journal, read->name, outbox), reply, now_ms, outbox);
        return;
    }
    read->state = READ_HERE;
    buf_append_text(&read->data, reply->data);
    advance(journal, outbox);
}

void journal_load_reply(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                        struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    uint64_t number = reply->number;
    if (!load->is_planned && (number == load->sync_request || number == load->head_request ||
                              number == load->children_request || number == load->again_request)) {
        take_first(journal, reply, now_ms, outbox);
        return;
    }
    struct journal_read *read = find_read(load, number);
    if (read != NULL)
        take_read(journal, read, reply, now_ms, outbox);
}

void journal_load_resume(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_load *load = &journal->load;
    if (load->retry_at_ms == INT64_MAX)
        return;
    load->retry_at_ms = INT64_MAX;
    if (load->is_planned)
        ask_more(journal, outbox);
    else
        journal_load_begin(journal, outbox);
}
