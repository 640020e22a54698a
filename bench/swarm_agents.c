/*
 * The shell of src/agent/shell cut down to what a swarm needs. Everything but the core, its
 * connection and its timer is shared: arena, outbox, kinds, the buffer that messages are encoded
 * in.
 */
#include "swarm_agents.h"

#include "support.h"

#include "agent/core/agent.h"
#include "agent/shell/codec.h"
#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/model/frame_type.h"
#include "common/model/resources_text.h"
#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "common/wire/messages.h"
#include "common/wire/put.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    AGENTS_AN_ADDRESS = 8000, /* of one source address: it has 28,000 ports, some still closing */
    REDIRECTS_LIMIT = 4,
    TASK_CPU_MILLI = 100,
    FIRST_PID = 1000,
};

struct swarm_agent {
    struct swarm *swarm;
    size_t number;
    struct agent *core;
    struct frame_client *client;
    struct frame_link *link;
    struct loop_timer timer;
    struct loop_task closed;
    uint16_t asked_port; /* 0: nobody yet */
    unsigned redirects;
    bool is_registered, is_waiting; /* for a leader */
    size_t ended;                   /* of its tasks, from the first */
};

/* What a step made that comes back as an event once the step is over. */
struct echo {
    enum agent_event_kind kind;
    uint64_t ticket;
    char container[64];
};

struct swarm {
    struct swarm_options options;
    struct swarm_agent *agents;
    struct swarm_counts counts;
    struct kinds *kinds;
    struct arena *arena;
    struct agent_outbox outbox;
    struct buf encoded;
    VEC_OF(struct echo) echoes;
    struct resources total;
    struct address leader; /* port 0: not known */
    size_t next_end;
};

static void feed(struct swarm_agent *agent, struct agent_event event);

static struct wire wire_of(struct swarm *swarm) {
    return (struct wire){.arena = swarm->arena, .kinds = swarm->kinds};
}

static int64_t wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- the connection --- */

static void forget_connection(struct swarm_agent *agent) {
    frame_client_free(agent->client);
    frame_link_free(agent->link);
    agent->client = NULL;
    agent->link = NULL;
    agent->swarm->counts.registered -= agent->is_registered;
    agent->is_registered = false;
}

static void tell_closed(void *self) {
    feed(self,
         (struct agent_event){.kind = AGENT_EVENT_MASTER_CLOSED, .closed_reason = TEXT("closed")});
}

static void lose_connection(struct swarm_agent *agent) {
    forget_connection(agent);
    loop_defer(agent->swarm->options.loop, &agent->closed);
}

static void on_closed(void *self, const struct error *error) {
    struct swarm_agent *agent = self;
    (void)error;
    agent->swarm->counts.closed++;
    lose_connection(agent);
}

static void count(struct swarm_agent *agent, enum master_message_kind kind) {
    struct swarm_counts *counts = &agent->swarm->counts;
    if (kind == MASTER_MESSAGE_PING) {
        counts->pings++;
    } else if (kind == MASTER_MESSAGE_ACKNOWLEDGE) {
        counts->acknowledged++;
    } else if (kind != MASTER_MESSAGE_REGISTERED) {
        counts->orders++;
    } else if (!agent->is_registered) {
        agent->is_registered = true;
        counts->registered++;
        counts->registrations++;
        counts->last_registered_ns = bench_now_ns();
    }
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct swarm_agent *agent = self;
    struct wire wire = wire_of(agent->swarm);
    struct agent_event event = {.kind = AGENT_EVENT_MASTER_MESSAGE};
    struct error error;
    if (type != FRAME_MASTER_MESSAGE ||
        !master_message_decode(&wire, payload, &event.master, &error))
        bench_fail("master's message", "cannot be read");
    count(agent, event.master.kind);
    feed(agent, event);
}

static void on_done(void *self, const struct frame_client_result *result);

static void ask(struct swarm_agent *agent, const struct address *address) {
    static const struct http_header headers[] = {{FRAME_ROLE_HEADER, "agent"},
                                                 {"Mesos-Version", MESOS_VERSION}};
    char source[32];
    snprintf(source, sizeof(source), "127.1.%zu.1", agent->number / AGENTS_AN_ADDRESS);
    struct frame_client_options options = {.address = *address,
                                           .path = FRAME_UPGRADE_PATH,
                                           .headers = headers,
                                           .header_count = 2,
                                           .source_ip = source};
    frame_client_free(agent->client);
    agent->asked_port = address->port;
    agent->client = frame_client_new(agent->swarm->options.loop, &options, on_done, agent);
}

static void connected(struct swarm_agent *agent, struct frame_link *link) {
    static const struct frame_link_callbacks callbacks = {on_frame, on_closed};
    agent->link = link;
    frame_link_start(link, &callbacks, agent);
    feed(agent, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});
}

