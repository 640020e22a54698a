#include "common/runtime/frame_link.h"

#include "common/base/buf.h"
#include "common/runtime/frame.h"
#include "common/runtime/loop.h"
#include "tests/support/unit.h"

#include <sys/socket.h>
#include <unistd.h>

struct side {
    struct loop *loop;
    struct frame_link *link;
    size_t frames, bytes, wanted;
    uint16_t last_type;
    struct error error;
    int closes;
    bool frees_itself, pauses;
    size_t free_at;
};

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct side *side = self;
    side->frames++;
    side->bytes += payload.size;
    side->last_type = type;
    if (side->frees_itself) {
        frame_link_free(side->link);
        side->link = NULL;
        loop_stop(side->loop);
        return;
    }
    if (side->pauses)
        frame_link_pause(side->link);
    if (side->frames == side->wanted)
        loop_stop(side->loop);
}

static void on_closed(void *self, const struct error *error) {
    struct side *side = self;
    side->error = *error;
    side->closes++;
    loop_stop(side->loop);
}

static const struct frame_link_callbacks callbacks = {.on_frame = on_frame, .on_closed = on_closed};

struct pair {
    struct loop *loop;
    struct side a, b;
    int peer; /* the other end when b has no link */
};

static void pair_begin(struct pair *pair, bool both) {
    int ends[2];
    *pair = (struct pair){.loop = loop_new(NULL), .peer = -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pair->a.loop = pair->b.loop = pair->loop;
    pair->a.link = frame_link_new(pair->loop, ends[0], (struct text){0});
    frame_link_start(pair->a.link, &callbacks, &pair->a);
    if (both) {
        pair->b.link = frame_link_new(pair->loop, ends[1], (struct text){0});
        frame_link_start(pair->b.link, &callbacks, &pair->b);
    } else {
        pair->peer = ends[1];
    }
}

static void pair_end(struct pair *pair) {
    frame_link_free(pair->a.link);
    frame_link_free(pair->b.link);
    if (pair->peer >= 0)
        close(pair->peer);
    loop_free(pair->loop);
}

TEST(many_frames_go_both_ways) {
    struct pair pair;
    pair_begin(&pair, true);
    pair.a.wanted = pair.b.wanted = 10000;

    for (int i = 0; i < 10000; i++) {
        assert_true(frame_link_send(pair.a.link, 3, TEXT("from a")));
        assert_true(frame_link_send(pair.b.link, 4, TEXT("from b, longer")));
    }
    while (pair.a.frames < 10000 || pair.b.frames < 10000)
        loop_turn(pair.loop, -1);

    assert_int_equal(pair.b.bytes, 10000 * strlen("from a"));
    assert_int_equal(pair.a.bytes, 10000 * strlen("from b, longer"));
    assert_int_equal(pair.a.last_type, 4);
    pair_end(&pair);
}

TEST(a_frame_of_many_megabytes_arrives_whole) {
    struct pair pair;
    AUTO_FINI(buf_fini) struct buf large = {0};
    pair_begin(&pair, true);
    pair.b.wanted = 2;
    buf_reserve(&large, 20 << 20);
    memset(large.data, 'x', 20 << 20);
    large.size = 20 << 20;

    frame_link_send(pair.a.link, 1, buf_text(&large));
    frame_link_send(pair.a.link, 2, TEXT("behind"));
    loop_run(pair.loop);

    assert_int_equal(pair.b.bytes, (20 << 20) + 6);
    assert_int_equal(pair.b.last_type, 2);
    pair_end(&pair);
}

TEST(bytes_that_came_behind_the_handshake_are_frames_too) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    AUTO_FINI(buf_fini) struct buf early = {0};
    struct side side = {.loop = loop, .wanted = 2};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    frame_append(&early, 5, TEXT("one"));
    frame_append(&early, 6, TEXT("two"));

    side.link = frame_link_new(loop, ends[0], (struct text){early.data, early.size - 1});
    frame_link_start(side.link, &callbacks, &side);
    assert_int_equal(write(ends[1], "o", 1), 1);
    loop_run(loop);

    assert_int_equal(side.last_type, 6);
    frame_link_free(side.link);
    close(ends[1]);
}

