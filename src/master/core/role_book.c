/*
 * A call is checked as a whole against what will be when all calls before it are stored; then it is
 * a struct role_change that waits for its ticket. Tickets are done in order, so changes take effect
 * in the order in which they were asked for, each whole.
 */
#include "master/core/role_book.h"

#include "common/model/roles.h"
#include "common/model/value_text.h"
#include "master/core/emit.h"
#include "master/core/role_check.h"
#include "master/core/role_rescue.h"
#include "master/core/role_tree.h"
#include "master/core/supply.h"

/* One role of a call. */
struct role_update {
    struct role_node *node; /* held */
    int64_t weight_milli;
    struct role_lines quota, before; /* before: of quota that is being tried */
};

struct role_change {
    uint64_t ticket, request;
    bool is_quota; /* else weights */
    struct role_update *updates;
    size_t count;
};

struct role_book {
    struct role_tree tree;
    VEC_OF(struct role_change) changes; /* the oldest first */
    struct role_rescue rescue;
    struct map unknown; /* path -> fields of its record that a newer version has written; owned */
};

static void free_updates(struct role_update *updates, size_t count) {
    for (size_t i = 0; i < count; i++) {
        role_lines_fini(&updates[i].quota);
        role_lines_fini(&updates[i].before);
    }
    mem_free(updates);
}

struct role_book *role_book_new(void) {
    return NEW(struct role_book);
}

void role_book_free(struct role_book *book) {
    if (book == NULL)
        return;
    VEC_EACH(change, &book->changes)
        free_updates(change->updates, change->count);
    VEC_FINI(&book->changes);
    role_rescue_fini(&book->rescue);
    role_tree_fini(&book->tree);
    map_fini(&book->unknown, mem_free);
    mem_free(book);
}

/* --- in force --- */

static void put_weight(struct master *master, struct role_node *node, int64_t weight_milli) {
    node->now.weight_milli = weight_milli;
    supply_set_weight(master, node->role, weight_milli);
}

static void put_quota(struct master *master, struct role_node *node,
                      const struct role_lines *lines) {
    role_lines_fini(&node->now.quota);
    node->now.quota = role_lines_copy(lines);
    supply_set_quota(master, node->role, lines->items, lines->count);
}

static bool read_lines(struct master *master, const struct quota_config_line *from, size_t count,
                       struct role_lines *out, struct error *why) {
    struct role_lines lines = {.items = NEW_ARRAY(struct quota_line, count)};
    for (size_t i = 0; i < count; i++) {
        struct quota_line line = {.guarantee_milli = from[i].guarantee_milli,
                                  .limit_milli = from[i].limit_milli};
        if (line.guarantee_milli == 0 && line.limit_milli == INT64_MAX)
            continue;
        if (!kinds_intern_name(master->kinds, from[i].name, &line.name, why)) {
            role_lines_fini(&lines);
            return false;
        }
        size_t at = 0;
        while (at < lines.count && lines.items[at].name != line.name)
            at++;
        lines.items[at] = line; /* of a name that comes twice the last holds */
        lines.count = at == lines.count ? at + 1 : lines.count;
    }
    *out = lines;
    if (lines.count == 0)
        role_lines_fini(out);
    return true;
}

static void keep_unknown(struct role_book *book, struct text path, struct text fields) {
    if (fields.size == 0)
        return;
    struct text *kept = mem_alloc(sizeof(*kept) + fields.size);
    memcpy(kept + 1, fields.data, fields.size);
    *kept = (struct text){(const char *)(kept + 1), fields.size};
    mem_free(map_put_text(&book->unknown, path, kept));
}

static bool load(struct master *master, const struct registry_record *record, struct error *why) {
    struct role_tree *tree = &master->roles->tree;
    struct role_lines lines = {0};
    struct role_quota quota = {record->role.name, record->role.lines, record->role.line_count,
                               false};
    uint32_t role;
    if (!role_check_name(record->role.name, why) || !role_check_lines(master, &quota, why) ||
        !kinds_intern_role(master->kinds, record->role.name, &role, why) ||
        !read_lines(master, quota.lines, quota.line_count, &lines, why))
        return false;
    struct role_node *node = role_tree_hold(tree, record->role.name);
    if (node == NULL) {
        role_lines_fini(&lines);
        return fail(why, ERROR_LIMIT, "more than %d roles", ROLE_NODES_LIMIT);
    }
    node->role = role;
    int64_t weight_milli = record->role.weight_milli;
    if (weight_milli < 1 || weight_milli > ROLE_WEIGHT_MOST * 1000)
        weight_milli = ROLE_WEIGHT_PRESET_MILLI;
    node->next.weight_milli = weight_milli;
    put_weight(master, node, weight_milli);
    put_quota(master, node, &lines);
    role_tree_swap_quota(node, &lines);
    role_lines_fini(&lines);
    role_tree_release(tree, node);
    keep_unknown(master->roles, record->role.name, record->unknown);
    return true;
}

