/*
 * The thread swaps the waiting batch for an empty one and commits it in one transaction. Of a key
 * that was put again and again the last record alone is kept and written: what waits while the disk
 * is full, and the room that the commit needs then, is bounded by what is stored, not by how often
 * it changed.
 *
 * LMDB keys end at 511 bytes while ids may make ours longer, so the stored key is the key cut to
 * fit plus a digest of the whole, and the whole key stands in front of the value.
 */
#include "common/storage/storage.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/files.h"
#include "common/runtime/notify.h"
#include "common/storage/batch.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum {
    KEY_PREFIX_LIMIT = STORAGE_KEY_LIMIT_BYTES - 8,
    COMPACT_BYTES = 1 << 20, /* what waits is compacted when it is larger, and twice what it was */
};

struct storage {
    struct notify *notify; /* one item at a time: tell */
    struct storage_options options;
    int lock_fd;
    MDB_env *env;
    MDB_dbi dbi;
    pthread_t thread;
    struct buf gathering;   /* the loop's thread alone, and so is what follows */
    size_t gathering_bytes; /* when it is compacted */

    pthread_mutex_t mutex;  /* guards what follows */
    pthread_cond_t changed; /* on CLOCK_MONOTONIC, which nobody sets */
    struct buf waiting;
    size_t waiting_bytes; /* when it is compacted */
    uint64_t waiting_ticket;
    uint64_t stored_ticket;
    struct error trouble;
    bool is_posted;
    bool is_closing;

    uint64_t told_ticket; /* the loop's thread alone */
    bool told_trouble;
};

static bool lmdb_fail(struct error *error, int code, const char *what) {
    enum error_code kind = code == ENOSPC || code == MDB_MAP_FULL ? ERROR_LIMIT : ERROR_IO;
    return fail(error, kind, "%s: %s", what, mdb_strerror(code));
}

static bool read_fail(const struct storage *storage, struct error *error, int code) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/state.mdb", storage->options.directory);
    return lmdb_fail(error, code, path);
}

static struct text stored_key(struct text key, char out[STORAGE_KEY_LIMIT_BYTES]) {
    size_t prefix = key.size < KEY_PREFIX_LIMIT ? key.size : KEY_PREFIX_LIMIT;
    uint64_t digest = text_hash(key);
    memcpy(out, key.data, prefix);
    memcpy(out + prefix, &digest, sizeof(digest));
    return (struct text){out, prefix + sizeof(digest)};
}

/* --- the environment --- */

/* LMDB would take it for a new one. */
static bool check_size(const char *path, struct error *error) {
    struct stat status;
    return stat(path, &status) != 0 || status.st_size > 0 ||
           fail(error, ERROR_INVALID,
                "%s is empty, so what it held is lost; remove it to begin with nothing", path);
}

static bool open_environment(struct storage *storage, struct error *error) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/state.mdb", storage->options.directory);
    if (!check_size(path, error))
        return false;
    uint64_t limit = storage->options.map_limit_bytes;
    int code = mdb_env_create(&storage->env);
    if (code == 0)
        code = mdb_env_set_mapsize(storage->env, limit > 0 ? limit : (size_t)4 << 30);
    if (code == 0)
        code = mdb_env_open(storage->env, path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMEMINIT, 0600);
    MDB_txn *txn = NULL;
    if (code == 0)
        code = mdb_txn_begin(storage->env, NULL, 0, &txn);
    if (code == 0)
        code = mdb_dbi_open(txn, NULL, 0, &storage->dbi);
    if (code == 0) {
        code = mdb_txn_commit(txn);
    } else if (txn != NULL) {
        mdb_txn_abort(txn);
    }
    return code == 0 || (lmdb_fail(error, code, path), false);
}

static void close_environment(struct storage *storage) {
    if (storage->env != NULL)
        mdb_env_close(storage->env);
    storage->env = NULL;
}

/* --- the thread --- */

static int apply_record(MDB_txn *txn, MDB_dbi dbi, const struct batch_record *record) {
    char made[STORAGE_KEY_LIMIT_BYTES];
    struct text key = record->key, value = record->value, short_key = stored_key(key, made);
    MDB_val mdb_key = {short_key.size, (void *)(uintptr_t)short_key.data};
    if (record->is_removed) {
        int code = mdb_del(txn, dbi, &mdb_key, NULL);
        return code == MDB_NOTFOUND ? 0 : code;
    }
    MDB_val place = {sizeof(uint32_t) + key.size + value.size, NULL};
    int code = mdb_put(txn, dbi, &mdb_key, &place, MDB_RESERVE);
    if (code != 0)
        return code;
    char *at = place.mv_data;
    uint32_t key_size = (uint32_t)key.size;
    memcpy(at, &key_size, sizeof(key_size));
    memcpy(at + sizeof(key_size), key.data, key.size);
    if (value.size > 0)
        memcpy(at + sizeof(key_size) + key.size, value.data, value.size);
    return 0;
}

