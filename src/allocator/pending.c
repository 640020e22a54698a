/* Linkable stand-ins until the mechanism is rewritten; each line goes when its function comes. */
#include "allocator/explain.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

const struct mesos_allocator *allocator_find_policy(struct text name) {
    return &allocator_hdrf;
}
/* NULL: all that is needed is there. */
static const char *missing_function(const struct mesos_allocator *policy) {
    const struct {
        const char *name;
        bool is_there;
    } needed[] = {
        {"create", policy->create != NULL},
        {"destroy", policy->destroy != NULL},
        {"set_total", policy->set_total != NULL},
        {"set_weight", policy->set_weight != NULL},
        {"add_client", policy->add_client != NULL},
        {"remove_client", policy->remove_client != NULL},
        {"set_wants", policy->set_wants != NULL},
        {"set_task", policy->set_task != NULL},
        {"charge", policy->charge != NULL},
        {"reconsider", policy->reconsider != NULL},
        {"choose", policy->choose != NULL},
    };
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!needed[i].is_there)
            return needed[i].name;
    }
    return NULL;
}

static bool has_some_of_earmarks(const struct mesos_allocator *policy) {
    int there =
        (policy->claim != NULL) + (policy->next_earmark != NULL) + (policy->set_earmarked != NULL);
    return there == 1 || there == 2;
}

bool allocator_check_policy(const struct mesos_allocator *policy, struct error *error) {
    if (policy == NULL)
        return fail(error, ERROR_INVALID, "it gives no policy");
    if (policy->version != MESOS_ALLOCATOR_VERSION)
        return fail(error, ERROR_INVALID,
                    "it is written for version %u of mesos/allocator.h; this master has version %u",
                    policy->version, MESOS_ALLOCATOR_VERSION);
    if (policy->size != sizeof(*policy))
        return fail(error, ERROR_INVALID,
                    "its struct mesos_allocator has %u bytes and not %zu: build it anew with this "
                    "master's mesos/allocator.h",
                    policy->size, sizeof(*policy));
    if (policy->name == NULL || policy->name[0] == '\0')
        return fail(error, ERROR_INVALID, "it has no name");
    const char *missing = missing_function(policy);
    if (missing != NULL)
        return fail(error, ERROR_INVALID, "policy '%s' lacks the function %s", policy->name,
                    missing);
    if (has_some_of_earmarks(policy))
        return fail(error, ERROR_INVALID,
                    "policy '%s' must have all of claim, next_earmark and set_earmarked, or none",
                    policy->name);
    return true;
}
void allocator_set_half_life(struct allocator *a, int64_t half_life_ms) {
}
void allocator_set_earmark_limit(struct allocator *a, int64_t limit_ms) {
}
void allocator_exclude_name(struct allocator *a, uint32_t name) {
}
void allocator_set_matcher(struct allocator *a, allocator_matcher *matches, void *self) {
}
void allocator_set_weight(struct allocator *a, uint32_t role, int64_t weight_milli) {
}
void allocator_set_quota(struct allocator *a, uint32_t role, const struct quota_line *lines,
                         size_t count) {
}
void allocator_set_client_weight(struct allocator *a, uint32_t framework, uint32_t role,
                                 int64_t weight_milli) {
}
void allocator_set_client_minima(struct allocator *a, uint32_t framework, uint32_t role,
                                 const struct quantities *any_of, size_t count, bool is_set) {
}
void allocator_set_client_constraint(struct allocator *a, uint32_t framework, uint32_t role,
                                     uint32_t constraint) {
}
void allocator_set_demand(struct allocator *a, uint32_t framework, uint32_t role,
                          const struct allocator_request *requests, size_t count, bool is_set) {
}
void allocator_note_launch(struct allocator *a, uint32_t framework, uint32_t role, uint32_t agent,
                           const struct resources *task) {
}
void allocator_note_offer_end(struct allocator *a, uint32_t framework, uint32_t role,
                              uint32_t agent, enum allocator_offer_end how) {
}
bool allocator_convert(struct allocator *a, uint32_t framework, uint32_t role, uint32_t agent,
                       const struct resources *from, const struct resources *to) {
    return false;
}
bool allocator_take_complaint(struct allocator *a, struct error *out) {
    return false;
}
const char *allocator_policy_name(const struct allocator *a) {
    return "hdrf";
}
bool allocator_check(const struct allocator *a, struct error *why) {
    return true;
}
const char *allocator_reason_text(enum allocator_reason reason) {
    return "";
}
bool allocator_explain(struct allocator *a, uint32_t framework, uint32_t role, size_t request,
                       struct allocator_wish *out, allocator_agent_fn *each, void *self) {
    return false;
}
size_t allocator_history(const struct allocator *a, uint32_t framework, uint32_t role,
                         struct allocator_change *out, size_t limit) {
    return 0;
}
bool allocator_role_standing(struct allocator *a, uint32_t role, struct allocator_standing *out) {
    return false;
}
bool allocator_client_standing(struct allocator *a, uint32_t framework, uint32_t role,
                               struct allocator_standing *out) {
    return false;
}
bool allocator_next(struct allocator *a, uint32_t *framework, uint32_t *role) {
    return false;
}
size_t allocator_earmarks(const struct allocator *a, struct allocator_earmark *out, size_t limit) {
    return 0;
}
