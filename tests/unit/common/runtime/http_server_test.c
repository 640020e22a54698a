#include "common/runtime/http_server.h"

#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_client.h"
#include "common/runtime/loop.h"
#include "common/runtime/socket.h"
#include "tests/support/unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server and a client in one loop. */
struct world {
    struct loop *loop;
    struct http_server *server;
    struct http_request *held;
    struct http_stream *stream;
    struct frame_link *link, *client_link;
    struct buf body;
    int status, closes, echoes;
    struct error error, stream_error;
    struct frame_client_result result;
    bool is_done, stops_on_hold;
    VEC_OF(int) taken; /* descriptors */
    struct rlimit limit;
    int backlogs;
};

static void handle_echo(void *self, struct http_request *request) {
    struct world *world = self;
    world->echoes++;
    http_request_answer(request, (struct http_answer){
                                     .status = 200,
                                     .content_type = "text/x-echo",
                                     .body = http_request_body(request),
                                     .headers = (struct http_header[]){{"X-Path", "yes"}},
                                     .header_count = 1,
                                 });
}

static void handle_show(void *self, struct http_request *request) {
    (void)self;
    struct text name = http_request_query(request, "name");
    struct text header = http_request_header(request, "x-MIXED-case");
    struct text rest = http_request_rest(request);
    http_request_answer_text(request, 200, "%s %.*s|%.*s|%.*s", http_request_method(request),
                             TEXT_ARGS(rest), TEXT_ARGS(name), TEXT_ARGS(header));
}

static void handle_hold(void *self, struct http_request *request) {
    struct world *world = self;
    world->held = request;
    if (world->stops_on_hold)
        loop_stop(world->loop);
}

static void stream_closed(void *self, const struct error *error) {
    struct world *world = self;
    world->stream_error = *error;
    world->closes++;
    loop_stop(world->loop);
}

static void handle_stream(void *self, struct http_request *request) {
    struct world *world = self;
    world->stream = http_request_stream(
        request, (struct http_answer){.status = 200, .body = TEXT("first")}, stream_closed, world);
}

static void server_frame(void *self, uint16_t type, struct text payload) {
    struct world *world = self;
    frame_link_send(world->link, (uint16_t)(type + 1), payload);
}

static void server_closed(void *self, const struct error *error) {
    struct world *world = self;
    (void)error;
    world->closes++;
    loop_stop(world->loop);
}

static const struct frame_link_callbacks server_callbacks = {server_frame, server_closed};

static void handle_frames(void *self, struct http_request *request) {
    struct world *world = self;
    struct http_header header = {"Mesos-Version", "1"};
    struct error error;
    world->link = http_request_upgrade(request, &header, 1, &error);
    if (world->link == NULL)
        http_request_answer_text(request, 426, "%s", error.message);
    else
        frame_link_start(world->link, &server_callbacks, world);
}

static void handle_redirect(void *self, struct http_request *request) {
    (void)self;
    struct http_header header = {"Location", "//leader.example:5051/x/y"};
    http_request_answer(request,
                        (struct http_answer){.status = 307, .headers = &header, .header_count = 1});
}

static void world_begin(struct world *world, struct http_server_options options) {
    *world = (struct world){.loop = loop_new(NULL)};
    world->server = http_server_new(world->loop, options);
    http_server_route(world->server, "/echo/", handle_echo, world);
    http_server_route(world->server, "/show", handle_show, world);
    http_server_route(world->server, "/hold", handle_hold, world);
    http_server_route(world->server, "/stream", handle_stream, world);
    http_server_route(world->server, "/frames", handle_frames, world);
    http_server_route(world->server, "/redirect", handle_redirect, world);
    assert_true(http_server_listen(world->server, "127.0.0.1", 0, NULL));
}

static void world_end(struct world *world) {
    frame_link_free(world->link);
    frame_link_free(world->client_link);
    http_stream_end(world->stream);
    http_server_free(world->server);
    loop_free(world->loop);
    buf_fini(&world->body);
}

static struct address address_of(const struct world *world) {
    return (struct address){.host = "127.0.0.1", .port = http_server_port(world->server)};
}

static void gather(void *self, struct text data) {
    struct world *world = self;
    buf_append_text(&world->body, data);
}

