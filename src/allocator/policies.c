/*
 * The built-in policies: include/mesos/allocator.h over the tree of roles, in its three modes.
 * A client that the tree has no room for is known, and never next.
 */
#include "allocator/allocator.h"
#include "allocator/tree.h"
#include "common/base/vec.h"

struct tree_policy {
    struct tree *tree;
    size_t resource_count;
    VEC_OF(struct tree_node *) clients; /* NULL: no such client */
};

static void *policy_new(enum tree_mode mode, size_t resource_count, uint64_t seed) {
    struct tree_policy *policy = NEW(struct tree_policy);
    policy->tree = tree_new(mode, resource_count, seed);
    policy->resource_count = resource_count;
    return policy;
}

static void *hdrf_create(const char *const *names, size_t resource_count, uint64_t seed) {
    (void)names;
    return policy_new(TREE_HDRF, resource_count, seed);
}

static void *drf_create(const char *const *names, size_t resource_count, uint64_t seed) {
    (void)names;
    return policy_new(TREE_DRF, resource_count, seed);
}

static void *random_create(const char *const *names, size_t resource_count, uint64_t seed) {
    (void)names;
    return policy_new(TREE_RANDOM, resource_count, seed);
}

static void policy_destroy(void *self) {
    struct tree_policy *policy = self;
    tree_free(policy->tree);
    VEC_FINI(&policy->clients);
    mem_free(policy);
}

static struct tree_node *leaf_of(const struct tree_policy *policy, uint32_t client) {
    return client < policy->clients.count ? policy->clients.items[client] : NULL;
}

static void policy_set_total(void *self, const int64_t *total_milli) {
    struct tree_policy *policy = self;
    int64_t cut[MESOS_ALLOCATOR_RESOURCES_LIMIT];
    for (size_t j = 0; j < policy->resource_count; j++)
        cut[j] =
            total_milli[j] < TREE_AMOUNT_LIMIT_MILLI ? total_milli[j] : TREE_AMOUNT_LIMIT_MILLI;
    tree_set_capacity(policy->tree, cut, NULL);
}

static void policy_set_weight(void *self, const char *role, int64_t weight_milli) {
    struct tree_policy *policy = self;
    if (weight_milli == TREE_WEIGHT_ONE_MILLI)
        tree_clear_weight(policy->tree, text_of(role));
    else
        tree_set_weight(policy->tree, text_of(role), weight_milli, NULL);
}

static void policy_add_client(void *self, uint32_t client, const char *role, uint32_t framework,
                              int64_t weight_milli) {
    struct tree_policy *policy = self;
    while (policy->clients.count <= client)
        VEC_PUSH(&policy->clients, NULL);
    struct tree_node *leaf =
        tree_add_leaf(policy->tree, text_of(role), framework, weight_milli, NULL);
    policy->clients.items[client] = leaf;
    if (leaf != NULL)
        tree_set_mark(leaf, client);
}

static void policy_remove_client(void *self, uint32_t client) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (leaf == NULL)
        return;
    tree_remove_leaf(policy->tree, leaf);
    policy->clients.items[client] = NULL;
}

static void policy_set_wants(void *self, uint32_t client, bool wants) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (leaf != NULL)
        tree_set_wants(policy->tree, leaf, wants);
}

static void policy_set_task(void *self, uint32_t client, const int64_t *task_milli) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (leaf != NULL)
        tree_set_task(policy->tree, leaf, task_milli);
}

static void policy_charge(void *self, uint32_t client, const int64_t *amounts_milli, int sign) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (leaf == NULL)
        return;
    /* Beyond what can be counted it stands where it stood. */
    bool is_counted = sign > 0 ? tree_grant(policy->tree, leaf, amounts_milli)
                               : tree_release(policy->tree, leaf, amounts_milli);
    (void)is_counted;
}

static void policy_reconsider(void *self, uint32_t client) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (client == MESOS_ALLOCATOR_NOBODY || leaf != NULL)
        tree_reconsider(policy->tree, leaf);
}

static enum mesos_allocator_answer host_fits(const struct tree_node *leaf, void *self) {
    const struct mesos_allocator_host *host = self;
    return host->fits(host->self, tree_mark(leaf));
}

static enum mesos_allocator_answer policy_choose(void *self,
                                                 const struct mesos_allocator_host *host,
                                                 struct mesos_allocator_pick *pick) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = NULL;
    enum mesos_allocator_answer answer =
        tree_decide(policy->tree, host_fits, (void *)(uintptr_t)host, &leaf);
    if (answer == MESOS_ALLOCATOR_YES)
        *pick = (struct mesos_allocator_pick){.client = tree_mark(leaf),
                                              .agent = MESOS_ALLOCATOR_ANY_AGENT};
    return answer;
}

static int policy_claim(void *self, uint32_t client) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    return leaf != NULL ? (int)tree_claim(policy->tree, leaf) : TREE_CLAIM_NONE;
}

