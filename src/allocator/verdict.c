/*
 * Cheap questions first: what the agent and the framework are, then amounts, then refusals, then
 * quota. Agents without reservations, volumes and revocable resources are asked by their array of
 * plain amounts alone.
 */
#include "allocator/verdict.h"

static enum allocator_reason say(struct allocator_verdict *out, enum allocator_reason reason) {
    if (out != NULL)
        out->reason = reason;
    return reason;
}

enum allocator_reason verdict_of_pair(struct allocator *allocator, const struct client *client,
                                      const struct wish *wish, const struct agent *agent) {
    uint32_t can = client->framework->traits;
    if (agent->has_gpus && allocator->gpus_are_reserved && (can & FRAMEWORK_TAKES_GPUS) == 0)
        return ALLOCATOR_NO_GPUS;
    if ((agent->traits & AGENT_IS_REMOTE) != 0 && (can & FRAMEWORK_TAKES_REMOTE) == 0)
        return ALLOCATOR_NO_REMOTE;
    if ((agent->traits & AGENT_SERVES_MANY_ROLES) == 0 && (can & FRAMEWORK_HAS_MANY_ROLES) != 0)
        return ALLOCATOR_NO_ROLES;
    if ((agent->traits & AGENT_SERVES_ROLE_TREE) == 0 &&
        kinds_role_parent(allocator->kinds, client->role) != ROLE_NONE)
        return ALLOCATOR_NO_ROLES;
    if ((wish->agent != 0 && wish->agent != agent->number) ||
        !constraint_is_met(allocator, client->constraint, agent) ||
        !constraint_is_met(allocator, wish->constraint, agent))
        return ALLOCATOR_CONSTRAINT;
    return ALLOCATOR_FITS;
}

/* --- quota --- */

static enum allocator_reason ask_quota(const struct allocator *allocator,
                                       const struct client *client,
                                       const struct quantities *amounts,
                                       struct allocator_verdict *out) {
    struct quota_verdict quota = quota_book_ask(allocator->book, client->role, amounts);
    if (quota.answer == QUOTA_ALLOWS)
        return ALLOCATOR_FITS;
    if (out != NULL) {
        out->name = quota.name;
        out->role = quota.role;
        out->need_milli = quantities_milli(amounts, quota.name);
        out->have_milli = quota.room_milli;
    }
    return say(out, quota.answer == QUOTA_LIMIT ? ALLOCATOR_LIMIT : ALLOCATOR_HEADROOM);
}

/* An open wish is kept off by quota when not even one of its minima is allowed. */
static enum allocator_reason ask_quota_for_minima(const struct allocator *allocator,
                                                  const struct client *client,
                                                  struct allocator_verdict *out) {
    const struct quantities *minima = client->has_minima ? client->minima : allocator->minima;
    size_t count = client->has_minima ? client->minima_count : allocator->minima_count;
    enum allocator_reason reason = ALLOCATOR_FITS;
    struct allocator_verdict before = out != NULL ? *out : (struct allocator_verdict){0};
    for (size_t i = 0; i < count; i++) {
        reason = ask_quota(allocator, client, &minima[i], out);
        if (reason != ALLOCATOR_FITS)
            continue;
        if (out != NULL) /* what stood against another minimum is no lack */
            *out = before;
        return reason;
    }
    return reason;
}

enum allocator_reason verdict_of_client(struct allocator *allocator, const struct client *client,
                                        const struct wish *wish, struct allocator_verdict *out) {
    if (hoard_is_full(client))
        return say(out, ALLOCATOR_HOARDS);
    if (!allocator->is_book_told || !quota_book_is_used(allocator->book))
        return ALLOCATOR_FITS;
    return wish->is_open ? ask_quota_for_minima(allocator, client, out)
                         : ask_quota(allocator, client, &wish->shape, out);
}

bool verdict_is_in_vain(struct allocator *allocator, const struct client *client,
                        const struct wish *wish, struct allocator_verdict *out) {
    enum allocator_reason reason = verdict_of_client(allocator, client, wish, out);
    return reason == ALLOCATOR_HOARDS || reason == ALLOCATOR_LIMIT ||
           (reason == ALLOCATOR_HEADROOM && quota_book_lack(allocator->book, out->name) > 0);
}