static void asked(void *self, const struct http_head *head, const struct error *error) {
    struct world *world = self;
    world->status = error == NULL ? head->status : 0;
    world->error = error != NULL ? *error : (struct error){0};
    world->is_done = true;
    loop_stop(world->loop);
}

static const struct http_exchange_callbacks asking = {.on_data = gather, .on_done = asked};

static void ask(struct world *world, struct http_ask question) {
    question.address = address_of(world);
    question.timeout_ms = 20000;
    struct http_exchange *exchange = http_exchange_new(world->loop, &question, &asking, world);
    world->is_done = false;
    buf_clear(&world->body);
    while (!world->is_done)
        loop_run(world->loop);
    http_exchange_free(exchange);
}

TEST(a_body_comes_back_from_an_echo) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    ask(&world, (struct http_ask){.path = "/echo", .body = TEXT("hello")});

    assert_int_equal(world.status, 200);
    assert_text_equal(buf_text(&world.body), "hello");
    world_end(&world);
}

TEST(a_request_tells_method_rest_of_path_decoded_query_and_headers_in_any_case) {
    struct world world;
    struct http_header header = {"X-Mixed-Case", "there"};
    world_begin(&world, (struct http_server_options){0});

    ask(&world, (struct http_ask){.method = "DELETE",
                                  .path = "/show/a%20b?x=1&name=two%2Bthree",
                                  .headers = &header,
                                  .header_count = 1});

    assert_text_equal(buf_text(&world.body), "DELETE /a b|two+three|there");
    world_end(&world);
}

TEST(a_slash_at_the_end_of_a_path_means_nothing_and_half_a_segment_is_no_prefix) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    ask(&world, (struct http_ask){.path = "/echo/"});
    assert_int_equal(world.status, 200);
    ask(&world, (struct http_ask){.path = "/echoes"});
    assert_int_equal(world.status, 404);

    world_end(&world);
}

TEST(a_body_beyond_the_limit_reaches_no_handler) {
    struct world world;
    char large[20000] = {0};
    world_begin(&world, (struct http_server_options){.body_limit_bytes = 10000});

    ask(&world, (struct http_ask){.path = "/echo", .body = {large, sizeof(large)}});

    assert_int_not_equal(world.status, 200);
    assert_int_equal(world.echoes, 0);
    world_end(&world);
}

TEST(a_head_beyond_the_limit_reaches_no_handler) {
    struct world world;
    char large[5000];
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    struct http_header header = {"X-Large", large};
    world_begin(&world, (struct http_server_options){.head_limit_bytes = 1000});

    ask(&world, (struct http_ask){.path = "/echo", .headers = &header, .header_count = 1});

    assert_int_not_equal(world.status, 200);
    assert_int_equal(world.echoes, 0);
    world_end(&world);
}

static int connect_raw(const struct world *world) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(world->server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void stop_reading(void *self, __attribute__((unused)) unsigned events) {
    struct world *world = self;
    loop_stop(world->loop);
}

TEST(garbage_is_answered_with_an_error_or_closed) {
    struct world world;
    char answer[4096] = "";
    world_begin(&world, (struct http_server_options){0});
    int fd = connect_raw(&world);

    assert_true(write(fd, "\1\2\3 garbage\r\n\r\n", 15) == 15);
    struct loop_watch *watch = loop_watch_new(world.loop, fd, LOOP_READ, stop_reading, &world);
    loop_run(world.loop);
    ssize_t got = read(fd, answer, sizeof(answer) - 1);

    assert_true(got <= 0 || strstr(answer, "200") == NULL);
    loop_watch_free(watch);
    close(fd);
    world_end(&world);
}

TEST(an_answer_may_come_in_a_later_turn) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    world.stops_on_hold = true;
    struct http_ask question = {.address = address_of(&world), .path = "/hold"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &asking, &world);

    loop_run(world.loop);
    http_request_answer_text(world.held, 202, "later");
    loop_run(world.loop);

    assert_int_equal(world.status, 202);
    http_exchange_free(exchange);
    world_end(&world);
}

TEST(a_request_outlives_its_server) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    world.stops_on_hold = true;
    struct http_ask question = {.address = address_of(&world), .path = "/hold?x=y"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &asking, &world);
    loop_run(world.loop);

    http_server_free(world.server);
    world.server = NULL;

    assert_true(http_request_is_gone(world.held));
    assert_text_equal(http_request_query(world.held, "x"), "y");
    http_request_answer_text(world.held, 200, "to nobody");
    http_exchange_free(exchange);
    world_end(&world);
}