static uint32_t policy_next_earmark(void *self) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = tree_next_earmark(policy->tree);
    return leaf != NULL ? tree_mark(leaf) : MESOS_ALLOCATOR_NOBODY;
}

static void policy_set_earmarked(void *self, uint32_t client, bool is_earmarked) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = leaf_of(policy, client);
    if (leaf != NULL)
        tree_set_earmarked(policy->tree, leaf, is_earmarked);
}

static bool stand(const struct tree_policy *policy, const struct tree_node *node,
                  struct mesos_allocator_standing *out) {
    if (node == NULL)
        return false;
    out->share = tree_dominant_share(policy->tree, node, &out->dominant);
    out->guaranteed = tree_guaranteed_share(policy->tree, node);
    return true;
}

static bool policy_client_standing(void *self, uint32_t client,
                                   struct mesos_allocator_standing *out) {
    return stand(self, leaf_of(self, client), out);
}

static bool policy_role_standing(void *self, const char *role,
                                 struct mesos_allocator_standing *out) {
    const struct tree_policy *policy = self;
    return stand(policy, tree_find_role(policy->tree, text_of(role)), out);
}

static uint32_t policy_next(void *self) {
    struct tree_policy *policy = self;
    struct tree_node *leaf = tree_next(policy->tree);
    return leaf != NULL ? tree_mark(leaf) : MESOS_ALLOCATOR_NOBODY;
}

#define TREE_POLICY                                                                                \
    .version = MESOS_ALLOCATOR_VERSION, .size = sizeof(struct mesos_allocator),                    \
    .destroy = policy_destroy, .set_total = policy_set_total, .set_weight = policy_set_weight,     \
    .add_client = policy_add_client, .remove_client = policy_remove_client,                        \
    .set_wants = policy_set_wants, .set_task = policy_set_task, .charge = policy_charge,           \
    .reconsider = policy_reconsider, .choose = policy_choose,                                      \
    .client_standing = policy_client_standing, .role_standing = policy_role_standing,              \
    .next = policy_next

const struct mesos_allocator allocator_hdrf = {TREE_POLICY,
                                               .name = "hdrf",
                                               .create = hdrf_create,
                                               .claim = policy_claim,
                                               .next_earmark = policy_next_earmark,
                                               .set_earmarked = policy_set_earmarked};
const struct mesos_allocator allocator_drf = {TREE_POLICY, .name = "drf", .create = drf_create};
const struct mesos_allocator allocator_random = {TREE_POLICY, .name = "random",
                                                 .create = random_create};

const struct mesos_allocator *allocator_find_policy(struct text name) {
    const struct mesos_allocator *const built_in[] = {&allocator_hdrf, &allocator_drf,
                                                      &allocator_random};
    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
        if (text_equal(name, text_of(built_in[i]->name)))
            return built_in[i];
    return NULL;
}

static const char *missing_function(const struct mesos_allocator *policy) {
    const struct {
        bool is_there;
        const char *name;
    } functions[] = {
        {policy->create != NULL, "create"},
        {policy->destroy != NULL, "destroy"},
        {policy->set_total != NULL, "set_total"},
        {policy->set_weight != NULL, "set_weight"},
        {policy->add_client != NULL, "add_client"},
        {policy->remove_client != NULL, "remove_client"},
        {policy->set_wants != NULL, "set_wants"},
        {policy->set_task != NULL, "set_task"},
        {policy->charge != NULL, "charge"},
        {policy->reconsider != NULL, "reconsider"},
        {policy->choose != NULL, "choose"},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (!functions[i].is_there)
            return functions[i].name;
    return NULL;
}

bool allocator_check_policy(const struct mesos_allocator *policy, struct error *error) {
    if (policy == NULL)
        return fail(error, ERROR_INVALID, "the module gives no policy");
    if (policy->version != MESOS_ALLOCATOR_VERSION)
        return fail(error, ERROR_INVALID, "the policy is of version %u, this program has %u",
                    policy->version, MESOS_ALLOCATOR_VERSION);
    if (policy->size < sizeof(struct mesos_allocator))
        return fail(error, ERROR_INVALID, "the policy's struct has %u bytes, not %zu", policy->size,
                    sizeof(struct mesos_allocator));
    if (policy->name == NULL || policy->name[0] == '\0')
        return fail(error, ERROR_INVALID, "the policy has no name");
    const char *missing = missing_function(policy);
    if (missing != NULL)
        return fail(error, ERROR_INVALID, "policy %s has no function %s", policy->name, missing);
    if ((policy->next_earmark != NULL || policy->claim != NULL || policy->set_earmarked != NULL) &&
        (policy->next_earmark == NULL || policy->claim == NULL || policy->set_earmarked == NULL))
        return fail(error, ERROR_INVALID,
                    "policy %s has some of claim, next_earmark and set_earmarked, not all",
                    policy->name);
    return true;
}
