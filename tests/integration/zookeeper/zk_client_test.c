/*
 * zk_client against an ensemble of three. Each test has a folder of its own in it. The program has
 * its own /etc/hosts, where zk.test is whom a test wants.
 */
#include "tests/integration/zookeeper/client.h"
#include "tests/integration/zookeeper/ensemble.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 30000, SHORT_MS = 1000 };

static struct loop *loop;
static char hosts[] = "/tmp/mesos-zk-hosts-XXXXXX";

static void begin(void) {
    if (loop != NULL)
        return;
    ensemble_start(3, NULL);
    struct error error;
    loop = loop_new(&error);
    assert_non_null(loop);
}

/* In place: zk_client keeps a pointer to it. */
#define CLIENT(name, credentials, timeout_ms)                                                      \
    struct client name;                                                                            \
    begin();                                                                                       \
    client_open(&name, loop, ensemble_url(credentials, "/"), timeout_ms);                          \
    WAIT_UNTIL(loop, name.state == ZK_SESSION_CONNECTED)

static struct zk_url url_of(const char *text) {
    struct zk_url url;
    struct error error;
    assert_true(zk_url_parse(text_of(text), &url, &error));
    return url;
}

static const char *port(void) {
    return strrchr(ensemble_servers(), ':') + 1;
}

/* Of one member alone. */
static struct zk_url member_url(int member) {
    char text[64];
    snprintf(text, sizeof(text), "zk://127.0.0.%d:%s/", member, port());
    return url_of(text);
}

static struct told make(struct client *client, const char *path, const char *data) {
    return client_ask(client, (struct zk_request){
                                  .kind = ZK_CREATE, .path = text_of(path), .data = text_of(data)});
}

static struct told get(struct client *client, const char *path, bool watch) {
    return client_ask(client,
                      (struct zk_request){.kind = ZK_GET, .path = text_of(path), .watch = watch});
}

static struct told children(struct client *client, const char *path, bool watch) {
    return client_ask(
        client, (struct zk_request){.kind = ZK_CHILDREN, .path = text_of(path), .watch = watch});
}

static struct told set(struct client *client, const char *path, const char *data, int32_t version) {
    return client_ask(client, (struct zk_request){.kind = ZK_SET,
                                                  .path = text_of(path),
                                                  .data = text_of(data),
                                                  .version = version});
}

static struct told delete (struct client *client, const char *path, int32_t version) {
    return client_ask(
        client, (struct zk_request){.kind = ZK_DELETE, .path = text_of(path), .version = version});
}

static struct told make_member(struct client *client, const char *path) {
    return client_ask(
        client,
        (struct zk_request){.kind = ZK_CREATE_MEMBER, .path = text_of(path), .data = TEXT("me")});
}

static struct told sync_with_leader(struct client *client) {
    return client_ask(client, (struct zk_request){.kind = ZK_SYNC, .path = TEXT("/")});
}

TEST(a_node_is_made_read_changed_and_deleted) {
    CLIENT(client, NULL, LONG_MS);

    assert_int_equal(make(&client, "/basic", "one").result, ZK_OK);
    assert_int_equal(make(&client, "/basic", "two").result, ZK_NODE_EXISTS);
    struct told got = get(&client, "/basic", false);
    assert_int_equal(got.result, ZK_OK);
    assert_string_equal(got.data, "one");
    assert_int_equal(got.version, 0);
    assert_int_equal(got.owner, 0);
    assert_int_equal(set(&client, "/basic", "three", 0).version, 1);
    assert_int_equal(set(&client, "/basic", "four", 0).result, ZK_BAD_VERSION);
    assert_int_equal(set(&client, "/basic", "five", ZK_VERSION_ANY).version, 2);
    assert_int_equal(make(&client, "/basic/under", "").result, ZK_OK);
    assert_int_equal(delete (&client, "/basic", ZK_VERSION_ANY).result, ZK_NOT_EMPTY);
    assert_int_equal(delete (&client, "/basic/under", 0).result, ZK_OK);
    assert_int_equal(delete (&client, "/basic", 0).result, ZK_BAD_VERSION);
    assert_int_equal(delete (&client, "/basic", 2).result, ZK_OK);
    assert_int_equal(get(&client, "/basic", false).result, ZK_NO_NODE);
    assert_int_equal(make(&client, "/none/under", "").result, ZK_NO_NODE);

    client_close(&client);
}

