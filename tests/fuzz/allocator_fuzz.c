/*
 * The allocator: bytes are events on a small cluster of every kind of resource, amounts near both
 * ends of int64_t included. After each event its books agree; once nothing more comes it ends, with
 * a budget of one look as well as with a large one, and nobody who wants fits anywhere then.
 */
#include "tests/fuzz/fuzz.h"

#include "allocator/allocator.h"
#include "allocator/explain.h"
#include "common/base/mem.h"
#include "common/base/vec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    AGENTS = 6,
    FRAMEWORKS = 5,
    ROLES = 6,
    KINDS = 13,
    NAMES = 40, /* more than a policy is told of */
    CONSTRAINTS = 3,
    STEPS_LIMIT = 400,
    OFFERS_LIMIT = 64,  /* then the oldest end */
    IDLE_LIMIT = 20000, /* turns in a row without an offer */
    LOOKS_AT_ONCE = 20000,
    LOOKS_LIMIT = 200000, /* of turns with offers: somebody wants tasks without end, and there is */
    TURNS_ON_THE_WAY = 4,
};

struct held {
    uint32_t framework, role, agent;
    bool is_task;
    struct resources what;
};

struct play {
    const uint8_t *data;
    size_t size;
    struct kinds *kinds;
    struct allocator *allocator;
    uint32_t roles[ROLES];
    uint32_t set_kinds[KINDS];
    uint32_t item;
    uint8_t matching; /* bits of (constraint + agent) */
    int64_t now_ms;
    VEC_OF(struct held) held;
};

static uint8_t take(struct play *play) {
    if (play->size == 0)
        return 0;
    play->size--;
    return *play->data++;
}

static uint32_t below(struct play *play, uint32_t limit) {
    return take(play) % limit;
}

/* --- values --- */

static int64_t take_milli(struct play *play) {
    static const int64_t odd[] = {1,
                                  9,
                                  10,
                                  999,
                                  1001,
                                  32000,
                                  INT64_C(1) << 40,
                                  (INT64_C(1) << 60) - 1,
                                  INT64_C(1) << 60,
                                  (INT64_C(1) << 60) + 1,
                                  INT64_MAX / 2,
                                  INT64_MAX - 1,
                                  INT64_MAX};
    uint8_t byte = take(play);
    return byte < 224 ? byte * INT64_C(500) : odd[byte % (sizeof(odd) / sizeof(odd[0]))];
}

static void put(struct play *play, struct resources *set) {
    uint32_t kind = play->set_kinds[below(play, KINDS)];
    int64_t milli = take_milli(play);
    /* Too much is refused, and the set is as it was. */
    if (kind_type(kind) == VALUE_RANGES) {
        const struct range range = {(uint64_t)milli % 50, (uint64_t)milli % 50 + 20};
        resources_put_ranges(set, kind, &range, 1, NULL);
    } else if (kind_type(kind) == VALUE_SET) {
        resources_put_items(set, kind, &play->item, 1, NULL);
    } else {
        resources_put_scalar(set, kind, milli, NULL);
    }
}

static struct resources take_set(struct play *play) {
    struct resources set = {0};
    for (uint32_t left = below(play, 6); left > 0; left--)
        put(play, &set);
    return set;
}

static struct resources take_total(struct play *play) {
    struct resources set = take_set(play);
    resources_put_scalar(&set, KIND_CPUS, below(play, 8) * 1000, NULL);
    resources_put_scalar(&set, KIND_MEM, below(play, 8) * 64000, NULL);
    if (below(play, 32) != 0)
        return set;
    for (uint32_t i = below(play, NAMES); i < NAMES; i++) {
        char name[8];
        uint32_t kind;
        snprintf(name, sizeof(name), "n%u", i);
        const struct kind_info info = {.name = text_of(name)};
        bool is_known = kinds_intern(play->kinds, &info, &kind, NULL);
        assert(is_known);
        resources_put_scalar(&set, kind, take_milli(play), NULL);
    }
    return set;
}

