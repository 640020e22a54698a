#include "common/base/crc32c.h"
#include "tests/support/unit.h"

TEST(the_sums_of_rfc_3720_come_out) {
    char zeros[32] = {0}, ones[32], rising[32];
    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < sizeof(rising); i++)
        rising[i] = (char)i;

    assert_int_equal(crc32c(0, (struct text){zeros, 32}), 0x8a9136aa);
    assert_int_equal(crc32c(0, (struct text){ones, 32}), 0x62a8ab43);
    assert_int_equal(crc32c(0, (struct text){rising, 32}), 0x46dd794e);
    assert_int_equal(crc32c(0, TEXT("123456789")), 0xe3069283);
    assert_int_equal(crc32c(0, (struct text){0}), 0);
}

TEST(the_table_and_the_processor_agree_at_every_cut) {
    struct rng rng = rng_for_test();
    char bytes[100];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)rng_next(&rng);
    struct text all = {bytes, sizeof(bytes)};

    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        uint32_t front = crc32c(0, text_sub(all, 0, cut));
        assert_int_equal(front, crc32c_plain(0, text_sub(all, 0, cut)));
        assert_int_equal(crc32c(front, text_sub(all, cut, SIZE_MAX)), crc32c_plain(0, all));
    }
}
