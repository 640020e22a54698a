/*
 * Each role that ever counted something, or has quota, is a node that knows the one above it. What
 * children need is kept as a sum at their parent, exactly (128 bits), so that a change walks one
 * path: at each node its own needs before and after, and the difference goes up. Without quota
 * anywhere there are no such sums and a change only adds up consumption.
 */
#include "allocator/quota_book.h"

#include "common/base/vec.h"

#include <stdlib.h>

struct wide {
    uint32_t name;
    __int128 milli;
};

struct wides {
    struct wide *items;
    size_t count;
    size_t capacity;
};

struct quota_node {
    struct quota_node *parent;  /* NULL for the root alone */
    struct quantities consumed; /* of itself and of all below it; unused at the root */
    struct quota_line *lines;   /* by name; none says nothing */
    size_t line_count;
    struct wides children; /* the sum of their needs; no name with nothing */
};

struct quota_book {
    const struct kinds *kinds;
    VEC_OF(struct quota_node *) nodes; /* by role; NULL: counts nothing and has no quota */
    struct quota_node root;            /* its children are the roles without a parent */
    struct wides available;            /* what is free */
    size_t roles_with_lines;
    bool holds_limits;
};

static const struct quantities nothing;

struct quota_book *quota_book_new(const struct kinds *kinds) {
    struct quota_book *book = NEW(struct quota_book);
    book->kinds = kinds;
    return book;
}

static void node_fini(struct quota_node *node) {
    quantities_fini(&node->consumed);
    mem_free(node->lines);
    VEC_FINI(&node->children);
}

void quota_book_free(struct quota_book *book) {
    if (book == NULL)
        return;
    VEC_EACH(node, &book->nodes) {
        if (*node != NULL)
            node_fini(*node);
        mem_free(*node);
    }
    VEC_FINI(&book->nodes);
    node_fini(&book->root);
    VEC_FINI(&book->available);
    mem_free(book);
}

/* --- sums --- */

static __int128 wides_get(const struct wides *wides, uint32_t name) {
    VEC_EACH(one, wides) {
        if (one->name == name)
            return one->milli;
    }
    return 0;
}

static void wides_add(struct wides *wides, uint32_t name, __int128 milli) {
    if (milli == 0)
        return;
    for (size_t i = 0; i < wides->count; i++) {
        struct wide *one = &wides->items[i];
        if (one->name != name)
            continue;
        one->milli += milli;
        if (one->milli == 0)
            VEC_REMOVE(wides, i);
        return;
    }
    VEC_PUSH(wides, (struct wide){name, milli});
}

/* --- nodes --- */

static struct quota_node *node_find(const struct quota_book *book, uint32_t role) {
    return role < book->nodes.count ? book->nodes.items[role] : NULL;
}

/* The node of the role or, when it has none, of the first above it that has one: a role without a
 * node changes nothing on the way up. */
static const struct quota_node *node_near(const struct quota_book *book, uint32_t role) {
    for (; role != ROLE_NONE; role = kinds_role_parent(book->kinds, role)) {
        const struct quota_node *node = node_find(book, role);
        if (node != NULL)
            return node;
    }
    return &book->root;
}

static void nodes_reach(struct quota_book *book, uint32_t role) {
    if (role < book->nodes.count)
        return;
    size_t more = role + (size_t)1 - book->nodes.count;
    VEC_RESERVE(&book->nodes, more);
    memset(book->nodes.items + book->nodes.count, 0, more * sizeof(book->nodes.items[0]));
    book->nodes.count += more;
}

/* The depth of roles is bounded by the length of their names. */
static struct quota_node *node_make(struct quota_book *book, uint32_t role) {
    struct quota_node *child = NULL, *made = NULL;
    for (; role != ROLE_NONE; role = kinds_role_parent(book->kinds, role)) {
        struct quota_node *node = node_find(book, role);
        bool is_new = node == NULL;
        if (is_new) {
            nodes_reach(book, role);
            node = book->nodes.items[role] = NEW(struct quota_node);
            node->parent = &book->root;
        }
        if (child != NULL)
            child->parent = node;
        if (made == NULL)
            made = node;
        if (!is_new)
            break;
        child = node;
    }
    return made;
}