/* A part of what there is: all, or some of its entries, or half of each scalar. */
static struct resources take_part(struct play *play, const struct resources *of) {
    struct resources part = {0};
    uint8_t how = take(play);
    for (uint32_t i = 0; i < of->count; i++) {
        struct resource one = of->entries[i];
        if (how % 4 == 1 && (how >> (2 + i % 6) & 1) != 0)
            continue;
        if (how % 4 == 2 && kind_type(one.kind) == VALUE_SCALAR && one.milli > 1 &&
            (one.kind & (KIND_IS_EXCLUSIVE | KIND_IS_SHARED)) == 0)
            one.milli = one.milli / 2;
        bool fits = resources_put(&part, &one);
        assert(fits);
    }
    return part;
}

static struct quantities take_shape(struct play *play) {
    struct quantities shape = {0};
    static const uint32_t names[] = {NAME_CPUS, NAME_MEM, NAME_DISK, NAME_GPUS, NAME_PORTS};
    for (uint32_t left = 1 + below(play, 3); left > 0; left--)
        quantities_add(&shape, names[below(play, 5)], take_milli(play));
    if (shape.count == 0)
        quantities_add(&shape, NAME_CPUS, 1000);
    return shape;
}

/* One after the other: the same bytes mean the same with every compiler. */
static void take_minima(struct play *play, struct quantities *minima) {
    minima[0] = take_shape(play);
    minima[1] = take_shape(play);
}

static uint32_t agent_of(struct play *play) {
    return 1 + below(play, AGENTS);
}

static uint32_t framework_of(struct play *play) {
    return 1 + below(play, FRAMEWORKS);
}

static uint32_t role_of(struct play *play) {
    return play->roles[below(play, ROLES)];
}

static int64_t later_ms(struct play *play) {
    static const int64_t after[] = {-1, 0, 1, 5, 1000, 60000, 600000, INT64_MAX};
    int64_t more = after[below(play, 8)];
    return more == INT64_MAX ? more : play->now_ms + more;
}

/* --- offers --- */

static void forget(struct play *play, size_t index) {
    resources_fini(&play->held.items[index].what);
    VEC_REMOVE(&play->held, index);
}

static void end_offer(struct play *play, size_t index, enum allocator_offer_end how) {
    struct held *one = &play->held.items[index];
    if (!one->is_task)
        allocator_note_offer_end(play->allocator, one->framework, one->role, one->agent, how);
    /* The agent may be gone since. */
    bool is_back =
        allocator_recover(play->allocator, one->framework, one->role, one->agent, &one->what);
    (void)is_back;
    forget(play, index);
}

static void note(const struct allocator_offer *offer, void *self) {
    struct play *play = self;
    const struct resources *total = allocator_agent_total(play->allocator, offer->agent);
    assert(total != NULL && !resources_is_empty(offer->resources));
    VEC_PUSH(&play->held, (struct held){offer->framework, offer->role, offer->agent, false,
                                        resources_copy(offer->resources)});
}

static void launch(struct play *play, size_t index) {
    struct held *one = &play->held.items[index];
    if (one->is_task)
        return;
    struct resources task = take_part(play, &one->what);
    allocator_note_launch(play->allocator, one->framework, one->role, one->agent, &task);
    allocator_note_offer_end(play->allocator, one->framework, one->role, one->agent,
                             ALLOCATOR_OFFER_ANSWERED);
    resources_subtract_common(&one->what, &task);
    bool is_back =
        allocator_recover(play->allocator, one->framework, one->role, one->agent, &one->what);
    (void)is_back;
    resources_fini(&one->what);
    one->what = task;
    one->is_task = true;
}

static void answer(struct play *play) {
    if (play->held.count == 0)
        return;
    size_t index = take(play) % play->held.count;
    struct held *one = &play->held.items[index];
    switch (below(play, 5)) {
    case 0: end_offer(play, index, ALLOCATOR_OFFER_RAN_OUT); return;
    case 1: end_offer(play, index, ALLOCATOR_OFFER_RESCINDED); return;
    case 2: launch(play, index); return;
    case 3:
        allocator_refuse(play->allocator, one->framework, one->role, one->agent, &one->what,
                         later_ms(play));
    }
    end_offer(play, index, ALLOCATOR_OFFER_ANSWERED);
}

static bool allocate(struct play *play, size_t budget) {
    bool more = allocator_allocate(play->allocator, play->now_ms, budget, note, play);
    struct allocator_complaint complaint;
    bool is_wrong = allocator_take_complaint(play->allocator, &complaint);
    assert(!is_wrong);
    return more;
}

