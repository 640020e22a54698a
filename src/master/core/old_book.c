#include "master/core/old_book.h"

#include "master/core/agent_book.h"
#include "master/core/emit.h"

enum {
    AT_ONCE = 1000, /* are forgotten in a step */
    SOON_MS = 100,  /* when there were more */
};

#define UNREACHABLE "unreachable"
#define GONE "gone"

struct gone {
    int64_t since_ns;
};

void old_book_load_gone(struct master *master, struct text id, int64_t since_ns) {
    if (old_book_is_gone(master, id))
        return;
    struct gone *gone = NEW(struct gone);
    gone->since_ns = since_ns;
    map_put_text(&master->gone, id, gone);
}

void old_book_add_gone(struct master *master, struct text id) {
    old_book_load_gone(master, id, master->wall_ns);
}

bool old_book_is_gone(const struct master *master, struct text id) {
    return map_get_text(&master->gone, id) != NULL;
}

void old_book_fini(struct master *master) {
    map_fini(&master->gone, mem_free);
}

/* --- forgetting --- */

static bool is_old(const struct master *master, int64_t since_ns) {
    return master->wall_ns - since_ns > master->options.registry_max_agent_age_ms * 1000000;
}

static void drop_record(struct master *master, const char *prefix, struct text id) {
    struct store_change change = store_change_of(master, prefix, id, NULL);
    emit_store(master, &change, 1);
}

static size_t forget_unreachable(struct master *master, size_t most) {
    size_t limit = (size_t)master->options.registry_max_agent_count, done = 0;
    MAP_EACH(entry, &master->agents) {
        struct agent *agent = map_value(entry);
        bool is_over = master->agents_by_state[AGENT_UNREACHABLE] > limit;
        if (agent->state != AGENT_UNREACHABLE ||
            (!is_over && !is_old(master, agent->unreachable_ns)))
            continue;
        if (done++ == most)
            break;
        emit_note(master, NOTE_INFO, "agent_forgotten", "agent=%.*s was=unreachable",
                  TEXT_ARGS(agent->info.id.text));
        drop_record(master, UNREACHABLE, agent->info.id.text);
        agent_book_forget(master, agent);
    }
    return done;
}

static size_t forget_gone(struct master *master, size_t most) {
    size_t limit = (size_t)master->options.registry_max_agent_count, done = 0;
    MAP_EACH(entry, &master->gone) {
        struct gone *gone = map_value(entry);
        struct text id = lend(master, map_key_text(entry));
        if (master->gone.count <= limit && !is_old(master, gone->since_ns))
            continue;
        if (done++ == most)
            break;
        emit_note(master, NOTE_INFO, "agent_forgotten", "agent=%.*s was=gone", TEXT_ARGS(id));
        drop_record(master, GONE, id);
        map_remove_text(&master->gone, id);
        mem_free(gone);
    }
    return done;
}

void old_book_begin(struct master *master) {
    master->registry_timer.kind = TIMER_REGISTRY;
    heap_put(&master->timers, &master->registry_timer.node,
             master->now_ms + master->options.registry_gc_interval_ms);
}

void old_book_ring(struct master *master) {
    bool has_more = forget_unreachable(master, AT_ONCE) > AT_ONCE;
    has_more = forget_gone(master, AT_ONCE) > AT_ONCE || has_more;
    heap_put(&master->timers, &master->registry_timer.node,
             master->now_ms + (has_more ? SOON_MS : master->options.registry_gc_interval_ms));
}
