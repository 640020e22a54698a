/*
 * What is carried out when, and in what order. The parts of the shell that effects go to are lines
 * here.
 */
#include "agent/shell/effects.h"

#include "agent/shell/containers.h"
#include "agent/shell/daemon.h"
#include "agent/shell/executors.h"
#include "agent/shell/master_link.h"
#include "agent/shell/remover.h"
#include "agent/shell/volumes.h"
#include "common/storage/storage.h"
#include "tests/support/unit.h"

static struct daemon daemon_;
static struct buf said;

void master_link_connect(struct master_link *link) {
    (void)link;
    buf_append_string(&said, "connect ");
}

void master_link_disconnect(struct master_link *link, const char *reason) {
    (void)link;
    buf_printf(&said, "disconnect:%s ", reason);
}

void master_link_send(struct master_link *link, struct text agent_message) {
    (void)link, (void)agent_message;
    buf_append_string(&said, "send ");
}

void executors_send(struct executors *executors, struct connection_id to, struct text event) {
    (void)executors, (void)event;
    buf_printf(&said, "executor:%u ", (unsigned)to.value);
}

void executors_close(struct executors *executors, struct connection_id which, const char *reason) {
    (void)executors;
    buf_printf(&said, "close:%u:%s ", (unsigned)which.value, reason);
}

/* Only a name: the copy is tested with real containers. */
struct launch_order {
    char id[16];
};

struct launch_order *launch_order_new(const struct container_launch *launch) {
    struct launch_order *order = NEW(struct launch_order);
    memcpy(order->id, launch->id.text.data, launch->id.text.size);
    return order;
}

void launch_order_free(struct launch_order *order) {
    mem_free(order);
}

void containers_launch(struct containers *containers, struct launch_order *order) {
    (void)containers;
    buf_printf(&said, "launch:%s ", order->id);
    mem_free(order);
}

void containers_signal(struct containers *containers, struct text id, int signal) {
    (void)containers;
    buf_printf(&said, "signal:%.*s:%d ", TEXT_ARGS(id), signal);
}

void containers_destroy(struct containers *containers, struct text id) {
    (void)containers;
    buf_printf(&said, "destroy:%.*s ", TEXT_ARGS(id));
}

void containers_forget(struct containers *containers, struct text id) {
    (void)containers;
    buf_printf(&said, "forget:%.*s ", TEXT_ARGS(id));
}

void containers_limit(struct containers *containers, struct text id, int64_t cpu_milli,
                      int64_t cpu_quota_milli, int64_t memory_bytes) {
    (void)containers, (void)cpu_milli, (void)cpu_quota_milli, (void)memory_bytes;
    buf_printf(&said, "limit:%.*s ", TEXT_ARGS(id));
}

void containers_lease(struct containers *containers, struct text id, int64_t stop_at_ms) {
    (void)containers;
    buf_printf(&said, "lease:%.*s:%lld ", TEXT_ARGS(id), (long long)stop_at_ms);
}

void remover_add(struct remover *remover, const char *path) {
    (void)remover;
    buf_printf(&said, "remove:%s ", path);
}

/* Only an order's number. */
struct volume_order {
    uint64_t order;
};

struct volume_order *volume_order_new(const struct agent_effect *effect) {
    struct volume_order *order = NEW(struct volume_order);
    order->order = effect->volumes.order;
    return order;
}

void volume_order_free(struct volume_order *order) {
    mem_free(order);
}

void volumes_make(struct volumes *volumes, struct volume_order *order) {
    (void)volumes;
    buf_printf(&said, "make:%u ", (unsigned)order->order);
    mem_free(order);
}

void volumes_remove(struct volumes *volumes, struct volume_order *order) {
    (void)volumes;
    buf_printf(&said, "unmake:%u ", (unsigned)order->order);
    mem_free(order);
}

void storage_put(struct storage *storage, struct text key, struct text value) {
    (void)storage, (void)value;
    buf_printf(&said, "put:%.*s ", TEXT_ARGS(key));
}

void storage_remove(struct storage *storage, struct text key) {
    (void)storage;
    buf_printf(&said, "drop:%.*s ", TEXT_ARGS(key));
}

static void begin(void) {
    struct error error;
    daemon_ = (struct daemon){0};
    list_init(&daemon_.held);
    daemon_.arena = arena_new();
    daemon_.kinds = kinds_new();
    daemon_.loop = loop_new(&error);
}