static void expect_break(struct text sent, bool closes, enum error_code code) {
    struct pair pair;
    pair_begin(&pair, false);
    frame_link_set_limits(pair.a.link, (struct frame_link_limits){.frame_limit_bytes = 1000});

    assert_int_equal(write(pair.peer, sent.data, sent.size), sent.size);
    if (closes) {
        close(pair.peer);
        pair.peer = -1;
    }
    loop_run(pair.loop);
    loop_turn(pair.loop, 0);

    assert_int_equal(pair.a.closes, 1);
    assert_int_equal(pair.a.error.code, code);
    assert_true(frame_link_is_closed(pair.a.link));
    assert_false(frame_link_send(pair.a.link, 1, TEXT("late")));
    pair_end(&pair);
}

TEST(a_peer_that_closes_is_told_once) {
    expect_break(TEXT("\0\0\0\1\0\1\0\0x"), true, ERROR_CLOSED);
}

TEST(a_truncated_frame_is_told_as_a_closed_connection) {
    expect_break(TEXT("\0\0\0\x9\0\1\0\0x"), true, ERROR_CLOSED);
}

TEST(an_oversized_frame_ends_the_connection) {
    expect_break(TEXT("\0\0\x7\xff\0\1\0\0"), false, ERROR_LIMIT);
}

TEST(garbage_ends_the_connection) {
    expect_break(TEXT("GET / HTTP/1.1\r\n\r\n"), false, ERROR_INVALID);
    expect_break(TEXT("\0\0\0\0\0\1zz"), false, ERROR_INVALID);
}

TEST(a_reader_that_is_too_slow_is_cut_off_with_a_reason) {
    struct pair pair;
    char large[100000] = {0};
    pair_begin(&pair, false);
    frame_link_set_limits(pair.a.link, (struct frame_link_limits){.queue_limit_bytes = 1 << 20});

    int sent = 0;
    while (frame_link_send(pair.a.link, 1, (struct text){large, sizeof(large)}))
        assert_true(++sent < 1000);
    loop_run(pair.loop);

    assert_int_equal(pair.a.closes, 1);
    assert_int_equal(pair.a.error.code, ERROR_LIMIT);
    assert_non_null(strstr(pair.a.error.message, "too slowly"));
    pair_end(&pair);
}

TEST(a_link_may_be_freed_by_its_own_frame) {
    struct pair pair;
    pair_begin(&pair, true);
    pair.b.frees_itself = true;

    frame_link_send(pair.a.link, 1, TEXT("one"));
    frame_link_send(pair.a.link, 1, TEXT("two"));
    loop_run(pair.loop);

    assert_int_equal(pair.b.frames, 1);
    assert_int_equal(pair.b.closes, 0);
    pair_end(&pair);
}

TEST(a_paused_link_hands_nothing_on_until_it_is_resumed) {
    struct pair pair;
    pair_begin(&pair, true);
    pair.b.pauses = true;
    pair.b.wanted = 1;

    for (int i = 0; i < 3; i++)
        frame_link_send(pair.a.link, 1, TEXT("x"));
    loop_run(pair.loop);
    loop_turn(pair.loop, 0);
    assert_int_equal(pair.b.frames, 1);
    pair.b.pauses = false;
    pair.b.wanted = 3;
    frame_link_resume(pair.b.link);
    loop_run(pair.loop);

    assert_int_equal(pair.b.frames, 3);
    pair_end(&pair);
}

TEST(a_finished_link_still_sends_what_is_queued) {
    struct pair pair;
    pair_begin(&pair, true);

    for (int i = 0; i < 1000; i++)
        frame_link_send(pair.a.link, 1, TEXT("the last words"));
    frame_link_finish(pair.a.link);
    pair.a.link = NULL;
    loop_run(pair.loop);

    assert_int_equal(pair.b.frames, 1000);
    assert_int_equal(pair.b.error.code, ERROR_CLOSED);
    pair_end(&pair);
}

TEST(a_loop_that_is_freed_ends_finished_links) {
    struct pair pair;
    pair_begin(&pair, false);

    frame_link_finish(pair.a.link);
    pair.a.link = NULL;

    pair_end(&pair);
}