TEST(data_may_be_empty_and_may_have_any_bytes) {
    CLIENT(client, NULL, LONG_MS);
    struct zk_request request = {
        .kind = ZK_CREATE, .path = TEXT("/bytes"), .data = TEXT("a\0b\xff")};

    assert_int_equal(client_ask(&client, request).result, ZK_OK);
    struct told got = get(&client, "/bytes", false);
    assert_int_equal(got.data_size, 4);
    assert_memory_equal(got.data, "a\0b\xff", 4);
    assert_int_equal(set(&client, "/bytes", "", ZK_VERSION_ANY).result, ZK_OK);
    assert_int_equal(get(&client, "/bytes", false).data_size, 0);

    client_close(&client);
}

TEST(members_are_numbered_and_go_with_their_session_at_once_when_it_is_closed) {
    CLIENT(watcher, NULL, LONG_MS);
    CLIENT(member, NULL, LONG_MS);
    make(&watcher, "/members", "");

    struct told first = make_member(&member, "/members/x_");
    struct told second = make_member(&member, "/members/x_");
    assert_string_equal(first.path, "/members/x_0000000000");
    assert_string_equal(second.path, "/members/x_0000000001");
    sync_with_leader(&watcher);
    assert_true(get(&watcher, first.path, true).owner == member.session);
    assert_string_equal(children(&watcher, "/members", false).children,
                        "x_0000000000,x_0000000001");
    int64_t closed_ms = loop_now_ms(loop);
    client_close(&member);
    WAIT_UNTIL(loop, watcher.watched[0] != '\0');
    assert_true(loop_now_ms(loop) - closed_ms < LONG_MS / 3);
    sync_with_leader(&watcher);
    assert_string_equal(children(&watcher, "/members", false).children, "");

    client_close(&watcher);
}

TEST(a_multi_is_done_whole_or_not_at_all_and_says_what_failed) {
    CLIENT(client, NULL, LONG_MS);
    struct zk_write writes[] = {
        {.kind = ZK_WRITE_CHECK, .path = TEXT("/multi"), .version = ZK_VERSION_ANY},
        {.kind = ZK_WRITE_CREATE, .path = TEXT("/multi/a"), .data = TEXT("1")},
        {.kind = ZK_WRITE_SET, .path = TEXT("/multi"), .data = TEXT("2"), .version = 0},
        {.kind = ZK_WRITE_DELETE, .path = TEXT("/multi/b"), .version = ZK_VERSION_ANY},
    };
    struct zk_request multi = {.kind = ZK_MULTI, .writes = writes, .write_count = 4};
    make(&client, "/multi", "");

    struct told refused = client_ask(&client, multi);
    assert_int_equal(refused.result, ZK_NO_NODE);
    assert_int_equal(refused.failed_write, 3);
    assert_int_equal(get(&client, "/multi/a", false).result, ZK_NO_NODE);
    make(&client, "/multi/b", "");
    assert_int_equal(client_ask(&client, multi).result, ZK_OK);
    assert_string_equal(children(&client, "/multi", false).children, "a");
    assert_string_equal(get(&client, "/multi", false).data, "2");
    struct told twice = client_ask(&client, multi);
    assert_int_equal(twice.result, ZK_NODE_EXISTS);
    assert_int_equal(twice.failed_write, 1);

    client_close(&client);
}

TEST(a_watch_tells_once_of_a_change_of_data_or_children) {
    CLIENT(watcher, NULL, LONG_MS);
    CLIENT(writer, NULL, LONG_MS);
    make(&writer, "/watch", "old");
    sync_with_leader(&watcher);
    get(&watcher, "/watch", true);
    make(&writer, "/watch-list", "");
    sync_with_leader(&watcher);
    children(&watcher, "/watch-list", true);

    set(&writer, "/watch", "new", ZK_VERSION_ANY);
    make(&writer, "/watch-list/x", "");
    WAIT_UNTIL(loop, strcmp(watcher.watched, "/watch,/watch-list,") == 0);
    set(&writer, "/watch", "newer", ZK_VERSION_ANY);
    sync_with_leader(&watcher);
    get(&watcher, "/watch", false);
    assert_string_equal(watcher.watched, "/watch,/watch-list,");

    client_close(&watcher);
    client_close(&writer);
}

