/*
 * The eventfd is written only when the queue was empty, so a busy producer costs one system call a
 * batch.
 */
#include "common/runtime/notify.h"

#include "common/base/mem.h"
#include "common/base/vec.h"
#include "common/runtime/loop.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct items {
    VEC_OF(void *) list;
};

struct notify {
    pthread_mutex_t mutex;
    struct items waiting; /* under the mutex */
    size_t limit;
    int fd;
    struct loop_watch *watch;
    void (*fn)(void *self, void *item);
    void *self;
    bool is_delivering, is_freed;
    void (*free_item)(void *item);
};

static void destroy(struct notify *notify) {
    VEC_EACH(item, &notify->waiting.list) {
        if (notify->free_item != NULL)
            notify->free_item(*item);
    }
    VEC_FINI(&notify->waiting.list);
    pthread_mutex_destroy(&notify->mutex);
    if (notify->fd >= 0)
        close(notify->fd);
    mem_free(notify);
}

static void deliver(void *self, __attribute__((unused)) unsigned events) {
    struct notify *notify = self;
    uint64_t count;
    if (read(notify->fd, &count, sizeof(count)) < 0)
        return;
    pthread_mutex_lock(&notify->mutex);
    struct items batch = notify->waiting;
    notify->waiting = (struct items){0};
    pthread_mutex_unlock(&notify->mutex);

    notify->is_delivering = true;
    VEC_EACH(item, &batch.list) {
        if (!notify->is_freed)
            notify->fn(notify->self, *item);
        else if (notify->free_item != NULL)
            notify->free_item(*item);
    }
    notify->is_delivering = false;
    VEC_FINI(&batch.list);
    if (notify->is_freed)
        destroy(notify);
}

struct notify *notify_new(struct loop *loop, size_t limit, void (*fn)(void *self, void *item),
                          void *self, struct error *error) {
    struct notify *notify = NEW(struct notify);
    notify->limit = limit;
    notify->fn = fn;
    notify->self = self;
    pthread_mutex_init(&notify->mutex, NULL);
    notify->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (notify->fd < 0) {
        fail(error, ERROR_IO, "eventfd: %m");
        destroy(notify);
        return NULL;
    }
    notify->watch = loop_watch_new(loop, notify->fd, LOOP_READ, deliver, notify);
    return notify;
}

void notify_free(struct notify *notify, void (*free_item)(void *item)) {
    if (notify == NULL)
        return;
    notify->free_item = free_item;
    loop_watch_free(notify->watch);
    if (notify->is_delivering)
        notify->is_freed = true;
    else
        destroy(notify);
}

bool notify_push(struct notify *notify, void *item) {
    pthread_mutex_lock(&notify->mutex);
    bool has_room = notify->waiting.list.count < notify->limit;
    bool was_empty = notify->waiting.list.count == 0;
    if (has_room)
        VEC_PUSH(&notify->waiting.list, item);
    /* Under the mutex, so that notify_free, called once others have stopped, finds the fd unused.
     */
    if (has_room && was_empty) {
        uint64_t one = 1;
        ssize_t written = write(notify->fd, &one, sizeof(one));
        (void)written; /* only fails when the counter is full, and then the loop is woken already */
    }
    pthread_mutex_unlock(&notify->mutex);
    return has_room;
}
