/*
 * The effects of a node that wait for its disk, in the order in which the shells hold theirs.
 */
#pragma once

#include "common/base/buf.h"
#include "common/storage/held.h"
#include "tests/sim/world.h"

struct held_effect {
    struct held place;
    int kind;
    uint64_t connection;
    int signal;
    struct buf bytes;
    struct launch_order *launch;
};

void held_effect_fini(struct held_effect *held);

struct held_effects {
    struct link queue;
    size_t count;
};

void held_effects_init(struct held_effects *effects);
void held_effects_clear(struct held_effects *effects);
/* Takes it over. Too many are a failure of the process they are held by. */
void held_effects_add(struct held_effects *effects, const struct process *by,
                      struct held_effect held);
/* Takes out the first that waits for this ticket or an earlier one, into *out. */
bool held_effects_take(struct held_effects *effects, uint64_t stored_ticket,
                       struct held_effect *out);
