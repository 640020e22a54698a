#include "mesos/output.h"

#include "tests/unit/lib/messages.h"
#include "tests/unit/lib/shell/fake_peer.h"

#include <stdatomic.h>

enum { PIECE_BYTES = 60000, PIECES = 40 };

struct play {
    struct fake_peer master;
    struct mesos_output_reader *reader;
    uint64_t sent_bytes, window_bytes;
    unsigned sent_pieces;
    bool hangs_up;
    atomic_ullong got_bytes;
    atomic_int end;
};

static void send_pieces(struct play *play) {
    static uint8_t bytes[PIECE_BYTES];
    while (play->sent_pieces < PIECES && play->window_bytes >= PIECE_BYTES) {
        ProtobufCBinaryData piece = {PIECE_BYTES, bytes};
        peer_send(&play->master, FRAME_CHANNEL, message_channel_data(1, play->sent_bytes, piece));
        play->sent_bytes += PIECE_BYTES;
        play->window_bytes -= PIECE_BYTES;
        play->sent_pieces++;
    }
    if (play->sent_pieces == PIECES)
        peer_send(&play->master, FRAME_CHANNEL, message_channel_complete(1));
}

static void take_message(struct fake_peer *master, uint16_t type, struct text payload) {
    struct play *play = CONTAINER_OF(master, struct play, master);
    assert_int_equal(type, FRAME_CHANNEL);
    Mesos__Internal__ChannelMessage *message =
        mesos__internal__channel_message__unpack(NULL, payload.size, (const uint8_t *)payload.data);
    assert_non_null(message);
    play->window_bytes +=
        message->open != NULL ? message->open->window_bytes : message->window_bytes;
    mesos__internal__channel_message__free_unpacked(message, NULL);
    if (play->hangs_up)
        peer_hang_up(master);
    else
        send_pieces(play);
}

static void on_output(void *user, struct mesos_output_reader *reader,
                      const struct mesos_output *output) {
    struct play *play = user;
    (void)reader;
    assert_int_equal(output->offset, play->got_bytes);
    play->got_bytes += output->byte_count;
    play->end = output->end;
}

static void begin(struct play *play, bool hangs_up) {
    *play = (struct play){.hangs_up = hangs_up};
    peer_init(&play->master, take_message);
    struct mesos_output_reader_options options = {
        .size = sizeof(options), .master = play->master.address, .user = play, .output = on_output};
    play->reader = mesos_output_reader_new(&options, NULL);
    assert_true(mesos_output_reader_start(play->reader));
    struct mesos_output_request request = {
        .size = sizeof(request), .task_id = "t-1", .stream = MESOS_OUTPUT_STDOUT};
    assert_int_equal(mesos_output_reader_read(play->reader, &request), 1);
}

static bool has_ended(void *self) {
    return ((struct play *)self)->end != MESOS_OUTPUT_OPEN;
}

static void end(struct play *play) {
    mesos_output_reader_stop(play->reader);
    mesos_output_reader_free(play->reader);
    peer_fini(&play->master);
}

TEST(output_many_times_the_window_arrives_whole) {
    struct play play;
    begin(&play, false);

    peer_until(&play.master, has_ended, &play);

    assert_string_equal(play.master.role, "operator");
    assert_int_equal(play.end, MESOS_OUTPUT_COMPLETE);
    assert_int_equal(play.got_bytes, PIECE_BYTES * PIECES);
    end(&play);
}

TEST(a_lost_connection_ends_the_channel) {
    struct play play;
    begin(&play, true);

    peer_until(&play.master, has_ended, &play);

    assert_int_equal(play.end, MESOS_OUTPUT_UNAVAILABLE);
    end(&play);
}

TEST(a_request_without_task_or_stream_is_none) {
    struct play play;
    begin(&play, true);
    struct mesos_output_request request = {.size = sizeof(request), .stream = MESOS_OUTPUT_STDOUT};

    assert_int_equal(mesos_output_reader_read(play.reader, &request), 0);
    request.task_id = "t-1";
    request.stream = (enum mesos_output_stream)3;
    assert_int_equal(mesos_output_reader_read(play.reader, &request), 0);

    end(&play);
}
