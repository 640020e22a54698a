/*
 * An entry a framework and agent, owned by the agent. It names its framework by id and the
 * connection on which it was asked, so that frameworks may come, go and return without a word here.
 */
#include "master/core/inverse_book.h"

#include "master/core/emit.h"
#include "master/core/maintenance.h"
#include "master/core/supply.h"

#include <stdio.h>

enum { LOOK_EVERY_MS = 1000 };

struct inverse {
    struct agent *agent;
    struct text framework; /* kept */
    void *memory;
    char id[UUID_TEXT_SIZE + 32]; /* of what is out; empty: nothing is */
    uint64_t connection;          /* it was sent on */
    enum inverse_answer answer;
    int64_t answered_ns; /* or asked */
    int64_t refuse_until_ms;
    uint64_t looked; /* the round that found it in use */
};

static void be_answered(struct master *master, struct inverse *inverse) {
    if (inverse->id[0] != '\0')
        map_remove_text(&master->inverse_offers, text_of(inverse->id));
    inverse->id[0] = '\0';
}

static void free_inverse(void *self) {
    struct inverse *inverse = self;
    mem_free(inverse->memory);
    mem_free(inverse);
}

static struct framework *framework_of(const struct master *master, const struct inverse *inverse) {
    return map_get_text(&master->frameworks, inverse->framework);
}

/* Whether the framework that is there now has heard of it. */
static bool is_out(const struct inverse *inverse, const struct framework *framework) {
    return inverse->id[0] != '\0' && framework != NULL && framework->peer != NULL &&
           framework->last_connection == inverse->connection;
}

static void rescind(struct master *master, struct inverse *inverse) {
    struct framework *framework = framework_of(master, inverse);
    struct scheduler_event event = {.kind = SCHEDULER_EVENT_RESCIND_INVERSE_OFFER,
                                    .rescind = {lend(master, text_of(inverse->id))}};
    if (is_out(inverse, framework))
        emit_to_framework(master, framework, event);
    be_answered(master, inverse);
}

void inverse_book_clear(struct master *master, struct agent *agent) {
    MAP_EACH(entry, &agent->inverses) {
        rescind(master, map_value(entry));
        free_inverse(map_value(entry));
    }
    map_fini(&agent->inverses, NULL);
}

void inverse_book_free_of(struct agent *agent) {
    list_remove(&agent->by_schedule);
    map_fini(&agent->inverses, free_inverse);
}

/* --- asking --- */

static struct inverse *find_or_add(struct agent *agent, const struct framework *framework) {
    struct inverse *inverse = map_get_text(&agent->inverses, framework->info.id.text);
    if (inverse != NULL)
        return inverse;
    inverse = NEW(struct inverse);
    inverse->agent = agent;
    inverse->framework = framework->info.id.text;
    inverse->memory = keep_texts((struct text *[]){&inverse->framework}, 1);
    inverse->answer = INVERSE_UNKNOWN;
    inverse->refuse_until_ms = INT64_MIN;
    map_put_text(&agent->inverses, inverse->framework, inverse);
    return inverse;
}

static void send(struct master *master, struct framework *framework, struct inverse *inverse,
                 const struct machine_view *machine) {
    const struct agent_info *info = &inverse->agent->info;
    struct inverse_offered *shown = ARENA_NEW(master->out->arena, struct inverse_offered);
    *shown = (struct inverse_offered){.id = {lend(master, text_of(inverse->id))},
                                      .framework = framework->info.id,
                                      .agent = info->id,
                                      .hostname = info->hostname,
                                      .ip = info->ip,
                                      .port = info->port,
                                      .unavailability = machine->unavailability};
    emit_to_framework(master, framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_INVERSE_OFFERS,
                                               .inverse_offers = {shown, 1}});
}

static void ask(struct master *master, struct agent *agent, struct framework *framework,
                const struct machine_view *machine) {
    struct inverse *inverse = find_or_add(agent, framework);
    if (inverse->looked == master->inverse_round)
        return;
    inverse->looked = master->inverse_round;
    if (framework->peer == NULL || is_out(inverse, framework) ||
        master->now_ms < inverse->refuse_until_ms)
        return;
    be_answered(master, inverse);
    snprintf(inverse->id, sizeof(inverse->id), "%s-O%llu", master->id,
             (unsigned long long)master->last_offer++);
    inverse->connection = framework->last_connection;
    if (inverse->answer == INVERSE_UNKNOWN)
        inverse->answered_ns = master->wall_ns;
    map_put_text(&master->inverse_offers, text_of(inverse->id), inverse);
    send(master, framework, inverse, machine);
}

