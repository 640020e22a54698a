#include "tests/sim/annals.h"

struct annals_change {
    char *key;
    struct buf *value; /* NULL: the key goes */
};

struct commit {
    uint64_t term, ticket;
    VEC_OF(struct annals_change) changes;
};

struct annals {
    struct world *world;
    struct map certain;           /* key -> struct buf, owned: loaded or acknowledged */
    VEC_OF(struct commit) making; /* at most one a term */
    uint64_t term;                /* the last that has loaded and led */
    VEC_OF(struct commit) open;   /* made since and not acknowledged, in order */
    VEC_OF(struct commit) undone; /* what a later term has not found */
};

static void value_free(void *memory) {
    struct buf *value = memory;
    if (value == NULL)
        return;
    buf_fini(value);
    mem_free(value);
}

static struct buf *value_copy(const struct buf *value) {
    struct buf *copy = NEW(struct buf);
    buf_append_text(copy, buf_text(value));
    return copy;
}

static void commit_fini(struct commit *commit) {
    VEC_EACH(change, &commit->changes) {
        mem_free(change->key);
        value_free(change->value);
    }
    VEC_FINI(&commit->changes);
}

struct annals *annals_new(struct world *world) {
    struct annals *annals = NEW(struct annals);
    annals->world = world;
    return annals;
}

void annals_free(struct annals *annals) {
    if (annals == NULL)
        return;
    map_fini(&annals->certain, value_free);
    VEC_EACH(commit, &annals->making)
        commit_fini(commit);
    VEC_EACH(commit, &annals->open)
        commit_fini(commit);
    VEC_EACH(commit, &annals->undone)
        commit_fini(commit);
    VEC_FINI(&annals->making);
    VEC_FINI(&annals->open);
    VEC_FINI(&annals->undone);
    mem_free(annals);
}

static struct commit *made_by(struct annals *annals, uint64_t term) {
    VEC_EACH(commit, &annals->making)
        if (commit->term == term)
            return commit;
    VEC_PUSH(&annals->making, (struct commit){.term = term});
    return &annals->making.items[annals->making.count - 1];
}

void annals_put(struct annals *annals, uint64_t term, struct text key, const struct buf *value) {
    struct commit *commit = made_by(annals, term);
    VEC_PUSH(&commit->changes,
             (struct annals_change){text_dup(key), value != NULL ? value_copy(value) : NULL});
}

static struct commit take_made(struct annals *annals, uint64_t term) {
    struct commit *commit = made_by(annals, term), made = *commit;
    VEC_REMOVE(&annals->making, (size_t)(commit - annals->making.items));
    return made;
}

void annals_commit(struct annals *annals, uint64_t term, uint64_t ticket) {
    struct commit commit = take_made(annals, term);
    commit.ticket = ticket;
    if (term == annals->term)
        VEC_PUSH(&annals->open, commit);
    else
        VEC_PUSH(&annals->undone, commit); /* another leads by now */
}

void annals_forget(struct annals *annals, uint64_t term) {
    struct commit commit = take_made(annals, term);
    commit_fini(&commit);
}

static void apply(struct map *content, const struct commit *commit) {
    VEC_EACH(change, &commit->changes) {
        struct text key = text_of(change->key);
        if (change->value != NULL)
            value_free(map_put_text(content, key, value_copy(change->value)));
        else
            value_free(map_remove_text(content, key));
    }
}

void annals_acknowledged(struct annals *annals, uint64_t term, uint64_t ticket) {
    VEC_EACH(commit, &annals->undone)
        if (commit->term == term && commit->ticket <= ticket)
            world_fail(annals->world,
                       "registry write #%llu is acknowledged, and the next term has not found it",
                       (unsigned long long)commit->ticket);
    while (annals->open.count > 0 && annals->open.items[0].term == term &&
           annals->open.items[0].ticket <= ticket) {
        apply(&annals->certain, &annals->open.items[0]);
        commit_fini(&annals->open.items[0]);
        VEC_REMOVE(&annals->open, 0);
    }
}

/* --- a new term --- */

/* The first key in which they differ; empty: none. */
static struct text difference(const struct map *left, const struct map *right) {
    MAP_EACH(entry, left) {
        const struct buf *mine = map_value(entry),
                         *other = map_get_text(right, map_key_text(entry));
        if (other == NULL || !text_equal(buf_text(mine), buf_text(other)))
            return map_key_text(entry);
    }
    MAP_EACH(entry, right)
        if (map_get_text(left, map_key_text(entry)) == NULL)
            return map_key_text(entry);
    return (struct text){0};
}

static void copy_all(struct map *to, const struct map *from) {
    map_fini(to, value_free);
    *to = (struct map){0};
    MAP_EACH(entry, from)
        map_put_text(to, map_key_text(entry), value_copy(map_value(entry)));
}

/* How many of the open commits were found; SIZE_MAX: it is none of the states that may be. */
static size_t count_found(struct annals *annals, const struct map *content) {
    struct map state = {0};
    copy_all(&state, &annals->certain);
    size_t found = difference(&state, content).size == 0 ? 0 : SIZE_MAX;
    for (size_t i = 0; i < annals->open.count; i++) {
        apply(&state, &annals->open.items[i]);
        if (difference(&state, content).size == 0)
            found = i + 1;
    }
    map_fini(&state, value_free);
    return found;
}

void annals_loaded(struct annals *annals, uint64_t term, const struct map *content) {
    size_t found = count_found(annals, content);
    if (found == SIZE_MAX) {
        struct text key = difference(&annals->certain, content);
        world_fail(annals->world,
                   "a new term has loaded what is not the acknowledged registry, nor that and a "
                   "few of %zu commits: %.*s differs",
                   annals->open.count, TEXT_ARGS(key));
        return;
    }
    for (size_t i = 0; i < annals->open.count; i++) {
        if (i < found)
            commit_fini(&annals->open.items[i]);
        else
            VEC_PUSH(&annals->undone, annals->open.items[i]);
    }
    annals->open.count = 0;
    annals->term = term;
    copy_all(&annals->certain, content);
}