TEST(a_request_whose_peer_went_away_is_answered_into_nothing) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    world.stops_on_hold = true;
    struct http_ask question = {.address = address_of(&world), .path = "/hold"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &asking, &world);
    loop_run(world.loop);

    http_exchange_free(exchange);
    http_request_answer_text(world.held, 200, "to nobody");
    loop_turn(world.loop, 0);

    world_end(&world);
}

TEST(a_dropped_request_closes_its_connection) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    world.stops_on_hold = true;
    struct http_ask question = {.address = address_of(&world), .path = "/hold"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &asking, &world);
    loop_run(world.loop);

    http_request_drop(world.held);
    loop_run(world.loop);

    assert_int_equal(world.error.code, ERROR_CLOSED);
    http_exchange_free(exchange);
    world_end(&world);
}

struct reader {
    struct world *world;
    size_t wanted;
};

static void wait_for_bytes(void *self, struct text data) {
    struct reader *reader = self;
    buf_append_text(&reader->world->body, data);
    if (reader->world->body.size >= reader->wanted)
        loop_stop(reader->world->loop);
}

static void reader_done(void *self, const struct http_head *head, const struct error *error) {
    asked(((struct reader *)self)->world, head, error);
}

TEST(a_stream_arrives_piece_by_piece_and_ends_when_it_is_ended) {
    static const struct http_exchange_callbacks reading = {.on_data = wait_for_bytes,
                                                           .on_done = reader_done};
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct reader reader = {&world, 5};
    struct http_ask question = {.address = address_of(&world), .path = "/stream"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &reading, &reader);
    loop_run(world.loop);
    assert_text_equal(buf_text(&world.body), "first");

    assert_true(http_stream_write(world.stream, TEXT("second")));
    reader.wanted = 11;
    loop_run(world.loop);
    http_stream_end(world.stream);
    world.stream = NULL;
    reader.wanted = 1000;
    loop_run(world.loop);

    assert_text_equal(buf_text(&world.body), "firstsecond");
    assert_int_equal(world.status, 200);
    http_exchange_free(exchange);
    world_end(&world);
}

TEST(a_stream_hears_that_its_reader_went_away) {
    static const struct http_exchange_callbacks reading = {.on_data = wait_for_bytes,
                                                           .on_done = reader_done};
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct reader reader = {&world, 5};
    struct http_ask question = {.address = address_of(&world), .path = "/stream"};
    struct http_exchange *exchange = http_exchange_new(world.loop, &question, &reading, &reader);
    loop_run(world.loop);

    http_exchange_free(exchange);
    loop_run(world.loop);

    assert_int_equal(world.closes, 1);
    assert_int_equal(world.stream_error.code, ERROR_CLOSED);
    assert_false(http_stream_write(world.stream, TEXT("x")));
    world_end(&world);
}

TEST(a_stream_whose_reader_is_too_slow_is_cut_off) {
    struct world world;
    char large[100000] = {0};
    world_begin(&world, (struct http_server_options){.stream_limit_bytes = 1 << 20});
    int fd = connect_raw(&world);
    assert_true(write(fd, "GET /stream HTTP/1.1\r\n\r\n", 24) == 24);
    while (world.stream == NULL)
        loop_turn(world.loop, -1);

    int chunks = 0;
    while (http_stream_write(world.stream, (struct text){large, sizeof(large)})) {
        assert_true(++chunks < 1000);
        loop_turn(world.loop, 0);
    }
    loop_run(world.loop);

    assert_int_equal(world.stream_error.code, ERROR_LIMIT);
    assert_int_equal(world.closes, 1);
    close(fd);
    world_end(&world);
}

TEST(a_stream_may_outlive_its_server) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    int fd = connect_raw(&world);
    assert_true(write(fd, "GET /stream HTTP/1.1\r\n\r\n", 24) == 24);
    while (world.stream == NULL)
        loop_turn(world.loop, -1);

    http_server_free(world.server);
    world.server = NULL;

    assert_false(http_stream_write(world.stream, TEXT("x")));
    close(fd);
    world_end(&world);
}

