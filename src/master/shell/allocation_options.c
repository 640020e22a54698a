#include "master/shell/allocation_options.h"

#include "allocator/allocator.h"
#include "allocator/module/policy_module.h"
#include "common/model/resources_text.h"

static bool read_policy(const char *name, const struct mesos_allocator **out, struct error *error) {
    if (strchr(name, '/') != NULL)
        return policy_module_load(name, out, error) || fail_context(error, "--allocator");
    *out = allocator_find_policy(text_of(name));
    return *out != NULL ||
           fail(error, ERROR_INVALID,
                "--allocator: '%.100s' is none of hdrf, drf, random, nor a path with a '/'", name);
}

/* --- --min_allocatable_resources: sets of amounts, joined by '|' --- */

static bool read_minimum(struct kinds *kinds, struct text text, struct quantities *out,
                         struct error *error) {
    AUTO_FINI(resources_fini) struct resources set = {0};
    if (!resources_parse(kinds, text, TEXT("*"), &set, NULL, error))
        return false;
    quantities_of(&set, kinds, false, out);
    return out->count > 0 || fail(error, ERROR_INVALID, "an alternative asks for nothing");
}

static void drop_minimum(void *minimum) {
    quantities_fini(minimum);
}

static bool read_minima(struct kinds *kinds, struct text text, struct arena *arena,
                        struct quantities **out, size_t *count, struct error *error) {
    struct quantities *minima = ARENA_ARRAY(arena, struct quantities, ALLOCATOR_MINIMA_LIMIT);
    struct text rest = text_trim(text), one;
    *out = minima;
    *count = 0;
    if (rest.size == 0)
        return true;
    while (text_split(&rest, '|', &one)) {
        if (*count == ALLOCATOR_MINIMA_LIMIT)
            return fail(error, ERROR_LIMIT, "more than %d alternatives", ALLOCATOR_MINIMA_LIMIT);
        arena_defer(arena, drop_minimum, &minima[*count]);
        if (!read_minimum(kinds, one, &minima[*count], error))
            return false;
        ++*count;
    }
    return true;
}

bool allocation_options_check_minima(const char *value, struct error *error) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    struct quantities *minima;
    size_t count;
    return read_minima(kinds, text_of(value), arena, &minima, &count, error);
}

static void read_excluded(const char *names, struct arena *arena, struct master_options *options) {
    struct text rest = text_of(names), one;
    size_t most = 1;
    for (size_t i = 0; i < rest.size; i++)
        most += rest.data[i] == ',';
    struct text *list = ARENA_ARRAY(arena, struct text, most);
    options->excluded_names = list;
    options->excluded_name_count = 0;
    while (rest.size > 0 && text_split(&rest, ',', &one)) {
        one = text_trim(one);
        if (one.size > 0)
            list[options->excluded_name_count++] = one;
    }
}

bool allocation_options_read(const struct master_flags *flags, struct kinds *kinds,
                             struct arena *arena, struct master_options *options,
                             struct error *error) {
    struct quantities *minima;
    if (!read_policy(flags->allocator, &options->policy, error))
        return false;
    if (!read_minima(kinds, text_of(flags->min_allocatable_resources), arena, &minima,
                     &options->minimum_count, error))
        return fail_context(error, "--min_allocatable_resources");
    options->has_minima = true;
    options->minima = minima;
    read_excluded(flags->fair_sharing_excluded_resource_names, arena, options);
    options->fairness_half_life_ms = flags->fairness_half_life_ms;
    options->earmark_limit_ms = flags->earmark_timeout_ms;
    options->filter_gpu_resources = flags->filter_gpu_resources;
    return true;
}
