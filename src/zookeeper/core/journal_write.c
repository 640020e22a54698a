/*
 * One write is on its way at a time, and it is sent, the same to the byte, until we know that it is
 * done or that somebody else writes. Every multi begins with the fence and, but for those that make
 * or move the head, goes on with a check that the head is the one we know; one that adds a change,
 * with a check that the change before it is still as it was made. Nothing is stored behind a gap,
 * where nobody would read it.
 */
#include "zookeeper/core/journal_internal.h"

/* --- sending --- */

static size_t last_part(struct text path) {
    size_t at = path.size;
    while (at > 1 && path.data[at - 1] != '/')
        at--;
    return at > 0 ? at - 1 : 0; /* without the slash */
}

static void send_path(struct journal *journal, struct journal_outbox *outbox) {
    struct text part = text_sub(text_of(journal->path), 0, journal->path_made);
    struct zk_request request = {.kind = ZK_CREATE, .path = arena_text(outbox->arena, part)};
    journal->write.request = journal_request(journal, request, outbox);
}

static struct journal_names *deleted_names(struct journal *journal) {
    return journal->tail.items.count > 0 ? &journal->tail : &journal->litter;
}

static size_t add_deletes(struct journal *journal, struct zk_write *writes,
                          struct journal_outbox *outbox) {
    struct journal_names *names = deleted_names(journal);
    size_t count = names->items.count;
    if (count > JOURNAL_DELETES_AT_ONCE)
        count = JOURNAL_DELETES_AT_ONCE;
    journal->write.deletes = count;
    for (size_t i = 0; i < count; i++)
        writes[i] = (struct zk_write){
            .kind = ZK_WRITE_DELETE,
            .path = journal_path(journal, names->items.items[names->items.count - 1 - i], outbox),
            .version = ZK_VERSION_ANY};
    return count;
}

static size_t add_writes(struct journal *journal, struct zk_write *writes,
                         struct journal_outbox *outbox) {
    const struct journal_write *write = &journal->write;
    struct text path = journal_path(journal, write->name, outbox);
    switch (write->kind) {
    case WRITE_HEAD:
    case WRITE_CHANGES:
    case WRITE_SNAPSHOT:
        writes[0] = (struct zk_write){
            .kind = ZK_WRITE_CREATE, .path = path, .data = buf_text(&write->node)};
        return 1;
    case WRITE_MOVE:
        writes[0] = (struct zk_write){.kind = ZK_WRITE_SET,
                                      .path = path,
                                      .data = buf_text(&write->node),
                                      .version = journal->head_version};
        return 1;
    case WRITE_DELETE: return add_deletes(journal, writes, outbox);
    case WRITE_PATH: break;
    }
    return 0;
}

static bool has_fence(const struct journal *journal) {
    return journal->fence[0] != '\0';
}

static bool checks_head(const struct journal *journal) {
    return journal->write.kind != WRITE_HEAD && journal->write.kind != WRITE_MOVE;
}

static bool checks_last_change(const struct journal *journal) {
    return journal->write.kind == WRITE_CHANGES && journal->generations.count > 0;
}

static struct text last_change(const struct journal *journal, struct journal_outbox *outbox) {
    size_t last = journal->generations.count - 1;
    struct journal_name name = {JOURNAL_CHANGES, journal->generations.items[last],
                                journal->head.first_change + last};
    return journal_path(journal, name, outbox);
}

static void send_multi(struct journal *journal, struct journal_outbox *outbox) {
    struct zk_write *writes =
        ARENA_ARRAY(outbox->arena, struct zk_write, JOURNAL_DELETES_AT_ONCE + 2);
    size_t count = 0;
    if (has_fence(journal))
        writes[count++] =
            (struct zk_write){.kind = ZK_WRITE_CHECK,
                              .path = arena_text(outbox->arena, text_of(journal->fence)),
                              .version = ZK_VERSION_ANY};
    if (checks_head(journal))
        writes[count++] = (struct zk_write){
            .kind = ZK_WRITE_CHECK,
            .path = journal_path(journal, (struct journal_name){.kind = JOURNAL_HEAD}, outbox),
            .version = journal->head_version};
    if (checks_last_change(journal))
        writes[count++] =
            (struct zk_write){.kind = ZK_WRITE_CHECK, .path = last_change(journal, outbox)};
    count += add_writes(journal, writes + count, outbox);
    struct zk_request request = {.kind = ZK_MULTI, .writes = writes, .write_count = count};
    journal->write.request = journal_request(journal, request, outbox);
}

