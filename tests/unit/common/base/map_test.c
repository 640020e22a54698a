#include "common/base/map.h"
#include "tests/support/unit.h"

TEST(what_is_put_is_found_until_it_is_removed) {
    struct map map = {0};
    int one = 1, two = 2;

    assert_null(map_put(&map, 7, &one));
    assert_ptr_equal(map_put(&map, 7, &two), &one);
    assert_ptr_equal(map_get(&map, 7), &two);
    assert_ptr_equal(map_remove(&map, 7), &two);

    assert_null(map_get(&map, 7));
    assert_int_equal(map.count, 0);
    map_fini(&map, NULL);
}

TEST(text_keys_are_copied_and_may_hold_any_byte) {
    struct map map = {0};
    char key[] = "a\0b";
    int one = 1, two = 2;

    map_put_text(&map, (struct text){key, 3}, &one);
    map_put_text(&map, (struct text){0}, &two);
    key[0] = 'z';

    assert_ptr_equal(map_get_text(&map, (struct text){"a\0b", 3}), &one);
    assert_ptr_equal(map_get_text(&map, TEXT("")), &two);
    assert_null(map_get_text(&map, TEXT("a")));
    map_fini(&map, NULL);
}

TEST(iteration_follows_insertion_and_survives_removal_of_the_current) {
    struct map map = {0};
    int values[100];
    for (uint64_t i = 0; i < 100; i++)
        map_put(&map, i * 977, &values[i]);

    uint64_t expected = 0;
    MAP_EACH(entry, &map) {
        assert_ptr_equal(map_value(entry), &values[expected]);
        assert_int_equal(map_key(entry), expected * 977);
        map_remove(&map, map_key(entry));
        expected++;
    }

    assert_int_equal(expected, 100);
    assert_null(map_first(&map));
    map_fini(&map, NULL);
}

TEST(a_random_history_agrees_with_an_array) {
    struct rng rng = rng_for_test();
    struct map map = {0};
    int *model[256] = {0};
    int values[256];

    for (int step = 0; step < 20000; step++) {
        uint64_t key = rng_below(&rng, 256);
        int *value = rng_below(&rng, 2) == 0 ? &values[key] : NULL;
        void *old = value != NULL ? map_put(&map, key, value) : map_remove(&map, key);
        assert_ptr_equal(old, model[key]);
        model[key] = value;
    }
    map_fini(&map, NULL);
}