static void on_done(void *self, const struct frame_client_result *result) {
    struct swarm_agent *agent = self;
    frame_client_free(agent->client);
    agent->client = NULL;
    if (result->outcome == FRAME_CLIENT_CONNECTED) {
        connected(agent, result->link);
    } else if (result->outcome == FRAME_CLIENT_REDIRECTED && agent->redirects++ < REDIRECTS_LIMIT) {
        ask(agent, &result->redirect);
    } else {
        agent->swarm->counts.failures++;
        lose_connection(agent);
    }
}

static void connect_to_leader(struct swarm_agent *agent) {
    if (agent->client != NULL || agent->link != NULL)
        return;
    loop_task_cancel(&agent->closed);
    agent->redirects = 0;
    agent->is_waiting = agent->swarm->leader.port == 0;
    if (!agent->is_waiting)
        ask(agent, &agent->swarm->leader);
}

/* --- effects --- */

static void echo(struct swarm *swarm, enum agent_event_kind kind, uint64_t ticket,
                 struct container_id id) {
    struct echo one = {.kind = kind, .ticket = ticket};
    snprintf(one.container, sizeof(one.container), "%.*s", TEXT_ARGS(id.text));
    VEC_PUSH(&swarm->echoes, one);
}

static void send_master(struct swarm_agent *agent, const struct agent_message *message) {
    struct wire wire = wire_of(agent->swarm);
    if (agent->link == NULL)
        return;
    buf_clear(&agent->swarm->encoded);
    agent_message_encode(&wire, message, &agent->swarm->encoded);
    frame_link_send(agent->link, FRAME_AGENT_MESSAGE, buf_text(&agent->swarm->encoded));
}

static void stopped(struct swarm_agent *agent, struct text why) {
    if (agent->swarm->counts.stopped++ == 0)
        fprintf(stderr, "agent %zu stops: %.*s\n", agent->number, TEXT_ARGS(why));
}

static void carry_out(struct swarm_agent *agent, const struct agent_effect *effect) {
    struct swarm *swarm = agent->swarm;
    switch (effect->kind) {
    case AGENT_EFFECT_CONNECT: connect_to_leader(agent); break;
    case AGENT_EFFECT_DISCONNECT: forget_connection(agent); break;
    case AGENT_EFFECT_SEND_MASTER: send_master(agent, &effect->master); break;
    case AGENT_EFFECT_STORE:
        echo(swarm, AGENT_EVENT_STORED, effect->store.ticket, (struct container_id){{0}});
        break;
    case AGENT_EFFECT_LAUNCH:
        echo(swarm, AGENT_EVENT_CONTAINER_STARTED, 0, effect->launch.id);
        break;
    case AGENT_EFFECT_SIGNAL:
    case AGENT_EFFECT_DESTROY:
        echo(swarm, AGENT_EVENT_CONTAINER_ENDED, 0, effect->signal.id);
        break;
    case AGENT_EFFECT_STOP:
    case AGENT_EFFECT_END: stopped(agent, effect->reason); break;
    case AGENT_EFFECT_SEND_EXECUTOR:
    case AGENT_EFFECT_CLOSE_EXECUTOR:
    case AGENT_EFFECT_LIMIT:
    case AGENT_EFFECT_LEASE:
    case AGENT_EFFECT_FORGET:
    case AGENT_EFFECT_REMOVE_SANDBOX:
    case AGENT_EFFECT_MAKE_VOLUMES:
    case AGENT_EFFECT_REMOVE_VOLUME:
    case AGENT_EFFECT_NOTE: break;
    }
}

static void step(struct swarm_agent *agent, struct agent_event event) {
    struct swarm *swarm = agent->swarm;
    event.now_ms = loop_now_ms(swarm->options.loop);
    event.wall_ns = wall_ns();
    swarm->outbox.arena = swarm->arena;
    swarm->outbox.effects.count = 0;
    agent_step(agent->core, &event, &swarm->outbox);
    VEC_EACH(effect, &swarm->outbox.effects)
        carry_out(agent, effect);
    arena_reset(swarm->arena);
}

static void step_echo(struct swarm_agent *agent, struct echo one) {
    struct agent_event event = {.kind = one.kind};
    struct container_id id = {text_of(one.container)};
    if (one.kind == AGENT_EVENT_STORED) {
        event.stored_ticket = one.ticket;
    } else if (one.kind == AGENT_EVENT_CONTAINER_STARTED) {
        event.started.id = id;
        event.started.pid = FIRST_PID;
        event.started.start_time = 1;
    } else {
        event.ended.id = id;
        event.ended.termination = (struct termination){.exited = true};
        event.ended.outcome = CONTAINER_OUTCOME_ENDED;
    }
    step(agent, event);
}

