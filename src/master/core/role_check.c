#include "master/core/role_check.h"

#include "common/model/roles.h"
#include "common/model/value_text.h"
#include "master/core/role_use.h"
#include "master/core/supply.h"

enum { SHOWN_BYTES = 100 };
#define WEIGHT_LEAST 0.001
/* As in Mesos: an exabyte in MB; a million millions of anything else. */
#define MOST_MB (INT64_C(1) << 40)
#define MOST (INT64_C(1000000) * 1000000)

static struct text shown(struct text name) {
    return text_sub(name, 0, SHOWN_BYTES);
}

bool role_check_name(struct text role, struct error *why) {
    const char *reason;
    return role_is_valid(role, &reason) ||
           fail(why, ERROR_INVALID, "role '%.*s' %s", TEXT_ARGS(shown(role)), reason);
}

bool role_check_weight(const struct role_weight *weight, int64_t *milli, struct error *why) {
    if (!role_check_name(weight->role, why))
        return false;
    if (!(weight->weight >= WEIGHT_LEAST && weight->weight <= ROLE_WEIGHT_MOST))
        return fail(why, ERROR_INVALID,
                    "role '%.*s': the weight %.15g is not a number from 0.001 to 1000000",
                    TEXT_ARGS(shown(weight->role)), weight->weight);
    *milli = (int64_t)(weight->weight * 1000 + 0.5);
    return true;
}

/* --- quota --- */

static int64_t most_milli(struct text name) {
    bool is_mb = text_equal(name, TEXT("mem")) || text_equal(name, TEXT("disk"));
    return (is_mb ? MOST_MB : MOST) * 1000;
}

static bool check_line(const struct master *master, struct text role,
                       const struct quota_config_line *line, struct error *why) {
    struct text name = shown(line->name);
    int64_t most = most_milli(line->name);
    uint32_t number;
    role = shown(role);
    if (line->name.size == 0 || line->name.size > KIND_NAME_BYTES_LIMIT ||
        !text_is_utf8(line->name))
        return fail(why, ERROR_INVALID, "role '%.*s': '%.*s' names no resource", TEXT_ARGS(role),
                    TEXT_ARGS(name));
    bool has_limit = line->limit_milli != INT64_MAX;
    if (line->guarantee_milli < 0 || line->guarantee_milli > most || line->limit_milli < 0 ||
        (has_limit && line->limit_milli > most))
        return fail(why, ERROR_INVALID, "role '%.*s': an amount of %.*s is not from 0 to %lld",
                    TEXT_ARGS(role), TEXT_ARGS(name), (long long)(most / 1000));
    if (line->guarantee_milli > line->limit_milli)
        return fail(why, ERROR_INVALID, "role '%.*s': the guarantee of %.*s is above its limit",
                    TEXT_ARGS(role), TEXT_ARGS(name));
    if (kinds_name_count(master->kinds) >= ROLE_NAMES_LIMIT &&
        !kinds_find_name(master->kinds, line->name, &number))
        return fail(why, ERROR_LIMIT,
                    "role '%.*s': no agent has any %.*s, and too many resources are named",
                    TEXT_ARGS(role), TEXT_ARGS(name));
    return true;
}

bool role_check_lines(const struct master *master, const struct role_quota *quota,
                      struct error *why) {
    if (quota->line_count > ROLE_LINES_LIMIT)
        return fail(why, ERROR_LIMIT, "role '%.*s': more than %d resources",
                    TEXT_ARGS(shown(quota->role)), ROLE_LINES_LIMIT);
    for (size_t i = 0; i < quota->line_count; i++) {
        if (!check_line(master, quota->role, &quota->lines[i], why))
            return false;
    }
    return true;
}

bool role_check_legacy(const struct role_node *node, const struct role_quota *quota,
                       struct error *why) {
    bool has_quota = node != NULL && node->next.quota.count > 0;
    bool wants_quota = quota->line_count > 0;
    if (!quota->is_set_quota || has_quota != wants_quota)
        return true;
    return fail(why, ERROR_INVALID,
                has_quota ? "role '%.*s' has a quota already" : "role '%.*s' has no quota",
                TEXT_ARGS(shown(quota->role)));
}

/* --- what force spares --- */

static const char *amount(int64_t milli, struct buf *room) {
    milli_print(milli, room);
    return buf_string(room);
}

static bool is_within(const struct master *master, uint32_t role, uint32_t above) {
    while (role != ROLE_NONE && role != above)
        role = kinds_role_parent(master->kinds, role);
    return role == above;
}

