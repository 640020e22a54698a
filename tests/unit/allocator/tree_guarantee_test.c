/*
 * Each leaf and each role has its guarantee, on six thousand random trees; guarantee.h says what
 * that means.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/guarantee.h"

TEST(each_leaf_and_role_is_at_its_guarantee_after_churn) {
    check_guarantees(
        &(struct churn){{.capacity = 60, .depth = 3, .tops = 2}, .trees = 4000, .steps = 200});
}

TEST(weights_near_one_another_are_kept_too) {
    check_guarantees(&(struct churn){
        {.capacity = 60, .depth = 3, .tops = 3, .is_narrow = true}, .trees = 2000, .steps = 200});
}