/* ---- mesos/1 ---- */

static void upgraded(void *self, const struct frame_client_result *result) {
    struct world *world = self;
    world->result = *result;
    world->result.head = NULL;
    world->client_link = result->link;
    if (result->outcome == FRAME_CLIENT_CONNECTED)
        assert_text_equal(http_head_find(result->head, "mesos-version"), "1");
    loop_stop(world->loop);
}

static void upgrade(struct world *world, struct frame_client_options options) {
    if (options.address.port == 0)
        options.address = address_of(world);
    struct frame_client *client = frame_client_new(world->loop, &options, upgraded, world);
    loop_run(world->loop);
    frame_client_free(client);
}

static void client_frame(void *self, uint16_t type, struct text payload) {
    struct world *world = self;
    world->status = type;
    buf_append_text(&world->body, payload);
    loop_stop(world->loop);
}

static void client_closed(void *self, const struct error *error) {
    struct world *world = self;
    world->error = *error;
    loop_stop(world->loop);
}

static const struct frame_link_callbacks client_callbacks = {client_frame, client_closed};

TEST(an_upgraded_connection_carries_frames_both_ways) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    upgrade(&world, (struct frame_client_options){.path = "/frames"});
    assert_int_equal(world.result.outcome, FRAME_CLIENT_CONNECTED);
    frame_link_start(world.client_link, &client_callbacks, &world);
    frame_link_send(world.client_link, 41, TEXT("payload"));
    loop_run(world.loop);

    assert_int_equal(world.status, 42);
    assert_text_equal(buf_text(&world.body), "payload");
    world_end(&world);
}

TEST(an_upgraded_connection_outlives_the_server_that_accepted_it) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    upgrade(&world, (struct frame_client_options){.path = "/frames"});
    frame_link_start(world.client_link, &client_callbacks, &world);

    http_server_free(world.server);
    world.server = NULL;
    frame_link_send(world.client_link, 1, TEXT("x"));
    loop_run(world.loop);

    assert_int_equal(world.status, 2);
    world_end(&world);
}

TEST(the_server_hears_that_an_upgraded_peer_went_away) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    upgrade(&world, (struct frame_client_options){.path = "/frames"});

    frame_link_free(world.client_link);
    world.client_link = NULL;
    loop_run(world.loop);

    assert_int_equal(world.closes, 1);
    world_end(&world);
}

TEST(frames_sent_right_behind_the_request_are_not_lost) {
    static const char bytes[] = "GET /frames HTTP/1.1\r\nConnection: Upgrade\r\n"
                                "Upgrade: mesos/1\r\n\r\n\0\0\0\1\0\5\0\0x";
    struct world world;
    char answer[4096];
    size_t size = 0;
    world_begin(&world, (struct http_server_options){0});
    int fd = connect_raw(&world);

    assert_int_equal(write(fd, bytes, sizeof(bytes) - 1), sizeof(bytes) - 1);
    struct loop_watch *watch = loop_watch_new(world.loop, fd, LOOP_READ, stop_reading, &world);
    while (size < 9 || memcmp(answer + size - 9, "\0\0\0\1\0\6\0\0x", 9) != 0) {
        loop_run(world.loop);
        ssize_t got = read(fd, answer + size, sizeof(answer) - size);
        assert_true(got > 0);
        size += (size_t)got;
    }

    assert_memory_equal(answer, "HTTP/1.1 101 ", 13);
    loop_watch_free(watch);
    close(fd);
    world_end(&world);
}

TEST(a_request_without_the_upgrade_header_is_no_connection_for_frames) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    ask(&world, (struct http_ask){.path = "/frames"});

    assert_int_equal(world.status, 426);
    world_end(&world);
}

TEST(a_refused_upgrade_brings_the_peers_own_words) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    upgrade(&world, (struct frame_client_options){.path = "/nowhere"});

    assert_int_equal(world.result.outcome, FRAME_CLIENT_REFUSED);
    assert_int_equal(world.result.status, 404);
    assert_non_null(strstr(world.result.error.message, "Nothing is at /nowhere"));
    world_end(&world);
}

TEST(a_redirect_names_the_leader) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    upgrade(&world, (struct frame_client_options){.path = "/redirect"});

    assert_int_equal(world.result.outcome, FRAME_CLIENT_REDIRECTED);
    assert_string_equal(world.result.redirect.host, "leader.example");
    assert_int_equal(world.result.redirect.port, 5051);
    world_end(&world);
}

