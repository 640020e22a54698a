/*
 * The one place that says whether a client's wish may be met on an agent now, and why not. What
 * decides and what explains are the same function; without `out` it stops at the first thing that
 * tells a lack, and calls every lack ALLOCATOR_NOT_ENOUGH.
 */
#pragma once

#include "allocator/state.h"

/* What keeps the client from anything that is unreserved, wherever it is; ALLOCATOR_FITS: nothing.
 */
enum allocator_reason verdict_of_client(struct allocator *allocator, const struct client *client,
                                        const struct wish *wish, struct allocator_verdict *out);

/* No room that comes free would help the client: a limit, or guarantees of others that are not met
 * yet. Sets *out then. */
bool verdict_is_in_vain(struct allocator *allocator, const struct client *client,
                        const struct wish *wish, struct allocator_verdict *out);

enum allocator_reason verdict_of(struct allocator *allocator, const struct client *client,
                                 const struct wish *wish, const struct agent *agent,
                                 struct allocator_verdict *out);

/* Capabilities and constraints: what no resource changes. */
enum allocator_reason verdict_of_pair(struct allocator *allocator, const struct client *client,
                                      const struct wish *wish, const struct agent *agent);

/* The shape made of what is there, reserved to the client's role first. False: not all of it; then
 * *lack has the first name, what is needed of it and what there is. `kept` is left alone. */
bool verdict_compose(struct allocator *allocator, const struct client *client,
                     const struct wish *wish, const struct resources *from,
                     const struct amounts *kept, struct resources *out,
                     struct allocator_verdict *lack);

/* All that an open wish may have there; lent until the next call. */
const struct resources *verdict_offerable(struct allocator *allocator, const struct client *client,
                                          const struct agent *agent,
                                          struct allocator_verdict *verdict);
