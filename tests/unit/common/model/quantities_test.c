#include "common/model/quantities.h"

#include "tests/support/unit.h"

TEST(a_name_that_is_not_there_is_nothing) {
    AUTO_FINI(quantities_fini) struct quantities some = {0};
    quantities_add(&some, NAME_MEM, 5);
    quantities_add(&some, NAME_CPUS, 7);
    quantities_add(&some, NAME_MEM, -5);

    assert_int_equal(quantities_milli(&some, NAME_CPUS), 7);
    assert_int_equal(quantities_milli(&some, NAME_MEM), 0);
    assert_int_equal(some.count, 1);
}

TEST(a_sum_stops_at_the_ends_of_int64) {
    AUTO_FINI(quantities_fini) struct quantities some = {0};
    quantities_add(&some, NAME_CPUS, INT64_MAX);
    quantities_add(&some, NAME_CPUS, 1);
    assert_int_equal(quantities_milli(&some, NAME_CPUS), INT64_MAX);
    quantities_add(&some, NAME_CPUS, -INT64_MAX);
    quantities_add(&some, NAME_CPUS, -1);
    assert_int_equal(some.count, 0);
}

TEST(kinds_of_one_name_add_up_and_ranges_count_their_elements) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO_FINI(quantities_fini) struct quantities all = {0};
    AUTO_FINI(quantities_fini) struct quantities scalars = {0};
    struct kind_info revocable = {.name = TEXT("cpus"), .is_revocable = true};
    static const struct range ports[] = {{1, 3}, {10, 10}};
    uint32_t kind;
    assert_true(kinds_intern(kinds, &revocable, &kind, NULL));
    assert_true(resources_put_scalar(&set, KIND_CPUS, 1500, NULL));
    assert_true(resources_put_scalar(&set, kind, 500, NULL));
    assert_true(resources_put_ranges(&set, KIND_PORTS, ports, 2, NULL));

    quantities_of(&set, kinds, false, &all);
    quantities_of(&set, kinds, true, &scalars);

    assert_int_equal(quantities_milli(&all, NAME_CPUS), 2000);
    assert_int_equal(quantities_milli(&all, NAME_PORTS), 4000);
    assert_int_equal(quantities_milli(&scalars, NAME_PORTS), 0);
    assert_true(quantities_contain(&all, &scalars));
    assert_false(quantities_contain(&scalars, &all));
}
