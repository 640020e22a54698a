/*
 * One request is out at a time. What is to be asked next follows from what is missing: the path,
 * the list of nodes, our node, the leader's data (next_request); so a connection that breaks
 * anywhere needs no more than forgetting the request and reading the list again.
 *
 * Our node may be there without our knowing its name, when the answer to its creation was lost.
 * Then the list is read behind a sync and each node's owner is looked at before one is made. A list
 * without our node is believed behind a sync only, too.
 */
#include "zookeeper/core/election.h"

#include "common/base/mem.h"

#include <stdlib.h>

enum { SEQUENCE_DIGITS = 10 };

#define LABEL TEXT("json.info_")

/* What a request is for. */
enum purpose {
    FOR_NOTHING,
    FOR_PATH,   /* makes a part of the path */
    FOR_SYNC,   /* what is read next is not old */
    FOR_LIST,   /* who is there */
    FOR_OWNER,  /* is this node ours? */
    FOR_OLD,    /* deletes a node of an earlier candidacy */
    FOR_MEMBER, /* makes our node */
    FOR_LEADER, /* reads the leader's data */
    FOR_END,    /* deletes our node */
};

struct candidate {
    char *name;
    uint64_t number;
    bool is_ours_to_read; /* json.info_; else of a kind that we do not know */
};

struct election {
    char *path; /* "/mesos", "" for the root */
    bool is_candidate;
    char *info;
    int64_t timeout_ms;

    bool is_connected, is_resigned, is_done;
    int64_t session;
    int64_t out_of_touch_at_ms; /* when a broken connection counts; INT64_MAX: it works or counts */
    bool has_begun, is_out_of_touch;
    int64_t retry_at_ms; /* nothing is asked before; INT64_MAX: no pause */
    enum purpose purpose;
    uint64_t number; /* of the request that is out */

    size_t path_made;   /* bytes of the path that are made; its size: nothing to make */
    bool path_was_made; /* and still there was no path */
    bool needs_sync, needs_list, needs_leader, has_list, list_is_new;
    bool is_unsure;       /* our node may be there under a name that we do not know */
    size_t next_to_check; /* of the candidates, when unsure */
    bool clears, is_old;  /* ours are of an earlier candidacy; the next to check is one */
    VEC_OF(struct candidate) candidates; /* in order of their numbers */

    char *node;        /* ours; NULL: none */
    char *leader_node; /* whose data is `leader` or is being read */
    char *leader;
    char *told_trouble;
    enum election_role told_role;
    char *told_node, *told_leader;
};

struct election *election_new(const struct election_options *options) {
    struct election *election = NEW(struct election);
    election->path = text_dup(options->path);
    election->is_candidate = options->is_candidate;
    election->info = text_dup(options->info);
    election->timeout_ms = options->session_timeout_ms;
    election->out_of_touch_at_ms = election->retry_at_ms = INT64_MAX;
    election->path_made = options->path.size;
    election->told_role = ELECTION_OUT;
    election->clears = options->is_candidate && options->has_stood;
    return election;
}

static void forget_candidates(struct election *election) {
    VEC_EACH(candidate, &election->candidates) {
        mem_free(candidate->name);
    }
    election->candidates.count = 0;
}

void election_free(struct election *election) {
    if (election == NULL)
        return;
    forget_candidates(election);
    VEC_FINI(&election->candidates);
    char *texts[] = {election->path,        election->info,       election->node,
                     election->leader_node, election->leader,     election->told_trouble,
                     election->told_node,   election->told_leader};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mem_free(texts[i]);
    mem_free(election);
}

static void put_text(char **place, struct text text) {
    char *made = text.size > 0 ? text_dup(text) : NULL;
    mem_free(*place);
    *place = made;
}

struct text election_node(const struct election *election) {
    return text_of(election->node);
}

struct text election_leader(const struct election *election) {
    return text_of(election->leader);
}

static bool leads(const struct election *election) {
    return election->node != NULL && election->leader_node != NULL &&
           strcmp(election->node, election->leader_node) == 0;
}

enum election_role election_role(const struct election *election) {
    if (election->is_out_of_touch || election->is_resigned || !election->has_list)
        return ELECTION_OUT;
    if (!election->is_candidate)
        return ELECTION_STANDBY;
    if (election->node == NULL)
        return ELECTION_OUT;
    return leads(election) ? ELECTION_LEADER : ELECTION_STANDBY;
}

