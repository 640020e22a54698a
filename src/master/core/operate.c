/*
 * A call's resources are in kinds of its own. What an operation consumes is only looked up in the
 * master's table, for what nobody has cannot be there; what it makes is learned when everything
 * else is right, and within limits, as the table never shrinks.
 */
#include "master/core/operate.h"

#include "master/core/emit.h"
#include "master/core/offer_book.h"
#include "master/core/operation_book.h"

#include "common/model/resources_text.h"
#include "common/model/resources_translate.h"

enum { OPERATOR_FILTER_MS = 5000 }; /* on offers that are rescinded for an operator's operation */

void acceptance_fini(struct acceptance *acceptance) {
    resources_fini(&acceptance->left);
    resources_fini(&acceptance->made);
    resources_fini(&acceptance->later);
}

static void must(bool held) {
    assert(held);
    (void)held;
}

/* --- what both may do --- */

static bool reckon(const struct operation *operation, struct kinds *kinds, struct conversion *out,
                   struct error *why) {
    struct conversion_request request = {
        .kind = operation->kind,
        .resources = operation->resources,
        .source = operation->source,
        .addition = operation->addition,
        .subtract_milli = operation->subtract_milli,
    };
    if (operation->fault.size > 0)
        return fail(why, ERROR_INVALID, "%.*s", TEXT_ARGS(operation->fault));
    return conversion_of(&request, kinds, out, why);
}

/* A volume must be new to its agent. */
static bool check_new_volumes(const struct master *master, const struct agent *agent,
                              const struct kinds *kinds, const struct resources *volumes,
                              struct error *why) {
    for (uint32_t i = 0; i < volumes->count; i++) {
        const struct kind_info *info = kinds_info(kinds, volumes->entries[i].kind);
        if (volume_has_twin(info, master->kinds, &agent->total))
            return fail(why, ERROR_EXISTS, "the agent has a volume '%.*s' of this role already",
                        TEXT_ARGS(info->disk.persistence_id));
    }
    return true;
}

/* Names the first that is not there. */
static bool fail_missing(const struct master *master, const struct resources *wanted,
                         const struct resources *there, const char *where, struct error *why) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct resources single = {&wanted->entries[i], 1, 0};
        if (resources_contains(there, &single))
            continue;
        resources_print(&single, master->kinds, &shown);
        return fail(why, ERROR_NOT_FOUND, "%s %s", where, buf_string(&shown));
    }
    return fail(why, ERROR_NOT_FOUND, "%s some of it", where);
}

/* What it consumes, in the master's kinds. */
static bool find_from(const struct master *master, const struct kinds *kinds,
                      const struct conversion *asked, const struct resources *there,
                      const char *where, struct conversion *out, struct error *why) {
    if (!resources_translate(&asked->from, kinds, master->kinds, TRANSLATE_FIND, &out->from, why))
        return false;
    return resources_contains(there, &out->from) ||
           fail_missing(master, &out->from, there, where, why);
}

static size_t count_carrying(const struct resources *set) {
    size_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += set->entries[i].carry != 0;
    return count;
}

/* What it makes. `framework` pays for what the table must learn; NULL: an operator. */
static bool learn_to(struct master *master, struct framework *framework, const struct kinds *kinds,
                     const struct conversion *asked, struct conversion *out, struct error *why) {
    if (resources_translate(&asked->to, kinds, master->kinds, TRANSLATE_FIND, &out->to, why) &&
        count_carrying(&out->to) == count_carrying(&asked->to))
        return true;
    resources_clear(&out->to);
    size_t before_bytes = kinds_bytes(master->kinds);
    if (kinds_size(master->kinds) > KINDS_BY_OPERATIONS_LIMIT ||
        before_bytes > KINDS_BY_OPERATIONS_BYTES_LIMIT)
        return fail(why, ERROR_LIMIT, "the master has learned too many kinds of resources");
    if (framework != NULL && framework->kinds_taught_bytes > KINDS_PER_FRAMEWORK_BYTES_LIMIT)
        return fail(why, ERROR_LIMIT, "the framework has made too many kinds of resources");
    bool is_learned =
        resources_translate(&asked->to, kinds, master->kinds, TRANSLATE_INTERN, &out->to, why);
    if (framework != NULL)
        framework->kinds_taught_bytes += kinds_bytes(master->kinds) - before_bytes;
    return is_learned;
}