static void leave_out_offers(const struct master *master, uint32_t role, struct quantities *used) {
    MAP_EACH(entry, &master->offers) {
        const struct offer *offer = map_value(entry);
        if (is_within(master, offer->role, role))
            role_use_count(master, &offer->resources, -1, used);
    }
}

/* Some limit is lower than it was, and `used` is above it. */
static const struct quota_line *find_exceeded(const struct role_node *node,
                                              const struct role_lines *lines,
                                              const struct quantities *used) {
    for (size_t i = 0; i < lines->count; i++) {
        const struct quota_line *line = &lines->items[i];
        if (line->limit_milli < role_tree_limit(node, line->name) &&
            quantities_milli(used, line->name) > line->limit_milli)
            return line;
    }
    return NULL;
}

bool role_check_consumed(const struct master *master, const struct role_node *node,
                         const struct role_lines *lines, struct error *why) {
    AUTO_FINI(quantities_fini) struct quantities used = {0};
    uint32_t role;
    if (!kinds_find_role(master->kinds, node->path, &role))
        return true; /* nobody has heard of it */
    quantities_add_all(&used, supply_consumed(master, role), 1);
    if (find_exceeded(node, lines, &used) == NULL)
        return true;
    leave_out_offers(master, role, &used);
    const struct quota_line *line = find_exceeded(node, lines, &used);
    if (line == NULL)
        return true;
    AUTO_FINI(buf_fini) struct buf is = {0};
    AUTO_FINI(buf_fini) struct buf limit = {0};
    return fail(why, ERROR_REFUSED,
                "role '%.*s' uses %s of %.*s, above the limit of %s; force sets it nevertheless",
                TEXT_ARGS(shown(node->path)), amount(quantities_milli(&used, line->name), &is),
                TEXT_ARGS(shown(kinds_name_text(master->kinds, line->name))),
                amount(line->limit_milli, &limit));
}

/* What all agents have that are here, or may be for a moment not. */
static struct quantities capacity(const struct master *master) {
    struct quantities sum = {0};
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        for (uint32_t i = 0; agent->number != 0 && i < agent->total.count; i++) {
            const struct resource *one = &agent->total.entries[i];
            if (kind_type(one->kind) == VALUE_SCALAR && !kind_is(one->kind, KIND_IS_REVOCABLE))
                quantities_add(&sum, kinds_name(master->kinds, one->kind),
                               resource_quantity_milli(one));
        }
    }
    return sum;
}

static bool is_more(const struct quantities *promised, const struct quantities *before) {
    for (size_t i = 0; i < promised->count; i++) {
        if (promised->items[i].milli > quantities_milli(before, promised->items[i].name))
            return true;
    }
    return false;
}

/* The first role of the call that is to be guaranteed some of it. */
static struct text find_guaranteed(const struct operator_call *call, struct text name) {
    for (size_t i = 0; i < call->quota_count; i++) {
        const struct role_quota *quota = &call->quotas[i];
        for (size_t j = 0; j < quota->line_count; j++) {
            if (quota->lines[j].guarantee_milli > 0 && text_equal(quota->lines[j].name, name))
                return quota->role;
        }
    }
    return call->quota_count > 0 ? call->quotas[0].role : (struct text){0};
}

bool role_check_capacity(const struct master *master, const struct quantities *before,
                         const struct quantities *promised, const struct operator_call *call,
                         struct error *why) {
    if (!is_more(promised, before))
        return true;
    AUTO_FINI(quantities_fini) struct quantities all = capacity(master);
    for (size_t i = 0; i < promised->count; i++) {
        const struct quantity *one = &promised->items[i];
        if (one->milli <= quantities_milli(before, one->name))
            continue;
        int64_t there_milli = quantities_milli(&all, one->name);
        if (one->milli <= there_milli)
            continue;
        AUTO_FINI(buf_fini) struct buf is = {0};
        AUTO_FINI(buf_fini) struct buf there = {0};
        struct text name = kinds_name_text(master->kinds, one->name);
        return fail(why, ERROR_REFUSED,
                    "role '%.*s': the guarantees of all roles would come to %s of %.*s, and the "
                    "cluster has %s; force sets it nevertheless",
                    TEXT_ARGS(shown(find_guaranteed(call, name))), amount(one->milli, &is),
                    TEXT_ARGS(shown(name)), amount(there_milli, &there));
    }
    return true;
}