static void feed(struct swarm_agent *agent, struct agent_event event) {
    struct swarm *swarm = agent->swarm;
    step(agent, event);
    for (size_t i = 0; i < swarm->echoes.count; i++)
        step_echo(agent, swarm->echoes.items[i]);
    swarm->echoes.count = 0;
    loop_timer_arm(&agent->timer, agent_deadline_ms(agent->core));
}

static void on_timer(void *self) {
    feed(self, (struct agent_event){.kind = AGENT_EVENT_TICK});
}

/* --- coming up with tasks --- */

static void name_container(char out[64], const struct swarm_agent *agent, size_t task) {
    snprintf(out, 64, "container-%05zu-%03zu", agent->number, task);
}

static void put_scalar(struct buf *out, const char *name, double value) {
    size_t place = put_begin(out, 4);
    put_bytes(out, 1, text_of(name));
    put_int(out, 2, 0);
    size_t scalar = put_begin(out, 3);
    put_double(out, 1, value);
    put_end(out, scalar);
    put_end(out, place);
}

/* An encoded mesos.v1.TaskInfo, of the size that small tasks have. */
static struct text task_info(struct swarm_agent *agent, size_t task) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    char id[64];
    snprintf(id, sizeof(id), "swarm-%05zu-%03zu", agent->number, task);
    put_bytes(&out, 1, text_of(id));
    put_id(&out, 2, text_of(id));
    put_id(&out, 3, TEXT("swarm"));
    put_scalar(&out, "cpus", TASK_CPU_MILLI / 1000.0);
    put_scalar(&out, "mem", 32);
    size_t command = put_begin(&out, 7);
    put_bytes(&out, 3, TEXT("exec /usr/bin/some-service --listen 0.0.0.0:8080"));
    put_end(&out, command);
    return arena_text(agent->swarm->arena, buf_text(&out));
}

static struct agent_record task_record(struct swarm_agent *agent, size_t task) {
    struct swarm *swarm = agent->swarm;
    char container[64];
    name_container(container, agent, task);
    struct agent_record record = {.kind = AGENT_RECORD_TASK};
    record.task.framework.text = swarm->options.framework;
    record.task.info = task_info(agent, task);
    record.task.role = TEXT("*");
    record.task.container.text = arena_text(swarm->arena, text_of(container));
    record.task.sandbox = TEXT("/work/sandbox");
    record.task.started = true;
    record.task.pid = FIRST_PID;
    record.task.start_time = 1;
    record.task.latest_state = TASK_STATE_RUNNING;
    record.task.launched_ns = wall_ns();
    return record;
}

static void recover(struct swarm_agent *agent) {
    struct swarm *swarm = agent->swarm;
    size_t tasks = swarm->options.tasks_each, records = tasks > 0 ? tasks + 1 : 0;
    struct agent_event event = {.kind = AGENT_EVENT_RECOVERED};
    struct agent_record *made = ARENA_ARRAY(swarm->arena, struct agent_record, records + 1);
    struct text *keys = ARENA_ARRAY(swarm->arena, struct text, records + 1);
    if (tasks > 0) {
        made[0] = (struct agent_record){.kind = AGENT_RECORD_FRAMEWORK};
        made[0].framework.id.text = swarm->options.framework;
        made[0].framework.info = swarm->options.framework_info;
        keys[0] = TEXT("framework");
    }
    for (size_t i = 0; i < tasks; i++) {
        made[i + 1] = task_record(agent, i);
        keys[i + 1] = TEXT("task");
    }
    event.recovered.records = made;
    event.recovered.keys = keys;
    event.recovered.count = records;
    event.recovered.same_boot = true;
    feed(agent, event);
    for (size_t i = 0; i < tasks; i++) {
        struct echo one = {.kind = AGENT_EVENT_CONTAINER_STARTED};
        name_container(one.container, agent, i);
        step_echo(agent, one);
    }
}

static void make_agent(struct swarm *swarm, size_t number) {
    struct swarm_agent *agent = &swarm->agents[number];
    struct agent_options options = agent_options_default();
    char hostname[64];
    snprintf(hostname, sizeof(hostname), "node%05zu.swarm", number);
    agent->swarm = swarm;
    agent->number = number;
    loop_timer_init(&agent->timer, swarm->options.loop, on_timer, agent);
    loop_task_init(&agent->closed, tell_closed, agent);
    options.info = (struct agent_info){.hostname = text_of(hostname),
                                       .ip = TEXT("127.1.0.1"),
                                       .port = 5051,
                                       .resources = &swarm->total,
                                       .version = TEXT(MESOS_VERSION)};
    options.codec = codec_of_wire();
    options.work_dir = TEXT("/work");
    options.boot_id = TEXT("boot");
    options.endpoint = TEXT("127.1.0.1:5051");
    options.default_user = TEXT("nobody");
    options.seed = number + 1;
    if (swarm->options.registration_backoff_ms > 0)
        options.registration_backoff_ms = swarm->options.registration_backoff_ms;
    agent->core = agent_new(&options, swarm->kinds);
    recover(agent);
}

