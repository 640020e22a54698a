/*
 * Roles as those who look see them; nothing of this is kept.
 */
#include "allocator/explain.h"
#include "master/core/master_view.h"
#include "master/core/role_book.h"
#include "master/core/role_cut.h"
#include "master/core/role_use.h"

#include <stdlib.h>

struct role_entry {
    struct text path;
    uint32_t role;
    VEC_OF(struct text) frameworks;
};

struct role_list {
    const struct master *master;
    struct map by_role; /* number -> struct role_entry */
};

static void list_role(void *self, uint32_t role) {
    struct role_list *list = self;
    for (; role != ROLE_NONE && map_get(&list->by_role, role) == NULL;
         role = kinds_role_parent(list->master->kinds, role)) {
        struct role_entry *entry = NEW(struct role_entry);
        entry->path = kinds_role_text(list->master->kinds, role);
        entry->role = role;
        map_put(&list->by_role, role, entry);
    }
}

static void list_framework(struct role_list *list, const struct framework *framework) {
    for (size_t i = 0; i < framework->info.role_count; i++) {
        uint32_t role;
        if (!kinds_find_role(list->master->kinds, framework->info.roles[i], &role))
            continue;
        list_role(list, role);
        struct role_entry *entry = map_get(&list->by_role, role);
        VEC_PUSH(&entry->frameworks, framework->info.id.text);
    }
}

static int compare_paths(const void *a, const void *b) {
    const struct role_entry *const *first = a, *const *second = b;
    return text_compare((*first)->path, (*second)->path);
}

/* The caller frees it. */
static struct role_entry **sort(const struct role_list *list) {
    size_t count = 0;
    struct role_entry **sorted = NEW_ARRAY(struct role_entry *, list->by_role.count);
    MAP_EACH(at, &list->by_role)
        sorted[count++] = map_value(at);
    qsort(sorted, count, sizeof(struct role_entry *), compare_paths);
    return sorted;
}

static void free_entry(void *self) {
    struct role_entry *entry = self;
    VEC_FINI(&entry->frameworks);
    mem_free(entry);
}

static struct role_view view_of(const struct master *master, uint32_t role) {
    struct role_view view = {.path = kinds_role_text(master->kinds, role),
                             .weight_milli = role_book_weight_milli(master, role)};
    view.quota = role_book_quota(master, role, &view.quota_count);
    return view;
}

static void show(const struct master *master, const struct role_entry *entry,
                 const struct role_uses *uses, void (*fn)(void *self, const struct role_view *view),
                 void *self) {
    const struct role_use *use = role_uses_of(uses, entry->role);
    struct role_view view = view_of(master, entry->role);
    view.held = &use->held;
    view.allocated = &use->allocated;
    view.offered = &use->offered;
    view.reserved = &use->reserved;
    view.consumed = &use->quota;
    view.frameworks = entry->frameworks.items;
    view.framework_count = entry->frameworks.count;
    fn(self, &view);
}

size_t master_each_role(const struct master *master,
                        void (*fn)(void *self, const struct role_view *view), void *self) {
    AUTO_FINI(role_uses_fini) struct role_uses uses;
    struct role_list list = {.master = master};
    role_uses_reckon(master, &uses);
    role_book_each(master, list_role, &list);
    MAP_EACH(at, &uses.by_role)
        list_role(&list, (uint32_t)map_key(at));
    MAP_EACH(at, &master->frameworks)
        list_framework(&list, map_value(at));
    struct role_entry **sorted = sort(&list);
    struct role_cut cut = {0};
    for (size_t i = 0; i < list.by_role.count; i++)
        role_cut_count(&cut, sorted[i]->path, sorted[i]->frameworks.count);
    for (size_t i = 0; i < list.by_role.count; i++) {
        if (role_cut_takes(&cut, sorted[i]->path, sorted[i]->frameworks.count))
            show(master, sorted[i], &uses, fn, self);
    }
    mem_free(sorted);
    map_fini(&list.by_role, free_entry);
    return cut.left_out;
}

static void list_setting(void *self, uint32_t role) {
    struct role_list *list = self;
    struct role_entry *entry = NEW(struct role_entry);
    entry->path = kinds_role_text(list->master->kinds, role);
    entry->role = role;
    map_put(&list->by_role, role, entry);
}

void master_each_setting(const struct master *master,
                         void (*fn)(void *self, const struct role_view *view), void *self) {
    struct role_list list = {.master = master};
    role_book_each(master, list_setting, &list);
    struct role_entry **sorted = sort(&list);
    for (size_t i = 0; i < list.by_role.count; i++) {
        struct role_view view = view_of(master, sorted[i]->role);
        fn(self, &view);
    }
    mem_free(sorted);
    map_fini(&list.by_role, free_entry);
}

void master_each_figures(const struct master *master,
                         void (*fn)(void *self, const struct role_figures *figures), void *self) {
    struct role_list list = {.master = master};
    role_book_each(master, list_role, &list);
    MAP_EACH(at, &master->frameworks)
        list_framework(&list, map_value(at));
    struct role_entry **sorted = sort(&list);
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(master->allocator);
    for (size_t i = 0; i < list.by_role.count && i < MASTER_FIGURES_LIMIT; i++) {
        struct allocator_standing standing;
        if (!allocator_role_standing(master->allocator, sums, sorted[i]->role, &standing))
            continue;
        struct role_figures figures = {.path = sorted[i]->path,
                                       .held = standing.held,
                                       .consumed = standing.consumed,
                                       .share = standing.share};
        figures.quota = role_book_quota(master, sorted[i]->role, &figures.quota_count);
        fn(self, &figures);
    }
    mem_free(sorted);
    map_fini(&list.by_role, free_entry);
}

struct text master_name_text(const struct master *master, uint32_t name) {
    return kinds_name_text(master->kinds, name);
}
