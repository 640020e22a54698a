/*
 * Map fields come as lists of entries, in which a key may be there twice.
 */
#include "common/wire/convert_demand.h"

#include "common/model/value_fixed.h"

#define constraint_message Mesos__V1__Scheduler__AttributeConstraint
#define role_message Mesos__V1__Scheduler__OfferConstraints__RoleConstraints

/* --- constraints --- */

static void read_selector(const Mesos__V1__Scheduler__AttributeConstraint__Selector *from,
                          struct constraint_term *out) {
    out->subject = CONSTRAINT_NOTHING;
    if (from->selector_case ==
        MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_ATTRIBUTE_NAME) {
        out->subject = CONSTRAINT_ATTRIBUTE;
        out->attribute = text_of(from->attribute_name);
    } else if (
        from->selector_case ==
        MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_PSEUDOATTRIBUTE_TYPE) {
        int type = (int)from->pseudoattribute_type;
        if (type >= CONSTRAINT_HOSTNAME && type <= CONSTRAINT_ZONE)
            out->subject = (enum constraint_subject)type;
    }
}

static void read_predicate(const Mesos__V1__Scheduler__AttributeConstraint__Predicate *from,
                           struct constraint_term *out) {
    int predicate = (int)from->predicate_case;
    if (predicate < CONSTRAINT_EXISTS || predicate > CONSTRAINT_TEXT_NOT_MATCHES)
        return;
    out->predicate = (enum constraint_predicate)predicate;
    if (predicate == CONSTRAINT_TEXT_EQUALS)
        out->value = text_of(from->text_equals->value);
    else if (predicate == CONSTRAINT_TEXT_NOT_EQUALS)
        out->value = text_of(from->text_not_equals->value);
    else if (predicate == CONSTRAINT_TEXT_MATCHES)
        out->value = text_of(from->text_matches->regex);
    else if (predicate == CONSTRAINT_TEXT_NOT_MATCHES)
        out->value = text_of(from->text_not_matches->regex);
}

static struct constraint_group read_group(
    struct wire *wire, const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *from) {
    size_t count = from->n_attribute_constraints;
    struct constraint_term *terms = ARENA_ARRAY(wire->arena, struct constraint_term, count);
    for (size_t i = 0; i < count; i++) {
        const constraint_message *constraint = from->attribute_constraints[i];
        read_selector(constraint->selector, &terms[i]);
        read_predicate(constraint->predicate, &terms[i]);
    }
    return (struct constraint_group){terms, count};
}

static void read_role(struct wire *wire, const role_message *from, struct role_constraints *out) {
    struct constraint_group *groups =
        ARENA_ARRAY(wire->arena, struct constraint_group, from->n_groups);
    for (size_t i = 0; i < from->n_groups; i++)
        groups[i] = read_group(wire, from->groups[i]);
    out->groups = groups;
    out->group_count = from->n_groups;
    size_t size = protobuf_c_message_get_packed_size(&from->base);
    char *packed = arena_alloc(wire->arena, size + 1);
    protobuf_c_message_pack(&from->base, (uint8_t *)packed);
    out->encoded = (struct text){packed, size};
}

static bool comes_again(const Mesos__V1__Scheduler__OfferConstraints *from, size_t at) {
    for (size_t i = at + 1; i < from->n_role_constraints; i++)
        if (text_equal(text_of(from->role_constraints[i]->key),
                       text_of(from->role_constraints[at]->key)))
            return true;
    return false;
}

const struct role_constraints *offer_constraints_convert(
    struct wire *wire, const Mesos__V1__Scheduler__OfferConstraints *from, size_t *count) {
    static const role_message none =
        MESOS__V1__SCHEDULER__OFFER_CONSTRAINTS__ROLE_CONSTRAINTS__INIT;
    *count = 0;
    if (from == NULL)
        return NULL;
    struct role_constraints *roles =
        ARENA_ARRAY(wire->arena, struct role_constraints, from->n_role_constraints);
    for (size_t i = 0; i < from->n_role_constraints; i++) {
        if (comes_again(from, i))
            continue;
        const role_message *value = from->role_constraints[i]->value;
        struct role_constraints *role = &roles[(*count)++];
        role->role = text_of(from->role_constraints[i]->key);
        read_role(wire, value != NULL ? value : &none, role);
    }
    return roles;
}

/* --- requests --- */

static bool count_ranges(const Mesos__V1__Value__Ranges *from, int64_t *milli) {
    uint64_t elements = 0, limit = MILLI_LIMIT / 1000;
    for (size_t i = 0; i < from->n_range; i++) {
        uint64_t begin = from->range[i]->begin, end = from->range[i]->end;
        if (end < begin || end - begin >= limit || (elements += end - begin + 1) > limit)
            return false;
    }
    *milli = (int64_t)elements * 1000;
    return true;
}