/* Calls with a role that has its node already, nearly always. */
static struct quota_node *node_of(struct quota_book *book, uint32_t role) {
    struct quota_node *node = node_find(book, role);
    return node != NULL ? node : node_make(book, role);
}

static const struct quota_line *line_of(const struct quota_node *node, uint32_t name) {
    for (size_t i = 0; i < node->line_count; i++) {
        if (node->lines[i].name == name)
            return &node->lines[i];
    }
    return NULL;
}

static int64_t limit_of(const struct quota_node *node, uint32_t name) {
    const struct quota_line *line = line_of(node, name);
    return line != NULL ? line->limit_milli : INT64_MAX;
}

/* What the node's own guarantee lacks; 0 or below: nothing. */
static int64_t own_lack(const struct quota_node *node, uint32_t name) {
    const struct quota_line *line = line_of(node, name);
    return line != NULL ? line->guarantee_milli - quantities_milli(&node->consumed, name) : 0;
}

static __int128 needs_of(const struct quota_node *node, uint32_t name) {
    if (node->line_count == 0 && node->children.count == 0)
        return 0;
    __int128 own = own_lack(node, name), below = wides_get(&node->children, name);
    return own > below ? own : below;
}

/* A node of which nothing else changed hears that its children need so much more. */
static void pass_up(struct quota_node *node, uint32_t name, __int128 more) {
    for (; node != NULL && more != 0; node = node->parent) {
        __int128 before = needs_of(node, name);
        wides_add(&node->children, name, more);
        more = needs_of(node, name) - before;
    }
}

/* --- quota --- */

static int compare_lines(const void *a, const void *b) {
    const struct quota_line *left = a, *right = b;
    return (left->name > right->name) - (left->name < right->name);
}

static bool has_line(const struct quota_line *lines, size_t count, uint32_t name) {
    for (size_t i = 0; i < count; i++) {
        if (lines[i].name == name)
            return true;
    }
    return false;
}

/* Negative amounts are none; of two lines with one name the first counts; one that says nothing is
 * left out. */
static size_t copy_lines(struct quota_line *to, const struct quota_line *lines, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct quota_line line = lines[i];
        if (line.guarantee_milli < 0)
            line.guarantee_milli = 0;
        if (line.limit_milli < 0)
            line.limit_milli = 0;
        bool says_something = line.guarantee_milli > 0 || line.limit_milli < INT64_MAX;
        if (says_something && !has_line(to, kept, line.name))
            to[kept++] = line;
    }
    qsort(to, kept, sizeof(*to), compare_lines);
    return kept;
}

static void lift_needs(struct quota_node *node, const struct quota_line *lines, size_t count,
                       const __int128 *before) {
    for (size_t i = 0; i < count; i++)
        pass_up(node->parent, lines[i].name, needs_of(node, lines[i].name) - before[i]);
}

static __int128 *needs_before(const struct quota_node *node, const struct quota_line *lines,
                              size_t count) {
    __int128 *needs = NEW_ARRAY(__int128, count);
    for (size_t i = 0; i < count; i++)
        needs[i] = needs_of(node, lines[i].name);
    return needs;
}

/* Takes the lines. */
static void replace_lines(struct quota_node *node, struct quota_line *lines, size_t count) {
    struct quota_line *old = node->lines;
    size_t old_count = node->line_count;
    AUTO(mem_free) __int128 *before = needs_before(node, old, old_count);
    node->lines = NULL;
    node->line_count = 0;
    lift_needs(node, old, old_count, before);
    mem_free(old);

    AUTO(mem_free) __int128 *without = needs_before(node, lines, count);
    node->lines = lines;
    node->line_count = count;
    lift_needs(node, lines, count, without);
}

