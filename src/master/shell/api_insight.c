/*
 * The numbers are those of proto/mesos/v1/master/master.proto; a unit test reads what is written
 * here with the generated code.
 */
#include "master/shell/api_insight.h"

#include "common/wire/convert.h"
#include "common/wire/put.h"
#include "master/shell/insight_text.h"

struct writing {
    struct wire *wire;
    const struct master *master;
    struct buf *out;
    bool with_agents;
};

static double share_of(int64_t share) {
    return (double)share / (double)MESOS_ALLOCATOR_SHARE_ONE;
}

static void put_amounts(const struct kinds *kinds, uint32_t number,
                        const struct quantities *amounts, struct buf *out) {
    for (size_t i = 0; amounts != NULL && i < amounts->count; i++) {
        size_t place = put_begin(out, number);
        put_bytes(out, 1, kinds_name_text(kinds, amounts->items[i].name));
        put_double(out, 2, (double)amounts->items[i].milli / 1000);
        put_end(out, place);
    }
}

static void put_time(struct buf *out, uint32_t number, int64_t wall_ns) {
    size_t place = put_begin(out, number);
    put_int(out, 1, wall_ns);
    put_end(out, place);
}

/* --- GET_SHARES --- */

/* Who holds more than its guarantee borrows; who holds less and wants no more lends. */
static void put_debts(const struct allocator_standing *standing, bool somebody_wants,
                      struct buf *out) {
    int64_t over = standing->share - standing->guaranteed;
    if (standing->guaranteed <= 0)
        return;
    put_double(out, 6, share_of(standing->guaranteed));
    if (over > 0)
        put_double(out, 9, share_of(over));
    else if (over < 0 && !standing->wants && somebody_wants)
        put_double(out, 10, share_of(-over));
}

static void put_standing(void *self, const struct standing_view *view) {
    struct writing *writing = self;
    const struct kinds *kinds = insight_kinds(writing->master);
    const struct allocator_standing *standing = &view->standing;
    struct buf *out = writing->out;
    size_t place = put_begin(out, 2);
    put_bytes(out, 1, view->role);
    if (view->framework != NULL) {
        put_id(out, 2, view->framework->id.text);
        put_some(out, 3, view->framework->name);
    }
    put_double(out, 4, (double)standing->weight_milli / 1000);
    put_double(out, 5, share_of(standing->share));
    if (standing->dominant != UINT32_MAX)
        put_bytes(out, 7, kinds_name_text(kinds, standing->dominant));
    put_varint(out, 8, standing->wants);
    put_debts(standing, view->somebody_wants, out);
    put_amounts(kinds, 11, standing->held, out);
    if (view->is_next)
        put_varint(out, 12, true);
    put_end(out, place);
}

static void put_earmark(void *self, const struct earmark_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    size_t place = put_begin(out, 3);
    put_id(out, 1, view->agent->id.text);
    put_some(out, 2, view->agent->hostname);
    put_id(out, 3, view->framework->id.text);
    put_bytes(out, 4, view->role);
    put_double(out, 5, (double)view->left_ms / 1000);
    put_end(out, place);
}

void insight_put_shares(const struct master *master, struct buf *out) {
    struct writing writing = {.master = master, .out = out};
    put_bytes(out, 1, text_of(insight_policy(master)));
    size_t left_out = insight_each_standing(master, put_standing, &writing);
    insight_each_earmark(master, put_earmark, &writing);
    if (left_out > 0)
        put_varint(out, 4, left_out);
}

/* --- GET_OFFERS --- */

static void put_offer(void *self, const struct offer_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    int64_t now_ms = insight_now_ms(writing->master);
    size_t place = put_begin(out, 1);
    size_t offer = put_begin(out, 1);
    put_id(out, 1, view->id.text);
    put_id(out, 2, view->framework.text);
    put_id(out, 3, view->agent.text);
    put_bytes(out, 4, view->hostname);
    resources_encode(writing->wire, view->resources, 5, view->role, RESERVATIONS_NEW, out);
    put_some_id(out, 10, view->role);
    put_end(out, offer);
    put_some(out, 2, view->framework_name);
    put_some(out, 3, view->role);
    put_double(out, 4, (double)(now_ms - view->made_ms) / 1000);
    if (view->deadline_ms != INT64_MAX)
        put_double(out, 5, (double)(view->deadline_ms - now_ms) / 1000);
    put_end(out, place);
}

void insight_put_offers(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {.wire = wire, .master = master, .out = out};
    master_each_offer(master, put_offer, &writing);
}

/* --- EXPLAIN --- */