/* --- frameworks --- */

static bool subscribes(const struct framework *framework, struct text role) {
    for (size_t i = 0; i < framework->info.role_count; i++)
        if (text_equal(framework->info.roles[i], role))
            return true;
    return false;
}

/* A framework reserves for the role it was offered the resources in. */
static bool check_reservation(const struct framework *framework, struct text role,
                              const struct kind_info *info, struct error *why) {
    struct text reserved = info->reservations[info->reservation_count - 1].role;
    if (!text_equal(reserved, role))
        return fail(why, ERROR_INVALID, "it reserves for role '%.*s' what was offered to '%.*s'",
                    TEXT_ARGS(reserved), TEXT_ARGS(role));
    if (!subscribes(framework, role))
        return fail(why, ERROR_REFUSED, "the framework does not subscribe to role '%.*s'",
                    TEXT_ARGS(role));
    if (info->reservation_count > 1 &&
        !framework_can(&framework->info, FRAMEWORK_RESERVATION_REFINEMENT))
        return fail(why, ERROR_REFUSED,
                    "to refine a reservation needs the capability RESERVATION_REFINEMENT");
    return true;
}

static bool check_for_framework(const struct master *master, const struct acceptance *acceptance,
                                const struct operation *operation, const struct kinds *kinds,
                                const struct conversion *asked, struct error *why) {
    const struct framework *framework = acceptance->framework;
    struct text role = kinds_role_text(master->kinds, acceptance->role);
    if (operation->resource_role.size > 0 && !text_equal(operation->resource_role, role))
        return fail(why, ERROR_INVALID,
                    "its resources are allocated to role '%.*s', the offer to '%.*s'",
                    TEXT_ARGS(operation->resource_role), TEXT_ARGS(role));
    if (operation->kind == OPERATION_RESERVE && operation->source != NULL)
        return fail(why, ERROR_REFUSED, "only an operator may name a 'source'");
    for (uint32_t i = 0; operation->kind == OPERATION_RESERVE && i < asked->to.count; i++)
        if (!check_reservation(framework, role, kinds_info(kinds, asked->to.entries[i].kind), why))
            return false;
    if (operation->kind != OPERATION_CREATE)
        return true;
    for (uint32_t i = 0; i < asked->to.count; i++)
        if (kind_is(asked->to.entries[i].kind, KIND_IS_SHARED) &&
            !framework_can(&framework->info, FRAMEWORK_SHARED_RESOURCES))
            return fail(why, ERROR_REFUSED,
                        "a shared volume needs the capability SHARED_RESOURCES");
    return check_new_volumes(master, acceptance->agent, kinds, &asked->to, why);
}

static bool check_on_offers(struct master *master, const struct acceptance *acceptance,
                            const struct operation *operation, struct conversion *out,
                            struct error *why) {
    struct kinds *kinds = acceptance->kinds != NULL ? acceptance->kinds : master->kinds;
    AUTO_FINI(conversion_fini) struct conversion asked = {0};
    const char *reason;
    if (operation->id.size > 0 && !id_is_valid(operation->id, &reason))
        return fail(why, ERROR_INVALID, "its id %s", reason);
    if (!operation_book_has_room(acceptance->agent))
        return fail(why, ERROR_LIMIT, "too many operations are under way on the agent");
    return reckon(operation, kinds, &asked, why) &&
           check_for_framework(master, acceptance, operation, kinds, &asked, why) &&
           find_from(master, kinds, &asked, &acceptance->left, "the offers lack", out, why) &&
           learn_to(master, acceptance->framework, kinds, &asked, out, why);
}

