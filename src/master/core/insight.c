/*
 * One wish costs a verdict of every agent; nothing is kept between questions.
 */
#include "master/core/insight.h"

#include "master/core/demand_book.h"
#include "master/core/role_book.h"
#include "master/core/role_cut.h"
#include "master/core/state.h"

#include <stdlib.h>

/* Of several reasons the main one: what the agents say that are nearest to saying yes. */
static const enum allocator_reason by_nearness[] = {
    ALLOCATOR_FITS,      ALLOCATOR_HOARDS,    ALLOCATOR_LIMIT,      ALLOCATOR_HEADROOM,
    ALLOCATOR_EARMARKED, ALLOCATOR_FILTERED,  ALLOCATOR_NOT_ENOUGH, ALLOCATOR_BELOW_MINIMUM,
    ALLOCATOR_RESERVED,  ALLOCATOR_NOT_TAKEN, ALLOCATOR_INACTIVE,   ALLOCATOR_NO_GPUS,
    ALLOCATOR_NO_REMOTE, ALLOCATOR_NO_ROLES,  ALLOCATOR_CONSTRAINT, ALLOCATOR_TOO_SMALL,
};

/* --- one wish --- */

struct tally {
    const struct master *master;
    struct wish_view *view;
    struct allocator_verdict best[ALLOCATOR_REASON_COUNT];
    uint32_t best_agent[ALLOCATOR_REASON_COUNT];
};

/* Which of two agents with one reason is worth showing: the one that lacks less. */
static bool is_nearer(const struct allocator_verdict *left, const struct allocator_verdict *right) {
    __int128 a = (__int128)left->have_milli * right->need_milli;
    __int128 b = (__int128)right->have_milli * left->need_milli;
    return a > b;
}

static void count_verdict(void *self, uint32_t agent, const struct allocator_verdict *verdict) {
    struct tally *tally = self;
    enum allocator_reason reason = verdict->reason;
    tally->view->agent_count++;
    if (tally->view->counts[reason]++ == 0 || is_nearer(verdict, &tally->best[reason])) {
        tally->best[reason] = *verdict;
        tally->best_agent[reason] = agent;
    }
}

static void count_absent_agents(const struct master *master, struct wish_view *view) {
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        if (agent->number == 0) {
            view->agent_count++;
            view->counts[ALLOCATOR_INACTIVE]++;
        }
    }
}

static const struct agent_info *agent_info_of(const struct master *master, uint32_t number) {
    const struct agent *agent = number != 0 ? map_get(&master->agent_numbers, number) : NULL;
    return agent != NULL ? &agent->info : NULL;
}

static struct text framework_name_of(const struct master *master, uint32_t number) {
    const struct framework *framework =
        number != 0 ? map_get(&master->framework_numbers, number) : NULL;
    return framework != NULL ? framework->info.name : (struct text){0};
}

static void choose_main(const struct master *master, const struct tally *tally,
                        struct wish_view *view) {
    for (size_t i = 0; i < sizeof(by_nearness) / sizeof(by_nearness[0]); i++) {
        enum allocator_reason reason = by_nearness[i];
        if (view->counts[reason] == 0)
            continue;
        view->main = reason;
        view->example = tally->best[reason];
        view->example.reason = reason;
        view->example_agent = agent_info_of(master, tally->best_agent[reason]);
        break;
    }
    if (view->state == WISH_IS_INFEASIBLE && view->wish.nearest != 0) {
        view->main = view->wish.lack.reason;
        view->example = view->wish.lack;
        view->example_agent = agent_info_of(master, view->wish.nearest);
    }
    if (view->example.reason == ALLOCATOR_LIMIT || view->example.reason == ALLOCATOR_RESERVED)
        view->other_role = kinds_role_text(master->kinds, view->example.role);
    if (view->example.reason == ALLOCATOR_EARMARKED)
        view->other_framework = framework_name_of(master, view->example.framework);
}

