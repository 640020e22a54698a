/*
 * Everything that threads share is in the hub, under its mutex; it goes with the last that needs
 * it, which is the thread when closing takes longer than the client wants to wait.
 *
 * The library's callbacks take the mutex, so nothing that waits for them (zookeeper_close) is
 * called with it held; requests, which only queue, are made with it held, and so never with a
 * handle that is being closed.
 */
#include "zookeeper/shell/zk_keeper.h"

#include "common/base/list.h"
#include "common/base/mem.h"
#include "common/runtime/address.h"
#include "common/runtime/notify.h"
#include "common/runtime/random.h"
#include "zookeeper/core/zk_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define THREADED
#include <zookeeper/zookeeper.h>

enum {
    NOTES_LIMIT = 1 << 20,
    OPEN_RETRY_MS = 2000,  /* when no name could be looked up */
    ANSWERS_WAIT_MS = 500, /* what is under way when a handle is closed, the library never frees */
    ADDRESSES_LIMIT = 128,
    WATCH_ACL_PARTS = 2,
};

struct hub {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on CLOCK_MONOTONIC */
    pthread_mutex_t gate;   /* held while a handle is opened: its first note comes after OPENED */
    unsigned users;
    struct notify *notify; /* while not closed */
    bool is_closed, has_ended;
    bool wants_open, wants_close, wants_resolve; /* what the thread shall do */
    struct zk_session resume;
    zhandle_t *handle;
    struct link tickets; /* requests that the library has */
    char *servers, *credentials;
    int timeout_ms;
    struct ACL acl_parts[WATCH_ACL_PARTS];
    struct ACL_vector acl;
    struct buf addresses; /* the thread's: what the handle was opened with */
    struct buf told;      /* the thread's: what was told of names that could not be looked up */
};

struct zk_keeper {
    struct hub *hub;
    pthread_t thread;
    struct zk_keeper_options options;
};

/* What comes back with a completion. */
struct ticket {
    struct link link;
    struct hub *hub;
    uint64_t call;
    bool is_watching; /* a second request, EXISTS, watches for a node that is missing */
    bool is_missing;  /* and its answer is the one that counts */
    char *path;       /* of that */
    zoo_op_result_t *results;
    size_t result_count;
};

static void ticket_free(struct ticket *ticket) {
    list_remove(&ticket->link);
    mem_free(ticket->results);
    mem_free(ticket->path);
    mem_free(ticket);
}

void zk_note_free(struct zk_note *note) {
    if (note == NULL)
        return;
    buf_fini(&note->memory);
    mem_free(note->children);
    mem_free(note);
}

static void hub_free(struct hub *hub) {
    buf_fini(&hub->addresses);
    buf_fini(&hub->told);
    mem_free(hub->servers);
    if (hub->credentials != NULL)
        explicit_bzero(hub->credentials, strlen(hub->credentials));
    mem_free(hub->credentials);
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->gate);
    pthread_mutex_destroy(&hub->mutex);
    mem_free(hub);
}

/* With the mutex held, which is released. */
static void leave(struct hub *hub) {
    bool is_last = --hub->users == 0;
    pthread_mutex_unlock(&hub->mutex);
    if (is_last)
        hub_free(hub);
}

/* --- what the library's threads call --- */

/* With the mutex held. Takes the note. */
static void push(struct hub *hub, struct zk_note *note) {
    if (hub->is_closed)
        zk_note_free(note);
    else if (!notify_push(hub->notify, note))
        mem_crash("more notes of ZooKeeper wait for the loop than NOTES_LIMIT");
}

static enum zk_result result_of(int code) {
    switch (code) {
    case ZOK: return ZK_OK;
    case ZNONODE: return ZK_NO_NODE;
    case ZNODEEXISTS: return ZK_NODE_EXISTS;
    case ZBADVERSION: return ZK_BAD_VERSION;
    case ZNOTEMPTY: return ZK_NOT_EMPTY;
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
    case ZSESSIONCLOSEDREQUIRESASLAUTH: return ZK_NO_AUTH;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSYSTEMERROR:          /* of a socket */
    case ZRUNTIMEINCONSISTENCY: /* an answer out of order; the connection is dropped */
    case ZSESSIONMOVED: return ZK_LOST;
    case ZSESSIONEXPIRED:
    case ZINVALIDSTATE:
    case ZCLOSING: return ZK_OVER;
    default: return ZK_FAILED;
    }
}

