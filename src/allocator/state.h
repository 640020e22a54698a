/*
 * What the allocator knows, for the files of this folder. The public calls keep the books
 * (agents.c, held.c, clients.c, demand.c, filters.c); turn.c asks the policy who is next and
 * place.c gives; verdict.c alone says what may be given.
 */
#pragma once

#include "allocator/allocator.h"
#include "allocator/explain.h"
#include "allocator/quota_book.h"
#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/rng.h"
#include "common/base/vec.h"

/* Of one name on all agents, and as much by all clients: sums of both stay below 2^63. */
#define CLUSTER_LIMIT_MILLI (INT64_C(1) << 61)

enum {
    DIMENSIONS_LIMIT = MESOS_ALLOCATOR_RESOURCES_LIMIT,
    LAUNCHES_REMEMBERED = 8,
    NO_DIMENSION = UINT8_MAX,
};
#define NOWHERE UINT32_MAX /* no place, no slot */

/* Scalar resources by their place among allocator.names, in thousandths. */
struct amounts {
    int64_t at[DIMENSIONS_LIMIT];
};

struct framework {
    uint32_t number;
    uint32_t traits;
    bool is_known; /* added and not removed; else it only holds what is not yet recovered */
    bool is_active;
    struct map clients; /* role -> struct client */
};

/* One thing that a client wants; a client without demand has one that takes what there is. */
struct wish {
    uint64_t serial;     /* of the allocator's, never again */
    uint64_t count;      /* tasks still wanted */
    uint64_t pending;    /* of these, so many are offered */
    bool is_open;        /* no shape: whole agents */
    bool is_lap_narrow;  /* only those of skip.c's bits, with ... */
    uint32_t lap_minima; /* ... one of these minima, as bits */
    uint32_t constraint;
    uint32_t agent;                /* only there; 0: anywhere */
    uint32_t last_agent;           /* where it was placed last; 0: nowhere */
    uint32_t generation, position; /* everything before it in the open list does not suit */
    size_t retried;                /* of client.retries */
    uint32_t lap_at, lap_left;     /* slots that are looked at before position */
    struct quantities shape;
    struct quantities others; /* of the shape: no dimension; ports and sets */
    struct amounts need;      /* of the shape */
};

/* Whether the policy is to ask it again, news.c's. */
enum standing { STANDING_FRESH, STANDING_REFUSED, STANDING_WOKEN };

struct client {
    uint32_t id; /* its place in allocator.clients, its number for the policy */
    uint32_t role;
    struct framework *framework;
    int64_t weight_milli;
    bool is_subscribed, is_suppressed, has_demand;
    bool wants;
    bool is_kept_off;         /* by quota, of all agents, when it was asked last */
    bool was_limited;         /* agents were passed by for quota, as it was in ... */
    uint64_t limited_version; /* ... this version of it */
    uint32_t sated_place;     /* 1-based, in allocator.sated; 0: not there */
    bool is_hopeless;         /* claims a big task's agent, and none would do */
    size_t holding_count;     /* agents on which it holds something */
    struct amounts *past;     /* as charged too; NULL: none */
    __int128 *past_fine;      /* the same with a fraction, memory.c's */
    bool is_task_told;
    VEC_OF(struct wish) wishes;
    VEC_OF(uint32_t) retries; /* slots of agents on which a filter ended */
    struct filter_table *filters;
    struct quantities *minima; /* its own */
    size_t minima_count;
    bool has_minima;
    uint32_t constraint;
    struct amounts *launches; /* LAUNCHES_REMEMBERED, a ring; NULL: none yet */
    size_t launch_count;
    struct earmark *earmark; /* an agent that is kept for it */
    int claim;               /* as the policy said in turn claim_turn */
    uint64_t claim_turn;
    enum standing standing;     /* as of ... */
    uint64_t standing_epoch;    /* ... this epoch, else it is fresh */
    bool is_listed;             /* in allocator.refused */
    uint64_t fitted_choice;     /* the last choice in which the policy was told that it fits */
    int64_t met, met_with_less; /* parts of its guarantee, as seen in turn parts_turn */
    uint64_t parts_turn;
    /* hoard.c */
    uint32_t offered_agents, peak_agents, cap_agents;
    uint32_t run_outs;
    bool was_offered;
    /* history.c */
    struct allocator_change *changes; /* the oldest first; NULL: none yet */
    size_t change_count;
    int64_t since_ms;
    enum allocator_reason seen; /* nearest to fitting of those on the walk */
    /* Mostly empty, therefore last. */
    struct amounts held; /* as charged */
    struct amounts task; /* as the policy was told */
};