static void send(struct journal *journal, struct journal_outbox *outbox) {
    journal->write.state = WRITE_SENT;
    if (journal->write.kind == WRITE_PATH)
        send_path(journal, outbox);
    else
        send_multi(journal, outbox);
}

/* --- what is next --- */

static void fill_head(struct journal *journal) {
    struct journal_write *write = &journal->write;
    write->kind = WRITE_HEAD;
    write->name = (struct journal_name){.kind = JOURNAL_HEAD};
    journal_head_encode(&journal->head, &write->node);
}

/* Commits and what folding has to do take turns, so that neither waits for the end of the other. */
static bool fill(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_write *write = &journal->write;
    buf_clear(&write->node);
    write->differs = false;
    if (!journal->has_path) {
        write->kind = WRITE_PATH;
        journal->path_made = strlen(journal->path);
        return journal->path_made > 0;
    }
    if (!journal->has_head) {
        fill_head(journal);
        return true;
    }
    if (journal->tail.items.count > 0) {
        write->kind = WRITE_DELETE;
        return true;
    }
    bool was_maintenance = write->was_maintenance;
    write->was_maintenance = false;
    if (!was_maintenance && journal_fold_fill(journal)) {
        write->was_maintenance = true;
        return true;
    }
    if (journal_commits_want(journal, outbox)) {
        journal_commits_fill(journal);
        return true;
    }
    return was_maintenance && journal_fold_fill(journal);
}

void journal_write_next(struct journal *journal, struct journal_outbox *outbox) {
    if (journal->phase != JOURNAL_IS_LOADED || journal->write.state != WRITE_IDLE)
        return;
    if (!journal->is_writer) {
        journal_commits_want(journal, outbox); /* those of nothing */
        return;
    }
    if (journal->is_connected && fill(journal, outbox))
        send(journal, outbox);
}

void journal_write_resume(struct journal *journal, struct journal_outbox *outbox) {
    if (journal->phase == JOURNAL_IS_LOADED && journal->write.state == WRITE_WAITS)
        send(journal, outbox);
}

/* --- replies --- */

static void wait(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                 struct journal_outbox *outbox) {
    struct journal_write *write = &journal->write;
    bool is_of_node = write->kind != WRITE_PATH && write->kind != WRITE_DELETE;
    struct text path = is_of_node ? journal_path(journal, write->name, outbox)
                                  : arena_text(outbox->arena, text_of(journal->path));
    write->state = WRITE_WAITS;
    write->retry_at_ms = now_ms + JOURNAL_RETRY_MS;
    journal_trouble(journal, path, reply, outbox);
}

/* It is done, be it now or by an earlier sending. */
static void finish(struct journal *journal, struct journal_outbox *outbox) {
    struct journal_write *write = &journal->write;
    write->state = WRITE_IDLE;
    journal_works(journal, outbox);
    switch (write->kind) {
    case WRITE_PATH: break;
    case WRITE_HEAD: journal->has_head = true; break;
    case WRITE_CHANGES: journal_commits_done(journal, outbox); break;
    case WRITE_SNAPSHOT: journal_fold_snapshot_done(journal); break;
    case WRITE_MOVE: journal_fold_moved(journal); break;
    case WRITE_DELETE: deleted_names(journal)->items.count -= write->deletes; break;
    }
}

/* Down to what is there, then up again. */
static void take_path(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                      struct journal_outbox *outbox) {
    struct text whole = text_of(journal->path);
    size_t made = journal->path_made;
    if (reply->result == ZK_OK || reply->result == ZK_NODE_EXISTS) {
        if (made == whole.size) {
            journal->has_path = true;
            finish(journal, outbox);
            return;
        }
        const char *next = strchr(journal->path + made + 1, '/');
        journal->path_made = next != NULL ? (size_t)(next - journal->path) : whole.size;
        send(journal, outbox);
    } else if (reply->result == ZK_NO_NODE && last_part(text_sub(whole, 0, made)) > 0) {
        journal->path_made = last_part(text_sub(whole, 0, made));
        send(journal, outbox);
    } else {
        wait(journal, reply, now_ms, outbox);
    }
}

