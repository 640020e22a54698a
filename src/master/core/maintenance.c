/*
 * A call makes the whole schedule that will be and stores how it differs; one call at a time, so
 * there is never more than one that will be.
 */
#include "master/core/maintenance.h"

#include "master/core/agent_book.h"
#include "master/core/emit.h"
#include "master/core/inverse_book.h"
#include "master/core/offer_book.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct machine {
    struct text hostname, ip; /* hostname in lower case; they lie behind the struct */
    uint32_t window, place;
    struct unavailability unavailability;
    bool is_down;
};

struct maintenance {
    struct map machines; /* in force: key -> struct machine, owned */
    struct map coming;   /* what is being stored */
    uint64_t ticket;     /* of that STORE; 0: nothing is */
    uint64_t request;
    enum operator_call_kind call;
};

struct maintenance *maintenance_new(void) {
    return NEW(struct maintenance);
}

void maintenance_free(struct maintenance *maintenance) {
    if (maintenance == NULL)
        return;
    map_fini(&maintenance->machines, mem_free);
    map_fini(&maintenance->coming, mem_free);
    mem_free(maintenance);
}

/* --- machines --- */

static struct machine *machine_new(const struct machine *from) {
    struct machine *machine = mem_alloc(sizeof(*machine) + from->hostname.size + from->ip.size);
    char *at = (char *)(machine + 1);
    *machine = *from;
    if (from->hostname.size > 0)
        memcpy(at, from->hostname.data, from->hostname.size);
    machine->hostname.data = at;
    at += from->hostname.size;
    if (from->ip.size > 0)
        memcpy(at, from->ip.data, from->ip.size);
    machine->ip.data = at;
    return machine;
}

static bool is_same(const struct machine *left, const struct machine *right) {
    return left->window == right->window && left->place == right->place &&
           left->unavailability.start_ns == right->unavailability.start_ns &&
           left->unavailability.duration_ns == right->unavailability.duration_ns &&
           left->is_down == right->is_down;
}

/* "hostname,ip", the hostname in lower case and the ip as all write it. */
struct key {
    char bytes[HOSTNAME_BYTES_LIMIT + 1 + INET6_ADDRSTRLEN];
    size_t size, hostname_size;
};

static struct text key_text(const struct key *key) {
    return (struct text){key->bytes, key->size};
}

/* For people: without the comma behind a hostname, or in front of an address, that is alone. */
static struct text key_shown(struct text key) {
    size_t skipped = text_starts_with(key, TEXT(",")) ? 1 : 0;
    bool is_cut = skipped == 0 && key.size > 0 && key.data[key.size - 1] == ',';
    return text_sub(key, skipped, key.size - skipped - (is_cut ? 1 : 0));
}

/* False: it is no address. */
static bool append_ip(struct key *key, struct text ip) {
    char given[INET6_ADDRSTRLEN] = "", written[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (ip.size == 0)
        return true;
    if (ip.size >= sizeof(given))
        return false;
    memcpy(given, ip.data, ip.size);
    int family = text_contains_byte(ip, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, given, address) != 1 ||
        inet_ntop(family, address, written, sizeof(written)) == NULL)
        return false;
    size_t size = strlen(written);
    memcpy(key->bytes + key->size, written, size);
    key->size += size;
    return true;
}

static bool make_key(struct text hostname, struct text ip, struct key *key) {
    key->size = 0;
    if (hostname.size > HOSTNAME_BYTES_LIMIT)
        return false;
    for (size_t i = 0; i < hostname.size; i++) {
        char byte = hostname.data[i];
        bool is_upper = byte >= 'A' && byte <= 'Z';
        key->bytes[key->size++] = (char)(is_upper ? byte - 'A' + 'a' : byte);
    }
    key->hostname_size = key->size;
    key->bytes[key->size++] = ',';
    return append_ip(key, ip);
}

static struct machine_id id_of_key(const struct key *key) {
    return (struct machine_id){
        .hostname = {key->bytes, key->hostname_size},
        .ip = text_sub(key_text(key), key->hostname_size + 1, SIZE_MAX),
    };
}

static bool is_hostname(struct text hostname) {
    if (hostname.size > HOSTNAME_BYTES_LIMIT)
        return false;
    for (size_t i = 0; i < hostname.size; i++) {
        unsigned char byte = (unsigned char)hostname.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == ',' || byte == '/')
            return false;
    }
    return true;
}

