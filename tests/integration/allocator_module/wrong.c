/*
 * A policy that does one thing wrong, whatever DOES names. Built once for each.
 */
#include <mesos/allocator.h>

#include <stdlib.h>

enum wrong {
    PICKS_A_GHOST = 1,      /* a client that does not exist */
    PICKS_A_GHOST_AGENT,    /* an agent that does not exist */
    PICKS_WHAT_IS_NOT_FREE, /* more than anybody has */
    PICKS_LESS_THAN_NOTHING,
    PICKS_NOTHING,    /* exactly nothing of an agent */
    PICKS_THE_SATED,  /* who wants nothing, or whom nothing fits */
    ANSWERS_NONSENSE, /* no member of the enum */
    PUTS_OFF_FOR_EVER,
    HAS_ANOTHER_VERSION,
    HAS_ANOTHER_SIZE,
    HAS_NO_NAME,
    HAS_NO_CHOOSE,
    GIVES_NO_STRUCT,
};

struct policy {
    uint32_t client; /* the latest */
};

static void *create(const char *const *resource_names, size_t resource_count, uint64_t seed) {
    (void)resource_names, (void)resource_count, (void)seed;
    return calloc(1, sizeof(struct policy));
}

static void set_amounts(void *self, const int64_t *amounts_milli) {
    (void)self, (void)amounts_milli;
}

static void set_weight(void *self, const char *role, int64_t weight_milli) {
    (void)self, (void)role, (void)weight_milli;
}

static void add_client(void *self, uint32_t client, const char *role, uint32_t framework,
                       int64_t weight_milli) {
    (void)role, (void)framework, (void)weight_milli;
    struct policy *policy = self;
    policy->client = client;
}

static void set_client(void *self, uint32_t client) {
    (void)self, (void)client;
}

static void set_wants(void *self, uint32_t client, bool wants) {
    (void)self, (void)client, (void)wants;
}

static void set_task(void *self, uint32_t client, const int64_t *task_milli) {
    (void)self, (void)client, (void)task_milli;
}

static void charge(void *self, uint32_t client, const int64_t *amounts_milli, int sign) {
    (void)self, (void)client, (void)amounts_milli, (void)sign;
}

static enum mesos_allocator_answer choose(void *self, const struct mesos_allocator_host *host,
                                          struct mesos_allocator_pick *pick) {
    const struct policy *policy = self;
    *pick = (struct mesos_allocator_pick){
        .client = DOES == PICKS_A_GHOST ? 4000000000u : policy->client,
        .agent = DOES == PICKS_A_GHOST_AGENT ? 4000000000u : MESOS_ALLOCATOR_ANY_AGENT,
    };
    if (DOES == PICKS_WHAT_IS_NOT_FREE || DOES == PICKS_LESS_THAN_NOTHING ||
        DOES == PICKS_NOTHING) {
        int64_t amount = DOES == PICKS_NOTHING             ? 0
                         : DOES == PICKS_LESS_THAN_NOTHING ? -1000
                                                           : 1000000000000;
        pick->agent = host->next_agent(host->self, MESOS_ALLOCATOR_ANY_AGENT);
        pick->has_amounts = true;
        pick->amounts_milli[0] = amount;
        pick->amounts_milli[1] = amount;
    }
    if (DOES == ANSWERS_NONSENSE)
        return (enum mesos_allocator_answer)77;
    return DOES == PUTS_OFF_FOR_EVER ? MESOS_ALLOCATOR_LATER : MESOS_ALLOCATOR_YES;
}

const struct mesos_allocator *mesos_allocator(void) {
    static const struct mesos_allocator policy = {
        .version = MESOS_ALLOCATOR_VERSION + (DOES == HAS_ANOTHER_VERSION),
        .size = sizeof(policy) - (DOES == HAS_ANOTHER_SIZE ? sizeof(void *) : 0),
        .name = DOES == HAS_NO_NAME ? NULL : "wrong",
        .create = create,
        .destroy = free,
        .set_total = set_amounts,
        .set_weight = set_weight,
        .add_client = add_client,
        .remove_client = set_client,
        .set_wants = set_wants,
        .set_task = set_task,
        .charge = charge,
        .reconsider = set_client,
        .choose = DOES == HAS_NO_CHOOSE ? NULL : choose,
    };
    return DOES == GIVES_NO_STRUCT ? NULL : &policy;
}
