/*
 * The two peers of the status update benchmark: an agent and a framework that know the bytes of
 * their messages beforehand and change nothing in them but task number and uuid, so that they cost
 * little beside the master between them.
 *
 * Each of `task_count` tasks has one update on its way at a time: the agent sends it, the framework
 * acknowledges what it gets, and the acknowledgement that comes back, checked against what was
 * sent, makes the agent send the next. Pure: bytes in, bytes out.
 */
#pragma once

#include "common/base/buf.h"
#include "common/wire/messages.h"

enum { PEERS_TASKS_LIMIT = 100000 };

enum peer_role { PEER_AGENT, PEER_FRAMEWORK };

/* A message in which task number and uuid change. */
struct changing_message {
    struct buf bytes;
    size_t digits_at, uuid_at;
};

struct status_peers {
    void (*send)(void *self, enum peer_role from, uint16_t type, struct text payload);
    void *self;
    size_t task_count;
    struct wire wire;
    struct buf framework_id, agent_id;
    struct changing_message update, acknowledge;
    struct uuid *sent; /* by task number */
    size_t launched;
    uint64_t updates, acknowledged; /* sent, come back */
};

void status_peers_init(struct status_peers *peers, size_t task_count);
void status_peers_fini(struct status_peers *peers);

void status_peers_register(struct status_peers *peers);
/* To be called once the agent is registered (agent_id is set): the offer is then accepted. */
void status_peers_subscribe(struct status_peers *peers);
bool status_peers_are_ready(
    const struct status_peers *peers);               /* all tasks have reached the agent */
void status_peers_begin(struct status_peers *peers); /* sends the first update of each task */

void status_peers_hear(struct status_peers *peers, enum peer_role who, struct text payload);
