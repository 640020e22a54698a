/*
 * Whether each wish could ever be met is looked at when it is made, and when agents have come, gone
 * or changed: so many agents a step, each wish once a turn. Who asked is told when the answer is
 * no, and when it has changed.
 */
#include "allocator/explain.h"
#include "common/model/value_text.h"
#include "master/core/constraint_book.h"
#include "master/core/demand_state.h"
#include "master/core/emit.h"

void demand_tell(struct master *master, struct framework *framework, struct text role,
                 struct text name, bool is_feasible, struct text message, struct agent_id nearest) {
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_REQUEST_STATUS,
        .request_status = {lend(master, name),
                           lend(master, role),
                           is_feasible,
                           message,
                           {lend(master, nearest.text)}},
    };
    emit_to_framework(master, framework, event);
}

/* --- the line --- */

static void print_amount(struct text name, int64_t milli, struct buf *out) {
    buf_printf(out, "%.*s:", TEXT_ARGS(name));
    milli_print(milli, out);
}

static void print_shape(const struct wish *wish, struct buf *out) {
    for (size_t i = 0; i < wish->amount_count; i++) {
        if (i > 0)
            buf_append_byte(out, ';');
        print_amount(wish->amounts[i].name, wish->amounts[i].milli, out);
    }
}

static void print_unknown(const struct master *master, const struct wish *wish, struct buf *out) {
    uint32_t number;
    for (size_t i = 0; i < wish->amount_count; i++) {
        struct text name = wish->amounts[i].name;
        if (!kinds_find_name(master->kinds, name, &number)) {
            buf_printf(out, ": no agent has '%.*s'", TEXT_ARGS(name));
            return;
        }
    }
    buf_printf(out, ": agent %.*s is not here", TEXT_ARGS(wish->agent.text));
}

static void print_lack(const struct master *master, const struct agent_info *nearest,
                       const struct allocator_verdict *lack, struct buf *out) {
    buf_printf(out, ": the nearest, %.*s, ", TEXT_ARGS(nearest->hostname));
    if (lack->reason == ALLOCATOR_TOO_SMALL) {
        buf_append_string(out, "has ");
        print_amount(kinds_name_text(master->kinds, lack->name), lack->have_milli, out);
    } else {
        buf_printf(out, "says: %s", allocator_reason_text(lack->reason));
    }
}

/* --- one wish --- */

struct finding {
    bool is_feasible;
    struct agent_id nearest;
    struct text message;
};

static struct finding look(struct master *master, const struct framework *framework,
                           const struct role_demand *demand, const struct wish *wish) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    struct allocator_wish answer = {0};
    bool is_known = wish->place != SIZE_MAX &&
                    allocator_explain(master->allocator, framework->number, demand->role,
                                      wish->place, &answer, NULL, NULL);
    const struct agent *nearest = is_known ? map_get(&master->agent_numbers, answer.nearest) : NULL;
    struct finding finding = {.is_feasible = is_known && answer.is_feasible};
    buf_append_string(&line, finding.is_feasible ? "there is an agent now that could hold "
                                                 : "no agent could ever hold ");
    print_shape(wish, &line);
    if (nearest != NULL)
        finding.nearest = nearest->info.id;
    if (!is_known)
        print_unknown(master, wish, &line);
    else if (!finding.is_feasible && nearest != NULL)
        print_lack(master, &nearest->info, &answer.lack, &line);
    else if (!finding.is_feasible)
        buf_append_string(&line, ": there are no agents");
    finding.message = lend(master, buf_text(&line));
    return finding;
}

/* Agents that the registry knows and that are not back yet may have what is missing. */
static bool may_still_come(const struct master *master) {
    return master->agents_by_state[AGENT_RECOVERED] + master->agents_by_state[AGENT_ADMITTING] > 0;
}