/* --- composing a shape --- */

struct composing {
    struct allocator *allocator;
    uint32_t name;
    int64_t left_milli; /* elements are thousands */
    struct resources *out;
};

/* The first `left` elements of ranges or items. */
static void take_elements(struct composing *composing, const struct resource *one) {
    size_t count;
    uint64_t left = (uint64_t)(composing->left_milli + 999) / 1000;
    int64_t taken = 0;
    bool fits = true;
    if (kind_type(one->kind) == VALUE_SET) {
        const uint32_t *items = resource_items(one, &count);
        size_t some = count < left ? count : (size_t)left;
        fits = resources_put_items(composing->out, one->kind, items, some, NULL);
        taken = (int64_t)some * 1000;
    } else {
        const struct range *ranges = resource_ranges(one, &count);
        for (size_t i = 0; i < count && left > 0 && fits; i++) {
            struct range piece = ranges[i];
            if (piece.end - piece.begin >= left)
                piece.end = piece.begin + left - 1;
            uint64_t size = piece.end - piece.begin + 1;
            fits = resources_put_ranges(composing->out, one->kind, &piece, 1, NULL);
            left -= size;
            taken += (int64_t)size * 1000;
        }
    }
    if (fits)
        composing->left_milli -= taken < composing->left_milli ? taken : composing->left_milli;
}

static void take_scalar(struct composing *composing, const struct resource *one,
                        int64_t kept_milli) {
    int64_t there = one->milli - kept_milli;
    int64_t taken = there < composing->left_milli ? there : composing->left_milli;
    if (taken > 0 && resources_put_scalar(composing->out, one->kind, taken, NULL))
        composing->left_milli -= taken;
}

/* From what is reserved to `role` alone; ROLE_ANY: from what is not reserved. */
static void take_reserved_to(struct composing *composing, const struct resources *from,
                             uint32_t role, bool takes_refined, const struct amounts *kept) {
    struct allocator *allocator = composing->allocator;
    for (uint32_t i = 0; i < from->count && composing->left_milli > 0; i++) {
        const struct resource *one = &from->entries[i];
        bool is_reserved = kind_is(one->kind, KIND_IS_RESERVED), is_simple;
        uint8_t at = kind_dimension(allocator, one->kind, &is_simple);
        if (kinds_name(allocator->kinds, one->kind) != composing->name || !is_simple ||
            is_reserved != (role != ROLE_ANY) ||
            (kind_is(one->kind, KIND_IS_REFINED) && !takes_refined) ||
            (is_reserved && kinds_reserved_role(allocator->kinds, one->kind) != role))
            continue;
        if (kind_type(one->kind) == VALUE_SCALAR)
            take_scalar(composing, one,
                        !is_reserved && kept != NULL && at != NO_DIMENSION ? kept->at[at] : 0);
        else
            take_elements(composing, one);
    }
}

bool verdict_compose(struct allocator *allocator, const struct client *client,
                     const struct wish *wish, const struct resources *from,
                     const struct amounts *kept, struct resources *out,
                     struct allocator_verdict *lack) {
    bool takes_refined = (client->framework->traits & FRAMEWORK_TAKES_REFINED) != 0;
    resources_clear(out);
    for (size_t i = 0; i < wish->shape.count; i++) {
        struct quantity need = wish->shape.items[i];
        struct composing composing = {allocator, need.name, need.milli, out};
        for (uint32_t role = client->role; role != ROLE_NONE && role != ROLE_ANY;
             role = kinds_role_parent(allocator->kinds, role))
            take_reserved_to(&composing, from, role, takes_refined, NULL);
        take_reserved_to(&composing, from, ROLE_ANY, takes_refined, kept);
        if (composing.left_milli == 0)
            continue;
        if (lack != NULL) {
            lack->name = need.name;
            lack->need_milli = need.milli;
            lack->have_milli = need.milli - composing.left_milli;
        }
        return false;
    }
    return true;
}

/* --- whole agents --- */

