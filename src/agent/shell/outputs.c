/*
 * A reader counts in what the task ever wrote. The supervisor keeps the newest in `stdout`, and
 * what it wrote before the last rotation in `stdout.1`; each full file has half of the cap. How
 * often it has rotated says where a file begins. A rotation between looking and reading shows in
 * that count, and one looks again.
 */
#include "agent/shell/outputs.h"

#include "agent/container/containerizer.h"
#include "agent/shell/containers.h"
#include "agent/shell/daemon.h"
#include "agent/shell/master_link.h"
#include "common/base/map.h"
#include "common/runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHANNELS_LIMIT = 4096,
    CHUNK_BYTES = 64 * 1024,
    TURN_BYTES = 1024 * 1024, /* of one channel in one turn */
    LOOKS_LIMIT = 4,          /* at files that rotate under our eyes, in one turn */
    READ_LATER = -2,          /* where the files begin is not known now; we are woken */
};

struct outputs {
    struct daemon *daemon;
    struct map channels; /* number -> struct output, owned */
    int inotify_fd;
    struct loop_watch *watch;
    struct loop_task pump_all;
};

struct output {
    struct outputs *outputs;
    uint64_t channel;
    struct buf framework, task;
    enum channel_stream stream;
    uint64_t offset;
    bool follow;
    uint64_t window_bytes;
    int watch_descriptor; /* inotify's; -1: none yet */
};

static void pump_all(void *self);
static void on_change(void *self, unsigned events);

struct outputs *outputs_new(struct daemon *daemon, struct error *error) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        fail(error, ERROR_IO, "inotify: %m");
        return NULL;
    }
    struct outputs *outputs = NEW(struct outputs);
    outputs->daemon = daemon;
    outputs->inotify_fd = fd;
    outputs->watch = loop_watch_new(daemon->loop, fd, LOOP_READ, on_change, outputs);
    loop_task_init(&outputs->pump_all, pump_all, outputs);
    return outputs;
}

static void output_free(void *self) {
    struct output *output = self;
    buf_fini(&output->framework);
    buf_fini(&output->task);
    mem_free(output);
}

void outputs_free(struct outputs *outputs) {
    if (outputs == NULL)
        return;
    map_fini(&outputs->channels, output_free);
    loop_task_cancel(&outputs->pump_all);
    loop_watch_free(outputs->watch);
    close(outputs->inotify_fd);
    mem_free(outputs);
}

static void send_message(struct outputs *outputs, const struct channel_message *message) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    channel_message_encode(message, &bytes);
    master_link_send_channel(outputs->daemon->master, buf_text(&bytes));
}

static void send_close(struct outputs *outputs, uint64_t channel, enum channel_end end,
                       const char *why) {
    struct channel_message message = {.kind = CHANNEL_CLOSE, .channel = channel};
    message.close.end = end;
    message.close.message = text_of(why);
    send_message(outputs, &message);
}

/* inotify gives one descriptor a directory, however many channels read there. */
static void stop_watching(struct output *output) {
    struct outputs *outputs = output->outputs;
    if (output->watch_descriptor < 0)
        return;
    MAP_EACH(entry, &outputs->channels) {
        struct output *other = map_value(entry);
        if (other != output && other->watch_descriptor == output->watch_descriptor)
            return;
    }
    inotify_rm_watch(outputs->inotify_fd, output->watch_descriptor);
}

static void end(struct output *output, enum channel_end end, const char *why) {
    struct outputs *outputs = output->outputs;
    send_close(outputs, output->channel, end, why);
    map_remove(&outputs->channels, output->channel);
    stop_watching(output);
    output_free(output);
}

/* --- files --- */

/* The task owns the directory: neither links nor pipes of its making are opened. */
static int open_log(const char *directory, const char *name) {
    AUTO_FD int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory_fd < 0)
        return -1;
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        return fd;
    if (fd >= 0) {
        close(fd);
        errno = EINVAL;
    }
    return -1;
}

