/* Linkable stand-ins until the mechanism is rewritten; each line goes when its function comes. */
#include "allocator/explain.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

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
