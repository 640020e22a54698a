#include "cli/each_spool.h"

#include "tests/support/unit.h"

static void assert_holds(const struct spooled *spooled, const char *wanted) {
    AUTO_FINI(buf_fini) struct buf all = {0};
    char chunk[3];
    ssize_t got;
    while ((got = spooled_read(spooled, all.size, chunk, sizeof(chunk), NULL)) > 0)
        buf_append(&all, chunk, (size_t)got);
    assert_int_equal(got, 0);
    assert_string_equal(buf_string(&all), wanted);
}

TEST(what_is_small_stays_in_memory) {
    struct spool spool = {0};
    struct spooled one = {0};
    struct error error;

    assert_true(spooled_add(&one, &spool, TEXT("hello"), &error));

    assert_false(spool.has_file);
    assert_holds(&one, "hello");
    spooled_fini(&one, &spool);
    assert_int_equal(spool.memory_bytes, 0);
    spool_fini(&spool);
}

TEST(outputs_that_grow_by_turns_into_the_file_are_read_back_each_by_itself) {
    struct spool spool = {.memory_limit_bytes = 4};
    struct spooled one = {0}, two = {0};
    struct error error;

    assert_true(spooled_add(&one, &spool, TEXT("aaaa"), &error));
    assert_true(spooled_add(&two, &spool, TEXT("bbbbb"), &error));
    assert_true(spooled_add(&one, &spool, TEXT("cc"), &error));
    assert_true(spooled_add(&two, &spool, TEXT("d"), &error));

    assert_true(spool.has_file);
    assert_holds(&one, "aaaacc");
    assert_holds(&two, "bbbbbd");
    spooled_fini(&one, &spool);
    spooled_fini(&two, &spool);
    spool_fini(&spool);
}