/* Bytes at output->offset, which jumps over what has been dropped. 0: none there now; -1: errno. */
static ssize_t read_at(struct output *output, const char *directory, uint64_t rotations,
                       char *chunk, size_t size) {
    uint64_t half = (uint64_t)containers_log_half_bytes(output->outputs->daemon->containers);
    uint64_t current = rotations * half;
    bool previous = output->offset < current;
    if (previous && output->offset < current - half)
        output->offset = current - half;
    char name[16];
    snprintf(name, sizeof(name), "%s%s", output->stream == CHANNEL_STDERR ? "stderr" : "stdout",
             previous ? ".1" : "");
    AUTO_FD int fd = open_log(directory, name);
    if (fd < 0 && (errno != ENOENT || !previous))
        return errno == ENOENT ? 0 : -1;
    uint64_t begin = previous ? current - half : current;
    ssize_t got = fd < 0 ? 0 : pread(fd, chunk, size, (off_t)(output->offset - begin));
    /* Shorter than it should be: the disk was full, or the task cut it. */
    if (got == 0 && previous) {
        output->offset = current;
        return read_at(output, directory, rotations, chunk, size);
    }
    return got;
}

/* False: not known now, as between an end and our hearing of it; we are woken when we do. */
static bool rotations_now(struct output *output, const struct sandbox_view *sandbox,
                          uint64_t *rotations) {
    struct container_log_position position = {
        .stdout_rotations = (uint32_t)sandbox->stdout_rotations,
        .stderr_rotations = (uint32_t)sandbox->stderr_rotations};
    if (sandbox->running && !containers_log_position(output->outputs->daemon->containers,
                                                     sandbox->container.text, &position))
        return false;
    *rotations =
        output->stream == CHANNEL_STDERR ? position.stderr_rotations : position.stdout_rotations;
    return true;
}

/* As read_at, but sure that no rotation came between and errno is read_at's. */
static ssize_t read_settled(struct output *output, const struct sandbox_view *sandbox,
                            const char *directory, char *chunk, size_t size) {
    for (int look = 0; look < LOOKS_LIMIT; look++) {
        uint64_t offset = output->offset;
        uint64_t before, after;
        if (!rotations_now(output, sandbox, &before))
            return READ_LATER;
        ssize_t got = read_at(output, directory, before, chunk, size);
        int code = errno;
        bool is_known = rotations_now(output, sandbox, &after);
        errno = code;
        if (is_known && before == after)
            return got;
        output->offset = offset;
        if (!is_known)
            return READ_LATER;
    }
    loop_defer(output->outputs->daemon->loop, &output->outputs->pump_all);
    return READ_LATER;
}

/* --- pumping --- */

static void watch_directory(struct output *output, const char *directory) {
    if (output->watch_descriptor >= 0)
        return;
    output->watch_descriptor =
        inotify_add_watch(output->outputs->inotify_fd, directory,
                          IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW);
}

static bool find_sandbox(struct output *output, struct sandbox_view *out) {
    struct framework_id framework = {buf_text(&output->framework)};
    struct task_id task = {buf_text(&output->task)};
    return agent_find_sandbox(output->outputs->daemon->agent, framework, task, out);
}

/* All there is was sent; when a full disk did not take all, that is no complete output. */
static void complete(struct output *output, const struct sandbox_view *sandbox) {
    char why[96];
    snprintf(why, sizeof(why), "%llu bytes of the task's output could not be written",
             (unsigned long long)sandbox->dropped_bytes);
    if (sandbox->dropped_bytes > 0)
        end(output, CHANNEL_END_ERROR, why);
    else
        end(output, CHANNEL_END_COMPLETE, "");
}