/* Tasks of a wish that are offered on an agent and not launched. */
struct pending {
    struct pending *next;
    uint64_t serial, count;
};

struct holding {
    uint32_t client;
    uint32_t offers_out;
    uint32_t launched; /* tasks that the allocator has heard of, and not yet of their end */
    uint32_t grant;    /* 1-based place in allocator.grants; 0: nothing in this call */
    struct pending *pending;
    struct resources held;
};

/* Whether all that was refused on an agent contains all that is free there. */
enum filter_cover { COVER_UNKNOWN, COVER_NONE, COVER_FREE };

struct agent {
    uint32_t number;
    uint32_t slot;
    uint32_t traits;
    bool is_active, has_gpus;
    bool is_open;          /* something is free that could be offered */
    bool is_enough;        /* free has one of the cluster's minima */
    bool is_short;         /* more is used than there is */
    uint32_t special;      /* flags of free: reserved, revocable, shared, exclusive */
    uint32_t entry;        /* in the open list; NOWHERE */
    int64_t load;          /* a part of 2^30 */
    struct heap_node mark; /* in allocator.marks: better, and not yet in the open list */
    struct earmark *earmark;
    struct resources used, free;
    VEC_OF(struct holding) holdings;
    struct resources spare;       /* empty: the room of a holding that is gone, for the next */
    uint32_t filters;             /* the first of a list, NOWHERE: none */
    struct refusal *last_refusal; /* what was refused here last */
    enum filter_cover cover;
    bool is_mixed;               /* there are other refusals than the last */
    bool does_count, is_exposed; /* sated.c's */
    uint64_t *reserved_bits;     /* skip.c's; NULL: none */
    struct quantities told_free; /* to the quota book */
    struct resources total;
    struct amounts plain; /* free: unreserved, not revocable, no volume, no provider */
    struct amounts size;  /* all scalars of total */
};

/* Who makes room for a client on an agent, with what is free. */
enum yielding {
    YIELDS_NOBODY,     /* what is there is its own, or belongs to the needier */
    YIELDS_LESS_NEEDY, /* those who have a larger part of their guarantee */
    YIELDS_WEALTHY,    /* of these, those who have more than it by more than a task */
};

struct earmark {
    struct agent *agent;
    struct client *client;
    int64_t until_ms;
    enum yielding yielding; /* who made room for it when it was made */
    struct amounts kept;    /* freed since, and free still */
};

struct grant {
    struct agent *agent;
    struct client *client;
    struct resources what;
};

struct open_entry {
    struct agent *agent; /* NULL: dead */
    uint32_t next;       /* when dead: a later place, all between are dead */
};

struct constraint {
    uint32_t number;
    size_t users;
    VEC_OF(uint8_t) known; /* by slot: 0 not asked, 1 no, 2 yes */
};

/* What became better: anything, or agents that have so much free at most. */
struct news {
    bool is_for_all;
    bool is_for_limited; /* quota may leave more */
    bool is_enough;      /* one has a minimum of the cluster's */
    struct amounts room;
};

/* No more than each of some clients needs. */
struct least {
    bool is_anything; /* not known */
    bool is_enough;   /* a minimum of the cluster's */
    bool is_shape;
    struct amounts need; /* of the shapes */
};

/* The policy is being told whom to reconsider. */
struct pass {
    bool is_on;
    struct news news;
    size_t read, kept; /* in allocator.refused */
};

enum stage { STAGE_NEEDS, STAGE_ALL };

/* A bit for each agent, by slot. */
struct slots {
    uint64_t *items;
    size_t count, capacity;
};

/* Who was found last of those whose numbers end alike: what is asked for again and again is found
 * in one look. A client has its framework's place. */
enum { LATELY = 4096 };
struct lately {
    uint32_t number, role;
    void *found; /* NULL: nobody */
};

struct allocator {
    const struct mesos_allocator *policy;
    void *order; /* the policy's */
    const struct kinds *kinds;
    uint64_t seed;
    struct rng rng;

    /* names.c */
    uint32_t names[DIMENSIONS_LIMIT];
    size_t dimensions;
    VEC_OF(uint8_t) dimension_of_name;
    VEC_OF(uint16_t) kind_info; /* by a kind's number: its dimension and flags; 0: not known */
    VEC_OF(uint32_t) excluded;
    struct amounts total, free; /* free: plain, on active agents */
    struct amounts there, held; /* on all agents, excluded names too; by all clients, as charged */
    bool is_total_stale;        /* the policy knows an older one */

