#include "master/core/removed_book.h"

#include "master/core/emit.h"

#define REMOVED "removed"

/* The ids are all there is: the map's values say nothing. */
static void remember(struct master *master, struct framework_id id) {
    map_put_text(&master->removed, id.text, master);
}

void removed_book_load(struct master *master, const struct registry_record *record) {
    if (id_is_valid(record->removed.framework.text, NULL))
        remember(master, record->removed.framework);
}

struct store_change removed_book_add(struct master *master, struct framework_id id,
                                     struct store_change *oldest, bool *has_oldest) {
    struct registry_record record = {.kind = REGISTRY_REMOVED,
                                     .removed = {{lend(master, id.text)}, master->wall_ns}};
    remember(master, id);
    *has_oldest = master->removed.count > REMOVED_FRAMEWORKS_LIMIT;
    if (*has_oldest) {
        struct text first = lend(master, map_key_text(map_begin(&master->removed)));
        *oldest = store_change_of(master, REMOVED, first, NULL);
        map_remove_text(&master->removed, first);
    }
    return store_change_of(master, REMOVED, id.text, &record);
}

bool removed_book_has(const struct master *master, struct framework_id id) {
    return map_get_text(&master->removed, id.text) != NULL;
}

void removed_book_fini(struct master *master) {
    map_fini(&master->removed, NULL);
}