/* --- events --- */

static void change_agent(struct play *play) {
    uint32_t agent = agent_of(play);
    uint8_t how = take(play);
    uint32_t traits = how >> 5 ^ (AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);
    if (how % 8 == 0) {
        allocator_remove_agent(play->allocator, agent);
        return;
    }
    if (how % 8 < 3) {
        allocator_activate_agent(play->allocator, agent, how % 8 == 1);
        return;
    }
    struct resources total = take_total(play);
    if (how % 8 < 6)
        allocator_add_agent(play->allocator, agent, &total, traits);
    else
        allocator_update_agent(play->allocator, agent, &total, traits, (how & 16) != 0);
    resources_fini(&total);
}

static void change_framework(struct play *play) {
    uint32_t framework = framework_of(play), roles[3], traits = take(play);
    for (size_t i = 0; i < 3; i++)
        roles[i] = role_of(play);
    size_t count = below(play, 4);
    switch (below(play, 6)) {
    case 0: allocator_remove_framework(play->allocator, framework); break;
    case 1: allocator_activate_framework(play->allocator, framework, (traits & 1) != 0); break;
    case 2:
        allocator_update_framework(play->allocator, framework, roles, count, traits % 64);
        break;
    default: allocator_add_framework(play->allocator, framework, roles, count, traits % 64);
    }
}

static void change_client(struct play *play) {
    uint32_t framework = framework_of(play), role = role_of(play);
    static const int64_t weights[] = {1, 1000, 2000, 1000000000};
    size_t count;
    struct quantities minima[2];
    take_minima(play, minima);
    switch (below(play, 5)) {
    case 0: allocator_suppress(play->allocator, framework, role); break;
    case 1: allocator_revive(play->allocator, framework, role); break;
    case 2:
        allocator_set_client_weight(play->allocator, framework, role, weights[below(play, 4)]);
        break;
    case 3:
        count = below(play, 3);
        allocator_set_client_minima(play->allocator, framework, role, minima, count,
                                    below(play, 3) != 0);
        break;
    case 4:
        allocator_set_client_constraint(play->allocator, framework, role,
                                        below(play, CONSTRAINTS + 1));
        break;
    }
    quantities_fini(&minima[0]);
    quantities_fini(&minima[1]);
}

static void demand(struct play *play) {
    uint32_t framework = framework_of(play), role = role_of(play);
    static const uint64_t counts[] = {
        1, 2, 5, 1000, ALLOCATOR_COUNT_ENDLESS, ALLOCATOR_COUNT_ENDLESS - 1};
    struct allocator_request requests[4];
    struct quantities shapes[4] = {0};
    size_t count = below(play, 5);
    for (size_t i = 0; i < count; i++) {
        shapes[i] = take_shape(play);
        requests[i] = (struct allocator_request){&shapes[i], counts[below(play, 6)], 0, 0};
        if (below(play, 4) == 0)
            requests[i].constraint = below(play, CONSTRAINTS + 1);
        if (below(play, 8) == 0)
            requests[i].agent = agent_of(play);
    }
    allocator_set_demand(play->allocator, framework, role, requests, count, below(play, 6) != 0);
    for (size_t i = 0; i < count; i++)
        quantities_fini(&shapes[i]);
}