void role_book_load(struct master *master, const struct registry_record *record) {
    struct error why;
    if (!load(master, record, &why))
        emit_note(master, NOTE_WARNING, "role_not_restored", "role=%.*s error=\"%s\"",
                  TEXT_ARGS(record->role.name), why.message);
}

/* --- storing --- */

/* What will be of the role, under its key. */
static struct store_change record_of(struct master *master, const struct role_node *node) {
    const struct role_setting *next = &node->next;
    size_t count = next->quota.count;
    struct quota_config_line *lines =
        ARENA_ARRAY(master->out->arena, struct quota_config_line, count);
    for (size_t i = 0; i < count; i++) {
        const struct quota_line *line = &next->quota.items[i];
        lines[i] = (struct quota_config_line){kinds_name_text(master->kinds, line->name),
                                              line->guarantee_milli, line->limit_milli};
    }
    struct registry_record record = {
        .kind = REGISTRY_ROLE,
        .role = {kinds_role_text(master->kinds, node->role), next->weight_milli, lines, count},
    };
    const struct text *unknown = map_get_text(&master->roles->unknown, record.role.name);
    if (unknown != NULL)
        record.unknown = *unknown;
    bool is_preset =
        next->weight_milli == ROLE_WEIGHT_PRESET_MILLI && count == 0 && unknown == NULL;
    return store_change_of(master, "role", record.role.name, is_preset ? NULL : &record);
}

/* Takes the updates. */
static void store(struct master *master, uint64_t request, bool is_quota,
                  struct role_update *updates, size_t count) {
    struct store_change *changes = ARENA_ARRAY(master->out->arena, struct store_change, count);
    for (size_t i = 0; i < count; i++)
        changes[i] = record_of(master, updates[i].node);
    struct role_change change = {emit_store(master, changes, count), request, is_quota, updates,
                                 count};
    VEC_PUSH(&master->roles->changes, change);
}

/* --- being asked --- */

static void release(struct master *master, struct role_update *updates, size_t count) {
    for (size_t i = 0; i < count; i++)
        role_tree_release(&master->roles->tree, updates[i].node);
    free_updates(updates, count);
}

/* Whether there is room for one more; answers when not, or when there is nothing to do. */
static bool is_welcome(struct master *master, uint64_t request, size_t count) {
    if (count == 0)
        emit_answer(master, request, 200, (struct text){0});
    else if (count > ROLES_PER_CALL_LIMIT)
        emit_answer(master, request, 400, TEXT("more than 1000 roles in one call"));
    else if (master->roles->changes.count >= ROLE_CHANGES_LIMIT)
        emit_answer(master, request, 503, TEXT("the registry is behind: try again later"));
    else
        return true;
    return false;
}

/* The numbers of the roles, which are never given back: when all else is right. */
static bool settle(struct master *master, struct role_update *updates, size_t count,
                   struct error *why) {
    for (size_t i = 0; i < count; i++) {
        struct role_node *node = updates[i].node;
        if (!kinds_intern_role(master->kinds, node->path, &node->role, why))
            return false;
    }
    return true;
}

static bool hold(struct master *master, struct role_update *update, struct text path,
                 struct error *why) {
    update->node = role_tree_hold(&master->roles->tree, path);
    return update->node != NULL ||
           fail(why, ERROR_LIMIT, "more than %d roles with weights and quota", ROLE_NODES_LIMIT);
}

static void refuse(struct master *master, uint64_t request, int status, const struct error *why) {
    emit_answer(master, request, status, text_of(why->message));
}

void role_book_update_weights(struct master *master, uint64_t request,
                              const struct operator_call *call) {
    struct error why;
    if (!is_welcome(master, request, call->weight_count))
        return;
    struct role_update *updates = NEW_ARRAY(struct role_update, call->weight_count);
    bool is_right = true;
    size_t held = 0;
    for (size_t i = 0; is_right && i < call->weight_count; i++) {
        const struct role_weight *weight = &call->weights[i];
        is_right = role_check_weight(weight, &updates[i].weight_milli, &why) &&
                   hold(master, &updates[i], weight->role, &why);
        held += is_right;
    }
    if (!is_right || !settle(master, updates, held, &why)) {
        release(master, updates, held);
        refuse(master, request, 400, &why);
        return;
    }
    for (size_t i = 0; i < held; i++)
        updates[i].node->next.weight_milli = updates[i].weight_milli;
    store(master, request, false, updates, held);
}

/* --- quota: each role of the call is put into the tree, and out again when one of them is wrong */