static struct zk_note *reply_new(const struct ticket *ticket, int code) {
    struct zk_note *note = NEW(struct zk_note);
    note->kind = ZK_NOTE_REPLY;
    note->call = ticket->call;
    note->reply.result = result_of(code);
    if (note->reply.result == ZK_FAILED)
        note->reply.why = text_of(zerror(code));
    return note;
}

static void keep_bytes(struct zk_note *note, const char *bytes, int size, struct text *out) {
    if (bytes == NULL || size <= 0)
        return;
    buf_append(&note->memory, bytes, (size_t)size);
    *out = buf_text(&note->memory);
}

/* True when the answer counts; else that of EXISTS does, which comes right after. */
static bool counts(struct ticket *ticket, int code) {
    ticket->is_missing = ticket->is_watching && code == ZNONODE;
    return !ticket->is_missing;
}

/* Locks; the end of each completion is finish(). */
static struct ticket *begin(const void *data) {
    struct ticket *ticket = (struct ticket *)(uintptr_t)data;
    pthread_mutex_lock(&ticket->hub->mutex);
    return ticket;
}

static void finish(struct ticket *ticket, struct zk_note *note) {
    struct hub *hub = ticket->hub;
    if (note != NULL)
        push(hub, note);
    if (!ticket->is_watching)
        ticket_free(ticket);
    if (list_is_empty(&hub->tickets))
        pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
}

static void on_void(int code, const void *data) {
    struct ticket *ticket = begin(data);
    struct zk_note *note = reply_new(ticket, code);
    for (size_t i = 0; i < ticket->result_count && code != ZOK; i++) {
        int part = ticket->results[i].err;
        if (part == ZOK || part == ZRUNTIMEINCONSISTENCY)
            continue;
        note->reply.failed_write = i;
        break;
    }
    finish(ticket, note);
}

static void on_string(int code, const char *value, const void *data) {
    struct ticket *ticket = begin(data);
    struct zk_note *note = reply_new(ticket, code);
    if (code == ZOK && value != NULL)
        keep_bytes(note, value, (int)strlen(value), &note->reply.path);
    finish(ticket, note);
}

static void on_stat(int code, const struct Stat *stat, const void *data) {
    struct ticket *ticket = begin(data);
    struct zk_note *note = reply_new(ticket, code);
    if (code == ZOK)
        note->reply.version = stat->version;
    finish(ticket, note);
}

static void on_data(int code, const char *value, int size, const struct Stat *stat,
                    const void *data) {
    struct ticket *ticket = begin(data);
    struct zk_note *note = NULL;
    if (code == ZOK && size > ZK_NODE_BYTES_LIMIT) {
        note = reply_new(ticket, ZOK);
        note->reply.result = ZK_FAILED;
        note->reply.why = TEXT("more data in a node than ZK_NODE_BYTES_LIMIT");
    } else if (counts(ticket, code)) {
        note = reply_new(ticket, code);
        if (code == ZOK) {
            keep_bytes(note, value, size, &note->reply.data);
            note->reply.version = stat->version;
            note->reply.owner = stat->ephemeralOwner;
        }
    }
    finish(ticket, note);
}

static void keep_children(struct zk_note *note, const struct String_vector *names) {
    size_t count = (size_t)names->count;
    if (count > ZK_CHILDREN_LIMIT) {
        note->reply.result = ZK_FAILED;
        note->reply.why = TEXT("more children of a node than ZK_CHILDREN_LIMIT");
        return;
    }
    note->children = NEW_ARRAY(struct text, count);
    for (size_t i = 0; i < count; i++)
        buf_append_text(&note->memory, text_of(names->data[i]));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) { /* a string of a negative length is NULL */
        size_t size = text_of(names->data[i]).size;
        note->children[i] = (struct text){note->memory.data + at, size};
        at += size;
    }
    note->reply.children = note->children;
    note->reply.child_count = count;
}

