/*
 * Terms of all groups are in one array, the groups are counts.
 */
#include "common/model/constraints.h"

#include "common/base/mem.h"
#include "common/model/pattern.h"

struct term {
    enum constraint_subject subject;
    enum constraint_predicate predicate;
    char *attribute, *value; /* owned */
    struct pattern *pattern; /* owned; of the two that match */
};

struct constraints {
    struct term *terms;
    size_t term_count;
    size_t *group_ends; /* in terms, of each group */
    size_t group_count;
    unsigned steps; /* of each pattern */
};

void constraints_free(struct constraints *constraints) {
    if (constraints == NULL)
        return;
    for (size_t i = 0; i < constraints->term_count; i++) {
        mem_free(constraints->terms[i].attribute);
        mem_free(constraints->terms[i].value);
        pattern_free(constraints->terms[i].pattern);
    }
    mem_free(constraints->terms);
    mem_free(constraints->group_ends);
    mem_free(constraints);
}

/* --- compiling --- */

static bool has_pattern(enum constraint_predicate predicate) {
    return predicate == CONSTRAINT_TEXT_MATCHES || predicate == CONSTRAINT_TEXT_NOT_MATCHES;
}

static bool check_term(const struct constraint_term *from, struct error *error) {
    switch (from->subject) {
    case CONSTRAINT_ATTRIBUTE:
        if (from->attribute.size == 0)
            return fail(error, ERROR_INVALID, "a constraint selects an attribute without a name");
        break;
    case CONSTRAINT_HOSTNAME:
    case CONSTRAINT_REGION:
    case CONSTRAINT_ZONE: break;
    case CONSTRAINT_NOTHING:
        return fail(error, ERROR_INVALID, "a constraint's selector is empty or not known");
    }
    if (from->predicate == CONSTRAINT_UNKNOWN)
        return fail(error, ERROR_INVALID, "a constraint's predicate is empty or not known");
    if (from->attribute.size > CONSTRAINT_TEXT_BYTES_LIMIT ||
        from->value.size > CONSTRAINT_TEXT_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "a constraint has a text of more than %d bytes",
                    CONSTRAINT_TEXT_BYTES_LIMIT);
    return true;
}

static bool add_term(struct constraints *constraints, const struct constraint_term *from,
                     struct error *error) {
    if (!check_term(from, error))
        return false;
    AUTO(pattern_free) struct pattern *pattern = NULL;
    if (has_pattern(from->predicate)) {
        pattern = pattern_new(from->value, error);
        if (pattern == NULL)
            return false;
    }
    constraints->terms[constraints->term_count++] = (struct term){
        .subject = from->subject,
        .predicate = from->predicate,
        .attribute = text_dup(from->attribute),
        .value = text_dup(from->value),
        .pattern = TAKE(pattern),
    };
    return true;
}

static bool add_group(struct constraints *constraints, const struct constraint_group *group,
                      struct error *error) {
    if (group->term_count == 0)
        return fail(error, ERROR_INVALID, "a group of constraints is empty");
    for (size_t i = 0; i < group->term_count; i++)
        if (!add_term(constraints, &group->terms[i], error))
            return false;
    constraints->group_ends[constraints->group_count++] = constraints->term_count;
    return true;
}

static bool check_size(const struct role_constraints *from, size_t *terms, size_t *patterns,
                       struct error *error) {
    *terms = *patterns = 0;
    if (from->group_count == 0)
        return fail(error, ERROR_INVALID, "constraints without a group");
    if (from->group_count > CONSTRAINT_GROUPS_LIMIT)
        return fail(error, ERROR_LIMIT, "%zu groups of constraints, more than %d",
                    from->group_count, CONSTRAINT_GROUPS_LIMIT);
    for (size_t i = 0; i < from->group_count; i++) {
        const struct constraint_group *group = &from->groups[i];
        *terms += group->term_count;
        for (size_t k = 0; k < group->term_count; k++)
            *patterns += has_pattern(group->terms[k].predicate);
    }
    if (*terms > CONSTRAINT_TERMS_LIMIT)
        return fail(error, ERROR_LIMIT, "%zu constraints of one role, more than %d", *terms,
                    CONSTRAINT_TERMS_LIMIT);
    if (*patterns > CONSTRAINT_PATTERNS_LIMIT)
        return fail(error, ERROR_LIMIT, "%zu regexes in the constraints of one role, more than %d",
                    *patterns, CONSTRAINT_PATTERNS_LIMIT);
    return true;
}

