/*
 * Guarantees on random weighted trees, under churn: what each leaf and each role that wants more
 * has.
 *
 * Tasks are whole, so a leaf is at its guarantee when one more task would take it over; a role when
 * one more task of each of its wanting leaves would. After the churn that must be so of each at
 * some moment of a thousand ends, not of all at once: what ends at random may be too small for who
 * is next, or long nothing of those who have too much. At any moment it is so of 199 nodes in 200.
 *
 * TREES=n tries n times as many trees.
 */
#pragma once

#include "tests/unit/allocator/random_tree.h"

struct churn {
    struct tree_terms terms;
    int trees, steps;
    bool has_latecomers; /* a third of the leaves begins to want after the first fill */
};

void check_guarantees(const struct churn *churn);
