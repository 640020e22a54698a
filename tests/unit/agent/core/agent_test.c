/*
 * A random history: a model of the world (containers that live on their own, a master that knows
 * its tasks) around the agent, which crashes at any point, also between a store and its effects.
 * Whatever happens, no container is begun twice, updates come in order, and every task ends with
 * one last word.
 */
#include "tests/unit/agent/core/rig.h"

#include <signal.h>

enum { TASKS = 40, STEPS = 1500, ROUNDS = 20 };

enum container_life { CONTAINER_NONE, CONTAINER_BEGUN, CONTAINER_UP, CONTAINER_OVER };

struct subject {
    const char *id;
    struct container_id container;
    enum container_life life;
    bool sent;    /* the master knows it */
    bool settled; /* its terminal update was acknowledged */
    enum task_state last;
    size_t launches;
};

struct world {
    struct rig *rig;
    struct rng rng;
    struct subject subjects[TASKS];
    size_t seen; /* effects looked at */
    bool connected, registered, healed;
};

static struct subject *subject_of(struct world *world, struct text id) {
    for (size_t i = 0; i < TASKS; i++) {
        if (text_equal(text_of(world->subjects[i].id), id))
            return &world->subjects[i];
    }
    fail_msg("no such task");
    return NULL;
}

static struct subject *subject_of_container(struct world *world, struct container_id id) {
    for (size_t i = 0; i < TASKS; i++) {
        if (container_id_equal(world->subjects[i].container, id))
            return &world->subjects[i];
    }
    return NULL;
}

static void hear_launch(struct world *world, const struct container_launch *launch) {
    for (size_t i = 0; i < launch->environment_count; i++) {
        if (!text_equal(launch->environment[i].name, TEXT("MESOS_EXECUTOR_ID")))
            continue;
        struct subject *subject = subject_of(world, launch->environment[i].value);
        assert_int_equal(++subject->launches, 1);
        subject->container = launch->id;
        subject->life = CONTAINER_BEGUN;
    }
}

static void acknowledge(struct world *world, struct subject *subject, struct uuid uuid) {
    struct master_message message = {.kind = MASTER_MESSAGE_ACKNOWLEDGE};
    message.acknowledge.framework.text = TEXT("f1");
    message.acknowledge.task.text = text_of(subject->id);
    message.acknowledge.uuid = uuid;
    rig_master(world->rig, message);
}

static void hear_update(struct world *world, struct task_status status) {
    struct subject *subject = subject_of(world, status.task.text);
    assert_true(subject->sent);
    bool is_over = task_state_is_terminal(subject->last);
    if (is_over && subject->last != status.state)
        fail_msg("%s: %s after %s (%.*s)", subject->id, task_state_name(status.state),
                 task_state_name(subject->last), TEXT_ARGS(status.message));
    if (rng_below(&world->rng, 3) == 0 && !world->healed)
        return; /* lost on the way */
    subject->last = status.state;
    subject->settled |= task_state_is_terminal(status.state);
    if (rng_below(&world->rng, 4) != 0 || world->healed)
        acknowledge(world, subject, status.uuid);
}

static void hear(struct world *world) {
    struct rig *rig = world->rig;
    while (world->seen < rig->done.count) {
        struct agent_effect effect = rig->done.items[world->seen++];
        struct subject *subject = NULL;
        if (effect.kind == AGENT_EFFECT_LAUNCH)
            hear_launch(world, &effect.launch);
        if (effect.kind == AGENT_EFFECT_SEND_MASTER && world->registered &&
            effect.master.kind == AGENT_MESSAGE_UPDATE)
            hear_update(world, effect.master.update.status);
        if (effect.kind == AGENT_EFFECT_SIGNAL || effect.kind == AGENT_EFFECT_DESTROY)
            subject = subject_of_container(world, effect.signal.id);
        if (subject == NULL || (subject->life != CONTAINER_UP && subject->life != CONTAINER_BEGUN))
            continue;
        if (effect.kind == AGENT_EFFECT_DESTROY || rng_below(&world->rng, 2) == 0) {
            subject->life = CONTAINER_OVER;
            rig_signalled(rig, subject->container, effect.signal.signal);
        }
    }
}

static void forget_heard(struct world *world) {
    rig_forget_effects(world->rig);
    world->seen = 0;
}

static void disconnect(struct world *world) {
    world->connected = world->registered = false;
}

/* The master asks about what it knows and the agent did not list. */
static void reconcile(struct world *world) {
    struct task_key keys[TASKS];
    size_t count = 0;
    for (size_t i = 0; i < TASKS; i++) {
        const struct subject *subject = &world->subjects[i];
        if (subject->sent && !subject->settled)
            keys[count++] = (struct task_key){{TEXT("f1")}, {text_of(subject->id)}};
    }
    struct master_message message = {.kind = MASTER_MESSAGE_RECONCILE};
    message.reconcile.tasks = keys;
    message.reconcile.task_count = count;
    rig_master(world->rig, message);
}