static void put_counts(const struct wish_view *view, struct buf *out) {
    for (int i = 0; i < ALLOCATOR_REASON_COUNT; i++) {
        enum allocator_reason reason = (enum allocator_reason)i;
        if (view->counts[reason] == 0)
            continue;
        size_t place = put_begin(out, 13);
        put_bytes(out, 1, text_of(insight_reason_name(reason)));
        put_bytes(out, 2, text_of(allocator_reason_text(reason)));
        put_varint(out, 3, view->counts[reason]);
        put_end(out, place);
    }
}

static void put_agent(void *self, const struct agent_info *agent,
                      const struct allocator_verdict *verdict) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    AUTO_FINI(buf_fini) struct buf text = {0};
    const struct kinds *kinds = insight_kinds(writing->master);
    struct insight_verdict it = {.kinds = kinds,
                                 .verdict = verdict,
                                 .absence = insight_absence(writing->master, agent),
                                 .now_ms = insight_now_ms(writing->master)};
    if (verdict->reason == ALLOCATOR_LIMIT || verdict->reason == ALLOCATOR_RESERVED)
        it.other_role = kinds_role_text(kinds, verdict->role);
    insight_print_verdict(&it, &text);
    size_t place = put_begin(out, 14);
    put_id(out, 1, agent->id.text);
    put_some(out, 2, agent->hostname);
    put_bytes(out, 3, text_of(insight_reason_name(verdict->reason)));
    put_bytes(out, 4, buf_text(&text));
    put_end(out, place);
}

static void put_history(const struct wish_view *view, int64_t wall_offset_ns, struct buf *out) {
    for (size_t i = 0; i < view->history_count; i++) {
        enum allocator_reason reason = view->history[i].reason;
        size_t place = put_begin(out, 15);
        put_time(out, 1, view->history[i].at_ms * INT64_C(1000000) + wall_offset_ns);
        put_bytes(out, 2, text_of(insight_reason_name(reason)));
        put_bytes(out, 3,
                  text_of(reason == ALLOCATOR_FITS ? "it was offered something"
                                                   : allocator_reason_text(reason)));
        put_end(out, place);
    }
}

static void put_evidence(void *self, struct text line) {
    put_bytes(((struct writing *)self)->out, 11, line);
}

static void put_help(void *self, struct text line) {
    put_bytes(((struct writing *)self)->out, 12, line);
}

static void put_wish(void *self, const struct wish_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    AUTO_FINI(buf_fini) struct buf text = {0};
    insight_print_main(writing->master, view, &text);
    size_t place = put_begin(out, 1);
    put_id(out, 1, view->framework.text);
    put_some(out, 2, view->framework_name);
    put_bytes(out, 3, view->role);
    put_some(out, 4, view->request);
    put_bytes(out, 5, text_of(insight_state_name(view->state)));
    if (view->wish.has_demand && view->wish.count != ALLOCATOR_COUNT_ENDLESS)
        put_varint(out, 6, view->wish.count);
    put_amounts(insight_kinds(writing->master), 7, view->wish.task, out);
    if (view->waits_since_ns != 0)
        put_time(out, 8, view->waits_since_ns);
    put_bytes(out, 9, text_of(insight_reason_name(view->main)));
    put_bytes(out, 10, buf_text(&text));
    insight_each_evidence(writing->master, view, put_evidence, writing);
    insight_each_help(writing->master, view, put_help, writing);
    if (view->state == WISH_WAITS || view->state == WISH_IS_INFEASIBLE)
        put_counts(view, out);
    if (writing->with_agents)
        insight_each_agent(writing->master, view, put_agent, writing);
    put_history(view, insight_wall_offset_ns(writing->master), out);
    put_end(out, place);
}

struct task_search {
    struct text id;
    struct buf line;
};

static void describe_task(void *self, const struct task_view *view) {
    struct task_search *search = self;
    if (!text_equal(view->id.text, search->id) || search->line.size > 0)
        return;
    buf_printf(&search->line, "task %.*s of framework %.*s is %s on agent %.*s",
               TEXT_ARGS(view->id.text), TEXT_ARGS(view->framework.text),
               task_state_name(view->state), TEXT_ARGS(view->agent.text));
    if (view->is_completed)
        buf_append_string(&search->line, " and has ended");
}

bool insight_put_explained(const struct master *master, const struct insight_question *question,
                           bool with_agents, struct buf *out) {
    struct writing writing = {.master = master, .out = out, .with_agents = with_agents};
    AUTO_FINI(buf_fini) struct buf memory = {0};
    struct task_search search = {.id = question->request};
    size_t shown = insight_each_wish(master, question, put_wish, &writing);
    if (question->request.size > 0)
        master_each_task(master, NULL, describe_task, &search);
    memory = search.line;
    if (memory.size > 0)
        put_bytes(out, 2, buf_text(&memory));
    return shown > 0 || memory.size > 0 ||
           (question->role.size > 0 && insight_knows_role(master, question->role));
}
