/*
 * Kinds, set items and what is carried are numbers of a table; amounts and ranges are not.
 */
#include "common/model/resources_translate.h"

#include "common/base/mem.h"

#include <assert.h>

struct translation {
    const struct kinds *from;
    struct kinds *to;
    enum translate_mode mode;
};

static bool translate_text(const struct translation *translation, uint32_t from, uint32_t *to,
                           struct error *error) {
    struct text text = kinds_text(translation->from, from);
    if (translation->mode == TRANSLATE_INTERN)
        return kinds_intern_text(translation->to, text, to, error);
    return kinds_find_text(translation->to, text, to) ||
           fail(error, ERROR_NOT_FOUND, "nobody has '%.*s'", TEXT_ARGS(text_sub(text, 0, 100)));
}

static bool translate_kind(const struct translation *translation, uint32_t from, uint32_t *to,
                           struct error *error) {
    const struct kind_info *info = kinds_info(translation->from, from);
    if (translation->mode == TRANSLATE_INTERN)
        return kinds_intern(translation->to, info, to, error);
    *to = kinds_find(translation->to, info);
    return *to != 0 || fail(error, ERROR_NOT_FOUND, "there is no such %.*s in the cluster",
                            TEXT_ARGS(info->name));
}

static bool put_items(const struct translation *translation, const struct resource *one,
                      uint32_t kind, struct resources *out, struct error *error) {
    size_t count;
    const uint32_t *from = resource_items(one, &count);
    __attribute__((cleanup(mem_free_auto))) uint32_t *to = NEW_ARRAY(uint32_t, count);
    for (size_t i = 0; i < count; i++)
        if (!translate_text(translation, from[i], &to[i], error))
            return false;
    return resources_put_items(out, kind, to, count, error);
}

static bool put_translated(const struct translation *translation, const struct resource *one,
                           struct resources *out, struct error *error) {
    struct resource put = *one;
    if (!translate_kind(translation, one->kind, &put.kind, error))
        return false;
    if (kind_type(one->kind) == VALUE_SET)
        return put_items(translation, one, put.kind, out, error);
    if (!translate_text(translation, one->carry, &put.carry, error)) {
        if (translation->mode == TRANSLATE_INTERN)
            return false;
        put.carry = 0;
    }
    return resources_put(out, &put) || fail(error, ERROR_LIMIT, "more than can be counted");
}

bool resources_translate(const struct resources *set, const struct kinds *from, struct kinds *to,
                         enum translate_mode mode, struct resources *out, struct error *error) {
    const struct translation translation = {from, to, mode};
    assert(resources_is_empty(out));
    if (from == to) {
        resources_fini(out);
        *out = resources_copy(set);
        return true;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (!put_translated(&translation, &set->entries[i], out, error)) {
            resources_clear(out);
            return false;
        }
    }
    return true;
}
