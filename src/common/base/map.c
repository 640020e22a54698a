/*
 * Chained buckets; every entry is also in a list of insertion order. Text keys live in the entry
 * itself.
 */
#include "common/base/map.h"

#include "common/base/mem.h"

#include <assert.h>

enum { FIRST_BUCKETS = 8 };

struct map_entry {
    struct map_entry *chain;
    struct map_entry *previous, *next;
    uint64_t hash; /* for number keys: the mixed key */
    uint64_t key;  /* the number, or the size of the text */
    void *value;
    char text[];
};

/* splitmix64's finaliser: ids given in order must not fill neighbouring buckets only. */
static uint64_t mix(uint64_t key) {
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
    key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
    return key ^ (key >> 31);
}

static struct map_entry **bucket_of(const struct map *map, uint64_t hash) {
    return &map->buckets[hash & (map->bucket_count - 1)];
}

/* Where the entry is linked from, or where a new one would be; NULL in an empty map. */
static struct map_entry **find(const struct map *map, uint64_t hash, uint64_t key,
                               const char *text) {
    if (map->bucket_count == 0)
        return NULL;
    struct map_entry **at = bucket_of(map, hash);
    for (; *at != NULL; at = &(*at)->chain) {
        struct map_entry *entry = *at;
        if (entry->hash == hash && entry->key == key &&
            (text == NULL || memcmp(entry->text, text, key) == 0))
            break;
    }
    return at;
}

static void grow(struct map *map) {
    size_t count = map->bucket_count > 0 ? map->bucket_count * 2 : FIRST_BUCKETS;
    mem_free(map->buckets);
    map->buckets = NEW_ARRAY(struct map_entry *, count);
    map->bucket_count = count;
    for (struct map_entry *entry = map->first; entry != NULL; entry = entry->next) {
        struct map_entry **bucket = bucket_of(map, entry->hash);
        entry->chain = *bucket;
        *bucket = entry;
    }
}

static void *get(const struct map *map, uint64_t hash, uint64_t key, const char *text) {
    struct map_entry **at = find(map, hash, key, text);
    return at != NULL && *at != NULL ? (*at)->value : NULL;
}

static void *put(struct map *map, uint64_t hash, uint64_t key, const char *text, void *value) {
    struct map_entry **at = find(map, hash, key, text);
    if (at != NULL && *at != NULL) {
        void *old = (*at)->value;
        (*at)->value = value;
        return old;
    }
    if (map->count >= map->bucket_count)
        grow(map);

    size_t text_size = text != NULL ? key : 0;
    struct map_entry *entry = mem_alloc(sizeof(*entry) + text_size);
    entry->hash = hash;
    entry->key = key;
    entry->value = value;
    if (text_size > 0)
        memcpy(entry->text, text, text_size);
    struct map_entry **bucket = bucket_of(map, hash);
    entry->chain = *bucket;
    *bucket = entry;
    entry->previous = map->last;
    *(map->last != NULL ? &map->last->next : &map->first) = entry;
    map->last = entry;
    map->count++;
    return NULL;
}

static void *take(struct map *map, uint64_t hash, uint64_t key, const char *text) {
    struct map_entry **at = find(map, hash, key, text);
    if (at == NULL || *at == NULL)
        return NULL;
    struct map_entry *entry = *at;
    void *value = entry->value;
    *at = entry->chain;
    *(entry->previous != NULL ? &entry->previous->next : &map->first) = entry->next;
    *(entry->next != NULL ? &entry->next->previous : &map->last) = entry->previous;
    map->count--;
    mem_free(entry);
    return value;
}

void map_fini(struct map *map, void (*free_value)(void *value)) {
    for (struct map_entry *entry = map->first; entry != NULL;) {
        struct map_entry *next = entry->next;
        if (free_value != NULL)
            free_value(entry->value);
        mem_free(entry);
        entry = next;
    }
    mem_free(map->buckets);
    *map = (struct map){0};
}

void *map_get(const struct map *map, uint64_t key) {
    return get(map, mix(key), key, NULL);
}

void *map_put(struct map *map, uint64_t key, void *value) {
    return put(map, mix(key), key, NULL, value);
}

void *map_remove(struct map *map, uint64_t key) {
    return take(map, mix(key), key, NULL);
}

void *map_first(const struct map *map) {
    return map->first != NULL ? map->first->value : NULL;
}

/* A text key is never NULL, so that find can tell it from a number. */
static const char *text_data(struct text key) {
    return key.data != NULL ? key.data : "";
}

void *map_get_text(const struct map *map, struct text key) {
    if (map->count == 0)
        return NULL;
    return get(map, text_hash(key), key.size, text_data(key));
}

void *map_put_text(struct map *map, struct text key, void *value) {
    return put(map, text_hash(key), key.size, text_data(key), value);
}

void *map_remove_text(struct map *map, struct text key) {
    if (map->count == 0)
        return NULL;
    return take(map, text_hash(key), key.size, text_data(key));
}

struct map_entry *map_begin(const struct map *map) {
    return map->first;
}

struct map_entry *map_next(const struct map_entry *entry) {
    return entry->next;
}

void *map_value(const struct map_entry *entry) {
    return entry->value;
}

uint64_t map_key(const struct map_entry *entry) {
    return entry->key;
}

struct text map_key_text(const struct map_entry *entry) {
    return (struct text){entry->text, entry->key};
}