/* Who does not use the agent any more is not asked; what was answered stays to be seen. */
static void drop_unused(struct master *master, struct agent *agent) {
    MAP_EACH(entry, &agent->inverses) {
        struct inverse *inverse = map_value(entry);
        bool is_known = framework_of(master, inverse) != NULL;
        if (inverse->looked == master->inverse_round)
            continue;
        rescind(master, inverse);
        if (is_known && inverse->answer != INVERSE_UNKNOWN)
            continue;
        map_remove_text(&agent->inverses, inverse->framework);
        free_inverse(inverse);
    }
}

static void look_at(struct master *master, struct agent *agent) {
    struct machine_view machine;
    if (agent->peer == NULL || agent->state != AGENT_REGISTERED ||
        !maintenance_find(master, &agent->info, &machine) || machine.is_down)
        return;
    const struct framework *last = NULL; /* tasks of one framework often stand together */
    master->inverse_round++;
    LIST_EACH(link, &agent->tasks) {
        const struct task *task = CONTAINER_OF(link, struct task, by_agent);
        if (!task->holds_resources || task->framework == last)
            continue;
        ask(master, agent, task->framework, &machine);
        last = task->framework;
    }
    LIST_EACH(link, &agent->offers)
        ask(master, agent, CONTAINER_OF(link, struct offer, by_agent)->framework, &machine);
    drop_unused(master, agent);
}

void inverse_book_hurry(struct master *master) {
    master->inverse_due_ms = master->now_ms;
}

void inverse_book_step(struct master *master) {
    if (list_is_empty(&master->scheduled)) {
        master->inverse_due_ms = INT64_MAX;
        return;
    }
    if (master->inverse_due_ms != INT64_MAX && master->inverse_due_ms > master->now_ms)
        return;
    LIST_EACH(link, &master->scheduled)
        look_at(master, CONTAINER_OF(link, struct agent, by_schedule));
    master->inverse_due_ms = master->now_ms + LOOK_EVERY_MS;
}

int64_t inverse_book_deadline_ms(const struct master *master) {
    return list_is_empty(&master->scheduled) ? INT64_MAX : master->inverse_due_ms;
}

/* --- answers --- */

static void answer_one(struct master *master, struct framework *framework, struct offer_id id,
                       enum inverse_answer answer, int64_t refuse_ms) {
    struct inverse *inverse =
        id.text.size > 0 ? map_get_text(&master->inverse_offers, id.text) : NULL;
    if (inverse == NULL || !text_equal(inverse->framework, framework->info.id.text)) {
        emit_invalid(master, "framework=%.*s inverse_offer=%.*s error=\"no such inverse offer\"",
                     TEXT_ARGS(framework->info.id.text),
                     TEXT_ARGS(text_sub(id.text, 0, ID_BYTES_LIMIT)));
        return;
    }
    be_answered(master, inverse);
    inverse->answer = answer;
    inverse->answered_ns = master->wall_ns;
    inverse->refuse_until_ms = master->now_ms + refuse_ms;
    emit_note(master, NOTE_INFO, "inverse_offer_answered", "framework=%.*s agent=%.*s answer=%s",
              TEXT_ARGS(framework->info.id.text), TEXT_ARGS(inverse->agent->info.id.text),
              answer == INVERSE_ACCEPTED ? "accept" : "decline");
}

void inverse_book_answer(struct master *master, struct framework *framework,
                         const struct scheduler_call *call) {
    enum inverse_answer answer =
        call->kind == SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS ? INVERSE_ACCEPTED : INVERSE_DECLINED;
    int64_t refuse_ms =
        supply_refuse_ms(call->accept.has_refuse_seconds, call->accept.refuse_seconds);
    if (call->accept.offer_count > OFFERS_PER_CALL_LIMIT) {
        emit_invalid(master, "framework=%.*s error=\"more than %d inverse offers in one call\"",
                     TEXT_ARGS(framework->info.id.text), OFFERS_PER_CALL_LIMIT);
        return;
    }
    for (size_t i = 0; i < call->accept.offer_count; i++)
        answer_one(master, framework, call->accept.offers[i], answer, refuse_ms);
}

bool inverse_book_check(const struct master *master, struct error *why) {
    MAP_EACH(entry, &master->inverse_offers) {
        const struct inverse *inverse = map_value(entry);
        if (!text_equal(map_key_text(entry), text_of(inverse->id)) ||
            !link_is_listed(&inverse->agent->by_schedule) ||
            map_get_text(&inverse->agent->inverses, inverse->framework) != inverse)
            return fail(why, ERROR_INVALID, "inverse offer %.*s is of nobody",
                        TEXT_ARGS(map_key_text(entry)));
    }
    return true;
}

/* --- reading --- */

void inverse_book_each(const struct agent *agent,
                       void (*fn)(void *self, const struct inverse_view *view), void *self) {
    MAP_EACH(entry, &agent->inverses) {
        const struct inverse *inverse = map_value(entry);
        struct inverse_view view = {{inverse->framework}, inverse->answer, inverse->answered_ns};
        fn(self, &view);
    }
}