    struct lately *lately_agents, *lately_clients; /* LATELY of each */
    struct map agents;                             /* number -> struct agent */
    VEC_OF(struct agent *) slots;                  /* NULL: unused */
    VEC_OF(uint32_t) unused_slots;
    struct map frameworks;           /* number -> struct framework */
    VEC_OF(struct client *) clients; /* by id; NULL: unused */
    VEC_OF(uint32_t) unused_ids;
    size_t wanting_count; /* those that ask */
    size_t shaped_count, own_minima_count, special_count;
    uint64_t last_serial;
    VEC_OF(uint32_t) sated, maybe_sated; /* ids of clients */
    size_t counting, exposed;            /* agents */
    VEC_OF(int64_t) weights;             /* by role; 0: 1000 */

    /* open_list.c */
    struct heap marks; /* agents by load */
    VEC_OF(struct open_entry) open;
    size_t open_live;
    struct slots open_slots;    /* of agents that are open */
    struct slots covered_slots; /* of those with COVER_FREE */
    uint32_t open_generation;
    struct skip_index *skip; /* NULL: nobody asked for it yet */

    /* filters.c */
    struct filter_pool *filters;

    /* settings */
    struct quantities minima[ALLOCATOR_MINIMA_LIMIT];
    size_t minima_count;
    bool gpus_are_reserved;
    int64_t half_life_ms, faded_ms;
    bool is_fading;       /* in the midst of a pass */
    size_t fading_at;     /* the client that is next */
    uint64_t fading_left; /* of each distance, in parts of 2^32 */
    int64_t earmark_limit_ms;
    allocator_matcher *matches;
    void *matcher;
    struct map constraints; /* number -> struct constraint */

    /* quota */
    uint32_t names_there; /* a bit for each name of which the cluster has something */
    struct quota_book *book;
    bool is_book_told;
    uint64_t quota_version; /* grows when there may be more room */

    /* earmark.c */
    VEC_OF(struct earmark *) earmarks;
    size_t earmark_reviewed;
    VEC_OF(uint64_t) unclaimed; /* client << 32 | slot: to be asked for its claim */
    VEC_OF(uint32_t) hopeless;  /* ids of clients */
    struct {
        bool is_on;
        uint32_t client, slot;
        struct agent *best;
        enum yielding yielding; /* on that one */
        int64_t wait;
    } search;

    VEC_OF(uint64_t) returns; /* client << 32 | agent: where tasks ended, yield.c's */
    bool is_returning;        /* what is given now is what ended there */

    /* the turn */
    int64_t now_ms;
    int64_t budget;
    uint64_t turn;
    unsigned put_off; /* slices of this turn that ended before the policy had chosen */
    bool is_choosing; /* the policy may not be called */
    uint64_t choice;  /* how often it was asked to choose */
    bool said_later;
    bool is_settled; /* nothing new since the policy said that nobody fits */
    bool is_rewind_due;
    enum stage stage;
    struct wish *fitting; /* what the last fits found */
    struct agent *fitting_agent;
    const struct client *fitting_client; /* NULL: it has to be found again */
    VEC_OF(struct grant) grants;
    size_t grants_made; /* so many have been there at once; the sets of those behind are empty */

    /* news.c */
    bool has_news; /* what did not fit may fit now, as news says */
    struct news news;
    struct pass pass;
    VEC_OF(uint32_t) refused; /* ids of clients of which the policy heard NO, some of others */
    uint64_t epoch;           /* grows with what is new for everybody */
    size_t refused_count, woken_count;
    VEC_OF(uint32_t) woken_on; /* numbers of agents that became better for the woken */
    bool is_woken_on_many;     /* and more */
    uint64_t rest_credit;      /* of the crowd, that may be asked in vain */
    struct least least;        /* that one of the woken needs */
    bool has_rested;           /* nothing before this place of the list suits who is not fresh */
    uint32_t rested_generation, rested_at;

    unsigned strikes;
    VEC_OF(struct allocator_complaint) complaints;
    uint32_t picked_framework, picked_agent; /* by the pick that is looked at; 0: none */

    /* scratch */
    struct quantities scratch;
    struct resources stripped, composed, recomposed;
    struct quantities lent_task, lent_held; /* until the next call */
};