TEST(what_is_missing_can_be_watched_for) {
    CLIENT(watcher, NULL, LONG_MS);
    CLIENT(writer, NULL, LONG_MS);

    assert_int_equal(get(&watcher, "/to-come", true).result, ZK_NO_NODE);
    assert_int_equal(children(&watcher, "/list-to-come", true).result, ZK_NO_NODE);
    make(&writer, "/to-come", "here");
    WAIT_UNTIL(loop, strcmp(watcher.watched, "/to-come,") == 0);
    assert_string_equal(get(&watcher, "/to-come", false).data, "here");
    make(&writer, "/list-to-come", "");
    WAIT_UNTIL(loop, strcmp(watcher.watched, "/to-come,/list-to-come,") == 0);

    client_close(&watcher);
    client_close(&writer);
}

TEST(answers_come_in_the_order_of_the_questions_refused_ones_too) {
    CLIENT(client, NULL, LONG_MS);

    for (int i = 0; i < 300; i++) {
        const char *path = i % 3 == 0 ? "no path" : i % 3 == 1 ? "/none" : "/";
        client_send(&client, (struct zk_request){
                                 .kind = ZK_GET, .path = text_of(path), .watch = i % 2 == 0});
    }
    WAIT_UNTIL(loop, client.told.count == 300);
    for (size_t i = 0; i < 300; i++) {
        static const enum zk_result results[] = {ZK_FAILED, ZK_NO_NODE, ZK_OK};
        assert_int_equal(client.told.items[i].number, i + 1);
        assert_int_equal(client.told.items[i].result, results[i % 3]);
    }

    client_close(&client);
}

TEST(what_is_beyond_a_limit_is_refused_here) {
    CLIENT(client, NULL, LONG_MS);
    static char large[ZK_NODE_BYTES_LIMIT];
    static struct zk_write writes[ZK_MULTI_WRITES_LIMIT + 1];
    memset(large, 'x', sizeof(large));
    large[0] = '/';
    for (size_t i = 0; i <= ZK_MULTI_WRITES_LIMIT; i++)
        writes[i] = (struct zk_write){.kind = ZK_WRITE_CHECK, .path = TEXT("/")};
    struct zk_request requests[] = {
        {.kind = ZK_GET, .path = {large, ZK_PATH_BYTES_LIMIT + 1}},
        {.kind = ZK_CREATE, .path = TEXT("/large"), .data = {large, sizeof(large)}},
        {.kind = ZK_MULTI, .writes = writes, .write_count = ZK_MULTI_WRITES_LIMIT + 1},
        {.kind = ZK_GET, .path = TEXT("/x/")},
        {.kind = ZK_GET, .path = TEXT("/x//y")},
        {.kind = ZK_GET, .path = TEXT("/x\0y")},
        {.kind = ZK_GET},
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct told told = client_ask(&client, requests[i]);
        assert_int_equal(told.result, ZK_FAILED);
        assert_true(told.why[0] != '\0');
    }
    struct zk_request fits = {.kind = ZK_CREATE, .path = TEXT("/fits"), .data = {large, 1000000}};
    assert_int_equal(client_ask(&client, fits).result, ZK_OK);
    assert_int_equal(get(&client, "/fits", false).data_size, 1000000);

    client_close(&client);
}

TEST(nodes_made_with_credentials_are_for_all_to_read_and_for_those_to_write) {
    CLIENT(owner, "me:secret", LONG_MS);
    CLIENT(wrong, "me:wrong", LONG_MS);
    CLIENT(nobody, NULL, LONG_MS);
    CLIENT(same, "me:secret", LONG_MS);
    struct client *others[] = {&wrong, &nobody};

    assert_int_equal(make(&owner, "/mine", "1").result, ZK_OK);
    for (size_t i = 0; i < 2; i++) {
        sync_with_leader(others[i]);
        assert_string_equal(get(others[i], "/mine", false).data, "1");
        assert_int_equal(set(others[i], "/mine", "2", ZK_VERSION_ANY).result, ZK_NO_AUTH);
        assert_int_equal(make_member(others[i], "/mine/x_").result, ZK_NO_AUTH);
        struct zk_write write = {.kind = ZK_WRITE_CREATE, .path = TEXT("/mine/y")};
        struct zk_request multi = {.kind = ZK_MULTI, .writes = &write, .write_count = 1};
        assert_int_equal(client_ask(others[i], multi).result, ZK_NO_AUTH);
    }
    assert_int_equal(set(&same, "/mine", "3", ZK_VERSION_ANY).result, ZK_OK);

    client_close(&owner);
    client_close(&wrong);
    client_close(&nobody);
    client_close(&same);
}