/* Whether that agent, were it empty, could hold it, as far as that is plain to see. */
static bool is_plainly_held(struct master *master, const struct framework *framework,
                            const struct role_demand *demand, const struct wish *wish,
                            const struct agent *agent) {
    const uint32_t odd = KIND_IS_REVOCABLE | KIND_IS_SHARED | KIND_IS_EXCLUSIVE | KIND_IS_RESERVED;
    bool is_remote =
        agent->info.region.size > 0 && !text_equal(agent->info.region, master->options.region);
    bool has_gpus = resources_scalar_milli(&agent->total, KIND_GPUS) > 0;
    if (agent->number == 0 ||
        (is_remote && !framework_can(&framework->info, FRAMEWORK_REGION_AWARE)) ||
        (has_gpus && !framework_can(&framework->info, FRAMEWORK_GPU_RESOURCES)))
        return false;
    for (size_t i = 0; i < wish->amount_count; i++) {
        int64_t milli = 0;
        for (uint32_t k = 0; k < agent->total.count; k++) {
            const struct resource *one = &agent->total.entries[k];
            if ((one->kind & odd) == 0 &&
                text_equal(kinds_info(master->kinds, one->kind)->name, wish->amounts[i].name))
                milli += resource_quantity_milli(one);
        }
        if (milli < wish->amounts[i].milli)
            return false;
    }
    return (demand->constraint == 0 ||
            demand_book_matches(master, demand->constraint, agent->number)) &&
           (wish->constraint == 0 || demand_book_matches(master, wish->constraint, agent->number));
}

/* The oldest agents, or the one that is named: as a rule one of them will do, and nobody else need
 * be asked. */
static bool is_plainly_feasible(struct master *master, const struct framework *framework,
                                const struct role_demand *demand, const struct wish *wish) {
    size_t looks = 0;
    if (wish->place == SIZE_MAX || wish->amount_count > DEMAND_PLAIN_AMOUNTS)
        return false;
    if (wish->agent_number != 0)
        return is_plainly_held(master, framework, demand, wish,
                               map_get(&master->agent_numbers, wish->agent_number));
    MAP_EACH(entry, &master->agent_numbers) {
        if (is_plainly_held(master, framework, demand, wish, map_value(entry)))
            return true;
        if (++looks == DEMAND_PLAIN_LOOKS)
            return false;
    }
    return false;
}

static size_t answer(struct master *master, struct framework *framework, struct role_demand *demand,
                     struct wish *wish) {
    bool is_plain = is_plainly_feasible(master, framework, demand, wish);
    if (is_plain && wish->told != WISH_SAID_INFEASIBLE) {
        wish->told = WISH_SAID_FEASIBLE;
        return DEMAND_PLAIN_LOOKS;
    }
    struct finding finding = look(master, framework, demand, wish);
    enum wish_answer next = finding.is_feasible ? WISH_SAID_FEASIBLE : WISH_SAID_INFEASIBLE;
    size_t looks = master->agent_numbers.count + 1;
    if (wish->told == next || (!finding.is_feasible && may_still_come(master)))
        return looks;
    bool is_news = !finding.is_feasible || wish->told == WISH_SAID_INFEASIBLE;
    wish->told = next;
    if (!is_news)
        return looks;
    struct text role = kinds_role_text(master->kinds, demand->role);
    emit_note(master, NOTE_INFO, finding.is_feasible ? "request_feasible" : "request_infeasible",
              "framework=%.*s role=%.*s name=\"%.*s\" what=\"%.*s\"",
              TEXT_ARGS(framework->info.id.text), TEXT_ARGS(role), TEXT_ARGS(wish->name),
              TEXT_ARGS(finding.message));
    demand_tell(master, framework, role, wish->name, finding.is_feasible, finding.message,
                finding.nearest);
    return looks;
}

/* --- a turn --- */

/* An agent or a name that was missing is there, or the other way round. */
static bool is_outdated(const struct master *master, const struct wish *wish) {
    if (wish->count == 0)
        return false;
    if (wish->agent.text.size > 0 && demand_agent_number(master, wish->agent) != wish->agent_number)
        return true;
    return wish->place == SIZE_MAX && wish->agent.text.size == 0 &&
           demand_names_are_known(master, wish);
}