int64_t election_deadline_ms(const struct election *election) {
    if (!election->has_begun)
        return 0; /* until the first event nothing is known of the time */
    int64_t retry_at_ms = election->is_connected ? election->retry_at_ms : INT64_MAX;
    return retry_at_ms < election->out_of_touch_at_ms ? retry_at_ms : election->out_of_touch_at_ms;
}

/* --- effects --- */

static void trouble(struct election *election, struct election_outbox *outbox, const char *why) {
    if (election->told_trouble != NULL && strcmp(election->told_trouble, why) == 0)
        return; /* it goes on */
    put_text(&election->told_trouble, text_of(why));
    struct election_effect effect = {.kind = ELECTION_EFFECT_TROUBLE, .why = text_of(why)};
    VEC_PUSH(&outbox->effects, effect);
}

static void trouble_of(struct election *election, struct election_outbox *outbox, const char *what,
                       const char *node, const struct zk_reply *reply) {
    trouble(election, outbox,
            arena_printf(outbox->arena, "%s %s: %s%s%.*s", what, *node != '\0' ? node : "/",
                         zk_result_text(reply->result), reply->why.size > 0 ? ": " : "",
                         TEXT_ARGS(reply->why)));
}

static void pause_asking(struct election *election, int64_t now_ms) {
    election->retry_at_ms = now_ms + ELECTION_RETRY_MS;
}

static void tell_done(struct election *election, struct election_outbox *outbox) {
    if (election->is_done)
        return;
    election->is_done = true;
    put_text(&election->node, (struct text){0});
    struct election_effect done = {.kind = ELECTION_EFFECT_DONE};
    VEC_PUSH(&outbox->effects, done);
}

/* The leader's name is known and its data comes at once. */
static bool is_about_to_know(const struct election *election) {
    return election->is_connected && election->retry_at_ms == INT64_MAX &&
           (election->needs_leader || election->purpose == FOR_LEADER);
}

static void tell_change(struct election *election, struct election_outbox *outbox) {
    enum election_role role = election_role(election);
    if (role == ELECTION_STANDBY && election->told_role != ELECTION_LEADER &&
        is_about_to_know(election))
        return;
    if (role == election->told_role &&
        text_equal(text_of(election->node), text_of(election->told_node)) &&
        text_equal(text_of(election->leader), text_of(election->told_leader)))
        return;
    election->told_role = role;
    put_text(&election->told_node, text_of(election->node));
    put_text(&election->told_leader, text_of(election->leader));
    struct election_effect changed = {.kind = ELECTION_EFFECT_CHANGED};
    VEC_PUSH(&outbox->effects, changed);
}

/* --- asking --- */

static void ask(struct election *election, struct election_outbox *outbox, enum purpose purpose,
                struct zk_request request) {
    election->purpose = purpose;
    request.number = ++election->number;
    struct election_effect effect = {.kind = ELECTION_EFFECT_REQUEST, .request = request};
    VEC_PUSH(&outbox->effects, effect);
}

static struct text folder(const struct election *election) {
    return *election->path != '\0' ? text_of(election->path) : TEXT("/");
}

static struct text path_of(const struct election *election, struct arena *arena, const char *name) {
    return text_of(arena_printf(arena, "%s/%s", election->path, name));
}

static void ask_for_path(struct election *election, struct election_outbox *outbox) {
    const char *rest = election->path + election->path_made + 1;
    size_t part = strcspn(rest, "/");
    struct text path = {election->path, election->path_made + 1 + part};
    election->path_made = path.size;
    ask(election, outbox, FOR_PATH,
        (struct zk_request){.kind = ZK_CREATE, .path = arena_text(outbox->arena, path)});
}

static void ask_for_list(struct election *election, struct election_outbox *outbox) {
    election->needs_list = false;
    ask(election, outbox, FOR_LIST,
        (struct zk_request){.kind = ZK_CHILDREN, .path = folder(election), .watch = true});
}