static void compare(struct journal *journal, struct journal_outbox *outbox) {
    struct text path = journal_path(journal, journal->write.name, outbox);
    journal->write.state = WRITE_COMPARED;
    journal->write.request =
        journal_request(journal, (struct zk_request){.kind = ZK_GET, .path = path}, outbox);
}

static void take_comparison(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                            struct journal_outbox *outbox) {
    struct journal_write *write = &journal->write;
    if (reply->result != ZK_OK) {
        wait(journal, reply, now_ms, outbox);
        return;
    }
    bool is_ours = text_equal(reply->data, buf_text(&write->node));
    if (!is_ours && !write->differs) {
        /* Deposed between the two, perhaps: the fence says. */
        write->differs = true;
        send(journal, outbox);
        return;
    }
    if (!is_ours) {
        struct text path = journal_path(journal, write->name, outbox);
        journal_refuse(journal, outbox, "%.*s was written by somebody else", TEXT_ARGS(path));
        return;
    }
    if (write->kind == WRITE_HEAD || write->kind == WRITE_MOVE)
        journal->head_version = reply->version;
    finish(journal, outbox);
}

/* A delete of what is not there is done; what has children is not ours, and left alone. */
static void leave_out(struct journal *journal, size_t index) {
    struct journal_names *names = deleted_names(journal);
    VEC_REMOVE(&names->items, names->items.count - 1 - index);
    journal->write.state = WRITE_IDLE;
}

/* Which part of the multi said no decides what it means. */
static void take_no(struct journal *journal, const struct zk_reply *reply,
                    struct journal_outbox *outbox) {
    const struct journal_write *write = &journal->write;
    size_t index = reply->failed_write;
    if (has_fence(journal) && index-- == 0) {
        journal_deposed(journal, outbox);
        return;
    }
    const char *words = zk_result_text(reply->result);
    if (checks_head(journal) && index-- == 0) {
        journal_refuse(journal, outbox, "%s/head: %s, though nobody but us may write here",
                       journal->path, words);
        return;
    }
    if (checks_last_change(journal) && index-- == 0) {
        struct text last = last_change(journal, outbox);
        journal_refuse(journal, outbox, "%.*s: %s, though nobody but us may write here",
                       TEXT_ARGS(last), words);
        return;
    }
    if (write->kind == WRITE_DELETE && index < write->deletes) {
        leave_out(journal, index);
        return;
    }
    bool is_there = (write->kind == WRITE_MOVE && reply->result == ZK_BAD_VERSION) ||
                    (write->kind != WRITE_MOVE && reply->result == ZK_NODE_EXISTS);
    if (is_there) {
        compare(journal, outbox);
        return;
    }
    struct text path = journal_path(journal, write->name, outbox);
    journal_refuse(journal, outbox, "%.*s: %s, though nobody but us may write here",
                   TEXT_ARGS(path), words);
}

static void take_multi(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                       struct journal_outbox *outbox) {
    switch (reply->result) {
    case ZK_OK:
        if (journal->write.kind == WRITE_HEAD)
            journal->head_version = 0;
        else if (journal->write.kind == WRITE_MOVE)
            journal->head_version++;
        finish(journal, outbox);
        return;
    case ZK_NO_NODE:
    case ZK_NODE_EXISTS:
    case ZK_BAD_VERSION:
    case ZK_NOT_EMPTY: take_no(journal, reply, outbox); return;
    case ZK_OVER: journal_deposed(journal, outbox); return;
    case ZK_NO_AUTH:
    case ZK_LOST:
    case ZK_FAILED: wait(journal, reply, now_ms, outbox); return;
    }
}

void journal_write_reply(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                         struct journal_outbox *outbox) {
    const struct journal_write *write = &journal->write;
    bool is_expected = write->state == WRITE_SENT || write->state == WRITE_COMPARED;
    if (!is_expected || reply->number != write->request)
        return;
    if (reply->result == ZK_NO_AUTH)
        journal_refuse(journal, outbox, "%s: %s", journal->path, zk_result_text(reply->result));
    else if (write->state == WRITE_COMPARED)
        take_comparison(journal, reply, now_ms, outbox);
    else if (write->kind == WRITE_PATH)
        take_path(journal, reply, now_ms, outbox);
    else
        take_multi(journal, reply, now_ms, outbox);
}
