#include "tests/sim/drive.h"

#include <assert.h>

static void record_free(void *self) {
    struct drive_record *record = self;
    if (record == NULL)
        return;
    buf_fini(&record->bytes);
    mem_free(record);
}

static void drop_waiting(struct drive *disk) {
    VEC_EACH(change, &disk->waiting) {
        mem_free(change->key);
        record_free(change->record);
    }
    disk->waiting.count = 0;
}

void drive_fini(struct drive *disk) {
    drop_waiting(disk);
    VEC_FINI(&disk->waiting);
    map_fini(&disk->records, record_free);
}

void drive_put(struct drive *disk, uint64_t ticket, struct text key, struct drive_record *record) {
    VEC_PUSH(&disk->waiting,
             (struct drive_change){.ticket = ticket, .key = text_dup(key), .record = record});
    if (disk->waiting.count > QUEUE_LIMIT)
        world_fail(disk->process->world, "more than %d changes wait for %s's disk", QUEUE_LIMIT,
                   disk->process->name);
}

static void apply(struct drive *disk, uint64_t ticket) {
    size_t done = 0;
    for (; done < disk->waiting.count && disk->waiting.items[done].ticket <= ticket; done++) {
        struct drive_change change = disk->waiting.items[done];
        struct text key = text_of(change.key);
        if (disk->on_change != NULL)
            disk->on_change(disk->process, key, map_get_text(&disk->records, key), change.record);
        if (change.record != NULL)
            record_free(map_put_text(&disk->records, key, change.record));
        else
            record_free(map_remove_text(&disk->records, key));
        mem_free(change.key);
    }
    disk->waiting.count -= done;
    if (disk->waiting.count > 0)
        memmove(disk->waiting.items, disk->waiting.items + done,
                disk->waiting.count * sizeof(*disk->waiting.items));
}

static void begin_commit(struct drive *disk);

static void commit_ends(void *self, uint64_t life) {
    struct drive *disk = self;
    if (!disk->process->is_up || disk->process->life != life)
        return;
    apply(disk, disk->handed_ticket);
    disk->stored_ticket = disk->handed_ticket;
    world_say(disk->process->world, "stored  %s #%llu", disk->process->name,
              (unsigned long long)disk->stored_ticket);
    disk->on_stored(disk->process, disk->stored_ticket);
    if (disk->process->is_up && disk->process->life == life)
        begin_commit(disk);
}

static void begin_commit(struct drive *disk) {
    struct world *world = disk->process->world;
    if (disk->handed_ticket != disk->stored_ticket || disk->made_ticket == disk->handed_ticket)
        return;
    disk->handed_ticket = disk->made_ticket;
    int64_t delay_ms = world_draw(world, 1, 8);
    if (world->now_ms < disk->slow_until_ms)
        delay_ms = world_draw(world, 500, 8000);
    world_after(world, delay_ms, commit_ends, disk, disk->process->life);
}

void drive_made(struct drive *disk, uint64_t ticket) {
    disk->made_ticket = ticket;
    begin_commit(disk);
}

void drive_crash(struct drive *disk) {
    bool was_done =
        disk->handed_ticket != disk->stored_ticket && world_chance(disk->process->world, 500);
    if (was_done)
        apply(disk, disk->handed_ticket);
    drop_waiting(disk);
    disk->made_ticket = disk->handed_ticket = disk->stored_ticket = 0;
}