static bool check_id(const struct machine_id *id, struct key *key, struct error *why) {
    if (id->hostname.size == 0 && id->ip.size == 0)
        return fail(why, ERROR_INVALID, "a machine has neither a hostname nor an ip");
    if (!is_hostname(id->hostname))
        return fail(why, ERROR_INVALID, "'%.*s' is no hostname",
                    TEXT_ARGS(text_sub(id->hostname, 0, HOSTNAME_BYTES_LIMIT)));
    return make_key(id->hostname, id->ip, key) ||
           fail(why, ERROR_INVALID, "'%.*s' is no IP address",
                TEXT_ARGS(text_sub(id->ip, 0, INET6_ADDRSTRLEN)));
}

/* --- looking up --- */

static struct machine *look_up(const struct map *machines, struct text hostname, struct text ip) {
    struct key key = {0};
    return make_key(hostname, ip, &key) ? map_get_text(machines, key_text(&key)) : NULL;
}

/* By hostname and ip, by one of them. */
static struct machine *machine_of(const struct map *machines, const struct agent_info *info) {
    const struct text none = {0};
    if (machines->count == 0 || info->hostname.size == 0)
        return NULL;
    struct machine *found = look_up(machines, info->hostname, info->ip);
    if (found == NULL)
        found = look_up(machines, info->hostname, none);
    return found != NULL || info->ip.size == 0 ? found : look_up(machines, none, info->ip);
}

static struct machine_view view_of(const struct machine *machine) {
    return (struct machine_view){.id = {machine->hostname, machine->ip},
                                 .window = machine->window,
                                 .unavailability = machine->unavailability,
                                 .is_down = machine->is_down};
}

bool maintenance_find(const struct master *master, const struct agent_info *info,
                      struct machine_view *out) {
    const struct machine *machine = machine_of(&master->maintenance->machines, info);
    if (machine != NULL)
        *out = view_of(machine);
    return machine != NULL;
}

void maintenance_place(struct master *master, struct agent *agent) {
    struct machine_view machine;
    bool is_there = agent->state == AGENT_REGISTERED || agent->state == AGENT_ADMITTING;
    list_remove(&agent->by_schedule);
    if (is_there && maintenance_find(master, &agent->info, &machine))
        list_append(&master->scheduled, &agent->by_schedule);
}

/* --- the registry --- */

void maintenance_load(struct master *master, const struct registry_record *record) {
    struct map *machines = &master->maintenance->machines;
    struct machine machine = {
        .hostname = record->machine.hostname,
        .ip = record->machine.ip,
        .window = record->machine.window,
        .place = record->machine.place,
        .unavailability = {record->machine.start_ns, record->machine.duration_ns},
        .is_down = record->machine.is_down,
    };
    struct machine_id id = {machine.hostname, machine.ip};
    struct key key = {0};
    struct error why;
    if (machines->count < MACHINES_LIMIT && check_id(&id, &key, &why))
        mem_free(map_put_text(machines, key_text(&key), machine_new(&machine)));
}

static struct store_change change_of(struct master *master, struct text key,
                                     const struct machine *machine) {
    if (machine == NULL)
        return store_change_of(master, "machine", key, NULL);
    struct registry_record record = {
        .kind = REGISTRY_MACHINE,
        .machine = {lend(master, machine->hostname), lend(master, machine->ip), machine->window,
                    machine->place, machine->unavailability.start_ns,
                    machine->unavailability.duration_ns, machine->is_down}};
    return store_change_of(master, "machine", key, &record);
}

/* How `coming` differs from what is in force. */
static void store(struct master *master, uint64_t request, enum operator_call_kind call) {
    struct maintenance *maintenance = master->maintenance;
    size_t most = maintenance->machines.count + maintenance->coming.count, count = 0;
    struct store_change *changes = ARENA_ARRAY(master->out->arena, struct store_change, most);
    MAP_EACH(entry, &maintenance->machines) {
        if (map_get_text(&maintenance->coming, map_key_text(entry)) == NULL)
            changes[count++] = change_of(master, map_key_text(entry), NULL);
    }
    MAP_EACH(entry, &maintenance->coming) {
        const struct machine *now = map_get_text(&maintenance->machines, map_key_text(entry));
        if (now == NULL || !is_same(now, map_value(entry)))
            changes[count++] = change_of(master, map_key_text(entry), map_value(entry));
    }
    if (count == 0) {
        map_fini(&maintenance->coming, mem_free);
        emit_answer(master, request, 200, (struct text){0});
        return;
    }
    maintenance->ticket = emit_store(master, changes, count);
    maintenance->request = request;
    maintenance->call = call;
}