void quota_book_set(struct quota_book *book, uint32_t role, const struct quota_line *lines,
                    size_t count) {
    struct quota_line *copy = NEW_ARRAY(struct quota_line, count);
    size_t kept = copy_lines(copy, lines, count);
    struct quota_node *node = node_of(book, role);
    book->roles_with_lines += kept > 0;
    book->roles_with_lines -= node->line_count > 0;
    replace_lines(node, copy, kept);
}

bool quota_book_is_used(const struct quota_book *book) {
    return book->roles_with_lines > 0;
}

bool quota_book_has_needs(const struct quota_book *book) {
    return book->root.children.count > 0;
}

/* --- what changes --- */

static void consume_only(struct quota_book *book, struct quota_node *node,
                         const struct quantities *amounts, int sign) {
    for (; node != &book->root; node = node->parent)
        quantities_add_all(&node->consumed, amounts, sign);
}

static void consume_one(struct quota_book *book, struct quota_node *node, uint32_t name,
                        int64_t milli) {
    __int128 more = 0;
    for (; node != &book->root; node = node->parent) {
        __int128 before = needs_of(node, name);
        quantities_add(&node->consumed, name, milli);
        wides_add(&node->children, name, more);
        more = needs_of(node, name) - before;
    }
    wides_add(&book->root.children, name, more);
}

void quota_book_consume(struct quota_book *book, uint32_t role, const struct quantities *amounts,
                        int sign) {
    struct quota_node *node = node_of(book, role);
    if (!quota_book_is_used(book)) {
        consume_only(book, node, amounts, sign);
        return;
    }
    for (size_t i = 0; i < amounts->count; i++)
        consume_one(book, node, amounts->items[i].name, amounts->items[i].milli * sign);
}

void quota_book_add_free(struct quota_book *book, const struct quantities *amounts, int sign) {
    for (size_t i = 0; i < amounts->count; i++)
        wides_add(&book->available, amounts->items[i].name,
                  (__int128)amounts->items[i].milli * sign);
}

void quota_book_hold_limits(struct quota_book *book, bool is_held) {
    book->holds_limits = is_held;
}

/* --- what may be given --- */

/* How much of one name may be given to a role. */
struct room {
    int64_t below_limit; /* INT64_MAX: no limit on the path */
    const struct quota_node *limited_by;
    __int128 needed; /* so much of it is kept for this very path: it takes nothing from others */
    bool is_kept;    /* something is kept, so that `spare` counts */
    __int128 spare;  /* what is left over for anybody; 0 when too much is promised */
};

/* One step up: what giving to the path brings nearer at this node, when at its child it brings
 * nearer `relief`. The parts of the node's needs are what its own guarantee lacks and what its
 * children need; only what lowers the larger of the two counts. */
static __int128 relief_at(const struct quota_node *node, uint32_t name, __int128 relief) {
    if (node->line_count == 0)
        return relief;
    __int128 own = own_lack(node, name), below = wides_get(&node->children, name);
    return own > below ? own - (below - relief) : relief;
}

static struct room room_of(const struct quota_book *book, const struct quota_node *node,
                           uint32_t name) {
    struct room room = {.below_limit = INT64_MAX};
    for (; node != &book->root; node = node->parent) {
        int64_t limit = limit_of(node, name);
        if (limit < INT64_MAX) {
            int64_t left = limit - quantities_milli(&node->consumed, name);
            left = left > 0 && !book->holds_limits ? left : 0;
            if (left < room.below_limit) {
                room.below_limit = left;
                room.limited_by = node;
            }
        }
        room.needed = relief_at(node, name, room.needed);
    }
    __int128 kept = wides_get(&book->root.children, name);
    room.is_kept = kept > 0;
    if (room.is_kept) {
        __int128 spare = wides_get(&book->available, name) - kept;
        room.spare = spare > 0 ? spare : 0;
    }
    return room;
}

