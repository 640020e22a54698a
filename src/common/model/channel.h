/*
 * Channels: byte streams of a sandbox (stdout, stderr) that the master relays from an agent to
 * whoever asked, on the connections that are there anyway, behind offers and statuses. A number
 * names a channel on one connection; the asker chooses it, the master gives its own to the agent.
 * The sender sends no more than the receiver has granted (`window_bytes` at the start, WINDOW
 * adds). Borrowed values.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/ids.h"

#include <stdbool.h>
#include <stdint.h>

enum channel_message_kind {
    CHANNEL_OPEN = 1,   /* asker -> sender */
    CHANNEL_DATA = 2,   /* sender -> asker */
    CHANNEL_WINDOW = 3, /* asker -> sender: that many bytes more */
    CHANNEL_CLOSE = 4,  /* either way; the last word */
};

enum channel_stream { CHANNEL_STDOUT = 1, CHANNEL_STDERR = 2 };

/* Why a channel ended. */
enum channel_end {
    CHANNEL_END_COMPLETE = 1,  /* all there is was sent; with follow: and the task has ended */
    CHANNEL_END_NOT_FOUND = 2, /* no such task, or its sandbox is gone */
    CHANNEL_END_UNAVAILABLE =
        3, /* the agent is not connected, or the relay was cut: try again later */
    CHANNEL_END_CANCELLED = 4, /* the asker wants no more */
    CHANNEL_END_ERROR = 5,     /* the file could not be read; the message says why */
};

struct channel_message {
    enum channel_message_kind kind;
    uint64_t channel;
    union {
        struct {
            struct framework_id
                framework; /* empty: the asker's own framework, or any that has the task */
            struct task_id task;
            struct agent_id agent; /* empty: where the master knows it to be */
            enum channel_stream stream;
            uint64_t offset; /* in all that the task ever wrote to the stream */
            bool follow;     /* go on until the task has ended */
            uint64_t window_bytes;
        } open;
        struct {
            uint64_t offset; /* of the first byte; jumps over what rotation has dropped */
            struct text bytes;
        } data;
        uint64_t window_bytes;
        struct {
            enum channel_end end;
            struct text message;
        } close;
    };
};