/* --- asked --- */

static bool add_machine(struct master *master, const struct machine_id *given,
                        const struct machine *terms, struct error *why) {
    struct maintenance *maintenance = master->maintenance;
    struct key made = {0};
    if (!check_id(given, &made, why))
        return false;
    struct text key = key_text(&made);
    if (map_get_text(&maintenance->coming, key) != NULL)
        return fail(why, ERROR_INVALID, "machine '%.*s' is in the schedule twice",
                    TEXT_ARGS(key_shown(key)));
    if (maintenance->coming.count >= MACHINES_LIMIT)
        return fail(why, ERROR_LIMIT, "more than %d machines", MACHINES_LIMIT);
    const struct machine *now = map_get_text(&maintenance->machines, key);
    struct machine machine = *terms;
    machine.hostname = id_of_key(&made).hostname;
    machine.ip = id_of_key(&made).ip;
    machine.is_down = now != NULL && now->is_down;
    map_put_text(&maintenance->coming, key, machine_new(&machine));
    return true;
}

static bool add_window(struct master *master, const struct maintenance_window *window,
                       uint32_t number, struct error *why) {
    struct machine terms = {.window = number, .unavailability = window->unavailability};
    if (window->machine_count == 0)
        return fail(why, ERROR_INVALID, "a window without machines");
    for (size_t i = 0; i < window->machine_count; i++) {
        terms.place = (uint32_t)i;
        if (!add_machine(master, &window->machines[i], &terms, why))
            return false;
    }
    return true;
}

/* What is down stays in the schedule until it is up. */
static bool keeps_down_machines(const struct maintenance *maintenance, struct error *why) {
    MAP_EACH(entry, &maintenance->machines) {
        const struct machine *machine = map_value(entry);
        if (machine->is_down && map_get_text(&maintenance->coming, map_key_text(entry)) == NULL)
            return fail(why, ERROR_INVALID,
                        "machine '%.*s' is down and may not be removed from the schedule",
                        TEXT_ARGS(key_shown(map_key_text(entry))));
    }
    return true;
}

static bool plan_schedule(struct master *master, const struct operator_call *call,
                          struct error *why) {
    for (size_t i = 0; i < call->window_count; i++) {
        if (!add_window(master, &call->windows[i], (uint32_t)i, why))
            return false;
    }
    return keeps_down_machines(master->maintenance, why);
}

/* What is in force, for a change of it. */
static void copy_schedule(struct maintenance *maintenance) {
    MAP_EACH(entry, &maintenance->machines)
        map_put_text(&maintenance->coming, map_key_text(entry), machine_new(map_value(entry)));
}

static bool plan_machine(struct master *master, const struct machine_id *given, bool is_down,
                         struct error *why) {
    struct maintenance *maintenance = master->maintenance;
    struct key made = {0};
    if (!check_id(given, &made, why))
        return false;
    struct text key = key_text(&made);
    struct machine *machine = map_get_text(&maintenance->coming, key);
    if (machine == NULL)
        return fail(why, ERROR_INVALID, "machine '%.*s' is not in the maintenance schedule",
                    TEXT_ARGS(key_shown(key)));
    if (machine->is_down == is_down)
        return fail(why, ERROR_INVALID, "machine '%.*s' is %s", TEXT_ARGS(key_shown(key)),
                    is_down ? "down already" : "not down");
    machine->is_down = is_down;
    if (!is_down)
        mem_free(map_remove_text(&maintenance->coming, key));
    return true;
}

static bool plan_machines(struct master *master, const struct operator_call *call, bool is_down,
                          struct error *why) {
    if (call->machine_count == 0)
        return fail(why, ERROR_INVALID, "List of machines is empty");
    copy_schedule(master->maintenance);
    for (size_t i = 0; i < call->machine_count; i++) {
        if (!plan_machine(master, &call->machines[i], is_down, why))
            return false;
    }
    return true;
}

void maintenance_by_operator(struct master *master, uint64_t request,
                             const struct operator_call *call) {
    struct maintenance *maintenance = master->maintenance;
    struct error why;
    if (maintenance->ticket != 0) {
        emit_answer(master, request, 503,
                    TEXT("Another change of the schedule is being stored: try again"));
        return;
    }
    bool is_right =
        call->kind == OPERATOR_UPDATE_MAINTENANCE
            ? plan_schedule(master, call, &why)
            : plan_machines(master, call, call->kind == OPERATOR_START_MAINTENANCE, &why);
    if (is_right) {
        store(master, request, call->kind);
        return;
    }
    map_fini(&maintenance->coming, mem_free);
    emit_answer(master, request, 400, text_of(why.message));
}

