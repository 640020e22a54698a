#include "zookeeper/core/zk_url.h"
#include "common/base/buf.h"
#include "tests/support/unit.h"

static struct zk_url parsed(const char *text) {
    struct zk_url url = {0};
    struct error error = {0};
    if (!zk_url_parse(text_of(text), &url, &error))
        fail_msg("%s: %s", text, error.message);
    return url;
}

static void assert_refused(const char *text, const char *why) {
    struct zk_url url = {0};
    struct error error = {0};
    assert_false(zk_url_parse(text_of(text), &url, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    if (strstr(error.message, why) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, why);
    assert_null(strstr(error.message, "secret"));
    assert_null(url.servers);
}

TEST(servers_and_a_path_are_read_as_mesos_writes_them) {
    AUTO_FINI(zk_url_fini) struct zk_url url = parsed("zk://h1:2181,h2:2182,10.0.0.3:2183/mesos");

    assert_string_equal(url.servers, "h1:2181,h2:2182,10.0.0.3:2183");
    assert_string_equal(url.path, "/mesos");
    assert_null(url.credentials);
    assert_string_equal(url.shown, "zk://h1:2181,h2:2182,10.0.0.3:2183/mesos");
}

TEST(a_server_without_a_port_is_at_2181) {
    AUTO_FINI(zk_url_fini) struct zk_url url = parsed("zk://h1,h2:7,[fd00::1],[fd00::2]:9/a/b");

    assert_string_equal(url.servers, "h1:2181,h2:7,[fd00::1]:2181,[fd00::2]:9");
    assert_string_equal(url.path, "/a/b");
}

TEST(no_path_is_the_root_and_a_slash_at_the_end_is_nothing) {
    AUTO_FINI(zk_url_fini)
    struct zk_url none = parsed("zk://h1"), root = parsed("zk://h1/"),
                  end = parsed(" zk://h1/mesos/\n");

    assert_string_equal(none.path, "");
    assert_string_equal(root.path, "");
    assert_string_equal(end.path, "/mesos");
}

TEST(credentials_end_at_the_last_at_and_the_password_is_not_shown) {
    AUTO_FINI(zk_url_fini) struct zk_url url = parsed("zk://me:sec@ret:x@h1:1/mesos");

    assert_string_equal(url.credentials, "me:sec@ret:x");
    assert_string_equal(url.servers, "h1:1");
    assert_string_equal(url.shown, "zk://me:***@h1:1/mesos");
}

TEST(what_cannot_be_meant_is_refused_by_name_and_without_the_password) {
    assert_refused("http://h1/mesos", "zk://");
    assert_refused("zk:///mesos", "no host:port");
    assert_refused("zk://", "no host:port");
    assert_refused("zk://h1,,h2/mesos", "no host:port");
    assert_refused("zk://h1:0/mesos", "port");
    assert_refused("zk://h1:65536/mesos", "port");
    assert_refused("zk://h1:/mesos", "port");
    assert_refused("zk://h 1/mesos", "no host:port");
    assert_refused("zk://secret@h1/mesos", "user:password");
    assert_refused("zk://:secret@h1/mesos", "user:password");
    assert_refused("zk://me:secret/secret@h1/mesos", "'@' behind");
    assert_refused("zk://me:secret@h1:x/mesos", "port");
    assert_refused("zk://h1//mesos", "empty part");
    assert_refused("zk://h1/a/../b", "empty part");
    assert_refused("zk://h1/a b", "space");
    assert_refused("zk://h1/a\xff", "UTF-8");
}

TEST(a_list_of_servers_and_a_path_have_ends) {
    AUTO_FINI(buf_fini) struct buf many = {0}, deep = {0};
    buf_append_string(&many, "zk://h");
    for (int i = 0; i < ZK_SERVERS_LIMIT; i++)
        buf_append_string(&many, ",h");
    buf_append_string(&deep, "zk://h/");
    for (int i = 0; i < 900; i++)
        buf_append_byte(&deep, 'a');

    assert_refused(buf_string(&many), "more than 32 servers");
    assert_refused(buf_string(&deep), "768 bytes");
}

TEST(zk_and_file_urls_are_told_from_addresses) {
    assert_true(zk_url_is(TEXT("zk://h")));
    assert_true(zk_url_is(TEXT("file:///etc/zk")));
    assert_false(zk_url_is(TEXT("h1:5050,h2:5050")));
}
