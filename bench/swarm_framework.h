/*
 * The one framework of a swarm: it owns all tasks, takes no offers, acknowledges every status, and
 * comes back to each new leader as soon as there is one.
 */
#pragma once

#include "common/base/buf.h"
#include "common/runtime/address.h"
#include "common/runtime/loop.h"

struct frame_client;
struct frame_link;

struct swarm_framework {
    struct loop *loop;
    struct address leader; /* port 0: none known */
    struct frame_client *client;
    struct frame_link *link;
    struct loop_timer retry;
    struct buf id;   /* empty: never subscribed */
    struct buf info; /* encoded mesos.v1.FrameworkInfo; with the id from then on */
    bool is_subscribed;
    uint64_t subscriptions, offers, updates;
    int64_t subscribed_ns, first_offers_ns, last_offers_ns; /* monotonic, since it subscribed */
};

void swarm_framework_init(struct swarm_framework *framework, struct loop *loop);
void swarm_framework_fini(struct swarm_framework *framework);

/* Drops whatever connection there is and goes there. */
void swarm_framework_found(struct swarm_framework *framework, const struct address *leader);
void swarm_framework_suppress(struct swarm_framework *framework); /* wants no more offers */
