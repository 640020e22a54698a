/*
 * Placeholders until the policies are there: flat_drf serves all names.
 */
#include "allocator/allocator.h"

const struct mesos_allocator allocator_hdrf = {.name = "hdrf"};
const struct mesos_allocator allocator_drf = {.name = "drf"};
const struct mesos_allocator allocator_random = {.name = "random"};