/* Sends what there is and what is granted; false when the channel has ended. */
static bool pump(struct output *output) {
    struct outputs *outputs = output->outputs;
    static char chunk[CHUNK_BYTES];
    struct sandbox_view sandbox;
    if (!find_sandbox(output, &sandbox)) {
        end(output, CHANNEL_END_NOT_FOUND, "the task or its sandbox is not on this agent");
        return false;
    }
    AUTO(mem_free) char *directory = text_dup(sandbox.path);
    if (output->follow && sandbox.running)
        watch_directory(output, directory);
    for (size_t sent = 0; output->window_bytes > 0;) {
        size_t size = output->window_bytes < CHUNK_BYTES ? output->window_bytes : CHUNK_BYTES;
        ssize_t got = read_settled(output, &sandbox, directory, chunk, size);
        if (got == READ_LATER)
            return true;
        if (got < 0) {
            end(output, CHANNEL_END_ERROR,
                errno == EINVAL || errno == ELOOP ? "the log is not a regular file"
                                                  : strerror(errno));
            return false;
        }
        if (got == 0 && (!output->follow || !sandbox.running)) {
            complete(output, &sandbox);
            return false;
        }
        if (got == 0)
            return true;
        struct channel_message message = {.kind = CHANNEL_DATA, .channel = output->channel};
        message.data.offset = output->offset;
        message.data.bytes = (struct text){chunk, (size_t)got};
        send_message(outputs, &message);
        output->offset += (uint64_t)got;
        output->window_bytes -= (uint64_t)got;
        sent += (size_t)got;
        if (sent >= TURN_BYTES) {
            loop_defer(outputs->daemon->loop, &outputs->pump_all);
            return true;
        }
    }
    return true;
}

static void pump_all(void *self) {
    struct outputs *outputs = self;
    MAP_EACH(entry, &outputs->channels)
        pump(map_value(entry));
}

static void on_change(void *self, unsigned events) {
    struct outputs *outputs = self;
    (void)events;
    char drained[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(outputs->inotify_fd, drained, sizeof(drained)) > 0)
        continue;
    loop_defer(outputs->daemon->loop, &outputs->pump_all);
}

void outputs_wake(struct outputs *outputs) {
    loop_defer(outputs->daemon->loop, &outputs->pump_all);
}

void outputs_close_all(struct outputs *outputs) {
    MAP_EACH(entry, &outputs->channels) {
        struct output *output = map_remove(&outputs->channels, map_key(entry));
        stop_watching(output);
        output_free(output);
    }
}

/* --- what the master says --- */

static void open_channel(struct outputs *outputs, const struct channel_message *message) {
    if (outputs->channels.count >= CHANNELS_LIMIT) {
        send_close(outputs, message->channel, CHANNEL_END_UNAVAILABLE, "too many open channels");
        return;
    }
    if (map_get(&outputs->channels, message->channel) != NULL) {
        log_warning(outputs->daemon->log, "channel_opened_twice", KV("channel", message->channel));
        return;
    }
    struct output *output = NEW(struct output);
    output->outputs = outputs;
    output->channel = message->channel;
    buf_append_text(&output->framework, message->open.framework.text);
    buf_append_text(&output->task, message->open.task.text);
    output->stream = message->open.stream;
    output->offset = message->open.offset;
    output->follow = message->open.follow;
    output->window_bytes = message->open.window_bytes;
    output->watch_descriptor = -1;
    map_put(&outputs->channels, output->channel, output);
    pump(output);
}

void outputs_receive(struct outputs *outputs, struct text channel_message) {
    struct daemon *daemon = outputs->daemon;
    struct wire wire = daemon_wire(daemon);
    struct channel_message message;
    struct error error;
    if (!channel_message_decode(&wire, channel_message, &message, &error)) {
        log_warning(daemon->log, "channel_message_invalid", KV("error", &error));
        arena_reset(daemon->arena);
        return;
    }
    struct output *output = map_get(&outputs->channels, message.channel);
    switch (message.kind) {
    case CHANNEL_OPEN: open_channel(outputs, &message); break;
    case CHANNEL_WINDOW:
        if (output != NULL && !__builtin_add_overflow(output->window_bytes, message.window_bytes,
                                                      &output->window_bytes))
            pump(output);
        break;
    case CHANNEL_CLOSE:
        if (output != NULL)
            end(output, CHANNEL_END_CANCELLED, "");
        break;
    case CHANNEL_DATA: break;
    }
    arena_reset(daemon->arena);
}
