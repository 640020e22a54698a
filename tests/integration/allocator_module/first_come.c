/*
 * A policy of one's own: first come, first served. The framework that subscribed first gets all it
 * wants, then the second, and so on; nobody is ever compared by what he holds.
 *
 *     cc -shared -fPIC -I include -o first_come.so first_come.c
 *     mesos-master --allocator=./first_come.so ...
 *
 * It needs one header of Mesos and links nothing of it.
 */
#include <mesos/allocator.h>

#include <stdlib.h>
#include <string.h>

struct client {
    uint32_t number, framework;
    bool wants;
    bool fits_not; /* until the master says that it may */
};

struct policy {
    struct client *clients; /* by framework, then number */
    size_t count, capacity;
};

static void *create(const char *const *resource_names, size_t resource_count, uint64_t seed) {
    (void)resource_names, (void)resource_count, (void)seed;
    return calloc(1, sizeof(struct policy));
}

static void destroy(void *self) {
    struct policy *policy = self;
    free(policy->clients);
    free(policy);
}

static struct client *find(struct policy *policy, uint32_t number) {
    for (size_t i = 0; i < policy->count; i++) {
        if (policy->clients[i].number == number)
            return &policy->clients[i];
    }
    return NULL;
}

static bool comes_before(const struct client *a, const struct client *b) {
    return a->framework != b->framework ? a->framework < b->framework : a->number < b->number;
}

static void add_client(void *self, uint32_t number, const char *role, uint32_t framework,
                       int64_t weight_milli) {
    (void)role, (void)weight_milli;
    struct policy *policy = self;
    if (policy->count == policy->capacity) {
        policy->capacity = policy->capacity * 2 + 8;
        policy->clients = realloc(policy->clients, policy->capacity * sizeof(struct client));
        if (policy->clients == NULL)
            abort();
    }
    struct client one = {.number = number, .framework = framework};
    size_t at = policy->count++;
    for (; at > 0 && comes_before(&one, &policy->clients[at - 1]); at--)
        policy->clients[at] = policy->clients[at - 1];
    policy->clients[at] = one;
}

static void remove_client(void *self, uint32_t number) {
    struct policy *policy = self;
    struct client *client = find(policy, number);
    if (client == NULL)
        return;
    struct client *end = policy->clients + policy->count--;
    memmove(client, client + 1, (size_t)(end - client - 1) * sizeof(*client));
}

static void set_wants(void *self, uint32_t number, bool wants) {
    struct client *client = find(self, number);
    if (client != NULL)
        client->wants = wants;
}

static void reconsider(void *self, uint32_t number) {
    struct policy *policy = self;
    for (size_t i = 0; i < policy->count; i++) {
        if (number == MESOS_ALLOCATOR_NOBODY || number == policy->clients[i].number)
            policy->clients[i].fits_not = false;
    }
}

static enum mesos_allocator_answer choose(void *self, const struct mesos_allocator_host *host,
                                          struct mesos_allocator_pick *pick) {
    struct policy *policy = self;
    for (size_t i = 0; i < policy->count; i++) {
        struct client *client = &policy->clients[i];
        if (!client->wants || client->fits_not)
            continue;
        enum mesos_allocator_answer answer = host->fits(host->self, client->number);
        if (answer == MESOS_ALLOCATOR_LATER)
            return answer;
        if (answer == MESOS_ALLOCATOR_YES) {
            pick->client = client->number;
            pick->agent = MESOS_ALLOCATOR_ANY_AGENT;
            pick->has_amounts = false;
            return answer;
        }
        client->fits_not = true;
    }
    return MESOS_ALLOCATOR_NO;
}

/* It does not care for these. */
static void set_total(void *self, const int64_t *total_milli) {
    (void)self, (void)total_milli;
}

static void set_weight(void *self, const char *role, int64_t weight_milli) {
    (void)self, (void)role, (void)weight_milli;
}

static void set_task(void *self, uint32_t client, const int64_t *task_milli) {
    (void)self, (void)client, (void)task_milli;
}

static void charge(void *self, uint32_t client, const int64_t *amounts_milli, int sign) {
    (void)self, (void)client, (void)amounts_milli, (void)sign;
}

const struct mesos_allocator *mesos_allocator(void) {
    static const struct mesos_allocator policy = {
        .version = MESOS_ALLOCATOR_VERSION,
        .size = sizeof(policy),
        .name = "first come, first served",
        .create = create,
        .destroy = destroy,
        .set_total = set_total,
        .set_weight = set_weight,
        .add_client = add_client,
        .remove_client = remove_client,
        .set_wants = set_wants,
        .set_task = set_task,
        .charge = charge,
        .reconsider = reconsider,
        .choose = choose,
    };
    return &policy;
}