static void set_role(struct play *play) {
    uint32_t role = role_of(play);
    static const int64_t weights[] = {1, 1000, 3000, 1000000000};
    struct quota_line lines[3];
    size_t count = below(play, 4);
    if (take(play) % 2 == 0) {
        allocator_set_weight(play->allocator, role, weights[below(play, 4)]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        lines[i].name = below(play, 4);
        lines[i].guarantee_milli = take_milli(play);
        lines[i].limit_milli = below(play, 2) == 0 ? INT64_MAX : take_milli(play);
    }
    allocator_set_quota(play->allocator, role, lines, count);
}

static void adopt(struct play *play) {
    uint32_t framework = framework_of(play), role = role_of(play), agent = agent_of(play);
    struct resources what = take_set(play);
    if (allocator_adopt(play->allocator, framework, role, agent, &what) &&
        !resources_is_empty(&what)) {
        VEC_PUSH(&play->held, (struct held){framework, role, agent, true, what});
        return;
    }
    resources_fini(&what);
}

static void convert(struct play *play) {
    uint32_t agent = agent_of(play);
    struct resources to = take_set(play);
    const struct resources *free = allocator_agent_free(play->allocator, agent);
    if (play->held.count > 0 && take(play) % 2 == 0) {
        struct held *one = &play->held.items[take(play) % play->held.count];
        if (allocator_convert(play->allocator, one->framework, one->role, one->agent, &one->what,
                              &to)) {
            resources_fini(&one->what);
            one->what = resources_take(&to);
        }
    } else if (free != NULL) {
        struct resources from = take_part(play, free);
        bool is_done = allocator_convert(play->allocator, 0, 0, agent, &from, &to);
        (void)is_done;
        resources_fini(&from);
    }
    resources_fini(&to);
}

static bool matches(void *self, uint32_t constraint, uint32_t agent) {
    const struct play *play = self;
    return (play->matching >> ((constraint * 3 + agent) % 8) & 1) != 0;
}

static void set_up(struct play *play) {
    struct quantities minima[2];
    take_minima(play, minima);
    switch (below(play, 5)) {
    case 0: allocator_set_minima(play->allocator, minima, below(play, 3)); break;
    case 1: allocator_set_gpus_reserved(play->allocator, below(play, 2) != 0); break;
    case 2: allocator_set_half_life(play->allocator, below(play, 4) * INT64_C(7000)); break;
    case 3: allocator_set_earmark_limit(play->allocator, below(play, 3) * INT64_C(500)); break;
    case 4:
        play->matching = take(play);
        allocator_set_matcher(play->allocator, matches, play);
        break;
    }
    quantities_fini(&minima[0]);
    quantities_fini(&minima[1]);
}

static void ask(struct play *play) {
    uint32_t framework = framework_of(play), role = role_of(play);
    struct allocator_standing standing;
    struct allocator_wish wish;
    struct allocator_earmark marks[2];
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(play->allocator);
    allocator_role_standing(play->allocator, sums, role, &standing);
    allocator_client_standing(play->allocator, framework, role, &standing);
    allocator_explain(play->allocator, framework, role, SIZE_MAX, &wish, NULL, NULL);
    allocator_explain(play->allocator, framework, role, 1, &wish, NULL, NULL);
    allocator_next(play->allocator, &framework, &role);
    allocator_earmarks(play->allocator, marks, 2);
    allocator_lack(play->allocator, below(play, 5));
    allocator_consumed(play->allocator, role);
}

static void step(struct play *play) {
    switch (below(play, 16)) {
    case 0:
    case 1: change_agent(play); break;
    case 2: change_framework(play); break;
    case 3: change_client(play); break;
    case 4: demand(play); break;
    case 5: set_role(play); break;
    case 6: adopt(play); break;
    case 7: convert(play); break;
    case 8: set_up(play); break;
    case 9: ask(play); break;
    case 10: play->now_ms = later_ms(play) % (INT64_C(1) << 50); break;
    case 11:
    case 12: answer(play); break;
    default:
        for (uint32_t i = below(play, TURNS_ON_THE_WAY); i < TURNS_ON_THE_WAY; i++)
            allocate(play, (size_t)take(play) * take(play));
    }
}

/* --- the end --- */

static void check(const struct play *play) {
    struct error why;
    if (allocator_check(play->allocator, &why))
        return;
    fprintf(stderr, "%s\n", why.message);
    abort();
}

/* True: it came to its end. */
static bool finish(struct play *play, size_t budget) {
    size_t looks = 0, idle = 0;
    for (size_t offers = play->held.count; allocate(play, budget); offers = play->held.count) {
        idle = play->held.count > offers ? 0 : idle + 1;
        assert(idle < IDLE_LIMIT);
        looks += play->held.count > offers ? budget : 0;
        if (looks > LOOKS_LIMIT)
            return false;
    }
    assert(allocator_deadline_ms(play->allocator) > INT64_MIN);
    check(play);
    return true;
}

static void fits_nowhere(void *self, uint32_t agent, const struct allocator_verdict *verdict) {
    const uint32_t *asked = self;
    if (verdict->reason != ALLOCATOR_FITS)
        return;
    fprintf(stderr, "framework %u in role %u fits on agent %u\n", asked[0], asked[1], agent);
    abort();
}

static void check_end(struct play *play) {
    for (uint32_t framework = 1; framework <= FRAMEWORKS; framework++) {
        for (size_t role = 0; role < ROLES; role++) {
            struct allocator_wish wish;
            uint32_t asked[] = {framework, play->roles[role]};
            if (allocator_explain(play->allocator, framework, play->roles[role], SIZE_MAX, &wish,
                                  NULL, NULL) &&
                wish.wants)
                allocator_explain(play->allocator, framework, play->roles[role], SIZE_MAX, &wish,
                                  fits_nowhere, asked);
        }
    }
}

static void make_kinds(struct play *play) {
    const struct reservation stack[] = {{.type = RESERVATION_STATIC, .role = TEXT("a")},
                                        {.type = RESERVATION_DYNAMIC, .role = TEXT("a/x")}};
    const struct reservation labelled = {.type = RESERVATION_DYNAMIC,
                                         .role = TEXT("b"),
                                         .principal = TEXT("p"),
                                         .labels = TEXT("l")};
    const struct disk volume = {.persistence_id = TEXT("v")};
    const struct disk mount = {.has_source = true,
                               .source = {.type = DISK_SOURCE_MOUNT, .root = TEXT("/m")}};
    const struct kind_info infos[] = {
        {.name = TEXT("cpus")},
        {.name = TEXT("mem")},
        {.name = TEXT("gpus")},
        {.name = TEXT("disk")},
        {.name = TEXT("ports"), .type = VALUE_RANGES},
        {.name = TEXT("zones"), .type = VALUE_SET},
        {.name = TEXT("cpus"), .reservations = stack, .reservation_count = 1},
        {.name = TEXT("cpus"), .reservations = stack, .reservation_count = 2},
        {.name = TEXT("mem"), .reservations = &labelled, .reservation_count = 1},
        {.name = TEXT("cpus"), .is_revocable = true},
        {.name = TEXT("disk"), .has_disk = true, .disk = mount},
        {.name = TEXT("disk"),
         .reservations = stack,
         .reservation_count = 1,
         .has_disk = true,
         .disk = volume},
        {.name = TEXT("disk"),
         .reservations = &labelled,
         .reservation_count = 1,
         .has_disk = true,
         .disk = volume,
         .is_shared = true},
    };
    static_assert(sizeof(infos) / sizeof(infos[0]) == KINDS, "a kind each");
    for (size_t i = 0; i < KINDS; i++) {
        bool is_right = kinds_intern(play->kinds, &infos[i], &play->set_kinds[i], NULL);
        assert(is_right);
    }
    bool is_right = kinds_intern_text(play->kinds, TEXT("z1"), &play->item, NULL);
    assert(is_right);
}

static void make_roles(struct play *play) {
    static const char *const paths[ROLES] = {"*", "a", "a/x", "a/x/y", "b", "c/d"};
    for (size_t i = 0; i < ROLES; i++) {
        bool is_right = kinds_intern_role(play->kinds, text_of(paths[i]), &play->roles[i], NULL);
        assert(is_right);
    }
}

static void run(const uint8_t *data, size_t size, size_t last_budget) {
    static const struct mesos_allocator *const policies[] = {&allocator_hdrf, &allocator_drf,
                                                             &allocator_random};
    struct play play = {.data = data, .size = size, .kinds = kinds_new(), .matching = 0x5a};
    uint8_t first = take(&play);
    make_kinds(&play);
    make_roles(&play);
    play.allocator = allocator_new(policies[first % 3], play.kinds, first);
    if (first >= 192)
        allocator_exclude_name(play.allocator, NAME_GPUS);
    for (int i = 0; play.size > 0 && i < STEPS_LIMIT; i++) {
        step(&play);
        check(&play);
        while (play.held.count > OFFERS_LIMIT)
            end_offer(&play, 0, ALLOCATOR_OFFER_ANSWERED);
    }
    if (finish(&play, last_budget))
        check_end(&play);
    while (play.held.count > 0)
        end_offer(&play, play.held.count - 1, ALLOCATOR_OFFER_ANSWERED);
    VEC_FINI(&play.held);
    allocator_free(play.allocator);
    kinds_free(play.kinds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run(data, size, 1);
    run(data, size, LOOKS_AT_ONCE);
    return 0;
}