static void end(void) {
    effects_drop(&daemon_);
    loop_task_cancel(&daemon_.turn_end);
    VEC_FINI(&daemon_.outbox.effects);
    arena_free(daemon_.arena);
    kinds_free(daemon_.kinds);
    loop_free(daemon_.loop);
    buf_fini(&said);
}

static void add(struct agent_effect effect) {
    VEC_PUSH(&daemon_.outbox.effects, effect);
}

static void add_named(enum agent_effect_kind kind, uint64_t after, const char *id) {
    struct agent_effect effect = {.kind = kind, .after = after};
    if (kind == AGENT_EFFECT_LAUNCH)
        effect.launch.id.text = text_of(id);
    else
        effect.signal.id.text = text_of(id);
    add(effect);
}

static void release(uint64_t ticket) {
    buf_clear(&said);
    daemon_.stored_ticket = ticket;
    effects_release(&daemon_);
}

TEST(what_waits_for_a_store_is_held_until_it_is_done_and_in_order) {
    begin();
    add_named(AGENT_EFFECT_LAUNCH, 1, "a");
    add_named(AGENT_EFFECT_FORGET, 0, "old");
    add_named(AGENT_EFFECT_DESTROY, 1, "a");
    add_named(AGENT_EFFECT_LAUNCH, 2, "b");

    effects_carry_out(&daemon_);
    assert_string_equal(buf_string(&said), "forget:old ");
    release(1);
    assert_string_equal(buf_string(&said), "launch:a destroy:a ");
    release(2);

    assert_string_equal(buf_string(&said), "launch:b ");
    end();
}

TEST(what_waits_for_a_store_that_is_done_already_is_carried_out_at_once) {
    begin();
    daemon_.stored_ticket = 5;
    add_named(AGENT_EFFECT_DESTROY, 5, "a");

    effects_carry_out(&daemon_);

    assert_string_equal(buf_string(&said), "destroy:a ");
    assert_int_equal(daemon_.outbox.effects.count, 0);
    end();
}

TEST(a_volume_is_made_once_its_operation_is_stored_and_before_a_task_that_uses_it) {
    begin();
    struct agent_effect effect = {.kind = AGENT_EFFECT_MAKE_VOLUMES, .after = 1};
    effect.volumes.order = 7;
    add(effect);
    add_named(AGENT_EFFECT_LAUNCH, 1, "a");
    effect.kind = AGENT_EFFECT_REMOVE_VOLUME;
    effect.after = 2;
    add(effect);

    effects_carry_out(&daemon_);
    assert_string_equal(buf_string(&said), "");
    release(1);
    assert_string_equal(buf_string(&said), "make:7 launch:a ");
    release(2);

    assert_string_equal(buf_string(&said), "unmake:7 ");
    end();
}

TEST(a_lease_is_told_behind_the_launch_that_it_is_for) {
    begin();
    add_named(AGENT_EFFECT_LAUNCH, 1, "a");
    struct agent_effect effect = {.kind = AGENT_EFFECT_LEASE, .after = 1};
    effect.lease.id.text = TEXT("a");
    effect.lease.stop_at_ms = INT64_C(1) << 40;
    add(effect);

    effects_carry_out(&daemon_);
    release(1);

    assert_string_equal(buf_string(&said), "launch:a lease:a:1099511627776 ");
    end();
}

TEST(held_effects_keep_what_the_step_lent_them) {
    char reason[] = "why";
    begin();
    struct agent_effect effect = {.kind = AGENT_EFFECT_CLOSE_EXECUTOR, .after = 1};
    effect.connection.value = 9;
    effect.reason = text_of(reason);
    add(effect);

    effects_carry_out(&daemon_);
    memset(reason, 'x', sizeof(reason) - 1);
    release(1);

    assert_string_equal(buf_string(&said), "close:9:why ");
    end();
}

TEST(a_store_is_handed_over_before_anything_else_of_its_step) {
    const struct store_change changes[] = {{.key = TEXT("gone")}};
    struct agent_effect store = {.kind = AGENT_EFFECT_STORE};
    begin();
    store.store.ticket = 3;
    store.store.changes = changes;
    store.store.count = 1;
    add(store);
    add((struct agent_effect){.kind = AGENT_EFFECT_CONNECT});

    effects_carry_out(&daemon_);

    assert_string_equal(buf_string(&said), "drop:gone connect ");
    assert_int_equal(daemon_.made_ticket, 3);
    end();
}
