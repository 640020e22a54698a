/*
 * The leader as agents, drivers and the CLI find it, in a real ZooKeeper.
 */
#include "zookeeper/shell/leader_finder.h"

#include "tests/integration/zookeeper/client.h"
#include "tests/integration/zookeeper/ensemble.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <unistd.h>

static struct loop *loop;

static void begin(void) {
    if (loop != NULL)
        return;
    ensemble_start(1, NULL);
    struct error error;
    loop = loop_new(&error);
    assert_non_null(loop);
}

struct seen {
    struct leader_finder *finder;
    char address[300];
    unsigned changes, troubles;
    bool frees;
};

static void on_change(void *self, struct text address) {
    struct seen *seen = self;
    snprintf(seen->address, sizeof(seen->address), "%.*s", TEXT_ARGS(address));
    seen->changes++;
    if (seen->frees)
        leader_finder_free(TAKE(seen->finder));
}

static void on_trouble(void *self, __attribute__((unused)) struct text why) {
    struct seen *seen = self;
    seen->troubles++;
}

/* zk://SERVERS/PATH */
static const char *url_of(const char *path) {
    static char url[256];
    snprintf(url, sizeof(url), "zk://%s%s", ensemble_servers(), path);
    return url;
}

static void find(struct seen *seen, const char *url) {
    struct error error;
    *seen = (struct seen){.address = "?"};
    seen->finder = leader_finder_new(loop, text_of(url), on_change, on_trouble, seen, &error);
    assert_non_null(seen->finder);
}

static void make(struct client *client, enum zk_request_kind kind, const char *path,
                 const char *data) {
    struct zk_request request = {.kind = kind, .path = text_of(path), .data = text_of(data)};
    assert_int_equal(client_ask(client, request).result, ZK_OK);
}

static void open_master(struct client *client) {
    client_open(client, loop, ensemble_url(NULL, "/"), 10000);
    WAIT_UNTIL(loop, client->state == ZK_SESSION_CONNECTED);
}

TEST(the_leader_is_told_and_told_again_when_it_changes) {
    struct client first, second;
    struct seen seen;
    begin();
    open_master(&first);
    open_master(&second);
    make(&first, ZK_CREATE, "/change", "");

    find(&seen, url_of("/change"));
    WAIT_UNTIL(loop, strcmp(seen.address, "") == 0);
    make(&first, ZK_CREATE_MEMBER, "/change/json.info_",
         "{\"address\":{\"ip\":\"10.0.0.1\",\"port\":1}}");
    make(&second, ZK_CREATE_MEMBER, "/change/json.info_",
         "{\"address\":{\"ip\":\"10.0.0.2\",\"port\":2}}");
    WAIT_UNTIL(loop, strcmp(seen.address, "10.0.0.1:1") == 0);
    client_close(&first);
    WAIT_UNTIL(loop, strcmp(seen.address, "10.0.0.2:2") == 0);
    assert_int_equal(seen.changes, 3);
    assert_int_equal(seen.troubles, 0);

    leader_finder_free(seen.finder);
    client_close(&second);
}

TEST(a_finder_may_be_freed_when_it_tells) {
    struct client master;
    struct seen seen;
    begin();
    open_master(&master);
    make(&master, ZK_CREATE, "/free", "");
    make(&master, ZK_CREATE_MEMBER, "/free/json.info_",
         "{\"address\":{\"ip\":\"10.0.0.1\",\"port\":1}}");

    find(&seen, url_of("/free"));
    seen.frees = true;
    WAIT_UNTIL(loop, seen.finder == NULL);

    assert_string_equal(seen.address, "10.0.0.1:1");
    client_close(&master);
}

TEST(the_url_may_be_in_a_file) {
    struct client master;
    struct error error;
    char path[] = "/tmp/mesos-zk-url-XXXXXX", url[64], found[300];
    begin();
    open_master(&master);
    make(&master, ZK_CREATE, "/file", "");
    make(&master, ZK_CREATE_MEMBER, "/file/json.info_",
         "{\"address\":{\"ip\":\"10.0.0.1\",\"port\":5050}}");
    int fd = mkstemp(path);
    dprintf(fd, "%s\n", url_of("/file"));
    close(fd);
    snprintf(url, sizeof(url), "file://%s", path);

    assert_true(leader_find(text_of(url), 30000, found, sizeof(found), &error));
    assert_string_equal(found, "10.0.0.1:5050");
    unlink(path);
    assert_false(leader_find(text_of(url), 30000, found, sizeof(found), &error));
    client_close(&master);
}

TEST(who_waits_in_vain_is_told_where) {
    struct error error;
    char found[300];
    begin();

    assert_false(leader_find(text_of(url_of("/nobody")), 300, found, sizeof(found), &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(error.message, "/nobody"));
    assert_false(
        leader_find(TEXT("zk://me:secret@127.0.0.1:1/x"), 300, found, sizeof(found), &error));
    assert_non_null(strstr(error.message, "127.0.0.1:1"));
    assert_null(strstr(error.message, "secret"));
    assert_false(leader_find(TEXT("zk://"), 300, found, sizeof(found), &error));
    assert_int_equal(error.code, ERROR_INVALID);
}