static int64_t within_headroom(const struct room *room) {
    __int128 most = room->needed + room->spare;
    return !room->is_kept || most > INT64_MAX ? INT64_MAX : (int64_t)most;
}

static uint32_t role_of(const struct quota_book *book, uint32_t role,
                        const struct quota_node *node) {
    while (node_find(book, role) != node)
        role = kinds_role_parent(book->kinds, role);
    return role;
}

/* Whether `left` of what is asked leaves less of it than the verdict so far. */
static bool is_tighter(int64_t left, int64_t asked, const struct quota_verdict *verdict,
                       int64_t verdict_asked) {
    return verdict->answer == QUOTA_ALLOWS ||
           (__int128)left * verdict_asked < (__int128)verdict->room_milli * asked;
}

struct quota_verdict quota_book_ask(const struct quota_book *book, uint32_t role,
                                    const struct quantities *amounts) {
    struct quota_verdict verdict = {.answer = QUOTA_ALLOWS, .role = ROLE_NONE};
    if (!quota_book_is_used(book))
        return verdict;
    const struct quota_node *node = node_near(book, role);
    int64_t verdict_asked = 1;
    for (size_t i = 0; i < amounts->count; i++) {
        struct quantity one = amounts->items[i];
        struct room room = room_of(book, node, one.name);
        int64_t headroom = within_headroom(&room);
        if (one.milli > room.below_limit &&
            is_tighter(room.below_limit, one.milli, &verdict, verdict_asked)) {
            verdict = (struct quota_verdict){
                QUOTA_LIMIT, one.name, role_of(book, role, room.limited_by), room.below_limit};
            verdict_asked = one.milli;
        }
        if (one.milli > headroom && is_tighter(headroom, one.milli, &verdict, verdict_asked)) {
            verdict = (struct quota_verdict){QUOTA_HEADROOM, one.name, ROLE_NONE, headroom};
            verdict_asked = one.milli;
        }
    }
    return verdict;
}

void quota_book_cut(const struct quota_book *book, uint32_t role, struct quantities *amounts) {
    if (!quota_book_is_used(book))
        return;
    const struct quota_node *node = node_near(book, role);
    size_t kept = 0;
    for (size_t i = 0; i < amounts->count; i++) {
        struct quantity one = amounts->items[i];
        struct room room = room_of(book, node, one.name);
        int64_t headroom = within_headroom(&room);
        int64_t most = headroom < room.below_limit ? headroom : room.below_limit;
        if (one.milli > most)
            one.milli = most;
        if (one.milli > 0)
            amounts->items[kept++] = one;
    }
    amounts->count = kept;
}

bool quota_book_serves_need(const struct quota_book *book, uint32_t role,
                            const struct quantities *amounts) {
    if (!quota_book_has_needs(book))
        return false;
    const struct quota_node *node = node_near(book, role);
    for (size_t i = 0; i < amounts->count; i++) {
        if (amounts->items[i].milli > 0 && room_of(book, node, amounts->items[i].name).needed > 0)
            return true;
    }
    return false;
}

/* --- for those who look --- */

int64_t quota_book_lack(const struct quota_book *book, uint32_t name) {
    __int128 lack = wides_get(&book->root.children, name) - wides_get(&book->available, name);
    return lack <= 0 ? 0 : lack < INT64_MAX ? (int64_t)lack : INT64_MAX;
}

const struct quantities *quota_book_consumed(const struct quota_book *book, uint32_t role) {
    const struct quota_node *node = node_find(book, role);
    return node != NULL ? &node->consumed : &nothing;
}

size_t quota_book_lines(const struct quota_book *book, uint32_t role,
                        const struct quota_line **lines) {
    const struct quota_node *node = node_find(book, role);
    *lines = node != NULL ? node->lines : NULL;
    return node != NULL ? node->line_count : 0;
}
