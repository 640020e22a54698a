#include "master/core/role_cut.h"

static size_t depth_of(struct text path) {
    size_t depth = 1;
    for (size_t i = 0; i < path.size; i++)
        depth += path.data[i] == '/';
    return depth < ROLE_COMPONENTS_LIMIT ? depth : ROLE_COMPONENTS_LIMIT;
}

void role_cut_count(struct role_cut *cut, struct text path, size_t framework_count) {
    cut->rows[depth_of(path)] += 1 + framework_count;
}

static void settle(struct role_cut *cut) {
    size_t room = ROLE_ROWS_SHOWN_LIMIT;
    cut->is_settled = true;
    while (cut->deepest < ROLE_COMPONENTS_LIMIT && cut->rows[cut->deepest] <= room)
        room -= cut->rows[cut->deepest++];
    cut->room = room;
}

bool role_cut_takes(struct role_cut *cut, struct text path, size_t framework_count) {
    if (!cut->is_settled)
        settle(cut);
    size_t depth = depth_of(path), rows = 1 + framework_count;
    bool is_shown = depth < cut->deepest || (depth == cut->deepest && rows <= cut->room);
    if (is_shown && depth == cut->deepest)
        cut->room -= rows;
    cut->left_out += !is_shown;
    return is_shown;
}
