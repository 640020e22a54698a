/*
 * The mutex guards what callers' threads see: status, the items that wait, the end. All else
 * belongs to the loop. A call from a callback takes the same way as one from another thread, so the
 * core is never entered twice.
 */
#include "lib/shell/driver.h"

#include "common/base/list.h"
#include "common/base/mem.h"
#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/loop.h"
#include "zookeeper/core/zk_url.h"
#include "zookeeper/shell/leader_finder.h"
#include "common/runtime/random.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

enum driver_mode { MODE_NONE, MODE_THREAD, MODE_LOOP };

/* An event on its way to the core, with what it points to behind it. */
struct item {
    struct link link;
    struct driver_event event;
    size_t size;
    char bytes[];
};

struct driver {
    const struct driver_class *class;
    void *core, *owner;
    struct loop *loop;
    struct loop_timer timer, flush_timer;
    struct leader_finder *finder; /* NULL: masters are given */
    struct frame_client *client;  /* dialling */
    struct frame_link *link;      /* connected */
    struct driver_outbox outbox;
    int64_t flush_deadline_ms;
    bool is_done, is_calling_back;
    pthread_t thread;

    pthread_mutex_t mutex;
    pthread_cond_t ended;
    Mesos__V1__Status status;
    enum driver_mode mode;
    bool is_finished;
    struct link items;
    size_t item_count, item_bytes;
    uint64_t last_channel;
};

static void feed(struct driver *driver, struct driver_event event);
static void drain(void *self);

/* --- the end --- */

static void set_finished(struct driver *driver) {
    frame_link_free(TAKE(driver->link));
    loop_timer_disarm(&driver->timer);
    loop_stop(driver->loop);
    pthread_mutex_lock(&driver->mutex);
    driver->is_finished = true;
    pthread_cond_broadcast(&driver->ended);
    pthread_mutex_unlock(&driver->mutex);
}

static void check_flushed(void *self) {
    struct driver *driver = self;
    bool is_over = driver->link == NULL || frame_link_is_closed(driver->link) ||
                   frame_link_queued_bytes(driver->link) == 0 ||
                   loop_now_ms(driver->loop) >= driver->flush_deadline_ms;
    if (is_over)
        set_finished(driver);
    else
        loop_timer_arm(&driver->flush_timer, loop_now_ms(driver->loop) + 1);
}

/* The core is through: what was sent goes out, at the end of this turn as a rule. */
static void begin_end(struct driver *driver) {
    driver->is_done = true;
    frame_client_free(TAKE(driver->client));
    driver->flush_deadline_ms = loop_now_ms(driver->loop) + DRIVER_FLUSH_MS;
    loop_timer_arm(&driver->flush_timer, loop_now_ms(driver->loop));
}

/* --- effects --- */

static void call_back(struct driver *driver, const struct driver_callback *callback) {
    pthread_mutex_lock(&driver->mutex);
    bool is_wanted = driver->status == MESOS__V1__STATUS__DRIVER_RUNNING;
    if (is_wanted && callback->kind == CALLBACK_ERROR)
        driver->status = MESOS__V1__STATUS__DRIVER_ABORTED;
    pthread_mutex_unlock(&driver->mutex);
    if (!is_wanted)
        return;
    driver->is_calling_back = true;
    driver->class->callback(driver->owner, callback);
    driver->is_calling_back = false;
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    feed(self, (struct driver_event){.kind = DRIVER_EVENT_FRAME, .frame = {type, payload}});
}

static void on_closed(void *self, const struct error *error) {
    struct driver *driver = self;
    frame_link_free(TAKE(driver->link));
    feed(driver,
         (struct driver_event){.kind = DRIVER_EVENT_CLOSED, .text = text_of(error->message)});
}

static void on_dialled(void *self, const struct frame_client_result *result) {
    static const struct frame_link_callbacks callbacks = {.on_frame = on_frame,
                                                          .on_closed = on_closed};
    struct driver *driver = self;
    struct driver_event event = {.kind = DRIVER_EVENT_CONNECT_FAILED};
    struct error error = result->error;
    char address[ADDRESS_TEXT_SIZE];
    event.text = text_of(error.message);
    switch (result->outcome) {
    case FRAME_CLIENT_CONNECTED:
        event.kind = DRIVER_EVENT_CONNECTED;
        driver->link = result->link;
        frame_link_start(driver->link, &callbacks, driver);
        break;
    case FRAME_CLIENT_REDIRECTED:
        event.kind = DRIVER_EVENT_REDIRECTED;
        address_format(&result->redirect, address);
        event.text = text_of(address);
        break;
    case FRAME_CLIENT_REFUSED:
    case FRAME_CLIENT_FAILED: break;
    }
    frame_client_free(TAKE(driver->client));
    feed(driver, event);
}