static bool try_quota(struct master *master, const struct role_quota *quota, bool force,
                      struct role_update *update, struct error *why) {
    struct role_tree *tree = &master->roles->tree;
    if (!role_check_name(quota->role, why) || !role_check_lines(master, quota, why) ||
        !role_check_legacy(role_tree_find(tree, quota->role), quota, why) ||
        !hold(master, update, quota->role, why))
        return false;
    if (!read_lines(master, quota->lines, quota->line_count, &update->quota, why) ||
        (!force && !quota->is_set_quota &&
         !role_check_consumed(master, update->node, &update->quota, why))) {
        role_lines_fini(&update->quota);
        role_tree_release(tree, update->node);
        return false;
    }
    update->before = role_lines_copy(&update->quota);
    role_tree_swap_quota(update->node, &update->before);
    return true;
}

static void undo(struct master *master, struct role_update *updates, size_t count) {
    for (size_t i = count; i > 0; i--)
        role_tree_swap_quota(updates[i - 1].node, &updates[i - 1].before);
    release(master, updates, count);
}

/* Whether the tree is right with all of them in it. */
static bool check_together(struct master *master, const struct role_update *updates, size_t count,
                           struct error *why) {
    for (size_t i = 0; i < count; i++) {
        if (!role_tree_check(&master->roles->tree, updates[i].node, master->kinds, why))
            return false;
    }
    return true;
}

void role_book_update_quota(struct master *master, uint64_t request,
                            const struct operator_call *call) {
    const struct quantities *promised = &master->roles->tree.root.promised;
    struct error why;
    if (!is_welcome(master, request, call->quota_count))
        return;
    struct role_update *updates = NEW_ARRAY(struct role_update, call->quota_count);
    AUTO_FINI(quantities_fini) struct quantities before = quantities_copy(promised);
    size_t tried = 0;
    while (tried < call->quota_count &&
           try_quota(master, &call->quotas[tried], call->force, &updates[tried], &why))
        tried++;
    int status = 400;
    bool is_right = tried == call->quota_count && check_together(master, updates, tried, &why);
    if (is_right && !call->force && !role_check_capacity(master, &before, promised, call, &why)) {
        is_right = false;
        status = call->quotas[0].is_set_quota ? 409 : 400;
    }
    if (!is_right || !settle(master, updates, tried, &why)) {
        undo(master, updates, tried);
        refuse(master, request, status, &why);
        return;
    }
    store(master, request, true, updates, tried);
}

/* --- taking effect --- */

static void take_effect(struct master *master, struct role_change *change) {
    for (size_t i = 0; i < change->count; i++) {
        struct role_update *update = &change->updates[i];
        if (change->is_quota)
            put_quota(master, update->node, &update->quota);
        else
            put_weight(master, update->node, update->weight_milli);
    }
    role_rescue_begin(&master->roles->rescue, master,
                      change->is_quota ? ROLE_RESCUE_QUOTA : ROLE_RESCUE_WEIGHTS);
    emit_note(master, NOTE_INFO, change->is_quota ? "quota_updated" : "weights_updated",
              "roles=%zu first=%.*s", change->count, TEXT_ARGS(change->updates[0].node->path));
    emit_answer(master, change->request, 200, (struct text){0});
    release(master, change->updates, change->count);
}

void role_book_stored(struct master *master, uint64_t ticket) {
    struct role_book *book = master->roles;
    size_t done = 0;
    for (; done < book->changes.count && book->changes.items[done].ticket <= ticket; done++)
        take_effect(master, &book->changes.items[done]);
    book->changes.count -= done;
    if (done > 0 && book->changes.count > 0)
        memmove(book->changes.items, book->changes.items + done,
                book->changes.count * sizeof(*book->changes.items));
}

void role_book_step(struct master *master) {
    role_rescue_step(&master->roles->rescue, master);
}

bool role_book_is_busy(const struct master *master) {
    return master->roles->rescue.reasons != 0;
}

bool role_book_check(const struct master *master, struct error *why) {
    return role_tree_audit(&master->roles->tree, why);
}

/* --- reading --- */

static const struct role_node *node_of(const struct master *master, uint32_t role) {
    return role_tree_find(&master->roles->tree, kinds_role_text(master->kinds, role));
}

void role_book_each(const struct master *master, void (*fn)(void *self, uint32_t role),
                    void *self) {
    MAP_EACH(entry, &master->roles->tree.nodes) {
        const struct role_node *node = map_value(entry);
        if (node->now.weight_milli != ROLE_WEIGHT_PRESET_MILLI || node->now.quota.count > 0)
            fn(self, node->role);
    }
}

int64_t role_book_weight_milli(const struct master *master, uint32_t role) {
    const struct role_node *node = node_of(master, role);
    return node != NULL ? node->now.weight_milli : ROLE_WEIGHT_PRESET_MILLI;
}

const struct quota_line *role_book_quota(const struct master *master, uint32_t role,
                                         size_t *count) {
    const struct role_node *node = node_of(master, role);
    *count = node != NULL ? node->now.quota.count : 0;
    return *count > 0 ? node->now.quota.items : NULL;
}