static void on_strings(int code, const struct String_vector *names, const void *data) {
    struct ticket *ticket = begin(data);
    struct zk_note *note = NULL;
    if (counts(ticket, code)) {
        note = reply_new(ticket, code);
        if (code == ZOK)
            keep_children(note, names);
    }
    finish(ticket, note);
}

static struct zk_note *watch_new(const char *path) {
    struct zk_note *note = NEW(struct zk_note);
    note->kind = ZK_NOTE_WATCH;
    keep_bytes(note, path, (int)strlen(path), &note->path);
    return note;
}

/* Behind a read of what may be missing: if that was, this answers. What has come between the two
 * is told as a change. */
static void on_exists(int code, __attribute__((unused)) const struct Stat *stat, const void *data) {
    struct ticket *ticket = begin(data);
    struct hub *hub = ticket->hub;
    if (ticket->is_missing) {
        push(hub, reply_new(ticket, code == ZOK ? ZNONODE : code));
        if (code == ZOK)
            push(hub, watch_new(ticket->path));
    }
    ticket->is_watching = false;
    finish(ticket, NULL);
}

static void on_watch(__attribute__((unused)) zhandle_t *handle, int type,
                     __attribute__((unused)) int state, const char *path, void *context) {
    struct hub *hub = context;
    if (type == ZOO_SESSION_EVENT || path == NULL)
        return;
    pthread_mutex_lock(&hub->mutex);
    push(hub, watch_new(path));
    pthread_mutex_unlock(&hub->mutex);
}

/* 0: of no interest. */
static enum zk_session_state state_of(int state) {
    if (state == ZOO_CONNECTED_STATE)
        return ZK_SESSION_CONNECTED;
    if (state == ZOO_CONNECTING_STATE)
        return ZK_SESSION_CONNECTING;
    if (state == ZOO_EXPIRED_SESSION_STATE)
        return ZK_SESSION_EXPIRED;
    return state == ZOO_AUTH_FAILED_STATE ? ZK_SESSION_REFUSED : 0;
}

static void on_session(zhandle_t *handle, int type, int state,
                       __attribute__((unused)) const char *path, void *context) {
    struct hub *hub = context;
    if (type != ZOO_SESSION_EVENT || state_of(state) == 0)
        return;
    struct zk_note *note = NEW(struct zk_note);
    note->kind = ZK_NOTE_SESSION;
    note->state = state_of(state);
    if (note->state == ZK_SESSION_CONNECTED) {
        const clientid_t *id = zoo_client_id(handle);
        note->session.id = id->client_id;
        memcpy(note->session.password, id->passwd, sizeof(note->session.password));
    }
    pthread_mutex_lock(&hub->gate);
    pthread_mutex_lock(&hub->mutex);
    push(hub, note);
    pthread_mutex_unlock(&hub->mutex);
    pthread_mutex_unlock(&hub->gate);
}

/* The library's own log, which goes nowhere: what matters comes as a state or a result. */
static void on_log(__attribute__((unused)) const char *line) {
}

/* --- the thread --- */

/* What went wrong is added to *why. */
static bool look_up(const struct address *address, struct addrinfo **found, struct buf *why) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof(port), "%u", address->port);
    int code = getaddrinfo(address->host, port, &hints, found);
    if (code != 0)
        buf_printf(why, "%s%s: %s", why->size > 0 ? ", " : "", address->host,
                   code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    return code == 0;
}

/* Each news once. */
static void tell_lookup(struct hub *hub, const struct buf *why) {
    if (text_equal(buf_text(why), buf_text(&hub->told)))
        return;
    buf_clear(&hub->told);
    buf_append_text(&hub->told, buf_text(why));
    if (why->size == 0)
        return;
    struct zk_note *note = NEW(struct zk_note);
    note->kind = ZK_NOTE_LOOKUP;
    keep_bytes(note, why->data, (int)why->size, &note->reply.why);
    pthread_mutex_lock(&hub->mutex);
    push(hub, note);
    pthread_mutex_unlock(&hub->mutex);
}

