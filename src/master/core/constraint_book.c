/*
 * Equal is what is encoded alike: one framework writes its constraints in one way.
 */
#include "master/core/constraint_book.h"

#include "common/base/map.h"
#include "common/base/mem.h"

struct entry {
    uint32_t number;
    size_t uses, bytes;
    char *key; /* owned */
    size_t key_size;
    struct constraints *constraints; /* owned */
};

struct constraint_book {
    struct map by_number, by_bytes; /* -> struct entry */
    uint32_t last_number;
    size_t bytes;
};

static void free_entry(void *value) {
    struct entry *entry = value;
    constraints_free(entry->constraints);
    mem_free(entry->key);
    mem_free(entry);
}

struct constraint_book *constraint_book_new(void) {
    return NEW(struct constraint_book);
}

void constraint_book_free(struct constraint_book *book) {
    if (book == NULL)
        return;
    map_fini(&book->by_bytes, NULL);
    map_fini(&book->by_number, free_entry);
    mem_free(book);
}

uint32_t constraint_book_take(struct constraint_book *book, const struct role_constraints *from,
                              struct error *why) {
    struct entry *entry = map_get_text(&book->by_bytes, from->encoded);
    if (entry != NULL) {
        entry->uses++;
        return entry->number;
    }
    AUTO(constraints_free) struct constraints *constraints = constraints_new(from, why);
    if (constraints == NULL)
        return 0;
    size_t bytes = constraints_bytes(constraints) + from->encoded.size;
    if (book->by_number.count >= CONSTRAINTS_LIMIT ||
        book->bytes + bytes > CONSTRAINTS_BYTES_LIMIT) {
        fail(why, ERROR_LIMIT, "the master has no room for more constraints");
        return 0;
    }
    entry = NEW(struct entry);
    *entry = (struct entry){
        .number = ++book->last_number,
        .uses = 1,
        .bytes = bytes,
        .key = mem_dup(from->encoded.data, from->encoded.size),
        .key_size = from->encoded.size,
        .constraints = TAKE(constraints),
    };
    book->bytes += bytes;
    map_put(&book->by_number, entry->number, entry);
    map_put_text(&book->by_bytes, from->encoded, entry);
    return entry->number;
}

void constraint_book_drop(struct constraint_book *book, uint32_t number) {
    struct entry *entry = map_get(&book->by_number, number);
    if (entry == NULL || --entry->uses > 0)
        return;
    book->bytes -= entry->bytes;
    map_remove(&book->by_number, number);
    map_remove_text(&book->by_bytes, (struct text){entry->key, entry->key_size});
    free_entry(entry);
}

const struct constraints *constraint_book_find(const struct constraint_book *book,
                                               uint32_t number) {
    const struct entry *entry = map_get(&book->by_number, number);
    return entry != NULL ? entry->constraints : NULL;
}

size_t constraint_book_count(const struct constraint_book *book) {
    return book->by_number.count;
}