static uint32_t flags_not_taken(uint32_t can) {
    uint32_t flags = 0;
    if ((can & FRAMEWORK_TAKES_REVOCABLE) == 0)
        flags |= KIND_IS_REVOCABLE;
    if ((can & FRAMEWORK_TAKES_SHARED) == 0)
        flags |= KIND_IS_SHARED;
    if ((can & FRAMEWORK_TAKES_REFINED) == 0)
        flags |= KIND_IS_REFINED;
    return flags;
}

static bool is_allocatable(struct allocator *allocator, const struct client *client,
                           const struct resources *set) {
    const struct quantities *minima = client->has_minima ? client->minima : allocator->minima;
    size_t count = client->has_minima ? client->minima_count : allocator->minima_count;
    if (resources_is_empty(set) || count == 0)
        return !resources_is_empty(set);
    quantities_of(set, allocator->kinds, false, &allocator->scratch);
    for (size_t i = 0; i < count; i++) {
        if (quantities_contain(&allocator->scratch, &minima[i]))
            return true;
    }
    return false;
}

/* Takes so much of an unreserved, not revocable scalar out of the set; what cannot be cut goes
 * whole. */
static void cut_scalar(const struct allocator *allocator, struct resources *set, uint32_t name,
                       int64_t less_milli) {
    for (uint32_t i = set->count; i-- > 0 && less_milli > 0;) {
        struct resource one = set->entries[i];
        if (kind_type(one.kind) != VALUE_SCALAR ||
            (one.kind & (KIND_IS_RESERVED | KIND_IS_REVOCABLE | KIND_IS_SHARED)) != 0 ||
            kinds_name(allocator->kinds, one.kind) != name)
            continue;
        if (!kind_is(one.kind, KIND_IS_EXCLUSIVE) && one.milli > less_milli)
            one.milli = less_milli;
        int64_t taken_milli = resource_quantity_milli(&one);
        const struct resources less = {.entries = &one, .count = 1};
        resources_subtract_common(set, &less);
        less_milli -= taken_milli < less_milli ? taken_milli : less_milli;
    }
}

static void cut_to_quota(struct allocator *allocator, const struct client *client,
                         struct resources *set) {
    AUTO_FINI(quantities_fini) struct quantities whole = {0};
    countable_of(allocator, set, &whole);
    AUTO_FINI(quantities_fini) struct quantities allowed = quantities_copy(&whole);
    quota_book_cut(allocator->book, client->role, &allowed);
    for (size_t i = 0; i < whole.count; i++) {
        int64_t less = whole.items[i].milli - quantities_milli(&allowed, whole.items[i].name);
        cut_scalar(allocator, set, whole.items[i].name, less);
    }
}

static void leave_kept(const struct allocator *allocator, struct resources *set,
                       const struct amounts *kept) {
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (kept->at[i] > 0)
            cut_scalar(allocator, set, allocator->names[i], kept->at[i]);
}

static bool has_any_for(const struct allocator *allocator, const struct resources *set,
                        uint32_t role) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (kinds_is_allocatable_to(allocator->kinds, set->entries[i].kind, role))
            return true;
    }
    return false;
}

/* What of a set the framework may not be offered is taken out. False: too little is left, *reason
 * says why. */
static bool strip(struct allocator *allocator, const struct client *client, struct resources *set,
                  enum allocator_reason *reason) {
    resources_keep_role(set, allocator->kinds, client->role);
    *reason = ALLOCATOR_RESERVED;
    if (!is_allocatable(allocator, client, set))
        return false;
    resources_drop(set, flags_not_taken(client->framework->traits));
    *reason = ALLOCATOR_NOT_TAKEN;
    return is_allocatable(allocator, client, set);
}