void operate_on_offers(struct master *master, struct acceptance *acceptance,
                       const struct operation *operation) {
    AUTO_FINI(conversion_fini) struct conversion conversion = {0};
    struct operation_terms terms = {
        .framework = acceptance->framework,
        .role = acceptance->role,
        .agent = acceptance->agent,
        .kind = operation->kind,
        .id = operation->id,
        .conversion = &conversion,
    };
    struct error why;
    if (!check_on_offers(master, acceptance, operation, &conversion, &why)) {
        operation_book_refuse(master, &terms, why.message);
        return;
    }
    operation_book_apply(master, &terms);
    bool is_resized =
        operation->kind == OPERATION_GROW_VOLUME || operation->kind == OPERATION_SHRINK_VOLUME;
    must(resources_subtract(&acceptance->left, &conversion.from));
    resources_subtract_common(&acceptance->made, &conversion.from);
    must(resources_add(is_resized ? &acceptance->later : &acceptance->left, &conversion.to));
    if (!is_resized)
        must(resources_add(&acceptance->made, &conversion.to));
}

/* --- operators --- */

static struct resources free_of(const struct agent *agent) {
    struct resources free = resources_copy(&agent->total);
    resources_subtract_common(&free, &agent->used);
    resources_subtract_common(&free, &agent->offered);
    return free;
}

/* Takes back the offers that hold some of it, until it is free. */
static void set_free(struct master *master, struct agent *agent, const struct resources *wanted) {
    AUTO_FINI(resources_fini) struct resources free = free_of(agent);
    AUTO_FINI(resources_fini) struct resources missing = resources_copy(wanted);
    resources_subtract_common(&missing, &free);
    LIST_EACH(link, &agent->offers) {
        struct offer *offer = CONTAINER_OF(link, struct offer, by_agent);
        AUTO_FINI(resources_fini) struct resources before = resources_copy(&missing);
        resources_subtract_common(&missing, &offer->resources);
        if (!resources_equal(&missing, &before))
            offer_book_rescind_for(master, offer, OPERATOR_FILTER_MS);
        if (resources_is_empty(&missing))
            return;
    }
}

static bool check_by_operator(struct master *master, struct agent *agent,
                              const struct operator_call *call, struct conversion *out,
                              struct error *why) {
    struct kinds *kinds = call->kinds != NULL ? call->kinds : master->kinds;
    AUTO_FINI(conversion_fini) struct conversion asked = {0};
    AUTO_FINI(resources_fini) struct resources there = resources_copy(&agent->total);
    resources_subtract_common(&there, &agent->used);
    if (!reckon(&call->operation, kinds, &asked, why))
        return false;
    if (call->operation.kind == OPERATION_CREATE &&
        !check_new_volumes(master, agent, kinds, &asked.to, why))
        return false;
    return find_from(master, kinds, &asked, &there, "what nobody uses on the agent lacks", out,
                     why) &&
           learn_to(master, NULL, kinds, &asked, out, why);
}

/* As HTTP has it. */
static int code_of(const struct error *why) {
    return why->code == ERROR_NOT_FOUND || why->code == ERROR_EXISTS ? 409 : 400;
}

void operate_by_operator(struct master *master, uint64_t request,
                         const struct operator_call *call) {
    struct agent *agent =
        call->agent.text.size > 0 ? map_get_text(&master->agents, call->agent.text) : NULL;
    AUTO_FINI(conversion_fini) struct conversion conversion = {0};
    struct error why;
    if (agent == NULL || agent->peer == NULL || agent->number == 0) {
        emit_answer(master, request, 400, TEXT("No agent found with specified ID"));
        return;
    }
    if (!operation_book_has_room(agent)) {
        emit_answer(master, request, 409, TEXT("Too many operations are under way on the agent"));
        return;
    }
    if (!check_by_operator(master, agent, call, &conversion, &why)) {
        emit_answer(master, request, code_of(&why), text_of(why.message));
        return;
    }
    set_free(master, agent, &conversion.from);
    operation_book_apply(master, &(struct operation_terms){.role = ROLE_ANY,
                                                           .agent = agent,
                                                           .kind = call->operation.kind,
                                                           .conversion = &conversion});
    emit_answer(master, request, 202, (struct text){0});
}