/* The library splits at the last colon, so addresses of IPv6 have no brackets. */
static void append_address(struct buf *out, const struct addrinfo *one, uint16_t port) {
    char numeric[INET6_ADDRSTRLEN];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, numeric, sizeof(numeric), NULL, 0,
                    NI_NUMERICHOST) == 0)
        buf_printf(out, "%s%s:%u", out->size > 0 ? "," : "", numeric, port);
}

static int by_text(const void *a, const void *b) {
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* At most ADDRESSES_LIMIT of them. */
static size_t split_addresses(struct text list, struct text *parts) {
    size_t count = 0;
    while (count < ADDRESSES_LIMIT && list.size > 0 && text_split(&list, ',', &parts[count]))
        count++;
    return count;
}

/* "10.0.0.1:2181,10.0.0.2:2181", sorted, for name servers rotate what they answer; empty when
 * nothing is known. */
static void resolve(struct hub *hub, struct buf *out) {
    AUTO_FINI(buf_fini) struct buf all = {0}, why = {0};
    struct text rest = text_of(hub->servers), one, parts[ADDRESSES_LIMIT];
    while (text_split(&rest, ',', &one)) {
        struct address address;
        struct addrinfo *found;
        if (!address_parse(text_trim(one), ZK_DEFAULT_PORT, &address, NULL) ||
            !look_up(&address, &found, &why))
            continue;
        for (struct addrinfo *at = found; at != NULL; at = at->ai_next)
            append_address(&all, at, address.port);
        freeaddrinfo(found);
    }
    tell_lookup(hub, &why);
    size_t count = split_addresses(buf_text(&all), parts);
    qsort(parts, count, sizeof(parts[0]), by_text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && text_equal(parts[i], parts[i - 1]))
            continue;
        if (i > 0)
            buf_append_byte(out, ',');
        buf_append_text(out, parts[i]);
    }
}

/* Clients begin with different servers. */
static void shuffle(struct text list, struct buf *out) {
    struct text parts[ADDRESSES_LIMIT];
    size_t count = split_addresses(list, parts);
    struct rng rng = random_rng();
    for (size_t left = count; left > 0; left--) {
        size_t pick = rng_below(&rng, left);
        if (out->size > 0)
            buf_append_byte(out, ',');
        buf_append_text(out, parts[pick]);
        parts[pick] = parts[left - 1];
    }
}