/* --- names.c: dimensions --- */
void names_learn_first(struct allocator *allocator);
/* Learns the scalar names of a set; when there are new ones the policy is made anew. */
void names_learn(struct allocator *allocator, const struct resources *set);
uint8_t name_dimension(const struct allocator *allocator, uint32_t name);
bool name_is_excluded(const struct allocator *allocator, uint32_t name);
/* The dimension of a scalar kind, NO_DIMENSION for others; whether it is plain but for a
 * reservation. */
enum { KIND_KNOWN = 1 << 8, KIND_SIMPLE = 1 << 9 };
uint16_t kind_learn(struct allocator *allocator, uint32_t kind);
static inline uint8_t kind_dimension(struct allocator *allocator, uint32_t kind, bool *is_simple) {
    uint32_t number = kind >> 8;
    uint16_t info = number < allocator->kind_info.count ? allocator->kind_info.items[number] : 0;
    if (info == 0)
        info = kind_learn(allocator, kind);
    *is_simple = (info & KIND_SIMPLE) != 0;
    return (uint8_t)(info & 0xff);
}
/* All scalars of a set; those that no share is reckoned with left out when `for_policy`. */
void amounts_of(struct allocator *allocator, const struct resources *set, bool for_policy,
                struct amounts *out);
/* The unreserved, not revocable scalars of a set, as quota counts them. */
void countable_of(const struct allocator *allocator, const struct resources *set,
                  struct quantities *out);
void amounts_of_quantities(const struct allocator *allocator, const struct quantities *from,
                           struct amounts *out);

/* --- clients.c --- */
struct client *client_find(const struct allocator *allocator, uint32_t framework, uint32_t role);
struct client *client_get(struct allocator *allocator, uint32_t framework, uint32_t role);
struct client *client_subscribed(const struct allocator *allocator, uint32_t framework,
                                 uint32_t role);
void client_forget_if_idle(struct allocator *allocator, struct client *client);
/* Whether it wants follows from the rest. */
void client_refresh_wish(struct allocator *allocator, struct client *client);
/* It looks at every agent again. */
void client_look_again(struct allocator *allocator, struct client *client);
void client_rewind(struct client *client);
/* All of them, from the next choice on: a thousand changes of quota cost one pass. */
void clients_look_again(struct allocator *allocator);
void clients_rewind(struct allocator *allocator); /* if they are to */
void clients_fini(struct allocator *allocator);

/* --- demand.c --- */
void demand_init(struct allocator *allocator, struct client *client);
void demand_fini(struct allocator *allocator, struct client *client);
bool demand_is_left(const struct client *client);
bool wish_is_left(const struct wish *wish);
struct wish *demand_find(struct client *client, uint64_t serial);
void demand_learn_names(struct allocator *allocator);
/* Tells the policy the next task when it is another one. */
void demand_tell_task(struct allocator *allocator, struct client *client);
void holding_drop_pending(struct allocator *allocator, struct client *client,
                          struct holding *holding);
void holding_add_pending(struct holding *holding, struct wish *wish);
/* The smallest it launched lately, else the smallest of its minima. */
void demand_guess_task(const struct allocator *allocator, const struct client *client,
                       struct amounts *out);

/* --- agents.c --- */
struct agent *agent_find(const struct allocator *allocator, uint32_t number);
/* What follows from free, once that changed. */
void agent_refresh(struct allocator *allocator, struct agent *agent);
void agent_mark(struct allocator *allocator, struct agent *agent);
void agent_reload(struct allocator *allocator, struct agent *agent); /* its load */
void agents_mark_all(struct allocator *allocator);
/* How much more may come of a name: what is held of agents that shrank counts too. */
int64_t agents_room(const struct allocator *allocator, size_t dimension);
void agents_fini(struct allocator *allocator);

/* --- held.c --- */
struct holding *holding_find(const struct agent *agent, const struct client *client);
/* False: beyond int64; nothing changed. */
bool agent_give(struct allocator *allocator, struct agent *agent, struct client *client,
                const struct resources *what);
void agent_drop_holdings(struct allocator *allocator, struct agent *agent);
void agent_refresh_free(struct agent *agent);
void client_charge(struct allocator *allocator, struct client *client,
                   const struct amounts *amounts, int sign);