static void connect_to(struct driver *driver, struct text address) {
    struct http_header headers[] = {{FRAME_ROLE_HEADER, driver->class->role},
                                    {"Mesos-Version", mesos_version()}};
    struct frame_client_options options = {
        .path = FRAME_UPGRADE_PATH, .headers = headers, .header_count = 2};
    bool is_address = address_parse(address, 5050, &options.address, NULL);
    assert(is_address); /* driver_check_masters has seen it, or address_format has written it */
    frame_client_free(driver->client);
    driver->client = frame_client_new(driver->loop, &options, on_dialled, driver);
}

static void carry_out(struct driver *driver, const struct driver_effect *effect) {
    switch (effect->kind) {
    case DRIVER_EFFECT_CONNECT: connect_to(driver, effect->address); break;
    case DRIVER_EFFECT_SEND:
        /* An abort out of a callback leaves its update without acknowledgement. */
        if (driver->link != NULL && driver_status(driver) != MESOS__V1__STATUS__DRIVER_ABORTED)
            frame_link_send(driver->link, effect->send.type, effect->send.payload);
        break;
    case DRIVER_EFFECT_CLOSE:
        frame_client_free(TAKE(driver->client));
        frame_link_free(TAKE(driver->link));
        break;
    case DRIVER_EFFECT_CALLBACK: call_back(driver, &effect->callback); break;
    case DRIVER_EFFECT_DONE: begin_end(driver); break;
    case DRIVER_EFFECT_END_PROCESS: driver->class->end_process(driver->owner); break;
    }
}

static void feed(struct driver *driver, struct driver_event event) {
    if (driver->is_done)
        return;
    event.now_ms = loop_now_ms(driver->loop);
    event.wall_ms = loop_wall_ms(driver->loop);
    arena_reset(driver->outbox.arena);
    driver->outbox.effects.count = 0;
    driver->class->step(driver->core, &event, &driver->outbox);
    VEC_EACH(effect, &driver->outbox.effects)
        carry_out(driver, effect);
    if (!driver->is_done)
        loop_timer_arm(&driver->timer, driver->class->deadline_ms(driver->core));
}

static void on_timer(void *self) {
    feed(self, (struct driver_event){.kind = DRIVER_EVENT_TICK});
}

/* --- items: from any thread to the core --- */

static struct item *item_new(struct driver_event event, size_t size) {
    struct item *item = mem_alloc(sizeof(struct item) + size);
    item->event = event;
    item->size = size;
    return item;
}

/* Takes the item. The mutex is held. */
static void push_locked(struct driver *driver, struct item *item) {
    if (driver->item_count >= DRIVER_ITEMS_CRASH)
        mem_crash("libmesos: calls without end, and nobody who runs the driver");
    bool was_empty = list_is_empty(&driver->items);
    list_append(&driver->items, &item->link);
    driver->item_count++;
    driver->item_bytes += item->size;
    if (was_empty)
        loop_post(driver->loop, drain, driver);
}

static void drain(void *self) {
    struct driver *driver = self;
    struct link batch;
    list_init(&batch);
    pthread_mutex_lock(&driver->mutex);
    LIST_EACH(at, &driver->items) {
        list_remove(at);
        list_append(&batch, at);
    }
    driver->item_count = driver->item_bytes = 0;
    pthread_mutex_unlock(&driver->mutex);

    LIST_EACH(at, &batch) {
        struct item *item = CONTAINER_OF(at, struct item, link);
        list_remove(at);
        feed(driver, item->event);
        mem_free(item);
    }
}

static bool is_full(const struct driver *driver, size_t more) {
    return driver->item_count >= DRIVER_ITEMS_LIMIT ||
           driver->item_bytes + more > DRIVER_ITEMS_LIMIT_BYTES;
}

/* Takes the item, which is dropped aloud when it is too much. */
static Mesos__V1__Status push_call(struct driver *driver, struct item *item) {
    pthread_mutex_lock(&driver->mutex);
    Mesos__V1__Status status = driver->status;
    bool is_large = item->size > MESOS_CALL_LIMIT_BYTES;
    if (status != MESOS__V1__STATUS__DRIVER_RUNNING) {
        mem_free(item);
    } else if (is_large || is_full(driver, item->size)) {
        struct driver_event lost = {
            .kind = DRIVER_EVENT_CALL_LOST,
            .call = {.type = item->event.call.type,
                     .why = is_large ? MESOS_CALL_TOO_LARGE : MESOS_CALL_QUEUE_FULL}};
        mem_free(item);
        push_locked(driver, item_new(lost, 0));
    } else {
        push_locked(driver, item);
    }
    pthread_mutex_unlock(&driver->mutex);
    return status;
}