static struct timespec after_ms(int64_t how_long_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += how_long_ms % 1000 * 1000000;
    until.tv_sec += how_long_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* Without the mutex. */
static void close_handle(struct hub *hub) {
    struct timespec until = after_ms(ANSWERS_WAIT_MS);
    pthread_mutex_lock(&hub->mutex);
    zhandle_t *handle = TAKE(hub->handle);
    while (handle != NULL && !list_is_empty(&hub->tickets) &&
           pthread_cond_timedwait(&hub->changed, &hub->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&hub->mutex);
    if (handle != NULL)
        zookeeper_close(handle);
    pthread_mutex_lock(&hub->mutex); /* nobody has anything to answer now */
    LIST_EACH(at, &hub->tickets) {
        ticket_free(CONTAINER_OF(at, struct ticket, link));
    }
    pthread_mutex_unlock(&hub->mutex);
}

static void wait_ms(struct hub *hub, int64_t how_long_ms) {
    struct timespec until = after_ms(how_long_ms);
    pthread_mutex_lock(&hub->mutex);
    while (!hub->is_closed && !hub->wants_close &&
           pthread_cond_timedwait(&hub->changed, &hub->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&hub->mutex);
}

static bool open_handle(struct hub *hub, const struct zk_session *session) {
    clientid_t id = {.client_id = session->id};
    memcpy(id.passwd, session->password, sizeof(id.passwd));
    AUTO_FINI(buf_fini) struct buf servers = {0};
    shuffle(buf_text(&hub->addresses), &servers);
    /* Else it seeds the random numbers of the whole process, again and again. */
    zoo_deterministic_conn_order(1);
    pthread_mutex_lock(&hub->gate);
    zhandle_t *handle =
        zookeeper_init2(buf_string(&servers), on_session, hub->timeout_ms,
                        session->id != 0 ? &id : NULL, hub, ZOO_NO_LOG_CLIENTENV, on_log);
    if (handle != NULL) {
        if (hub->credentials != NULL)
            zoo_add_auth(handle, "digest", hub->credentials, (int)strlen(hub->credentials), NULL,
                         NULL);
        struct zk_note *opened = NEW(struct zk_note);
        opened->kind = ZK_NOTE_OPENED;
        pthread_mutex_lock(&hub->mutex);
        hub->handle = handle;
        push(hub, opened);
        pthread_mutex_unlock(&hub->mutex);
    }
    pthread_mutex_unlock(&hub->gate);
    return handle != NULL;
}

static void do_open(struct hub *hub, const struct zk_session *session) {
    close_handle(hub);
    buf_clear(&hub->addresses);
    resolve(hub, &hub->addresses);
    if (hub->addresses.size > 0 && open_handle(hub, session))
        return;
    wait_ms(hub, OPEN_RETRY_MS);
    pthread_mutex_lock(&hub->mutex);
    hub->wants_open = true;
    pthread_mutex_unlock(&hub->mutex);
}

static void do_resolve(struct hub *hub) {
    AUTO_FINI(buf_fini) struct buf now = {0};
    resolve(hub, &now);
    if (now.size == 0 || text_equal(buf_text(&now), buf_text(&hub->addresses)))
        return;
    struct zk_note *moved = NEW(struct zk_note);
    moved->kind = ZK_NOTE_MOVED;
    pthread_mutex_lock(&hub->mutex);
    push(hub, moved);
    pthread_mutex_unlock(&hub->mutex);
}

/* With the mutex held, which is released meanwhile. */
static void do_work(struct hub *hub) {
    bool opens = hub->wants_open && !hub->wants_close, closes = hub->wants_close;
    bool resolves = hub->wants_resolve && !opens && !closes;
    struct zk_session session = hub->resume;
    if (closes)
        hub->wants_open = false;
    hub->wants_close = hub->wants_resolve = false;
    if (opens)
        hub->wants_open = false;
    pthread_mutex_unlock(&hub->mutex);
    if (closes)
        close_handle(hub);
    if (opens)
        do_open(hub, &session);
    if (resolves)
        do_resolve(hub);
    pthread_mutex_lock(&hub->mutex);
}

static void *run_thread(void *self) {
    struct hub *hub = self;
    pthread_mutex_lock(&hub->mutex);
    while (!hub->is_closed) {
        if (hub->wants_open || hub->wants_close || hub->wants_resolve)
            do_work(hub);
        else
            pthread_cond_wait(&hub->changed, &hub->mutex);
    }
    pthread_mutex_unlock(&hub->mutex);
    close_handle(hub);
    pthread_mutex_lock(&hub->mutex);
    hub->has_ended = true;
    pthread_cond_broadcast(&hub->changed);
    leave(hub);
    return NULL;
}

/* --- the loop's thread --- */

static void deliver(void *self, void *item) {
    struct zk_keeper *keeper = self;
    keeper->options.on_note(keeper->options.self, item);
}

static void free_item(void *item) {
    zk_note_free(item);
}

/* Nodes are for all to read, and for whoever has made them when that has a name. */
static void fill_acl(struct hub *hub) {
    static char world[] = "world", anyone[] = "anyone", auth[] = "auth", none[] = "";
    hub->acl.data = hub->acl_parts;
    hub->acl.count = hub->credentials != NULL ? 2 : 1;
    hub->acl_parts[0] =
        (struct ACL){.perms = hub->credentials != NULL ? ZOO_PERM_READ : ZOO_PERM_ALL,
                     .id = {.scheme = world, .id = anyone}};
    hub->acl_parts[1] = (struct ACL){.perms = ZOO_PERM_ALL, .id = {.scheme = auth, .id = none}};
}

static struct hub *hub_new(const struct zk_keeper_options *options) {
    struct hub *hub = NEW(struct hub);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&hub->mutex, NULL);
    pthread_mutex_init(&hub->gate, NULL);
    list_init(&hub->tickets);
    hub->servers = mem_dup_string(options->servers);
    hub->credentials = options->credentials != NULL ? mem_dup_string(options->credentials) : NULL;
    hub->timeout_ms = (int)options->session_timeout_ms;
    fill_acl(hub);
    return hub;
}

/* Signals are for the loop's thread: neither this one nor those it starts shall get them. */
static int start_thread(struct zk_keeper *keeper) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&keeper->thread, NULL, run_thread, keeper->hub);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

struct zk_keeper *zk_keeper_new(struct loop *loop, const struct zk_keeper_options *options,
                                struct error *error) {
    struct zk_keeper *keeper = NEW(struct zk_keeper);
    keeper->options = *options;
    keeper->hub = hub_new(options);
    keeper->hub->notify = notify_new(loop, NOTES_LIMIT, deliver, keeper, error);
    keeper->hub->users = 2;
    int code = keeper->hub->notify != NULL ? start_thread(keeper) : 0;
    if (keeper->hub->notify != NULL && code == 0)
        return keeper;
    if (code != 0)
        fail(error, ERROR_IO, "thread for ZooKeeper: %s", strerror(code));
    notify_free(keeper->hub->notify, free_item);
    hub_free(keeper->hub);
    mem_free(keeper);
    return NULL;
}

/* With the mutex held. */
static void wait_for_end(struct hub *hub, int64_t limit_ms) {
    struct timespec until = after_ms(limit_ms);
    while (!hub->has_ended && pthread_cond_timedwait(&hub->changed, &hub->mutex, &until) == 0)
        continue;
}

void zk_keeper_free(struct zk_keeper *keeper, int64_t limit_ms) {
    if (keeper == NULL)
        return;
    struct hub *hub = keeper->hub;
    pthread_mutex_lock(&hub->mutex);
    hub->is_closed = true;
    pthread_cond_broadcast(&hub->changed);
    notify_free(TAKE(hub->notify), free_item);
    wait_for_end(hub, limit_ms);
    bool has_ended = hub->has_ended;
    leave(hub);
    if (has_ended)
        pthread_join(keeper->thread, NULL);
    else
        pthread_detach(keeper->thread);
    mem_free(keeper);
}

void zk_keeper_open(struct zk_keeper *keeper, const struct zk_session *session) {
    struct hub *hub = keeper->hub;
    pthread_mutex_lock(&hub->mutex);
    hub->wants_open = true;
    hub->resume = session != NULL ? *session : (struct zk_session){0};
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
}

void zk_keeper_close(struct zk_keeper *keeper) {
    struct hub *hub = keeper->hub;
    pthread_mutex_lock(&hub->mutex);
    hub->wants_open = false;
    hub->wants_close = true;
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
}

void zk_keeper_resolve(struct zk_keeper *keeper) {
    struct hub *hub = keeper->hub;
    pthread_mutex_lock(&hub->mutex);
    hub->wants_resolve = true;
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
}

/* --- requests, with the mutex held --- */

/* zoo_amulti of 3.8 frees memory that is not its own when the handle's session is over: the paths
 * of the writes behind the first that it refuses are not set. Of a handle that is connected now it
 * refuses none, for its thread would have to connect anew first. */
static int multi_refusal(zhandle_t *handle) {
    if (zoo_state(handle) == ZOO_CONNECTED_STATE)
        return ZOK;
    return is_unrecoverable(handle) ? ZINVALIDSTATE : ZCONNECTIONLOSS;
}

static int send_multi(struct hub *hub, struct ticket *ticket, const struct zk_request *request) {
    int refusal = multi_refusal(hub->handle);
    if (refusal != ZOK)
        return refusal;
    size_t count = request->write_count;
    zoo_op_t operations[ZK_MULTI_WRITES_LIMIT];
    char paths[ZK_PATH_BYTES_LIMIT + 1];
    AUTO_FINI(buf_fini)
    struct buf names = {0}; /* C strings, all at once, since they must not move */
    buf_reserve(&names, count * sizeof(paths));
    ticket->results = NEW_ARRAY(zoo_op_result_t, count);
    ticket->result_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct zk_write *write = &request->writes[i];
        const char *path = names.data + names.size;
        const char *data = write->data.data != NULL ? write->data.data : "";
        int size = (int)write->data.size;
        buf_append_text(&names, write->path);
        buf_append_byte(&names, '\0');
        switch (write->kind) {
        case ZK_WRITE_CHECK: zoo_check_op_init(&operations[i], path, write->version); break;
        case ZK_WRITE_CREATE:
            zoo_create_op_init(&operations[i], path, data, size, &hub->acl, ZOO_PERSISTENT, NULL,
                               0);
            break;
        case ZK_WRITE_SET:
            zoo_set_op_init(&operations[i], path, data, size, write->version, NULL);
            break;
        case ZK_WRITE_DELETE: zoo_delete_op_init(&operations[i], path, write->version); break;
        }
    }
    return zoo_amulti(hub->handle, (int)count, operations, ticket->results, on_void, ticket);
}

