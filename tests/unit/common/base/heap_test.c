#include "common/base/heap.h"
#include "tests/support/unit.h"

TEST(the_least_key_leaves_first_and_equal_keys_in_order) {
    struct heap heap = {0};
    struct heap_node nodes[4] = {0};

    heap_put(&heap, &nodes[0], 5);
    heap_put(&heap, &nodes[1], 3);
    heap_put(&heap, &nodes[2], 5);
    heap_put(&heap, &nodes[3], 4);

    static const int expected[] = {1, 3, 0, 2};
    for (int i = 0; i < 4; i++) {
        struct heap_node *least = heap_least(&heap);
        assert_ptr_equal(least, &nodes[expected[i]]);
        heap_remove(&heap, least);
    }
    assert_null(heap_least(&heap));
    heap_fini(&heap);
}

TEST(whatever_happens_the_least_is_the_least) {
    struct rng rng = rng_for_test();
    struct heap heap = {0};
    struct heap_node nodes[64] = {0};

    for (int step = 0; step < 5000; step++) {
        struct heap_node *node = &nodes[rng_below(&rng, 64)];
        if (rng_below(&rng, 3) == 0)
            heap_remove(&heap, node);
        else
            heap_put(&heap, node, (int64_t)rng_below(&rng, 50));
        struct heap_node *least = heap_least(&heap);
        for (int i = 0; i < 64; i++)
            assert_true(!heap_holds(&nodes[i]) || least->key <= nodes[i].key);
    }
    heap_fini(&heap);
}