static enum wish_state state_of(const struct allocator_wish *wish) {
    if (!wish->is_active)
        return WISH_IS_DISCONNECTED;
    if (wish->is_suppressed)
        return WISH_IS_SUPPRESSED;
    if (!wish->wants)
        return WISH_IS_CONTENT;
    return wish->is_feasible ? WISH_WAITS : WISH_IS_INFEASIBLE;
}

/* The search notes what it meets: for it an agent that is away, too small or reserved to others is
 * as one in use. What still stands in the way is known better, as everybody was asked just now. */
static void refine_last_change(struct wish_view *view) {
    bool waits = view->state == WISH_WAITS || view->state == WISH_IS_INFEASIBLE;
    if (!waits || view->history_count == 0 || view->agent_count == 0 ||
        view->main == ALLOCATOR_FITS)
        return;
    struct allocator_change *last = &view->history[view->history_count - 1];
    if (last->reason == ALLOCATOR_FITS)
        return;
    last->reason = view->main;
    if (view->history_count > 1 && last[-1].reason == view->main)
        view->history_count--;
}

struct looking {
    const struct master *master;
    const struct insight_question *question;
    const struct role_sums *sums;
    insight_wish_fn *fn;
    void *self;
};

/* False: the allocator knows no such wish. */
static bool look(const struct looking *looking, const struct framework *framework, uint32_t role,
                 size_t request, struct wish_view *view) {
    const struct master *master = looking->master;
    struct tally tally = {.master = master, .view = view};
    *view = (struct wish_view){.framework = framework->info.id,
                               .framework_name = framework->info.name,
                               .role = kinds_role_text(master->kinds, role)};
    if (!allocator_explain(master->allocator, framework->number, role, request, &view->wish,
                           count_verdict, &tally))
        return false;
    count_absent_agents(master, view);
    view->state = state_of(&view->wish);
    view->request = demand_book_name(framework, role, view->wish.request);
    if (view->wish.since_ms != INT64_MIN)
        view->waits_since_ns =
            master->wall_ns - (master->now_ms - view->wish.since_ms) * INT64_C(1000000);
    choose_main(master, &tally, view);
    allocator_client_standing(master->allocator, framework->number, role, &view->client);
    allocator_role_standing(master->allocator, looking->sums, role, &view->role_standing);
    view->awaited_agents = master->agents_by_state[AGENT_RECOVERED];
    view->history_count = allocator_history(master->allocator, framework->number, role,
                                            view->history, ALLOCATOR_HISTORY_LIMIT);
    if (demand_book_count(framework, role) <= 1) /* of several it is the history of all */
        refine_last_change(view);
    return true;
}

/* --- those that are meant --- */

static bool is_meant(const struct insight_question *question, const struct framework *framework,
                     struct text role) {
    struct text id = framework->info.id.text, name = framework->info.name;
    if (question->framework.size > 0)
        return text_equal(question->framework, id) || text_equal(question->framework, name);
    if (question->role.size > 0)
        return text_equal(question->role, role) ||
               (text_starts_with(role, question->role) && role.data[question->role.size] == '/');
    return true;
}

static size_t look_at_client(const struct looking *looking, const struct framework *framework,
                             uint32_t role) {
    const struct insight_question *question = looking->question;
    size_t count = demand_book_count(framework, role), shown = 0;
    bool is_for_request = question->request.size > 0;
    for (size_t i = 0; i < count || (i == 0 && !is_for_request); i++) {
        struct wish_view view;
        if (is_for_request && !text_equal(demand_book_name(framework, role, i), question->request))
            continue;
        if (!look(looking, framework, role, count > 0 ? i : SIZE_MAX, &view))
            continue;
        looking->fn(looking->self, &view);
        shown++;
    }
    return shown;
}