Mesos__V1__Status driver_call(struct driver *driver, int type, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    struct driver_event event = {.kind = DRIVER_EVENT_CALL, .call = {.type = type}};
    struct item *item = item_new(event, size);
    protobuf_c_message_pack(message, (uint8_t *)item->bytes);
    item->event.call.encoded = (struct text){item->bytes, size};
    return push_call(driver, item);
}

Mesos__V1__Status driver_call_bytes(struct driver *driver, int type, struct text bytes) {
    struct driver_event event = {.kind = DRIVER_EVENT_CALL, .call = {.type = type}};
    struct item *item = item_new(event, bytes.size);
    if (bytes.size > 0)
        memcpy(item->bytes, bytes.data, bytes.size);
    item->event.call.encoded = (struct text){item->bytes, bytes.size};
    return push_call(driver, item);
}

static const char *put_string(char **at, const char *string) {
    if (string == NULL)
        return NULL;
    size_t size = strlen(string) + 1;
    const char *put = memcpy(*at, string, size);
    *at += size;
    return put;
}

static size_t string_size(const char *string) {
    return string != NULL ? strlen(string) + 1 : 0;
}

uint64_t driver_read_output(struct driver *driver, const struct mesos_output_request *given) {
    struct mesos_output_request request = {0};
    driver_copy_sized(&request, sizeof(request), given);
    bool is_stream = request.stream == MESOS_OUTPUT_STDOUT || request.stream == MESOS_OUTPUT_STDERR;
    if (request.task_id == NULL || !is_stream)
        return 0;
    size_t size = string_size(request.task_id) + string_size(request.agent_id) +
                  string_size(request.framework_id);
    struct item *item = item_new((struct driver_event){.kind = DRIVER_EVENT_READ_OUTPUT}, size);
    char *at = item->bytes;
    item->event.output = (struct output_request){
        .task_id = put_string(&at, request.task_id),
        .agent_id = put_string(&at, request.agent_id),
        .framework_id = put_string(&at, request.framework_id),
        .stream = request.stream,
        .offset = request.offset,
        .follow = request.follow,
    };
    pthread_mutex_lock(&driver->mutex);
    uint64_t channel = 0;
    if (driver->status == MESOS__V1__STATUS__DRIVER_RUNNING && !is_full(driver, size)) {
        channel = item->event.output.channel = ++driver->last_channel;
        push_locked(driver, TAKE(item));
    }
    pthread_mutex_unlock(&driver->mutex);
    mem_free(item);
    return channel;
}

void driver_cancel_output(struct driver *driver, uint64_t channel) {
    struct driver_event event = {.kind = DRIVER_EVENT_CANCEL_OUTPUT, .channel = channel};
    pthread_mutex_lock(&driver->mutex);
    if (driver->status == MESOS__V1__STATUS__DRIVER_RUNNING)
        push_locked(driver, item_new(event, 0));
    pthread_mutex_unlock(&driver->mutex);
}

/* --- life --- */

struct driver *driver_new(const struct driver_class *class, void *core, void *owner,
                          struct error *error) {
    struct loop *loop = loop_new(error);
    if (loop == NULL) {
        class->free_core(core);
        return NULL;
    }
    struct driver *driver = NEW(struct driver);
    driver->class = class;
    driver->core = core;
    driver->owner = owner;
    driver->loop = loop;
    driver->outbox.arena = arena_new();
    driver->status = MESOS__V1__STATUS__DRIVER_NOT_STARTED;
    list_init(&driver->items);
    loop_timer_init(&driver->timer, loop, on_timer, driver);
    loop_timer_init(&driver->flush_timer, loop, check_flushed, driver);
    pthread_mutex_init(&driver->mutex, NULL);
    pthread_cond_init(&driver->ended, NULL);
    return driver;
}

static void on_leader(void *self, struct text address) {
    if (address.size > 0) /* else the last one is worth trying: it may be ZooKeeper that is away */
        feed(self, (struct driver_event){.kind = DRIVER_EVENT_MASTER_FOUND, .text = address});
}

static void on_trouble(void *self, struct text why) {
    feed(self, (struct driver_event){.kind = DRIVER_EVENT_FIND_FAILED, .text = why});
}

bool driver_find_master(struct driver *driver, const char *masters, struct error *error) {
    if (!zk_url_is(text_of(masters)))
        return true;
    driver->finder =
        leader_finder_new(driver->loop, text_of(masters), on_leader, on_trouble, driver, error);
    return driver->finder != NULL;
}