static void connect(struct world *world) {
    rig_connect(world->rig);
    world->connected = world->registered = true;
    hear(world);
    reconcile(world);
}

static void crash(struct world *world, bool same_boot) {
    struct rig *rig = world->rig;
    disconnect(world);
    rig_crash(rig, same_boot);
    world->seen = 0;
    for (size_t i = 0; i < TASKS; i++) {
        struct subject *subject = &world->subjects[i];
        if (!same_boot && subject->life != CONTAINER_NONE)
            subject->life = CONTAINER_OVER;
        if (!same_boot)
            continue;
        if (subject->life == CONTAINER_BEGUN)
            subject->life = CONTAINER_UP;
        if (subject->life == CONTAINER_UP)
            rig_started(rig, subject->container);
        else if (subject->life == CONTAINER_OVER)
            rig_exited(rig, subject->container, 0);
    }
    rig_containers_done(rig);
    hear(world);
}

static void run(struct world *world, struct subject *subject) {
    if (!world->registered || subject->sent)
        return;
    subject->sent = true;
    rig_run(world->rig, "f1", rig_task(world->rig, subject->id));
}

static void move_container(struct world *world, struct subject *subject) {
    if (subject->life == CONTAINER_BEGUN) {
        subject->life = CONTAINER_UP;
        rig_started(world->rig, subject->container);
    } else if (subject->life == CONTAINER_UP && rng_below(&world->rng, 2) == 0) {
        subject->life = CONTAINER_OVER;
        rig_exited(world->rig, subject->container, (int)rng_below(&world->rng, 2));
    }
}

static void act(struct world *world) {
    struct rig *rig = world->rig;
    struct subject *subject = &world->subjects[rng_below(&world->rng, TASKS)];
    uint64_t dice = rng_below(&world->rng, 100);
    if (dice < 15)
        run(world, subject);
    else if (dice < 50)
        move_container(world, subject);
    else if (dice < 60 && world->registered && subject->sent && !subject->settled)
        rig_kill(rig, subject->id, (int64_t)rng_below(&world->rng, 5000));
    else if (dice < 70)
        rig_advance(rig, (int64_t)rng_below(&world->rng, 20000));
    else if (dice < 78)
        rig->stores_wait = !rig->stores_wait;
    else if (dice < 84)
        rig_store_all(rig);
    else if (dice < 90 && !world->connected)
        connect(world);
    else if (dice < 95 && world->connected) {
        disconnect(world);
        rig_lose_master(rig);
    } else if (dice < 98)
        crash(world, rng_below(&world->rng, 10) != 0);
    hear(world);
}

/* No more trouble: everything ends in bounded time. */
static void heal(struct world *world) {
    struct rig *rig = world->rig;
    world->healed = true;
    rig->stores_wait = false;
    rig_store_all(rig);
    hear(world);
    if (world->connected)
        rig_lose_master(rig);
    disconnect(world);
    connect(world);
    for (int i = 0; i < 100; i++) {
        for (size_t k = 0; k < TASKS; k++)
            move_container(world, &world->subjects[k]);
        hear(world);
        rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
        rig_advance(rig, 20000);
        hear(world);
    }
}

static void play(struct world *world) {
    for (size_t i = 0; i < TASKS; i++)
        world->subjects[i] = (struct subject){.id = arena_printf(world->rig->arena, "t%zu", i),
                                              .last = TASK_STATE_STAGING};
    rig_recover(world->rig);
    for (int i = 0; i < STEPS; i++) {
        act(world);
        if (world->seen == world->rig->done.count)
            forget_heard(world);
    }
    heal(world);
}

static void count_live(void *self, const struct agent_task_view *view) {
    *(size_t *)self += !view->completed;
}

TEST(whatever_happens_every_task_is_begun_once_at_most_and_ends_with_one_last_word) {
    struct rng seeds = rng_for_test();
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(rig_free) struct rig *rig = rig_new();
        struct world world = {.rig = rig, .rng = rng_of(rng_next(&seeds))};
        size_t live = 0;

        play(&world);

        for (size_t i = 0; i < TASKS; i++)
            assert_true(!world.subjects[i].sent || world.subjects[i].settled);
        agent_each_task(rig->agent, count_live, &live);
        assert_int_equal(live, 0);
        assert_int_equal(rig_disk_count(rig, "task/") + rig_disk_count(rig, "update/") +
                             rig_disk_count(rig, "framework/"),
                         0);
    }
}

TEST(the_same_events_give_the_same_effects) {
    AUTO(rig_free) struct rig *one = rig_new();
    rig_register(one);
    rig_run(one, "f1", rig_task(one, "t1"));
    struct container_id first = rig_launched(one);

    AUTO(rig_free) struct rig *two = rig_new();
    rig_register(two);
    rig_run(two, "f1", rig_task(two, "t1"));

    assert_true(container_id_equal(rig_launched(two), first));
}