struct constraints *constraints_new(const struct role_constraints *from, struct error *error) {
    size_t terms, patterns;
    if (!check_size(from, &terms, &patterns, error))
        return NULL;
    AUTO(constraints_free) struct constraints *constraints = NEW(struct constraints);
    constraints->terms = NEW_ARRAY(struct term, terms);
    constraints->group_ends = NEW_ARRAY(size_t, from->group_count);
    unsigned share = patterns > 0 ? CONSTRAINT_STEPS / (unsigned)patterns : 0;
    constraints->steps = share < PATTERN_STEPS ? share : PATTERN_STEPS;
    for (size_t i = 0; i < from->group_count; i++)
        if (!add_group(constraints, &from->groups[i], error))
            return NULL;
    return TAKE(constraints);
}

size_t constraints_bytes(const struct constraints *constraints) {
    size_t bytes = sizeof(*constraints) + constraints->term_count * sizeof(*constraints->terms);
    for (size_t i = 0; i < constraints->term_count; i++) {
        const struct term *term = &constraints->terms[i];
        bytes += strlen(term->attribute) + strlen(term->value);
        bytes += term->pattern != NULL ? pattern_bytes(term->pattern) : 0;
    }
    return bytes;
}

/* --- asking --- */

enum presence { ABSENT, PRESENT, NO_TEXT };

static enum presence text_or_absent(struct text value, struct text *text) {
    *text = value;
    return value.size > 0 ? PRESENT : ABSENT;
}

static enum presence look_up(const struct term *term, const struct constrained_agent *agent,
                             struct text *text) {
    switch (term->subject) {
    case CONSTRAINT_HOSTNAME: *text = agent->hostname; return PRESENT;
    case CONSTRAINT_REGION: return text_or_absent(agent->region, text);
    case CONSTRAINT_ZONE: return text_or_absent(agent->zone, text);
    case CONSTRAINT_ATTRIBUTE: break;
    case CONSTRAINT_NOTHING: return ABSENT;
    }
    const struct attribute *attribute =
        attributes_find(agent->attributes, text_of(term->attribute));
    if (attribute == NULL)
        return ABSENT;
    *text = text_of(attribute->text);
    return attribute->type == VALUE_TEXT ? PRESENT : NO_TEXT;
}

static bool holds(const struct term *term, const struct constrained_agent *agent, unsigned steps) {
    struct text text = {0};
    enum presence presence = look_up(term, agent, &text);
    switch (term->predicate) {
    case CONSTRAINT_EXISTS: return presence != ABSENT;
    case CONSTRAINT_NOT_EXISTS: return presence == ABSENT;
    case CONSTRAINT_TEXT_EQUALS:
        return presence == NO_TEXT ||
               (presence == PRESENT && text_equal(text, text_of(term->value)));
    case CONSTRAINT_TEXT_NOT_EQUALS:
        return presence != PRESENT || !text_equal(text, text_of(term->value));
    case CONSTRAINT_TEXT_MATCHES:
        return presence == NO_TEXT ||
               (presence == PRESENT && pattern_match(term->pattern, text, steps) == PATTERN_YES);
    case CONSTRAINT_TEXT_NOT_MATCHES:
        return presence != PRESENT || pattern_match(term->pattern, text, steps) == PATTERN_NO;
    case CONSTRAINT_UNKNOWN: break;
    }
    return false;
}

bool constraints_admit(const struct constraints *constraints,
                       const struct constrained_agent *agent) {
    size_t at = 0;
    for (size_t i = 0; i < constraints->group_count; i++) {
        size_t end = constraints->group_ends[i];
        while (at < end && holds(&constraints->terms[at], agent, constraints->steps))
            at++;
        if (at == end)
            return true;
        at = end;
    }
    return false;
}
