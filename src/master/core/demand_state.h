/*
 * What is wanted, for demand_book.c and demand_answer.c.
 */
#pragma once

#include "master/core/demand_book.h"

enum wish_answer { WISH_UNTOLD, WISH_SAID_INFEASIBLE, WISH_SAID_FEASIBLE };

/* One request. Its texts are in `memory`. */
struct wish {
    struct text name; /* empty: none */
    struct amount *amounts;
    size_t amount_count;
    struct agent_id agent; /* empty: anywhere */
    uint32_t agent_number; /* as the allocator was told; 0: the agent is not here */
    uint32_t constraint;   /* a use of it; 0: none */
    uint64_t count;        /* still wanted */
    size_t place;          /* in its list; SIZE_MAX: not in it, for want of a name or an agent */
    uint64_t seen;         /* master->demand_turn when it was looked at */
    enum wish_answer told;
    void *memory;
};

/* What a framework wants in one role. */
struct role_demand {
    uint32_t role;
    uint32_t constraint; /* of the role; a use of it; 0: none */
    bool has_minima;
    bool is_set; /* it has declared what it wants */
    VEC_OF(struct wish) wishes;
};

/* Gives the allocator the list anew. */
void demand_hand_over(struct master *master, const struct framework *framework,
                      struct role_demand *demand);
/* The allocator's number of the agent; 0: it is not here. */
uint32_t demand_agent_number(const struct master *master, struct agent_id id);
bool demand_names_are_known(const struct master *master, const struct wish *wish);

/* Looks at the wishes that were not looked at in this turn; how many agents were asked. What the
 * budget leaves over is looked at in the next step. */
size_t demand_look(struct master *master, struct framework *framework, struct role_demand *demand);

void demand_tell(struct master *master, struct framework *framework, struct text role,
                 struct text name, bool is_feasible, struct text message, struct agent_id nearest);