static bool read_amount(const Mesos__V1__Resource *from, struct amount *out) {
    out->name = text_of(from->name);
    if (from->name == NULL || from->name[0] == '\0')
        return false;
    if (from->type == MESOS__V1__VALUE__TYPE__SCALAR && from->scalar != NULL)
        return milli_from_double(from->scalar->value, &out->milli);
    if (from->type == MESOS__V1__VALUE__TYPE__RANGES && from->ranges != NULL)
        return count_ranges(from->ranges, &out->milli);
    if (from->type != MESOS__V1__VALUE__TYPE__SET || from->set == NULL)
        return false;
    out->milli = (int64_t)from->set->n_item * 1000;
    return true;
}

static void read_amounts(struct wire *wire, const Mesos__V1__Request *from,
                         struct resource_request *out) {
    struct amount *amounts = ARENA_ARRAY(wire->arena, struct amount, from->n_resources);
    for (size_t i = 0; i < from->n_resources; i++) {
        if (!read_amount(from->resources[i], &amounts[i])) {
            const char *name = from->resources[i]->name;
            struct text shown = text_sub(text_of(name), 0, KIND_NAME_BYTES_LIMIT);
            out->fault = text_of(arena_printf(wire->arena, "'%.*s' has no amount that makes sense",
                                              TEXT_ARGS(shown)));
            return;
        }
    }
    out->amounts = (struct amounts){amounts, from->n_resources};
}

static void read_constraints(struct wire *wire, struct text bytes, struct resource_request *out) {
    role_message *message;
    struct error error;
    if (!CONVERT_UNPACK(mesos__v1__scheduler__offer_constraints__role_constraints, wire, bytes,
                        &message, &error)) {
        out->fault =
            text_of(arena_printf(wire->arena, "its constraints are none: %s", error.message));
        return;
    }
    struct role_constraints *constraints = ARENA_NEW(wire->arena, struct role_constraints);
    read_role(wire, message, constraints);
    out->constraints = constraints;
}

const struct resource_request *requests_convert(struct wire *wire, Mesos__V1__Request *const *from,
                                                size_t count) {
    struct resource_request *requests = ARENA_ARRAY(wire->arena, struct resource_request, count);
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Request *request = from[i];
        requests[i] = (struct resource_request){
            .is_ours = request->role != NULL || request->has_count || request->has_constraints ||
                       request->name != NULL,
            .role = text_of(request->role),
            .name = text_of(request->name),
            .has_count = request->has_count != 0,
            .count = request->count,
            .agent = agent_id_of(ID_TEXT(request->agent_id)),
        };
        if (request->has_constraints)
            read_constraints(wire, bytes_text(request->constraints), &requests[i]);
        if (requests[i].fault.size == 0)
            read_amounts(wire, request, &requests[i]);
    }
    return requests;
}

/* --- offer filters --- */

static bool read_minimum(struct wire *wire, const Mesos__V1__OfferFilters__ResourceQuantities *from,
                         struct amounts *out, struct error *error) {
    struct amount *amounts = ARENA_ARRAY(wire->arena, struct amount, from->n_quantities);
    for (size_t i = 0; i < from->n_quantities; i++) {
        const Mesos__V1__Value__Scalar *scalar = from->quantities[i]->value;
        amounts[i].name = text_of(from->quantities[i]->key);
        double value = scalar != NULL ? scalar->value : 0;
        if (amounts[i].name.size == 0 || !milli_from_double(value, &amounts[i].milli))
            return fail(error, ERROR_INVALID, "an offer filter has the amount %g of '%.*s'", value,
                        TEXT_ARGS(text_sub(amounts[i].name, 0, KIND_NAME_BYTES_LIMIT)));
    }
    *out = (struct amounts){amounts, from->n_quantities};
    return true;
}

static bool read_filter(struct wire *wire, const Mesos__V1__OfferFilters *from,
                        struct role_offer_filter *out, struct error *error) {
    const Mesos__V1__OfferFilters__MinAllocatableResources *minima =
        from != NULL ? from->min_allocatable_resources : NULL;
    if (minima == NULL)
        return true;
    struct amounts *any_of = ARENA_ARRAY(wire->arena, struct amounts, minima->n_quantities);
    for (size_t i = 0; i < minima->n_quantities; i++)
        if (!read_minimum(wire, minima->quantities[i], &any_of[i], error))
            return false;
    out->has_minima = true;
    out->minima = any_of;
    out->minimum_count = minima->n_quantities;
    return true;
}

void offer_filters_convert(struct wire *wire, const Mesos__V1__FrameworkInfo *from,
                           struct framework_info *out) {
    struct error error;
    size_t count = from->n_offer_filters;
    struct role_offer_filter *filters = ARENA_ARRAY(wire->arena, struct role_offer_filter, count);
    for (size_t i = 0; i < count; i++) {
        filters[i].role = text_of(from->offer_filters[i]->key);
        if (!read_filter(wire, from->offer_filters[i]->value, &filters[i], &error)) {
            out->fault = text_of(arena_printf(wire->arena, "%s", error.message));
            return;
        }
    }
    out->offer_filters = filters;
    out->offer_filter_count = count;
}