size_t demand_look(struct master *master, struct framework *framework, struct role_demand *demand) {
    size_t looks = 0;
    bool again = false;
    VEC_EACH(wish, &demand->wishes)
        again = again || (wish->seen != master->demand_turn && is_outdated(master, wish));
    if (again)
        demand_hand_over(master, framework, demand);
    VEC_EACH(wish, &demand->wishes) {
        if (wish->seen == master->demand_turn || wish->count == 0)
            continue;
        if (looks > DEMAND_LOOKS_BUDGET) {
            master->demand_due_ms = master->now_ms;
            break;
        }
        wish->seen = master->demand_turn;
        looks += answer(master, framework, demand, wish);
    }
    return looks;
}

/* False: more is to be looked at. */
static bool look_at_all(struct master *master) {
    size_t looks = 0;
    MAP_EACH(entry, &master->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(at, &framework->demands) {
            looks += demand_look(master, framework, map_value(at));
            if (looks > DEMAND_LOOKS_BUDGET)
                return false;
        }
    }
    return true;
}

void demand_book_step(struct master *master) {
    /* A turn that is under way is finished first. */
    if (master->demand_stale_ms <= master->now_ms && master->demand_due_ms == INT64_MAX) {
        master->demand_stale_ms = INT64_MAX;
        master->demand_due_ms = master->now_ms;
        master->demand_turn++;
    }
    if (master->demand_due_ms <= master->now_ms)
        master->demand_due_ms = look_at_all(master) ? INT64_MAX : master->now_ms;
}

int64_t demand_book_deadline_ms(const struct master *master) {
    return master->demand_due_ms != INT64_MAX ? master->demand_due_ms : master->demand_stale_ms;
}

void demand_book_agents_changed(struct master *master) {
    if (master->wish_count > 0 && master->demand_stale_ms == INT64_MAX)
        master->demand_stale_ms = master->now_ms + DEMAND_LOOK_AGAIN_MS;
}

/* --- constraints --- */

bool demand_book_matches(void *self, uint32_t constraint, uint32_t number) {
    const struct master *master = self;
    const struct constraints *constraints = constraint_book_find(master->constraints, constraint);
    const struct agent *agent = map_get(&master->agent_numbers, number);
    if (constraints == NULL || agent == NULL)
        return false;
    AUTO_FINI(attributes_fini) struct attributes attributes = {0};
    if (agent->info.attributes.size > 0 &&
        !attributes_parse(agent->info.attributes, &attributes, NULL))
        return false;
    struct constrained_agent seen = {&attributes, agent->info.hostname, agent->info.region,
                                     agent->info.zone};
    return constraints_admit(constraints, &seen);
}

/* --- checking --- */

/* What is offered and not launched is not in the allocator's count. */
static bool check_demand(const struct master *master, const struct framework *framework,
                         const struct role_demand *demand, struct error *why) {
    size_t places = 0;
    VEC_EACH(wish, &demand->wishes) {
        struct allocator_wish known;
        if (wish->constraint != 0 &&
            constraint_book_find(master->constraints, wish->constraint) == NULL)
            return fail(why, ERROR_INVALID, "the constraints of a request are gone");
        if (wish->place == SIZE_MAX)
            continue;
        if (wish->place != places++)
            return fail(why, ERROR_INVALID, "a request has the place of another");
        if (!allocator_explain(master->allocator, framework->number, demand->role, wish->place,
                               &known, NULL, NULL) ||
            known.count > wish->count ||
            (list_is_empty(&framework->offers) && known.count != wish->count))
            return fail(why, ERROR_INVALID, "the allocator counts a request otherwise");
    }
    return true;
}

bool demand_book_is_right(const struct master *master, struct error *why) {
    size_t wishes = 0;
    MAP_EACH(entry, &master->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(at, &framework->demands) {
            const struct role_demand *demand = map_value(at);
            wishes += demand->wishes.count;
            if (!check_demand(master, framework, demand, why))
                return fail_context(why, "framework %.*s", TEXT_ARGS(framework->info.id.text));
        }
    }
    return wishes == master->wish_count ||
           fail(why, ERROR_INVALID, "%zu requests, and %zu are counted", wishes,
                master->wish_count);
}
