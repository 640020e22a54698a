/*
 * One table row a reason; the sentences are put together from the numbers of the verdicts.
 */
#include "master/shell/insight_text.h"

#include "common/model/value_text.h"

#include <stdlib.h>

static const char *const reason_names[ALLOCATOR_REASON_COUNT] = {
    [ALLOCATOR_FITS] = "FITS",
    [ALLOCATOR_INACTIVE] = "INACTIVE",
    [ALLOCATOR_NO_GPUS] = "NO_GPUS",
    [ALLOCATOR_NO_REMOTE] = "NO_REMOTE",
    [ALLOCATOR_NO_ROLES] = "NO_ROLES",
    [ALLOCATOR_CONSTRAINT] = "CONSTRAINT",
    [ALLOCATOR_TOO_SMALL] = "TOO_SMALL",
    [ALLOCATOR_RESERVED] = "RESERVED",
    [ALLOCATOR_NOT_ENOUGH] = "NOT_ENOUGH",
    [ALLOCATOR_NOT_TAKEN] = "NOT_TAKEN",
    [ALLOCATOR_FILTERED] = "FILTERED",
    [ALLOCATOR_EARMARKED] = "EARMARKED",
    [ALLOCATOR_LIMIT] = "LIMIT",
    [ALLOCATOR_HEADROOM] = "HEADROOM",
    [ALLOCATOR_HOARDS] = "HOARDS",
    [ALLOCATOR_BELOW_MINIMUM] = "BELOW_MINIMUM",
};

const char *insight_reason_name(enum allocator_reason reason) {
    return reason_names[reason];
}

const char *insight_state_name(enum wish_state state) {
    switch (state) {
    case WISH_WAITS: return "WAITING";
    case WISH_IS_INFEASIBLE: return "INFEASIBLE";
    case WISH_IS_CONTENT: return "CONTENT";
    case WISH_IS_SUPPRESSED: return "SUPPRESSED";
    case WISH_IS_DISCONNECTED: return "DISCONNECTED";
    }
    return "";
}

/* --- pieces --- */

static void print_amount(const struct kinds *kinds, uint32_t name, int64_t milli, struct buf *out) {
    buf_printf(out, "%.*s:", TEXT_ARGS(kinds_name_text(kinds, name)));
    milli_print(milli, out);
}

static void print_task(const struct kinds *kinds, const struct quantities *task, struct buf *out) {
    for (size_t i = 0; task != NULL && i < task->count; i++) {
        if (i > 0)
            buf_append_byte(out, ';');
        print_amount(kinds, task->items[i].name, task->items[i].milli, out);
    }
}

static void print_need(const struct insight_verdict *it, struct buf *out) {
    buf_append_string(out, "it needs ");
    print_amount(it->kinds, it->verdict->name, it->verdict->need_milli, out);
}

static void print_have(const struct insight_verdict *it, const char *after, struct buf *out) {
    print_amount(it->kinds, it->verdict->name, it->verdict->have_milli, out);
    buf_append_string(out, after);
}

static void print_percent(int64_t share, struct buf *out) {
    __int128 tenths =
        ((__int128)share * 1000 + MESOS_ALLOCATOR_SHARE_ONE / 2) / MESOS_ALLOCATOR_SHARE_ONE;
    buf_printf(out, "%lld.%lld%%", (long long)(tenths / 10), (long long)(tenths % 10));
}

/* --- one agent --- */

/* Those that need no amounts. */
static const char *plain_words(const struct insight_verdict *it) {
    static const char *const words[] = {
        [ALLOCATOR_FITS] = "it fits now; whoever is further below its share comes first",
        [ALLOCATOR_NO_GPUS] = "the agent has gpus and the framework lacks GPU_RESOURCES",
        [ALLOCATOR_NO_REMOTE] =
            "the agent is in another region and the framework lacks REGION_AWARE",
        [ALLOCATOR_NO_ROLES] = "the agent does not serve roles of this kind",
        [ALLOCATOR_CONSTRAINT] = "the framework's constraints exclude the agent",
        [ALLOCATOR_HOARDS] = ("the framework let offers run out unanswered; it gets another one "
                              "when it answers those it has"),
        [ALLOCATOR_BELOW_MINIMUM] = "what is free is below the smallest offer",
    };
    size_t reason = it->verdict->reason;
    if (reason == ALLOCATOR_INACTIVE)
        return it->absence != NULL ? it->absence : "the agent is disconnected or deactivated";
    return reason < sizeof(words) / sizeof(words[0]) ? words[reason] : NULL;
}

static void print_lack(const struct insight_verdict *it, const char *and, const char *behind,
                       struct buf *out) {
    print_need(it, out);
    buf_append_string(out, and);
    print_have(it, behind, out);
}