size_t insight_each_wish(const struct master *master, const struct insight_question *question,
                         insight_wish_fn *fn, void *self) {
    size_t shown = 0;
    bool is_asked =
        question->framework.size > 0 || question->role.size > 0 || question->request.size > 0;
    if (!is_asked)
        return 0;
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(master->allocator);
    struct looking looking = {master, question, sums, fn, self};
    MAP_EACH(entry, &master->frameworks) {
        const struct framework *framework = map_value(entry);
        for (size_t i = 0; i < framework->info.role_count; i++) {
            uint32_t role;
            if (is_meant(question, framework, framework->info.roles[i]) &&
                kinds_find_role(master->kinds, framework->info.roles[i], &role))
                shown += look_at_client(&looking, framework, role);
        }
    }
    return shown;
}

struct role_search {
    const struct master *master;
    struct text path;
    bool found;
};

static void find_setting(void *self, uint32_t role) {
    struct role_search *search = self;
    search->found =
        search->found || text_equal(kinds_role_text(search->master->kinds, role), search->path);
}

bool insight_knows_role(const struct master *master, struct text path) {
    struct role_search search = {.master = master, .path = path};
    role_book_each(master, find_setting, &search);
    return search.found;
}

struct agent_walk {
    const struct master *master;
    insight_agent_fn *fn;
    void *self;
};

static void show_agent(void *self, uint32_t number, const struct allocator_verdict *verdict) {
    const struct agent_walk *walk = self;
    const struct agent_info *info = agent_info_of(walk->master, number);
    if (info != NULL)
        walk->fn(walk->self, info, verdict);
}

void insight_each_agent(const struct master *master, const struct wish_view *wish,
                        insight_agent_fn *fn, void *self) {
    struct agent_walk walk = {master, fn, self};
    const struct framework *framework = map_get_text(&master->frameworks, wish->framework.text);
    struct allocator_wish again;
    uint32_t role;
    if (framework == NULL || !kinds_find_role(master->kinds, wish->role, &role))
        return;
    allocator_explain(master->allocator, framework->number, role,
                      wish->wish.has_demand ? wish->wish.request : SIZE_MAX, &again, show_agent,
                      &walk);
}

const char *insight_absence(const struct master *master, const struct agent_info *info) {
    const struct agent *agent = map_get_text(&master->agents, info->id.text);
    if (agent == NULL)
        return "the agent is not known any more";
    switch (agent->drain.state) {
    case DRAIN_DRAINING: return "the agent is draining";
    case DRAIN_DRAINED: return "the agent is drained";
    case DRAIN_NONE: break;
    }
    return agent->drain.is_deactivated ? "the agent is deactivated" : "the agent is disconnected";
}

/* --- shares --- */

struct role_entry {
    uint32_t role;
    struct text path;
    VEC_OF(const struct framework *) frameworks;
};

static struct role_entry *role_entry_get(const struct master *master, struct map *roles,
                                         uint32_t role) {
    struct text path = kinds_role_text(master->kinds, role);
    struct role_entry *entry = map_get_text(roles, path);
    if (entry != NULL)
        return entry;
    entry = NEW(struct role_entry);
    entry->role = role;
    entry->path = path;
    map_put_text(roles, path, entry);
    uint32_t parent = kinds_role_parent(master->kinds, role);
    if (parent != ROLE_NONE)
        role_entry_get(master, roles, parent);
    return entry;
}

static void role_entry_free(void *freed) {
    struct role_entry *entry = freed;
    VEC_FINI(&entry->frameworks);
    mem_free(entry);
}

struct role_collection {
    const struct master *master;
    struct map *roles;
};

static void collect_setting(void *self, uint32_t role) {
    struct role_collection *collection = self;
    role_entry_get(collection->master, collection->roles, role);
}

static void collect_roles(const struct master *master, struct map *roles) {
    struct role_collection collection = {master, roles};
    role_book_each(master, collect_setting, &collection);
    MAP_EACH(entry, &master->frameworks) {
        const struct framework *framework = map_value(entry);
        for (size_t i = 0; i < framework->info.role_count; i++) {
            uint32_t role;
            if (!kinds_find_role(master->kinds, framework->info.roles[i], &role))
                continue;
            struct role_entry *at = role_entry_get(master, roles, role);
            VEC_PUSH(&at->frameworks, framework);
        }
    }
}