static int send_read(struct hub *hub, struct ticket *ticket, const struct zk_request *request,
                     const char *path) {
    watcher_fn watcher = request->watch ? on_watch : NULL;
    int code = request->kind == ZK_GET
                   ? zoo_awget(hub->handle, path, watcher, hub, on_data, ticket)
                   : zoo_awget_children(hub->handle, path, watcher, hub, on_strings, ticket);
    if (code != ZOK || !request->watch)
        return code;
    ticket->path = mem_dup_string(path);
    ticket->is_watching = zoo_awexists(hub->handle, path, on_watch, hub, on_exists, ticket) == ZOK;
    return ZOK;
}

static int send_request(struct hub *hub, struct ticket *ticket, const struct zk_request *request) {
    char path[ZK_PATH_BYTES_LIMIT + 1];
    const char *data = request->data.data != NULL ? request->data.data : "";
    int size = (int)request->data.size;
    if (request->path.size > 0)
        memcpy(path, request->path.data, request->path.size);
    path[request->path.size] = '\0';
    switch (request->kind) {
    case ZK_CREATE:
        return zoo_acreate(hub->handle, path, data, size, &hub->acl, ZOO_PERSISTENT, on_string,
                           ticket);
    case ZK_CREATE_MEMBER:
        return zoo_acreate(hub->handle, path, data, size, &hub->acl, ZOO_EPHEMERAL_SEQUENTIAL,
                           on_string, ticket);
    case ZK_GET:
    case ZK_CHILDREN: return send_read(hub, ticket, request, path);
    case ZK_SET: return zoo_aset(hub->handle, path, data, size, request->version, on_stat, ticket);
    case ZK_DELETE: return zoo_adelete(hub->handle, path, request->version, on_void, ticket);
    case ZK_MULTI: return send_multi(hub, ticket, request);
    case ZK_SYNC: return zoo_async(hub->handle, path, on_string, ticket);
    }
    return ZBADARGUMENTS;
}

enum zk_result zk_keeper_send(struct zk_keeper *keeper, uint64_t call,
                              const struct zk_request *request) {
    struct hub *hub = keeper->hub;
    pthread_mutex_lock(&hub->mutex);
    int code = ZCONNECTIONLOSS;
    if (hub->handle != NULL) {
        struct ticket *ticket = NEW(struct ticket);
        ticket->hub = hub;
        ticket->call = call;
        list_append(&hub->tickets, &ticket->link);
        code = send_request(hub, ticket, request);
        if (code != ZOK)
            ticket_free(ticket);
    }
    pthread_mutex_unlock(&hub->mutex);
    return result_of(code);
}