const struct resources *verdict_offerable(struct allocator *allocator, const struct client *client,
                                          const struct agent *agent,
                                          struct allocator_verdict *verdict) {
    bool has_quota = allocator->is_book_told && quota_book_is_used(allocator->book);
    const struct amounts *kept = earmark_kept(allocator, agent, client);
    verdict->reason = ALLOCATOR_RESERVED;
    if (agent->special != 0 && agent->free.count > 0 &&
        !has_any_for(allocator, &agent->free, client->role))
        return NULL;
    verdict->reason = ALLOCATOR_BELOW_MINIMUM;
    if (!(client->has_minima ? is_allocatable(allocator, client, &agent->free) : agent->is_enough))
        return NULL;
    if (agent->special == 0 && kept == NULL &&
        (!has_quota || ask_quota(allocator, client, &agent->told_free, NULL) == ALLOCATOR_FITS))
        return &agent->free;
    struct resources *set = &allocator->stripped;
    resources_clear(set);
    if (!resources_add(set, &agent->free) ||
        (agent->special != 0 && !strip(allocator, client, set, &verdict->reason)))
        return NULL;
    verdict->reason = ALLOCATOR_EARMARKED;
    if (kept != NULL)
        leave_kept(allocator, set, kept);
    if (kept != NULL && !is_allocatable(allocator, client, set))
        return NULL;
    verdict->reason = ALLOCATOR_LIMIT;
    if (!has_quota)
        return set;
    cut_to_quota(allocator, client, set);
    return is_allocatable(allocator, client, set) ? set : NULL;
}

/* --- the details of a lack --- */

/* How much of a name is there in kinds that have `with` and lack `without`; *role: of one that is
 * reserved. */
static int64_t sum_of(const struct allocator *allocator, const struct resources *set, uint32_t name,
                      uint32_t without, uint32_t *role) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        if (kinds_name(allocator->kinds, one->kind) != name || (one->kind & without) != 0)
            continue;
        if (__builtin_add_overflow(sum, resource_quantity_milli(one), &sum))
            sum = INT64_MAX;
        if (role != NULL && kind_is(one->kind, KIND_IS_RESERVED))
            *role = kinds_reserved_role(allocator->kinds, one->kind);
    }
    return sum;
}

static void explain_lack(const struct allocator *allocator, const struct agent *agent,
                         struct allocator_verdict *out) {
    const uint32_t odd = KIND_IS_REVOCABLE | KIND_IS_SHARED | KIND_IS_EXCLUSIVE;
    uint32_t role = ROLE_ANY;
    int64_t of_all = sum_of(allocator, &agent->total, out->name, odd, NULL);
    int64_t free = sum_of(allocator, &agent->free, out->name, odd, &role);
    if (of_all < out->need_milli) {
        int64_t with_odd = sum_of(allocator, &agent->free, out->name, 0, NULL);
        out->reason = with_odd >= out->need_milli ? ALLOCATOR_NOT_TAKEN : ALLOCATOR_TOO_SMALL;
        if (out->reason == ALLOCATOR_TOO_SMALL)
            out->have_milli = of_all;
        return;
    }
    out->reason = free >= out->need_milli ? ALLOCATOR_RESERVED : ALLOCATOR_NOT_ENOUGH;
    if (out->reason == ALLOCATOR_RESERVED)
        out->role = role;
}

static void explain_open_lack(struct allocator *allocator, const struct client *client,
                              const struct agent *agent, struct allocator_verdict *out) {
    if (out->reason == ALLOCATOR_LIMIT) {
        /* Quota allows a minimum that is not free there: it is what is free that it forbids. */
        if (ask_quota_for_minima(allocator, client, out) == ALLOCATOR_FITS &&
            ask_quota(allocator, client, &agent->told_free, out) == ALLOCATOR_FITS)
            out->role = client->role;
        return;
    }
    if (out->reason == ALLOCATOR_EARMARKED) {
        out->framework = agent->earmark->client->framework->number;
        out->until_ms = agent->earmark->until_ms;
        return;
    }
    if (out->reason == ALLOCATOR_RESERVED)
        for (uint32_t i = 0; i < agent->free.count; i++)
            if (kind_is(agent->free.entries[i].kind, KIND_IS_RESERVED))
                out->role = kinds_reserved_role(allocator->kinds, agent->free.entries[i].kind);
    if (out->reason != ALLOCATOR_BELOW_MINIMUM || !is_allocatable(allocator, client, &agent->total))
        return;
    struct amounts task;
    demand_guess_task(allocator, client, &task);
    for (size_t i = 0; i < allocator->dimensions; i++) {
        if (task.at[i] <= agent->plain.at[i])
            continue;
        out->reason = ALLOCATOR_NOT_ENOUGH;
        out->name = allocator->names[i];
        out->need_milli = task.at[i];
        out->have_milli = agent->plain.at[i];
        return;
    }
}