/* When the page that says which commit is the last could not be written (a full disk that copies on
 * write, an error of the device), LMDB refuses everything until the file is opened anew. */
static int begin_write(struct storage *storage, MDB_txn **txn) {
    int code = storage->env != NULL ? mdb_txn_begin(storage->env, NULL, 0, txn) : MDB_PANIC;
    if (code != MDB_PANIC)
        return code;
    struct error error;
    close_environment(storage);
    if (open_environment(storage, &error))
        return mdb_txn_begin(storage->env, NULL, 0, txn);
    close_environment(storage);
    return EIO;
}

static int apply_batch(struct storage *storage, const struct buf *batch) {
    MDB_txn *txn;
    int code = begin_write(storage, &txn);
    if (code != 0)
        return code;
    struct text rest = buf_text(batch);
    struct batch_record record;
    while (code == 0 && batch_next(&rest, &record))
        code = apply_record(txn, storage->dbi, &record);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

/* With the mutex held. */
static void post(struct storage *storage) {
    if (storage->is_posted)
        return;
    storage->is_posted = true;
    notify_push(storage->notify, storage);
}

/* With the mutex held; false when it is time to end. */
static bool wait_for_retry(struct storage *storage, int code) {
    lmdb_fail(&storage->trouble, code, "commit");
    fail_context(&storage->trouble, "%s", storage->options.directory);
    post(storage);
    if (storage->is_closing)
        return false;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)STORAGE_RETRY_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!storage->is_closing &&
           pthread_cond_timedwait(&storage->changed, &storage->mutex, &until) == 0)
        continue;
    return true;
}

/* Commits one batch, however often it takes. With the mutex held outside of the commit itself. */
static bool commit_batch(struct storage *storage, struct buf *batch, uint64_t ticket) {
    pthread_mutex_unlock(&storage->mutex);
    batch_compact(batch);
    pthread_mutex_lock(&storage->mutex);
    for (;;) {
        pthread_mutex_unlock(&storage->mutex);
        int code = apply_batch(storage, batch);
        pthread_mutex_lock(&storage->mutex);
        if (code == 0)
            break;
        if (!wait_for_retry(storage, code))
            return false;
    }
    storage->trouble = (struct error){0};
    storage->stored_ticket = ticket;
    post(storage);
    return true;
}

static void *run_thread(void *self) {
    struct storage *storage = self;
    struct buf batch = {0};
    pthread_mutex_lock(&storage->mutex);
    for (;;) {
        while (storage->waiting_ticket == storage->stored_ticket && !storage->is_closing)
            pthread_cond_wait(&storage->changed, &storage->mutex);
        if (storage->waiting_ticket == storage->stored_ticket)
            break;
        struct buf empty = batch;
        batch = storage->waiting;
        storage->waiting = empty;
        if (!commit_batch(storage, &batch, storage->waiting_ticket))
            break;
        buf_clear(&batch);
    }
    pthread_mutex_unlock(&storage->mutex);
    buf_fini(&batch);
    return NULL;
}

/* --- the loop's thread --- */

static void tell(void *self, __attribute__((unused)) void *item) {
    struct storage *storage = self;
    pthread_mutex_lock(&storage->mutex);
    uint64_t ticket = storage->stored_ticket;
    struct error trouble = storage->trouble;
    storage->is_posted = false;
    pthread_mutex_unlock(&storage->mutex);

    bool in_trouble = trouble.code != ERROR_NONE;
    if (in_trouble != storage->told_trouble && storage->options.on_trouble != NULL) {
        storage->told_trouble = in_trouble;
        storage->options.on_trouble(storage->options.self, in_trouble ? &trouble : NULL);
    }
    if (ticket > storage->told_ticket) {
        storage->told_ticket = ticket;
        storage->options.on_stored(storage->options.self, ticket);
    }
}

