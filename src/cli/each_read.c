/*
 * The output of a task is read when it has ended, all of it and before its end is acknowledged:
 * until then the agent keeps it, whatever restarts. A task whose output stays out of reach is taken
 * for lost.
 */
#include "cli/each.h"

enum { READ_AGAIN_MS = 250, MISSING_PATIENCE_MS = 15000 };

static void leave_list(struct each *each, struct each_task *task) {
    if (!link_is_listed(&task->link))
        return;
    list_remove(&task->link);
    if (task->is_reading)
        each->reading_count--;
    else
        each->unread_count--;
}

static void enter_list(struct each *each, struct each_task *task, bool is_reading) {
    leave_list(each, task);
    task->is_reading = is_reading;
    list_append(is_reading ? &each->reading : &each->unread, &task->link);
    if (is_reading)
        each->reading_count++;
    else
        each->unread_count++;
}

void each_stop_reading(struct each *each, struct each_task *task) {
    leave_list(each, task);
    for (size_t i = 0; i < EACH_STREAMS; i++) {
        uint64_t channel = task->streams[i].channel;
        if (channel == 0)
            continue;
        map_remove(&each->channels, channel);
        task->streams[i].channel = 0;
        mesos_scheduler_driver_cancel_output(each->driver.driver, channel);
        driver_loop_touch(&each->driver);
    }
}

/* It is out of reach now: to the end of the queue, or given up. */
static void postpone(struct each *each, struct each_task *task, int64_t patience_ms) {
    int64_t now_ms = loop_now_ms(each->loop);
    if (task->trouble_since_ms == 0)
        task->trouble_since_ms = now_ms;
    each_stop_reading(each, task);
    if (now_ms - task->trouble_since_ms >= patience_ms) {
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, task->ended);
        driver_loop_touch(&each->driver);
        each_lose(each, task);
        each_place(each);
        return;
    }
    task->read_at_ms = now_ms + READ_AGAIN_MS;
    enter_list(each, task, false);
    loop_timer_arm(&each->read_timer, task->read_at_ms);
}

static bool open_stream(struct each *each, struct each_task *task, size_t index) {
    struct each_stream *stream = &task->streams[index];
    struct mesos_output_request request = {.size = sizeof(request),
                                           .task_id = task->id,
                                           .agent_id = task->agent_id,
                                           .stream = index == 0 ? MESOS_OUTPUT_STDOUT
                                                                : MESOS_OUTPUT_STDERR,
                                           .follow = true,
                                           .offset = stream->offset};
    if (stream->is_complete)
        return true;
    stream->channel = mesos_scheduler_driver_read_output(each->driver.driver, &request);
    if (stream->channel == 0)
        return false;
    map_put(&each->channels, stream->channel, task);
    driver_loop_touch(&each->driver);
    return true;
}

static struct each_task *next_to_read(struct each *each) {
    int64_t now_ms = loop_now_ms(each->loop);
    LIST_EACH(at, &each->unread) {
        struct each_task *task = CONTAINER_OF(at, struct each_task, link);
        if (task->read_at_ms <= now_ms)
            return task;
    }
    return NULL;
}

void each_read(struct each *each) {
    struct each_task *task;
    while (each->is_registered && !each->is_over && each->reading_count < EACH_READERS_LIMIT &&
           (task = next_to_read(each)) != NULL) {
        enter_list(each, task, true);
        if (!open_stream(each, task, 0) || !open_stream(each, task, 1))
            postpone(each, task, each->patience_ms);
    }
    if (each->unread_count > 0)
        loop_timer_arm(&each->read_timer, loop_now_ms(each->loop) + READ_AGAIN_MS);
}

void each_read_soon(struct each *each, struct each_task *task) {
    enter_list(each, task, false);
    each_read(each);
}

void each_on_read_timer(void *self) {
    each_read(self);
}

static void take_bytes(struct each *each, struct each_task *task, struct each_stream *stream,
                       const struct mesos_output *output) {
    struct text bytes = {output->bytes, output->byte_count};
    struct error error;
    task->trouble_since_ms = 0;
    if (output->offset > stream->offset)
        each_say(each,
                 "line %zu: the first %llu bytes of its output are beyond what an agent keeps",
                 task->line + 1, (unsigned long long)(output->offset - stream->offset));
    if (output->offset < stream->offset)
        bytes = text_sub(bytes, (size_t)(stream->offset - output->offset), bytes.size);
    stream->offset = output->offset + output->byte_count;
    if (!spooled_add(&stream->bytes, &each->spool, bytes, &error))
        each_fail(each, &error);
}

void each_on_output(void *self, struct mesos_scheduler_driver *driver,
                    const struct mesos_output *output) {
    struct each *each = self;
    (void)driver;
    struct each_task *task = map_get(&each->channels, output->channel);
    if (task == NULL || each->is_over)
        return;
    struct each_stream *stream = &task->streams[task->streams[0].channel != output->channel];
    if (output->byte_count > 0)
        take_bytes(each, task, stream, output);
    if (output->end == MESOS_OUTPUT_OPEN)
        return;
    map_remove(&each->channels, output->channel);
    stream->channel = 0;
    switch (output->end) {
    case MESOS_OUTPUT_COMPLETE:
        stream->is_complete = true;
        if (task->streams[0].is_complete && task->streams[1].is_complete)
            each_complete(each, task);
        break;
    case MESOS_OUTPUT_NOT_FOUND:
    case MESOS_OUTPUT_ERROR: postpone(each, task, MISSING_PATIENCE_MS); break;
    case MESOS_OUTPUT_UNAVAILABLE:
    case MESOS_OUTPUT_CANCELLED:
    case MESOS_OUTPUT_OPEN: postpone(each, task, each->patience_ms); break;
    }
    each_read(each);
}
