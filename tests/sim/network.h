/*
 * The network: connections that carry frames in order, each way with its own latency, between
 * processes that may be cut off from each other. As with TCP, a partition holds what is under way;
 * nobody hears of the other's end until it is over.
 */
#pragma once

#include "tests/sim/world.h"

enum process_kind { PROCESS_MASTER, PROCESS_AGENT, PROCESS_SCHEDULER, PROCESS_EXECUTOR };

/* One run of a program after another: `life` counts them. */
struct process {
    struct world *world;
    enum process_kind kind;
    char name[64];
    bool is_up;
    uint64_t life;
    struct happening tick;
    int64_t effects_to_live; /* it dies after so many effects; 0: it does not */
    bool is_dying;
    bool is_paused; /* what comes waits for it */
};

struct parcel {
    bool is_close;
    uint16_t type;
    struct buf bytes;
    int64_t due_ms;
};

/* One side's view of a connection. */
struct end {
    struct connection *connection;
    struct process *owner;
    uint64_t life; /* of the owner that opened it */
    uint64_t id;   /* the owner's number for it */
    bool is_open;
    VEC_OF(struct parcel) inbox; /* on its way to this end */
};

struct connection {
    struct world *world;
    struct end ends[2]; /* the one that dialed first */
    bool is_up, is_cut;
};

void connection_free(struct connection *connection);

/* Answered by process_connected or process_refused, unless end_close comes first. */
struct end *network_dial(struct process *from, struct process *to);
struct end *end_peer(const struct end *end);
bool end_is_alive(const struct end *end);
void end_send(struct end *end, uint16_t type, struct text payload);
void end_close(struct end *end);
/* The connection breaks: some of what is under way is lost, both sides hear of it. */
void connection_cut(struct connection *connection);
/* Closes everything the process has open. silently: the machine is gone, nobody is told. */
void network_forget(struct process *process, bool silently);

bool network_is_parted(const struct world *world, const struct process *a, const struct process *b);
void network_part(struct world *world, struct process *a, struct process *b);
void network_heal(struct world *world, struct process *a, struct process *b);
void network_heal_all(struct world *world);
/* What was held is on its way again. */
void network_resume(struct world *world);

/* What the processes are told; nodes.c hands it on by kind. */
void process_accepted(struct process *process, struct end *end);
void process_connected(struct process *process, struct end *end);
void process_refused(struct process *process, struct end *end, const char *why);
void process_frame(struct process *process, struct end *end, uint16_t type, struct text payload);
void process_closed(struct process *process, struct end *end);
