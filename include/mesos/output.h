/*
 * The output of tasks, read through the master; an extension of this project. A reader asks for a
 * stream of a task from an offset on and gets pieces until the end; with `follow` the end is that
 * of the task. Many streams may be open at once, each with a channel number of its own; 256 KiB of
 * each are on the way at most, and a callback that takes its time holds its stream up, nobody
 * else's task.
 *
 * Nothing is kept across a lost connection: every open channel ends with MESOS_OUTPUT_UNAVAILABLE
 * and is asked for again from the offset that was reached. Offsets count all that the task ever
 * wrote.
 */
#pragma once

#include "mesos/mesos.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mesos_output_stream {
    MESOS_OUTPUT_STDOUT = 1,
    MESOS_OUTPUT_STDERR = 2,
};

/* Why a channel ended. */
enum mesos_output_end {
    MESOS_OUTPUT_OPEN = 0,      /* it has not: there are bytes */
    MESOS_OUTPUT_COMPLETE = 1,  /* all there is was given; with follow: and the task has ended */
    MESOS_OUTPUT_NOT_FOUND = 2, /* no such task, or its sandbox is gone */
    MESOS_OUTPUT_UNAVAILABLE =
        3, /* no connection to the master or of it to the agent: ask again later */
    MESOS_OUTPUT_CANCELLED = 4, /* this side cancelled it */
    MESOS_OUTPUT_ERROR = 5,     /* the message says why */
};

/* What is asked for. Fields that are behind `size` count as zero. */
struct mesos_output_request {
    size_t size; /* sizeof(struct mesos_output_request) */
    const char *task_id;
    const char *agent_id;     /* NULL: where the master knows the task to be */
    const char *framework_id; /* NULL: the asking framework; for a reader: any that has the task */
    enum mesos_output_stream stream;
    bool follow;
    uint64_t offset;
};

/* One piece, or the end; lent for the call. */
struct mesos_output {
    size_t size; /* of this struct as the library knows it */
    uint64_t channel;
    uint64_t offset; /* of the first byte; jumps over what rotation has dropped */
    const void *bytes;
    size_t byte_count;         /* 0 at the end */
    enum mesos_output_end end; /* MESOS_OUTPUT_OPEN, or the last word on this channel */
    const char *message;       /* "" or why it ended */
};

/* At most so many channels of one driver or reader are open at once. */
enum { MESOS_OUTPUT_CHANNELS_LIMIT = 4096 };

MESOS_API const char *mesos_output_end_name(enum mesos_output_end end); /* "COMPLETE"; static */

/*
 * A connection for output alone, as an operator: of any framework's tasks, without being one. Has
 * the two ways to be driven, the threads and the lifetime rules of a scheduler driver
 * (mesos/scheduler.h).
 */
struct mesos_output_reader;

struct mesos_output_reader_options {
    size_t size;        /* sizeof(struct mesos_output_reader_options) */
    const char *master; /* "host:port" or "h1:5050,h2:5050" */
    void *user;
    /* On the reader's thread, or inside mesos_output_reader_process. */
    void (*output)(void *user, struct mesos_output_reader *reader,
                   const struct mesos_output *output);
    /* How long to look for a master before waiting requests end with UNAVAILABLE; 0: 10 s. */
    int64_t connect_timeout_ms;
};

/* NULL and *error (may be NULL) when the options make no sense. Copies what it is given. */
MESOS_API struct mesos_output_reader *mesos_output_reader_new(
    const struct mesos_output_reader_options *options, struct mesos_error *error);
/* Ends it at once if it runs. Never out of its callback. Takes NULL. */
MESOS_API void mesos_output_reader_free(struct mesos_output_reader *reader);

/* Either start (a thread of its own until stop) or, in the caller's loop, fd, deadline_ms and
 * process. */
MESOS_API bool mesos_output_reader_start(struct mesos_output_reader *reader);
MESOS_API void mesos_output_reader_stop(struct mesos_output_reader *reader); /* no callback after it
                                            returns, unless it is called out of one */
MESOS_API int mesos_output_reader_fd(struct mesos_output_reader *reader);
MESOS_API int64_t mesos_output_reader_deadline_ms(struct mesos_output_reader *reader);
MESOS_API void mesos_output_reader_process(struct mesos_output_reader *reader);

/* Any thread. The number of the new channel, or 0 when the reader is stopped or the request makes
 * no sense. Whatever goes wrong later is told by the end of the channel. */
MESOS_API uint64_t mesos_output_reader_read(struct mesos_output_reader *reader,
                                            const struct mesos_output_request *request);
/* Any thread. The channel ends with MESOS_OUTPUT_CANCELLED unless it has ended otherwise before. */
MESOS_API void mesos_output_reader_cancel(struct mesos_output_reader *reader, uint64_t channel);

#ifdef __cplusplus
}
#endif