static void print_amounts(const struct insight_verdict *it, struct buf *out) {
    bool has_role = it->other_role.size > 0;
    switch (it->verdict->reason) {
    case ALLOCATOR_TOO_SMALL: print_lack(it, " and the whole agent has ", "", out); return;
    case ALLOCATOR_RESERVED:
        print_lack(it, " and may have ", "; the rest is reserved", out);
        if (has_role)
            buf_printf(out, " to role %.*s", TEXT_ARGS(it->other_role));
        return;
    case ALLOCATOR_NOT_ENOUGH: print_lack(it, " and ", " is free", out); return;
    case ALLOCATOR_NOT_TAKEN:
        print_need(it, out);
        buf_append_string(out, " and what is there is revocable or shared, which it does not take");
        return;
    case ALLOCATOR_FILTERED:
        buf_printf(out, "the framework refused as much there, for another %lld s",
                   (long long)(it->verdict->until_ms - it->now_ms + 999) / 1000);
        return;
    case ALLOCATOR_EARMARKED:
        buf_append_string(out, "what is freed there is kept for a waiting task");
        if (it->other_framework.size > 0)
            buf_printf(out, " of %.*s", TEXT_ARGS(it->other_framework));
        return;
    case ALLOCATOR_LIMIT:
        print_need(it, out);
        buf_printf(out, " and the quota limit of role %.*s leaves ", TEXT_ARGS(it->other_role));
        print_have(it, "", out);
        return;
    case ALLOCATOR_HEADROOM:
        print_lack(it, " and only ", " of what is free is not kept for guarantees of other roles",
                   out);
        return;
    case ALLOCATOR_FITS:
    case ALLOCATOR_INACTIVE:
    case ALLOCATOR_NO_GPUS:
    case ALLOCATOR_NO_REMOTE:
    case ALLOCATOR_NO_ROLES:
    case ALLOCATOR_CONSTRAINT:
    case ALLOCATOR_HOARDS:
    case ALLOCATOR_BELOW_MINIMUM: return; /* plain_words */
    }
}

void insight_print_verdict(const struct insight_verdict *it, struct buf *out) {
    const char *plain = plain_words(it);
    if (plain != NULL)
        buf_append_string(out, plain);
    else
        print_amounts(it, out);
}

/* --- the main reason --- */

static struct insight_verdict example_of(const struct master *master,
                                         const struct wish_view *view) {
    return (struct insight_verdict){.kinds = insight_kinds(master),
                                    .verdict = &view->example,
                                    .other_role = view->other_role,
                                    .other_framework = view->other_framework,
                                    .absence = view->example_agent != NULL
                                                   ? insight_absence(master, view->example_agent)
                                                   : NULL,
                                    .now_ms = insight_now_ms(master)};
}

static void print_waiting(const struct master *master, const struct wish_view *view,
                          struct buf *out) {
    struct insight_verdict example = example_of(master, view);
    if (view->agent_count == 0) {
        buf_append_string(out, "there are no agents");
        return;
    }
    buf_printf(out, "%zu of %zu agent%s: %s", view->counts[view->main], view->agent_count,
               view->agent_count == 1 ? "" : "s", allocator_reason_text(view->main));
    if (view->example_agent != NULL && view->main != ALLOCATOR_FITS) {
        buf_printf(out, " (%.*s: ", TEXT_ARGS(view->example_agent->hostname));
        insight_print_verdict(&example, out);
        buf_append_byte(out, ')');
    }
}

static void print_infeasible(const struct master *master, const struct wish_view *view,
                             struct buf *out) {
    struct insight_verdict example = example_of(master, view);
    buf_append_string(out, "no agent could ever hold it");
    if (view->example_agent == NULL)
        return;
    buf_printf(out, "; the nearest is %.*s: ", TEXT_ARGS(view->example_agent->hostname));
    insight_print_verdict(&example, out);
}

void insight_print_main(const struct master *master, const struct wish_view *view,
                        struct buf *out) {
    switch (view->state) {
    case WISH_WAITS: print_waiting(master, view, out); return;
    case WISH_IS_INFEASIBLE: print_infeasible(master, view, out); return;
    case WISH_IS_CONTENT:
        buf_append_string(out, "it wants nothing more: all it asked for runs or is offered to it");
        return;
    case WISH_IS_SUPPRESSED:
        buf_append_string(out, "the framework wants no offers: it has suppressed this role");
        return;
    case WISH_IS_DISCONNECTED: buf_append_string(out, "the framework is not connected"); return;
    }
}

/* --- what shows it, what helps --- */

struct lines {
    insight_line_fn *fn;
    void *self;
    struct buf line;
};

static void line_end(struct lines *lines) {
    lines->fn(lines->self, buf_text(&lines->line));
    buf_clear(&lines->line);
}

