/*
 * The master as a pure state machine: frameworks, agents, offers, tasks. One event goes in with the
 * time, effects come out as values; nothing is read, written or waited for in here. The same events
 * give the same effects.
 *
 * Times: now_ms is monotonic and runs timers; wall_ns is Unix time and is only shown and stored.
 *
 * Effects are carried out in order once the step has returned. One with `after` != 0 waits until
 * the STORE with that ticket is done; tickets are done in order, and what waited for one goes out
 * before the effects of the step that hears STORED. What effects point to lives in the outbox's
 * arena, in the event, or in the master until its next step, so a shell keeps nothing of them but
 * what it copies.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/rng.h"
#include "common/base/uuid.h"
#include "common/base/vec.h"
#include "common/model/agent_protocol.h"
#include "common/model/channel.h"
#include "common/model/connection.h"
#include "common/model/machine.h"
#include "common/model/records.h"
#include "common/model/scheduler_protocol.h"

struct master;

struct master_options {
    struct text id; /* a UUID in text, of this term; empty: drawn by the seed */
    struct text hostname, ip, version;
    uint16_t port;
    uint64_t seed;
    int64_t offer_timeout_ms;            /* 0: offers do not run out */
    int64_t agent_ping_timeout_ms;       /* 15 s */
    int64_t max_agent_ping_timeouts;     /* 5 */
    int64_t agent_reregister_timeout_ms; /* 10 min */
    int64_t agent_removal_interval_ms;   /* between the loss of one and the next; 0: no limit */
    int64_t recovery_agent_removal_limit_percent; /* 100; beyond it: MASTER_EFFECT_STOP */
    int64_t registry_max_agent_age_ms;            /* 2 weeks: those away for longer are forgotten */
    int64_t registry_max_agent_count;             /* 102400: so many of them are remembered */
    int64_t registry_gc_interval_ms;              /* 15 min */
    int64_t offer_gather_ms; /* how long free resources wait for company before they are offered */
    int64_t heartbeat_ms;    /* 15 s */
    size_t max_completed_frameworks;            /* 50 */
    size_t max_completed_tasks_per_framework;   /* 1000 */
    size_t max_unreachable_tasks_per_framework; /* 1000 */
    bool root_submissions;                      /* whether user "root" may be a framework's user */
    /* The allocator. */
    /* hdrf unless said; checked, lives as long as the master */
    const struct mesos_allocator *policy;
    int64_t fairness_half_life_ms; /* 0: past use does not count */
    int64_t earmark_limit_ms;      /* 10 min */
    bool filter_gpu_resources;     /* true */
    bool has_minima; /* min_allocatable_resources was given: any of these; else cpus:0.01|mem:32 */
    const struct quantities *minima; /* names of the master's kinds; copied */
    size_t minimum_count;
    const struct text *excluded_names; /* of resources that shares leave out; copied */
    size_t excluded_name_count;
    struct text region, zone;  /* the master's fault domain; empty: none */
    bool require_agent_domain; /* agents without one are refused */
};

/* The defaults above, with empty names. */
struct master_options master_options_default(void);

/* --- what goes in --- */

/* What an operator asks for through the API (our answers come as MASTER_EFFECT_ANSWER). */
enum operator_call_kind {
    OPERATOR_TEARDOWN = 1,
    OPERATOR_KILL_TASK = 2,
    OPERATOR_UPDATE_WEIGHTS = 3,
    OPERATOR_UPDATE_QUOTA = 4,
    OPERATOR_OPERATION = 5, /* RESERVE, CREATE and so on, on an agent */
    OPERATOR_DRAIN_AGENT = 6,
    OPERATOR_DEACTIVATE_AGENT = 7,
    OPERATOR_REACTIVATE_AGENT = 8,
    OPERATOR_MARK_AGENT_GONE = 9,
    OPERATOR_UPDATE_MAINTENANCE = 10, /* the whole schedule */
    OPERATOR_START_MAINTENANCE = 11,
    OPERATOR_STOP_MAINTENANCE = 12,
};

/* One role's weight (UPDATE_WEIGHTS). */
struct role_weight {
    struct text role;
    double weight; /* as sent; the master checks it */
};

/* One role's quota (UPDATE_QUOTA); it replaces what was. */
struct role_quota {
    struct text role;
    const struct quota_config_line *lines; /* as sent: checked by the master; none: no quota */
    size_t line_count;
    bool is_set_quota; /* the old SET_QUOTA and REMOVE_QUOTA: other codes and checks, see 4.6 */
};

