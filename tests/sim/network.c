#include "tests/sim/network.h"

#include "tests/sim/print.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

static int64_t latency_ms(struct world *world) {
    if (world_chance(world, 30))
        return world_draw(world, 50, 3000);
    return world_draw(world, 1, 20);
}

void connection_free(struct connection *connection) {
    for (size_t i = 0; i < 2; i++) {
        VEC_EACH(parcel, &connection->ends[i].inbox)
            buf_fini(&parcel->bytes);
        VEC_FINI(&connection->ends[i].inbox);
    }
    mem_free(connection);
}

struct end *end_peer(const struct end *end) {
    struct connection *connection = end->connection;
    return end == &connection->ends[0] ? &connection->ends[1] : &connection->ends[0];
}

bool end_is_alive(const struct end *end) {
    return end->is_open && end->owner->is_up && end->life == end->owner->life;
}

/* --- what is under way --- */

static void deliver(void *self, uint64_t argument) {
    struct end *end = self;
    struct world *world = end->connection->world;
    (void)argument;
    if (end->inbox.count == 0 || end->inbox.items[0].due_ms > world->now_ms ||
        end->owner->is_paused || network_is_parted(world, end->owner, end_peer(end)->owner))
        return;
    struct parcel parcel = end->inbox.items[0];
    VEC_REMOVE(&end->inbox, 0);
    if (end_is_alive(end) && parcel.is_close) {
        end->is_open = false;
        process_closed(end->owner, end);
    } else if (end_is_alive(end)) {
        process_frame(end->owner, end, parcel.type, buf_text(&parcel.bytes));
    }
    buf_fini(&parcel.bytes);
}

static void post(struct end *to, struct parcel parcel) {
    struct world *world = to->connection->world;
    parcel.due_ms = world->now_ms + latency_ms(world);
    if (to->inbox.count > 0 && to->inbox.items[to->inbox.count - 1].due_ms > parcel.due_ms)
        parcel.due_ms = to->inbox.items[to->inbox.count - 1].due_ms;
    VEC_PUSH(&to->inbox, parcel);
    if (to->inbox.count > QUEUE_LIMIT)
        world_fail(world, "more than %d frames are on their way to %s", QUEUE_LIMIT,
                   to->owner->name);
    world_after(world, parcel.due_ms - world->now_ms, deliver, to, 0);
}

void end_send(struct end *end, uint16_t type, struct text payload) {
    if (!end_is_alive(end) || end->connection->is_cut)
        return;
    struct parcel parcel = {.type = type};
    buf_append_text(&parcel.bytes, payload);
    post(end_peer(end), parcel);
}

static void drop_from(struct end *end, size_t first) {
    for (size_t i = first; i < end->inbox.count; i++)
        buf_fini(&end->inbox.items[i].bytes);
    end->inbox.count = first;
}

void end_close(struct end *end) {
    if (!end->is_open)
        return;
    end->is_open = false;
    drop_from(end, 0);
    if (end->connection->is_up && !end->connection->is_cut)
        post(end_peer(end), (struct parcel){.is_close = true});
}

void connection_cut(struct connection *connection) {
    if (connection->is_cut || !connection->is_up)
        return;
    world_say(connection->world, "cut     %s -- %s", connection->ends[0].owner->name,
              connection->ends[1].owner->name);
    connection->is_cut = true;
    for (size_t i = 0; i < 2; i++) {
        struct end *end = &connection->ends[i];
        drop_from(end, (size_t)world_draw(connection->world, 0, (int64_t)end->inbox.count));
        post(end, (struct parcel){.is_close = true});
    }
}

void network_forget(struct process *process, bool silently) {
    VEC_EACH(connection, &process->world->connections) {
        for (size_t i = 0; i < 2; i++) {
            struct end *end = &(*connection)->ends[i];
            if (end->owner != process || !end->is_open)
                continue;
            if (silently)
                end->is_open = false;
            else
                end_close(end);
        }
    }
}

/* --- dialing --- */

static void dial_ends(void *self, uint64_t argument) {
    struct end *end = self;
    (void)argument;
    if (end_is_alive(end) && end_peer(end)->is_open)
        process_connected(end->owner, end);
}

static void dial_fails(void *self, uint64_t argument) {
    struct end *end = self;
    if (!end_is_alive(end))
        return;
    end->is_open = false;
    process_refused(end->owner, end, argument == 0 ? "connection refused" : "timed out");
}

static void dial_arrives(void *self, uint64_t argument) {
    struct end *end = self;
    struct end *peer = end_peer(end);
    struct world *world = end->connection->world;
    (void)argument;
    if (!end_is_alive(end))
        return;
    if (peer->owner->is_paused || network_is_parted(world, end->owner, peer->owner)) {
        world_after(world, CONNECT_TIMEOUT_MS, dial_fails, end, 1);
        return;
    }
    if (!peer->owner->is_up) {
        world_after(world, latency_ms(world), dial_fails, end, 0);
        return;
    }
    peer->life = peer->owner->life;
    peer->is_open = true;
    end->connection->is_up = true;
    process_accepted(peer->owner, peer);
    world_after(world, 1, dial_ends, end, 0);
}

struct end *network_dial(struct process *from, struct process *to) {
    struct world *world = from->world;
    struct connection *connection = NEW(struct connection);
    connection->world = world;
    connection->ends[0] =
        (struct end){.connection = connection, .owner = from, .life = from->life, .is_open = true};
    connection->ends[1] = (struct end){.connection = connection, .owner = to};
    VEC_PUSH(&world->connections, connection);
    world_after(world, latency_ms(world), dial_arrives, &connection->ends[0], 0);
    return &connection->ends[0];
}

/* --- partitions --- */

bool network_is_parted(const struct world *world, const struct process *a,
                       const struct process *b) {
    VEC_EACH(partition, &world->partitions) {
        if ((partition->a == a && partition->b == b) || (partition->a == b && partition->b == a))
            return true;
    }
    return false;
}

void network_part(struct world *world, struct process *a, struct process *b) {
    if (network_is_parted(world, a, b))
        return;
    world_say(world, "part    %s | %s", a->name, b->name);
    VEC_PUSH(&world->partitions, (struct partition){a, b});
}

void network_resume(struct world *world) {
    VEC_EACH(connection, &world->connections) {
        for (size_t i = 0; i < 2; i++) {
            struct end *end = &(*connection)->ends[i];
            VEC_EACH(parcel, &end->inbox) {
                if (parcel->due_ms < world->now_ms)
                    parcel->due_ms = world->now_ms;
                world_after(world, parcel->due_ms - world->now_ms, deliver, end, 0);
            }
        }
    }
}

void network_heal(struct world *world, struct process *a, struct process *b) {
    for (size_t i = 0; i < world->partitions.count; i++) {
        struct partition *partition = &world->partitions.items[i];
        if ((partition->a != a || partition->b != b) && (partition->a != b || partition->b != a))
            continue;
        VEC_REMOVE(&world->partitions, i);
        world_say(world, "heal    %s | %s", a->name, b->name);
        network_resume(world);
        return;
    }
}

void network_heal_all(struct world *world) {
    world->partitions.count = 0;
    network_resume(world);
}