static void ask_for_owner(struct election *election, struct election_outbox *outbox) {
    const struct candidate *candidate = &election->candidates.items[election->next_to_check];
    struct text path = path_of(election, outbox->arena, candidate->name);
    ask(election, outbox, FOR_OWNER, (struct zk_request){.kind = ZK_GET, .path = path});
}

static void ask_to_clear(struct election *election, struct election_outbox *outbox) {
    const struct candidate *candidate = &election->candidates.items[election->next_to_check];
    ask(election, outbox, FOR_OLD,
        (struct zk_request){.kind = ZK_DELETE,
                            .path = path_of(election, outbox->arena, candidate->name),
                            .version = ZK_VERSION_ANY});
}

static void ask_for_member(struct election *election, struct election_outbox *outbox) {
    election->clears = false;
    ask(election, outbox, FOR_MEMBER,
        (struct zk_request){.kind = ZK_CREATE_MEMBER,
                            .path = path_of(election, outbox->arena, "json.info_"),
                            .data = text_of(election->info)});
}

static void ask_for_leader(struct election *election, struct election_outbox *outbox) {
    election->needs_leader = false;
    ask(election, outbox, FOR_LEADER,
        (struct zk_request){.kind = ZK_GET,
                            .path = arena_text(outbox->arena, text_of(election->leader_node)),
                            .watch = true});
}

static void ask_to_end(struct election *election, struct election_outbox *outbox) {
    ask(election, outbox, FOR_END,
        (struct zk_request){.kind = ZK_DELETE,
                            .path = arena_text(outbox->arena, text_of(election->node)),
                            .version = ZK_VERSION_ANY});
}

/* Ours has our label. */
static void skip_strangers(struct election *election) {
    while (election->next_to_check < election->candidates.count &&
           !election->candidates.items[election->next_to_check].is_ours_to_read)
        election->next_to_check++;
}

static void ask_next(struct election *election, struct election_outbox *outbox) {
    if (!election->is_connected || election->purpose != FOR_NOTHING || election->is_done)
        return;
    bool needs_node = election->is_candidate && election->node == NULL;
    skip_strangers(election);
    if (election->is_resigned && election->node != NULL)
        ask_to_end(election, outbox);
    else if (election->is_resigned)
        tell_done(election, outbox);
    else if (election->retry_at_ms != INT64_MAX)
        return;
    else if (election->path_made < strlen(election->path))
        ask_for_path(election, outbox);
    else if (election->needs_sync)
        ask(election, outbox, FOR_SYNC,
            (struct zk_request){.kind = ZK_SYNC, .path = folder(election)});
    else if (election->needs_list && (!needs_node || election->is_unsure))
        ask_for_list(election, outbox);
    else if (needs_node && election->is_unsure &&
             election->next_to_check < election->candidates.count && election->is_old)
        ask_to_clear(election, outbox);
    else if (needs_node && election->is_unsure &&
             election->next_to_check < election->candidates.count)
        ask_for_owner(election, outbox);
    else if (needs_node)
        ask_for_member(election, outbox);
    else if (election->needs_leader && election->leader_node != NULL)
        ask_for_leader(election, outbox);
}

/* --- who leads --- */

/* The number of "label_NNNNNNNNNN" or "NNNNNNNNNN". */
static bool parse_name(struct text name, struct candidate *out) {
    if (name.size < SEQUENCE_DIGITS)
        return false;
    struct text label = text_sub(name, 0, name.size - SEQUENCE_DIGITS);
    if (!text_to_u64(text_sub(name, label.size, SEQUENCE_DIGITS), &out->number))
        return false;
    out->is_ours_to_read = text_equal(label, LABEL);
    return label.size == 0 || label.data[label.size - 1] == '_';
}

