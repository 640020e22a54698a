/*
 * Resources as the tables of `mesos` show them.
 */
#include "cli/query.h"
#include "common/base/buf.h"
#include "tests/support/unit.h"

static void assert_shown(const char *json, const char *expected) {
    AUTO(json_decref) json_t *resources = json_loads(json, 0, NULL);
    AUTO_FINI(buf_fini) struct buf out = {0};
    assert_non_null(resources);

    query_resources(resources, &out);

    assert_string_equal(buf_string(&out), expected);
}

TEST(scalars_of_one_name_are_added_up_and_the_common_ones_come_first) {
    assert_shown("[{\"name\":\"tape\",\"scalar\":{\"value\":2}},"
                 "{\"name\":\"mem\",\"scalar\":{\"value\":64}},"
                 "{\"name\":\"cpus\",\"scalar\":{\"value\":0.5}},"
                 "{\"name\":\"tape\",\"scalar\":{\"value\":1}},"
                 "{\"name\":\"cpus\",\"scalar\":{\"value\":1}}]",
                 "cpus:1.5;mem:64;tape:3");
}

TEST(ranges_are_shown_up_to_three_and_sets_by_their_number) {
    assert_shown("[{\"name\":\"ports\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":2}]}},"
                 "{\"name\":\"disks\",\"set\":{\"item\":[\"a\",\"b\"]}}]",
                 "ports:[1-2];disks:{2}");
    assert_shown("[{\"name\":\"ports\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":1},"
                 "{\"begin\":3,\"end\":3},{\"begin\":5,\"end\":5},{\"begin\":7,\"end\":7}]}}]",
                 "ports:[1-1,3-3,5-5,...]");
}

TEST(masters_that_may_be_electing_are_waited_for_longer_than_one_address) {
    int64_t one = query_patience_ms("m1:5050", 5000);

    assert_int_equal(one, 5000);
    assert_true(query_patience_ms("m1:5050,m2:5050", 5000) > one + 10000);
    assert_true(query_patience_ms("zk://z1:2181/mesos", 5000) > one + 10000);
}

TEST(nothing_is_shown_of_nothing) {
    assert_shown("[]", "");
    assert_shown("[{\"name\":\"cpus\",\"scalar\":{\"value\":0}}]", "");
}
