#include "tests/sim/held_effects.h"

#include "common/base/mem.h"
#include "tests/sim/machine.h"

void held_effect_fini(struct held_effect *held) {
    buf_fini(&held->bytes);
    launch_order_free(TAKE(held->launch));
}

void held_effects_init(struct held_effects *effects) {
    list_init(&effects->queue);
    effects->count = 0;
}

void held_effects_clear(struct held_effects *effects) {
    struct held_effect held;
    while (held_effects_take(effects, UINT64_MAX, &held))
        held_effect_fini(&held);
}

void held_effects_add(struct held_effects *effects, const struct process *by,
                      struct held_effect held) {
    struct held_effect *kept = NEW(struct held_effect);
    *kept = held;
    held_add(&effects->queue, &kept->place);
    if (++effects->count > QUEUE_LIMIT)
        world_fail(by->world, "%s holds more than %d effects", by->name, QUEUE_LIMIT);
}

bool held_effects_take(struct held_effects *effects, uint64_t stored_ticket,
                       struct held_effect *out) {
    struct held *place = held_take(&effects->queue, stored_ticket);
    if (place == NULL)
        return false;
    struct held_effect *kept = CONTAINER_OF(place, struct held_effect, place);
    *out = *kept;
    mem_free(kept);
    effects->count--;
    return true;
}
