/*
 * A policy of one's own for the master: who is offered resources next.
 *
 * The master keeps the books: what each agent has free, who holds what, refusals, quota,
 * constraints, reservations. A policy hears of clients (a framework within a role) and of what they
 * hold, and is asked again and again: who is next? Its pick is checked against the books before
 * anything is offered. A wrong pick is dropped, counted and logged by the policy's name, and does
 * no harm; a policy that is wrong MESOS_ALLOCATOR_STRIKES times in a row is put aside for the
 * built-in one until the master restarts.
 *
 * A shared object exports
 *
 *     const struct mesos_allocator *mesos_allocator(void);
 *
 * and is named on the master's command line: --allocator=./mine.so. The three built-in policies
 * (hdrf, drf, random) are written against this header too.
 *
 * Rules of calling. One thread, never re-entered. Every function is called on a policy made by
 * `create` until `destroy`. A call must return soon (micro-, not milliseconds) and may not block,
 * fork, or keep a pointer it was given. Texts and amounts are lent for the call. The same calls
 * must lead to the same picks: chance comes from the seed alone. The host's functions may be called
 * inside `choose` only. Functions marked optional may be NULL.
 *
 * Amounts are whole thousandths (cpus 1.5 is 1500) of scalar resources, an array of the
 * resource_count given to `create`, in its order of names. When the cluster learns of one more
 * resource the master makes a new policy and tells it everything anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MESOS_ALLOCATOR_VERSION 1u

enum {
    MESOS_ALLOCATOR_RESOURCES_LIMIT = 32, /* of one policy */
    MESOS_ALLOCATOR_STRIKES = 16,         /* wrong picks in a row */
};
#define MESOS_ALLOCATOR_NOBODY UINT32_MAX            /* no client */
#define MESOS_ALLOCATOR_ANY_AGENT UINT32_MAX         /* the master places it */
#define MESOS_ALLOCATOR_SHARE_ONE (INT64_C(1) << 48) /* the whole cluster, as a share */

enum mesos_allocator_answer {
    MESOS_ALLOCATOR_NO,
    MESOS_ALLOCATOR_YES,
    MESOS_ALLOCATOR_LATER, /* the slice of work is used up: return at once, you are asked again */
};

/* What a policy may ask inside `choose`. */
struct mesos_allocator_host {
    size_t size; /* of this struct: later versions append */
    void *self;  /* first argument of all of them */
    /* Whether the client's next task fits on some agent that it may use now. NO stays NO until
     * `reconsider`. */
    enum mesos_allocator_answer (*fits)(void *self, uint32_t client);
    /* The same for one agent; MESOS_ALLOCATOR_ANY_AGENT is no agent here. After LATER go on from
     * there when you are asked again: the next slice of work is no larger. */
    enum mesos_allocator_answer (*fits_on)(void *self, uint32_t client, uint32_t agent);
    /* Agents with something free, for a policy that places by itself: the one after `agent`,
     * MESOS_ALLOCATOR_ANY_AGENT for the first and after the last. */
    uint32_t (*next_agent)(void *self, uint32_t agent);
    /* What is free and unreserved there; false, zeroes: no such agent. */
    bool (*free_milli)(void *self, uint32_t agent, int64_t *amounts_milli);
};

struct mesos_allocator_pick {
    uint32_t client;
    uint32_t agent; /* MESOS_ALLOCATOR_ANY_AGENT, or where it is to be */
    /* False: as much as the master's rules give (the client's next task when it declared its
     * demand, else all it may have of the agent). True: exactly this, unreserved. */
    bool has_amounts;
    int64_t amounts_milli[MESOS_ALLOCATOR_RESOURCES_LIMIT];
};

/* How a client or a role stands, for those who look. Shares are parts of
 * MESOS_ALLOCATOR_SHARE_ONE. */
struct mesos_allocator_standing {
    int64_t share;      /* the largest part it holds of any resource */
    int64_t guaranteed; /* what its weights give it, were it to want; 0: this policy has none */
    uint32_t dominant;  /* that resource's place among the names; UINT32_MAX: it holds nothing */
};

struct mesos_allocator {
    uint32_t version; /* MESOS_ALLOCATOR_VERSION */
    uint32_t size;    /* sizeof(struct mesos_allocator) */
    const char *name; /* for logs and flags */

    /* Never NULL: a policy that gives nothing is put aside at once. */
    void *(*create)(const char *const *resource_names, size_t resource_count, uint64_t seed);
    void (*destroy)(void *self);

    /* What the cluster has in all, whenever it changes. */
    void (*set_total)(void *self, const int64_t *total_milli);
    /* A role's weight in thousandths, 1 to 1,000,000,000; 1000 unless said. */
    void (*set_weight)(void *self, const char *role, int64_t weight_milli);

    /* A client is a small number of the master's; it may come again for another once it was
     * removed. `framework` tells frameworks apart and is the last tie break; it grows with the
     * order in which they came. The weight counts among the frameworks of its role. A new one
     * holds nothing and wants nothing. */
    void (*add_client)(void *self, uint32_t client, const char *role, uint32_t framework,
                       int64_t weight_milli);
    /* It holds nothing and wants nothing by then. */
    void (*remove_client)(void *self, uint32_t client);
    void (*set_wants)(void *self, uint32_t client, bool wants);
    /* Its next task: what it declared, else the smallest it launched lately, else the smallest
     * offer there is. Told before it wants for the first time. */
    void (*set_task)(void *self, uint32_t client, const int64_t *task_milli);
    /* It holds so much more (sign 1) or less (sign -1), offers included. */
    void (*charge)(void *self, uint32_t client, const int64_t *amounts_milli, int sign);

    /* What did not fit may fit now, for this client or MESOS_ALLOCATOR_NOBODY: for all. */
    void (*reconsider)(void *self, uint32_t client);
    /* Who is next? YES: *pick is set; if the master agrees, `charge` follows before the next call;
     * a client that is picked must fit. NO: nobody who wants fits now. LATER: `fits` said so. */
    enum mesos_allocator_answer (*choose)(void *self, const struct mesos_allocator_host *host,
                                          struct mesos_allocator_pick *pick);

    /* Optional. Big tasks. A claim is 2 for a client that wants and would not be over its
     * guaranteed share with one more task, or for whose sake a role above it is as far below its
     * own, 1 for one that wants and holds nothing although its
     * task is larger than that share, 0 else. next_earmark is the client with a claim, neediest
     * first, that was not found to fit since the last reconsider, and is not set as earmarked;
     * NOBODY: none. What is freed on an agent earmarked for it goes only to it and to those with
     * a higher claim. */
    int (*claim)(void *self, uint32_t client);
    uint32_t (*next_earmark)(void *self);
    void (*set_earmarked)(void *self, uint32_t client, bool is_earmarked);

    /* Optional: for `mesos share`. False, or none: the share is reckoned from what is held, and
     * nothing is guaranteed. `next` is who would be next if every task fitted. */
    bool (*client_standing)(void *self, uint32_t client, struct mesos_allocator_standing *out);
    bool (*role_standing)(void *self, const char *role, struct mesos_allocator_standing *out);
    uint32_t (*next)(void *self);
};

/* What a module exports, under this very name. */
typedef const struct mesos_allocator *mesos_allocator_export(void);

#ifdef __cplusplus
}
#endif