TEST(a_peer_that_does_not_answer_in_time_is_given_up) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});

    upgrade(&world, (struct frame_client_options){.path = "/hold", .timeout_ms = 50});

    assert_int_equal(world.result.outcome, FRAME_CLIENT_FAILED);
    assert_int_equal(world.result.error.code, ERROR_TIMEOUT);
    http_request_drop(world.held);
    world_end(&world);
}

TEST(a_port_where_nobody_listens_is_an_error_that_names_it) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct frame_client_options options = {.address = address_of(&world)};
    http_server_free(world.server);
    world.server = NULL;
    loop_turn(world.loop, 0);

    upgrade(&world, options);

    assert_int_equal(world.result.outcome, FRAME_CLIENT_FAILED);
    assert_int_equal(world.result.error.code, ERROR_IO);
    assert_non_null(strstr(world.result.error.message, "127.0.0.1"));
    world_end(&world);
}

static void count_backlog(void *self, const struct error *why) {
    struct world *world = self;
    world->error = *why;
    world->backlogs++;
}

/* Takes every descriptor but `spare`; the limit is low, so that they are few. */
static void take_descriptors(struct world *world, int spare) {
    int fd;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 128, .rlim_max = world->limit.rlim_max});
    while ((fd = dup(STDERR_FILENO)) >= 0)
        VEC_PUSH(&world->taken, fd);
    for (; spare > 0; spare--)
        close(world->taken.items[--world->taken.count]);
}

static void give_descriptors(void *self) {
    struct world *world = self;
    VEC_EACH(fd, &world->taken)
        close(*fd);
    setrlimit(RLIMIT_NOFILE, &world->limit);
}

TEST(without_descriptors_connections_wait_it_is_said_once_and_then_they_are_served) {
    struct world world, *self = &world;
    struct loop_timer later;
    world_begin(&world, (struct http_server_options){.on_backlog = count_backlog, .self = self});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &world.limit), 0);
    take_descriptors(&world, 1); /* the client's end */
    loop_timer_init(&later, world.loop, give_descriptors, &world);
    loop_timer_arm(&later, loop_now_ms(world.loop) + 500);

    ask(&world, (struct http_ask){.path = "/echo", .body = TEXT("hello")});

    assert_int_equal(world.backlogs, 1);
    assert_text_equal(buf_text(&world.body), "hello");
    VEC_FINI(&world.taken);
    world_end(&world);
}

TEST(a_port_in_use_is_an_error_that_names_it) {
    struct world world;
    struct error error;
    char port[8];
    world_begin(&world, (struct http_server_options){0});
    snprintf(port, sizeof(port), "%u", http_server_port(world.server));

    assert_false(
        http_server_listen(world.server, "127.0.0.1", http_server_port(world.server), &error));

    assert_int_equal(error.code, ERROR_EXISTS);
    assert_non_null(strstr(error.message, port));
    world_end(&world);
}

/* ---- the blocking call ---- */

static void *serve(void *self) {
    loop_run(((struct world *)self)->loop);
    return NULL;
}

static void stop(void *self) {
    loop_stop(((struct world *)self)->loop);
}

TEST(a_blocking_call_gives_status_headers_and_body_or_says_what_is_wrong) {
    struct world world;
    struct error error;
    pthread_t thread;
    AUTO_FINI(http_response_fini) struct http_response response = {0};
    world_begin(&world, (struct http_server_options){0});
    struct http_ask question = {.address = address_of(&world), .path = "/echo", .body = TEXT("12")};
    pthread_create(&thread, NULL, serve, &world);

    assert_true(http_call(&question, &response, &error));
    question.body_limit_bytes = 1;
    assert_false(http_call(&question, &(struct http_response){0}, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    question.address = (struct address){.host = "no-such-host.invalid", .port = 1};
    assert_false(http_call(&question, &(struct http_response){0}, &error));
    loop_post(world.loop, stop, &world);
    pthread_join(thread, NULL);

    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(response.head.status, 200);
    assert_text_equal(http_head_find(&response.head, "x-path"), "yes");
    assert_text_equal(buf_text(&response.body), "12");
    world_end(&world);
}