/* --- the verdict --- */

static enum allocator_reason verdict_of_open(struct allocator *allocator,
                                             const struct client *client, const struct agent *agent,
                                             struct allocator_verdict *out) {
    struct allocator_verdict verdict;
    const struct resources *set = verdict_offerable(allocator, client, agent, &verdict);
    int64_t until_ms = 0;
    if (set == NULL) {
        if (out != NULL) {
            out->reason = verdict.reason;
            explain_open_lack(allocator, client, agent, out);
            return out->reason;
        }
        return verdict.reason;
    }
    if (agent->filters != NOWHERE && client->filters != NULL &&
        filters_block(allocator, agent, client, set, &until_ms)) {
        if (out != NULL)
            out->until_ms = until_ms;
        return say(out, ALLOCATOR_FILTERED);
    }
    return hoard_is_full(client) ? say(out, ALLOCATOR_HOARDS) : say(out, ALLOCATOR_FITS);
}

/* Composed of what is free; the reserved part does not count for quota again. */
static enum allocator_reason ask_quota_for_set(struct allocator *allocator,
                                               const struct client *client,
                                               const struct resources *set,
                                               struct allocator_verdict *out) {
    if (!allocator->is_book_told || !quota_book_is_used(allocator->book))
        return ALLOCATOR_FITS;
    countable_of(allocator, set, &allocator->scratch);
    return ask_quota(allocator, client, &allocator->scratch, out);
}

static enum allocator_reason verdict_of_shape(struct allocator *allocator,
                                              const struct client *client, const struct wish *wish,
                                              const struct agent *agent,
                                              struct allocator_verdict *out) {
    const struct amounts *kept = earmark_kept(allocator, agent, client);
    bool is_plain = agent->special == 0 && wish->others.count == 0;
    bool has_quota = allocator->is_book_told && quota_book_is_used(allocator->book);
    bool may_filter = agent->filters != NOWHERE && client->filters != NULL;
    struct resources *set = &allocator->composed;
    struct allocator_verdict lack = {0};
    int64_t until_ms = 0;
    for (size_t i = 0; is_plain && i < allocator->dimensions; i++) {
        if (wish->need.at[i] <= agent->plain.at[i])
            continue;
        if (out == NULL)
            return ALLOCATOR_NOT_ENOUGH;
        is_plain = false;
    }
    if ((!is_plain || has_quota) &&
        !verdict_compose(allocator, client, wish, &agent->free, NULL, set, &lack)) {
        if (out == NULL)
            return ALLOCATOR_NOT_ENOUGH;
        *out = lack;
        explain_lack(allocator, agent, out);
        return out->reason;
    }
    if (may_filter && filters_block_wish(allocator, agent, client, wish, &until_ms)) {
        if (out != NULL)
            out->until_ms = until_ms;
        return say(out, ALLOCATOR_FILTERED);
    }
    if (kept != NULL && !verdict_compose(allocator, client, wish, &agent->free, kept, set, out)) {
        if (out != NULL) {
            out->framework = agent->earmark->client->framework->number;
            out->until_ms = agent->earmark->until_ms;
        }
        return say(out, ALLOCATOR_EARMARKED);
    }
    if (has_quota) {
        enum allocator_reason reason = ask_quota_for_set(allocator, client, set, out);
        if (reason != ALLOCATOR_FITS)
            return reason;
    }
    return hoard_is_full(client) ? say(out, ALLOCATOR_HOARDS) : say(out, ALLOCATOR_FITS);
}

enum allocator_reason verdict_of(struct allocator *allocator, const struct client *client,
                                 const struct wish *wish, const struct agent *agent,
                                 struct allocator_verdict *out) {
    if (out != NULL)
        *out = (struct allocator_verdict){0};
    if (!agent->is_active)
        return say(out, ALLOCATOR_INACTIVE);
    enum allocator_reason reason = verdict_of_pair(allocator, client, wish, agent);
    if (reason != ALLOCATOR_FITS)
        return say(out, reason);
    return wish->is_open ? verdict_of_open(allocator, client, agent, out)
                         : verdict_of_shape(allocator, client, wish, agent, out);
}
