/*
 * --attribute becomes a constraint; what an agent has as a number is no text to the master, so such
 * offers still come and are looked at here.
 */
#include "cli/task_request.h"

#include "common/base/text.h"

#include <string.h>

#define CONSTRAINT(name) mesos__v1__scheduler__attribute_constraint##name##__init

typedef Mesos__V1__Scheduler__AttributeConstraint constraint_type;
typedef Mesos__V1__Scheduler__AttributeConstraint__Selector selector_type;
typedef Mesos__V1__Scheduler__AttributeConstraint__Predicate predicate_type;
typedef Mesos__V1__Scheduler__AttributeConstraint__Predicate__TextEquals equals_type;
typedef Mesos__V1__Scheduler__OfferConstraints__RoleConstraints role_type;
typedef Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group group_type;

static Mesos__V1__Resource *amount(struct arena *arena, const char *name, double value) {
    Mesos__V1__Value__Scalar *scalar = ARENA_NEW(arena, Mesos__V1__Value__Scalar);
    Mesos__V1__Resource *resource = ARENA_NEW(arena, Mesos__V1__Resource);
    mesos__v1__value__scalar__init(scalar);
    mesos__v1__resource__init(resource);
    scalar->value = value;
    resource->name = arena_string(arena, text_of(name));
    resource->type = MESOS__V1__VALUE__TYPE__SCALAR;
    resource->scalar = scalar;
    return resource;
}

static constraint_type *constraint(struct arena *arena, const char *pair) {
    struct text value = text_of(pair), name;
    text_split(&value, '=', &name);
    constraint_type *constraint = ARENA_NEW(arena, constraint_type);
    selector_type *selector = ARENA_NEW(arena, selector_type);
    predicate_type *predicate = ARENA_NEW(arena, predicate_type);
    equals_type *equals = ARENA_NEW(arena, equals_type);
    CONSTRAINT()(constraint);
    CONSTRAINT(__selector)(selector);
    CONSTRAINT(__predicate)(predicate);
    CONSTRAINT(__predicate__text_equals)(equals);
    selector->selector_case =
        MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_ATTRIBUTE_NAME;
    selector->attribute_name = arena_string(arena, name);
    equals->value = arena_string(arena, value);
    predicate->predicate_case =
        MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_EQUALS;
    predicate->text_equals = equals;
    constraint->selector = selector;
    constraint->predicate = predicate;
    return constraint;
}

/* One group: all of the attributes. */
static void set_constraints(const struct task_terms *terms, struct arena *arena,
                            Mesos__V1__Request *request) {
    const struct flag_strings *attributes = &terms->attributes;
    if (attributes->items.count == 0)
        return;
    group_type group = MESOS__V1__SCHEDULER__OFFER_CONSTRAINTS__ROLE_CONSTRAINTS__GROUP__INIT;
    role_type role = MESOS__V1__SCHEDULER__OFFER_CONSTRAINTS__ROLE_CONSTRAINTS__INIT;
    group_type *groups[] = {&group};
    group.attribute_constraints = ARENA_ARRAY(arena, constraint_type *, attributes->items.count);
    VEC_EACH(pair, &attributes->items)
        group.attribute_constraints[group.n_attribute_constraints++] = constraint(arena, *pair);
    role.groups = groups;
    role.n_groups = 1;
    size_t size = protobuf_c_message_get_packed_size(&role.base);
    request->has_constraints = true;
    request->constraints = (ProtobufCBinaryData){size, arena_alloc(arena, size)};
    protobuf_c_message_pack(&role.base, request->constraints.data);
}

void task_request_send(struct mesos_scheduler_driver *driver, const struct task_terms *terms,
                       const char *name, uint64_t count) {
    AUTO(arena_free) struct arena *arena = arena_new();
    Mesos__V1__Request request = MESOS__V1__REQUEST__INIT;
    Mesos__V1__Resource *resources[] = {amount(arena, "cpus", terms->cpus),
                                        amount(arena, "mem", terms->mem_megabytes),
                                        amount(arena, "disk", terms->disk_megabytes)};
    request.resources = resources;
    request.n_resources = sizeof(resources) / sizeof(resources[0]);
    request.role = arena_string(arena, text_of(terms->role));
    request.name = arena_string(arena, text_of(name));
    request.has_count = true;
    request.count = count;
    set_constraints(terms, arena, &request);
    const Mesos__V1__Request *const requests[] = {&request};
    mesos_scheduler_driver_request_resources(driver, requests, 1);
}