struct operator_call {
    enum operator_call_kind kind;
    struct framework_id framework;
    struct task_id task;
    bool has_grace;
    int64_t grace_ns;
    const struct role_weight *weights; /* UPDATE_WEIGHTS: all or none of them */
    size_t weight_count;
    const struct role_quota *quotas; /* UPDATE_QUOTA: all or none */
    size_t quota_count;
    bool force;            /* quota that cannot be met, or is exceeded already */
    struct agent_id agent; /* OPERATION, and the four about an agent */
    struct drain_terms drain;
    const struct maintenance_window *windows; /* UPDATE_MAINTENANCE; checked by the master */
    size_t window_count;
    const struct machine_id *machines; /* START, STOP_MAINTENANCE */
    size_t machine_count;
    struct operation operation;
    struct kinds *kinds; /* the table that it is numbered in; NULL: the master's */
};

enum master_event_kind {
    MASTER_EVENT_RECOVERED = 1,  /* first of all: what the registry holds, all at once */
    MASTER_EVENT_TICK,           /* only time; due at master_deadline_ms */
    MASTER_EVENT_SCHEDULER_CALL, /* on a connection, framed or the HTTP stream that it belongs to */
    MASTER_EVENT_AGENT_MESSAGE,
    MASTER_EVENT_CHANNEL,
    MASTER_EVENT_CLOSED, /* the connection is gone; also after our CLOSE */
    MASTER_EVENT_STORED,
    MASTER_EVENT_OPERATOR,
};

struct master_event {
    enum master_event_kind kind;
    int64_t now_ms;
    int64_t wall_ns;
    struct connection_id connection;
    union {
        struct {
            const struct registry_record *records;
            const struct text *keys;
            size_t count;
        } recovered;
        struct scheduler_call call;
        struct agent_message agent_message;
        struct channel_message channel;
        uint64_t stored_ticket;
        struct {
            uint64_t request; /* comes back in the answer */
            struct operator_call call;
        } operator_call;
    };
};

/* --- what comes out --- */

enum master_effect_kind {
    MASTER_EFFECT_SEND_SCHEDULER = 1,
    MASTER_EFFECT_SEND_AGENT,
    MASTER_EFFECT_SEND_CHANNEL,
    MASTER_EFFECT_CLOSE, /* after what was sent before it */
    MASTER_EFFECT_STORE,
    MASTER_EFFECT_ANSWER, /* to an operator's request */
    MASTER_EFFECT_STOP,   /* the process should end with an error rather than go on: why */
    MASTER_EFFECT_NOTE,   /* a line for the log: the life of the cluster */
};

enum note_level { NOTE_ERROR, NOTE_WARNING, NOTE_INFO, NOTE_DEBUG };

struct master_effect {
    enum master_effect_kind kind;
    uint64_t after; /* ticket, or 0 */
    struct connection_id connection;
    union {
        struct scheduler_event scheduler;
        struct master_message agent;
        struct channel_message channel;
        struct text close_reason;
        struct text stop_reason;
        struct {
            uint64_t ticket; /* rises by one */
            const struct store_change *changes;
            size_t count;
        } store;
        struct {
            uint64_t request;
            int status; /* as HTTP has it: 200, 202, 400, 404, 409, 503 */
            struct text message;
        } answer;
        struct {
            enum note_level level;
            struct text what;   /* one word: framework_subscribed */
            struct text detail; /* key=value ... */
        } note;
    };
};

struct master_outbox {
    struct arena *arena; /* given by the shell, reset by it when the effects are carried out */
    VEC_OF(struct master_effect) effects;
};

/* --- the machine --- */

/* Takes nothing; `kinds` must outlive the master and is the table that decoding interns in. */
struct master *master_new(const struct master_options *options, struct kinds *kinds);
void master_free(struct master *master);
DEFINE_AUTO(struct master, master_free)

/* Appends to outbox->effects. */
void master_step(struct master *master, const struct master_event *event,
                 struct master_outbox *outbox);

/* When the next TICK is due (now_ms); INT64_MAX for never. May be in the past: at once. */
int64_t master_deadline_ms(const struct master *master);

struct text master_id(const struct master *master); /* a UUID in text, lent */