/* --- all of them --- */

struct swarm *swarm_new(const struct swarm_options *options) {
    struct swarm *swarm = NEW(struct swarm);
    struct error error;
    swarm->options = *options;
    swarm->options.framework.data = text_dup(options->framework);
    swarm->options.framework_info.data = text_dup(options->framework_info);
    swarm->kinds = kinds_new();
    swarm->arena = arena_new();
    swarm->agents = NEW_ARRAY(struct swarm_agent, options->agents);
    if (!resources_parse(swarm->kinds, TEXT("cpus:32;mem:131072;disk:1000000;ports:[31000-32000]"),
                         TEXT("*"), &swarm->total, NULL, &error))
        bench_fail("resources", error.message);
    for (size_t i = 0; i < options->agents; i++)
        make_agent(swarm, i);
    return swarm;
}

void swarm_free(struct swarm *swarm) {
    if (swarm == NULL)
        return;
    for (size_t i = 0; i < swarm->options.agents; i++) {
        struct swarm_agent *agent = &swarm->agents[i];
        loop_timer_disarm(&agent->timer);
        loop_task_cancel(&agent->closed);
        forget_connection(agent);
        agent_free(agent->core);
    }
    mem_free(swarm->agents);
    VEC_FINI(&swarm->outbox.effects);
    VEC_FINI(&swarm->echoes);
    buf_fini(&swarm->encoded);
    resources_fini(&swarm->total);
    arena_free(swarm->arena);
    kinds_free(swarm->kinds);
    mem_free((char *)swarm->options.framework.data);
    mem_free((char *)swarm->options.framework_info.data);
    mem_free(swarm);
}

void swarm_start(struct swarm *swarm) {
    for (size_t i = 0; i < swarm->options.agents; i++)
        feed(&swarm->agents[i], (struct agent_event){.kind = AGENT_EVENT_CONTAINERS_RECOVERED});
}

void swarm_found(struct swarm *swarm, const struct address *leader) {
    swarm->leader = *leader;
    for (size_t i = 0; i < swarm->options.agents; i++) {
        struct swarm_agent *agent = &swarm->agents[i];
        bool is_busy = agent->client != NULL || agent->link != NULL;
        if (agent->is_waiting)
            connect_to_leader(agent);
        else if (!is_busy || agent->asked_port != leader->port)
            feed(agent, (struct agent_event){.kind = AGENT_EVENT_MASTER_FOUND});
    }
}

bool swarm_end_task(struct swarm *swarm) {
    for (size_t tried = 0; tried < swarm->options.agents; tried++) {
        struct swarm_agent *agent = &swarm->agents[swarm->next_end++ % swarm->options.agents];
        if (agent->ended == swarm->options.tasks_each || !agent->is_registered)
            continue;
        struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
        char container[64];
        name_container(container, agent, agent->ended++);
        event.ended.id.text = text_of(container);
        event.ended.termination = (struct termination){.exited = true};
        event.ended.outcome = CONTAINER_OUTCOME_ENDED;
        feed(agent, event);
        return true;
    }
    return false;
}

const struct swarm_counts *swarm_counts(const struct swarm *swarm) {
    return &swarm->counts;
}

void swarm_describe(const struct swarm *swarm, FILE *out) {
    size_t waiting = 0, connecting = 0, silent = 0, pausing = 0;
    for (size_t i = 0; i < swarm->options.agents; i++) {
        const struct swarm_agent *agent = &swarm->agents[i];
        waiting += agent->is_waiting;
        connecting += agent->client != NULL;
        silent += agent->link != NULL && !agent->is_registered;
        pausing += agent->client == NULL && agent->link == NULL && !agent->is_waiting;
    }
    fprintf(out,
            "swarm: %zu registered; %zu wait for a leader, %zu connect, %zu are connected without "
            "an answer, %zu pause; %llu connections failed, %llu were closed\n",
            swarm->counts.registered, waiting, connecting, silent, pausing,
            (unsigned long long)swarm->counts.failures, (unsigned long long)swarm->counts.closed);
}

void swarm_raise_limits(size_t files) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= files)
        return;
    limit.rlim_cur = files;
    if (limit.rlim_max < files)
        limit.rlim_max = files;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        bench_skip("so many agents need as many open files (root may raise the limit)");
}