void driver_free(struct driver *driver) {
    if (driver == NULL)
        return;
    driver_abort(driver);
    driver_join(driver);
    if (driver->mode == MODE_THREAD)
        pthread_join(driver->thread, NULL);
    LIST_EACH(at, &driver->items)
        mem_free(CONTAINER_OF(at, struct item, link));
    leader_finder_free(driver->finder);
    frame_client_free(driver->client);
    frame_link_free(driver->link);
    loop_timer_disarm(&driver->timer);
    loop_timer_disarm(&driver->flush_timer);
    loop_free(driver->loop);
    VEC_FINI(&driver->outbox.effects);
    arena_free(driver->outbox.arena);
    driver->class->free_core(driver->core);
    pthread_cond_destroy(&driver->ended);
    pthread_mutex_destroy(&driver->mutex);
    mem_free(driver);
}

static void *run_thread(void *self) {
    struct driver *driver = self;
    pthread_setname_np(pthread_self(), "mesos-driver");
    loop_run(driver->loop);
    return NULL;
}

/* Signals are the program's own business. */
static bool start_thread(struct driver *driver) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&driver->thread, NULL, run_thread, driver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0;
}

/* Starts it unless it was. The mutex is held. */
static void begin_locked(struct driver *driver, enum driver_mode mode) {
    if (driver->status != MESOS__V1__STATUS__DRIVER_NOT_STARTED)
        return;
    if (mode == MODE_THREAD && !start_thread(driver))
        return;
    driver->mode = mode;
    driver->status = MESOS__V1__STATUS__DRIVER_RUNNING;
    push_locked(driver, item_new((struct driver_event){.kind = DRIVER_EVENT_START}, 0));
}

Mesos__V1__Status driver_start(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    begin_locked(driver, MODE_THREAD);
    Mesos__V1__Status status = driver->status;
    pthread_mutex_unlock(&driver->mutex);
    return status;
}

static enum driver_mode mode_of(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    enum driver_mode mode = driver->mode;
    pthread_mutex_unlock(&driver->mutex);
    return mode;
}

static bool is_finished(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    bool finished = driver->is_finished;
    pthread_mutex_unlock(&driver->mutex);
    return finished;
}

static void wait_for_thread(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    while (!driver->is_finished && !pthread_equal(driver->thread, pthread_self()))
        pthread_cond_wait(&driver->ended, &driver->mutex);
    pthread_mutex_unlock(&driver->mutex);
}

Mesos__V1__Status driver_join(struct driver *driver) {
    switch (mode_of(driver)) {
    case MODE_NONE: break;
    case MODE_THREAD: wait_for_thread(driver); break;
    case MODE_LOOP:
        while (!is_finished(driver) && !driver->is_calling_back)
            loop_turn(driver->loop, -1);
        break;
    }
    return driver_status(driver);
}

static Mesos__V1__Status end(struct driver *driver, Mesos__V1__Status to,
                             struct driver_event event) {
    pthread_mutex_lock(&driver->mutex);
    if (driver->status == MESOS__V1__STATUS__DRIVER_RUNNING) {
        driver->status = to;
        push_locked(driver, item_new(event, 0));
    } else if (driver->status == MESOS__V1__STATUS__DRIVER_STOPPED &&
               to == MESOS__V1__STATUS__DRIVER_ABORTED && !driver->is_finished) {
        /* Whoever aborts what is stopping already does not want to wait for it. */
        push_locked(driver, item_new(event, 0));
    }
    Mesos__V1__Status status = driver->status;
    pthread_mutex_unlock(&driver->mutex);
    return status;
}

Mesos__V1__Status driver_stop(struct driver *driver, bool failover) {
    return end(driver, MESOS__V1__STATUS__DRIVER_STOPPED,
               (struct driver_event){.kind = DRIVER_EVENT_STOP, .failover = failover});
}

Mesos__V1__Status driver_abort(struct driver *driver) {
    return end(driver, MESOS__V1__STATUS__DRIVER_ABORTED,
               (struct driver_event){.kind = DRIVER_EVENT_ABORT});
}

int driver_fd(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    begin_locked(driver, MODE_LOOP);
    bool is_ours = driver->mode == MODE_LOOP;
    pthread_mutex_unlock(&driver->mutex);
    return is_ours ? loop_fd(driver->loop) : -1;
}

int64_t driver_deadline_ms(struct driver *driver) {
    return mode_of(driver) == MODE_LOOP ? loop_deadline_ms(driver->loop) : INT64_MAX;
}

Mesos__V1__Status driver_process(struct driver *driver) {
    if (driver_fd(driver) >= 0 && !driver->is_calling_back && !is_finished(driver))
        loop_turn(driver->loop, 0);
    return driver_status(driver);
}

Mesos__V1__Status driver_status(struct driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    Mesos__V1__Status status = driver->status;
    pthread_mutex_unlock(&driver->mutex);
    return status;
}
