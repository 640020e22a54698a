#include "zookeeper/shell/leader_finder.h"

#include "tests/support/unit.h"

static const char *address_in(const char *json) {
    static char out[300];
    return leader_address(text_of(json), out, sizeof(out)) ? out : "";
}

TEST(the_leaders_address_is_its_ip_and_port) {
    const char *info = "{\"id\":\"x\",\"ip\":16777343,\"port\":1,\"pid\":\"master@9.9.9.9:1\","
                       "\"hostname\":\"h\",\"address\":{\"hostname\":\"h\",\"ip\":\"10.0.0.7\","
                       "\"port\":5050}}";

    assert_string_equal(address_in(info), "10.0.0.7:5050");
    assert_string_equal(address_in("{\"address\":{\"ip\":\"fd00::1\",\"port\":5050}}"),
                        "[fd00::1]:5050");
}

TEST(without_an_ip_it_is_the_name) {
    assert_string_equal(address_in("{\"address\":{\"hostname\":\"m1\",\"port\":5050}}"), "m1:5050");
    assert_string_equal(
        address_in("{\"address\":{\"ip\":\"0.0.0.0\",\"hostname\":\"m1\",\"port\":5050}}"),
        "m1:5050");
}

TEST(old_masters_give_their_ip_as_a_number_in_network_order) {
    assert_string_equal(address_in("{\"ip\":16777343,\"port\":5050}"), "127.0.0.1:5050");
    assert_string_equal(address_in("{\"hostname\":\"m2\",\"port\":5050}"), "m2:5050");
}

TEST(what_makes_no_sense_is_no_address) {
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "{}",
        "7",
        "{\"address\":7}",
        "{\"address\":{\"ip\":\"10.0.0.7\"}}",
        "{\"address\":{\"ip\":\"10.0.0.7\",\"port\":0}}",
        "{\"address\":{\"ip\":\"10.0.0.7\",\"port\":65536}}",
        "{\"address\":{\"ip\":\"no ip\",\"port\":5050}}",
        "{\"address\":{\"hostname\":\"a b\\n\",\"port\":5050}}",
        "{\"address\":{\"hostname\":\"\",\"port\":5050}}",
        "{\"ip\":99999999999999999999,\"port\":5050}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_string_equal(address_in(wrong[i]), "");
}
