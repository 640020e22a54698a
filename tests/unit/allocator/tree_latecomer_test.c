/*
 * Who comes late to a full machine reaches its guarantee too, on four thousand random trees.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/guarantee.h"

TEST(latecomers_reach_their_guarantee) {
    check_guarantees(&(struct churn){{.capacity = 60, .depth = 3, .tops = 2},
                                     .trees = 2000,
                                     .steps = 400,
                                     .has_latecomers = true});
}

TEST(latecomers_with_tasks_ten_times_as_large_reach_their_guarantee) {
    check_guarantees(&(struct churn){{.capacity = 60, .depth = 3, .tops = 2, .big = 3},
                                     .trees = 2000,
                                     .steps = 400,
                                     .has_latecomers = true});
}