/* --- open_list.c --- */
void open_add_mark(struct allocator *allocator, struct agent *agent);
void open_move_mark(struct allocator *allocator, struct agent *agent); /* by its load */
void open_leave(struct allocator *allocator, struct agent *agent);
/* The next live entry from there on, asking the marks at the end; NOWHERE. */
uint32_t open_next(struct allocator *allocator, uint32_t from);
void open_compact(struct allocator *allocator);
void slots_set(struct slots *slots, uint32_t slot, bool is_set);
/* How many slots from `from` on, going round, at most `most`, are closed or refused by the client
 * for sure. */
uint32_t open_skip_slots(const struct allocator *allocator, const struct client *client,
                         const struct wish *wish, uint32_t from, uint32_t most);

/* --- skip.c --- */
/* To be called when free or the cluster's minima changed. */
void skip_review_agent(struct allocator *allocator, struct agent *agent);
void skip_forget_agent(struct allocator *allocator, struct agent *agent);
/* Whether there may be agents that the wish, an open one, need not look at. */
bool skip_begin(struct allocator *allocator, struct client *client, struct wish *wish);
/* A bit for each of 64 slots that it does need to look at. */
uint64_t skip_word(const struct allocator *allocator, const struct client *client,
                   const struct wish *wish, uint32_t word);
void skip_fini(struct allocator *allocator);

/* --- filters.c --- */
void filters_init(struct allocator *allocator);
/* Quickly: whatever of the agent is offered to the client, it refused it. False: not known. */
bool filters_cover(struct allocator *allocator, struct agent *agent, const struct client *client);
void filters_set_cover(struct allocator *allocator, struct agent *agent, enum filter_cover cover);
/* The agents on which the client refused something, as bits; NULL: few. */
const uint64_t *filters_slots(const struct client *client, uint32_t *words);
bool filters_cover_free(struct allocator *allocator,
                        struct agent *agent);      /* what is free is contained in each */
size_t filters_count(const struct client *client); /* agents on which it has some */
bool filters_block(const struct allocator *allocator, const struct agent *agent,
                   const struct client *client, const struct resources *offered, int64_t *until_ms);
/* The same for a shape: it could have been made of what was refused. */
bool filters_block_wish(struct allocator *allocator, const struct agent *agent,
                        const struct client *client, const struct wish *wish, int64_t *until_ms);
/* True: some are left that should have ended. */
bool filters_expire(struct allocator *allocator);
int64_t filters_deadline_ms(const struct allocator *allocator);
void filters_end_of_client(struct allocator *allocator, struct client *client);
void filters_end_of_agent(struct allocator *allocator, struct agent *agent);
void filters_drop_table(struct client *client); /* which is empty */
void filters_fini(struct allocator *allocator);
size_t filters_bytes(const struct allocator *allocator);

/* --- sated.c --- */
/* To be called when it is open or not, free or filters changed. */
void sated_review_agent(struct allocator *allocator, struct agent *agent);
/* Not while the policy chooses. */
void sated_try(struct allocator *allocator, struct client *client);
void sated_try_those_asked(struct allocator *allocator);
void sated_wake(struct allocator *allocator, struct client *client);
static inline bool client_is_asking(const struct client *client) {
    return client->wants && client->sated_place == 0;
}

/* --- constraints.c --- */
void constraint_use(struct allocator *allocator, uint32_t number, int more);
bool constraint_is_met(struct allocator *allocator, uint32_t number, const struct agent *agent);
void constraints_forget_agent(struct allocator *allocator, const struct agent *agent);
void constraints_fini(struct allocator *allocator);