TEST(a_session_survives_the_server_it_is_connected_to) {
    struct client client;
    begin();
    client_open(&client, loop, member_url(1), LONG_MS);
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    make_member(&client, "/survivor_");
    children(&client, "/", true);

    ensemble_do("pause 1");
    uint64_t sent[3];
    for (size_t i = 0; i < 3; i++)
        sent[i] = client_send(&client, (struct zk_request){.kind = ZK_GET, .path = TEXT("/")});
    ensemble_do("down 1");
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTING);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(client_told(&client, sent[i])->result, ZK_LOST);
    assert_int_equal(get(&client, "/", false).result, ZK_LOST);
    ensemble_do("up 1");
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    assert_true(client.session == client.last_session);
    assert_int_equal(client.expiries, 0);
    make(&client, "/watched-after-all", "");
    WAIT_UNTIL(loop, strcmp(client.watched, "/,") == 0);

    client_close(&client);
}

TEST(a_session_that_expires_is_followed_by_a_new_one) {
    CLIENT(witness, NULL, LONG_MS);
    struct client client;
    client_open(&client, loop, member_url(3), SHORT_MS);
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    struct told mine = make_member(&client, "/expires_");
    sync_with_leader(&witness);
    assert_int_equal(get(&witness, mine.path, true).result, ZK_OK);

    ensemble_do("down 3");
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTING);
    WAIT_UNTIL(loop, strstr(witness.watched, mine.path) != NULL);
    ensemble_do("up 3");
    WAIT_UNTIL(loop, client.connects == 2);
    assert_int_equal(client.expiries, 1);
    assert_true(client.session != client.last_session);
    assert_int_equal(get(&client, "/", false).result, ZK_OK);

    client_close(&client);
    client_close(&witness);
}

static size_t count_threads(void) {
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count;
}

/* As when the process was stopped for longer than the session: its loop has yet to hear. */
TEST(a_multi_of_a_session_that_the_library_knows_to_be_over_is_refused) {
    CLIENT(witness, NULL, LONG_MS);
    struct error error;
    AUTO(loop_free) struct loop *own = loop_new(&error);
    struct client client;
    client_open(&client, own, member_url(3), SHORT_MS);
    WAIT_UNTIL(own, client.state == ZK_SESSION_CONNECTED);
    struct told mine = make_member(&client, "/stopped_");
    sync_with_leader(&witness);
    assert_int_equal(get(&witness, mine.path, true).result, ZK_OK);
    size_t threads = count_threads();
    ensemble_do("down 3");
    WAIT_UNTIL(loop, strstr(witness.watched, mine.path) != NULL);
    ensemble_do("up 3");
    WAIT_UNTIL(loop, count_threads() < threads); /* the library's that would send */

    const struct zk_write writes[] = {
        {.kind = ZK_WRITE_CHECK, .path = text_of(mine.path), .version = ZK_VERSION_ANY},
        {.kind = ZK_WRITE_CREATE, .path = TEXT("/never_a"), .data = TEXT("a")},
        {.kind = ZK_WRITE_CREATE, .path = TEXT("/never_b"), .data = TEXT("b")},
        {.kind = ZK_WRITE_DELETE, .path = TEXT("/never_c"), .version = ZK_VERSION_ANY},
    };
    struct told told = client_ask(
        &client, (struct zk_request){.kind = ZK_MULTI, .writes = writes, .write_count = 4});

    assert_true(told.result == ZK_OVER || told.result == ZK_LOST);
    WAIT_UNTIL(own, client.connects == 2);
    assert_int_equal(client.expiries, 1);
    client_close(&client);
    client_close(&witness);
}