static int by_number(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool keep_list(struct election *election, const struct zk_reply *reply) {
    forget_candidates(election);
    election->next_to_check = 0;
    election->is_old = false;
    for (size_t i = 0; i < reply->child_count; i++) {
        struct candidate candidate = {0};
        if (!parse_name(reply->children[i], &candidate))
            continue;
        if (election->candidates.count == ELECTION_CANDIDATES_LIMIT)
            return false;
        candidate.name = text_dup(reply->children[i]);
        VEC_PUSH(&election->candidates, candidate);
    }
    if (election->candidates.count > 1)
        qsort(election->candidates.items, election->candidates.count,
              sizeof(election->candidates.items[0]), by_number);
    return true;
}

static void nobody_leads(struct election *election) {
    put_text(&election->leader_node, (struct text){0});
    put_text(&election->leader, (struct text){0});
    election->needs_leader = false;
}

/* The list is read: whose number is the smallest? */
static void decide(struct election *election, struct election_outbox *outbox) {
    election->has_list = true;
    election->is_out_of_touch = false;
    if (election->candidates.count == 0) {
        nobody_leads(election);
        return;
    }
    const struct candidate *first = &election->candidates.items[0];
    struct text node = path_of(election, outbox->arena, first->name);
    if (!first->is_ours_to_read) {
        nobody_leads(election);
        trouble(election, outbox,
                arena_printf(outbox->arena,
                             "%.*s is no json.info_ node, and is first: who leads is not known",
                             TEXT_ARGS(node)));
        return;
    }
    if (!text_equal(node, text_of(election->leader_node))) {
        put_text(&election->leader_node, node);
        election->needs_leader = true;
    }
    if (leads(election)) {
        put_text(&election->leader, text_of(election->info));
        election->needs_leader = false;
    }
    if (!election->needs_leader)
        put_text(&election->told_trouble, (struct text){0});
}

static bool is_listed(const struct election *election, const char *node) {
    VEC_EACH(candidate, &election->candidates) {
        if (strcmp(candidate->name, node + strlen(election->path) + 1) == 0)
            return true;
    }
    return false;
}

/* --- replies --- */

/* Answers that say no for now. */
static void ask_again_later(struct election *election, const struct election_event *event,
                            struct election_outbox *outbox, const char *what, const char *node) {
    if (event->reply.result != ZK_LOST && event->reply.result != ZK_OVER)
        trouble_of(election, outbox, what, node, &event->reply);
    pause_asking(election, event->now_ms);
}

static void read_again(struct election *election, bool is_unsure) {
    election->needs_list = true;
    election->is_unsure |= is_unsure;
    election->needs_sync |= is_unsure;
    election->next_to_check = 0;
    election->is_old = false;
}

/* There is no path. Candidates make it; observers are told when it comes. */
static void path_is_missing(struct election *election, const struct election_event *event,
                            struct election_outbox *outbox) {
    election->has_list = true;
    election->is_out_of_touch = false;
    forget_candidates(election);
    nobody_leads(election);
    if (!election->is_candidate)
        return;
    put_text(&election->node, (struct text){0});
    election->path_made = 0;
    if (election->path_was_made) {
        trouble_of(election, outbox, "make", election->path, &event->reply);
        pause_asking(election, event->now_ms);
    }
    election->path_was_made = true;
}

static void path_replied(struct election *election, const struct election_event *event,
                         struct election_outbox *outbox) {
    switch (event->reply.result) {
    case ZK_OK:
    case ZK_NODE_EXISTS: return;
    case ZK_NO_AUTH: /* it may exist all the same */
        trouble_of(election, outbox, "make", election->path, &event->reply);
        return;
    case ZK_LOST:
    case ZK_OVER:
    case ZK_NO_NODE:
    case ZK_BAD_VERSION:
    case ZK_NOT_EMPTY:
    case ZK_FAILED: break;
    }
    election->path_made = 0;
    ask_again_later(election, event, outbox, "make", election->path);
}

static void list_replied(struct election *election, const struct election_event *event,
                         struct election_outbox *outbox) {
    const struct zk_reply *reply = &event->reply;
    bool is_new = election->list_is_new;
    election->list_is_new = false;
    if (reply->result == ZK_NO_NODE) {
        path_is_missing(election, event, outbox);
        return;
    }
    if (reply->result != ZK_OK) {
        election->needs_list = true;
        ask_again_later(election, event, outbox, "list", election->path);
        return;
    }
    election->path_was_made = false;
    if (!keep_list(election, reply)) {
        nobody_leads(election);
        trouble(election, outbox,
                "more masters than ELECTION_CANDIDATES_LIMIT: who leads is not known");
        election->needs_list = true;
        pause_asking(election, event->now_ms);
        return;
    }
    if (election->node != NULL && !is_listed(election, election->node)) {
        if (!is_new) {
            election->needs_sync = election->needs_list = true;
            return;
        }
        trouble(election, outbox,
                arena_printf(outbox->arena, "%s is gone: somebody has deleted it", election->node));
        put_text(&election->node, (struct text){0});
    }
    decide(election, outbox);
}

static void owner_replied(struct election *election, const struct election_event *event,
                          struct election_outbox *outbox) {
    const char *name = election->candidates.items[election->next_to_check].name;
    struct text path = path_of(election, outbox->arena, name);
    switch (event->reply.result) {
    case ZK_OK:
        election->is_old = election->clears && event->reply.owner == election->session;
        if (election->is_old)
            return;
        election->next_to_check++;
        if (event->reply.owner != election->session)
            return;
        put_text(&election->node, path);
        election->is_unsure = false;
        election->needs_list = true;
        return;
    case ZK_NO_NODE: election->next_to_check++; return;
    case ZK_LOST:
    case ZK_OVER:
    case ZK_NODE_EXISTS:
    case ZK_BAD_VERSION:
    case ZK_NOT_EMPTY:
    case ZK_NO_AUTH:
    case ZK_FAILED: ask_again_later(election, event, outbox, "read", name); return;
    }
}

static void old_replied(struct election *election, const struct election_event *event,
                        struct election_outbox *outbox) {
    election->is_old = false;
    if (event->reply.result == ZK_OK || event->reply.result == ZK_NO_NODE)
        election->next_to_check++;
    else
        ask_again_later(election, event, outbox, "delete",
                        election->candidates.items[election->next_to_check].name);
}

static void member_replied(struct election *election, const struct election_event *event,
                           struct election_outbox *outbox) {
    election->is_unsure = false;
    switch (event->reply.result) {
    case ZK_OK:
        put_text(&election->node, event->reply.path);
        election->needs_list = true;
        return;
    case ZK_NO_NODE: path_is_missing(election, event, outbox); return;
    case ZK_NO_AUTH: break;
    case ZK_OVER:
    case ZK_LOST:
    case ZK_NODE_EXISTS:
    case ZK_BAD_VERSION:
    case ZK_NOT_EMPTY:
    case ZK_FAILED: read_again(election, true); break;
    }
    ask_again_later(election, event, outbox, "make a node in", election->path);
}

static bool is_info(struct text data) {
    struct text inner = text_trim(data);
    return text_is_utf8(data) && !text_contains_byte(data, '\0') && inner.size >= 2 &&
           inner.data[0] == '{' && inner.data[inner.size - 1] == '}';
}

static void leader_replied(struct election *election, const struct election_event *event,
                           struct election_outbox *outbox) {
    const struct zk_reply *reply = &event->reply;
    if (election->leader_node == NULL)
        return;                        /* nobody leads meanwhile */
    if (reply->result == ZK_NO_NODE) { /* meanwhile gone */
        put_text(&election->leader_node, (struct text){0});
        read_again(election, false);
        return;
    }
    if (reply->result != ZK_OK) {
        election->needs_leader = true;
        if (reply->result != ZK_LOST && reply->result != ZK_OVER)
            put_text(&election->leader, (struct text){0});
        ask_again_later(election, event, outbox, "read", election->leader_node);
        return;
    }
    if (reply->data.size <= ELECTION_INFO_BYTES_LIMIT && is_info(reply->data)) {
        put_text(&election->leader, reply->data);
        put_text(&election->told_trouble, (struct text){0});
        return;
    }
    put_text(&election->leader, (struct text){0});
    trouble(election, outbox,
            arena_printf(outbox->arena, "%s: %s: who leads is not known", election->leader_node,
                         reply->data.size > ELECTION_INFO_BYTES_LIMIT
                             ? "more bytes than ELECTION_INFO_BYTES_LIMIT"
                             : "no MasterInfo as JSON"));
}

static void on_reply(struct election *election, const struct election_event *event,
                     struct election_outbox *outbox) {
    if (event->reply.number != election->number || election->purpose == FOR_NOTHING)
        return;
    enum purpose purpose = election->purpose;
    election->purpose = FOR_NOTHING;
    switch (purpose) {
    case FOR_NOTHING: return;
    case FOR_PATH:
        path_replied(election, event, outbox);
        if (election->path_made == strlen(election->path))
            election->needs_list = true;
        return;
    case FOR_SYNC:
        election->needs_sync = event->reply.result != ZK_OK;
        election->list_is_new = !election->needs_sync;
        if (election->needs_sync)
            ask_again_later(election, event, outbox, "sync", election->path);
        return;
    case FOR_LIST: list_replied(election, event, outbox); return;
    case FOR_OWNER: owner_replied(election, event, outbox); return;
    case FOR_OLD: old_replied(election, event, outbox); return;
    case FOR_MEMBER: member_replied(election, event, outbox); return;
    case FOR_LEADER: leader_replied(election, event, outbox); return;
    case FOR_END: tell_done(election, outbox); return;
    }
}

/* --- the session --- */

/* What was asked is not answered any more, or with ZK_LOST. */
static void forget_request(struct election *election) {
    bool may_be_made = election->purpose == FOR_MEMBER;
    election->purpose = FOR_NOTHING;
    election->list_is_new = election->path_was_made = false;
    election->path_made = strlen(election->path);
    read_again(election, may_be_made || election->clears);
}

static void lose_touch(struct election *election, int64_t now_ms) {
    election->is_connected = false;
    if (election->out_of_touch_at_ms == INT64_MAX && !election->is_out_of_touch)
        election->out_of_touch_at_ms = now_ms + election->timeout_ms;
    forget_request(election);
}

/* Our node goes with the session. */
static void lose_session(struct election *election, struct election_outbox *outbox) {
    if (leads(election))
        nobody_leads(election);
    put_text(&election->node, (struct text){0});
    election->session = 0;
    if (election->is_resigned)
        tell_done(election, outbox);
}

static void on_session(struct election *election, const struct election_event *event,
                       struct election_outbox *outbox) {
    switch (event->session.state) {
    case ZK_SESSION_CONNECTED:
        forget_request(election);
        if (event->session.id != election->session)
            lose_session(election, outbox);
        election->session = event->session.id;
        election->is_connected = true;
        election->needs_leader = election->leader_node != NULL && !leads(election);
        election->out_of_touch_at_ms = election->retry_at_ms = INT64_MAX;
        return;
    case ZK_SESSION_CONNECTING:
        lose_touch(election, event->now_ms);
        if (election->is_resigned)
            tell_done(election, outbox);
        return;
    case ZK_SESSION_EXPIRED:
        lose_touch(election, event->now_ms);
        lose_session(election, outbox);
        return;
    case ZK_SESSION_REFUSED:
        lose_touch(election, event->now_ms);
        lose_session(election, outbox);
        trouble(election, outbox, "ZooKeeper refuses our credentials");
        return;
    }
}

static void on_time(struct election *election, int64_t now_ms, struct election_outbox *outbox) {
    if (!election->has_begun) {
        election->has_begun = true;
        if (!election->is_connected)
            election->out_of_touch_at_ms = now_ms + election->timeout_ms;
    }
    if (now_ms >= election->retry_at_ms)
        election->retry_at_ms = INT64_MAX;
    if (now_ms < election->out_of_touch_at_ms)
        return;
    election->out_of_touch_at_ms = INT64_MAX;
    election->is_out_of_touch = true;
    nobody_leads(election);
    trouble(election, outbox, "no server of ZooKeeper answers");
}

static void on_watch(struct election *election, struct text path) {
    bool is_leader = text_equal(path, text_of(election->leader_node));
    if (!is_leader && !text_equal(path, folder(election)))
        return;
    election->needs_list = true;
    election->needs_leader |= is_leader && !leads(election);
}

void election_step(struct election *election, const struct election_event *event,
                   struct election_outbox *outbox) {
    on_time(election, event->now_ms, outbox);
    switch (event->kind) {
    case ELECTION_EVENT_SESSION: on_session(election, event, outbox); break;
    case ELECTION_EVENT_REPLY: on_reply(election, event, outbox); break;
    case ELECTION_EVENT_WATCH: on_watch(election, event->watch_path); break;
    case ELECTION_EVENT_TICK: break;
    case ELECTION_EVENT_RESIGN:
        election->is_resigned = true;
        if (!election->is_connected)
            tell_done(election, outbox);
        break;
    }
    ask_next(election, outbox);
    tell_change(election, outbox);
}