/* A role stands before those below it, and they before its next sibling. */
static int compare_roles(const void *a, const void *b) {
    const struct role_entry *const *left = a, *const *right = b;
    struct text x = (*left)->path, y = (*right)->path;
    size_t i = 0;
    while (i < x.size && i < y.size && x.data[i] == y.data[i])
        i++;
    int u = i == x.size ? -1 : x.data[i] == '/' ? 0 : (unsigned char)x.data[i];
    int v = i == y.size ? -1 : y.data[i] == '/' ? 0 : (unsigned char)y.data[i];
    return (u > v) - (u < v);
}

struct standing_walk {
    const struct master *master;
    const struct role_sums *sums;
    void (*fn)(void *self, const struct standing_view *view);
    void *self;
    bool has_next;
    uint32_t next_framework, next_role;
};

static void show_role(const struct standing_walk *walk, const struct role_entry *entry) {
    struct allocator *allocator = walk->master->allocator;
    struct standing_view view = {.role = entry->path, .somebody_wants = walk->has_next};
    if (allocator_role_standing(allocator, walk->sums, entry->role, &view.standing))
        walk->fn(walk->self, &view);
    for (size_t i = 0; i < entry->frameworks.count; i++) {
        const struct framework *framework = entry->frameworks.items[i];
        view.framework = &framework->info;
        view.is_next = walk->has_next && walk->next_role == entry->role &&
                       walk->next_framework == framework->number &&
                       !demand_book_is_in_vain(framework, entry->role);
        if (allocator_client_standing(allocator, framework->number, entry->role, &view.standing))
            walk->fn(walk->self, &view);
    }
}

size_t insight_each_standing(const struct master *master,
                             void (*fn)(void *self, const struct standing_view *view), void *self) {
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(master->allocator);
    struct standing_walk walk = {.master = master, .sums = sums, .fn = fn, .self = self};
    struct map roles = {0};
    VEC_OF(struct role_entry *) sorted = {0};
    walk.has_next = allocator_next(master->allocator, &walk.next_framework, &walk.next_role);
    collect_roles(master, &roles);
    MAP_EACH(place, &roles)
        VEC_PUSH(&sorted, map_value(place));
    if (sorted.count > 0)
        qsort(sorted.items, sorted.count, sizeof(*sorted.items), compare_roles);
    struct role_cut cut = {0};
    VEC_EACH(entry, &sorted)
        role_cut_count(&cut, (*entry)->path, (*entry)->frameworks.count);
    VEC_EACH(entry, &sorted) {
        if (role_cut_takes(&cut, (*entry)->path, (*entry)->frameworks.count))
            show_role(&walk, *entry);
    }
    VEC_FINI(&sorted);
    map_fini(&roles, role_entry_free);
    return cut.left_out;
}

void insight_each_earmark(const struct master *master,
                          void (*fn)(void *self, const struct earmark_view *view), void *self) {
    size_t count = allocator_earmarks(master->allocator, NULL, 0);
    struct allocator_earmark *earmarks = NEW_ARRAY(struct allocator_earmark, count + 1);
    allocator_earmarks(master->allocator, earmarks, count);
    for (size_t i = 0; i < count; i++) {
        const struct framework *framework =
            map_get(&master->framework_numbers, earmarks[i].framework);
        struct earmark_view view = {.agent = agent_info_of(master, earmarks[i].agent),
                                    .role = kinds_role_text(master->kinds, earmarks[i].role),
                                    .left_ms = earmarks[i].until_ms - master->now_ms};
        if (framework == NULL || view.agent == NULL)
            continue;
        view.framework = &framework->info;
        fn(self, &view);
    }
    mem_free(earmarks);
}

const char *insight_policy(const struct master *master) {
    return allocator_policy_name(master->allocator);
}

const struct kinds *insight_kinds(const struct master *master) {
    return master->kinds;
}

int64_t insight_now_ms(const struct master *master) {
    return master->now_ms;
}

int64_t insight_wall_offset_ns(const struct master *master) {
    return master->wall_ns - master->now_ms * INT64_C(1000000);
}