/* --- policy_keeper.c --- */
void policy_make(struct allocator *allocator);
/* The total, when it changed: before the policy is asked anything. */
void policy_tell_total(struct allocator *allocator);
/* Takes the client from the policy and tells it again. */
void policy_tell_again(struct allocator *allocator, struct client *client);
void policy_complain(struct allocator *allocator, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void policy_praise(struct allocator *allocator);
void policy_reconsider(struct allocator *allocator, struct client *client); /* this one */

/* --- turn.c --- */
void turn_run(struct allocator *allocator);
bool turn_is_due(const struct allocator *allocator);

/* --- news.c --- */
void news_for_all(struct allocator *allocator);
void news_of_agent(struct allocator *allocator, const struct agent *agent);
void news_of_quota(struct allocator *allocator);
/* The policy heard that it fits. */
void news_note_yes(struct allocator *allocator, struct client *client);
/* Something about it changed, or it asks no more. */
void news_of_client(struct allocator *allocator, struct client *client);
/* The policy heard that it does not fit. */
void news_note_no(struct allocator *allocator, struct client *client);
void news_note_no_there(struct allocator *allocator, struct client *client); /* on one agent */
bool news_is_known(const struct allocator *allocator, const struct client *client); /* that NO */
/* From now on the policy is told of the news, or to reconsider everybody. */
void news_begin(struct allocator *allocator);
void news_ask_all(struct allocator *allocator);
bool news_tell(struct allocator *allocator); /* false: there is more of it to do */
/* Nobody needs to be asked. */
bool news_may_rest(struct allocator *allocator);
/* Moves the wish beyond what is known not to suit. */
void news_skip_known(const struct allocator *allocator, const struct client *client,
                     struct wish *wish);
void news_are_spent(struct allocator *allocator); /* everybody was asked */
void news_fini(struct allocator *allocator);

/* --- place.c --- */
/* Gives the wish, which fits on `first`, what it wants there or on a better agent. */
void place_grant(struct allocator *allocator, struct client *client, struct wish *wish,
                 struct agent *first, bool is_fixed);
void place_give(struct allocator *allocator, struct client *client, struct wish *wish,
                struct agent *agent, const struct resources *what);

/* --- earmark.c --- */
/* Looks for agents for big tasks; false: the budget is used up. */
bool earmarks_seek(struct allocator *allocator);
void earmarks_expire(struct allocator *allocator);
/* Ends those of clients without a claim. To be asked when nobody who wants fits any more: before,
 * one whose task has just ended wants it again, and that changes what is due to others. */
bool earmarks_review(struct allocator *allocator);
void earmark_end(struct allocator *allocator, struct earmark *earmark);
void earmark_note_freed(struct agent *agent, const struct amounts *before);
/* What is kept there from this client; NULL: nothing. */
const struct amounts *earmark_kept(struct allocator *allocator, const struct agent *agent,
                                   const struct client *client);
/* Asks the claims that were missed while the policy chose. True: somebody may have more. */
bool earmarks_ask_claims(struct allocator *allocator);
int64_t earmarks_deadline_ms(const struct allocator *allocator);
void earmark_clamp(struct agent *agent);
void earmarks_forget_hopeless(struct allocator *allocator);
void earmark_forget_hopeless(struct allocator *allocator, struct client *client);
void earmarks_fini(struct allocator *allocator);

/* --- yield.c --- */
/* The part of its guarantee that it has; INT64_MAX: the policy tells of none. */
int64_t yield_met_part(struct allocator *allocator, const struct client *client);
/* One more task of its is within its own guarantee. */
bool yield_is_due(struct allocator *allocator, const struct client *client);
/* *wait is as from yield_wait. */
enum yielding yield_on(struct allocator *allocator, struct client *client, const struct wish *wish,
                       const struct agent *agent, int64_t *wait);
/* The largest part of `room`, which may end there, that must before the wish fits; beyond
 * YIELD_WAIT_ONE it does not fit even then. */
#define YIELD_WAIT_ONE (INT64_C(1) << 30)
int64_t yield_wait(const struct allocator *allocator, const struct wish *wish,
                   const struct agent *agent, const struct amounts *room);
/* Whether what the client gives back there is kept for the earmark's: not if it is needier. */
bool yield_keeps(struct allocator *allocator, const struct agent *agent,
                 const struct client *client);
/* A task of the client's ended there. */
void yield_note_end(struct allocator *allocator, const struct client *client,
                    const struct agent *agent);
/* Gives those to whom their guarantee is due the room again where a task of theirs ended. */
void yield_give_back(struct allocator *allocator);

/* --- memory.c --- */
bool memory_fade(struct allocator *allocator); /* true: there is more of it to do */
void memory_forget(struct allocator *allocator, struct client *client);

/* --- hoard.c --- */
bool hoard_is_full(const struct client *client);
void hoard_note_offer(struct client *client, struct holding *holding);
void hoard_note_gone(struct client *client, struct holding *holding);

/* --- quota.c --- */
/* The quota book hears of everything from the first quota on. */
void quota_tell_all(struct allocator *allocator);
void quota_tell_free(struct allocator *allocator, struct agent *agent);
void quota_tell_reservations(struct allocator *allocator, struct agent *agent, int sign);
/* Somebody may have more than before. */
void quota_note_room(struct allocator *allocator);
void quota_tell_held(struct allocator *allocator, const struct client *client,
                     const struct resources *what, int sign);

/* --- history.c --- */
void history_note(struct allocator *allocator, struct client *client, enum allocator_reason reason);