TEST(without_a_server_requests_are_lost_and_closing_is_quick) {
    struct client client;
    begin();
    client_open(&client, loop, url_of("zk://127.0.0.1:1,127.0.0.9:1/"), LONG_MS);

    assert_int_equal(get(&client, "/", true).result, ZK_LOST);
    int64_t before_ms = loop_now_ms(loop);
    client_close(&client);
    loop_turn(loop, 0);
    assert_true(loop_now_ms(loop) - before_ms < ZK_CLOSE_MS + 500);
}

/* Something that is no ZooKeeper, or a bad one: `fn` has the connection. */
struct impostor {
    int fd;
    int port;
    struct loop_watch *watch;
    void (*fn)(int fd);
};

static void on_arrival(void *self, __attribute__((unused)) unsigned events) {
    struct impostor *impostor = self;
    int fd = accept4(impostor->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    impostor->fn(fd);
    close(fd);
}

static void impostor_open(struct impostor *impostor, void (*fn)(int fd)) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    impostor->fn = fn;
    impostor->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(impostor->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(impostor->fd, 16), 0);
    assert_int_equal(getsockname(impostor->fd, (struct sockaddr *)&address, &size), 0);
    impostor->port = ntohs(address.sin_port);
    impostor->watch = loop_watch_new(loop, impostor->fd, LOOP_READ, on_arrival, impostor);
}

static void impostor_close(struct impostor *impostor) {
    loop_watch_free(impostor->watch);
    close(impostor->fd);
}

static void speak_http(int fd) {
    static const char nonsense[4096] = "HTTP/1.1 400 this is another kind of server\r\n\r\n";
    send(fd, nonsense, sizeof(nonsense), MSG_NOSIGNAL);
}

TEST(a_server_that_speaks_something_else_is_no_server) {
    struct client client;
    struct impostor impostor;
    char url[128];
    begin();
    impostor_open(&impostor, speak_http);
    snprintf(url, sizeof(url), "zk://127.0.0.1:%d,%s/", impostor.port, ensemble_servers());

    for (int i = 0; i < 5; i++) { /* whom it asks first is chance */
        client_open(&client, loop, url_of(url), SHORT_MS);
        WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
        client_close(&client);
    }

    impostor_close(&impostor);
}

/* Reads one frame: four bytes of size, then so many. */
static void skip_frame(int fd) {
    unsigned char size[4], body[1024];
    if (recv(fd, size, sizeof(size), MSG_WAITALL) == sizeof(size) && size[2] < 4)
        recv(fd, body, (size_t)size[2] * 256 + size[3], MSG_WAITALL);
}

/* Makes a session, then says of the credentials: ZAUTHFAILED (-115). */
static void refuse_credentials(int fd) {
    static const unsigned char welcome[41] = {[3] = 37, [10] = 39, [11] = 16, [19] = 7, [23] = 16};
    static const unsigned char refusal[20] = {
        [3] = 16, [4] = 255, 255, 255, 252, [16] = 255, 255, 255, 256 - 115};
    skip_frame(fd);
    send(fd, welcome, sizeof(welcome), MSG_NOSIGNAL);
    skip_frame(fd);
    send(fd, refusal, sizeof(refusal), MSG_NOSIGNAL);
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

TEST(a_client_whose_credentials_are_refused_tries_again_after_a_pause) {
    struct client client;
    struct impostor impostor;
    char url[128];
    begin();
    impostor_open(&impostor, refuse_credentials);
    snprintf(url, sizeof(url), "zk://me:secret@127.0.0.1:%d/", impostor.port);
    client_open(&client, loop, url_of(url), LONG_MS);

    WAIT_UNTIL(loop, client.refusals == 1);
    int64_t first_ms = loop_now_ms(loop);
    assert_int_equal(get(&client, "/", false).result, ZK_LOST);
    WAIT_UNTIL(loop, client.refusals == 2);
    assert_true(loop_now_ms(loop) - first_ms >= ZK_REFUSED_PAUSE_MS);

    client_close(&client);
    impostor_close(&impostor);
}

static void forget_hosts(void) {
    unlink(hosts);
}

/* zk.test is `address` in a file that only this process sees as /etc/hosts. */
static void name_is(const char *address) {
    static bool is_mounted;
    int fd = is_mounted ? open(hosts, O_WRONLY | O_TRUNC | O_CLOEXEC) : mkostemp(hosts, O_CLOEXEC);
    assert_true(fd >= 0);
    dprintf(fd, "127.0.0.1 localhost\n%s zk.test\n", address);
    close(fd);
    if (is_mounted)
        return;
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL), 0);
    is_mounted = true;
    atexit(forget_hosts);
}