static bool start_thread(struct storage *storage, struct error *error) {
    pthread_condattr_t monotonic;
    pthread_mutex_init(&storage->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&storage->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int code = pthread_create(&storage->thread, NULL, run_thread, storage);
    if (code == 0)
        return true;
    errno = code;
    return fail(error, ERROR_IO, "start the storage thread: %m");
}

static void dismantle(struct storage *storage) {
    close_environment(storage);
    if (storage->lock_fd >= 0)
        close(storage->lock_fd);
    notify_free(storage->notify, NULL);
    mem_free((void *)(uintptr_t)storage->options.directory);
    buf_fini(&storage->gathering);
    buf_fini(&storage->waiting);
    mem_free(storage);
}

struct storage *storage_open(struct loop *loop, const struct storage_options *options,
                             struct error *error) {
    if (!directory_make(options->directory, 0755, error))
        return NULL;
    struct storage *storage = NEW(struct storage);
    storage->options = *options;
    storage->options.directory = mem_dup_string(options->directory);
    storage->gathering_bytes = storage->waiting_bytes = COMPACT_BYTES;
    char path[4096];
    snprintf(path, sizeof(path), "%s/lock", options->directory);
    storage->lock_fd = file_lock(path, error);
    if (storage->lock_fd >= 0)
        storage->notify = notify_new(loop, 1, tell, storage, error);
    if (storage->notify == NULL || !open_environment(storage, error) ||
        !start_thread(storage, error)) {
        dismantle(storage);
        return NULL;
    }
    return storage;
}

void storage_close(struct storage *storage) {
    if (storage == NULL)
        return;
    pthread_mutex_lock(&storage->mutex);
    storage->is_closing = true;
    pthread_cond_signal(&storage->changed);
    pthread_mutex_unlock(&storage->mutex);
    pthread_join(storage->thread, NULL);
    pthread_cond_destroy(&storage->changed);
    pthread_mutex_destroy(&storage->mutex);
    dismantle(storage);
}

static bool split_value(MDB_val value, struct text *key, struct text *out) {
    uint32_t key_size;
    if (value.mv_size < sizeof(key_size))
        return false;
    memcpy(&key_size, value.mv_data, sizeof(key_size));
    if (value.mv_size - sizeof(key_size) < key_size)
        return false;
    const char *data = (const char *)value.mv_data + sizeof(key_size);
    *key = (struct text){data, key_size};
    *out = (struct text){data + key_size, value.mv_size - sizeof(key_size) - key_size};
    return true;
}

struct walk {
    struct storage *storage;
    bool (*fn)(void *self, struct text key, struct text value, struct error *error);
    void *self;
    struct error *error;
};

static bool walk_all(const struct walk *walk, MDB_cursor *cursor) {
    MDB_val mdb_key, mdb_value;
    int code;
    while ((code = mdb_cursor_get(cursor, &mdb_key, &mdb_value, MDB_NEXT)) == 0) {
        struct text key, value;
        if (!split_value(mdb_value, &key, &value))
            return fail(walk->error, ERROR_INVALID, "%s/state.mdb: a record is damaged",
                        walk->storage->options.directory);
        if (!walk->fn(walk->self, key, value, walk->error))
            return false;
    }
    return code == MDB_NOTFOUND || read_fail(walk->storage, walk->error, code);
}

/* A page of the map that the file does not reach is SIGBUS for whoever reads it: so a file that was
 * cut short shows, for LMDB itself does not look. */
static _Thread_local sigjmp_buf *beyond_the_end;

static void on_bus_error(int signal_number) {
    if (beyond_the_end != NULL)
        siglongjmp(*beyond_the_end, 1);
    signal(signal_number, SIG_DFL); /* not ours: it happens again at once, and ends the process */
}

static bool walk_guarded(const struct walk *walk, MDB_cursor *cursor) {
    struct sigaction ours = {.sa_handler = on_bus_error}, before;
    sigjmp_buf jump;
    bool ok;
    sigaction(SIGBUS, &ours, &before);
    if (sigsetjmp(jump, 1) == 0) {
        beyond_the_end = &jump;
        ok = walk_all(walk, cursor);
    } else {
        ok = fail(walk->error, ERROR_INVALID, "%s/state.mdb is cut short: pages of it are missing",
                  walk->storage->options.directory);
    }
    beyond_the_end = NULL;
    sigaction(SIGBUS, &before, NULL);
    return ok;
}

bool storage_load(struct storage *storage,
                  bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                  void *self, struct error *error) {
    struct walk walk = {storage, fn, self, error};
    MDB_txn *txn;
    MDB_cursor *cursor;
    int code = mdb_txn_begin(storage->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return read_fail(storage, error, code);
    code = mdb_cursor_open(txn, storage->dbi, &cursor);
    bool ok = code == 0 ? walk_guarded(&walk, cursor) : read_fail(storage, error, code);
    if (code == 0)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return ok;
}

/* Costs little beside what was put there since the last time. */
static void compact(struct buf *batch, size_t *when_bytes) {
    if (batch->size <= *when_bytes)
        return;
    batch_compact(batch);
    *when_bytes = 2 * batch->size > COMPACT_BYTES ? 2 * batch->size : COMPACT_BYTES;
}

void storage_put(struct storage *storage, struct text key, struct text value) {
    batch_put(&storage->gathering, key, value);
    compact(&storage->gathering, &storage->gathering_bytes);
}

void storage_remove(struct storage *storage, struct text key) {
    batch_remove(&storage->gathering, key);
}

void storage_commit(struct storage *storage, uint64_t ticket) {
    pthread_mutex_lock(&storage->mutex);
    buf_append_text(&storage->waiting, buf_text(&storage->gathering));
    compact(&storage->waiting, &storage->waiting_bytes);
    storage->waiting_ticket = ticket;
    pthread_cond_signal(&storage->changed);
    pthread_mutex_unlock(&storage->mutex);
    buf_clear(&storage->gathering);
}
