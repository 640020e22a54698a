/*
 * Texts that are kept or lent, and sums over agents.
 */
#include "master/core/state.h"

void *keep_texts(struct text *const *texts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += texts[i]->size;
    if (size == 0) {
        for (size_t i = 0; i < count; i++)
            texts[i]->data = texts[i]->data != NULL ? "" : NULL;
        return NULL;
    }
    char *block = mem_alloc(size), *at = block;
    for (size_t i = 0; i < count; i++) {
        struct text *text = texts[i];
        if (text->data == NULL)
            continue;
        if (text->size > 0)
            memcpy(at, text->data, text->size);
        text->data = at;
        at += text->size;
    }
    return block;
}

struct text pair_key(struct master *master, struct text first, struct text second) {
    char *key = arena_alloc(master->out->arena, first.size + 1 + second.size);
    if (first.size > 0)
        memcpy(key, first.data, first.size);
    key[first.size] = '\n';
    if (second.size > 0)
        memcpy(key + first.size + 1, second.data, second.size);
    return (struct text){key, first.size + 1 + second.size};
}

struct text lend(struct master *master, struct text text) {
    return text.data != NULL ? arena_text(master->out->arena, text) : text;
}

/* Ranges and sets of different agents are the same numbers of different things: a sum over agents
 * would lose how many there are. */
static bool adds_up(const struct resource *one) {
    return kind_type(one->kind) == VALUE_SCALAR && !kind_is(one->kind, KIND_IS_SHARED);
}

void sum_add(struct resources *sum, const struct resources *more) {
    for (uint32_t i = 0; i < more->count; i++)
        if (adds_up(&more->entries[i])) {
            bool fits = resources_put(sum, &more->entries[i]);
            assert(fits);
            (void)fits;
        }
}

void sum_subtract(struct resources *sum, const struct resources *less) {
    AUTO_FINI(resources_fini) struct resources scalars = {0};
    sum_add(&scalars, less);
    bool held = resources_subtract(sum, &scalars);
    assert(held);
    (void)held;
}