/* Before there are threads: a mount namespace is unshared by all or nobody. */
__attribute__((constructor)) static void have_own_hosts(void) {
    if (geteuid() == 0 && unshare(CLONE_NEWNS) != 0)
        perror("unshare");
}

/* Makes a session, then hears everything and answers nothing: in a thread, for it never ends. */
static void *hear_in_silence(void *self) {
    static const unsigned char welcome[41] = {[3] = 37, [10] = 39, [11] = 16, [19] = 7, [23] = 16};
    int fd = (int)(intptr_t)self;
    char byte;
    skip_frame(fd);
    send(fd, welcome, sizeof(welcome), MSG_NOSIGNAL);
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
    close(fd);
    return NULL;
}

static void be_silent(int fd) {
    pthread_t thread;
    assert_int_equal(
        pthread_create(&thread, NULL, hear_in_silence, (void *)(intptr_t)fcntl(fd, F_DUPFD, 0)), 0);
    pthread_detach(thread);
}

TEST(a_session_whose_server_answers_nothing_any_more_is_given_up) {
    struct client client;
    struct impostor impostor;
    char url[64];
    begin();
    impostor_open(&impostor, be_silent);
    snprintf(url, sizeof(url), "zk://127.0.0.1:%d/", impostor.port);
    client_open(&client, loop, url_of(url), SHORT_MS);
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);

    struct told told = get(&client, "/", false);

    assert_int_equal(told.result, ZK_OVER);
    assert_int_equal(client.expiries, 1);
    WAIT_UNTIL(loop, client.connects == 2);
    client_close(&client);
    impostor_close(&impostor);
}

TEST(names_are_looked_up_anew_and_the_session_goes_on_at_the_new_address) {
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: needs root for its own /etc/hosts\n");
        skip();
    }
    struct client client;
    char url[64];
    begin();
    name_is("127.0.0.1");
    snprintf(url, sizeof(url), "zk://zk.test:%s/", port());
    client_open(&client, loop, url_of(url), LONG_MS);
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    struct told mine = make_member(&client, "/mover_");
    get(&client, mine.path, true);

    name_is("127.0.0.2");
    ensemble_do("down 1");
    WAIT_UNTIL(loop, client.connects == 2);
    assert_true(client.session == client.last_session);
    assert_int_equal(client.expiries, 0);
    WAIT_UNTIL(loop, strstr(client.watched, mine.path) != NULL);
    assert_int_equal(get(&client, mine.path, false).result, ZK_OK);
    client_close(&client);
    ensemble_do("up 1");
}

TEST(a_name_that_nobody_knows_is_tried_until_somebody_does) {
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: needs root for its own /etc/hosts\n");
        skip();
    }
    struct client client;
    char url[64];
    begin();
    snprintf(url, sizeof(url), "zk://later.zk.test:%s/", port());
    client_open(&client, loop, url_of(url), LONG_MS);
    assert_int_equal(get(&client, "/", false).result, ZK_LOST);
    WAIT_UNTIL(loop, client.lookups > 0);
    assert_true(strncmp(client.lookup, "later.zk.test: ", 15) == 0);

    name_is("127.0.0.2 later.zk.test");
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    assert_int_equal(client.lookups, 1);
    client_close(&client);
}

TEST(a_client_may_be_freed_in_any_of_its_callbacks) {
    CLIENT(client, NULL, LONG_MS);

    for (int i = 0; i < 100; i++)
        client_send(&client, (struct zk_request){.kind = ZK_GET, .path = TEXT("/"), .watch = true});
    WAIT_UNTIL(loop, client.told.count > 0);
    client_close(&client); /* with answers on their way */
    loop_turn(loop, 0);
}
