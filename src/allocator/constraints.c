/*
 * What the caller answered: an agent meets a constraint or does not, until the agent changes or
 * nobody has the constraint any more.
 */
#include "allocator/state.h"

enum { NOT_ASKED, NOT_MET, MET };

static void constraint_free(void *value) {
    struct constraint *constraint = value;
    VEC_FINI(&constraint->known);
    mem_free(constraint);
}

void constraint_use(struct allocator *allocator, uint32_t number, int more) {
    if (number == 0)
        return;
    struct constraint *constraint = map_get(&allocator->constraints, number);
    if (constraint == NULL) {
        constraint = NEW(struct constraint);
        constraint->number = number;
        map_put(&allocator->constraints, number, constraint);
    }
    constraint->users += (size_t)more;
    if (constraint->users == 0)
        constraint_free(map_remove(&allocator->constraints, number));
}

bool constraint_is_met(struct allocator *allocator, uint32_t number, const struct agent *agent) {
    if (number == 0 || allocator->matches == NULL)
        return true;
    struct constraint *constraint = map_get(&allocator->constraints, number);
    if (constraint == NULL)
        return allocator->matches(allocator->matcher, number, agent->number);
    while (constraint->known.count <= agent->slot)
        VEC_PUSH(&constraint->known, NOT_ASKED);
    uint8_t *known = &constraint->known.items[agent->slot];
    if (*known == NOT_ASKED)
        *known = allocator->matches(allocator->matcher, number, agent->number) ? MET : NOT_MET;
    return *known == MET;
}

void constraints_forget_agent(struct allocator *allocator, const struct agent *agent) {
    MAP_EACH(entry, &allocator->constraints) {
        struct constraint *constraint = map_value(entry);
        if (agent->slot < constraint->known.count)
            constraint->known.items[agent->slot] = NOT_ASKED;
    }
}

void allocator_set_matcher(struct allocator *allocator, allocator_matcher *matches, void *self) {
    allocator->matches = matches;
    allocator->matcher = self;
    MAP_EACH(entry, &allocator->constraints) {
        struct constraint *constraint = map_value(entry);
        constraint->known.count = 0;
    }
    clients_look_again(allocator);
}

void constraints_fini(struct allocator *allocator) {
    map_fini(&allocator->constraints, constraint_free);
}
