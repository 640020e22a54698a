/*
 * Offers that stand in the way of new weights and quota are taken back, so that what an operator
 * sets holds soon and not when the last offer has run out. What runs is never touched.
 *
 * All offers that are out at the change are looked at, the newest first, some in each step of the
 * master, so that no turn is long however many there are.
 */
#pragma once

#include "master/core/state.h"

enum role_rescue_reason {
    /* Offers with something of which a role on their path is above its limit; then those with
     * something of which more must be kept for guarantees than is free, unless they serve a
     * guarantee themselves. Each until that is over. */
    ROLE_RESCUE_QUOTA = 1,
    /* Offers of whoever is above its share, until it is not. */
    ROLE_RESCUE_WEIGHTS = 2,
};

struct role_rescue {
    uint32_t reasons; /* those yet to be gone through; 0: nothing to do */
    bool has_kept_limits;
    VEC_OF(uint64_t) offers; /* numbers, the oldest first */
    size_t left;             /* of them to be looked at */
};

void role_rescue_fini(struct role_rescue *rescue);
/* From now on; what was not looked at for an earlier reason is looked at again. */
void role_rescue_begin(struct role_rescue *rescue, struct master *master,
                       enum role_rescue_reason reason);
/* One slice. */
void role_rescue_step(struct role_rescue *rescue, struct master *master);