/* --- stored --- */

/* What frameworks have heard of the agent's machine, is it what it was? */
static bool has_changed(struct master *master, const struct map *before,
                        const struct agent *agent) {
    const struct machine *was = machine_of(before, &agent->info);
    const struct machine *is = machine_of(&master->maintenance->machines, &agent->info);
    if (was == NULL || is == NULL)
        return was != is;
    return was->unavailability.start_ns != is->unavailability.start_ns ||
           was->unavailability.duration_ns != is->unavailability.duration_ns ||
           was->is_down != is->is_down;
}

static void apply_to(struct master *master, struct agent *agent) {
    struct machine_view machine;
    offer_book_rescind_of_agent(master, agent);
    inverse_book_clear(master, agent);
    maintenance_place(master, agent);
    bool is_known = agent->state == AGENT_REGISTERED || agent->state == AGENT_ADMITTING;
    if (is_known && maintenance_find(master, &agent->info, &machine) && machine.is_down)
        agent_book_take_down(master, agent);
}

static const char *word_of(enum operator_call_kind call) {
    if (call == OPERATOR_UPDATE_MAINTENANCE)
        return "maintenance_scheduled";
    return call == OPERATOR_START_MAINTENANCE ? "maintenance_started" : "maintenance_ended";
}

void maintenance_stored(struct master *master, uint64_t ticket) {
    struct maintenance *maintenance = master->maintenance;
    if (maintenance->ticket == 0 || maintenance->ticket > ticket)
        return;
    struct map before = maintenance->machines;
    maintenance->machines = maintenance->coming;
    maintenance->coming = (struct map){0};
    maintenance->ticket = 0;
    MAP_EACH(entry, &master->agents) {
        struct agent *agent = map_value(entry);
        if (has_changed(master, &before, agent))
            apply_to(master, agent);
    }
    map_fini(&before, mem_free);
    emit_note(master, NOTE_INFO, word_of(maintenance->call), "machines=%zu",
              maintenance->machines.count);
    emit_answer(master, maintenance->request, 200, (struct text){0});
    inverse_book_hurry(master);
}

/* --- reading --- */

static int by_place(const void *left, const void *right) {
    const struct machine *const *a = left, *const *b = right;
    if ((*a)->window != (*b)->window)
        return (*a)->window < (*b)->window ? -1 : 1;
    return ((*a)->place > (*b)->place) - ((*a)->place < (*b)->place);
}

struct answers {
    VEC_OF(struct inverse_view) views;
};

static void answers_free(void *self) {
    struct answers *answers = self;
    VEC_FINI(&answers->views);
    mem_free(answers);
}

static void collect_answer(void *self, const struct inverse_view *view) {
    struct answers *answers = self;
    VEC_PUSH(&answers->views, *view);
}

/* What was answered about each machine. */
static void collect_answers(const struct master *master, struct map *by_machine) {
    for (const struct link *at = master->scheduled.next; at != &master->scheduled; at = at->next) {
        const struct agent *agent = CONTAINER_OF(at, struct agent, by_schedule);
        struct machine *machine = machine_of(&master->maintenance->machines, &agent->info);
        if (machine == NULL)
            continue;
        struct answers *answers = map_get(by_machine, (uintptr_t)machine);
        if (answers == NULL) {
            answers = NEW(struct answers);
            map_put(by_machine, (uintptr_t)machine, answers);
        }
        inverse_book_each(agent, collect_answer, answers);
    }
}

void master_each_machine(const struct master *master,
                         void (*fn)(void *self, const struct machine_view *view), void *self) {
    const struct map *machines = &master->maintenance->machines;
    const struct machine **sorted = NEW_ARRAY(const struct machine *, machines->count + 1);
    struct map by_machine = {0};
    size_t count = 0;
    collect_answers(master, &by_machine);
    MAP_EACH(entry, machines)
        sorted[count++] = map_value(entry);
    qsort(sorted, count, sizeof(*sorted), by_place);
    for (size_t i = 0; i < count; i++) {
        struct machine_view view = view_of(sorted[i]);
        const struct answers *answers = map_get(&by_machine, (uintptr_t)sorted[i]);
        if (answers != NULL) {
            view.answers = answers->views.items;
            view.answer_count = answers->views.count;
        }
        fn(self, &view);
    }
    map_fini(&by_machine, answers_free);
    mem_free(sorted);
}