static void tell_standing(const struct master *master, struct lines *lines, const char *who,
                          struct text name, const struct allocator_standing *standing) {
    if (standing->weight_milli == 0)
        return;
    buf_printf(&lines->line, "%s %.*s holds ", who, TEXT_ARGS(name));
    print_percent(standing->share, &lines->line);
    if (standing->dominant != UINT32_MAX)
        buf_printf(&lines->line, " of the cluster's %.*s",
                   TEXT_ARGS(kinds_name_text(insight_kinds(master), standing->dominant)));
    else
        buf_append_string(&lines->line, " of the cluster");
    if (standing->guaranteed > 0) {
        buf_append_string(&lines->line, "; its weights guarantee ");
        print_percent(standing->guaranteed, &lines->line);
    }
    line_end(lines);
}

static void tell_task(const struct master *master, struct lines *lines,
                      const struct wish_view *view) {
    if (view->wish.task == NULL || view->wish.task->count == 0)
        return;
    buf_append_string(&lines->line,
                      view->wish.has_demand ? "it asks for " : "its smallest task is ");
    print_task(insight_kinds(master), view->wish.task, &lines->line);
    if (view->wish.has_demand && view->wish.count != ALLOCATOR_COUNT_ENDLESS)
        buf_printf(&lines->line, ", %llu more", (unsigned long long)view->wish.count);
    line_end(lines);
}

void insight_each_evidence(const struct master *master, const struct wish_view *view,
                           insight_line_fn *fn, void *self) {
    struct lines lines = {.fn = fn, .self = self};
    tell_task(master, &lines, view);
    tell_standing(master, &lines, "framework", view->framework_name, &view->client);
    tell_standing(master, &lines, "role", view->role, &view->role_standing);
    buf_fini(&lines.line);
}

static const char *help_of(enum allocator_reason reason) {
    switch (reason) {
    case ALLOCATOR_FITS: return "wait: it is served when it is its turn";
    case ALLOCATOR_INACTIVE: return "bring the agents back, or reactivate them";
    case ALLOCATOR_NO_GPUS:
        return "give the framework the capability GPU_RESOURCES, or start the master with "
               "--no-filter_gpu_resources";
    case ALLOCATOR_NO_REMOTE: return "give the framework the capability REGION_AWARE";
    case ALLOCATOR_NO_ROLES: return "use agents of this version";
    case ALLOCATOR_CONSTRAINT: return "loosen the constraints, or add agents that meet them";
    case ALLOCATOR_TOO_SMALL: return "ask for less in one task, or add larger agents";
    case ALLOCATOR_RESERVED: return "unreserve it, or use a role below the one it is reserved to";
    case ALLOCATOR_NOT_ENOUGH: return "wait for tasks to end, or add agents";
    case ALLOCATOR_NOT_TAKEN: return "give the framework REVOCABLE_RESOURCES or SHARED_RESOURCES";
    case ALLOCATOR_FILTERED: return "the framework may revive the role, or refuse for less long";
    case ALLOCATOR_EARMARKED: return "wait: that task is placed, or given up, soon";
    case ALLOCATOR_LIMIT: return "raise the limit";
    case ALLOCATOR_HEADROOM:
        return "lower a guarantee that is not used: mesos roles shows them, or add agents";
    case ALLOCATOR_HOARDS: return "let the framework accept or decline its offers in time";
    case ALLOCATOR_BELOW_MINIMUM: return "wait for tasks to end";
    }
    return "";
}

/* Below its guarantee it comes first by itself; above, a weight decides. */
static bool is_over_its_share(const struct wish_view *view) {
    return view->client.guaranteed > 0 && view->client.share >= view->client.guaranteed;
}

static void tell_limit(const struct wish_view *view, insight_line_fn *fn, void *self) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    if (view->awaited_agents > 0)
        buf_printf(&line,
                   "wait: %zu agents that were here before are not back yet, and their tasks may "
                   "count for the limit of role %.*s",
                   view->awaited_agents, TEXT_ARGS(view->other_role));
    else
        buf_printf(&line, "raise the limit: mesos role set '%.*s' --limit ...",
                   TEXT_ARGS(view->other_role));
    fn(self, buf_text(&line));
}

void insight_each_help(const struct master *master, const struct wish_view *view,
                       insight_line_fn *fn, void *self) {
    (void)master;
    switch (view->state) {
    case WISH_WAITS:
    case WISH_IS_INFEASIBLE:
        if (view->agent_count == 0) {
            fn(self, TEXT("start agents"));
            return;
        }
        if (view->main == ALLOCATOR_LIMIT)
            tell_limit(view, fn, self);
        else
            fn(self, text_of(help_of(view->main)));
        if ((view->main == ALLOCATOR_NOT_ENOUGH || view->main == ALLOCATOR_FITS) &&
            is_over_its_share(view))
            fn(self, TEXT("it has its share: a larger weight gives it more (mesos role set)"));
        return;
    case WISH_IS_CONTENT: fn(self, TEXT("let the framework ask for more")); return;
    case WISH_IS_SUPPRESSED: fn(self, TEXT("let the framework revive the role")); return;
    case WISH_IS_DISCONNECTED: fn(self, TEXT("start the framework again")); return;
    }
}
